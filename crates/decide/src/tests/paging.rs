//! `next`: the following items, each once, and no harm from a bad cursor. And the fields that come along.

use mercer_schema::{DecideRequest, SourceKind, Timestamp};

use crate::testing::{Shop, boost, pin, placement, product, request, shown};

fn next(cursor: &str) -> DecideRequest {
    DecideRequest { next: Some(cursor.to_owned()), ..request("ann", &[]) }
}

#[test]
fn pages_follow_each_other_without_repeats_to_the_end() {
    let mut shop = Shop::with_products(23);
    let mut row = placement("row", SourceKind::Newest, 5);
    row.pins = vec![pin("p2", 2)];
    row.exploration = 0.2;
    row.boosts = vec![boost("Up", "product.id == 'p9'", 3.0)];
    shop.places([row]);
    let mut page = shop.asks("ann", &["row"]);
    let mut all: Vec<String> = Vec::new();
    for number in 0..10 {
        assert_eq!(page.placements.len(), 1);
        all.extend(shown(&page, 0).into_iter().map(str::to_owned));
        let Some(cursor) = page.placements[0].next.clone() else { break };
        page = shop.decides(&next(&cursor), &format!("page{number}"));
    }
    assert_eq!(all.len(), 23);
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 23, "nothing twice, nothing missing");
}

#[test]
fn a_following_page_repeats_nothing_of_the_whole_first_page_even_when_the_shop_moves() {
    let mut shop = Shop::with_products(12);
    shop.places([placement("a", SourceKind::Newest, 3), placement("b", SourceKind::Newest, 3)]);
    let page = shop.asks("ann", &["a", "b"]);
    assert_eq!((shown(&page, 0), shown(&page, 1)), (vec!["p11", "p10", "p9"], vec!["p8", "p7", "p6"]));
    let cursor = page.placements[0].next.clone().unwrap();
    shop.now = shop.now.plus(Timestamp::HOUR);
    shop.save(product("fresh"));
    let following = shop.decides(&next(&cursor), "d2");
    assert_eq!(shown(&following, 0), ["fresh", "p5", "p4"]);
    assert_eq!(following.placements[0].placement.as_str(), "a");
}

#[test]
fn the_last_items_have_no_next() {
    let mut shop = Shop::with_products(4);
    for size in 1..6 {
        shop.places([placement("row", SourceKind::Newest, size)]);
        assert_eq!(shop.asks("ann", &["row"]).placements[0].next.is_some(), size < 4, "{size}");
    }
}

#[test]
fn a_bad_cursor_is_a_note() {
    let mut shop = Shop::with_products(9);
    shop.places([placement("row", SourceKind::Newest, 3)]);
    let cursor = shop.asks("ann", &["row"]).placements[0].next.clone().unwrap();
    for bad in ["", "junk", &cursor[1..], &format!("{cursor}A"), &"A".repeat(100_000)] {
        let page = shop.decides(&next(bad), "d2");
        assert!(page.placements.is_empty());
        assert_eq!(page.notes, ["`next` is damaged or of another version; ask for the placement anew."]);
        let both = DecideRequest { next: Some(bad.to_owned()), ..request("ann", &["row"]) };
        assert_eq!(shown(&shop.decides(&both, "d2"), 0).len(), 3);
    }
    shop.places([]);
    assert!(shop.decides(&next(&cursor), "d2").notes[0].contains("`row` is unknown"));
}

#[test]
fn only_the_fields_that_were_asked_for_come_along() {
    let mut shop = Shop::with_products(2);
    shop.places([placement("row", SourceKind::Newest, 2)]);
    let all = shop.asks("ann", &["row"]);
    assert_eq!(all.placements[0].items[0].whole_product(), Some(product("p1")));
    let fields = ["title".to_owned(), "price".to_owned(), "prize".to_owned()].to_vec();
    let some = shop.decides(&DecideRequest { fields, ..request("ann", &["row"]) }, "d");
    let item = &some.placements[0].items[0];
    assert_eq!(item.price().map(|price| price.minor), Some(1_000));
    assert_eq!(item.product.as_ref().and_then(|product| product.as_object()).map(|fields| fields.len()), Some(2));
    assert_eq!(some.notes, ["The field `prize` is unknown: no product on this page has it."]);
}
