//! What may not be shown, and that the answer says why.

use mercer_schema::{
    Availability, DecideRequest, Explain, PageType, ProductId, SourceKind, SuppressedBecause, Timestamp,
};

use crate::testing::{Shop, placement, request, shown};

const DAY: i64 = Timestamp::DAY;

/// Why a product is not among those shown to `ann`, by `explain: full`.
fn why(shop: &Shop, request: &DecideRequest, id: &str) -> Option<SuppressedBecause> {
    let full = DecideRequest { explain: Explain::Full, ..request.clone() };
    let page = shop.decides(&full, "d");
    let brief = shop.decides(request, "d");
    for (placement, same) in page.placements.iter().zip(&brief.placements) {
        assert_eq!(placement.items, same.items, "explaining changes nothing");
        assert!(same.suppressed.is_empty());
        let told = placement.suppressed.iter().find(|entry| entry.product_id.as_str() == id);
        if told.is_some() {
            assert!(placement.items.iter().all(|item| item.product_id.as_str() != id));
            return told.map(|entry| entry.because);
        }
    }
    None
}

fn shop() -> Shop {
    let mut shop = Shop::with_products(6);
    shop.places([placement("row", SourceKind::Newest, 6)]);
    shop
}

#[test]
fn what_cannot_be_bought_is_not_shown() {
    let mut shop = shop();
    shop.change("p5", |product| product.availability = Availability::OutOfStock);
    shop.change("p4", |product| product.availability = Availability::Preorder);
    let asked = request("ann", &["row"]);
    assert_eq!(why(&shop, &asked, "p5"), Some(SuppressedBecause::OutOfStock));
    assert!(shown(&shop.decides(&asked, "d"), 0).contains(&"p4"));
    shop.places([placement("row", SourceKind::Popular, 6)]);
    shop.views("bob", "p5", DAY).views("bob", "ghost", DAY);
    assert_eq!(why(&shop, &asked, "ghost"), Some(SuppressedBecause::NotInCatalog));
}

#[test]
fn the_pages_own_products_and_their_siblings_are_not_recommended_on_it() {
    let mut shop = shop();
    for id in ["p1", "p2"] {
        shop.change(id, |product| product.group_id = Some("shirt".into()));
    }
    let mut asked = request("ann", &["row"]);
    asked.page.kind = PageType::Cart;
    asked.page.product_ids = vec![ProductId::trusted("p1"), ProductId::trusted("p5"), ProductId::trusted("unknown")];
    assert_eq!(why(&shop, &asked, "p5"), Some(SuppressedBecause::OnThisPage));
    assert_eq!(why(&shop, &asked, "p2"), Some(SuppressedBecause::OnThisPage));
    assert_eq!(shown(&shop.decides(&asked, "d"), 0), ["p4", "p3", "p0"]);
}

#[test]
fn siblings_appear_once_and_the_next_stands_in_for_one_that_cannot() {
    let mut shop = shop();
    for id in ["p2", "p3", "p5"] {
        shop.change(id, |product| product.group_id = Some("shirt".into()));
    }
    let asked = request("ann", &["row"]);
    assert_eq!(shown(&shop.decides(&asked, "d"), 0), ["p5", "p4", "p1", "p0"]);
    assert_eq!(why(&shop, &asked, "p3"), Some(SuppressedBecause::AlreadyShown));
    shop.change("p5", |product| product.availability = Availability::OutOfStock);
    assert_eq!(shown(&shop.decides(&asked, "d"), 0), ["p4", "p3", "p1", "p0"]);
}

#[test]
fn not_for_me_is_obeyed_at_once_and_by_nobody_else() {
    let mut shop = shop();
    shop.dismisses("ann", "p5");
    assert_eq!(why(&shop, &request("ann", &["row"]), "p5"), Some(SuppressedBecause::Dismissed));
    assert_eq!(shown(&shop.asks("bob", &["row"]), 0)[0], "p5");
}

#[test]
fn what_was_just_bought_comes_back_by_kind_of_product() {
    let bought = |days_ago: i64, repurchase_days: Option<u32>, id: &str| {
        let mut shop = shop();
        shop.change("p1", |product| product.group_id = Some("shirt".into()));
        shop.change("p2", |product| product.group_id = Some("shirt".into()));
        for id in ["p1", "p5"] {
            shop.change(id, |product| product.repurchase_days = repurchase_days);
        }
        shop.buys("ann", &["p5", "p1"], days_ago * DAY);
        why(&shop, &request("ann", &["row"]), id)
    };
    assert_eq!(bought(29, None, "p5"), Some(SuppressedBecause::JustBought), "a usual thing");
    assert_eq!(bought(31, None, "p5"), None);
    assert_eq!(bought(0, Some(0), "p5"), None, "wanted again at once");
    assert_eq!(bought(40, Some(365), "p5"), Some(SuppressedBecause::JustBought), "lasts a year");
    assert_eq!(bought(200, Some(365), "p5"), None);
    assert_eq!(bought(3, None, "p2"), Some(SuppressedBecause::JustBought), "the other size");
}

