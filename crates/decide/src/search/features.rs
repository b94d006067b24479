//! What the learned order sees of a hit.
//!
//! Rows compare within one search: shares of the best, places and distances from the other hits stand beside what is known of the
//! product and how the customer stands to it ([`Describing`]). Stock is not among them, nor when a product came into the catalog:
//! lessons are of the past, and what the catalog says of these today tells what was sold since.

use mercer_recommend::Item;
use mercer_recommend::guided::Rows;
use mercer_recommend::hybrid::{DESCRIBED, Describing, described};
use mercer_schema::Timestamp;
use rustc_hash::FxHashMap;

use super::Hit;
use super::personal::{Part, Preferred};
use crate::candidates::Asked;
use crate::gate::Person;
use crate::{Catalog, World};

/// Numbers of a guess: what an order by hand is made of, each of which is always known.
pub(super) const GUESS: usize = 12;
/// Where the weights of the guess start from: the formula as it is.
pub(super) const PRIOR: [f64; GUESS] = [1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
/// Products that the customer is expected to order which are looked at; the formula looks at the first of them.
const MOST_EXPECTED: usize = 1_000;

/// What a number speaks of, for who asks why a product stands where it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speaks {
    Of(Part),
    Words,
    /// The taste of people like this customer.
    Taste,
    Demand,
    /// The hour, where the customer is, how often they order.
    Moment,
}

impl Speaks {
    pub(super) const ALL: [Self; 14] = [
        Self::Of(Part::Wished),
        Self::Of(Part::Popular),
        Self::Of(Part::Expected),
        Self::Of(Part::Bought),
        Self::Of(Part::Viewed),
        Self::Of(Part::Category),
        Self::Of(Part::Brand),
        Self::Of(Part::Price),
        Self::Of(Part::Season),
        Self::Of(Part::Place),
        Self::Words,
        Self::Taste,
        Self::Demand,
        Self::Moment,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Of(part) => part.name(),
            Self::Words => "words",
            Self::Taste => "taste",
            Self::Demand => "demand",
            Self::Moment => "moment",
        }
    }
}

/// Of the search and the hit. What cannot be said is missing.
const OWN: [(&str, Speaks); 27] = [
    ("words.relevance", Speaks::Words),
    ("words.coverage", Speaks::Words),
    ("words.place", Speaks::Words),
    ("words.learned", Speaks::Words),
    ("words.doubt", Speaks::Words),
    ("words.wished", Speaks::Of(Part::Wished)),
    ("formula.share", Speaks::Words),
    ("formula.place", Speaks::Words),
    ("popular.share", Speaks::Of(Part::Popular)),
    ("popular.among", Speaks::Of(Part::Popular)),
    ("expected.place", Speaks::Of(Part::Expected)),
    ("expected.share", Speaks::Of(Part::Expected)),
    ("expected.among", Speaks::Of(Part::Expected)),
    ("taste.score", Speaks::Taste),
    ("taste.apart", Speaks::Taste),
    ("taste.place", Speaks::Taste),
    ("liked.category", Speaks::Of(Part::Category)),
    ("liked.brand", Speaks::Of(Part::Brand)),
    ("liked.price", Speaks::Of(Part::Price)),
    ("price.among", Speaks::Of(Part::Price)),
    ("looked.product", Speaks::Of(Part::Viewed)),
    ("looked.category", Speaks::Of(Part::Viewed)),
    ("category.hits", Speaks::Of(Part::Category)),
    ("query.words", Speaks::Words),
    ("query.letters", Speaks::Words),
    ("hits", Speaks::Words),
    ("hits.categories", Speaks::Words),
];

/// What each number of a row is called.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    OWN.into_iter().map(|(name, _)| name).chain(described())
}

/// What each number of a row speaks of.
pub(super) fn speak() -> impl Iterator<Item = Speaks> {
    let of = |name: &'static str| match name.split('.').next().unwrap_or(name) {
        "own" | "history" => Speaks::Of(Part::Bought),
        "category" | "department" => Speaks::Of(Part::Category),
        "brand" => Speaks::Of(Part::Brand),
        "price" | "reduced" => Speaks::Of(Part::Price),
        "session" => Speaks::Of(Part::Viewed),
        "attribute" => Speaks::Taste,
        "demand" | "trend" | "takers" | "again" | "returning" | "pause" | "age" | "unsold" => Speaks::Demand,
        _ => Speaks::Moment,
    };
    OWN.into_iter().map(|(_, speaks)| speaks).chain(described().map(of))
}

