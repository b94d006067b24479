//! What is wanted most, and what is wanted now more than usual: a live fold with exponential decay.
//!
//! Forward decay (Cormode, Shkapenyuk, Srivastava, Xu: "Forward Decay: A Practical Time Decay Model for Streaming
//! Systems", ICDE 2009, section 3): an observation of weight w at time t counts w·2^(t/h) for ever, h being the
//! half-life, and at time T a sum is worth that times 2^(-T/h). The last factor is the same for all items, so
//! their order never changes by waiting, only by observing. Sums are kept as binary logarithms, which cannot
//! overflow. The fold takes observations in log order, late ones too; it does not know who made them.
//!
//! As an observation only ever adds to a sum, what stands at the front of an order is overtaken by what was observed and by
//! nothing else. So the front alone is kept in order, and an observation costs the same in a shop of any size.
//!
//! ```
//! use mercer_recommend::popularity::Popularity;
//! use mercer_recommend::{Item, Query, Recommender};
//! use mercer_schema::Timestamp;
//!
//! let mut popularity = Popularity::default();
//! popularity.observe(Item(1), 1.0, Timestamp(0));
//! popularity.observe(Item(2), 1.0, Timestamp(90 * Timestamp::DAY));
//! let found = popularity.popular().recommend(&Query::default(), 5);
//! assert_eq!(found[0].item, Item(2), "the other is half forgotten");
//! ```

use mercer_schema::Timestamp;

use crate::folds::{Map, Set};
use crate::ranking::{best_of, better};
use crate::wire::{Reader, Reason, Writer};
use crate::{Changes, Error, Item, Query, Recommender, Scored};

const FOLD: &str = "popularity";
const FORMAT: u16 = 1;
const HEAD_KEY: &[u8] = b"head";
/// Items that are kept in order. Who asks for more waits until the others are sorted.
const FRONT: usize = 5_000;

/// How fast interest fades.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Half-life of [`Popular`], and of what [`Trending`] takes for usual.
    pub long_half_life_days: f64,
    /// Half-life of what is wanted now.
    pub short_half_life_days: f64,
    /// Trends are looked for among so many items that are wanted most now.
    pub trend_candidates: usize,
    /// Observed weight that is expected of any item: the larger, the more it takes to be a trend.
    pub prior_weight: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { long_half_life_days: 60.0, short_half_life_days: 3.0, trend_candidates: 500, prior_weight: 10.0 }
    }
}

impl Settings {
    /// Whether no level and no score can overflow.
    fn are_usable(&self) -> bool {
        let half_lives = [self.long_half_life_days, self.short_half_life_days];
        half_lives.iter().all(|days| (1e-3..=1e6).contains(days)) && (1e-3..=1e12).contains(&self.prior_weight)
    }
}

/// Decayed demand per item. Cloning is cheap, and a clone never changes.
#[derive(Debug, Clone, Default)]
pub struct Popularity {
    settings: Settings,
    demands: Map<u32, Demand>,
    by_long: Front,
    by_short: Front,
    newest: Option<Timestamp>,
    changed: Set<u32>,
}

/// Binary logarithms of the two forward-decayed sums.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Demand {
    long: f64,
    short: f64,
}

/// A place in an order: the highest level first, then the lowest item number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    /// The level's bits, mapped so that a higher level is a smaller number.
    falling: u64,
    item: u32,
}

impl Place {
    const fn new(level: f64, item: u32) -> Self {
        let bits = level.to_bits();
        // Positive floats order as their bits do, negative ones the other way round; both are flipped to fall.
        let rising = if bits >> 63 == 0 { bits | 1 << 63 } else { !bits };
        Self { falling: !rising, item }
    }
}

/// The first of an order, all of them while there are no more than [`FRONT`].
#[derive(Debug, Clone, Default, PartialEq)]
struct Front(Set<Place>);

