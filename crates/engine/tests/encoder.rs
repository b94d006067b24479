//! A sentence encoder of the shop's: refused at the start when it cannot be read, asked where words find little, and replayed.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::path::{Path, PathBuf};

use mercer_decide::Encodes;
use mercer_engine::{EncoderOptions, ModelOptions, QueryEncoder};
use mercer_schema::{SearchAnswer, SearchRequest};
use support::{PRODUCTS, Shop, at, decision_id, product, tester};

/// One of chance's, which has no idea of anything.
fn options() -> EncoderOptions {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../neural/tests/encoders/bert");
    EncoderOptions { folder, prompt: String::new(), least_cosine: 0.1 }
}

fn write_vectors(path: &Path) {
    let encoder = QueryEncoder::open(&options()).unwrap();
    let vector = |number: u64| {
        let product = product(number);
        format!("\"{}\": {:?}", product.id, encoder.encode(&product.title).unwrap())
    };
    std::fs::write(path, format!("{{{}}}", (0..PRODUCTS).map(vector).collect::<Vec<_>>().join(", "))).unwrap();
}

/// Of a word that no product has.
fn search(shop: &Shop, id: u64) -> SearchAnswer {
    let request = SearchRequest { q: "candle".to_owned(), ..SearchRequest::default() };
    shop.engine.search(request, decision_id(id), at(4_000_000)).decision
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_that_the_catalog_lacks_finds_what_the_encoder_calls_near() {
    let folder = tempfile::tempdir().unwrap();
    let vectors = folder.path().join("vectors.json");
    write_vectors(&vectors);
    let data = folder.path().join("data");
    let models = ModelOptions { vectors: Some(vectors), encoder: Some(options()), ..ModelOptions::default() };
    let shop = Shop::open_with(&data, models.clone());
    shop.stock().await;
    assert_eq!(search(&shop, 0).total, 0, "nothing was trained");
    shop.engine.train(tester(), at(3_100_000), |_| {}).await.unwrap();
    let near = search(&shop, 1);
    assert!(near.total > 0 && near.total == near.query.by_meaning, "{near:?}");
    assert!(!near.ways_on.is_empty());
    // One that came after the training has no vector of the encoder's.
    shop.engine.save_products(vec![product(PRODUCTS)], at(3_200_000)).await.unwrap();
    let again = search(&shop, 2);
    assert_eq!(near.items, again.items);
    drop(shop);
    let shop = Shop::open_with(&data, models);
    for id in 0..3 {
        assert!(shop.engine.replay_search(&decision_id(id)).unwrap().is_identical, "{id}");
    }
    drop(shop);
    assert_eq!(search(&Shop::open(&data), 3).total, 0, "the shop no longer names the encoder");
}

#[test]
fn a_folder_that_cannot_be_read_is_told_with_what_to_do() {
    let folder = PathBuf::from("/no/encoder/here");
    let error = QueryEncoder::open(&EncoderOptions { folder, ..options() }).unwrap_err().to_string();
    for part in ["search.encoder", "/no/encoder/here/modules.json", "leave it empty"] {
        assert!(error.contains(part), "{error}");
    }
}
