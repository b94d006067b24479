//! Counting which items meet, one row at a time.
//!
//! For each item all baskets with it are walked and what lies beside it is added up in a table over all items; so
//! memory is the baskets, twice, and one row. Time is the sum of the squared basket sizes, which
//! `largest_basket` bounds.

use super::{Measure, Neighbour, Neighbours, Settings, Weighting, log_likelihood_ratio};
use crate::Item;
use crate::interactions::Basket;

/// Weights are counted in units of one in so many: sums of integers do not depend on their order.
const UNITS: f64 = (1 << 20) as f64;

/// Baskets and their transpose.
struct Counted {
    baskets: Vec<Counting>,
    /// Baskets with each item, and its weight there.
    with: Vec<Vec<(u32, f32)>>,
    /// Σ weight² × basket weight per item, in units.
    own: Vec<u64>,
}

struct Counting {
    lines: Basket,
    weight: f32,
}

/// What lies beside the item of the present row.
#[derive(Clone, Copy, Default)]
struct Beside {
    weight: u64,
    together: u32,
}

impl Neighbours {
    /// Finds neighbours in baskets: orders, visits, or one basket a customer. A line without a positive weight
    /// counts nothing; of equal items in one basket the weightiest line counts.
    pub fn fit(baskets: &[Basket], settings: &Settings) -> Self {
        let counted = Counted::of(baskets, settings);
        let size = counted.with.len();
        let mut beside = vec![Beside::default(); size];
        let mut touched: Vec<u32> = Vec::new();
        let rows = (0..size).map(|item| {
            counted.count_row(item, &mut beside, &mut touched);
            let row = counted.best(item, &beside, &touched, settings);
            touched.drain(..).for_each(|other| beside[other as usize] = Beside::default());
            row
        });
        let rows = rows.collect();
        let baskets_with = counted.with.iter().map(|with| with.len() as u32).collect();
        Self::of_rows(rows, baskets_with, counted.baskets.len() as u64)
    }
}

impl Counted {
    fn of(baskets: &[Basket], settings: &Settings) -> Self {
        let mut baskets: Vec<Counting> = baskets.iter().filter_map(|basket| prepare(basket, settings)).collect();
        weigh(&mut baskets, settings.weighting);
        let lines = || baskets.iter().flat_map(|basket| &basket.lines);
        let size = lines().map(|(item, _)| item.index() + 1).max().unwrap_or(0);
        let mut with = vec![Vec::new(); size];
        let mut own = vec![0; size];
        for (number, basket) in baskets.iter().enumerate() {
            for (item, weight) in &basket.lines {
                with[item.index()].push((number as u32, *weight));
                own[item.index()] += units(weight * weight * basket.weight);
            }
        }
        Self { baskets, with, own }
    }

    fn count_row(&self, item: usize, beside: &mut [Beside], touched: &mut Vec<u32>) {
        for (number, weight) in &self.with[item] {
            let basket = &self.baskets[*number as usize];
            let weight = weight * basket.weight;
            for (other, other_weight) in &basket.lines {
                let cell = &mut beside[other.index()];
                if cell.together == 0 {
                    touched.push(other.0);
                }
                cell.together += 1;
                cell.weight += units(weight * other_weight);
            }
        }
    }

    fn best(&self, item: usize, beside: &[Beside], touched: &[u32], settings: &Settings) -> Vec<Neighbour> {
        let total = self.baskets.len() as u64;
        let first = self.with[item].len() as u64;
        let mut row: Vec<Neighbour> = Vec::new();
        for other in touched.iter().map(|other| *other as usize).filter(|other| *other != item) {
            let Beside { weight, together } = beside[other];
            let (both, second) = (u64::from(together), self.with[other].len() as u64);
            let is_above_chance = both * total > first * second;
            if together < settings.least_together
                || !is_above_chance
                || log_likelihood_ratio(both, first, second, total) < settings.significance
            {
                continue;
            }
            let score = match settings.measure {
                Measure::LogLikelihood => log_likelihood_ratio(both, first, second, total) as f32,
                measure => self.score(item, other, weight, measure),
            };
            row.push(Neighbour { item: Item(other as u32), score, together });
        }
        let order = |a: &Neighbour, b: &Neighbour| b.score.total_cmp(&a.score).then(a.item.cmp(&b.item));
        if row.len() > settings.kept && settings.kept > 0 {
            row.select_nth_unstable_by(settings.kept - 1, order);
        }
        row.truncate(settings.kept);
        row.shrink_to_fit();
        row
    }

    fn score(&self, item: usize, other: usize, common: u64, measure: Measure) -> f32 {
        let (common, own, others) = (amount(common), amount(self.own[item]), amount(self.own[other]));
        let score = match measure {
            Measure::Cosine { shrinkage } => common / ((own * others).sqrt() + f64::from(shrinkage)),
            Measure::Confidence { shrinkage } => common / (own + f64::from(shrinkage)),
            Measure::Product | Measure::LogLikelihood => common,
        };
        score as f32
    }
}

/// Distinct items in item order, at most `largest_basket`, and what the basket weighs.
fn prepare(basket: &Basket, settings: &Settings) -> Option<Counting> {
    let usable = |(_, weight): &&(Item, f32)| *weight > 0.0 && weight.is_finite();
    let mut lines: Basket = basket.iter().filter(usable).copied().collect();
    lines.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
    lines.dedup_by_key(|(item, _)| *item);
    if lines.len() > settings.largest_basket {
        lines.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        lines.truncate(settings.largest_basket);
        lines.sort_unstable_by_key(|(item, _)| *item);
    }
    (!lines.is_empty()).then_some(Counting { lines, weight: 1.0 })
}

/// A pair counts the weight of its basket times the weights of both lines.
fn weigh(baskets: &mut [Counting], weighting: Weighting) {
    let mut baskets_with: Vec<f32> = Vec::new();
    for (item, _) in baskets.iter().flat_map(|basket| &basket.lines) {
        baskets_with.resize(baskets_with.len().max(item.index() + 1), 0.0);
        baskets_with[item.index()] += 1.0;
    }
    let items = baskets_with.iter().filter(|count| **count > 0.0).count() as f32;
    let mean = baskets_with.iter().sum::<f32>() / items.max(1.0);
    for basket in baskets {
        let size = basket.lines.len() as f32;
        // Of a basket with everything, nothing can be learned.
        let rarity = (items / (1.0 + size)).ln().max(0.0);
        basket.weight = match weighting {
            Weighting::Damped(damping) => size.powf(-damping),
            Weighting::TfIdf | Weighting::Bm25 { .. } => rarity * rarity,
        };
        if let Weighting::Bm25 { k1, b } = weighting {
            for (item, weight) in &mut basket.lines {
                let length = 1.0 - b + b * baskets_with[item.index()] / mean;
                *weight *= (k1 + 1.0) / (*weight + k1 * length);
            }
        }
    }
}

fn units(weight: f32) -> u64 {
    (f64::from(weight) * UNITS) as u64
}

fn amount(units: u64) -> f64 {
    units as f64 / UNITS
}
