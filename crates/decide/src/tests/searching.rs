//! Searches and suggestions, by what a customer sees.

use mercer_schema::{
    AnonymousId, Availability, DecisionId, Explain, Product, ProductId, ReasonCode, Refinement, SearchAnswer,
    SearchRequest, SearchSort, SuggestAnswer, SuggestRequest, SuggestedBecause, Timestamp, WayOnKind,
};
use proptest::prelude::*;

use crate::testing::{Shop, product};
use crate::{as_catalog_says, category_named, search, suggest};

const DAY: i64 = Timestamp::DAY;

/// Shoes of two brands in two colours, a rack for them, and mugs.
pub(super) fn shop() -> Shop {
    let mut shop = Shop::default();
    for (id, title, brand, colour, size, price) in [
        ("s1", "Running shoe Swift", "Nike", "red", "42", 7_000),
        ("s2", "Running shoe Glide", "Nike", "blue", "43", 9_000),
        ("s3", "Running shoe Bolt", "Puma", "red", "42", 6_000),
        ("s4", "Running shoe Dash", "Puma", "blue", "43", 5_000),
        ("r1", "Rack for running shoes", "Wood", "brown", "", 3_000),
        ("m1", "Coffee mug", "Clay", "red", "", 800),
        ("m2", "Tea mug with lid", "Clay", "white", "", 900),
    ] {
        let mut thing = product(id);
        thing.title = title.to_owned();
        thing.brand = Some(brand.to_owned());
        thing.category = match &id[..1] {
            "s" => vec!["Sport".into(), "Shoes".into()],
            "r" => vec!["Home".into(), "Racks".into()],
            _ => vec!["Home".into(), "Mugs".into()],
        };
        thing.attributes.insert("colour", colour);
        if !size.is_empty() {
            thing.attributes.insert("shoe_size", size);
        }
        thing.price = thing.price.map(|money| mercer_schema::Money { minor: price, ..money });
        shop.save(thing);
    }
    shop
}

pub(super) fn asks(shop: &Shop, request: &SearchRequest) -> SearchAnswer {
    search(&shop.world, request, DecisionId::trusted("d1"), shop.now)
}

pub(super) fn q(text: &str) -> SearchRequest {
    SearchRequest { q: text.to_owned(), ..SearchRequest::default() }
}

pub(super) fn by(who: &str, text: &str) -> SearchRequest {
    SearchRequest { anonymous_id: Some(AnonymousId::trusted(who)), ..q(text) }
}

pub(super) fn ids(answer: &SearchAnswer) -> Vec<&str> {
    answer.items.iter().map(|item| item.product_id.as_str()).collect()
}

pub(super) fn refined(text: &str, field: &str, values: &[&str]) -> SearchRequest {
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    SearchRequest { refine: vec![Refinement { field: field.to_owned(), values }], ..q(text) }
}

#[test]
fn names_are_read_as_the_catalog_writes_them() {
    let shop = shop();
    let asks_for = |request: SearchRequest| asks(&shop, &as_catalog_says(&shop.world, request));
    let walk = |category: &str| {
        asks_for(SearchRequest { category: Some(category.to_owned()), limit: Some(9), ..SearchRequest::default() })
    };
    assert_eq!((walk("mugs").total, walk("home > MUGS").total, walk("Home > Mugs").total), (2, 2, 2));
    assert_eq!((walk("").total, walk(" ").total), (7, 7), "an empty name is none");
    for (name, known) in [
        ("Mugs", Some("Mugs")),
        ("mugs", Some("Mugs")),
        ("HOME > racks", Some("Home > Racks")),
        ("Home > Shoes", None),
        ("Nope", None),
    ] {
        assert_eq!(category_named(&shop.world, name).as_deref(), known, "{name}");
    }
    assert_eq!(asks_for(refined("mug", "colour", &["RED"])).total, 1);
    assert_eq!(asks_for(refined("mug", "brand", &["clay"])).total, 2);
    assert_eq!(asks_for(refined("mug", "category", &["home > mugs"])).total, 2);
    let chosen = |value: &str| Refinement { field: "colour".into(), values: vec![value.into()] };
    let twice = SearchRequest { refine: vec![chosen("red"), chosen("white")], ..q("mug") };
    assert_eq!(asks_for(twice).total, 2, "any of a field's values, in how many entries they ever stand");
}