/// What is asked of the models about a customer, once a search.
pub(super) struct Customer {
    asked: Asked,
    /// Place and score of what is ordered next.
    expected: FxHashMap<Item, (usize, f32)>,
    best: f32,
    looked: FxHashMap<Item, Timestamp>,
    looked_in: FxHashMap<String, Timestamp>,
}

impl Customer {
    pub(super) fn new(world: &World, person: &Person, asked: Asked) -> Self {
        let found = world.usual(&asked.query(), MOST_EXPECTED);
        let best = found.first().map_or(1.0, |best| best.score);
        let expected = found.into_iter().enumerate().map(|(place, scored)| (scored.item, (place, scored.score)));
        let expected = expected.collect();
        let (looked, looked_in) = last_looks(person, &world.catalog);
        Self { asked, expected, best, looked, looked_in }
    }

    /// The place among what is expected next, from 0.
    pub(super) fn place(&self, item: Item) -> Option<usize> {
        self.expected.get(&item).map(|(place, _)| *place)
    }
}

/// When products and categories were last looked at.
fn last_looks(person: &Person, catalog: &Catalog) -> (FxHashMap<Item, Timestamp>, FxHashMap<String, Timestamp>) {
    let (mut of_items, mut of_categories) = (FxHashMap::default(), FxHashMap::default());
    for (item, at) in person.looks(catalog) {
        of_items.insert(item, at);
        if let Some(category) = catalog.product(item).and_then(|product| product.leaf_category()) {
            of_categories.insert(category.to_owned(), at);
        }
    }
    (of_items, of_categories)
}

/// What is the same for all hits, or only known of all together.
struct Among {
    suits: Vec<Option<f32>>,
    /// Mean and deviation of those.
    taste: (f32, f32),
    best_learned: f64,
    best_formula: f64,
    best_popular: f64,
    best_expected: f32,
    median_price: f32,
    categories: FxHashMap<String, usize>,
    words: f32,
    letters: f32,
    total: usize,
    now: Timestamp,
}

/// Describes hits in the order of the formula, of `total` that were found.
pub(super) fn rows(preferred: &Preferred<'_>, customer: &Customer, hits: &[Hit<'_>], total: usize) -> Rows<GUESS> {
    let world = preferred.page.world;
    let query = customer.asked.query();
    let describing = Describing::new(&world.models.facts, &world.traits, &query);
    let among = Among::of(preferred, customer, hits, total);
    let width = OWN.len() + DESCRIBED;
    let mut rows =
        Rows { width, values: Vec::with_capacity(width * hits.len()), guesses: Vec::with_capacity(hits.len()) };
    let by_taste = places(&among.suits);
    for (place, hit) in hits.iter().enumerate() {
        among.write(customer, (place, hit), by_taste[place], &mut rows);
        describing.write(hit.item, &mut rows.values);
    }
    rows
}