impl Front {
    /// An item's level rose, from none or from what it was.
    fn raise(&mut self, item: u32, before: Option<f64>, level: f64) {
        if let Some(before) = before {
            self.0.remove(&Place::new(before, item));
        }
        let place = Place::new(level, item);
        if self.0.len() < FRONT {
            self.0.insert(place);
        } else if let Some(last) = self.0.get_max().copied().filter(|last| place < *last) {
            self.0.remove(&last);
            self.0.insert(place);
        }
    }

    /// All items in order; those behind the front are sorted once somebody gets there.
    fn all<'a>(&'a self, places: impl Fn() -> Vec<Place> + 'a) -> impl Iterator<Item = Place> + 'a {
        let behind = move || {
            let last = self.0.get_max().filter(|_| self.0.len() == FRONT);
            let mut behind = last.map_or_else(Vec::new, |last| {
                let mut places = places();
                places.retain(|place| place > last);
                places
            });
            behind.sort_unstable();
            behind
        };
        self.0.iter().copied().chain(std::iter::once_with(behind).flatten())
    }
}

impl Popularity {
    pub fn new(settings: Settings) -> Self {
        Self { settings, ..Self::default() }
    }

    /// Counts one contact with an item. A weight that is no positive number counts nothing.
    pub fn observe(&mut self, item: Item, weight: f32, at: Timestamp) {
        if !(weight > 0.0 && weight.is_finite()) {
            return;
        }
        self.newest = self.newest.max(Some(at));
        let gain = f64::from(weight).log2();
        let long = gain + half_lives(at, self.settings.long_half_life_days);
        let short = gain + half_lives(at, self.settings.short_half_life_days);
        let before = self.demands.get(&item.0).copied();
        let demand = before.map_or(Demand { long, short }, |before| Demand {
            long: log_sum(before.long, long),
            short: log_sum(before.short, short),
        });
        self.place(item.0, before, demand);
        self.changed.insert(item.0);
    }

    /// All items with any demand, most wanted first, with their demand as a share of the most wanted one's.
    pub fn ranked(&self) -> impl Iterator<Item = (Item, f32)> {
        let top = self.top_level();
        self.most_wanted().map(move |place| (Item(place.item), self.share(place.item, top)))
    }

    /// Demand as a share of the most wanted item's: 1 for that one, 0 for an item nobody touched.
    pub fn score(&self, item: Item) -> f32 {
        self.share(item.0, self.top_level())
    }

