//! Where candidates come from, and that nobody meets an empty shop.

use mercer_schema::{
    DecideRequest, DecidedItem, PageType, Product, ProductId, ReasonCode, Source, SourceKind, Timestamp,
};

use crate::default_placements;
use crate::testing::{Shop, placement, product, request, shown};

const DAY: i64 = Timestamp::DAY;
const MINUTE: i64 = Timestamp::MINUTE;

fn on_product_page(who: &str, placements: &[&str], id: &str) -> DecideRequest {
    let mut request = request(who, placements);
    request.page.kind = PageType::Product;
    request.page.product_ids = vec![ProductId::trusted(id)];
    request
}

#[test]
fn a_new_visitor_of_a_new_shop_sees_what_is_new() {
    let mut shop = Shop::with_products(20);
    shop.places(default_placements());
    let page = shop.decides(&DecideRequest { group: Some("home".into()), ..DecideRequest::default() }, "d");
    assert_eq!(page.notes, Vec::<String>::new());
    assert_eq!(shown(&page, 0).len(), 12);
    assert_eq!(shown(&page, 0)[0], "p19");
    assert!(page.placements[1].items.is_empty(), "nobody has looked at anything");
    assert_eq!(shown(&page, 2).len(), 8, "each product stands once on the page");
}

#[test]
fn a_new_product_is_shown_at_once() {
    let mut shop = Shop::with_products(3);
    shop.places([placement("new", SourceKind::Newest, 2)]).save(product("fresh"));
    assert_eq!(shown(&shop.asks("eve", &["new"]), 0), ["fresh", "p2"]);
}

#[test]
fn popular_follows_what_people_do() {
    let mut shop = Shop::with_products(5);
    shop.places([placement("row", SourceKind::Popular, 3)]);
    shop.views("ann", "p1", DAY).views("bob", "p1", DAY).buys("bob", &["p4"], DAY).views("cat", "p2", DAY);
    assert_eq!(shown(&shop.asks("eve", &["row"]), 0), ["p4", "p1", "p2"]);
}

#[test]
fn weights_are_shares_of_the_places() {
    let mut shop = Shop::with_products(30);
    for number in 0..10 {
        shop.views("ann", &format!("p{number}"), DAY * (10 - number));
    }
    let mut row = placement("row", SourceKind::Popular, 9);
    row.sources[0].weight = 2.0;
    row.sources.push(Source { kind: SourceKind::Newest, weight: 1.0 });
    shop.places([row]);
    let page = shop.asks("eve", &["row"]);
    let popular = page.placements[0].items.iter().filter(|item| item.source == Some(SourceKind::Popular)).count();
    assert_eq!(popular, 6, "{:?}", shown(&page, 0));
}

#[test]
fn what_was_just_bought_takes_no_places_from_its_source() {
    let mut shop = Shop::with_products(40);
    // Eve's favourites come first in the row, and she has just bought all of them.
    for number in 0..10 {
        shop.views("eve", &format!("p{number}"), DAY * (20 - number));
    }
    let favourites: Vec<String> = (4..10).map(|number| format!("p{number}")).collect();
    shop.buys("eve", &favourites.iter().map(String::as_str).collect::<Vec<_>>(), 1);
    let mut row = placement("row", SourceKind::RecentlyViewed, 6);
    row.sources.push(Source { kind: SourceKind::Newest, weight: 0.9 });
    shop.places([row]);
    let page = shop.asks("eve", &["row"]);
    assert_eq!(shown(&page, 0), ["p3", "p39", "p2", "p38", "p1", "p37"]);
}

#[test]
fn fallbacks_fill_up_in_their_order_and_behind_the_sources() {
    let mut shop = Shop::with_products(6);
    shop.buys("ann", &["p0", "p1"], DAY).buys("bob", &["p5"], DAY).buys("cat", &["p5"], DAY).train();
    let mut row = placement("row", SourceKind::BoughtTogether, 4);
    row.fallback = vec![SourceKind::Popular, SourceKind::Newest];
    shop.places([row]);
    let page = shop.decides(&on_product_page("eve", &["row"], "p0"), "d");
    assert_eq!(shown(&page, 0), ["p1", "p5", "p4", "p3"]);
    let sources: Vec<_> = page.placements[0].items.iter().filter_map(|item| item.source).collect();
    let expected = [SourceKind::BoughtTogether, SourceKind::Popular, SourceKind::Newest, SourceKind::Newest];
    assert_eq!(sources, expected);
}

