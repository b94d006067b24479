//! Values as small numbers: each column cut where its values lie densest.

use rayon::prelude::*;

use super::Examples;
use crate::random::Random;

/// Bins of values that are there; bin 0 holds the missing ones.
const MOST_BINS: usize = 254;
/// Values that the cuts of a column are chosen from.
const MOST_LOOKED_AT: usize = 200_000;

/// All values of all columns, as numbers of their bins.
pub(super) struct Bins {
    columns: Vec<Column>,
}

pub(super) struct Column {
    /// The bin of each row.
    pub(super) of_rows: Vec<u8>,
    /// Bin b + 1 ends with `cuts[b]`; the last bin has no end.
    pub(super) cuts: Vec<f32>,
}

impl Bins {
    pub(super) fn new(examples: &Examples, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let rows = examples.rows();
        let looked_at: Vec<usize> = if rows <= MOST_LOOKED_AT {
            (0..rows).collect()
        } else {
            (0..MOST_LOOKED_AT).map(|_| random.below(rows)).collect()
        };
        let column = |column: usize| {
            let value = |row: usize| examples.values[row * examples.width + column];
            let cuts = cuts(looked_at.iter().map(|row| value(*row)).collect());
            let of_rows = (0..rows).map(|row| bin(&cuts, value(row))).collect();
            Column { of_rows, cuts }
        };
        Self { columns: (0..examples.width).into_par_iter().map(column).collect() }
    }

    pub(super) fn column(&self, column: usize) -> &Column {
        &self.columns[column]
    }

    pub(super) fn width(&self) -> usize {
        self.columns.len()
    }
}

impl Column {
    /// With the bin of missing values.
    pub(super) fn bins(&self) -> usize {
        self.cuts.len() + 2
    }
}

fn bin(cuts: &[f32], value: f32) -> u8 {
    if value.is_nan() { 0 } else { 1 + cuts.partition_point(|cut| *cut < value) as u8 }
}

/// Each distinct value its own bin, or bins of about equally many values where there are too many.
fn cuts(mut values: Vec<f32>) -> Vec<f32> {
    values.retain(|value| !value.is_nan());
    values.sort_unstable_by(f32::total_cmp);
    let mut cuts: Vec<f32> = if values.chunk_by(|a, b| a == b).count() <= MOST_BINS {
        values.clone()
    } else {
        (1..MOST_BINS).map(|place| values[place * values.len() / MOST_BINS]).collect()
    };
    cuts.dedup();
    // Nothing lies above the highest value.
    if cuts.last() == values.last() {
        cuts.pop();
    }
    cuts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_have_their_own_bins_and_missing_ones_another() {
        let cuts = cuts(vec![3.0, 1.0, f32::NAN, 2.0, 1.0]);
        assert_eq!(cuts, [1.0, 2.0]);
        assert_eq!([1.0, 2.0, 3.0, 0.0, 9.0, 1.5, f32::NAN].map(|value| bin(&cuts, value)), [1, 2, 3, 1, 3, 2, 0]);
    }

    #[test]
    fn many_values_are_shared_out() {
        let cuts = cuts((0..10_000).map(|number| number as f32).collect());
        assert_eq!(cuts.len(), MOST_BINS - 1);
        assert_eq!((bin(&cuts, 0.0), bin(&cuts, 9_999.0)), (1, MOST_BINS as u8));
    }

    #[test]
    fn a_column_without_values_has_no_cut() {
        assert!(cuts(vec![f32::NAN; 3]).is_empty());
        assert!(cuts(vec![5.0; 3]).is_empty());
    }
}