    /// The most wanted items over the long half-life.
    pub const fn popular(&self) -> Popular<'_> {
        Popular(self)
    }

    /// The items wanted now more than usual.
    pub const fn trending(&self) -> Trending<'_> {
        Trending(self)
    }

    /// What changed since the last call.
    pub fn drain_changes(&mut self) -> Changes {
        let changed = std::mem::take(&mut self.changed);
        if changed.is_empty() {
            return Changes::new();
        }
        let mut changes = vec![(HEAD_KEY.to_vec(), Some(self.head()))];
        for item in &changed {
            let demand = self.demands.get(item).map(|demand| {
                let mut writer = Writer::default();
                writer.f64(demand.long);
                writer.f64(demand.short);
                writer.bytes
            });
            changes.push((item.to_be_bytes().to_vec(), demand));
        }
        changes
    }

    /// Builds the fold from all its pieces, bit for bit as it was.
    pub fn restore(pieces: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>) -> Result<Self, Error> {
        let mut pieces: Vec<_> = pieces.into_iter().collect();
        if pieces.is_empty() {
            return Ok(Self::default());
        }
        let broken = |reason: Reason| Error::BrokenPiece { fold: FOLD, reason };
        let head = pieces.iter().position(|(key, _)| key == HEAD_KEY).ok_or_else(|| broken("the head is missing"))?;
        let (_, head) = pieces.swap_remove(head);
        let mut restored = Self::of_head(&head)?;
        for (key, value) in pieces {
            let item = u32::from_be_bytes(key.try_into().map_err(|_| broken("a key is no item number"))?);
            let mut reader = Reader::new(&value);
            let demand = Demand { long: reader.f64().map_err(broken)?, short: reader.f64().map_err(broken)? };
            reader.end().map_err(broken)?;
            if restored.demands.contains_key(&item) {
                return Err(broken("an item is there twice"));
            }
            restored.place(item, None, demand);
        }
        Ok(restored)
    }

    fn place(&mut self, item: u32, before: Option<Demand>, demand: Demand) {
        self.by_long.raise(item, before.map(|before| before.long), demand.long);
        self.by_short.raise(item, before.map(|before| before.short), demand.short);
        self.demands.insert(item, demand);
    }

    /// In the order of the long half-life.
    fn most_wanted(&self) -> impl Iterator<Item = Place> {
        self.by_long.all(|| self.demands.iter().map(|(item, demand)| Place::new(demand.long, *item)).collect())
    }

    /// In the order of the short half-life.
    fn wanted_now(&self) -> impl Iterator<Item = Place> {
        self.by_short.all(|| self.demands.iter().map(|(item, demand)| Place::new(demand.short, *item)).collect())
    }

    fn top_level(&self) -> f64 {
        let top = self.by_long.0.get_min().and_then(|place| self.demands.get(&place.item));
        top.map_or(0.0, |demand| demand.long)
    }

    fn share(&self, item: u32, top: f64) -> f32 {
        self.demands.get(&item).map_or(0.0, |demand| (demand.long - top).exp2() as f32)
    }

    fn head(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.u16(FORMAT);
        writer.f64(self.settings.long_half_life_days);
        writer.f64(self.settings.short_half_life_days);
        writer.count(self.settings.trend_candidates);
        writer.f64(self.settings.prior_weight);
        writer.i64(self.newest.unwrap_or_default().0);
        writer.bytes
    }

    fn of_head(bytes: &[u8]) -> Result<Self, Error> {
        let broken = |reason: Reason| Error::BrokenPiece { fold: FOLD, reason };
        let mut reader = Reader::new(bytes);
        let found = reader.u16().map_err(broken)?;
        if found != FORMAT {
            return Err(Error::OtherFold { fold: FOLD, found, known: FORMAT });
        }
        let settings = Settings {
            long_half_life_days: reader.f64().map_err(broken)?,
            short_half_life_days: reader.f64().map_err(broken)?,
            trend_candidates: reader.u32().map_err(broken)? as usize,
            prior_weight: reader.f64().map_err(broken)?,
        };
        if !settings.are_usable() {
            return Err(broken("its settings are out of range"));
        }
        let newest = Some(Timestamp(reader.i64().map_err(broken)?));
        reader.end().map_err(broken)?;
        Ok(Self { settings, newest, ..Self::default() })
    }
}

/// Most wanted first; the score is the share of the most wanted item's demand.
#[derive(Debug, Clone, Copy)]
pub struct Popular<'a>(&'a Popularity);

impl Recommender for Popular<'_> {
    fn recommend(&self, query: &Query<'_>, limit: usize) -> Vec<Scored> {
        if limit == 0 {
            return Vec::new();
        }
        let top = self.0.top_level();
        let mut found: Vec<Scored> = Vec::new();
        for place in self.0.most_wanted().filter(|place| !query.seeds.contains(&Item(place.item))) {
            let score = self.0.share(place.item, top);
            // Demands may differ by less than a score can show. Such ties stand in the order of their items, so all
            // of them are needed before the answer is cut.
            if found.len() >= limit && found.last().is_some_and(|last| last.score > score) {
                break;
            }
            found.push(Scored { item: Item(place.item), score, because_of: None });
        }
        found.sort_by(better);
        found.truncate(limit);
        found
    }
}

