//! What was clicked among what was found, query by query, freed of where it stood.
//!
//! A result high up is clicked because it is seen. The position-based model (Craswell et al., WSDM 2008) says so: a product at
//! place `k` is clicked with probability `θ_k γ`, of which `θ_k` is how often that place is looked at and `γ` how good the
//! product is for the query. Here
//!
//! - `θ` is learned from products that chance put into one of the first places (Joachims, Swaminathan and Schnabel, WSDM 2017,
//!   section 5.3): as the place has nothing to do with the product, click rates by place differ only by `θ`;
//! - `γ` is clicks over expected clicks (Zhang and Jones, SIGIR 2007), the likeliest value under the model, drawn towards
//!   what the words say until there is evidence.
//!
//! Counts halve with time. What is kept is bounded: queries not searched for longest go first.

use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use mercer_schema::Timestamp;
use serde::{Deserialize, Serialize};

const HALF_LIFE_DAYS: f64 = 90.0;
const MOST_QUERIES: usize = 20_000;
/// Products of a query; beyond them those that were shown least are forgotten.
const MOST_PRODUCTS: usize = 120;
/// The first places, of which chance chooses.
pub const FIRST_PLACES: usize = 10;
/// Places that are looked at about as often are counted together; these are the first of each.
const STEPS: [usize; 8] = [1, 2, 3, 4, 5, 7, 10, 14];
/// How often a place is looked at before anything is known: `k` to the minus this.
const FALL: f64 = 0.8;
/// Showings by chance that this assumption weighs as much as, at each place.
const ASSUMED: f64 = 100.0;
/// Looks at a product that what the words say weighs as much as; more where people seldom click, so that it takes about as
/// many clicks to change the order.
const DOUBT: f64 = 5.0;
/// Products that the click rate of all queries weighs as much as for one.
const RATE_DOUBT: f64 = 2.0;
/// First places that the assumed click rate weighs as much as.
const RATE_ASSUMED: f64 = 20.0;
/// The click rate of a perfect result that is looked at, before anything is known.
const RATE: f64 = 0.3;

/// What was shown and clicked of one product for one query, as of the query's `at`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct Shown {
    item: u32,
    clicks: f32,
    /// By step of places.
    times: [f32; STEPS.len()],
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct OfQuery {
    /// In order of the products' numbers.
    products: Vec<Shown>,
    at: Timestamp,
}

/// What chance showed at each of the first places, and what of it was clicked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct ByChance {
    shown: [f64; FIRST_PLACES],
    clicked: [f64; FIRST_PLACES],
    /// At the first place, whatever put it there.
    first_shown: f64,
    first_clicked: f64,
}

/// All queries in their common form.
#[derive(Debug, Clone, Default)]
pub struct Clicks {
    queries: OrdMap<Arc<str>, OfQuery>,
    by_time: OrdSet<(Timestamp, Arc<str>)>,
    chance: ByChance,
    /// Takes every place as looked at alike, to be compared with.
    is_naive: bool,
    changed: OrdSet<Vec<u8>>,
}

/// A product at a place on the page, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    pub item: u32,
    pub place: usize,
    /// Chance put it there.
    pub is_by_chance: bool,
}

impl Clicks {
    /// Counts clicks over showings as they are, as one should not.
    pub fn naive() -> Self {
        Self { is_naive: true, ..Self::default() }
    }

    /// Counts what a search showed.
    pub fn shown(&mut self, query: &Arc<str>, page: impl IntoIterator<Item = Placed>, at: Timestamp) {
        let mut of_query = self.aged(query, at);
        for Placed { item, place, is_by_chance } in page {
            of_query.product(item).times[step(place)] += 1.0;
            self.chance.first_shown += if place == 1 { 1.0 } else { 0.0 };
            if is_by_chance && let Some(shown) = self.chance.shown.get_mut(place - 1) {
                *shown += 1.0;
            }
        }
        of_query.forget_beyond(MOST_PRODUCTS);
        self.put(query, of_query);
    }

    /// Counts a click on what a search showed, once a search.
    pub fn clicked(&mut self, query: &Arc<str>, Placed { item, place, is_by_chance }: Placed, at: Timestamp) {
        let mut of_query = self.aged(query, at);
        // A click without a showing tells nothing.
        let Ok(known) = of_query.place_of(item) else { return };
        of_query.products[known].clicks += 1.0;
        self.chance.first_clicked += if place == 1 { 1.0 } else { 0.0 };
        if is_by_chance && let Some(clicked) = self.chance.clicked.get_mut(place - 1) {
            *clicked += 1.0;
        }
        self.put(query, of_query);
    }

