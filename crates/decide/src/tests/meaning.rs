//! What is near in meaning: where it joins, where it never does, and that it obeys what holds for every product.

use mercer_schema::{
    Availability, Explain, ProductId, SearchAction, SearchRequest, SearchRule, SearchRuleId, SearchSort, SearchWhen,
};
use mercer_search::Language;
use proptest::prelude::*;

use super::searching::{asks, ids, q, refined};
use crate::SearchRules;
use crate::testing::{Shop, product};

const TITLES: [&str; 12] = [
    "coffee cup",
    "coffee pot",
    "tea cup",
    "tea pot",
    "tea mug",
    "red tea mug",
    "garden lantern",
    "garden candle",
    "lantern candle",
    "bench cushion",
    "garden bench",
    "red garden bench",
];

/// Things for tea and coffee, and for the garden, after a training.
fn shop() -> Shop {
    let mut shop = Shop::default();
    for (number, title) in TITLES.iter().enumerate() {
        saves(&mut shop, &format!("T{number}-100"), title);
    }
    shop.train();
    shop
}

fn saves(shop: &mut Shop, id: &str, title: &str) {
    let mut thing = product(id);
    thing.title = title.to_owned();
    thing.brand = Some(if title.contains("garden") { "Verdant" } else { "Clay" }.to_owned());
    thing.category = vec![if title.contains("garden") { "Garden" } else { "Kitchen" }.to_owned()];
    shop.save(thing);
}

fn full(text: &str) -> SearchRequest {
    SearchRequest { explain: Explain::Full, ..q(text) }
}

fn without(shop: &Shop) -> Shop {
    let mut shop = shop.clone();
    shop.world.search_settings.meaning = false;
    shop
}

#[test]
fn what_is_near_follows_what_the_words_found_and_is_told() {
    let shop = shop();
    let (with, words) = (asks(&shop, &full("coffee")), asks(&without(&shop), &full("coffee")));
    assert_eq!(words.total, 2);
    assert_eq!(ids(&with)[..2], ids(&words)[..]);
    assert!(ids(&with).contains(&"T2-100"), "the tea cup is near through cups: {:?}", ids(&with));
    assert!(!ids(&with).contains(&"T6-100"), "the lantern is not");
    assert_eq!((with.query.by_meaning, words.query.by_meaning), (with.total - 2, 0));
    for (place, told) in with.explanations.iter().enumerate() {
        let meaning = told.parts.iter().find(|part| part.name == "meaning");
        assert_eq!(meaning.is_some(), place >= 2);
        assert_eq!(told.relevance == 0.0 && told.place_by_words == 0, place >= 2);
        assert!(meaning.is_none_or(|part| (0.5..=1.01).contains(&part.value)), "{meaning:?}");
    }
    assert!(!with.ways_on.is_empty(), "what is only near is no reason to stay");
}

#[test]
fn what_has_the_words_stands_before_what_is_near_in_every_order() {
    let mut shop = shop();
    shop.change("T0-100", |product| {
        product.availability = Availability::OutOfStock;
        product.price = product.price.map(|money| mercer_schema::Money { minor: 99_900, ..money });
    });
    for customer in 0..20 {
        shop.buys(&format!("c{customer}"), &["T2-100"], 0);
    }
    shop.train();
    for sort in [SearchSort::Relevance, SearchSort::PriceUp, SearchSort::PriceDown, SearchSort::Popular] {
        let answer = asks(&shop, &SearchRequest { sort, ..q("coffee") });
        assert!(answer.query.by_meaning > 0);
        let mut first = ids(&answer)[..2].to_vec();
        first.sort_unstable();
        assert_eq!(first, ["T0-100", "T1-100"], "{sort:?}");
    }
}

#[test]
fn a_product_that_came_after_the_training_is_near_at_once_and_one_that_went_is_not() {
    let mut shop = shop();
    saves(&mut shop, "NEW-7", "glazed tea cup");
    assert!(ids(&asks(&shop, &q("coffee"))).contains(&"NEW-7"));
    shop.change("NEW-7", |product| product.title = "garden bench".to_owned());
    assert!(!ids(&asks(&shop, &q("coffee"))).contains(&"NEW-7"), "it is another thing now");
    shop.world.remove_product(&ProductId::trusted("T2-100"));
    assert!(!ids(&asks(&shop, &q("coffee"))).contains(&"T2-100"));
    shop.change("T3-100", |product| product.availability = Availability::OutOfStock);
    assert!(!ids(&asks(&shop, &q("coffee"))).contains(&"T3-100"), "nobody asked for it");
}