/// Wanted now more than usual.
///
/// The usual is what a steady item of the same long-term demand would show in the short half-life; the score is the
/// excess over it in units of its spread, (short − expected) / √(expected + prior), as for a Poisson count with a
/// prior. So a first sale, or a hundred steady ones, are no trend. The time is the query's, but not later than the
/// newest observation: a shop that slept over the weekend keeps its trends.
#[derive(Debug, Clone, Copy)]
pub struct Trending<'a>(&'a Popularity);

impl Recommender for Trending<'_> {
    fn recommend(&self, query: &Query<'_>, limit: usize) -> Vec<Scored> {
        let Popularity { settings, demands, newest, .. } = self.0;
        let Some(newest) = *newest else { return Vec::new() };
        let now = query.now.min(newest);
        let long_now = half_lives(now, settings.long_half_life_days);
        let short_now = half_lives(now, settings.short_half_life_days);
        let usual_share = settings.short_half_life_days / settings.long_half_life_days;
        let excess = |demand: &Demand| {
            let expected = worth(demand.long - long_now) * usual_share;
            (worth(demand.short - short_now) - expected) / (expected + settings.prior_weight).sqrt()
        };
        let candidates = self.0.wanted_now().take(settings.trend_candidates).filter_map(|place| {
            let item = Item(place.item);
            let score = excess(demands.get(&place.item)?) as f32;
            (!query.seeds.contains(&item)).then_some(Scored { item, score, because_of: None })
        });
        best_of(candidates.collect(), limit)
    }
}

fn half_lives(at: Timestamp, half_life_days: f64) -> f64 {
    at.0 as f64 / (half_life_days * Timestamp::DAY as f64)
}

/// 2 to the `level`, kept finite: when asked for an earlier time, later observations count much.
fn worth(level: f64) -> f64 {
    level.min(60.0).exp2()
}

