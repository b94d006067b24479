//! Counting which items meet, one row at a time.
//!
//! For each item all baskets with it are walked and what lies beside it is added up in a table over all items; so
//! memory is the baskets, twice, and one row a thread. Time is the sum of the squared basket sizes, which
//! `largest_basket` bounds. In a large shop the walk waits for memory, which is why a basket lies in one piece, its length
//! before its lines, and items say where.

use std::cmp::Reverse;

use super::{Measure, Neighbour, Neighbours, Settings, Weighting, log_likelihood_ratio};
use crate::Item;
use crate::interactions::{Basket, Matrix, map_in_order};
use crate::ranking::{keep_highest, rank};

/// The largest value in units: sums of whole numbers do not depend on their order, and 16 million of the largest fit.
const LARGEST_VALUE: f32 = (1 << 20) as f32;
/// Rows that share a table.
const ROWS_AT_ONCE: usize = 512;

/// Baskets and where items are in them. A value is a line's weight times the root of its basket's, in units, so that the
/// product of two values is what a pair counts.
struct Counted {
    /// For each basket the number of its lines, and then the lines.
    lines: Vec<Line>,
    /// The baskets with item i: `with[starts[i]..starts[i + 1]]`.
    starts: Vec<usize>,
    with: Vec<With>,
    /// Items in an order in which neighbours lie together.
    order: Vec<u32>,
    /// Baskets that have anything.
    total: u64,
    /// Units in one, of products.
    units: f64,
    items: Vec<Own>,
}

/// A line of a basket, or its head.
#[derive(Clone, Copy)]
struct Line {
    /// Of a head the number of lines.
    item: u32,
    value: u32,
}

/// A basket with the present item.
#[derive(Clone, Copy, Default)]
struct With {
    /// The place of its head.
    basket: u32,
    value: u32,
}

/// What an item has by itself.
struct Own {
    /// Baskets with it.
    with: u32,
    /// √(Σ value²).
    length: f64,
}

/// What lies beside the item of the present row.
#[derive(Clone, Copy, Default)]
struct Beside {
    weight: u64,
    together: u32,
}

/// A table over all items, and which of its places are taken: the first `taken` of `touched`.
struct Row {
    beside: Vec<Beside>,
    touched: Vec<u32>,
    taken: usize,
    /// The best so far, a few times as many as are kept.
    best: Vec<Neighbour>,
}

impl Neighbours {
    /// Finds neighbours in baskets: orders, visits, or one basket a customer. A line without a positive weight
    /// counts nothing; of equal items in one basket the weightiest line counts.
    pub fn fit(baskets: &[Basket], settings: &Settings) -> Self {
        let counted = Counted::of(baskets, settings);
        let size = counted.items.len();
        let row =
            || Row { beside: vec![Beside::default(); size], touched: vec![0; size + 1], taken: 0, best: Vec::new() };
        let best = |row: &mut Row, item: usize| {
            counted.count(item, row);
            let best = counted.best(item, row, settings);
            for other in &row.touched[..row.taken] {
                row.beside[*other as usize] = Beside::default();
            }
            best
        };
        let rows = map_in_order(&counted.order, ROWS_AT_ONCE, row, best);
        let baskets_with = counted.items.iter().map(|own| own.with).collect();
        Self::of_rows(rows, baskets_with, counted.total)
    }
}

impl Counted {
    fn of(baskets: &[Basket], settings: &Settings) -> Self {
        let (baskets, order) = Matrix::of_weightiest(baskets, settings.largest_basket).gathered();
        let baskets = weighed(baskets, settings.weighting);
        let largest = (0..baskets.height()).flat_map(|basket| baskets.row(basket)).map(|(_, value)| value);
        let units = LARGEST_VALUE / largest.fold(f32::MIN_POSITIVE, f32::max);
        let lines = in_units(&baskets, units);
        let (starts, with) = transposed(&lines, baskets.width());
        let total = (0..baskets.height()).filter(|basket| !baskets.columns_of(*basket).is_empty()).count() as u64;
        let units = f64::from(units).powi(2);
        let own = |item: usize| {
            let with = &with[starts[item]..starts[item + 1]];
            let squares: u64 = with.iter().map(|with| u64::from(with.value).pow(2)).sum();
            Own { with: with.len() as u32, length: (squares as f64 / units).sqrt() }
        };
        let items = (0..baskets.width()).map(own).collect();
        Self { lines, starts, with, order, total, units, items }
    }

