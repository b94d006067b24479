//! Phase *facets*: by what the hits can best be narrowed down, and why in that order.
//!
//! A field is useful when most hits have it and its values part them evenly: the entropy of the values, in shares of the
//! most that so few values can have, times the share of hits that have any. Fields of which nearly every product has a
//! value of its own, or of long texts, narrow nothing down. Counts of a field look past what was chosen in it.

use mercer_schema::{Facet, FacetValue, Money, SearchRequest};
use mercer_search::{FacetField, Facets, FieldCounts, Role, Value, leaf_of, readable};

use super::families::{Matching, distinct};
use super::narrow::{Narrowed, Other};
use super::personal::Preferred;
use crate::page::PageView;
use crate::words::{Words, fill, words};

/// Values that are shown of a field.
const MOST_VALUES: usize = 30;
/// A field that fewer of the hits have is of no use.
const LEAST_COVERAGE: f64 = 0.3;
/// A field with so many products a value at least tells products apart rather than kinds of them.
const LEAST_PRODUCTS_A_VALUE: f64 = 1.5;
/// Among so few hits a field may tell them apart.
const FEW: usize = 5;
/// So many different numbers are no list to choose from.
const MOST_NUMBERS: u32 = 12;
/// Above what any field is worth of which nothing was chosen.
const CHOSEN: f64 = 10.0;
/// The field of ranges.
const PRICE: &str = "price";
/// Prices are parted into so many ranges.
const PRICE_RANGES: usize = 5;

/// A facet that is not told yet: how useful it is, and what it is made of.
struct Offered<'a> {
    worth: f64,
    what: What<'a>,
}

enum What<'a> {
    Field { counts: FieldCounts<'a>, chosen: &'a [String] },
    Prices(Facet),
}

pub(super) fn facets<'a>(
    page: &PageView<'_>,
    request: &SearchRequest,
    narrowed: &Narrowed<'a>,
    preferred: &Preferred<'_>,
    wanted: usize,
) -> Vec<Facet> {
    if wanted == 0 {
        return Vec::new();
    }
    let index = page.world.search.facets();
    let said = words(page.language);
    let matching =
        |others: &[Other<'a>]| Matching::new(&narrowed.hits, &[&narrowed.siblings, others], request.ungrouped);
    let left = matching(&[]);
    let hits = left.len();
    let is_chosen = |field: &FacetField| narrowed.choices.iter().any(|choice| choice.field == field.name());
    let mut offered: Vec<Offered<'_>> = left
        .values(index, LEAST_COVERAGE, |field| !is_chosen(field))
        .into_iter()
        .filter_map(|counts| {
            let is_in_category = request.category.is_some() && *counts.field == FacetField::Category;
            let worth = worth(index, &counts, hits, preferred)? / if is_in_category { 2.0 } else { 1.0 };
            Some(Offered { worth, what: What::Field { counts, chosen: &[] } })
        })
        .collect();
    for (choice, others) in narrowed.choices.iter().zip(&narrowed.but_for) {
        let all = matching(others);
        if choice.field == PRICE {
            offered.extend(prices(&all, &choice.values, said));
        }
        let counts = all.values(index, 0.0, |field| field.name() == choice.field).pop();
        offered.extend(
            counts.map(|counts| Offered { worth: CHOSEN, what: What::Field { counts, chosen: &choice.values } }),
        );
    }
    if narrowed.choices.iter().all(|choice| choice.field != PRICE) {
        offered.extend(prices(&left, &[], said));
    }
    offered.sort_by(|a, b| b.worth.total_cmp(&a.worth).then_with(|| a.what.name().cmp(b.what.name())));
    offered.truncate(wanted);
    let told = |offered: Offered<'_>| match offered.what {
        What::Field { counts, chosen } => told(index, (&counts, chosen), hits, preferred, said),
        What::Prices(facet) => facet,
    };
    offered.into_iter().map(told).collect()
}