/// log2(2^a + 2^b).
fn log_sum(a: f64, b: f64) -> f64 {
    let (high, low) = if a >= b { (a, b) } else { (b, a) };
    high + (low - high).exp2().ln_1p() / std::f64::consts::LN_2
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY: i64 = Timestamp::DAY;

    fn day(days: i64) -> Timestamp {
        Timestamp(days * DAY)
    }

    fn items(found: &[Scored]) -> Vec<u32> {
        found.iter().map(|scored| scored.item.0).collect()
    }

    fn steady_and_surging() -> Popularity {
        let mut popularity = Popularity::default();
        for at in 0..200 {
            for _ in 0..20 {
                popularity.observe(Item(1), 1.0, day(at));
            }
            let surge = if at > 195 { 12 } else { 2 };
            for _ in 0..surge {
                popularity.observe(Item(2), 1.0, day(at));
            }
        }
        popularity.observe(Item(3), 1.0, day(199));
        popularity
    }

    #[test]
    fn demand_halves_in_a_half_life() {
        let mut popularity = Popularity::default();
        popularity.observe(Item(0), 3.0, day(0));
        popularity.observe(Item(0), 1.0, day(60));
        popularity.observe(Item(1), 5.0, day(60));
        // 3 half gone and 1 fresh: 2.5 against 5.
        assert!((popularity.score(Item(0)) - 0.5).abs() < 1e-6);
        assert_eq!(popularity.ranked().map(|(item, _)| item.0).collect::<Vec<_>>(), [1, 0]);
        assert_eq!(popularity.score(Item(9)), 0.0);
    }

    #[test]
    fn a_surge_trends_and_neither_a_steady_seller_nor_a_single_sale_does() {
        let popularity = steady_and_surging();
        let query = Query { now: day(200), ..Query::default() };
        assert_eq!(items(&popularity.popular().recommend(&query, 9)), [1, 2, 3]);
        let trending = popularity.trending().recommend(&query, 9);
        assert_eq!(trending[0].item, Item(2));
        assert!(trending.iter().skip(1).all(|other| other.score < trending[0].score / 3.0), "{trending:?}");
    }

    #[test]
    fn a_clone_does_not_change() {
        let mut popularity = steady_and_surging();
        let query = Query { now: day(200), ..Query::default() };
        let (clone, before) = (popularity.clone(), popularity.popular().recommend(&query, 9));
        for _ in 0..10_000 {
            popularity.observe(Item(4), 1.0, day(200));
        }
        assert_eq!(clone.popular().recommend(&query, 9), before);
        assert_eq!(popularity.popular().recommend(&query, 1)[0].item, Item(4));
    }

    #[test]
    fn pieces_of_another_format_are_refused() {
        let mut popularity = steady_and_surging();
        let mut pieces: Vec<(Vec<u8>, Vec<u8>)> =
            popularity.drain_changes().into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
        pieces[0].1[0] = 9;
        assert!(matches!(Popularity::restore(pieces.clone()), Err(Error::OtherFold { found: 9, .. })));
        pieces.remove(0);
        assert!(matches!(Popularity::restore(pieces), Err(Error::BrokenPiece { .. })));
    }

    /// More items than are kept in order, each several times, with ties.
    #[test]
    fn behind_the_front_the_order_goes_on() {
        let mut popularity = Popularity::default();
        let items_there = FRONT as u32 * 3;
        for step in 0..items_there * 4 {
            let item = (step * 7_919) % items_there;
            popularity.observe(Item(item), (1 + item % 50) as f32, day(i64::from(step % 90)));
        }
        let mut sorted: Vec<Place> =
            popularity.demands.iter().map(|(item, demand)| Place::new(demand.long, *item)).collect();
        sorted.sort_unstable();
        let sorted: Vec<u32> = sorted.iter().map(|place| place.item).collect();
        assert_eq!(popularity.ranked().map(|(item, _)| item.0).collect::<Vec<_>>(), sorted);
        let pieces = popularity.drain_changes().into_iter().filter_map(|(key, value)| Some((key, value?)));
        let restored = Popularity::restore(pieces).unwrap();
        assert!(restored.by_long == popularity.by_long && restored.by_short == popularity.by_short);
        assert_eq!(popularity.popular().recommend(&Query::default(), usize::MAX).len(), items_there as usize);
    }

    proptest! {
        /// Against the sum written out at a moment, and bit for bit through drain and restore at any point.
        #[test]
        fn equals_the_sum_written_out(
            seen in proptest::collection::vec((0_u32..6, 0.1_f32..5.0, 0_i64..300), 1..60),
            cut in 0_usize..60,
        ) {
            let mut popularity = Popularity::default();
            let mut pieces = std::collections::BTreeMap::new();
            let mut sums = [0.0_f64; 6];
            for (index, (item, weight, at)) in seen.iter().enumerate() {
                if index == cut {
                    pieces.extend(popularity.drain_changes());
                }
                popularity.observe(Item(*item), *weight, day(*at));
                sums[*item as usize] += f64::from(*weight) * ((*at - 300) as f64 / 60.0).exp2();
            }
            pieces.extend(popularity.drain_changes());
            let top = sums.iter().fold(0.0_f64, |top, sum| top.max(*sum));
            for (item, sum) in sums.iter().enumerate() {
                let score = f64::from(popularity.score(Item(item as u32)));
                prop_assert!((score - sum / top).abs() < 1e-6, "{} {} {}", item, score, sum / top);
            }
            let pieces = pieces.into_iter().filter_map(|(key, value)| Some((key, value?)));
            let restored = Popularity::restore(pieces).unwrap();
            let query = Query { now: day(301), ..Query::default() };
            prop_assert_eq!(restored.popular().recommend(&query, 9), popularity.popular().recommend(&query, 9));
            prop_assert_eq!(restored.trending().recommend(&query, 9), popularity.trending().recommend(&query, 9));
            prop_assert!(restored.demands == popularity.demands && restored.by_short == popularity.by_short);
        }
    }
}
