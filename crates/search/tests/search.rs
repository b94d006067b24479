//! The index through its public face: what is found, in which order, and what can be typed without harm.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use mercer_schema::{Availability, Product, ProductId};
use mercer_search::{SearchIndex, SearchOptions};
use proptest::prelude::*;

fn product(id: &str, title: &str) -> Product {
    Product::new(ProductId::trusted(id), title)
}

fn index_of(products: &[Product]) -> SearchIndex {
    let index = SearchIndex::default();
    index.rebuild(products).unwrap();
    index
}

fn shop() -> SearchIndex {
    let mut heart = product("85123A", "White Hanging Heart Lantern");
    heart.category = vec!["Home".into(), "Lanterns".into()];
    let mut red = product("71053", "Red Metal Lantern");
    red.category = vec!["Home".into(), "Lanterns".into()];
    red.availability = Availability::OutOfStock;
    let mut mug = product("22423", "Crème Brûlée Mug");
    mug.category = vec!["Kitchen".into(), "Mugs".into()];
    mug.brand = Some("Regency".into());
    mug.attributes.insert("sku".into(), "MUG-7".into());
    mug.attributes.insert("colour".into(), "Teal".into());
    mug.description = "Goes well beside a lantern.".into();
    index_of(&[heart, red, mug])
}

fn ids(index: &SearchIndex, text: &str, options: &SearchOptions) -> Vec<String> {
    let page = index.search(text, options).unwrap();
    assert!(page.total >= page.hits.len() && page.hits.iter().all(|(_, score)| score.is_finite()));
    page.hits.into_iter().map(|(id, _)| id.as_str().to_owned()).collect()
}

fn found(index: &SearchIndex, text: &str) -> BTreeSet<String> {
    ids(index, text, &SearchOptions::default()).into_iter().collect()
}

fn set(ids: &[&str]) -> BTreeSet<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

#[test]
fn finds_by_every_field_and_form() {
    let shop = shop();
    for (typed, expected) in [
        ("red lanterns", set(&["71053"])),
        ("creme BRULEE", set(&["22423"])),
        ("regency", set(&["22423"])),
        ("teal mug", set(&["22423"])),
        ("home", set(&["85123A", "71053"])),
        ("a lantern for the home", set(&["85123A", "71053"])),
        ("hang", set(&["85123A"])),
    ] {
        assert_eq!(found(&shop, typed), expected, "{typed}");
    }
}

#[test]
fn the_title_counts_more_than_the_description() {
    let ranked = ids(&shop(), "lantern", &SearchOptions::default());
    assert_eq!(ranked.len(), 3);
    assert_eq!(ranked[2], "22423");
}

#[test]
fn an_exact_id_or_code_stands_on_top() {
    let index = index_of(&[product("1", "Lantern 85123A 85123A 85123A"), product("85123A", "Heart")]);
    for typed in ["85123A", " 85123a "] {
        assert_eq!(ids(&index, typed, &SearchOptions::default())[0], "85123A", "{typed}");
    }
    assert_eq!(ids(&shop(), "mug-7", &SearchOptions::default())[0], "22423");
}

#[test]
fn the_last_word_may_be_begun_and_a_slip_is_forgiven() {
    let shop = shop();
    assert_eq!(found(&shop, "red lant"), set(&["71053"]));
    assert_eq!(found(&shop, "red lantren"), set(&["71053"]));
    assert_eq!(found(&shop, "hangin heat lantern"), set(&["85123A"]));
    assert_eq!(found(&shop, "red zzzzzz"), set(&["71053"]), "any word, when no product has all");
    assert!(found(&shop, "zzzzzz").is_empty());
}

#[test]
fn filters_and_pages() {
    let shop = shop();
    let within = |category: &str| SearchOptions { category: Some(category.into()), ..SearchOptions::default() };
    assert_eq!(ids(&shop, "lantern", &within("kitchen")), ["22423"]);
    assert_eq!(ids(&shop, "lantern", &within("Home > Lanterns")).len(), 2);
    assert_eq!(ids(&shop, "", &within("Home")).len(), 2, "nothing typed browses the category");
    assert!(ids(&shop, "", &SearchOptions::default()).is_empty());
    let in_stock = SearchOptions { in_stock_only: true, ..SearchOptions::default() };
    assert_eq!(ids(&shop, "red metal", &in_stock), Vec::<String>::new());

    let page = |offset| SearchOptions { limit: 1, offset, ..SearchOptions::default() };
    let paged: Vec<String> = (0..4).flat_map(|offset| ids(&shop, "lantern", &page(offset))).collect();
    assert_eq!(paged, ids(&shop, "lantern", &SearchOptions::default()));
    assert_eq!(shop.search("lantern", &page(2)).unwrap().total, 3);
    let none = SearchOptions { limit: 0, ..SearchOptions::default() };
    assert_eq!(shop.search("lantern", &none).unwrap().total, 3);
    assert!(ids(&shop, "lantern", &page(usize::MAX)).is_empty());
}