impl What<'_> {
    fn name(&self) -> &str {
        match self {
            Self::Field { counts, .. } => counts.field.name(),
            Self::Prices(facet) => &facet.field,
        }
    }
}

/// How useful a field is; none when it is of no use.
fn worth(index: &Facets, counts: &FieldCounts<'_>, hits: usize, preferred: &Preferred<'_>) -> Option<f64> {
    let FieldCounts { totals, values, .. } = counts;
    let is_apart = f64::from(totals.products) < LEAST_PRODUCTS_A_VALUE * f64::from(totals.values);
    let is_numeric = totals.numbers * 2 > totals.products && totals.values > MOST_NUMBERS;
    if values.len() < 2 || (is_apart && hits > FEW) || is_numeric {
        return None;
    }
    let sum: u32 = values.iter().map(|(_, count)| count).sum();
    let entropy: f64 =
        values.iter().map(|(_, count)| f64::from(*count) / f64::from(sum)).map(|share| -share * share.log2()).sum();
    let evenness = entropy / (values.len() as f64).log2();
    let most = values.iter().map(|(_, count)| *count).max().unwrap_or(0);
    let spread = 1.0 - f64::from(most) / f64::from(counts.products);
    let (prior, _) = prior(counts);
    Some(
        prior
            + coverage(counts, hits) * (0.5 * evenness + 0.5 * spread.max(0.0))
            + 0.3 * taste(index, counts, preferred),
    )
}

/// The share of the hits that have a value of the field.
fn coverage(counts: &FieldCounts<'_>, hits: usize) -> f64 {
    f64::from(counts.products) / hits.max(1) as f64
}

/// The most that the customer likes any of the values.
fn taste(index: &Facets, counts: &FieldCounts<'_>, preferred: &Preferred<'_>) -> f64 {
    let taste = |(value, _): &(Value, u32)| preferred.taste_for(counts.field, index.text(*value));
    match counts.field {
        FacetField::Attribute(_) => 0.0,
        FacetField::Brand | FacetField::Category => counts.values.iter().map(taste).fold(0.0, f64::max),
    }
}

/// How useful such a field is by itself, and what it tells.
const fn prior(counts: &FieldCounts<'_>) -> (f64, &'static str) {
    match (counts.field, counts.role) {
        (FacetField::Category, _) => (1.0, "the kinds of things found"),
        (FacetField::Brand, _) => (0.8, "the brands found"),
        (_, Role::Size) => (0.7, "a size"),
        (_, Role::Colour) => (0.6, "a colour"),
        _ => (0.0, "what they are like"),
    }
}

fn told(
    index: &Facets,
    (counts, chosen): (&FieldCounts<'_>, &[String]),
    hits: usize,
    preferred: &Preferred<'_>,
    said: &Words,
) -> Facet {
    let (_, role) = prior(counts);
    let percent = (coverage(counts, hits).min(1.0) * 100.0).round();
    let mut why = format!("{role}; {percent} % of the products have it, in {} values", counts.values.len());
    if taste(index, counts, preferred) > 0.0 {
        why.push_str("; your favourites are among them");
    }
    // What was chosen first, then what is frequent; what the customer likes goes before what is about as frequent.
    let rank = |(value, count): &(Value, u32)| {
        let text = index.text(*value);
        let worth = f64::from(*count) * (1.0 + preferred.taste_for(counts.field, text).max(0.0));
        (chosen.iter().any(|chosen| chosen == text), worth, text, *count)
    };
    let mut ranked: Vec<(bool, f64, &str, u32)> = counts.values.iter().map(rank).collect();
    // Whoever chose what leaves nothing must find it to take it back.
    let is_left = |text: &&str| counts.values.iter().any(|(value, _)| index.text(*value) == *text);
    ranked.extend(chosen.iter().map(String::as_str).filter(|text| !is_left(text)).map(|text| (true, 0.0, text, 0)));
    ranked.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(b.1.total_cmp(&a.1)).then(a.2.cmp(b.2)));
    ranked.truncate(MOST_VALUES);
    let value = |(is_chosen, _, text, count): (bool, f64, &str, u32)| FacetValue {
        value: text.to_owned(),
        label: leaf_of(text).to_owned(),
        count: count as usize,
        is_chosen,
    };
    let mut values: Vec<FacetValue> = ranked.into_iter().map(value).collect();
    if counts.role == Role::Size {
        values.sort_by_key(|value| size_order(&value.value));
    }
    Facet { name: name_of(counts.field, said), field: counts.field.name().to_owned(), why, values }
}