    fn count(&self, item: usize, row: &mut Row) {
        let (beside, touched, mut taken) = (&mut row.beside[..], &mut row.touched[..], 0);
        for With { basket, value } in &self.with[self.starts[item]..self.starts[item + 1]] {
            let (value, first) = (u64::from(*value), *basket as usize + 1);
            for Line { item: other, value: other_value } in &self.lines[first..][..self.lines[first - 1].item as usize]
            {
                let cell = &mut beside[*other as usize];
                // Written at any rate: what comes next overwrites it where this one was there already.
                touched[taken] = *other;
                taken += usize::from(cell.together == 0);
                cell.together += 1;
                cell.weight += value * u64::from(*other_value);
            }
        }
        row.taken = taken;
    }

    fn best(&self, item: usize, row: &mut Row, settings: &Settings) -> Vec<Neighbour> {
        let Row { beside, touched, taken, best } = row;
        let key = |found: &Neighbour| rank(found.score, found.item.0);
        let full = 4 * settings.kept.clamp(16, (*taken).max(16));
        let first = u64::from(self.items[item].with);
        let divisor = self.divisor(item, settings.measure);
        best.clear();
        let mut least = f64::NEG_INFINITY;
        for other in touched[..*taken].iter().map(|other| *other as usize).filter(|other| *other != item) {
            let Beside { weight, together } = beside[other];
            let (both, second) = (u64::from(together), u64::from(self.items[other].with));
            let (common, divisor) = (weight as f64, divisor(other));
            // Most fall here, before anything is divided.
            if common < least * divisor || together < settings.least_together || both * self.total <= first * second {
                continue;
            }
            let ratio = || log_likelihood_ratio(both, first, second, self.total);
            if settings.significance > 0.0 && ratio() < settings.significance {
                continue;
            }
            let score = match settings.measure {
                Measure::LogLikelihood => ratio() as f32,
                _ => (common / divisor) as f32,
            };
            best.push(Neighbour { item: Item(other as u32), score, together });
            if best.len() == full {
                keep_highest(best, settings.kept, key);
                let last = best.last().map_or(f32::INFINITY, |last| last.score);
                if settings.measure != Measure::LogLikelihood {
                    // A little less than the score itself, which is rounded.
                    least = f64::from(last) * (1.0 - f64::from(f32::EPSILON));
                }
            }
        }
        keep_highest(best, settings.kept, key);
        best.sort_unstable_by_key(|found| Reverse(key(found)));
        best.clone()
    }

    /// What the common weight of an item and another is divided by.
    fn divisor(&self, item: usize, measure: Measure) -> impl Fn(usize) -> f64 {
        let length = self.items[item].length;
        let (factor, addend) = match measure {
            Measure::Cosine { shrinkage } => (length, f64::from(shrinkage)),
            Measure::Confidence { shrinkage } => (0.0, length.powi(2) + f64::from(shrinkage)),
            Measure::Product | Measure::LogLikelihood => (0.0, 1.0),
        };
        // Never 0, which items without any weight would make of it.
        move |other| ((factor * self.items[other].length + addend) * self.units).max(f64::MIN_POSITIVE)
    }
}

fn in_units(baskets: &Matrix, units: f32) -> Vec<Line> {
    let mut lines = Vec::with_capacity(baskets.height() + baskets.values().len());
    for basket in 0..baskets.height() {
        lines.push(Line { item: baskets.columns_of(basket).len() as u32, value: 0 });
        let line = |(item, value): (usize, f32)| Line { item: item as u32, value: (value * units).round() as u32 };
        lines.extend(baskets.row(basket).map(line));
    }
    lines
}

/// Of each item the baskets with it, in order.
fn transposed(lines: &[Line], items: usize) -> (Vec<usize>, Vec<With>) {
    let baskets = || {
        let mut head = 0;
        std::iter::from_fn(move || {
            let (start, count) = (head + 1, lines.get(head)?.item as usize);
            head = start + count;
            Some((start - 1, &lines[start..head]))
        })
    };
    let mut starts = vec![0; items + 1];
    baskets().flat_map(|(_, lines)| lines).for_each(|line| starts[line.item as usize + 1] += 1);
    (0..items).for_each(|item| starts[item + 1] += starts[item]);
    let mut next = starts.clone();
    let mut with = vec![With::default(); starts[items]];
    for (head, lines) in baskets() {
        for Line { item, value } in lines {
            with[next[*item as usize]] = With { basket: head as u32, value: *value };
            next[*item as usize] += 1;
        }
    }
    (starts, with)
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
        (0..baskets.height()).map(|basket| of_basket(baskets.columns_of(basket).len() as f32)).collect();
    baskets.with_values(|basket, item, weight| roots[basket] * of_line(item, weight))
}
