//! Adding up scores per item and taking the best: the inner loop of most models.
//!
//! The outcome depends only on the order of the additions, never on how a table is laid out or walked.

use std::cmp::Ordering;

use rustc_hash::FxHashMap;

use crate::{Item, Scored};

/// Total, largest single contribution, and who made it (`NOBODY` for nobody).
type Cell = (f32, f32, u32);

const NOBODY: u32 = u32::MAX;
/// A table over all items pays when at least one addition in so many items is expected.
const DENSE_SHARE: usize = 16;

/// Scores in the making. Contributions are positive and go to known items; anything else is ignored.
pub(crate) struct Sums {
    /// One past the largest item number.
    items: usize,
    table: Table,
}

enum Table {
    Dense { cells: Vec<Cell>, touched: Vec<u32> },
    Sparse(FxHashMap<u32, Cell>),
}

impl Sums {
    /// Items from `items` on are unknown; `additions` is a guess at how many will come.
    pub(crate) fn new(items: usize, additions: usize) -> Self {
        let table = if additions >= items / DENSE_SHARE {
            Table::Dense { cells: vec![(0.0, 0.0, 0); items], touched: Vec::with_capacity(additions.min(items)) }
        } else {
            Table::Sparse(FxHashMap::with_capacity_and_hasher(additions, rustc_hash::FxBuildHasher))
        };
        Self { items, table }
    }

    #[inline]
    pub(crate) fn add(&mut self, item: Item, amount: f32, cause: Option<Item>) {
        // Written so that NaN is refused, too.
        if !(amount > 0.0 && amount < f32::INFINITY) || item.index() >= self.items {
            return;
        }
        let cell = match &mut self.table {
            Table::Dense { cells, touched } => {
                let cell = &mut cells[item.index()];
                if cell.0 == 0.0 {
                    touched.push(item.0);
                }
                cell
            }
            Table::Sparse(cells) => cells.entry(item.0).or_default(),
        };
        cell.0 = (cell.0 + amount).min(f32::MAX);
        if amount > cell.1 {
            cell.1 = amount;
            cell.2 = cause.map_or(NOBODY, |item| item.0);
        }
    }

    /// The best `limit` items that are not `excluded`, each total multiplied by `factor` of its item.
    pub(crate) fn best(
        mut self,
        limit: usize,
        excluded: impl Iterator<Item = Item>,
        factor: impl Fn(Item) -> f32,
    ) -> Vec<Scored> {
        for item in excluded {
            match &mut self.table {
                Table::Dense { cells, .. } => {
                    if let Some(cell) = cells.get_mut(item.index()) {
                        cell.0 = 0.0;
                    }
                }
                Table::Sparse(cells) => {
                    cells.remove(&item.0);
                }
            }
        }
        let scored = |(item, cell): (u32, Cell)| {
            let score = (cell.0 * factor(Item(item))).min(f32::MAX);
            Scored { item: Item(item), score, because_of: (cell.2 != NOBODY).then_some(Item(cell.2)) }
        };
        let candidates = match self.table {
            Table::Dense { cells, touched } => {
                let kept = touched.into_iter().map(|item| (item, cells[item as usize]));
                kept.filter(|(_, cell)| cell.0 > 0.0).map(scored).collect()
            }
            Table::Sparse(cells) => cells.into_iter().map(scored).collect(),
        };
        best_of(candidates, limit)
    }
}

/// Sorts the best `limit` to the front and drops the rest. Scores that are no positive number are dropped.
pub fn best_of(mut candidates: Vec<Scored>, limit: usize) -> Vec<Scored> {
    candidates.retain(|candidate| candidate.score > 0.0);
    keep_first(&mut candidates, limit, better);
    candidates
}

/// Keeps the first `count` by a total order, in that order.
pub(crate) fn keep_first<T>(all: &mut Vec<T>, count: usize, order: impl Fn(&T, &T) -> Ordering + Copy) {
    if all.len() > count && count > 0 {
        all.select_nth_unstable_by(count - 1, order);
    }
    all.truncate(count);
    all.sort_unstable_by(order);
}

/// Higher scores first, then lower item numbers.
pub(crate) fn better(a: &Scored, b: &Scored) -> Ordering {
    b.score.total_cmp(&a.score).then(a.item.cmp(&b.item))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn add_all(items: usize, additions: usize, pairs: &[(u32, f32, u32)]) -> Vec<Scored> {
        let mut sums = Sums::new(items, additions);
        for (item, amount, cause) in pairs {
            sums.add(Item(*item), *amount, Some(Item(*cause)));
        }
        sums.best(5, [Item(0)].into_iter(), |_| 1.0)
    }

    #[test]
    fn names_the_largest_contribution_and_breaks_ties_by_number() {
        let found = add_all(10, 10, &[(3, 1.0, 7), (3, 2.0, 8), (2, 3.0, 9), (0, 9.0, 9)]);
        let expected = |item, cause| Scored { item: Item(item), score: 3.0, because_of: Some(Item(cause)) };
        assert_eq!(found, [expected(2, 9), expected(3, 8)]);
    }

    #[test]
    fn ignores_what_is_no_positive_amount() {
        let odd = [
            (10, 1.0, 0),
            (u32::MAX, 1.0, 0),
            (1, f32::NAN, 0),
            (2, -1.0, 0),
            (3, 0.0, 0),
            (4, f32::INFINITY, 0),
            (5, f32::MAX, 0),
            (5, f32::MAX, 0),
        ];
        let found = add_all(10, 10, &odd);
        assert_eq!(found.iter().map(|scored| (scored.item, scored.score)).collect::<Vec<_>>(), [(Item(5), f32::MAX)]);
    }

    proptest! {
        #[test]
        fn a_table_and_a_map_agree(pairs in proptest::collection::vec((0_u32..200, 0.1_f32..9.0, 0_u32..5), 0..300)) {
            prop_assert_eq!(add_all(200, 200, &pairs), add_all(1_000_000, 1, &pairs));
        }
    }
}
