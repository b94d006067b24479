//! Growing one tree, leaf by leaf.
//!
//! Each leaf keeps sums of the gradients by bin; a split counts only the smaller child anew and takes its sums from those of
//! the parent for the other. Columns are counted side by side, each by one thread, so that the sums never depend on how many
//! threads there are.

use std::ops::Range;

use rayon::prelude::*;

use super::BoostingSettings;
use super::bins::Bins;
use super::objective::Gradient;
use super::tree::{Node, Split, Tree};

/// Gradients summed up.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    slope: f64,
    curvature: f64,
    rows: u32,
}

impl Sum {
    fn add(&mut self, other: &Self) {
        self.slope += other.slope;
        self.curvature += other.curvature;
        self.rows += other.rows;
    }

    fn without(&self, other: &Self) -> Self {
        Self {
            slope: self.slope - other.slope,
            curvature: self.curvature - other.curvature,
            rows: self.rows - other.rows,
        }
    }

    /// Twice what the loss falls by at the best value.
    fn gain(&self, l2: f64) -> f64 {
        self.slope * self.slope / (self.curvature.max(0.0) + l2)
    }

    fn value(&self, settings: &BoostingSettings) -> f32 {
        (-self.slope / (self.curvature.max(0.0) + settings.l2) * f64::from(settings.rate)) as f32
    }
}

/// Sums by bin of one column.
type Counts = Vec<Sum>;

#[derive(Debug, Clone, Copy)]
struct Candidate {
    gain: f64,
    /// Of the columns that this tree sees.
    place: usize,
    bin: usize,
    missing_left: bool,
    left: Sum,
}

struct Leaf {
    node: usize,
    rows: Range<usize>,
    sum: Sum,
    counts: Vec<Counts>,
    best: Option<Candidate>,
}

/// What a tree is grown from.
pub(super) struct Grower<'a> {
    pub(super) bins: &'a Bins,
    pub(super) gradients: &'a [Gradient],
    pub(super) columns: &'a [usize],
    pub(super) settings: &'a BoostingSettings,
}

impl Grower<'_> {
    /// Grows a tree over these rows, whose order it changes.
    pub(super) fn grow(&self, rows: &mut [u32]) -> Tree {
        let counts = self.count(rows);
        let mut sum = Sum::default();
        counts.first().into_iter().flatten().for_each(|bin| sum.add(bin));
        let mut tree = Tree { nodes: vec![Node { value: sum.value(self.settings), split: None }] };
        let best = self.best(&counts, &sum);
        let mut leaves = vec![Leaf { node: 0, rows: 0..rows.len(), sum, counts, best }];
        while leaves.len() < self.settings.leaves {
            let gain = |leaf: &Leaf| leaf.best.map_or(0.0, |best| best.gain);
            let most =
                leaves.iter().enumerate().reduce(|most, next| if gain(next.1) > gain(most.1) { next } else { most });
            let Some((place, best)) = most.and_then(|(place, leaf)| Some((place, leaf.best?))) else { break };
            let leaf = leaves.swap_remove(place);
            leaves.extend(self.split(leaf, &best, rows, &mut tree));
        }
        tree
    }

    fn split(&self, leaf: Leaf, best: &Candidate, rows: &mut [u32], tree: &mut Tree) -> [Leaf; 2] {
        let column = self.bins.column(self.columns[best.place]);
        let goes_left = |row: u32| {
            let bin = usize::from(column.of_rows[row as usize]);
            if bin == 0 { best.missing_left } else { bin <= best.bin }
        };
        let middle = leaf.rows.start + partition(&mut rows[leaf.rows.clone()], goes_left);
        let left = tree.nodes.len();
        tree.nodes[leaf.node].split = Some(Split {
            column: self.columns[best.place] as u16,
            threshold: column.cuts.get(best.bin - 1).copied().unwrap_or(f32::MAX),
            missing_left: best.missing_left,
            gain: best.gain as f32,
            left: left as u32,
        });
        let sums = [best.left, leaf.sum.without(&best.left)];
        tree.nodes.extend(sums.map(|sum| Node { value: sum.value(self.settings), split: None }));
        let (left_rows, right_rows) = (leaf.rows.start..middle, middle..leaf.rows.end);
        let is_left_smaller = left_rows.len() <= right_rows.len();
        let smaller = self.count(&rows[if is_left_smaller { left_rows.clone() } else { right_rows.clone() }]);
        let mut larger = leaf.counts;
        for (larger, smaller) in larger.iter_mut().zip(&smaller) {
            larger.iter_mut().zip(smaller).for_each(|(sum, part)| *sum = sum.without(part));
        }
        let counts = if is_left_smaller { [smaller, larger] } else { [larger, smaller] };
        let mut parts = [left_rows, right_rows].into_iter().zip(sums).zip(counts).zip([left, left + 1]);
        std::array::from_fn(|_| {
            let (((rows, sum), counts), node) = parts.next().unwrap_or_default();
            let best = self.best(&counts, &sum);
            Leaf { node, rows, sum, counts, best }
        })
    }

    /// Sums by bin of each column that the tree sees.
    fn count(&self, rows: &[u32]) -> Vec<Counts> {
        let gradients: Vec<Gradient> = rows.iter().map(|row| self.gradients[*row as usize]).collect();
        let count = |column: &usize| {
            let column = self.bins.column(*column);
            let mut counts = vec![Sum::default(); column.bins()];
            for (row, gradient) in rows.iter().zip(&gradients) {
                let sum = &mut counts[usize::from(column.of_rows[*row as usize])];
                sum.slope += f64::from(gradient.slope);
                sum.curvature += f64::from(gradient.curvature);
                sum.rows += 1;
            }
            counts
        };
        // Handing out small work costs more than it takes.
        if rows.len() < 2_000 {
            self.columns.iter().map(count).collect()
        } else {
            self.columns.par_iter().map(count).collect()
        }
    }

    fn best(&self, counts: &[Counts], sum: &Sum) -> Option<Candidate> {
        if sum.rows < 2 * self.settings.least_rows {
            return None;
        }
        let mut best: Option<Candidate> = None;
        for (place, counts) in counts.iter().enumerate() {
            // With the missing ones on the right, and where there are some, on the left.
            for missing_left in [false, true] {
                if missing_left && counts[0].rows == 0 {
                    continue;
                }
                let mut left = if missing_left { counts[0] } else { Sum::default() };
                for (bin, part) in counts.iter().enumerate().skip(1) {
                    left.add(part);
                    let candidate = Candidate { gain: self.gain(&left, sum), place, bin, missing_left, left };
                    if candidate.gain > best.map_or(0.0, |best| best.gain) {
                        best = Some(candidate);
                    }
                }
            }
        }
        best
    }

    /// What the loss falls by when these rows part from the others; nothing where a leaf would be too small.
    fn gain(&self, left: &Sum, all: &Sum) -> f64 {
        let right = all.without(left);
        if left.rows.min(right.rows) < self.settings.least_rows {
            return 0.0;
        }
        left.gain(self.settings.l2) + right.gain(self.settings.l2) - all.gain(self.settings.l2)
    }
}

/// Brings the rows that go left to the front, all in the order they had, and counts them.
fn partition(rows: &mut [u32], goes_left: impl Fn(u32) -> bool) -> usize {
    let mut right = Vec::new();
    let mut left = 0;
    for place in 0..rows.len() {
        let row = rows[place];
        if goes_left(row) {
            rows[left] = row;
            left += 1;
        } else {
            right.push(row);
        }
    }
    rows[left..].copy_from_slice(&right);
    left
}
