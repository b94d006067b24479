//! Vectors of products from a file: a product without sales competes by its own, and no decision needs the file again.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::path::Path;

use mercer_engine::{ModelOptions, Outcome};
use mercer_schema::{
    Activity, Commerce, CommerceAction, CustomerId, DecideRequest, Event, Line, Order, OrderId, Placement, PlacementId,
    Product, ProductId, Source, SourceKind, Visitor,
};
use support::{Shop, at, decision_id, event, tester};

const CUSTOMERS: u64 = 80;

/// Nothing but a name that no other product has a word of.
fn product(number: u64) -> Product {
    Product::new(ProductId::trusted(format!("p{number}")), format!("Word{number}"))
}

fn visitor(customer: u64) -> Visitor {
    Visitor { customer_id: Some(CustomerId::trusted(format!("c{customer}"))), anonymous_id: None }
}

/// Customers of even numbers take products of even numbers, others the others.
fn order(number: u64) -> Event {
    let customer = number % CUSTOMERS;
    let line = |step: u64| Line {
        product_id: ProductId::trusted(format!(
            "p{}",
            customer % 2 + 2 * ((customer / 2 + step * 7 + number / CUSTOMERS) % 30)
        )),
        quantity: 1,
        price: None,
        position: None,
    };
    let commerce = Commerce {
        action: CommerceAction::OrderCompleted,
        lines: (0..4).map(line).collect(),
        order: Some(Order { id: OrderId::trusted(format!("o{number}")), total: None }),
        query: None,
        list: None,
    };
    event(&format!("m{number}"), visitor(customer), at(number * 3_000), Activity::Commerce(commerce))
}

/// Products 60 and 61 are in the catalog and nobody took them; 62 and 63 come later. One axis a taste.
fn write_vectors(path: &Path) {
    let vector = |number: u64| format!("\"p{number}\": [{}.5, {}.5]", 1 - number % 2, number % 2);
    std::fs::write(path, format!("{{{}}}", (0..64).map(vector).collect::<Vec<_>>().join(", "))).unwrap();
}

fn taste() -> Placement {
    let mut placement = mercer_engine::default_placements().remove(0);
    placement.id = PlacementId::trusted("taste");
    placement.size = 40;
    placement.sources = vec![Source { kind: SourceKind::Taste, weight: 1.0 }];
    (placement.fallback, placement.exploration, placement.learned_weights) = (Vec::new(), 0.0, false);
    placement.diversity = mercer_schema::Diversity::default();
    placement
}

async fn stocked(path: &Path, vectors: &Path) -> Shop {
    let models = ModelOptions { vectors: Some(vectors.to_owned()), ..ModelOptions::default() };
    let shop = Shop::open_with(path, models);
    shop.engine.save_products((0..62).map(product).collect(), at(0)).await.unwrap();
    shop.engine.save_placement(taste(), at(0)).await.unwrap();
    shop.engine.accept_events((0..4 * CUSTOMERS).map(order).collect(), at(1_000_000)).await.unwrap();
    shop
}

/// The new products among the tastes of a customer, best first.
fn shown(shop: &Shop, customer: u64, id: u64) -> Vec<String> {
    let request = DecideRequest {
        customer: visitor(customer).customer_id,
        placements: vec![PlacementId::trusted("taste")],
        ..DecideRequest::default()
    };
    let decision = shop.engine.decide(request, decision_id(id), at(1_100_000)).decision;
    let ids = decision.placements[0].items.iter().map(|item| item.product_id.to_string());
    ids.filter(|id| ["p60", "p61", "p62", "p63"].contains(&id.as_str())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_without_sales_competes_by_its_vector_and_replay_needs_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let vectors = folder.path().join("vectors.json");
    write_vectors(&vectors);
    let data = folder.path().join("data");
    let shop = stocked(&data, &vectors).await;
    shop.engine.train(tester(), at(1_050_000), |_| {}).await.unwrap();
    assert_eq!(shown(&shop, 0, 0)[0], "p60");
    assert_eq!(shown(&shop, 1, 1)[0], "p61");
    // They come after the training, when the file is gone.
    std::fs::remove_file(&vectors).unwrap();
    shop.engine.save_products(vec![product(62), product(63), product(64)], at(1_060_000)).await.unwrap();
    let [even, odd] = [shown(&shop, 0, 2), shown(&shop, 1, 3)];
    let leads = |row: &[String], first: [&str; 2]| first.iter().all(|id| row[..2].contains(&(*id).to_owned()));
    assert!(leads(&even, ["p60", "p62"]) && leads(&odd, ["p61", "p63"]), "{even:?}, {odd:?}");
    drop(shop);
    let shop = Shop::open(&data);
    for id in 0..4 {
        assert!(shop.engine.replay(&decision_id(id)).unwrap().is_identical, "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn vectors_that_cannot_be_used_end_the_training_and_the_champion_serves_on() {
    let folder = tempfile::tempdir().unwrap();
    let vectors = folder.path().join("vectors.json");
    write_vectors(&vectors);
    let shop = stocked(&folder.path().join("data"), &vectors).await;
    let first = shop.engine.train(tester(), at(1_050_000), |_| {}).await.unwrap();
    // Other vectors, other lessons: the same orders do not make the two comparable.
    let text = std::fs::read_to_string(&vectors).unwrap().replace("1.5", "2.5");
    std::fs::write(&vectors, text).unwrap();
    let second = shop.engine.train(tester(), at(1_050_001), |_| {}).await.unwrap();
    assert!(second.gate.protocol.contains("Nothing fair can be said"), "{}", second.gate.protocol);
    for broken in ["{\"p1\": [1], \"p2\": [1, 2]}", "not JSON"] {
        std::fs::write(&vectors, broken).unwrap();
        let error = shop.engine.train(tester(), at(1_050_002), |_| {}).await.unwrap_err().to_string();
        assert!(error.contains("vectors.json") && error.contains("mercer embed"), "{error}");
        assert!(matches!(shop.engine.training().outcome, Some(Outcome::Failed { .. })));
    }
    assert_eq!(shop.engine.snapshot().world.models.version, Some(first.version));
}
