//! Objections, consent, and rules that read what is known of a customer.

use mercer_schema::{CommerceAction, DecideRequest, PageDecision, Pin, Source, SourceKind, Timestamp};

use crate::default_placements;
use crate::testing::{Shop, boost, pin, placement, request, shown};

const DAY: i64 = Timestamp::DAY;

/// A shop in which `ann` has done everything that can leave a trace.
fn shop() -> Shop {
    let mut shop = Shop::with_products(40);
    for number in 0..40 {
        shop.change(&format!("p{number}"), |product| product.category = vec![format!("c{}", number % 5)]);
    }
    for who in ["bob", "cat", "dan"] {
        shop.buys(who, &["p1", "p2", "p3"], 20 * DAY).views(who, "p1", 9 * DAY).views(who, "p7", 9 * DAY);
    }
    shop.buys("ann", &["p1"], 2 * DAY).buys("ann", &["p9"], 70 * DAY).views("ann", "p7", 1);
    shop.acts("ann", CommerceAction::ProductAdded, &["p8"], 1).dismisses("ann", "p39");
    shop.change("p9", |product| product.repurchase_days = Some(30));
    shop.train();
    let mut row = placement("rules", SourceKind::Newest, 6);
    row.filter = Some("!customer.known || product.leaf_category in customer.categories".into());
    row.boosts = vec![boost("Yours", "product.leaf_category in customer.categories || customer.orders > 0", 9.0)];
    row.pins = vec![Pin { when: Some("customer.visits > 0".into()), ..pin("p5", 1) }];
    let mut all = default_placements();
    all.push(row);
    for kind in [SourceKind::RecentlyViewed, SourceKind::BuyAgain, SourceKind::SessionNext, SourceKind::ForYou] {
        let mut mixed = placement(&format!("{kind:?}").to_lowercase(), kind, 4);
        mixed.sources.push(Source { kind: SourceKind::Newest, weight: 0.1 });
        all.push(mixed);
    }
    shop.places(all);
    shop
}

const ALL: [&str; 7] =
    ["rules", "recentlyviewed", "buyagain", "sessionnext", "foryou", "home-for-you", "cart-buy-again"];

/// The answer without what says that somebody objected.
fn content(mut page: PageDecision) -> PageDecision {
    page.notes.retain(|note| !note.contains("objects"));
    page.placements.iter_mut().for_each(|placement| placement.control = false);
    page
}

#[test]
fn who_objects_gets_the_answer_of_an_unknown_visitor() {
    let shop = shop();
    let personal = shop.asks("ann", &ALL);
    let stranger = shop.asks("never-seen", &ALL);
    assert_ne!(personal.placements, stranger.placements, "the shop does know ann");
    let objecting = shop.decides(&DecideRequest { no_personalization: true, ..request("ann", &ALL) }, "d");
    assert!(objecting.placements.iter().all(|placement| placement.control));
    assert_eq!(objecting.notes.len(), 1);
    assert_eq!(content(objecting), content(stranger.clone()));
    assert!(stranger.placements.iter().all(|placement| !placement.control));
}

#[test]
fn the_newest_word_on_consent_counts() {
    let mut shop = shop();
    let before = shop.asks("ann", &ALL);
    shop.now = shop.now.plus(Timestamp::SECOND);
    shop.consents("ann", false);
    let refused = shop.asks("ann", &ALL);
    assert!(refused.placements.iter().all(|placement| placement.control));
    assert_eq!(content(refused), content(shop.asks("never-seen", &ALL)));
    shop.now = shop.now.plus(Timestamp::SECOND);
    shop.consents("ann", true);
    let granted = shop.asks("ann", &ALL);
    let ids = |page: &PageDecision| -> Vec<Vec<String>> {
        (0..ALL.len()).map(|number| shown(page, number).into_iter().map(str::to_owned).collect()).collect()
    };
    assert_eq!(ids(&granted), ids(&before));
}

#[test]
fn rules_see_what_a_customer_likes() {
    let mut shop = Shop::with_products(20);
    for number in 0..20 {
        shop.change(&format!("p{number}"), |product| product.category = vec![format!("c{}", number % 4)]);
    }
    shop.views("ann", "p2", DAY).views("ann", "p6", DAY);
    let mut row = placement("row", SourceKind::Newest, 4);
    row.boosts = vec![boost("You like these", "product.leaf_category in customer.categories", 50.0)];
    shop.places([row]);
    assert_eq!(shown(&shop.asks("ann", &["row"]), 0), ["p18", "p14", "p10", "p6"]);
    assert_eq!(shown(&shop.asks("eve", &["row"]), 0), ["p19", "p18", "p17", "p16"]);
}
