//! What the shop and the whole row want beside the ranking: objectives, quotas, difference, confidence, learned weights.

use std::sync::Arc;

use mercer_recommend::bundles::{self, Bundles};
use mercer_recommend::complements::{self, Complements};
use mercer_recommend::interactions::Order;
use mercer_schema::{
    Aim, Objective, PageType, Placement, PlacementId, ProductId, Quota, ReasonCode, Rerank, RerankMethod, Source,
    SourceKind, Timestamp,
};

use crate::testing::{Shop, pin, placement, request, shown};
use crate::{Models, Placements, idle_pins, idle_settings};

const DAY: i64 = Timestamp::DAY;

fn newest(size: usize) -> Placement {
    placement("row", SourceKind::Newest, size)
}

fn row(shop: &mut Shop, placement: Placement) -> Vec<String> {
    assert_eq!(Placements::check(&placement), Ok(()));
    shop.places([placement]);
    shown(&shop.asks("ann", &["row"]), 0).into_iter().map(str::to_owned).collect()
}

/// Products `p0`… of which the even ones are lamps that differ in nothing but a number.
fn half_lamps(count: usize) -> Shop {
    let mut shop = Shop::with_products(count);
    for number in 0..count {
        shop.change(&format!("p{number}"), |product| {
            if number % 2 == 0 {
                product.title = "Red paper lamp".into();
                product.category = vec!["Home".into(), "Lamps".into()];
            } else {
                product.title = format!("Thing{number} of{number} its{number} own{number}");
                product.category = vec!["Home".into(), format!("C{number}")];
            }
        });
    }
    shop
}

#[test]
fn margin_lifts_as_its_weight_says_and_is_told() {
    let mut shop = Shop::with_products(12);
    for number in 0..12 {
        let margin = if number == 6 { "9.50" } else { "1" };
        shop.change(&format!("p{number}"), |product| product.attributes.insert("margin", margin));
    }
    let with = |weight| Placement { objectives: vec![Objective { aim: Aim::Margin, weight }], ..newest(6) };
    assert_eq!(row(&mut shop, newest(6))[5], "p6");
    assert_eq!(row(&mut shop, with(100.0))[0], "p6", "what earns most stands first when nothing else counts much");
    assert_eq!(row(&mut shop, with(0.5))[1], "p6", "behind the best of the ranking");
    let page = shop.asks("ann", &["row"]);
    let codes: Vec<_> = page.placements[0].items[1].reasons.iter().map(|reason| reason.code).collect();
    assert_eq!(codes, [ReasonCode::Newest, ReasonCode::Boosted]);
    assert_eq!(page.placements[0].items[0].reasons.len(), 1, "it stands where the ranking put it");
}

#[test]
fn quotas_hold_at_least_and_at_most() {
    let mut shop = half_lamps(24);
    let lamps = |at_least, at_most| Quota { when: "product.leaf_category == 'Lamps'".into(), at_least, at_most };
    let count = |row: &[String]| row.iter().filter(|id| id[1..].parse::<u32>().unwrap() % 2 == 0).count();
    let with = |quota: Quota, size| Placement { quotas: vec![quota], ..newest(size) };
    assert_eq!(count(&row(&mut shop, newest(6))), 3);
    assert_eq!(count(&row(&mut shop, with(lamps(Some(5), None), 6))), 5);
    assert_eq!(count(&row(&mut shop, with(lamps(None, Some(1)), 6))), 1);
    // Unlike a cap for the eye, a quota leaves holes.
    assert_eq!(row(&mut shop, with(lamps(None, Some(0)), 20)).len(), 12);
    let pinned = Placement { pins: vec![pin("p0", 1)], ..with(lamps(None, Some(1)), 6) };
    assert_eq!(count(&row(&mut shop, pinned)), 1, "a pin counts");
    // Exploration does not break them.
    let explored = Placement { exploration: 1.0, ..with(lamps(Some(5), Some(5)), 6) };
    shop.places([explored]);
    for number in 0..50 {
        let page = shop.decides(&request("ann", &["row"]), &format!("d{number}"));
        let ids: Vec<String> = shown(&page, 0).into_iter().map(str::to_owned).collect();
        assert_eq!(count(&ids), 5, "{ids:?}");
    }
    let impossible = with(lamps(Some(3), Some(2)), 6);
    assert_eq!(Placements::check(&impossible).unwrap_err().field, "quotas[0].at_most");
    let mistyped = with(Quota { when: "product.prize > 2.0".into(), at_least: Some(1), at_most: None }, 6);
    assert_eq!(Placements::check(&mistyped).unwrap_err().nearest.as_deref(), Some("product.price"));
}

