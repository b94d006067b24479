//! Boosts, pins, caps, pages of several placements, exploration.

use mercer_schema::{
    Availability, DecideRequest, Explain, PageType, Pin, Placement, PlacementId, ProductId, ReasonCode, SourceKind,
    SuppressedBecause, Timestamp,
};
use rustc_hash::FxHashMap;

use crate::testing::{Shop, boost, pin, placement, product, request, shown};

const DAY: i64 = Timestamp::DAY;

fn newest(id: &str, size: usize) -> Placement {
    placement(id, SourceKind::Newest, size)
}

fn category(shop: &mut Shop, ids: std::ops::Range<usize>, name: &str) {
    for number in ids {
        shop.change(&format!("p{number}"), |product| {
            product.category = vec![name.into()];
            product.brand = Some(format!("{name} & sons"));
        });
    }
}

#[test]
fn a_boost_lifts_by_its_factor_and_gives_its_label() {
    let mut shop = Shop::with_products(12);
    shop.change("p6", |product| product.brand = Some("Lumen".into()));
    let mut row = newest("row", 12);
    // Newest has p11 at rank 1 and p6 at rank 6: times three, it stands where rank 2 does, behind the tie.
    row.boosts = vec![boost("Summer week", "product.brand == 'Lumen'", 3.0)];
    shop.places([row.clone()]);
    let page = shop.asks("ann", &["row"]);
    assert_eq!(shown(&page, 0)[..3], ["p11", "p6", "p10"]);
    let reasons: Vec<_> =
        page.placements[0].items[1].reasons.iter().map(|reason| (reason.code, &*reason.text)).collect();
    assert_eq!(reasons, [(ReasonCode::Newest, "New in the shop"), (ReasonCode::Boosted, "Summer week")]);
    row.boosts = vec![boost("Bury it", "product.brand == 'Lumen'", 0.01)];
    shop.places([row]);
    let page = shop.asks("ann", &["row"]);
    assert_eq!(shown(&page, 0)[11], "p6");
    assert_eq!(page.placements[0].items[11].reasons.len(), 1, "sinking is no reason to show");
}

#[test]
fn boosts_look_at_four_times_the_size() {
    let mut shop = Shop::with_products(40);
    let boosted = |id: &str| format!("product.id == '{id}'");
    for (id, expected) in [("p29", "p29"), ("p30", "p30"), ("p31", "p31"), ("p27", "p39")] {
        let mut row = newest("row", 3);
        row.boosts = vec![boost("Up", &boosted(id), 100.0)];
        shop.places([row]);
        assert_eq!(shown(&shop.asks("ann", &["row"]), 0)[0], expected, "{id}");
    }
}

#[test]
fn a_pin_stands_at_its_place_for_certain() {
    let mut shop = Shop::with_products(9);
    let mut row = newest("row", 4);
    row.pins = vec![pin("p0", 2)];
    row.filter = Some("product.id != 'p0'".into());
    shop.places([row]);
    let page = shop.asks("ann", &["row"]);
    assert_eq!(shown(&page, 0), ["p8", "p0", "p7", "p6"]);
    let pinned = &page.placements[0].items[1];
    assert_eq!((pinned.source, pinned.propensity, pinned.reasons[0].code), (None, 1.0, ReasonCode::Pinned));
}

#[test]
fn a_pin_that_cannot_stand_is_told_and_its_place_filled() {
    let mut shop = Shop::with_products(9);
    shop.change("p1", |product| product.availability = Availability::OutOfStock);
    shop.dismisses("ann", "p4");
    let mut row = newest("row", 4);
    row.pins = vec![pin("p1", 1), pin("ghost", 1), pin("p3", 2), pin("p4", 1), pin("p5", 1), pin("p6", 1)];
    let (mut first, mut asked) = (newest("first", 1), request("ann", &["first", "row"]));
    first.pins = vec![pin("p3", 1)];
    asked.page.kind = PageType::Product;
    asked.page.product_ids = vec![ProductId::trusted("p5")];
    shop.places([first, row]);
    let page = shop.decides(&asked, "d");
    assert_eq!(shown(&page, 1), ["p6", "p8", "p7", "p2"]);
    for (id, why) in [
        ("p1", "out of stock"),
        ("ghost", "the catalog does not have it"),
        ("p3", "the page already shows it"),
        ("p4", "the customer does not want to see it"),
        ("p5", "the page's own product"),
    ] {
        let note =
            page.notes.iter().find(|note| note.starts_with(&format!("`{id}`"))).unwrap_or_else(|| panic!("{id}"));
        assert!(note.contains(why), "{note}");
    }
    assert_eq!(page.notes.len(), 5);
}

