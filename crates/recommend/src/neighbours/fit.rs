//! Counting which items meet, one row at a time.
//!
//! For each item all baskets with it are walked and what lies beside it is added up in a table over all items; so
//! memory is the baskets, twice, and one row a thread. Time is the sum of the squared basket sizes, which
//! `largest_basket` bounds.

use rayon::prelude::*;

use super::{Measure, Neighbour, Neighbours, Settings, Weighting, log_likelihood_ratio};
use crate::Item;
use crate::interactions::{Basket, Matrix};
use crate::ranking::keep_first;

/// Weights are counted in units of one in so many, squared: sums of integers do not depend on their order.
const UNITS: f32 = (1 << 10) as f32;
/// Rows that share a table.
const ROWS_AT_ONCE: usize = 512;

/// Baskets and their transpose. A value is a line's weight times the root of its basket's, in units, so that the product
/// of two values is what a pair counts.
struct Counted {
    baskets: Matrix,
    with: Matrix,
    /// Baskets that have anything.
    total: u64,
    /// Σ value² per item.
    own: Vec<u64>,
}

/// What lies beside the item of the present row.
#[derive(Clone, Copy, Default)]
struct Beside {
    weight: u64,
    together: u32,
}

/// A table over all items, and which of its places are taken.
struct Row {
    beside: Vec<Beside>,
    touched: Vec<u32>,
}

impl Neighbours {
    /// Finds neighbours in baskets: orders, visits, or one basket a customer. A line without a positive weight
    /// counts nothing; of equal items in one basket the weightiest line counts.
    pub fn fit(baskets: &[Basket], settings: &Settings) -> Self {
        let counted = Counted::of(baskets, settings);
        let size = counted.with.height();
        let row = || Row { beside: vec![Beside::default(); size], touched: Vec::with_capacity(size) };
        let best = |row: &mut Row, item| {
            counted.count(item, row);
            let best = counted.best(item, row, settings);
            row.touched.drain(..).for_each(|other| row.beside[other as usize] = Beside::default());
            best
        };
        let rows = (0..size).into_par_iter().with_min_len(ROWS_AT_ONCE).map_init(row, best).collect();
        let baskets_with = (0..size).map(|item| counted.with.columns_of(item).len() as u32).collect();
        Self::of_rows(rows, baskets_with, counted.total)
    }
}

impl Counted {
    fn of(baskets: &[Basket], settings: &Settings) -> Self {
        let baskets = weighed(Matrix::of_weightiest(baskets, settings.largest_basket), settings.weighting);
        let with = baskets.transposed();
        let own = (0..with.height()).map(|item| with.row(item).map(|(_, value)| units(value, value)).sum()).collect();
        let total = (0..baskets.height()).filter(|basket| !baskets.columns_of(*basket).is_empty()).count() as u64;
        Self { baskets, with, total, own }
    }

    fn count(&self, item: usize, row: &mut Row) {
        for (basket, value) in self.with.row(item) {
            for (other, other_value) in self.baskets.row(basket) {
                let cell = &mut row.beside[other];
                if cell.together == 0 {
                    row.touched.push(other as u32);
                }
                cell.together += 1;
                cell.weight += units(value, other_value);
            }
        }
    }

    fn best(&self, item: usize, row: &Row, settings: &Settings) -> Vec<Neighbour> {
        let baskets_with = |item| self.with.columns_of(item).len() as u64;
        let first = baskets_with(item);
        let mut best: Vec<Neighbour> = Vec::with_capacity(row.touched.len());
        for other in row.touched.iter().map(|other| *other as usize).filter(|other| *other != item) {
            let Beside { weight, together } = row.beside[other];
            let (both, second) = (u64::from(together), baskets_with(other));
            let is_above_chance = both * self.total > first * second;
            if together < settings.least_together || !is_above_chance {
                continue;
            }
            let ratio = || log_likelihood_ratio(both, first, second, self.total);
            if settings.significance > 0.0 && ratio() < settings.significance {
                continue;
            }
            let score = match settings.measure {
                Measure::LogLikelihood => ratio() as f32,
                measure => self.score(item, other, weight, measure),
            };
            best.push(Neighbour { item: Item(other as u32), score, together });
        }
        keep_first(&mut best, settings.kept, |a, b| b.score.total_cmp(&a.score).then(a.item.cmp(&b.item)));
        best.shrink_to_fit();
        best
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

/// A pair counts the weight of its basket times the weights of both lines.
fn weighed(baskets: Matrix, weighting: Weighting) -> Matrix {
    let mut baskets_with = vec![0.0_f32; baskets.width()];
    let rows = 0..baskets.height();
    rows.flat_map(|basket| baskets.columns_of(basket)).for_each(|item| baskets_with[*item as usize] += 1.0);
    let items = baskets_with.iter().filter(|count| **count > 0.0).count() as f32;
    let mean = baskets_with.iter().sum::<f32>() / items.max(1.0);
    let of_basket = |size: f32| match weighting {
        Weighting::Damped(damping) => size.powf(-damping / 2.0),
        // Of a basket with everything, nothing can be learned.
        Weighting::TfIdf | Weighting::Bm25 { .. } => (items / (1.0 + size)).ln().max(0.0),
    };
    let of_line = |item: usize, weight: f32| match weighting {
        Weighting::Bm25 { k1, b } => {
            let length = 1.0 - b + b * baskets_with[item] / mean;
            weight * (k1 + 1.0) / (weight + k1 * length)
        }
        _ => weight,
    };
    let roots: Vec<f32> =
        (0..baskets.height()).map(|basket| UNITS * of_basket(baskets.columns_of(basket).len() as f32)).collect();
    baskets.with_values(|basket, item, weight| roots[basket] * of_line(item, weight))
}

#[inline(always)]
fn units(value: f32, other: f32) -> u64 {
    (value * other) as u64
}

fn amount(units: u64) -> f64 {
    units as f64 / f64::from(UNITS * UNITS)
}
