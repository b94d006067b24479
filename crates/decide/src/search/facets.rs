//! Phase *facets*: by what the hits can best be narrowed down, and why in that order.
//!
//! A field is useful when most hits have it and its values part them evenly: the entropy of the values, in shares of the
//! most that so few values can have, times the share of hits that have any. Fields of which nearly every product has a
//! value of its own, or of long texts, narrow nothing down. Counts of a field look past what was chosen in it.

use mercer_recommend::Item;
use mercer_schema::{Facet, FacetValue, SearchRequest};
use mercer_search::{Doc, FacetField, Facets, LEVEL_SEPARATOR, Role, Value, leaf_of, readable};
use rustc_hash::FxHashMap;

use super::narrow::Narrowed;
use super::personal::Preferred;
use crate::page::PageView;

/// Hits that are counted; beyond them the picture does not change.
const MOST_COUNTED: usize = 2_000;
/// Values that are shown of a field.
const MOST_VALUES: usize = 30;
/// A field that fewer of the hits have is of no use.
const LEAST_COVERAGE: f64 = 0.3;
/// A field with so many products a value at least tells products apart rather than kinds of them.
const LEAST_PRODUCTS_A_VALUE: f64 = 1.5;
/// Prices are parted into so many ranges.
const PRICE_RANGES: usize = 5;

struct Counted {
    field: FacetField,
    values: Vec<(Value, usize)>,
    /// Hits that have any value of it.
    covered: usize,
}

pub(super) fn facets(
    page: &PageView<'_>,
    request: &SearchRequest,
    narrowed: &Narrowed,
    preferred: &Preferred<'_>,
    wanted: usize,
) -> Vec<Facet> {
    if wanted == 0 {
        return Vec::new();
    }
    let index = page.world.search.facets();
    let items: Vec<Item> = narrowed.hits.iter().take(MOST_COUNTED).map(|hit| hit.item).collect();
    let mut ranked: Vec<(f64, Facet)> = Vec::new();
    for counted in count(index, &items) {
        let place = narrowed.choices.iter().position(|choice| choice.field == counted.field.name());
        let (counted, chosen) = match place {
            Some(place) => {
                let mut all = items.clone();
                all.extend(narrowed.but_for[place].iter().take(MOST_COUNTED));
                let again = count(index, &all).into_iter().find(|again| again.field == counted.field);
                (again.unwrap_or(counted), narrowed.choices[place].values.as_slice())
            }
            None => (counted, &[][..]),
        };
        let is_in_category = request.category.is_some() && counted.field == FacetField::Category;
        let Some((worth, why)) = worth(index, &counted, items.len(), preferred) else { continue };
        let worth = if !chosen.is_empty() {
            worth + 10.0
        } else if is_in_category {
            worth / 2.0
        } else {
            worth
        };
        ranked.push((worth, told(index, &counted, chosen, preferred, why)));
    }
    ranked.extend(prices(page, narrowed, &items));
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.field.cmp(&b.1.field)));
    ranked.truncate(wanted);
    ranked.into_iter().map(|(_, facet)| facet).collect()
}

/// Counts the values of all fields that many of the items have.
fn count(index: &Facets, items: &[Item]) -> Vec<Counted> {
    let mut counts: FxHashMap<Value, usize> = FxHashMap::default();
    for item in items {
        for value in index.of(Doc(item.0)) {
            *counts.entry(*value).or_default() += 1;
        }
    }
    let mut fields: FxHashMap<&FacetField, Vec<(Value, usize)>> = FxHashMap::default();
    for (value, count) in counts {
        if let Some(field) = index.field(value) {
            fields.entry(field).or_default().push((value, count));
        }
    }
    let counted = fields.into_iter().map(|(field, mut values)| {
        let covered = match field {
            // A product stands in a category and in all above it.
            FacetField::Category => {
                let is_top = |value: &Value| !index.text(*value).contains(LEVEL_SEPARATOR);
                values.iter().filter(|(value, _)| is_top(value)).map(|(_, count)| count).sum()
            }
            _ => values.iter().map(|(_, count)| count).sum(),
        };
        values.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| index.text(a.0).cmp(index.text(b.0))));
        Counted { field: field.clone(), values, covered }
    });
    let mut counted: Vec<Counted> = counted.collect();
    counted.sort_by(|a, b| a.field.cmp(&b.field));
    counted
}