#[test]
fn pins_can_depend_on_the_page_and_the_customer() {
    let mut shop = Shop::with_products(5);
    let conditional = |id: &str, when: &str| Pin { when: Some(when.into()), ..pin(id, 1) };
    let mut row = newest("row", 2);
    row.pins = vec![
        conditional("p0", "page.category == 'Lamps'"),
        conditional("p1", "customer.orders > 0"),
        conditional("p2", "customer.days_since_last_order > 1"),
    ];
    shop.places([row]).buys("bob", &["p3"], DAY / 2);
    let mut lamps = request("ann", &["row"]);
    lamps.page.category = Some("Lamps".into());
    assert_eq!(shown(&shop.decides(&lamps, "d"), 0)[0], "p0");
    assert_eq!(shown(&shop.asks("bob", &["row"]), 0)[0], "p1");
    let stranger = shop.asks("ann", &["row"]);
    assert_eq!(shown(&stranger, 0)[0], "p4");
    assert_eq!(stranger.notes, Vec::<String>::new());
}

#[test]
fn pins_close_up_when_there_is_little_else() {
    let mut shop = Shop::with_products(3);
    let mut row = placement("row", SourceKind::RecentlyViewed, 10);
    row.pins = vec![pin("p0", 9), pin("p1", 5)];
    shop.places([row]);
    assert_eq!(shown(&shop.asks("ann", &["row"]), 0), ["p1", "p0"]);
}

#[test]
fn caps_make_room_for_others_and_give_way_before_holes() {
    let mut shop = Shop::with_products(12);
    category(&mut shop, 6..12, "Lamps");
    category(&mut shop, 0..3, "Mugs");
    let mut row = newest("row", 5);
    row.diversity.max_per_category = Some(2);
    shop.places([row.clone()]);
    assert_eq!(shown(&shop.asks("ann", &["row"]), 0), ["p11", "p10", "p5", "p4", "p3"], "no category is no cap");
    row.size = 9;
    shop.places([row.clone()]);
    let asked = DecideRequest { explain: Explain::Full, ..request("ann", &["row"]) };
    let page = shop.decides(&asked, "d");
    // Two of each, three without; then the caps give way, best first.
    assert_eq!(shown(&page, 0), ["p11", "p10", "p5", "p4", "p3", "p2", "p1", "p9", "p8"]);
    let held: Vec<_> =
        page.placements[0].suppressed.iter().map(|entry| (entry.product_id.as_str(), entry.because)).collect();
    let diversity = SuppressedBecause::Diversity;
    assert_eq!(held, [("p7", diversity), ("p6", diversity), ("p0", diversity)]);
    row.diversity.max_per_category = None;
    row.diversity.max_per_brand = Some(1);
    row.size = 5;
    row.pins = vec![pin("p0", 1)];
    shop.places([row]);
    assert_eq!(
        shown(&shop.asks("ann", &["row"]), 0),
        ["p0", "p11", "p5", "p4", "p3"],
        "the pin takes the brand's place"
    );
}

#[test]
fn an_earlier_placement_wins_and_a_later_one_draws_further() {
    let mut shop = Shop::with_products(10);
    shop.change("p9", |product| product.group_id = Some("g".into()));
    shop.change("p3", |product| product.group_id = Some("g".into()));
    let mut last = newest("last", 3);
    last.pins = vec![pin("p8", 1)];
    shop.places([newest("first", 4), newest("second", 4), last]);
    let asked = DecideRequest { explain: Explain::Full, ..request("ann", &["first", "second", "last"]) };
    let page = shop.decides(&asked, "d");
    assert_eq!(shown(&page, 0), ["p9", "p8", "p7", "p6"]);
    assert_eq!(shown(&page, 1), ["p5", "p4", "p2", "p1"], "p3 is a sibling of p9");
    assert_eq!(shown(&page, 2), ["p0"]);
    let told = &page.placements[1].suppressed[0];
    assert_eq!((told.product_id.as_str(), told.because), ("p9", SuppressedBecause::AlreadyShown));
    let ids: Vec<_> = page.placements.iter().map(|placement| placement.decision_id.as_str()).collect();
    assert_eq!(ids, ["d.1", "d.2", "d.3"]);
}

#[test]
fn placements_are_asked_for_by_name_and_by_group() {
    let mut shop = Shop::with_products(30);
    let mut off = newest("off", 2);
    off.enabled = false;
    shop.places([newest("a", 2), newest("b", 2), off]);
    let mut asked = request("ann", &["b", "of", "off", "b"]);
    asked.group = Some("all".into());
    let page = shop.decides(&asked, "d");
    let ids: Vec<_> = page.placements.iter().map(|placement| placement.placement.as_str()).collect();
    assert_eq!(ids, ["b", "a"]);
    assert_eq!(
        page.notes,
        ["The placement `of` is unknown; did you mean `off`?", "The placement `off` is switched off."]
    );
    let nothing = DecideRequest { group: Some("hom".into()), ..DecideRequest::default() };
    assert_eq!(shop.decides(&nothing, "d").notes, ["The group `hom` has no placement that is switched on."]);
}