#[test]
fn the_shops_filter_is_obeyed_and_quoted() {
    let mut shop = shop();
    shop.change("p4", |product| product.brand = Some("Lumen".into()));
    let mut row = placement("row", SourceKind::Newest, 6);
    row.filter = Some("product.brand == 'Lumen'".into());
    shop.places([row]);
    let asked = DecideRequest { explain: Explain::Full, ..request("ann", &["row"]) };
    let page = shop.decides(&asked, "d");
    assert_eq!(shown(&page, 0), ["p4"]);
    let told = page.placements[0].suppressed.iter().find(|entry| entry.product_id.as_str() == "p3");
    assert!(told.is_none(), "products outside of the brand are not even looked at");
    let mut row = placement("row", SourceKind::Newest, 6);
    row.filter = Some("product.brand.startsWith('Lu')".into());
    shop.places([row]);
    let page = shop.decides(&asked, "d");
    assert_eq!(shown(&page, 0), ["p4"]);
    let told = page.placements[0].suppressed.iter().find(|entry| entry.product_id.as_str() == "p3").unwrap();
    assert_eq!(told.because, SuppressedBecause::Filtered);
    assert_eq!(told.detail.as_deref(), Some("product.brand.startsWith('Lu')"));
}

#[test]
fn a_filter_that_fails_says_no_and_is_told_once() {
    let mut shop = shop();
    shop.change("p3", |product| product.attributes.insert("size", "12"));
    let mut row = placement("row", SourceKind::Newest, 6);
    row.filter = Some("int(product.attributes.size) > 10".into());
    shop.places([row]);
    let page = shop.asks("ann", &["row"]);
    assert_eq!(shown(&page, 0), ["p3"]);
    assert_eq!(page.notes.len(), 1, "{:?}", page.notes);
    assert!(page.notes[0].starts_with("The filter of `row` failed for a product"), "{:?}", page.notes);
}

#[test]
fn a_filter_that_cannot_be_read_lets_nothing_through() {
    let mut shop = shop();
    let mut row = placement("row", SourceKind::Newest, 6);
    row.filter = Some("product.colour == 'red'".into());
    shop.places([row]);
    let page = shop.asks("ann", &["row"]);
    assert!(page.placements[0].items.is_empty() && page.notes[0].contains("cannot be read"), "{:?}", page.notes);
}

#[test]
fn a_selective_filter_finds_its_few_products_deep_in_the_catalog() {
    let mut shop = Shop::with_products(900);
    for number in [3, 30, 300] {
        shop.change(&format!("p{number}"), |product| product.title = "Odd one".into());
    }
    let mut row = placement("row", SourceKind::Newest, 4);
    row.filter = Some("product.title.startsWith('Odd')".into());
    shop.places([row]);
    let page = shop.asks("ann", &["row"]);
    assert_eq!(shown(&page, 0), ["p300", "p30", "p3"]);
    assert_eq!(page.placements[0].next, None);
}

#[test]
fn a_filter_that_nothing_fits_is_not_asked_for_ever() {
    let mut shop = Shop::with_products(2_500);
    let mut row = placement("row", SourceKind::Popular, 4);
    row.fallback = vec![SourceKind::Newest];
    row.filter = Some("product.title == 'nobody'".into());
    for number in 0..700 {
        shop.views("bob", &format!("p{number}"), DAY);
    }
    shop.places([row.clone()]);
    let page = shop.asks("ann", &["row"]);
    assert!(page.placements[0].items.is_empty());
    assert!(page.notes[0].contains("stopped there"), "{:?}", page.notes);
    row.filter = Some("product.title == 'nobody' && 'Lamps' in product.category".into());
    shop.places([row]);
    assert_eq!(shop.asks("ann", &["row"]).notes, Vec::<String>::new());
}

#[test]
fn what_was_left_over_is_told_up_to_a_hundred() {
    let mut shop = Shop::with_products(900);
    shop.places([placement("row", SourceKind::Newest, 3)]);
    let page = shop.decides(&DecideRequest { explain: Explain::Full, ..request("ann", &["row"]) }, "d");
    let suppressed = &page.placements[0].suppressed;
    assert!(suppressed.len() <= 100 && suppressed.len() >= 90);
    assert!(suppressed.iter().all(|entry| entry.because == SuppressedBecause::RankedLower));
    assert_eq!(suppressed[0].product_id.as_str(), "p896");
}
