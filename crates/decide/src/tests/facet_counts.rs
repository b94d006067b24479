//! What facets count: what choosing a value leads to, families once.

use mercer_schema::{Facet, Money, Refinement, SearchAnswer, SearchRequest};
use proptest::prelude::*;

use super::searching::{asks, q, refined};
use crate::testing::{Shop, product};

const COLOURS: [&str; 4] = ["red", "blue", "green", "red, white"];
const SIZES: [&str; 3] = ["S", "M", "L"];

/// Shirts of a colour, a size, a price and perhaps a family.
fn shirts(shirts: impl IntoIterator<Item = (usize, usize, i64, Option<usize>)>) -> Shop {
    let mut shop = Shop::default();
    for (number, (colour, size, price, family)) in shirts.into_iter().enumerate() {
        let mut shirt = product(&format!("p{number}"));
        shirt.title = "Cotton shirt".to_owned();
        shirt.brand = Some(["Nike", "Puma"][(colour + size) % 2].to_owned());
        shirt.category = vec!["Clothes".into(), ["Men", "Women"][price as usize % 2].into()];
        shirt.attributes.insert("colour", COLOURS[colour % COLOURS.len()]);
        shirt.attributes.insert("size", SIZES[size % SIZES.len()]);
        shirt.group_id = family.map(|family| format!("g{family}"));
        shirt.price = shirt.price.map(|money| Money { minor: price, ..money });
        shop.save(shirt);
    }
    shop
}

fn facet<'a>(answer: &'a SearchAnswer, field: &str) -> &'a Facet {
    answer.facets.iter().find(|facet| facet.field == field).unwrap()
}

fn counts<'a>(answer: &'a SearchAnswer, field: &str) -> Vec<(&'a str, usize)> {
    facet(answer, field).values.iter().map(|value| (value.value.as_str(), value.count)).collect()
}

/// The same request with just this value chosen in the field.
fn choosing(request: &SearchRequest, field: &str, value: &str) -> SearchRequest {
    let mut request = request.clone();
    request.refine.retain(|refinement| refinement.field != field);
    request.refine.push(Refinement { field: field.to_owned(), values: vec![value.to_owned()] });
    request
}

/// Each count with what choosing the value leads to.
fn led_to(shop: &Shop, request: &SearchRequest) -> Vec<(String, usize, usize)> {
    let answer = asks(shop, request);
    let values = answer.facets.iter().flat_map(|facet| facet.values.iter().map(move |value| (facet, value)));
    let told = |(facet, value): (&Facet, &mercer_schema::FacetValue)| {
        let total = asks(shop, &choosing(request, &facet.field, &value.value)).total;
        (format!("{} {}", facet.field, value.value), value.count, total)
    };
    values.map(told).collect()
}

#[test]
fn a_family_counts_once_for_each_value_that_any_of_it_has() {
    let shop = shirts([(0, 0, 1_000, Some(1)), (1, 1, 2_000, Some(1)), (1, 2, 2_000, Some(1)), (2, 0, 3_000, None)]);
    let answer = asks(&shop, &q("shirt"));
    assert_eq!(answer.total, 2);
    assert_eq!(counts(&answer, "colour"), [("blue", 1), ("green", 1), ("red", 1)]);
    assert_eq!(counts(&answer, "size"), [("S", 2), ("M", 1), ("L", 1)]);
    let chosen = asks(&shop, &refined("shirt", "colour", &["red"]));
    assert_eq!((chosen.total, counts(&chosen, "colour").len()), (1, 3), "those of the family that were not chosen");
    let apart = asks(&shop, &SearchRequest { ungrouped: true, ..q("shirt") });
    assert_eq!(counts(&apart, "colour"), [("blue", 2), ("green", 1), ("red", 1)]);
}

#[test]
fn all_that_can_be_paged_is_counted() {
    let shop = shirts((0..3_000).map(|number| (number % 3, number, 1_000, None)));
    let answer = asks(&shop, &q("shirt"));
    assert_eq!(counts(&answer, "colour"), [("blue", 1_000), ("green", 1_000), ("red", 1_000)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_count_is_what_choosing_the_value_leads_to(
        sold in prop::collection::vec((0..4_usize, 0..3_usize, 100..3_000_i64, prop::option::of(0..6_usize)), 2..30),
        chosen in prop::option::of(0..3_usize),
        ungrouped in any::<bool>(),
    ) {
        let shop = shirts(sold);
        let mut request = SearchRequest { facets: Some(30), ungrouped, ..q("shirt") };
        if let Some(size) = chosen {
            request = choosing(&request, "size", SIZES[size]);
        }
        for (value, count, total) in led_to(&shop, &request) {
            prop_assert_eq!(count, total, "{}", value);
        }
    }
}
