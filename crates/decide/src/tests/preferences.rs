//! A customer's own word on how much search may know of them: in searches, suggestions and walks.

use mercer_schema::{
    Activity, AnonymousId, BrowseRequest, Explain, Preferences, SearchRequest, SourceKind, SuggestRequest, Timestamp,
};

use super::searching::{asks, by, ids, q, shop};
use crate::testing::Shop;
use crate::{browse, suggest};

const DAY: i64 = Timestamp::DAY;

/// Anna has bought the last of four shoes that are alike.
fn known(strength: Option<f64>) -> Shop {
    let mut shop = shop();
    shop.buys("anna", &["s4"], DAY).views("anna", "s4", DAY).buys("many", &["m1"], DAY).train();
    if let Some(search_strength) = strength {
        shop.happens("anna", Activity::Preferred(Preferences { search_strength }), 0);
    }
    shop
}

#[test]
fn not_at_all_is_everybodys_order_and_a_little_is_between() {
    let score = |strength: Option<f64>| {
        let shop = known(strength);
        let answer = asks(&shop, &by("anna", "running shoe"));
        let own = answer.items.iter().find(|item| item.product_id.as_str() == "s4");
        own.map(|item| item.score).unwrap_or_default()
    };
    let [not, little, usual] = [Some(0.0), Some(0.4), None].map(score);
    assert!(not < little && little < usual, "{not} {little} {usual}");
    let shop = known(Some(0.0));
    assert_eq!(ids(&asks(&shop, &by("anna", "running shoe"))), ids(&asks(&shop, &q("running shoe"))));
    let request = SearchRequest { explain: Explain::Full, ..by("anna", "running shoe") };
    let answer = asks(&shop, &request);
    assert!(answer.notes.iter().any(|note| note.contains("how much search may know")), "{:?}", answer.notes);
    assert!(answer.explanations.iter().flat_map(|told| &told.parts).all(|part| part.name != "bought_before"));
}

#[test]
fn shop_request_and_customer_multiply() {
    let score = |shop_has: f64, asked: f64, own: f64| {
        let mut shop = known(Some(own));
        shop.world.search_settings.strength = shop_has;
        let answer = asks(&shop, &SearchRequest { strength: Some(asked), ..by("anna", "running shoe") });
        answer.items.iter().find(|item| item.product_id.as_str() == "s4").map(|item| item.score).unwrap_or_default()
    };
    assert!((score(0.5, 1.0, 1.0) - score(1.0, 1.0, 0.5)).abs() < 1e-9);
    assert!((score(0.5, 2.0, 0.5) - score(1.0, 0.5, 1.0)).abs() < 1e-9);
    assert!((score(2.0, 2.0, 0.0) - score(0.0, 1.0, 1.0)).abs() < 1e-9);
}

#[test]
fn suggestions_and_walks_keep_to_it() {
    let suggested = |shop: &Shop, who: &str| {
        let request = SuggestRequest { anonymous_id: Some(AnonymousId::trusted(who)), ..SuggestRequest::default() };
        suggest(&shop.world, &request, shop.now)
    };
    let walked = |shop: &Shop, who: &str| {
        let request = BrowseRequest { anonymous_id: Some(AnonymousId::trusted(who)), ..BrowseRequest::default() };
        browse(&shop.world, &request, shop.now)
    };
    let mut usual = known(None);
    usual.searches("anna", "blue shoe", DAY);
    assert_eq!(suggested(&usual, "anna").items[0].source, Some(SourceKind::ForYou));
    assert_eq!(suggested(&usual, "anna").queries.len(), 1);
    assert_ne!(walked(&usual, "anna").tiles, walked(&usual, "x").tiles);
    let mut silent = known(Some(0.0));
    silent.searches("anna", "blue shoe", DAY);
    let answer = suggested(&silent, "anna");
    assert!(answer.queries.is_empty() && answer.items.iter().all(|item| item.source == Some(SourceKind::Popular)));
    assert_eq!(walked(&silent, "anna").tiles, walked(&silent, "x").tiles);
}