#[test]
fn a_size_narrows_alone_and_is_told_where_no_product_has_it() {
    let shop = shop();
    let alone = asks(&shop, &q("size 42"));
    assert_eq!((alone.total, alone.query.chips[0].field.as_str(), alone.query.dropped.len()), (2, "shoe_size", 0));
    let unmet = asks(&shop, &q("running shoes size 47"));
    assert_eq!((unmet.total, unmet.query.dropped), (5, vec!["size 47".to_owned()]));
    for text in ["size 47", "full size mug", "size mug"] {
        assert!(asks(&shop, &q(text)).query.dropped.iter().all(|word| !word.contains("size ")), "{text}");
    }
}

#[test]
fn wishes_narrow_and_can_be_taken_away() {
    let shop = shop();
    let answer = asks(&shop, &q("red running shoes size 42 under 65"));
    assert_eq!(ids(&answer), ["s3"]);
    let chips: Vec<(&str, &str, bool)> =
        answer.query.chips.iter().map(|chip| (chip.field.as_str(), chip.label.as_str(), chip.is_filter)).collect();
    assert_eq!(
        chips,
        [
            ("shoe_size", "42", true),
            ("price", "up to €65", true),
            ("colour", "red", false),
            ("category", "Shoes", false)
        ]
    );
    let price = answer.query.chips[1].id.clone();
    let without = SearchRequest { ignore: vec![price], ..q("red running shoes size 42 under 65") };
    let without = asks(&shop, &without);
    assert!(without.query.chips.iter().all(|chip| chip.field != "price"));
    assert!(ids(&without).contains(&"s1"), "{:?}", ids(&without));
}

#[test]
fn a_wished_colour_stands_first_but_leaves_the_others() {
    let answer = asks(&shop(), &q("blue running shoe"));
    assert_eq!(ids(&answer)[..2], ["s2", "s4"]);
    assert!(answer.total >= 4);
}

#[test]
fn facets_count_past_their_own_choice() {
    let shop = shop();
    let answer = asks(&shop, &refined("running shoe", "brand", &["Nike"]));
    assert!(ids(&answer).iter().all(|id| ["s1", "s2"].contains(id)));
    let brand = answer.facets.iter().find(|facet| facet.field == "brand").unwrap();
    let puma = brand.values.iter().find(|value| value.value == "Puma").unwrap();
    assert_eq!((puma.count, puma.is_chosen), (2, false));
    assert!(brand.values.iter().any(|value| value.value == "Nike" && value.is_chosen));
    assert!(!brand.why.is_empty());
    let prices = asks(&shop, &refined("running shoe", "price", &["..6500"]));
    assert_eq!(ids(&prices).len(), 3);
    let unknown = asks(&shop, &refined("running shoe", "heel", &["high"]));
    assert!(unknown.items.is_empty() && unknown.notes[0].contains("heel"));
}

#[test]
fn the_shops_rule_and_category_hold() {
    let shop = shop();
    let cheap = SearchRequest { filter: Some("product.price < 60.0".into()), ..q("running shoe") };
    assert_eq!(ids(&asks(&shop, &cheap)), ["s4", "r1"]);
    let broken = SearchRequest { filter: Some("product.price <".into()), ..q("mug") };
    assert!(asks(&shop, &broken).notes[0].contains("filter"));
    let sport = SearchRequest { category: Some("Home > Racks".into()), ..q("running shoe") };
    assert_eq!(ids(&asks(&shop, &sport)), ["r1"]);
    let walk = SearchRequest { category: Some("Mugs".into()), sort: SearchSort::PriceDown, ..q("") };
    assert_eq!(ids(&asks(&shop, &walk)), ["m2", "m1"]);
}

#[test]
fn what_is_sold_out_stands_last_and_one_of_a_family_is_enough() {
    let mut shop = shop();
    shop.change("s1", |shoe| shoe.availability = Availability::OutOfStock);
    assert_eq!(ids(&asks(&shop, &q("running shoe"))).last(), Some(&"s1"));
    for id in ["s2", "s4"] {
        shop.change(id, |shoe| shoe.group_id = Some("g1".into()));
    }
    let answer = asks(&shop, &q("running shoe"));
    assert_eq!(ids(&answer).iter().filter(|id| ["s2", "s4"].contains(id)).count(), 1);
    let all = asks(&shop, &SearchRequest { ungrouped: true, ..q("running shoe") });
    assert_eq!(all.total, answer.total + 1);
}