impl Among {
    fn of(preferred: &Preferred<'_>, customer: &Customer, hits: &[Hit<'_>], total: usize) -> Self {
        let items: Vec<Item> = hits.iter().map(|hit| hit.item).collect();
        let suits = preferred.page.world.suiting(&customer.asked.query(), &items);
        let most = |of: &dyn Fn(&Hit<'_>) -> f64| hits.iter().map(of).fold(f64::MIN_POSITIVE, f64::max);
        let mut prices: Vec<f32> = hits.iter().filter_map(log_price).collect();
        prices.sort_unstable_by(f32::total_cmp);
        let mut categories: FxHashMap<String, usize> = FxHashMap::default();
        for category in hits.iter().filter_map(|hit| hit.product.leaf_category()) {
            *categories.entry(category.to_owned()).or_default() += 1;
        }
        let expected = hits.iter().filter_map(|hit| customer.expected.get(&hit.item)).map(|(_, score)| *score);
        Self {
            taste: mean_and_deviation(&suits),
            suits,
            best_learned: most(&|hit| hit.learned),
            best_formula: most(&|hit| hit.by_formula()),
            best_popular: most(&|hit| hit.part(Part::Popular)),
            best_expected: expected.fold(f32::MIN_POSITIVE, f32::max),
            median_price: prices.get(prices.len() / 2).copied().unwrap_or(f32::NAN),
            categories,
            words: preferred.query.split_whitespace().count() as f32,
            letters: preferred.query.chars().count() as f32,
            total,
            now: preferred.page.now,
        }
    }

    fn write(&self, customer: &Customer, (place, hit): (usize, &Hit<'_>), by_taste: usize, rows: &mut Rows<GUESS>) {
        let share = |value: f64, best: f64| (value / best).max(1e-6).ln() as f32;
        let (learned, formula) = (share(hit.learned, self.best_learned), share(hit.by_formula(), self.best_formula));
        let expected = customer.expected.get(&hit.item).copied();
        let rank = expected.map_or(f32::NAN, |(place, _)| (place as f32).ln_1p());
        let of_best = |best: f32| expected.map_or(f32::NAN, |(_, score)| (score / best).max(1e-6).ln());
        let suit = self.suits[place];
        let apart = suit.map_or(f32::NAN, |suit| (suit - self.taste.0) / self.taste.1);
        let since = |at: Option<&Timestamp>| {
            at.map_or(f32::NAN, |at| (self.now.since(*at).max(0) as f32 / Timestamp::SECOND as f32).ln_1p())
        };
        let category = hit.product.leaf_category();
        let of_category = category.and_then(|category| self.categories.get(category));
        let part = |part: Part| hit.part(part) as f32;
        let popular = part(Part::Popular);
        let all = self.suits.len().max(1) as f32;
        rows.values.extend([
            hit.relevance as f32,
            hit.coverage as f32,
            (hit.place as f32).ln(),
            learned,
            hit.doubt as f32,
            part(Part::Wished),
            formula,
            (place as f32).ln_1p(),
            popular,
            share(f64::from(popular), self.best_popular),
            rank,
            of_best(customer.best),
            of_best(self.best_expected),
            suit.unwrap_or(f32::NAN),
            apart,
            (by_taste as f32).ln_1p(),
            part(Part::Category),
            part(Part::Brand),
            part(Part::Price),
            log_price(hit).map_or(f32::NAN, |price| price - self.median_price),
            since(customer.looked.get(&hit.item)),
            since(category.and_then(|category| customer.looked_in.get(category))),
            of_category.map_or(f32::NAN, |count| *count as f32 / all),
            self.words,
            self.letters,
            (self.total as f32).ln_1p(),
            self.categories.len() as f32 / all,
        ]);
        let known = |value: f32, other: f32| if value.is_finite() { value } else { other };
        rows.guesses.push([
            learned,
            hit.lift(Part::is_personal).ln_1p() as f32,
            known(rank, (MOST_EXPECTED as f32).ln_1p()),
            known(of_best(customer.best), -14.0),
            known(apart, 0.0),
            (by_taste as f32).ln_1p(),
            part(Part::Bought),
            part(Part::Viewed),
            part(Part::Category),
            part(Part::Brand),
            part(Part::Price),
            popular,
        ]);
    }
}

/// What each number of a guess speaks of; the second is the formula's own lift, of which each part has its share.
pub(super) const GUESS_SPEAKS: [Speaks; GUESS] = [
    Speaks::Words,
    Speaks::Words,
    Speaks::Of(Part::Expected),
    Speaks::Of(Part::Expected),
    Speaks::Taste,
    Speaks::Taste,
    Speaks::Of(Part::Bought),
    Speaks::Of(Part::Viewed),
    Speaks::Of(Part::Category),
    Speaks::Of(Part::Brand),
    Speaks::Of(Part::Price),
    Speaks::Of(Part::Popular),
];

fn log_price(hit: &Hit<'_>) -> Option<f32> {
    hit.product.price.filter(|price| price.minor > 0).map(|price| (price.minor as f32).ln())
}

fn mean_and_deviation(values: &[Option<f32>]) -> (f32, f32) {
    let known = || values.iter().flatten().copied();
    let count = known().count().max(1) as f32;
    let mean = known().sum::<f32>() / count;
    let variance = known().map(|value| (value - mean).powi(2)).sum::<f32>() / count;
    (mean, variance.sqrt().max(1e-6))
}

/// The place of each by its value, the highest first; what has none stands behind all.
fn places(values: &[Option<f32>]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    let worth = |place: usize| values[place].unwrap_or(f32::NEG_INFINITY);
    order.sort_by(|a, b| worth(*b).total_cmp(&worth(*a)).then(a.cmp(b)));
    let mut places = vec![0; values.len()];
    order.into_iter().enumerate().for_each(|(place, number)| places[number] = place);
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_a_name_of_its_own_and_speaks_of_something() {
        let mut all: Vec<&str> = names().collect();
        assert_eq!((all.len(), speak().count()), (OWN.len() + DESCRIBED, OWN.len() + DESCRIBED));
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), OWN.len() + DESCRIBED);
    }

    #[test]
    fn places_are_by_value_and_what_has_none_is_last() {
        assert_eq!(places(&[Some(0.1), None, Some(0.9), Some(0.1)]), [1, 3, 0, 2]);
    }
}