#[test]
fn every_method_puts_unlike_products_next_to_each_other() {
    let mut shop = half_lamps(12);
    // The newest four are lamps.
    for number in [1, 3, 5, 7] {
        let id = format!("p{}", 12 - number);
        shop.change(&id, |product| product.title = "Red paper lamp".into());
    }
    let lamps = |shop: &Shop, row: &[String]| {
        let is_lamp =
            |id: &&String| shop.world.catalog.get(&ProductId::trusted(id.as_str())).unwrap().title.contains("lamp");
        row.iter().filter(is_lamp).count()
    };
    let before = row(&mut shop, newest(4));
    for method in [RerankMethod::Mmr, RerankMethod::Dpp, RerankMethod::Spread] {
        let mut varied = newest(4);
        varied.diversity.rerank = Some(Rerank { method, strength: 0.6 });
        let after = row(&mut shop, varied.clone());
        assert!(lamps(&shop, &after) < lamps(&shop, &before), "{method:?}: {after:?} after {before:?}");
        assert_eq!(after[0], before[0], "the best stays");
        varied.diversity.rerank = Some(Rerank { method, strength: 0.0 });
        assert_eq!(row(&mut shop, varied), before, "{method:?}");
    }
}

#[test]
fn a_calibrated_row_has_the_shares_of_the_past() {
    let mut shop = Shop::with_products(40);
    for number in 0..40 {
        let category = if number < 10 { "Garden" } else { "Kitchen" };
        shop.change(&format!("p{number}"), |product| product.category = vec![category.into()]);
    }
    for (number, days) in (0..4).zip(1..) {
        let id = if number < 2 { format!("p{number}") } else { format!("p{}", 10 + number) };
        shop.views("ann", &id, days * DAY / 10);
    }
    let mut plain = newest(10);
    plain.size = 10;
    plain.fallback = vec![SourceKind::Popular];
    let garden = |row: &[String]| row.iter().filter(|id| id[1..].parse::<u32>().unwrap() < 10).count();
    assert_eq!(garden(&row(&mut shop, plain.clone())), 0, "the newest are all for the kitchen");
    let mut calibrated = plain;
    calibrated.diversity.calibration = Some(0.9);
    assert!(garden(&row(&mut shop, calibrated.clone())) >= 3);
    // Nobody knows what a stranger likes.
    shop.places([calibrated]);
    let stranger = shop.asks("bob", &["row"]);
    assert!(shown(&stranger, 0).iter().all(|id| id[1..].parse::<u32>().unwrap() >= 10));
}

#[test]
fn little_evidence_falls_back_on_the_safe_answer() {
    let mut shop = Shop::with_products(30);
    for number in 0..5 {
        shop.buys(&format!("other{number}"), &["p20", "p21", "p22"], DAY);
    }
    shop.views("ann", "p1", DAY);
    let mut personal = placement("row", SourceKind::RecentlyViewed, 3);
    personal.fallback = vec![SourceKind::Popular];
    assert_eq!(row(&mut shop, personal.clone())[0], "p1");
    personal.half_confident_at = Some(5.0);
    assert_eq!(row(&mut shop, personal.clone())[0], "p20", "one view says little");
    for number in 2..14 {
        shop.views("ann", &format!("p{number}"), DAY - number * Timestamp::MINUTE);
    }
    assert_eq!(row(&mut shop, personal.clone())[0], "p13", "thirteen say more");
    personal.fallback.clear();
    assert_eq!(Placements::check(&personal).unwrap_err().field, "half_confident_at");
}

