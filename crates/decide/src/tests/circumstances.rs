//! What an ambiguous word means, by the season and the place.

use mercer_schema::{Country, Explain, SearchRequest, Timestamp};

use super::searching::{asks, ids, q};
use crate::testing::{Shop, product};

const WINTER: i64 = 20_470;
const SUMMER: i64 = 20_650;

/// Lights of two kinds: garlands are bought in winter and in Ireland, bulbs in summer and in Britain.
fn shop() -> Shop {
    let mut shop = Shop::default();
    for number in 0..8 {
        let mut light = product(&format!("p{number}"));
        light.title = format!("Warm light {number}");
        light.category = vec![if number % 2 == 0 { "Bulbs" } else { "Garlands" }.into()];
        light.brand = Some(if number % 2 == 0 { "Edison" } else { "Festoon" }.into());
        shop.save(light);
    }
    let country = |letters| Country::parse(letters).ok();
    for day in 0..730 {
        let at = Timestamp((WINTER - 3_652 + day) * Timestamp::DAY);
        let is_winter = !(60..305).contains(&(day % 365));
        for _ in 0..4 {
            shop.world.circumstances.observe(if is_winter { "Garlands" } else { "Bulbs" }, at, None);
        }
        // The same all the year round.
        shop.world.circumstances.observe("Garlands", at, country("IE"));
        shop.world.circumstances.observe("Bulbs", at, country("GB"));
    }
    shop
}

fn on(shop: &mut Shop, day: i64, request: &SearchRequest) -> Vec<String> {
    shop.now = Timestamp(day * Timestamp::DAY);
    ids(&asks(shop, request)).into_iter().map(str::to_owned).collect()
}

#[test]
fn an_ambiguous_word_means_what_is_bought_now_and_here() {
    let mut shop = shop();
    let bulbs_first = ["p0", "p2", "p4", "p6", "p1", "p3", "p5", "p7"];
    let garlands_first = ["p1", "p3", "p5", "p7", "p0", "p2", "p4", "p6"];
    assert_eq!(on(&mut shop, WINTER, &q("light")), garlands_first);
    assert_eq!(on(&mut shop, SUMMER, &q("light")), bulbs_first);
    // In spring it is the place that tells.
    let spring = WINTER + 70;
    let from = |locale: &str| SearchRequest { locale: Some(locale.into()), ..q("light") };
    assert_eq!(on(&mut shop, spring, &from("en-IE")), garlands_first);
    assert_eq!(on(&mut shop, spring, &from("en-GB")), bulbs_first);
    let impersonal = |locale| SearchRequest { strength: Some(0.0), ..from(locale) };
    assert_eq!(on(&mut shop, spring, &impersonal("en-IE")), on(&mut shop, spring, &impersonal("en-GB")));
    let full = SearchRequest { explain: Explain::Full, ..from("en-IE") };
    shop.now = Timestamp(WINTER * Timestamp::DAY);
    let told = asks(&shop, &full);
    let names: Vec<&str> = told.explanations[0].parts.iter().map(|part| part.name.as_str()).collect();
    assert!(names.contains(&"season") && names.contains(&"place"), "{names:?}");
    assert!(told.items.iter().all(|item| item.reasons.is_empty()), "nobody is told that they were located");
}

#[test]
fn what_is_not_ambiguous_is_the_same_at_all_times() {
    let mut shop = shop();
    for typed in ["p3", "Edison light", "festoon"] {
        let winter = on(&mut shop, WINTER, &q(typed));
        assert_eq!(
            on(&mut shop, SUMMER, &SearchRequest { locale: Some("en-IE".into()), ..q(typed) }),
            winter,
            "{typed}"
        );
    }
}