/// The vectors that were made before the version served are those that would be made then, whatever happened between.
#[test]
fn what_was_made_ready_before_is_brought_up_to_date() {
    let mut shop = shop();
    let models = std::sync::Arc::clone(&shop.world.models);
    models.get_ready(&shop.world.catalog);
    saves(&mut shop, "NEW-7", "glazed tea cup");
    shop.change("T3-100", |product| product.title = "garden bench".to_owned());
    shop.world.remove_product(&ProductId::trusted("T2-100"));
    let answers = |mut shop: Shop| {
        shop.world.serve(std::sync::Arc::clone(&models));
        shop.world.prepare();
        asks(&shop, &full("coffee"))
    };
    let (ready, anew) = (answers(shop.clone()), answers(shop));
    assert_eq!((&ready.items, &ready.explanations), (&anew.items, &anew.explanations));
    assert!(ids(&ready).contains(&"NEW-7") && !ids(&ready).contains(&"T2-100") && !ids(&ready).contains(&"T3-100"));
}

#[test]
fn what_is_near_obeys_filters_choices_negation_and_rules() {
    let mut shop = shop();
    let near = |shop: &Shop, request: &SearchRequest, id: &str| {
        asks(shop, request).items.iter().any(|item| item.product_id.as_str() == id)
    };
    shop.change("T2-100", |product| product.attributes.insert("colour", "crimson"));
    assert!(near(&shop, &q("coffee"), "T2-100"));
    assert!(!near(&shop, &q("coffee -crimson"), "T2-100"));
    assert!(near(&shop, &q("coffee -blue"), "T2-100"));
    assert!(!near(&shop, &SearchRequest { filter: Some("product.id != 'T2-100'".into()), ..q("coffee") }, "T2-100"));
    assert!(near(&shop, &refined("coffee", "brand", &["Clay"]), "T2-100"));
    assert!(!near(&shop, &refined("coffee", "brand", &["Verdant"]), "T2-100"));
    let rule = SearchRule {
        id: SearchRuleId::trusted("hide"),
        name: "Hide".into(),
        when: SearchWhen::default(),
        starts_at: None,
        ends_at: None,
        then: vec![SearchAction::Hide { products: "product.id == 'T2-100'".into() }],
        enabled: true,
    };
    shop.world.search_rules = std::sync::Arc::new(SearchRules::compile(vec![rule], Language::English));
    assert!(!near(&shop, &q("coffee"), "T2-100"));
}

#[test]
fn nonsense_finds_nothing_and_who_is_typing_finds_words() {
    let shop = shop();
    assert_eq!(asks(&shop, &q("zeppelin")).total, 0);
    assert_eq!(asks(&shop, &SearchRequest { typing: true, ..q("coffee") }).query.by_meaning, 0);
    assert_eq!(asks(&Shop::default(), &q("coffee")).total, 0);
}

proptest! {
    /// Codes, model numbers and brands, with whatever words beside them that belong to codes.
    #[test]
    fn what_names_something_is_answered_as_without(
        number in 0_usize..14, form in 0_usize..6, word in prop::sample::select(vec!["", "cup", "tea", "coffee"]),
    ) {
        let shop = shop();
        let code = format!("T{number}-100");
        let text = match form {
            0 => code,
            1 => code.to_lowercase().replace('-', ""),
            2 => format!("{word} {code}"),
            3 => "verdant".to_owned(),
            4 => "Clay".to_owned(),
            _ => format!("{word} dv{number}"),
        };
        let (with, words) = (asks(&shop, &full(&text)), asks(&without(&shop), &full(&text)));
        prop_assert_eq!(with, words);
    }

    #[test]
    fn words_keep_their_answer_and_what_joins_is_near(words in prop::collection::vec(prop::sample::select(vec![
        "coffee", "tea", "cup", "mug", "garden", "bench", "lantern", "red", "zeppelin", "cofee",
    ]), 1..4)) {
        let shop = shop();
        let text = words.join(" ");
        let (with, words) = (asks(&shop, &full(&text)), asks(&without(&shop), &full(&text)));
        prop_assert_eq!(&ids(&with)[..words.total], &ids(&words)[..]);
        prop_assert_eq!(with.total, words.total + with.query.by_meaning);
        let mut all = ids(&with);
        all.sort_unstable();
        all.dedup();
        prop_assert_eq!(all.len(), with.total.min(24), "none stands twice");
    }
}
