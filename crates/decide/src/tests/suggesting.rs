//! What is suggested: nothing hidden, where each leads, and something before the first letter.

use std::sync::Arc;

use mercer_schema::{
    AnonymousId, ReasonCode, SearchAction, SearchRule, SearchRuleId, SearchWhen, SourceKind, SuggestAnswer,
    SuggestRequest, Timestamp,
};
use mercer_search::Language;

use super::searching::shop;
use crate::testing::Shop;
use crate::{SearchRules, suggest};

const DAY: i64 = Timestamp::DAY;

fn asks(shop: &Shop, who: &str, text: &str) -> SuggestAnswer {
    let request = SuggestRequest { anonymous_id: Some(AnonymousId::trusted(who)), ..typed(text) };
    suggest(&shop.world, &request, shop.now)
}

fn typed(text: &str) -> SuggestRequest {
    SuggestRequest { q: text.to_owned(), ..SuggestRequest::default() }
}

fn ids(answer: &SuggestAnswer) -> Vec<&str> {
    answer.items.iter().map(|item| item.product_id.as_str()).collect()
}

fn with(mut shop: Shop, when: SearchWhen, then: SearchAction) -> Shop {
    let rule = SearchRule {
        id: SearchRuleId::trusted("r"),
        name: "Rule".to_owned(),
        when,
        starts_at: None,
        ends_at: None,
        then: vec![then],
        enabled: true,
    };
    shop.world.search_rules = Arc::new(SearchRules::compile(vec![rule], Language::English));
    shop
}

fn hide(products: &str) -> SearchAction {
    SearchAction::Hide { products: products.to_owned() }
}

#[test]
fn what_the_shop_hides_is_suggested_in_no_form() {
    let mut shop = shop();
    for who in ["a", "b", "c"] {
        shop.searches(who, "puma", DAY).searches(who, "running shoe", DAY);
    }
    assert_eq!(asks(&shop, "x", "pum").brands[0].products, 2);
    let shop = with(shop, SearchWhen::default(), hide("product.brand == 'Puma' || 'Mugs' in product.category"));
    let answer = asks(&shop, "x", "pum");
    assert!(answer.queries.is_empty() && answer.brands.is_empty() && answer.items.is_empty(), "{answer:?}");
    assert!(asks(&shop, "x", "mug").categories.is_empty());
    let shoes = asks(&shop, "x", "sho");
    assert_eq!(shoes.categories[0].products, 2, "what is left of it");
    assert!(shoes.queries.iter().any(|query| query.text == "running shoe"));
    assert!(ids(&shoes).iter().all(|id| ["s1", "s2", "r1"].contains(id)), "{:?}", ids(&shoes));
    assert!(ids(&asks(&shop, "x", "")).iter().all(|id| !["s3", "s4", "m1", "m2"].contains(id)));
}

#[test]
fn what_the_catalog_does_not_know_is_told_to_nobody_else() {
    let mut shop = shop();
    let unsafe_texts = ["damned mug", "mug john smith 12 baker street", "mug 4711", "mug without damned", "m1"];
    for who in ["a", "b", "c"] {
        for text in unsafe_texts.into_iter().chain(["coffee mugs", "mug coffee"]) {
            shop.searches(who, text, DAY);
        }
    }
    shop.searches("d", "mug coffee", DAY);
    let told = |who: &str, typed: &str| -> Vec<String> {
        asks(&shop, who, typed).queries.into_iter().map(|query| query.text).collect()
    };
    assert_eq!(told("x", ""), ["mug coffee"], "one of those that differ in number, the one that is typed more");
    for typed in ["mu", "dam", "john", "m1", "4711"] {
        let told = told("x", typed);
        assert!(unsafe_texts.iter().all(|text| !told.iter().any(|told| told == text)), "{typed}: {told:?}");
    }
    assert!(told("a", "dam").contains(&"damned mug".to_owned()), "one's own stays for oneself");
}

#[test]
fn a_rule_for_one_search_hides_there_only() {
    let one = SearchWhen { is: vec!["mug".into()], ..SearchWhen::default() };
    let shop = with(shop(), one, hide("product.id == 'm1'"));
    assert_eq!(ids(&asks(&shop, "x", "mug")), ["m2"]);
    assert!(ids(&asks(&shop, "x", "coffee mug")).contains(&"m1"));
}

#[test]
fn the_requests_own_filter_counts_too() {
    let shop = shop();
    let cheap = SuggestRequest { filter: Some("product.price < 60.0".into()), ..typed("sho") };
    let answer = suggest(&shop.world, &cheap, shop.now);
    assert!(ids(&answer).iter().all(|id| ["s4", "r1"].contains(id)), "{:?}", ids(&answer));
    assert_eq!(answer.categories[0].products, 1);
}

#[test]
fn places_say_what_to_ask_for_and_a_text_where_it_leads() {
    let shop = with(
        shop(),
        SearchWhen { is: vec!["returns".into()], ..SearchWhen::default() },
        SearchAction::Redirect { url: "/help/returns".into() },
    );
    let answer = asks(&shop, "x", "sh");
    assert_eq!(answer.categories[0].url, "?category=Sport%20%3E%20Shoes");
    assert_eq!(asks(&shop, "x", "pum").brands[0].url, "?refine.brand=Puma");
    assert_eq!(answer.redirect, None);
    assert_eq!(asks(&shop, "x", " Returns ").redirect.as_deref(), Some("/help/returns"));
}

#[test]
fn before_the_first_letter_there_are_products_with_reasons() {
    let mut shop = shop();
    shop.buys("many", &["s1", "s3"], DAY)
        .buys("others", &["m1", "m2"], 2 * DAY)
        .buys("third", &["m1", "m2"], DAY)
        .train();
    let stranger = asks(&shop, "x", "");
    assert_eq!(stranger.items.len(), 4);
    assert!(stranger.items.iter().all(|item| item.source == Some(SourceKind::Popular)));
    assert_eq!(stranger.items[0].reasons[0].code, ReasonCode::Popular);
    shop.views("anna", "m1", DAY / 24);
    let anna = asks(&shop, "anna", "");
    assert_eq!(anna.items[0].source, Some(SourceKind::ForYou), "{:?}", anna.items);
    assert!(!anna.items[0].reasons[0].text.is_empty());
    shop.dismisses("anna", anna.items[0].product_id.as_str());
    assert!(!ids(&asks(&shop, "anna", "")).contains(&anna.items[0].product_id.as_str()));
    let objects =
        SuggestRequest { no_personalization: true, anonymous_id: Some(AnonymousId::trusted("anna")), ..typed("") };
    assert_eq!(ids(&suggest(&shop.world, &objects, shop.now)), ids(&asks(&shop, "x", "")));
    let none = SuggestRequest { products: Some(0), ..typed("") };
    assert!(suggest(&shop.world, &none, shop.now).items.is_empty());
}