/// The propensity that an answer carries is the share of answers in which the product stands at that place.
#[test]
fn propensities_equal_frequencies() {
    const ANSWERS: usize = 3_000;
    let mut shop = Shop::with_products(40);
    category(&mut shop, 30..40, "Lamps");
    category(&mut shop, 20..24, "Mugs");
    let mut row = newest("row", 5);
    row.exploration = 0.3;
    row.pins = vec![pin("p0", 3)];
    row.diversity.max_per_category = Some(2);
    row.boosts = vec![boost("Up", "product.id == 'p30'", 2.0)];
    shop.places([row]);
    let mut seen: FxHashMap<(usize, String), (usize, f64)> = FxHashMap::default();
    let mut explored = 0;
    for number in 0..ANSWERS {
        let page = shop.decides(&request("ann", &["row"]), &format!("d{number}"));
        for (place, item) in page.placements[0].items.iter().enumerate() {
            let cell = seen.entry((place, item.product_id.to_string())).or_insert((0, item.propensity));
            assert!((cell.1 - item.propensity).abs() < 1e-12, "the same product, the same place, the same probability");
            cell.0 += 1;
            explored += usize::from(item.reasons[0].code == ReasonCode::Explored);
        }
        let lamps = page.placements[0].items.iter().filter(|item| item.product_id.as_str() >= "p30").count();
        assert!(lamps <= 2, "the caps hold whatever is drawn");
    }
    for ((place, id), (count, propensity)) in &seen {
        let frequency = *count as f64 / ANSWERS as f64;
        let deviation = (propensity * (1.0 - propensity) / ANSWERS as f64).sqrt();
        assert!((frequency - propensity).abs() <= 5.0 * deviation + 1e-9, "{id} at {place}: {frequency} {propensity}");
    }
    let share = explored as f64 / (4 * ANSWERS) as f64;
    assert!((share - 0.3).abs() < 0.025, "{share}");
    assert!(seen.keys().any(|(place, id)| *place == 2 && id == "p0"));
}

/// What no source names is shown by chance, with its exact propensity, in rows of the whole shop alone.
#[test]
fn exploration_reaches_new_products_that_nobody_took_yet() {
    const ANSWERS: usize = 2_000;
    let mut shop = Shop::with_products(12);
    for number in 0..12 {
        shop.buys(&format!("c{number}"), &[&format!("p{number}")], DAY);
    }
    shop.now = shop.now.plus(40 * DAY);
    for number in 0..3 {
        shop.save(product(&format!("new{number}")));
    }
    let mut sold_out = product("sold-out");
    sold_out.availability = Availability::OutOfStock;
    shop.save(sold_out);
    let popular = Placement { exploration: 0.4, ..placement("popular", SourceKind::Popular, 4) };
    let looked = Placement { exploration: 0.4, ..placement("looked", SourceKind::RecentlyViewed, 4) };
    shop.places([popular, looked]);
    let mut times: FxHashMap<String, (usize, f64)> = FxHashMap::default();
    for number in 0..ANSWERS {
        let page = shop.decides(&request("ann", &["popular"]), &format!("d{number}"));
        assert_eq!(page.placements[0].items.len(), 4);
        for item in &page.placements[0].items {
            if item.product_id.as_str().starts_with("new") {
                assert_eq!((item.reasons[0].code, item.source), (ReasonCode::Explored, Some(SourceKind::Newest)));
                times.entry(item.product_id.to_string()).or_insert((0, item.propensity)).0 += 1;
            }
            assert_ne!(item.product_id.as_str(), "sold-out");
        }
    }
    assert_eq!(times.len(), 3, "{times:?}");
    for (count, propensity) in times.into_values() {
        // Four places, a deck of four tickets for three products, half of the share.
        assert!((propensity - 0.4 * 0.5 / 4.0).abs() < 1e-12, "{propensity}");
        let expected = 4.0 * propensity;
        let deviation = (expected * (1.0 - expected) / ANSWERS as f64).sqrt();
        assert!((count as f64 / ANSWERS as f64 - expected).abs() < 5.0 * deviation, "{count}");
    }
    for number in 0..6 {
        shop.views("ann", &format!("p{number}"), Timestamp::HOUR);
    }
    for number in 0..200 {
        let page = shop.decides(&request("ann", &["looked"]), &format!("e{number}"));
        assert!(page.placements[0].items.iter().all(|item| !item.product_id.as_str().starts_with("new")));
    }
}

#[test]
fn without_exploration_nothing_depends_on_chance() {
    let mut shop = Shop::with_products(30);
    shop.places([newest("row", 5)]);
    let first = shop.decides(&request("ann", &["row"]), "d1");
    let second = shop.decides(&request("ann", &["row"]), "d2");
    assert_eq!(first.placements[0].items, second.placements[0].items);
    assert!(first.placements[0].items.iter().all(|item| item.propensity == 1.0));
    assert_eq!(first.placements[0].placement, PlacementId::trusted("row"));
}