#[test]
fn the_pages_products_lead_to_others_and_are_named() {
    let mut shop = Shop::with_products(6);
    shop.change("p0", |product| product.title = "Paper Lantern".into());
    shop.buys("ann", &["p0", "p1"], DAY).buys("bob", &["p0", "p1"], DAY).train();
    shop.places([
        placement("together", SourceKind::BoughtTogether, 2),
        placement("viewed", SourceKind::AlsoViewed, 2),
        placement("nothing", SourceKind::Similar, 2),
    ]);
    let page = shop.decides(&on_product_page("eve", &["together", "viewed"], "p0"), "d");
    assert_eq!(shown(&page, 0), ["p1"]);
    let reason = &page.placements[0].items[0].reasons[0];
    assert_eq!((reason.code, reason.text.as_str()), (ReasonCode::BoughtTogether, "Often bought with Paper Lantern"));
    assert_eq!(reason.because_of, Some(ProductId::trusted("p0")));
    assert!(page.placements[1].items.is_empty(), "p1 stands above already");
    let home = shop.asks("eve", &["together", "viewed", "nothing"]);
    assert!(home.placements.iter().all(|placement| placement.items.is_empty()), "no page product, nothing to say");
}

#[test]
fn similar_products_share_words_and_category() {
    let mut shop = Shop::default();
    for (id, title, category) in
        [("a", "Red paper lantern", "Lamps"), ("b", "Blue paper lantern", "Lamps"), ("c", "Steel bucket", "Garden")]
    {
        let mut saved = product(id);
        (saved.title, saved.category) = (title.into(), vec![category.into()]);
        shop.save(saved);
    }
    shop.places([placement("row", SourceKind::Similar, 1)]);
    let page = shop.decides(&on_product_page("eve", &["row"], "a"), "d");
    assert_eq!(shown(&page, 0), ["b"]);
    assert_eq!(page.placements[0].items[0].reasons[0].text, "Similar to Red paper lantern");
}

#[test]
fn recently_viewed_is_newest_first_and_empty_for_strangers() {
    let mut shop = Shop::with_products(5);
    shop.places([placement("row", SourceKind::RecentlyViewed, 3)]);
    shop.views("ann", "p1", 3 * DAY).views("ann", "p2", 2 * DAY).views("ann", "p1", DAY).views("ann", "p4", MINUTE);
    assert_eq!(shown(&shop.asks("ann", &["row"]), 0), ["p4", "p1", "p2"]);
    assert_eq!(shown(&shop.asks("eve", &["row"]), 0), Vec::<&str>::new());
}

#[test]
fn the_running_visit_leads_on_within_the_same_minute() {
    let mut shop = Shop::with_products(8);
    for who in ["ann", "bob", "cat"] {
        shop.views(who, "p1", 3 * DAY).views(who, "p2", 3 * DAY - MINUTE).views(who, "p3", 3 * DAY - 2 * MINUTE);
    }
    shop.views("zoe", "p7", 3 * DAY).views("zoe", "p6", 3 * DAY - MINUTE);
    shop.places([placement("row", SourceKind::SessionNext, 2)]);
    assert_eq!(shown(&shop.asks("eve", &["row"]), 0), Vec::<&str>::new());
    shop.views("eve", "p1", MINUTE);
    let page = shop.asks("eve", &["row"]);
    assert_eq!(shown(&page, 0), ["p2", "p3"]);
    assert_eq!(page.placements[0].items[0].reasons[0].text, "Because you looked at P1");
    // The page itself counts before its own view event has come in.
    let stranger = shop.decides(&on_product_page("new", &["row"], "p7"), "d");
    assert_eq!(shown(&stranger, 0), ["p6"]);
    assert_eq!(stranger.placements[0].items[0].reasons[0].text, "Goes with what you are looking at");
}

#[test]
fn history_leads_to_what_goes_with_it_and_says_so() {
    let mut shop = Shop::with_products(8);
    for who in ["ann", "bob"] {
        shop.buys(who, &["p1", "p2"], 9 * DAY).buys(who, &["p5", "p6"], 9 * DAY);
    }
    shop.buys("eve", &["p1"], 9 * DAY).views("fay", "p5", 9 * DAY).train();
    shop.places([placement("row", SourceKind::ForYou, 2)]);
    let reasons = |who: &str| -> Vec<(String, String)> {
        let items = &shop.asks(who, &["row"]).placements[0].items;
        let told = |item: &DecidedItem| (item.product_id.to_string(), item.reasons[0].text.clone());
        items.iter().map(told).collect()
    };
    let expected = |all: &[(&str, &str)]| -> Vec<(String, String)> {
        all.iter().map(|(id, text)| ((*id).to_owned(), (*text).to_owned())).collect()
    };
    assert_eq!(reasons("eve"), expected(&[("p2", "Because you bought P1"), ("p5", "Popular now")]));
    assert_eq!(reasons("fay")[0], ("p6".to_owned(), "Because you looked at P5".to_owned()));
    assert_eq!(reasons("stranger"), [], "nothing is known, so nothing is claimed");
    // Nine days on, what a customer always orders is on its way; the model knows it, and says so.
    shop.change("p1", |product| product.repurchase_days = Some(5));
    assert_eq!(
        shop.asks("eve", &["row"]).placements[0].items[0].reasons[0].text,
        "You bought this before",
        "the usual comes first"
    );
}

