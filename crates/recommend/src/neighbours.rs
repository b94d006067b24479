//! Item-item neighbours: also viewed, bought together, and what goes with a whole taste.
//!
//! From baskets (orders, visits, or everything one customer bought) the fit counts how often two items meet, keeps
//! the pairs that meet more often than chance explains, and per item the best `kept` of them. Counts are integers
//! and weights fixed-point, so the model does not depend on the order of the baskets.
//!
//! The model is directed: the neighbours of `a` need not have `a` for a neighbour.
//!
//! ```
//! use mercer_recommend::neighbours::{Neighbours, Settings};
//! use mercer_recommend::{Item, Query, Recommender};
//!
//! let (tea, biscuits, soap) = (Item(0), Item(1), Item(2));
//! let mut orders = vec![vec![(tea, 1.0), (biscuits, 1.0)]; 20];
//! orders.extend(vec![vec![(soap, 1.0)]; 60]);
//! let model = Neighbours::fit(&orders, &Settings::bought_together());
//! let found = model.recommend(&Query { seeds: &[tea], ..Query::default() }, 5);
//! assert_eq!((found[0].item, found[0].because_of), (biscuits, Some(tea)));
//! ```

mod fit;
mod significance;

use crate::asked::asked_with;
use crate::memory::room_of;
use crate::ranking::{Sums, better};
use crate::wire::{self, Kind, Reader, Reason, Writer};
use crate::{Error, Item, Query, Recommender, Scored};

pub use significance::log_likelihood_ratio;

const KIND: Kind = Kind { name: "neighbours", version: 1 };
/// Weightiest items of a query that are looked up; a customer may have bought thousands.
const MOST_SOURCES: usize = 100;

/// How alike two items are, from the weight of their common baskets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Measure {
    /// Σ common / (√(Σ first · Σ second) + shrinkage): symmetric, for things that serve the same taste. The
    /// shrinkage pulls pairs of rare items towards zero.
    Cosine { shrinkage: f32 },
    /// Σ common / (Σ first + shrinkage): P(second | first), for what goes into the basket with the first.
    Confidence { shrinkage: f32 },
    /// Σ common: for lines that are weighted already, as BM25 does.
    Product,
    /// Dunning's log-likelihood ratio of the counts ([`log_likelihood_ratio`]): how sure it is that the two are alike, not
    /// how much. Weights count nothing.
    LogLikelihood,
}

/// What a basket's lines count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Weighting {
    /// A basket of s items counts s^(−damping): 0 lets a wholesaler's thousand lines make half a million pairs of
    /// full weight; with 1, an order weighs about as much as an item does.
    Damped(f32),
    /// Items are documents and baskets their words: each line counts ln(items / (1 + s)) (Salton, Buckley 1988).
    TfIdf,
    /// The same with a line counting (k₁ + 1) w / (w + k₁ (1 − b + b × baskets with the item / their mean)), so that
    /// items that are everywhere count less (Robertson, Zaragoza 2009).
    Bm25 { k1: f32, b: f32 },
}

/// How neighbours are found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    pub measure: Measure,
    pub weighting: Weighting,
    /// Smallest log-likelihood ratio of a pair: 10.83 is one chance pair in a thousand.
    pub significance: f64,
    /// Fewest common baskets.
    pub least_together: u32,
    /// Neighbours kept per item.
    pub kept: usize,
    /// Only the weightiest lines of a larger basket count; equal ones by item number.
    pub largest_basket: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            measure: Measure::Cosine { shrinkage: 1.0 },
            weighting: Weighting::Damped(1.0),
            significance: 10.83,
            least_together: 2,
            kept: 100,
            largest_basket: 500,
        }
    }
}

impl Settings {
    /// For carts and product pages: what else is bought with it, in the direction of the question.
    pub fn bought_together() -> Self {
        Self { measure: Measure::Confidence { shrinkage: 5.0 }, ..Self::default() }
    }
}