    /// What is known of a query; none of one that nobody searched for long.
    pub fn of(&self, query: &str) -> Option<Learned<'_>> {
        let OfQuery { products, .. } = self.queries.get(query)?;
        let looks = self.looks();
        Some(Learned { products, looks, rate: self.rate() })
    }

    /// How often each of the first places is looked at, beside the first.
    pub fn examination(&self) -> [f64; FIRST_PLACES] {
        let assumed = |place: usize| ((place + 1) as f64).powf(-FALL);
        if self.is_naive {
            return [1.0; FIRST_PLACES];
        }
        let ByChance { shown, clicked, .. } = &self.chance;
        let expected: f64 = (0..FIRST_PLACES).map(|place| shown[place] * assumed(place)).sum();
        let rate = (clicked.iter().sum::<f64>() + 1.0) / (expected + 1.0 / RATE);
        let mut seen: [f64; FIRST_PLACES] = std::array::from_fn(|place| {
            let evidence = clicked[place] + ASSUMED * rate * assumed(place);
            evidence / ((shown[place] + ASSUMED) * rate)
        });
        falling(&mut seen);
        seen.map(|share| share / seen[0])
    }

    /// The same by step of places.
    fn looks(&self) -> [f64; STEPS.len()] {
        let seen = self.examination();
        std::array::from_fn(|number| {
            let from = STEPS[number];
            let to = STEPS.get(number + 1).copied().unwrap_or(2 * from);
            let of_place = |place: usize| {
                let within = seen[place.min(FIRST_PLACES) - 1];
                if self.is_naive { within } else { within * (FIRST_PLACES as f64 / place as f64).min(1.0) }
            };
            (from..to).map(of_place).sum::<f64>() / (to - from) as f64
        })
    }

    /// How often a result is clicked that is looked at and stands first.
    fn rate(&self) -> f64 {
        let ByChance { first_shown, first_clicked, .. } = self.chance;
        (first_clicked + RATE * RATE_ASSUMED) / (first_shown + RATE_ASSUMED)
    }

    fn aged(&self, query: &Arc<str>, at: Timestamp) -> OfQuery {
        let Some(mut known) = self.queries.get(query).cloned() else {
            return OfQuery { products: Vec::new(), at };
        };
        if at > known.at {
            let days = at.since(known.at) as f64 / Timestamp::DAY as f64;
            let left = (-days / HALF_LIFE_DAYS).exp2() as f32;
            for product in &mut known.products {
                product.clicks *= left;
                product.times.iter_mut().for_each(|times| *times *= left);
            }
            known.at = at;
        }
        known
    }

    fn put(&mut self, query: &Arc<str>, of_query: OfQuery) {
        if let Some(before) = self.queries.get(query) {
            self.by_time.remove(&(before.at, Arc::clone(query)));
        }
        self.by_time.insert((of_query.at, Arc::clone(query)));
        self.changed.insert(key_of(query));
        self.changed.insert(CHANCE.to_vec());
        self.queries.insert(Arc::clone(query), of_query);
        while self.queries.len() > MOST_QUERIES
            && let Some((at, oldest)) = self.by_time.get_min().cloned()
        {
            self.queries.remove(&oldest);
            self.changed.insert(key_of(&oldest));
            self.by_time.remove(&(at, oldest));
        }
    }

    /// Keyed pieces that changed since the last call; none deletes.
    pub fn drain_changes(&mut self) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
        let changed = std::mem::take(&mut self.changed);
        let piece = |key: &[u8]| match key.strip_prefix(QUERY) {
            Some(query) => postcard::to_stdvec(self.queries.get(std::str::from_utf8(query).ok()?)?).ok(),
            None => postcard::to_stdvec(&self.chance).ok(),
        };
        changed.into_iter().map(|key| (key.clone(), piece(&key))).collect()
    }

    /// Builds the fold from all its pieces. `None`: a piece is broken.
    pub fn restore(pieces: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>) -> Option<Self> {
        let mut restored = Self::default();
        for (key, value) in pieces {
            match key.strip_prefix(QUERY) {
                Some(query) => {
                    let of_query: OfQuery = postcard::from_bytes(&value).ok()?;
                    restored.put(&std::str::from_utf8(query).ok()?.into(), of_query);
                }
                None => restored.chance = postcard::from_bytes(&value).ok()?,
            }
        }
        restored.changed.clear();
        Some(restored)
    }
}

