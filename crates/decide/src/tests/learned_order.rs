//! Searches that a taught ranker puts in order.

use std::sync::Arc;

use mercer_recommend::boosting::BoostingSettings;
use mercer_schema::{Explain, SearchRequest, Timestamp};

use super::searching::{asks, by, ids, q};
use crate::testing::{Shop, product};
use crate::{Models, SearchRanker, TaughtBy, search_lesson, taught_order};

const DAY: i64 = Timestamp::DAY;
const BRANDS: u32 = 6;
const MUGS: u32 = 48;

/// Mugs of some brands, all called alike, and customers who each bought one.
fn shop() -> Shop {
    let mut shop = Shop::default();
    for number in 0..MUGS {
        let mut mug = product(&format!("m{number}"));
        mug.title = "Coffee mug".to_owned();
        mug.brand = Some(format!("Brand {}", number % BRANDS));
        mug.category = vec!["Mugs".into()];
        shop.save(mug);
    }
    let mut pan = product("pan");
    pan.title = "Frying pan beside a coffee machine, for eggs and bacon, with a lid and a long handle".to_owned();
    shop.save(pan);
    for customer in 0..120 {
        shop.buys(&format!("c{customer}"), &[&bought(customer)], 5 * DAY);
    }
    shop.train();
    shop
}

fn bought(customer: u32) -> String {
    format!("m{}", customer * 7 % MUGS)
}

/// Nobody wants the same mug again, as the formula has it, but the next of the same brand.
fn wanted(customer: u32) -> String {
    format!("m{}", (customer * 7 + BRANDS) % MUGS)
}

fn taught(shop: &mut Shop) {
    let boosting = BoostingSettings { trees: 60, least_rows: 10, ..BoostingSettings::default() };
    let mut lessons = taught_order(6, boosting);
    for customer in 0..120 {
        let lesson = search_lesson(&shop.world, &by(&format!("c{customer}"), "mug"), shop.now).unwrap();
        let id = mercer_schema::ProductId::trusted(wanted(customer));
        let item = shop.world.catalog.item(&id).unwrap();
        let relevance: Vec<f32> = lesson.items.iter().map(|hit| f32::from(u8::from(*hit == item))).collect();
        lessons.give(&lesson.rows, &relevance);
    }
    let count = lessons.len() as u32;
    assert!(count > 60, "{count}");
    let ranker = SearchRanker::new(lessons.fit(), TaughtBy::Orders, count);
    let read = SearchRanker::decode(&ranker.encode()).unwrap();
    assert_eq!(read, ranker);
    let models = Arc::try_unwrap(std::mem::take(&mut shop.world.models)).unwrap();
    shop.world.models = Arc::new(Models { search_ranker: ranker.on_trial(), ..models });
}

/// The mean place of what each customer wants.
fn mean_place(shop: &Shop) -> f64 {
    let place = |customer: u32| {
        let answer = asks(shop, &SearchRequest { limit: Some(60), ..by(&format!("c{customer}"), "mug") });
        ids(&answer).iter().position(|id| *id == wanted(customer)).unwrap() as f64
    };
    (0..120).map(place).sum::<f64>() / 120.0
}

#[test]
fn what_was_learned_comes_first_and_is_explained() {
    let mut shop = shop();
    let by_formula = mean_place(&shop);
    taught(&mut shop);
    let learned = mean_place(&shop);
    assert!(learned < by_formula - 1.0, "{learned} {by_formula}");
    let request = SearchRequest { explain: Explain::Full, ..by("c3", "mug") };
    let answer = asks(&shop, &request);
    let first = &answer.explanations[0];
    assert!(first.parts.iter().any(|part| part.name.starts_with("ranker: ") && part.value > 0.0), "{first:?}");
    assert!(first.parts.iter().all(|part| part.value.is_finite() && part.name != "brand"), "{first:?}");
    assert_eq!(asks(&shop, &request), answer, "the same, bit for bit");
}

#[test]
fn the_dial_goes_from_everybodys_order_to_the_learned_one() {
    let mut shop = shop();
    taught(&mut shop);
    let at = |strength: f64| {
        let answer = asks(&shop, &SearchRequest { strength: Some(strength), ..by("c3", "mug") });
        ids(&answer).iter().map(|id| (*id).to_owned()).collect::<Vec<_>>()
    };
    let everybody: Vec<String> = ids(&asks(&shop, &q("mug"))).iter().map(|id| (*id).to_owned()).collect();
    assert_eq!(at(0.0), everybody);
    assert_ne!(at(1.0), everybody);
    let place = |list: &[String]| list.iter().position(|id| *id == wanted(3)).unwrap_or(list.len());
    let places: Vec<usize> = [0.0, 0.1, 0.5, 1.0].map(|strength| place(&at(strength))).into();
    assert!(places.is_sorted_by(|before, after| before >= after), "{places:?}");
}

#[test]
fn who_objects_or_is_unknown_has_everybodys_order_and_codes_are_the_same_for_all() {
    let mut shop = shop();
    taught(&mut shop);
    let everybody = asks(&shop, &q("mug"));
    let objecting = asks(&shop, &SearchRequest { no_personalization: true, ..by("c3", "mug") });
    assert_eq!(ids(&objecting), ids(&everybody));
    assert_eq!(ids(&asks(&shop, &by("nobody", "mug"))), ids(&everybody));
    let coded = asks(&shop, &by("c3", "m17"));
    assert_eq!(ids(&coded), ids(&asks(&shop, &q("m17"))));
    assert_eq!(ids(&coded)[0], "m17");
}

#[test]
fn a_weak_match_stays_behind_an_exact_one() {
    let mut shop = shop();
    // All that can speak for a product speaks for the pan.
    for _ in 0..5 {
        shop.buys("c3", &["pan"], DAY).views("c3", "pan", 60 * Timestamp::SECOND);
    }
    taught(&mut shop);
    let answer = asks(&shop, &SearchRequest { limit: Some(60), ..by("c3", "coffee mug") });
    let pan = ids(&answer).iter().position(|id| *id == "pan");
    assert!(pan.is_none_or(|place| place == MUGS as usize), "{pan:?} {:?}", answer.items.first());
}