/// How useful a field is, and why; none when it is of no use.
fn worth(index: &Facets, counted: &Counted, hits: usize, preferred: &Preferred<'_>) -> Option<(f64, String)> {
    let totals = index.totals(&counted.field);
    let coverage = counted.covered as f64 / hits.max(1) as f64;
    let is_apart = f64::from(totals.products) < LEAST_PRODUCTS_A_VALUE * f64::from(totals.values);
    let is_numeric = totals.numbers * 2 > totals.products && totals.values > 12;
    if counted.values.len() < 2 || coverage < LEAST_COVERAGE || (is_apart && hits > 5) || is_numeric {
        return None;
    }
    let sum: usize = counted.values.iter().map(|(_, count)| count).sum();
    let entropy: f64 =
        counted.values.iter().map(|(_, count)| *count as f64 / sum as f64).map(|share| -share * share.log2()).sum();
    let evenness = entropy / (counted.values.len() as f64).log2();
    let spread = 1.0 - counted.values[0].1 as f64 / counted.covered.max(1) as f64;
    let taste: f64 = counted
        .values
        .iter()
        .map(|(value, _)| preferred.taste_for(counted.field.name(), index.text(*value)))
        .fold(0.0, f64::max);
    let (prior, role) = match (&counted.field, Role::of(&counted.field)) {
        (FacetField::Category, _) => (1.0, "the kinds of things found"),
        (FacetField::Brand, _) => (0.8, "the brands found"),
        (_, Role::Size) => (0.7, "a size"),
        (_, Role::Colour) => (0.6, "a colour"),
        _ => (0.0, "what they are like"),
    };
    let worth = prior + coverage * (0.5 * evenness + 0.5 * spread.max(0.0)) + 0.3 * taste;
    let percent = (coverage * 100.0).round();
    let mut why = format!("{role}; {percent} % of the products have it, in {} values", counted.values.len());
    if taste > 0.0 {
        why.push_str("; your favourites are among them");
    }
    Some((worth, why))
}

fn told(index: &Facets, counted: &Counted, chosen: &[String], preferred: &Preferred<'_>, why: String) -> Facet {
    let field = counted.field.name().to_owned();
    let mut values: Vec<(f64, FacetValue)> = counted
        .values
        .iter()
        .map(|(value, count)| {
            let text = index.text(*value);
            let is_chosen = chosen.iter().any(|chosen| chosen == text);
            // What the customer likes goes first among what is about as frequent.
            let worth = *count as f64 * (1.0 + preferred.taste_for(&field, text).max(0.0));
            let label = leaf_of(text).to_owned();
            (worth, FacetValue { value: text.to_owned(), label, count: *count, is_chosen })
        })
        .collect();
    values.sort_by(|a, b| {
        b.1.is_chosen.cmp(&a.1.is_chosen).then(b.0.total_cmp(&a.0)).then_with(|| a.1.value.cmp(&b.1.value))
    });
    values.truncate(MOST_VALUES);
    let mut values: Vec<FacetValue> = values.into_iter().map(|(_, value)| value).collect();
    if Role::of(&counted.field) == Role::Size {
        values.sort_by_key(|value| size_order(&value.value));
    }
    Facet { name: name_of(&counted.field), field, why, values }
}

/// As a person would call a field.
fn name_of(field: &FacetField) -> String {
    let words = readable(field.name());
    let mut letters = words.chars();
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
fn prices(page: &PageView<'_>, narrowed: &Narrowed, items: &[Item]) -> Option<(f64, Facet)> {
    let catalog = &page.world.catalog;
    let place = narrowed.choices.iter().position(|choice| choice.field == "price");
    let others = place.map_or(&[][..], |place| &narrowed.but_for[place]);
    let of = |item: &Item| catalog.product(*item)?.price;
    let mut prices: Vec<i64> = items.iter().chain(others).filter_map(of).map(|price| price.minor).collect();
    let currency = items.iter().chain(others).find_map(of)?.currency;
    prices.sort_unstable();
    let mut bounds: Vec<i64> =
        (1..PRICE_RANGES).map(|part| round(prices[prices.len() * part / PRICE_RANGES])).collect();
    bounds.dedup();
    bounds.retain(|bound| *bound > prices[0] && *bound <= prices[prices.len() - 1]);
    if bounds.is_empty() {
        return None;
    }
    let chosen = place.map_or(&[][..], |place| &narrowed.choices[place].values);
    let money = |minor: i64| mercer_schema::Money { minor, currency }.to_string();
    let mut values = Vec::new();
    let mut least = 0;
    for bound in bounds.iter().copied().map(Some).chain([None]) {
        let most = bound.map_or(i64::MAX, |bound| bound - 1);
        let count = prices.iter().filter(|price| (least..=most).contains(*price)).count();
        let (value, label) = match bound {
            Some(bound) if least == 0 => (format!("..{most}"), format!("under {}", money(bound))),
            Some(bound) => (format!("{least}..{most}"), format!("{} to {}", money(least), money(bound))),
            None => (format!("{least}.."), format!("{} and more", money(least))),
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
    let worth = if chosen.is_empty() { 0.9 } else { 10.9 };
    Some((worth, Facet { field: "price".to_owned(), name: "Price".to_owned(), why, values }))
}

/// The nearest 1, 2 or 5 times a power of ten.
fn round(minor: i64) -> i64 {
    let power = 10_i64.pow((minor.max(1) as f64).log10().floor() as u32);
    [1, 2, 5, 10].into_iter().map(|step| step * power).min_by_key(|bound| (bound - minor).abs()).unwrap_or(minor)
}