impl PartialEq for Clicks {
    fn eq(&self, other: &Self) -> bool {
        self.queries == other.queries && self.chance == other.chance
    }
}

impl OfQuery {
    fn place_of(&self, item: u32) -> Result<usize, usize> {
        self.products.binary_search_by_key(&item, |shown| shown.item)
    }

    fn product(&mut self, item: u32) -> &mut Shown {
        let place = self.place_of(item).unwrap_or_else(|place| {
            self.products.insert(place, Shown { item, ..Shown::default() });
            place
        });
        &mut self.products[place]
    }

    fn forget_beyond(&mut self, most: usize) {
        if self.products.len() > most {
            let times = |shown: &Shown| shown.times.iter().sum::<f32>();
            self.products.sort_by(|a, b| times(b).total_cmp(&times(a)).then(a.item.cmp(&b.item)));
            self.products.truncate(most);
            self.products.sort_by_key(|shown| shown.item);
        }
    }
}

/// What clicks say of the products of one query.
#[derive(Debug, Clone, Copy)]
pub struct Learned<'a> {
    products: &'a [Shown],
    looks: [f64; STEPS.len()],
    rate: f64,
}

impl Learned<'_> {
    /// Knows how often people click at all for this query, given how well its products fit by their words. Each product that
    /// was looked at often counts the same: those that stand in front are looked at most, but there because they are better
    /// than what nobody saw yet.
    #[must_use]
    pub fn scaled(self, fit: impl Fn(u32) -> Option<f64>) -> Self {
        let (mut clicks, mut expected) = (0.0, 0.0);
        for shown in self.products {
            if let Some(fit) = fit(shown.item) {
                let looks = self.looked_at(shown);
                clicks += f64::from(shown.clicks) / (looks + DOUBT);
                expected += fit * looks / (looks + DOUBT);
            }
        }
        Self { rate: (clicks + RATE_DOUBT * self.rate) / (expected + RATE_DOUBT), ..self }
    }

    /// How good a product is that fits so well by its words, on the same scale, and how unsure that is (a standard
    /// deviation). Under the model clicks are nearly Poisson: the mean and the deviation of a gamma distribution.
    pub fn relevance(&self, item: u32, fit: f64) -> (f64, f64) {
        let place = self.products.binary_search_by_key(&item, |shown| shown.item);
        let shown = place.map(|place| self.products[place]).unwrap_or_default();
        let doubt = DOUBT * (RATE / self.rate).max(1.0);
        let clicks = f64::from(shown.clicks) + doubt * self.rate * fit;
        let looks = self.looked_at(&shown) + doubt;
        (clicks / looks / self.rate, clicks.sqrt() / looks / self.rate)
    }

    /// How often a product was clicked, and how often it should have been if it is as good as it fits by its words; none
    /// of one that was not shown.
    pub fn clicks_and_expected(&self, item: u32, fit: f64) -> Option<(f64, f64)> {
        let place = self.products.binary_search_by_key(&item, |shown| shown.item).ok()?;
        let shown = &self.products[place];
        Some((f64::from(shown.clicks), self.looked_at(shown) * self.rate * fit))
    }

    fn looked_at(&self, shown: &Shown) -> f64 {
        self.looks.iter().zip(shown.times).map(|(share, times)| share * f64::from(times)).sum()
    }
}

const QUERY: &[u8] = b"q";
const CHANCE: &[u8] = b"chance";

fn key_of(query: &str) -> Vec<u8> {
    [QUERY, query.as_bytes()].concat()
}

fn step(place: usize) -> usize {
    STEPS.iter().rposition(|first| *first <= place).unwrap_or(0)
}