#[test]
fn customers_see_what_they_are_likely_to_want_first() {
    let mut shop = shop();
    shop.views("anna", "s2", DAY).buys("anna", &["s2"], DAY);
    shop.buys("bert", &["s3", "s4"], DAY);
    let (anna, bert) = (asks(&shop, &by("anna", "running shoe")), asks(&shop, &by("bert", "running shoe")));
    assert_ne!(ids(&anna), ids(&bert));
    assert!(["s1", "s2"].contains(&ids(&anna)[0]) && ["s3", "s4"].contains(&ids(&bert)[0]));
    let reasons = &anna.items[0].reasons;
    assert!(
        reasons.iter().any(|reason| [ReasonCode::ForYou, ReasonCode::BuyAgain].contains(&reason.code)),
        "{reasons:?}"
    );
    // A code and a strength of nothing are the same for all.
    for text in ["s4", "s1"] {
        assert_eq!(ids(&asks(&shop, &by("anna", text))), ids(&asks(&shop, &by("bert", text))), "{text}");
    }
    let none = |who: &str| SearchRequest { strength: Some(0.0), ..by(who, "running shoe") };
    assert_eq!(ids(&asks(&shop, &none("anna"))), ids(&asks(&shop, &none("bert"))));
    let objects = SearchRequest { no_personalization: true, ..by("anna", "running shoe") };
    let nobody = asks(&shop, &q("running shoe"));
    let answer = asks(&shop, &objects);
    assert!(answer.control && ids(&answer) == ids(&nobody));
}

#[test]
fn an_answer_says_why() {
    let mut shop = shop();
    shop.buys("anna", &["s2"], DAY);
    let answer = asks(&shop, &SearchRequest { explain: Explain::Full, ..by("anna", "runing shoe") });
    assert_eq!(answer.query.corrected.as_deref(), Some("running shoe"));
    assert_eq!(answer.query.words[0].also[0].how, "corrected");
    assert_eq!(answer.explanations.len(), answer.items.len());
    let bought = answer.explanations.iter().find(|told| told.product_id.as_str() == "s2").unwrap();
    assert!(bought.parts.iter().any(|part| part.name == "bought_before" && part.value > 0.0));
}

#[test]
fn nobody_stands_before_an_empty_page() {
    let shop = shop();
    let nothing = asks(&shop, &q("zzyzx"));
    assert_eq!((nothing.total, nothing.query.dropped.as_slice()), (0, &["zzyzx".to_owned()][..]));
    assert!(nothing.ways_on.iter().any(|way| way.kind == WayOnKind::Category && way.total > 0));
    let narrow = asks(&shop, &q("running shoe under 10"));
    let way = narrow.ways_on.iter().find(|way| way.kind == WayOnKind::WithoutFilters).unwrap();
    assert!(!asks(&shop, &q(way.q.as_deref().unwrap())).items.is_empty());
    let partly = asks(&shop, &q("coffee rack"));
    assert!(partly.total > 0 && !partly.query.dropped.is_empty());
}

#[test]
fn a_way_on_and_a_place_say_how_much_is_found_there() {
    let mut shop = shop();
    for id in ["s1", "s2", "s3", "m1", "m2"] {
        shop.change(id, |product| product.group_id = Some(format!("family {}", &id[..1])));
    }
    shop.dismisses("x", "r1");
    let mut kinds = std::collections::BTreeSet::new();
    for text in ["running shoe under 10", "coffee zzyzx", "zzyzx", "tea rack", "coffee rack mug"] {
        let answer = asks(&shop, &by("x", text));
        for way in &answer.ways_on {
            let there = SearchRequest { category: way.category.clone(), ..by("x", way.q.as_deref().unwrap_or("")) };
            assert_eq!(asks(&shop, &there).total, way.total, "{text}: {way:?}");
            kinds.insert(format!("{:?}", way.kind));
        }
    }
    assert_eq!(kinds.len(), 3, "{kinds:?}");
    let [shoes, nike] = ["sho", "nike"].map(|text| suggests(&shop, "x", text));
    assert_eq!((shoes.categories[0].products, nike.brands[0].products), (2, 1));
    let narrow = asks(&shop, &by("x", "running shoe under 10"));
    let ways = narrow.ways_on.iter().filter(|way| way.kind == WayOnKind::WithoutFilters);
    assert_eq!(ways.map(|way| way.text.as_str()).collect::<Vec<_>>(), ["All 2 results, not narrowed down"]);
}