/// An item that goes with another one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbour {
    pub item: Item,
    pub score: f32,
    /// Baskets with both.
    pub together: u32,
}

/// The neighbours of every item.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Neighbours {
    /// Row of item i: `entries[starts[i]..starts[i + 1]]`, best first.
    starts: Vec<u32>,
    entries: Vec<Neighbour>,
    /// Baskets with each item.
    baskets_with: Vec<u32>,
    baskets: u64,
}

impl Neighbours {
    /// The neighbours of one item, best first.
    pub fn of(&self, item: Item) -> &[Neighbour] {
        match self.starts.get(item.index()..) {
            Some([start, end, ..]) => &self.entries[*start as usize..*end as usize],
            _ => &[],
        }
    }

    /// Baskets of the training data that have the item.
    pub fn baskets_with(&self, item: Item) -> u32 {
        self.baskets_with.get(item.index()).copied().unwrap_or(0)
    }

    /// How many times more often the two meet than chance would have it.
    pub fn lift(&self, item: Item, neighbour: &Neighbour) -> f64 {
        let expected = f64::from(self.baskets_with(item)) * f64::from(self.baskets_with(neighbour.item));
        if expected > 0.0 { f64::from(neighbour.together) * self.baskets as f64 / expected } else { 0.0 }
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        room_of(&self.starts) + room_of(&self.entries) + room_of(&self.baskets_with)
    }

    /// Bytes for the registry. `name` gives an item's lasting name.
    pub fn encode<N: AsRef<str>>(&self, name: impl Fn(Item) -> N) -> Vec<u8> {
        let mut writer = Writer::model(KIND);
        let items: Vec<Item> =
            (0..self.baskets_with.len() as u32).map(Item).filter(|item| self.baskets_with(*item) > 0).collect();
        let mut places = vec![0; self.baskets_with.len()];
        writer.u64(self.baskets);
        writer.count(items.len());
        for (place, item) in items.iter().enumerate() {
            places[item.index()] = place;
            writer.text(name(*item).as_ref());
        }
        for item in items {
            writer.u32(self.baskets_with(item));
            writer.count(self.of(item).len());
            for neighbour in self.of(item) {
                writer.count(places[neighbour.item.index()]);
                writer.f32(neighbour.score);
                writer.u32(neighbour.together);
            }
        }
        writer.bytes
    }

    /// Reads a model. Items that `resolve` does not know are left out.
    pub fn decode(bytes: &[u8], resolve: impl Fn(&str) -> Option<Item>) -> Result<Self, Error> {
        wire::decode(KIND, bytes, |reader| Self::read(reader, resolve))
    }

    fn read(reader: &mut Reader<'_>, resolve: impl Fn(&str) -> Option<Item>) -> Result<Self, Reason> {
        let baskets = reader.u64()?;
        let count = reader.count(4)?;
        let items = (0..count).map(|_| reader.text().map(&resolve)).collect::<Result<Vec<_>, Reason>>()?;
        let size = items.iter().flatten().map(|item| item.index() + 1).max().unwrap_or(0);
        let mut rows = vec![Vec::new(); size];
        let mut baskets_with = vec![0; size];
        for item in &items {
            let with = reader.u32()?;
            let neighbours = reader.count(12)?;
            let mut row = Vec::with_capacity(neighbours);
            for _ in 0..neighbours {
                let place = reader.u32()? as usize;
                let (score, together) = (reader.f32()?, reader.u32()?);
                let neighbour = items.get(place).ok_or("a neighbour is not among the items")?;
                row.extend(neighbour.map(|item| Neighbour { item, score, together }));
            }
            if let Some(item) = item {
                baskets_with[item.index()] = with;
                rows[item.index()] = row;
            }
        }
        Ok(Self::of_rows(rows, baskets_with, baskets))
    }