#[test]
fn learned_weights_take_the_place_of_written_ones() {
    let mut shop = Shop::with_products(30);
    shop.buys("bob", &["p3"], DAY);
    let mut both = newest(4);
    both.sources.push(Source { kind: SourceKind::Popular, weight: 0.5 });
    both.learned_weights = true;
    assert_eq!(row(&mut shop, both.clone())[0], "p29", "nothing is learned yet");
    let learned =
        vec![Source { kind: SourceKind::Popular, weight: 3.0 }, Source { kind: SourceKind::Similar, weight: 9.0 }];
    let weights = [(PlacementId::trusted("row"), learned)].into();
    shop.world.models = Arc::new(Models { weights, ..Models::default() });
    assert_eq!(row(&mut shop, both.clone())[0], "p3");
    both.learned_weights = false;
    assert_eq!(row(&mut shop, both)[0], "p29");
}

#[test]
fn complements_and_sets_complete_what_is_there() {
    let mut shop = Shop::with_products(8);
    let item = |shop: &mut Shop, id: &str| shop.world.catalog.mention(&ProductId::trusted(id));
    let [tea, cup, saucer, spoon] = ["p0", "p1", "p2", "p3"].map(|id| item(&mut shop, id));
    let basket = |items: &[mercer_recommend::Item]| items.iter().map(|item| (*item, 1.0)).collect::<Vec<_>>();
    let mut orders = vec![basket(&[cup, saucer, spoon]); 40];
    orders.extend(vec![basket(&[tea, spoon]); 30]);
    orders.extend(vec![basket(&[item(&mut shop, "p7")]); 300]);
    let complements = Complements::fit(&orders, &complements::Settings::default(), |_, _| 0.0);
    let orders: Vec<Order> = orders.into_iter().map(|lines| Order { customer: None, at: shop.now, lines }).collect();
    let bundles = Bundles::fit(&orders, &bundles::Settings::default());
    shop.world.models = Arc::new(Models { complements, bundles, ..Models::default() });
    shop.places([placement("sets", SourceKind::Bundle, 3), placement("goes", SourceKind::Complements, 3)]);
    let mut asked = request("ann", &["sets"]);
    asked.page.kind = PageType::Cart;
    asked.page.product_ids = vec![ProductId::trusted("p1")];
    let page = shop.decides(&asked, "d");
    assert_eq!(shown(&page, 0), ["p2", "p3"]);
    assert_eq!(page.placements[0].items[0].reasons[0].text, "Often bought as a set with P1");
    asked.placements = vec![PlacementId::trusted("goes")];
    let page = shop.decides(&asked, "d");
    assert_eq!(page.placements[0].items[0].reasons[0].text, "Goes with P1");
    assert!(shop.asks("ann", &["sets", "goes"]).placements.iter().all(|row| row.items.is_empty()));
}

#[test]
fn settings_that_do_nothing_are_told() {
    let mut shop = Shop::with_products(3);
    let mut row = placement("row", SourceKind::Popular, 3);
    row.sources.push(Source { kind: SourceKind::Sequence, weight: 1.0 });
    row.objectives = vec![Objective { aim: Aim::Margin, weight: 1.0 }, Objective { aim: Aim::Freshness, weight: 1.0 }];
    row.diversity.max_per_brand = Some(2);
    row.pins = vec![pin("nope", 1), pin("p1", 2)];
    assert_eq!(
        idle_settings(&shop.world, &row),
        [
            "No version of the models serves yet, so nothing comes from `sequence`: train first.",
            "The objective `margin` changes nothing: no product has the attribute `margin`.",
            "`max_per_brand` changes nothing: no product has a brand.",
        ]
    );
    assert_eq!(idle_pins(&shop.world, &row), ["The pin of `nope` does nothing: the catalog does not have it."]);
    shop.change("p1", |product| {
        product.brand = Some("Lumen".into());
        product.attributes.insert("margin", "0.4");
    });
    row.sources.pop();
    row.pins.remove(0);
    assert_eq!(idle_pins(&shop.world, &row), [""; 0]);
    assert_eq!(idle_settings(&shop.world, &row), [""; 0]);
}