fn suggests(shop: &Shop, who: &str, text: &str) -> SuggestAnswer {
    let request = SuggestRequest {
        q: text.to_owned(),
        anonymous_id: Some(AnonymousId::trusted(who)),
        ..SuggestRequest::default()
    };
    suggest(&shop.world, &request, shop.now)
}

#[test]
fn what_is_typed_is_carried_on() {
    let mut shop = shop();
    for who in ["a", "b", "c"] {
        shop.searches(who, "running shoe", DAY).searches(who, "unicorn", DAY);
    }
    shop.searches("anna", "red mug", DAY);
    let texts = |answer: &SuggestAnswer| answer.queries.iter().map(|query| query.text.clone()).collect::<Vec<_>>();
    let answer = suggests(&shop, "x", "ru");
    assert_eq!(answer.queries[0].text, "running shoe");
    assert_eq!(answer.queries[0].why, SuggestedBecause::Popular);
    assert_eq!(texts(&suggests(&shop, "x", "sho ru"))[0], "running shoe", "in any order");
    assert!(texts(&suggests(&shop, "x", "uni")).is_empty(), "it finds nothing any more");
    assert!(!texts(&suggests(&shop, "x", "re")).contains(&"red mug".to_owned()), "one person's own");
    assert_eq!(suggests(&shop, "anna", "re").queries[0].why, SuggestedBecause::Recent);
    assert_eq!(texts(&suggests(&shop, "anna", "")), ["red mug", "running shoe"], "before the first letter");
    assert_eq!(suggests(&shop, "x", "sh").categories[0].value, "Sport > Shoes");
    assert_eq!(suggests(&shop, "x", "pum").brands[0].label, "Puma");
    assert_eq!(suggests(&shop, "x", "cof").items[0].product_id.as_str(), "m1");
    assert_eq!(texts(&suggests(&shop, "x", "cofe")), ["coffee"], "a slip while typing");
}

proptest! {
    #[test]
    fn no_search_breaks_and_each_is_the_same_again(
        text in "(\\PC{0,40}|(red|shoe|under|[0-9]{1,3}|-|without|size|\"| ){0,8})",
        category in prop::option::of("(Sport|Home > Mugs|x)"),
        value in "(Nike|..100|9..|x..y|)",
        limit in prop::option::of(0_usize..300),
        is_typing in any::<bool>(),
    ) {
        let mut shop = shop();
        shop.buys("anna", &["s2", "m1"], DAY);
        let request = SearchRequest {
            category,
            limit,
            typing: is_typing,
            refine: vec![Refinement { field: "price".into(), values: vec![value] }],
            ..by("anna", &text)
        };
        let answer = asks(&shop, &request);
        prop_assert!(answer.items.len() <= answer.total);
        prop_assert_eq!(asks(&shop, &request), answer);
        suggests(&shop, "anna", &text);
    }
}

#[test]
fn a_price_or_a_stock_is_known_at_once() {
    let mut shop = shop();
    let ten = SearchRequest { filter: Some("product.price < 10.0".into()), ..q("running shoe") };
    assert!(asks(&shop, &ten).items.is_empty());
    shop.change("s1", |shoe: &mut Product| {
        shoe.price = shoe.price.map(|price| mercer_schema::Money { minor: 500, ..price });
    });
    assert_eq!(ids(&asks(&shop, &ten)), ["s1"]);
    shop.world.remove_product(&ProductId::trusted("s1"));
    assert!(asks(&shop, &ten).items.is_empty());
}