/// The nearest numbers that never rise (pool adjacent violators; Ayer et al. 1955).
fn falling(values: &mut [f64]) {
    let mut blocks: Vec<(f64, usize)> = Vec::new();
    for value in values.iter() {
        let mut block = (*value, 1);
        while let Some((mean, size)) = blocks.last().copied().filter(|(mean, _)| *mean < block.0) {
            block = ((block.0 * block.1 as f64 + mean * size as f64) / (block.1 + size) as f64, block.1 + size);
            blocks.pop();
        }
        blocks.push(block);
    }
    let means = blocks.into_iter().flat_map(|(mean, size)| std::iter::repeat_n(mean, size));
    values.iter_mut().zip(means).for_each(|(value, mean)| *value = mean);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn query() -> Arc<str> {
        Arc::from("lantern")
    }

    /// Shows two equally good products, one at the first place, one at the fifth, and products by chance anywhere.
    fn experience(mut clicks: Clicks) -> Clicks {
        for number in 0..4_000_usize {
            let at = Timestamp(number as i64 * Timestamp::MINUTE);
            let place = 1 + number % FIRST_PLACES;
            let by_chance = Placed { item: 9, place, is_by_chance: true };
            let page = [(1, 1), (2, 5)].map(|(item, place)| Placed { item, place, is_by_chance: false });
            clicks.shown(&query(), page.into_iter().chain([by_chance]), at);
            // Of each place every k-th look is a click.
            for shown in page.into_iter().chain([by_chance]) {
                if (number / FIRST_PLACES).is_multiple_of(2 * shown.place) {
                    clicks.clicked(&query(), shown, at);
                }
            }
        }
        clicks
    }

    #[test]
    fn where_it_stood_does_not_count() {
        let even = |_| Some(0.5);
        let clicks = experience(Clicks::default());
        let learned = clicks.of("lantern").unwrap().scaled(even);
        let [(first, doubt), (fifth, _)] = [1, 2].map(|item| learned.relevance(item, 0.5));
        assert!((first / fifth - 1.0).abs() < 0.15, "{first} {fifth}: {:?}", clicks.examination());
        assert!(doubt < 0.05);
        let naive = experience(Clicks::naive());
        let learned = naive.of("lantern").unwrap().scaled(even);
        assert!(learned.relevance(1, 0.5).0 > 3.0 * learned.relevance(2, 0.5).0);
    }

    #[test]
    fn where_nobody_clicks_the_order_stays() {
        let mut clicks = Clicks::default();
        for number in 0..50 {
            let page = [(1, 1), (2, 2)].map(|(item, place)| Placed { item, place, is_by_chance: false });
            clicks.shown(&query(), page, Timestamp(number));
        }
        let learned = clicks.of("lantern").unwrap().scaled(|_| Some(1.0));
        let [shown, unseen] = [1, 9].map(|item| learned.relevance(item, 1.0).0);
        assert!(shown > 0.3 * unseen && shown < unseen, "{shown} {unseen}");
    }

    #[test]
    fn words_count_until_clicks_are_known() {
        let mut clicks = Clicks::default();
        clicks.shown(&query(), [Placed { item: 1, place: 1, is_by_chance: false }], Timestamp(0));
        let (unclicked, _) = clicks.of("lantern").unwrap().relevance(1, 0.8);
        let (unshown, doubt) = clicks.of("lantern").unwrap().relevance(7, 0.8);
        assert!(unclicked < 0.8 && unclicked > 0.6 && (unshown - 0.8).abs() < 1e-9 && doubt > 0.1);
        clicks.clicked(&query(), Placed { item: 8, place: 1, is_by_chance: false }, Timestamp(0));
        let (unclicked, _) = clicks.of("lantern").unwrap().relevance(8, 0.8);
        assert!((unclicked - 0.8).abs() < 1e-9, "what was not shown is not clicked");
    }

    #[test]
    fn numbers_that_never_rise() {
        let mut values = [1.0, 0.5, 0.7, 0.2, 0.1, 0.3];
        falling(&mut values);
        for (value, expected) in values.iter().zip([1.0, 0.6, 0.6, 0.2, 0.2, 0.2]) {
            assert!((value - expected).abs() < 1e-12, "{values:?}");
        }
    }

    proptest! {
        #[test]
        fn the_fold_comes_back_from_its_pieces(
            shown in prop::collection::vec(("[ab]", prop::collection::vec(0_u32..200, 1..30), 0_i64..99, any::<bool>()), 0..40),
        ) {
            let mut clicks = Clicks::default();
            let mut pieces = std::collections::BTreeMap::new();
            for (number, (query, items, day, is_clicked)) in shown.into_iter().enumerate() {
                let (query, at) = (Arc::from(query), Timestamp(day * Timestamp::DAY));
                let page = items.iter().enumerate().map(|(place, item)| {
                    Placed { item: *item, place: place + 1, is_by_chance: place == number % 9 }
                });
                clicks.shown(&query, page.clone(), at);
                page.filter(|_| is_clicked).for_each(|placed| clicks.clicked(&query, placed, at));
                if number % 5 == 0 {
                    pieces.extend(clicks.drain_changes());
                }
            }
            pieces.extend(clicks.drain_changes());
            let left = pieces.into_iter().filter_map(|(key, value)| Some((key, value?)));
            let again = Clicks::restore(left).unwrap();
            prop_assert!(clicks == again);
            prop_assert!(clicks.examination().windows(2).all(|pair| pair[0] >= pair[1]));
        }
    }
}