    fn of_rows(rows: Vec<Vec<Neighbour>>, baskets_with: Vec<u32>, baskets: u64) -> Self {
        let mut starts = Vec::with_capacity(rows.len() + 1);
        let mut entries = Vec::with_capacity(rows.iter().map(Vec::len).sum());
        starts.push(0);
        for mut row in rows {
            row.sort_unstable_by(|a, b| b.score.total_cmp(&a.score).then(a.item.cmp(&b.item)));
            entries.append(&mut row);
            starts.push(entries.len() as u32);
        }
        Self { starts, entries, baskets_with, baskets }
    }

    /// The same pairs by another score; those that score nothing are left out.
    pub(crate) fn rescored(&self, score: impl Fn(Item, &Neighbour) -> f32) -> Self {
        let row = |item: Item| -> Vec<Neighbour> {
            let scored = self.of(item).iter().map(|found| Neighbour { score: score(item, found), ..*found });
            scored.filter(|found| found.score > 0.0 && found.score.is_finite()).collect()
        };
        let rows = (0..self.size() as u32).map(|item| row(Item(item))).collect();
        Self::of_rows(rows, self.baskets_with.clone(), self.baskets)
    }

    /// Adds `weight` × score of every neighbour of the sources, times `factor`.
    pub(crate) fn add_to(&self, sums: &mut Sums, sources: &[(Item, f32)], factor: f32) {
        for (source, weight) in sources {
            for neighbour in self.of(*source) {
                sums.add(neighbour.item, weight * factor * neighbour.score, Some(*source));
            }
        }
    }

    /// How many additions [`Self::add_to`] will make.
    pub(crate) fn reach(&self, sources: &[(Item, f32)]) -> usize {
        sources.iter().map(|(source, _)| self.of(*source).len()).sum()
    }

    /// One past the largest item number.
    pub(crate) const fn size(&self) -> usize {
        self.baskets_with.len()
    }
}

/// The weightiest items of a history, equal ones by item number.
pub(crate) fn weightiest(history: &[(Item, f32)]) -> Vec<(Item, f32)> {
    let usable = history.iter().filter(|(_, weight)| *weight > 0.0 && weight.is_finite());
    let mut sources: Vec<Scored> =
        usable.map(|(item, score)| Scored { item: *item, score: *score, because_of: None }).collect();
    if sources.len() > MOST_SOURCES {
        sources.select_nth_unstable_by(MOST_SOURCES - 1, better);
        sources.truncate(MOST_SOURCES);
    }
    // In a fixed order, so that sums come out the same however the caller's history was ordered.
    sources.sort_unstable_by(better);
    sources.into_iter().map(|source| (source.item, source.score)).collect()
}