#[test]
fn chance_moves_one_product_and_the_pages_still_hold_each_once() {
    let mut shop = Shop::default();
    for number in 0..70 {
        let mut thing = product(&format!("p{number}"));
        thing.title = format!("Oak table {number}");
        shop.save(thing);
    }
    shop.world.search_settings.exploration = 0.3;
    let plain = asks(&shop, &SearchRequest { dry_run: true, limit: Some(70), ..by("nobody", "oak table") });
    assert!(plain.explored.is_none() && plain.items.iter().all(|item| item.propensity == 1.0));
    let plain: Vec<&str> = ids(&plain);
    let mut explored = 0;
    for number in 0..100 {
        let who = format!("visitor-{number}");
        let page = |cursor: Option<String>| asks(&shop, &SearchRequest { cursor, ..by(&who, "oak table") });
        let first = page(None);
        let mut all: Vec<String> = ids(&first).into_iter().map(str::to_owned).collect();
        let mut next = first.next.clone();
        while let Some(cursor) = next {
            let more = page(Some(cursor));
            assert_eq!(more.explored, None, "chance is a matter of the first page");
            all.extend(ids(&more).into_iter().map(str::to_owned));
            next = more.next;
        }
        let moved = first.explored.map(|place| all[place].clone());
        if let Some(place) = first.explored {
            explored += 1;
            assert_eq!(first.items[place].reasons[0].code, ReasonCode::Explored);
            assert!(first.items[place].propensity < 0.03 && place < 10);
        }
        assert_eq!(
            asks(&shop, &by(&who, "oak table")).items,
            first.items,
            "the page looks the same when it is loaded again"
        );
        let rest = |ids: &[String]| ids.iter().filter(|id| Some(*id) != moved.as_ref()).cloned().collect::<Vec<_>>();
        let plain: Vec<String> = plain.iter().map(|id| (*id).to_owned()).collect();
        assert_eq!(rest(&all), rest(&plain), "nothing else changes its order, and nothing is there twice");
        assert_eq!(all.len(), plain.len());
    }
    assert!((15..45).contains(&explored), "{explored}");
    let sorted = asks(&shop, &SearchRequest { sort: SearchSort::PriceUp, ..by("visitor-1", "oak table") });
    assert!(sorted.explored.is_none() && asks(&shop, &q("oak table")).explored.is_none());
}

#[test]
fn a_kind_of_thing_that_is_clicked_rises_as_a_whole() {
    let mut shop = Shop::default();
    for number in 0..8 {
        let mut thing = product(&format!("p{number}"));
        thing.title = format!("Warm light {number}");
        thing.category = vec![if number % 2 == 0 { "Bulbs" } else { "Garlands" }.into()];
        shop.save(thing);
    }
    let light = SearchRequest { explain: Explain::Full, ..q("light") };
    let before = asks(&shop, &light);
    assert_eq!(ids(&before), ["p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7"]);
    let query: std::sync::Arc<str> = "light".into();
    let placed = |place: usize| mercer_search::Placed { item: place as u32 - 1, place, is_by_chance: false };
    for _ in 0..60 {
        // The last two were not on the page.
        shop.world.clicks.shown(&query, (1..=6).map(placed), shop.now);
        for place in [2, 4] {
            shop.world.clicks.clicked(&query, placed(place), shop.now);
        }
    }
    let after = asks(&shop, &light);
    let place = |id: &str| ids(&after).iter().position(|other| *other == id).unwrap();
    assert!(place("p7") < place("p6"), "{:?}", ids(&after));
    let part = |id: &str| {
        let told = after.explanations.iter().find(|told| told.product_id.as_str() == id).unwrap();
        told.parts.iter().find(|part| part.name == "clicked").map(|part| part.value)
    };
    let within = 0.01..=0.51;
    assert!(part("p7").is_some_and(|part| within.contains(&part)), "{:?}", part("p7"));
    assert_eq!(ids(&asks(&shop, &q("warm"))), ids(&before), "another query learns nothing from it");
}

#[test]
fn words_are_looked_for_as_typed_where_that_is_asked_for() {
    let shop = shop();
    let mended = asks(&shop, &q("cofee mug"));
    assert_eq!(mended.query.corrected.as_deref(), Some("coffee mug"));
    let typed = asks(&shop, &SearchRequest { ignore: vec!["corrected".into()], ..q("cofee mug") });
    assert_eq!((&typed.query.corrected, typed.query.dropped.as_slice()), (&None, &["cofee".to_owned()][..]));
    assert_eq!(typed.query.text, "cofee mug");
}

#[test]
fn a_minus_leaves_out() {
    let shop = shop();
    let answer = asks(&shop, &q("running shoe -puma"));
    assert_eq!(
        (answer.query.unwanted.as_slice(), answer.query.text.as_str()),
        (&["puma".to_owned()][..], "running shoe -puma")
    );
    assert!(ids(&answer).iter().all(|id| !["s3", "s4"].contains(id)), "{:?}", ids(&answer));
    assert!(answer.query.chips.iter().all(|chip| chip.field != "brand"), "what is not wanted is no wish");
    let others = asks(&shop, &q("-puma"));
    assert!(!others.items.is_empty() && ids(&others).iter().all(|id| !["s3", "s4"].contains(id)), "{:?}", ids(&others));
}