#[test]
fn changes_are_visible_as_soon_as_commit_returns_and_not_before() {
    let index = SearchIndex::default();
    assert!(index.search("mug", &SearchOptions::default()).unwrap().hits.is_empty());
    index.commit().unwrap();
    for letter in "abcdefghij".chars() {
        // Words that are more than a slip apart from each other.
        let word = letter.to_string().repeat(8);
        index.upsert(&product("1", &word)).unwrap();
        assert!(found(&index, &word).is_empty());
        index.commit().unwrap();
        assert_eq!(found(&index, &word), set(&["1"]));
        assert_eq!(index.len(), 1, "the same product, not another one");
    }
    index.remove(&ProductId::trusted("1")).unwrap();
    index.remove(&ProductId::trusted("unknown")).unwrap();
    assert_eq!(index.len(), 1);
    index.commit().unwrap();
    assert!(index.is_empty());
}

#[test]
fn a_rebuild_leaves_nothing_behind() {
    let index = shop();
    index.upsert(&product("waiting", "Never committed lantern")).unwrap();
    index.rebuild(&[product("new", "Blue lantern"), product("new", "Green lantern")]).unwrap();
    assert_eq!(found(&index, "lantern"), set(&["new"]));
    assert_eq!(found(&index, "green "), set(&["new"]));
    assert_eq!(index.len(), 1);
}

#[test]
fn suggests_categories_and_titles_that_go_on_from_what_was_typed() {
    let shop = shop();
    let suggestions = shop.suggest("lan", 6).unwrap();
    assert_eq!(suggestions[0], "Lanterns");
    assert!(suggestions[1..].contains(&"Red Metal Lantern".to_owned()), "{suggestions:?}");
    assert_eq!(shop.suggest("red lan", 6).unwrap(), ["Red Metal Lantern"]);
    assert!(shop.suggest("lan", 0).unwrap().is_empty());
    assert!(shop.suggest("  ", 6).unwrap().is_empty());
    shop.rebuild(&[product("1", "Lantern"), product("2", "LANTERN")]).unwrap();
    assert_eq!(shop.suggest("lan", 6).unwrap().len(), 1, "no category without products, no title twice");
}

#[test]
fn nothing_that_is_typed_does_harm() {
    let shop = shop();
    let bombs = [
        "x".repeat(10_000),
        "lantern ".repeat(5_000),
        "(((((((((((((((((((".repeat(500),
        "title:* AND (a OR b) NOT c^99999 ~5 [a TO z] /.*.*.*.*/".to_owned(),
        "\u{0}\u{1}\u{7f}\r\n\t\u{202e}".to_owned(),
        "\"unterminated".to_owned(),
        "a b c d e f g h i j k l m n o p q r s t u v w x y z".to_owned(),
        "é\u{301}\u{301}\u{301}🦀🦀".to_owned(),
    ];
    for bomb in bombs {
        let started = Instant::now();
        shop.search(&bomb, &SearchOptions::default()).unwrap();
        shop.suggest(&bomb, 10).unwrap();
        assert!(started.elapsed() < Duration::from_secs(1), "{bomb:.40}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 4))]

    #[test]
    fn any_text_is_answered(text in "\\PC{0,60}", offset in 0_usize..5, limit in 0_usize..5) {
        thread_local!(static SHOP: SearchIndex = shop());
        let options = SearchOptions { offset, limit, ..SearchOptions::default() };
        SHOP.with(|shop| {
            let page = shop.search(&text, &options).unwrap();
            assert!(page.hits.len() <= limit);
            assert!(shop.suggest(&text, limit).unwrap().len() <= limit);
        });
    }
}

/// What query languages, tokenizers and stemmers stumble over, strung together.
fn hostile_text() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "lantern",
        "LANTERN",
        "lant*",
        "title:",
        "_id:",
        "\"",
        "'",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "^",
        "~2",
        "*",
        "?",
        "/",
        "\\",
        "+",
        "-",
        "!",
        "&&",
        "||",
        " AND ",
        " OR ",
        " NOT ",
        " TO ",
        " ",
        "\t",
        "\n",
        "\0",
        "\u{7f}",
        "\u{200d}",
        "\u{202e}",
        "\u{feff}",
        "é",
        "e\u{301}",
        "ß",
        "İ",
        "ﬁ",
        "日本語",
        "🦀",
        "𝔘",
        "-1",
        "1e308",
        "%",
        "..",
        ":",
        "=",
        ">",
        "<",
        "running",
        "ies",
        "sses",
    ]);
    (prop::collection::vec(piece, 0..24), 1_usize..40).prop_map(|(pieces, times)| pieces.concat().repeat(times))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 4))]

    #[test]
    fn hostile_text_is_answered(text in hostile_text(), offset in prop_oneof![0_usize..5, Just(usize::MAX)], limit in 0_usize..5) {
        thread_local!(static SHOP: SearchIndex = shop());
        let options = SearchOptions { offset, limit, ..SearchOptions::default() };
        SHOP.with(|shop| {
            let page = shop.search(&text, &options).unwrap();
            assert!(page.hits.len() <= limit && page.hits.iter().all(|(_, score)| score.is_finite()));
            assert!(shop.suggest(&text, limit).unwrap().len() <= limit);
        });
    }

    /// A catalog may hold any text too.
    #[test]
    fn hostile_products_are_found_again(titles in prop::collection::vec(hostile_text(), 1..4)) {
        let products: Vec<Product> = titles.iter().zip(0..).map(|(title, number)| {
            let mut product = product(&format!("p-{number}"), title);
            product.category = vec![title.clone()];
            product.attributes.insert(title.clone(), title.clone());
            product
        }).collect();
        let shop = index_of(&products);
        for title in &titles {
            shop.search(title, &SearchOptions::default()).unwrap();
            shop.suggest(title, 5).unwrap();
        }
    }
}