/// What goes with the seeds together; without seeds, what goes with the history by its weights. What was asked
/// with is not proposed.
impl Recommender for Neighbours {
    fn recommend(&self, query: &Query<'_>, limit: usize) -> Vec<Scored> {
        let sources = if query.seeds.is_empty() {
            weightiest(query.history)
        } else {
            let mut seeds: Vec<(Item, f32)> = query.seeds.iter().map(|seed| (*seed, 1.0)).collect();
            seeds.sort_unstable_by_key(|(seed, _)| *seed);
            seeds.dedup();
            seeds.truncate(MOST_SOURCES);
            seeds
        };
        let mut sums = Sums::new(self.size(), self.reach(&sources));
        self.add_to(&mut sums, &sources, 1.0);
        sums.best(limit, asked_with(query), |_| 1.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::interactions::Basket;

    fn basket(items: &[u32]) -> Basket {
        items.iter().map(|item| (Item(*item), 1.0)).collect()
    }

    /// Items 0 and 1 in 30 of 100 baskets together, 0 in 10 more without 1.
    fn baskets() -> Vec<Basket> {
        let mut baskets = vec![basket(&[0, 1]); 30];
        baskets.extend(vec![basket(&[0]); 10]);
        baskets.extend(vec![basket(&[2]); 60]);
        baskets
    }

    fn plain(measure: Measure) -> Settings {
        Settings { measure, weighting: Weighting::Damped(0.0), ..Settings::default() }
    }

    #[test]
    fn follows_the_formulas() {
        let cosine = Neighbours::fit(&baskets(), &plain(Measure::Cosine { shrinkage: 2.0 }));
        let expected = 30.0 / ((40.0_f32 * 30.0).sqrt() + 2.0);
        assert!((cosine.of(Item(0))[0].score - expected).abs() < 1e-4);
        assert!((cosine.of(Item(1))[0].score - expected).abs() < 1e-4);

        let confidence = Neighbours::fit(&baskets(), &plain(Measure::Confidence { shrinkage: 0.0 }));
        assert!((confidence.of(Item(0))[0].score - 0.75).abs() < 1e-4);
        assert!((confidence.of(Item(1))[0].score - 1.0).abs() < 1e-4);
        let neighbour = confidence.of(Item(0))[0];
        assert_eq!((neighbour.item, neighbour.together, confidence.baskets_with(Item(0))), (Item(1), 30, 40));
        assert!((confidence.lift(Item(0), &neighbour) - 30.0 * 100.0 / (40.0 * 30.0)).abs() < 1e-9);
    }

    #[test]
    fn weightings_follow_their_formulas() {
        let at = |measure, weighting| {
            let settings = Settings { measure, weighting, significance: 0.0, ..Settings::default() };
            let mut baskets = vec![basket(&[0, 1]); 4];
            baskets.extend(vec![basket(&[0]); 2]);
            baskets.extend(vec![basket(&[2, 3, 4, 5]); 6]);
            Neighbours::fit(&baskets, &settings).of(Item(0)).first().map_or(0.0, |near| f64::from(near.score))
        };
        // Six items: a basket of two has rarity ln(6/3), one of one ln(6/2); items 0 and 1 are in 6 and 4 baskets of 34 / 6.
        let (two, one) = (2_f64.ln().powi(2), 3_f64.ln().powi(2));
        let cosine = 4.0 * two / ((4.0 * two + 2.0 * one) * 4.0 * two).sqrt();
        assert!((at(Measure::Cosine { shrinkage: 0.0 }, Weighting::TfIdf) - cosine).abs() < 1e-4);
        let line = |with: f64| 3.0 / (1.0 + 2.0 * (0.5 + 0.5 * with / (34.0 / 6.0)));
        let product = 4.0 * two * line(6.0) * line(4.0);
        assert!((at(Measure::Product, Weighting::Bm25 { k1: 2.0, b: 0.5 }) - product).abs() < 1e-4);
        let ratio = log_likelihood_ratio(4, 6, 4, 12);
        assert!((at(Measure::LogLikelihood, Weighting::Damped(0.0)) - ratio).abs() < 1e-4);
    }

    #[test]
    fn chance_pairs_vanish() {
        // Two items in half of the baskets each, independent of each other: they meet 25 times, as chance has it.
        let chance: Vec<Basket> = (0..100_u32)
            .map(|number| (0..2).filter(|item| number >> item & 1 == 1).map(|item| (Item(item), 1.0)).collect())
            .collect();
        assert!(Neighbours::fit(&chance, &Settings::default()).of(Item(0)).is_empty());
        let all = Settings { significance: 0.0, ..Settings::default() };
        assert!(Neighbours::fit(&chance, &all).of(Item(0)).is_empty(), "not above chance");
        assert_eq!(Neighbours::fit(&baskets(), &all).of(Item(0)).len(), 1);
    }

    #[test]
    fn huge_baskets_count_less_and_are_cut() {
        let mut baskets = vec![basket(&[0, 1]); 5];
        baskets.extend(vec![basket(&(0..1).chain(2..100).collect::<Vec<_>>()); 5]);
        baskets.extend(vec![basket(&[200]); 200]);
        let found = Neighbours::fit(&baskets, &Settings::default());
        let score = |item| found.of(Item(0)).iter().find(|found| found.item == Item(item)).map(|found| found.score);
        assert!(score(1) > score(2) && score(2).is_some());
        let cut = Neighbours::fit(&baskets, &Settings { largest_basket: 3, ..Settings::default() });
        assert_eq!(cut.of(Item(0)).iter().map(|found| found.item.0).collect::<Vec<_>>(), [1, 2, 3]);
    }

    #[test]
    fn sums_over_a_weighted_history_and_names_the_cause() {
        let mut baskets = vec![basket(&[0, 5]); 10];
        baskets.extend(vec![basket(&[1, 6]); 10]);
        baskets.extend(vec![basket(&[9]); 80]);
        let model = Neighbours::fit(&baskets, &Settings::default());
        let history = [(Item(0), 0.5), (Item(1), 2.0), (Item(7), 9.0), (Item(9), f32::NAN)];
        let found = model.recommend(&Query { history: &history, ..Query::default() }, 10);
        let pairs: Vec<_> = found.iter().map(|scored| (scored.item.0, scored.because_of)).collect();
        assert_eq!(pairs, [(6, Some(Item(1))), (5, Some(Item(0)))]);
        assert!((found[0].score / found[1].score - 4.0).abs() < 1e-4);
    }

    #[test]
    fn another_numbering_and_lost_items_are_understood() {
        let model = Neighbours::fit(&baskets(), &Settings::default());
        let bytes = model.encode(|item| format!("name {}", item.0));
        let renumbered = |name: &str| name.strip_prefix("name ")?.parse::<u32>().ok().map(|number| Item(10 - number));
        let decoded = Neighbours::decode(&bytes, renumbered).unwrap();
        assert_eq!(decoded.of(Item(10))[0].item, Item(9));
        let without = Neighbours::decode(&bytes, |name| renumbered(name).filter(|item| *item != Item(9))).unwrap();
        assert!(without.of(Item(10)).is_empty());
    }

    proptest! {
        #[test]
        fn the_order_of_the_input_does_not_matter_and_bytes_give_the_same_model(
            mut baskets in proptest::collection::vec(proptest::collection::vec((0_u32..12, 0.5_f32..3.0), 0..8), 0..40),
            turn in 0_usize..40,
        ) {
            let settings = Settings { significance: 1.0, least_together: 1, largest_basket: 5, ..Settings::default() };
            let typed = |baskets: &[Vec<(u32, f32)>]| -> Vec<Basket> {
                baskets.iter().map(|basket| basket.iter().map(|(item, weight)| (Item(*item), *weight)).collect()).collect()
            };
            let model = Neighbours::fit(&typed(&baskets), &settings);
            if !baskets.is_empty() {
                let turn = turn % baskets.len();
                baskets.rotate_left(turn);
            }
            baskets.iter_mut().for_each(|basket| basket.reverse());
            prop_assert_eq!(&Neighbours::fit(&typed(&baskets), &settings), &model);
            let bytes = model.encode(|item| item.0.to_string());
            let decoded = Neighbours::decode(&bytes, |name| name.parse().ok().map(Item)).unwrap();
            prop_assert_eq!(decoded, model);
        }

        #[test]
        fn broken_bytes_are_refused_without_panic(at in 0_usize..400, byte in any::<u8>(), cut in 0_usize..400) {
            let model = Neighbours::fit(&baskets(), &Settings::default());
            let resolve = |name: &str| name.parse().ok().filter(|number| *number < 1_000).map(Item);
            let mut bytes = model.encode(|item| item.0.to_string());
            let short = &bytes[..cut.min(bytes.len() - 1)];
            prop_assert!(Neighbours::decode(short, resolve).is_err());
            let at = at % bytes.len();
            bytes[at] = byte;
            if let Ok(decoded) = Neighbours::decode(&bytes, resolve) {
                decoded.recommend(&Query { seeds: &[Item(0)], ..Query::default() }, 5);
            }
        }
    }
}