/// As a person would call a field.
fn name_of(field: &FacetField, said: &Words) -> String {
    let name = match field {
        FacetField::Brand => return said.facets.brand.clone(),
        FacetField::Category => return said.facets.category.clone(),
        FacetField::Attribute(name) => readable(name),
    };
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Letters from small to large, then numbers, then the rest.
fn size_order(size: &str) -> (usize, i64, String) {
    const LETTERS: [&str; 9] = ["xxs", "xs", "s", "m", "l", "xl", "xxl", "xxxl", "one size"];
    let small = size.to_lowercase();
    match (LETTERS.iter().position(|letters| *letters == small), size.parse::<f64>()) {
        (Some(place), _) => (0, place as i64, small),
        (None, Ok(number)) => (1, (number * 10.0) as i64, small),
        (None, Err(_)) => (2, 0, small),
    }
}

/// Ranges of prices with about as many products each, at round bounds.
fn prices<'a>(matching: &Matching<'_>, chosen: &[String], said: &Words) -> Option<Offered<'a>> {
    let all = matching.prices();
    let (Money { currency, .. }, _) = *all.first()?;
    let mut prices: Vec<i64> = all.iter().map(|(price, _)| price.minor).collect();
    prices.sort_unstable();
    let mut bounds: Vec<i64> =
        (1..PRICE_RANGES).map(|part| round(prices[prices.len() * part / PRICE_RANGES])).collect();
    bounds.dedup();
    bounds.retain(|bound| *bound > prices[0] && *bound <= prices[prices.len() - 1]);
    if bounds.is_empty() {
        return None;
    }
    let money = |minor: i64| said.money(Money { minor, currency });
    let said = &said.facets;
    let mut values = Vec::new();
    let mut least = 0;
    for bound in bounds.iter().copied().map(Some).chain([None]) {
        let most = bound.map_or(i64::MAX, |bound| bound - 1);
        let within = all.iter().filter(|(price, _)| (least..=most).contains(&price.minor));
        let count = distinct(within.map(|(_, family)| *family));
        let (value, label) = match bound {
            Some(bound) if least == 0 => (format!("..{most}"), fill(&said.under, &[&money(bound)])),
            Some(bound) => (format!("{least}..{most}"), fill(&said.between, &[&money(least), &money(bound)])),
            None => (format!("{least}.."), fill(&said.from, &[&money(least)])),
        };
        let is_chosen = chosen.contains(&value);
        values.push(FacetValue { value, label, count, is_chosen });
        least = most.saturating_add(1);
    }
    values.retain(|value| value.count > 0 || value.is_chosen);
    if values.len() < 2 && chosen.is_empty() {
        return None;
    }
    let why = "prices, in ranges of about as many products".to_owned();
    let facet = Facet { field: PRICE.to_owned(), name: said.price.clone(), why, values };
    Some(Offered { worth: if chosen.is_empty() { 0.9 } else { CHOSEN }, what: What::Prices(facet) })
}

/// The nearest 1, 2 or 5 times a power of ten.
fn round(minor: i64) -> i64 {
    let power = 10_i64.pow((minor.max(1) as f64).log10().floor() as u32);
    [1, 2, 5, 10].into_iter().map(|step| step * power).min_by_key(|bound| (bound - minor).abs()).unwrap_or(minor)
}