#[test]
fn a_product_that_came_after_training_competes_by_what_the_shop_says_of_it() {
    let mut shop = Shop::with_products(0);
    for number in 0..24 {
        let kind = if number % 2 == 0 { "tea mug" } else { "garden bench" };
        shop.save(Product { title: format!("{kind} {number}"), ..product(&format!("p{number}")) });
    }
    for number in 0..60 {
        let ids: Vec<String> = (0..4).map(|step| format!("p{}", (number + 2 * step * (number % 5 + 1)) % 24)).collect();
        shop.buys(&format!("c{number}"), &ids.iter().map(String::as_str).collect::<Vec<_>>(), 40 * DAY);
    }
    shop.buys("ann", &["p0", "p4"], 40 * DAY).buys("bob", &["p1", "p5"], 40 * DAY).train();
    shop.places([placement("row", SourceKind::Taste, 20)]);
    let row = |shop: &Shop, who: &str| shop.asks(who, &["row"]).placements.remove(0).items;
    assert!(row(&shop, "stranger").is_empty());
    let place = |shop: &Shop, who: &str| row(shop, who).iter().position(|item| item.product_id.as_str() == "new");
    assert_eq!(place(&shop, "ann"), None);

    shop.save(Product { title: "tea pot".into(), ..product("new") });
    let found = row(&shop, "ann");
    let new = found.iter().find(|item| item.product_id.as_str() == "new").unwrap();
    assert_eq!((new.reasons[0].code, new.source), (ReasonCode::Taste, Some(SourceKind::Taste)), "{new:?}");
    assert!(new.reasons[0].text.starts_with("Because you bought tea mug"), "{new:?}");
    let (ann, bob) = (place(&shop, "ann").unwrap_or(99), place(&shop, "bob").unwrap_or(99));
    assert!(ann < bob, "who drinks tea sees it first: {ann}, {bob}");

    // What the shop says of it changes: so does where it stands.
    shop.change("new", |product| product.title = "garden chair".into());
    assert!(place(&shop, "ann").unwrap_or(99) > place(&shop, "bob").unwrap_or(99));
}

#[test]
fn what_runs_out_is_offered_again_when_it_is_due() {
    let mut shop = Shop::with_products(4);
    shop.change("p1", |product| product.repurchase_days = Some(20));
    shop.places([placement("row", SourceKind::BuyAgain, 4)]);
    for (days_ago, expected) in [(3, vec![]), (15, vec![]), (21, vec!["p1"])] {
        let mut shop = shop.clone();
        shop.buys("ann", &["p1", "p2"], days_ago * DAY);
        assert_eq!(shown(&shop.asks("ann", &["row"]), 0), expected, "{days_ago} days ago");
    }
}

#[test]
fn a_category_page_is_filled_from_its_category_however_rarely_it_sells() {
    let mut shop = Shop::with_products(400);
    for number in 0..400 {
        let id = format!("p{number}");
        shop.change(&id, |product| product.category = vec![if number % 40 == 0 { "Rare" } else { "Common" }.into()]);
    }
    for number in 1..300 {
        shop.views("ann", &format!("p{number}"), DAY);
    }
    shop.places(default_placements());
    let mut request = request("eve", &["category-popular"]);
    request.page.kind = PageType::Category;
    request.page.category = Some("Rare".into());
    let page = shop.decides(&request, "d");
    let mut ids = shown(&page, 0);
    assert_eq!(ids.len(), 10);
    assert!(ids[..7].iter().all(|id| {
        page.placements[0]
            .items
            .iter()
            .any(|item| item.product_id.as_str() == *id && item.source == Some(SourceKind::Popular))
    }));
    ids.sort_unstable();
    assert_eq!(ids, ["p0", "p120", "p160", "p200", "p240", "p280", "p320", "p360", "p40", "p80"]);
}
