//! Adding up scores per item and taking the best: the inner loop of most models.
//!
//! The outcome depends only on the order of the additions, never on how a table is laid out or walked. Each thread
//! keeps its tables for the next question, emptied.

use std::cell::RefCell;
use std::cmp::{Ordering, Reverse};

use crate::{Item, Scored};

const NOBODY: u32 = u32::MAX;
/// A table over all items pays when at least one addition in so many items is expected.
const DENSE_SHARE: usize = 16;
/// Tables that a thread keeps.
const KEPT_TABLES: usize = 4;

thread_local! {
    static TABLES: RefCell<Vec<Table>> = const { RefCell::new(Vec::new()) };
}

/// Scores in the making. Contributions are positive and go to known items; anything else is ignored.
pub(crate) struct Sums {
    /// One past the largest item number.
    items: usize,
    /// Every item has its own place: no search.
    is_dense: bool,
    mask: usize,
    table: Table,
}

#[derive(Default)]
struct Table {
    cells: Vec<Cell>,
    touched: Vec<u32>,
}

/// A cell whose total is 0 is free.
#[derive(Clone, Copy, Default)]
struct Cell {
    item: u32,
    total: f32,
    largest: f32,
    cause: u32,
}

impl Sums {
    /// Items from `items` on are unknown; `additions` is a guess at how many will come.
    pub(crate) fn new(items: usize, additions: usize) -> Self {
        let is_dense = additions >= items / DENSE_SHARE;
        let places = if is_dense { items } else { (additions * 2).min(items * 2) };
        let places = places.next_power_of_two().max(64);
        let mut table = TABLES.with_borrow_mut(Vec::pop).unwrap_or_default();
        if table.cells.len() < places {
            table.cells.resize(places, Cell::default());
        }
        Self { items, is_dense, mask: places - 1, table }
    }

    #[inline]
    pub(crate) fn add(&mut self, item: Item, amount: f32, cause: Option<Item>) {
        // Written so that NaN is refused, too.
        if !(amount > 0.0 && amount < f32::INFINITY) || item.index() >= self.items {
            return;
        }
        let place = self.place(item);
        let cell = &mut self.table.cells[place];
        let is_new = cell.total == 0.0;
        cell.total = (cell.total + amount).min(f32::MAX);
        if amount > cell.largest {
            cell.largest = amount;
            cell.cause = cause.map_or(NOBODY, |item| item.0);
        }
        if is_new {
            cell.item = item.0;
            self.table.touched.push(place as u32);
            if !self.is_dense && self.table.touched.len() * 2 > self.mask {
                self.grow();
            }
        }
    }

    /// The place of an item, or the free one where it goes.
    #[inline]
    fn place(&self, item: Item) -> usize {
        if self.is_dense {
            return item.index();
        }
        // Fibonacci hashing: the upper bits of the product are spread well.
        let hash = u64::from(item.0).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let mut place = hash as usize & self.mask;
        while self.table.cells[place].total != 0.0 && self.table.cells[place].item != item.0 {
            place = (place + 1) & self.mask;
        }
        place
    }

    #[cold]
    fn grow(&mut self) {
        let touched = std::mem::take(&mut self.table.touched);
        let held: Vec<Cell> =
            touched.into_iter().map(|place| std::mem::take(&mut self.table.cells[place as usize])).collect();
        self.mask = self.mask * 2 + 1;
        if self.table.cells.len() <= self.mask {
            self.table.cells.resize(self.mask + 1, Cell::default());
        }
        for cell in held {
            let place = self.place(Item(cell.item));
            self.table.cells[place] = cell;
            self.table.touched.push(place as u32);
        }
    }

    /// The best `limit` items that are not `excluded`, each total multiplied by `factor` of its item.
    pub(crate) fn best(
        self,
        limit: usize,
        excluded: impl Iterator<Item = Item>,
        factor: impl Fn(Item) -> f32,
    ) -> Vec<Scored> {
        let mut candidates = self.totals(excluded);
        for candidate in &mut candidates {
            candidate.score = (candidate.score * factor(candidate.item)).min(f32::MAX);
        }
        best_of(candidates, limit)
    }

    /// The totals of all items that are not `excluded`, in no particular order.
    pub(crate) fn totals(mut self, excluded: impl Iterator<Item = Item>) -> Vec<Scored> {
        for item in excluded.filter(|item| item.index() < self.items) {
            let place = self.place(item);
            let cell = &mut self.table.cells[place];
            // Below zero is out, and still not free.
            cell.total = -cell.total.abs();
        }
        let cells = self.table.touched.iter().map(|place| self.table.cells[*place as usize]);
        let scored = |cell: Cell| Scored {
            item: Item(cell.item),
            score: cell.total,
            because_of: (cell.cause != NOBODY).then_some(Item(cell.cause)),
        };
        let mut totals = Vec::with_capacity(self.table.touched.len());
        totals.extend(cells.filter(|cell| cell.total > 0.0).map(scored));
        totals
    }
}

impl Drop for Sums {
    fn drop(&mut self) {
        let mut table = std::mem::take(&mut self.table);
        for place in table.touched.drain(..) {
            table.cells[place as usize] = Cell::default();
        }
        TABLES.with_borrow_mut(|tables| {
            if tables.len() < KEPT_TABLES {
                tables.push(table);
            }
        });
    }
}

/// Sorts the best `limit` to the front and drops the rest. Scores that are no positive number are dropped.
pub fn best_of(mut candidates: Vec<Scored>, limit: usize) -> Vec<Scored> {
    candidates.retain(|candidate| candidate.score > 0.0);
    keep_highest(&mut candidates, limit, |candidate| rank(candidate.score, candidate.item.0));
    candidates.sort_unstable_by_key(|candidate| Reverse(rank(candidate.score, candidate.item.0)));
    candidates
}

/// The best `limit` of a score for every item, without the `excluded` and those that are not above zero. Nobody is
/// named as a cause.
pub(crate) fn best_of_all(scores: &mut [f32], limit: usize, excluded: impl Iterator<Item = Item>) -> Vec<Scored> {
    for item in excluded {
        if let Some(score) = scores.get_mut(item.index()) {
            *score = 0.0;
        }
    }
    let limit = limit.min(scores.len());
    let full = 4 * limit.max(16);
    let mut best: Vec<Scored> = Vec::with_capacity(full);
    let mut least = 0.0;
    for (item, score) in (0..).zip(scores.iter().copied()) {
        if score > least {
            best.push(Scored { item: Item(item), score: score.min(f32::MAX), because_of: None });
            if best.len() == full {
                keep_first(&mut best, limit, better);
                // Items come by number, so a later one of the same score would stand behind.
                least = best.last().map_or(f32::INFINITY, |last| last.score);
            }
        }
    }
    keep_first(&mut best, limit, better);
    best
}

/// The places of the `count` highest of some values, lower places before higher ones among equals; in no order, but
/// always in the same. No value is below zero.
pub(crate) struct BestPlaces {
    keys: Vec<u64>,
}

impl BestPlaces {
    pub(crate) fn of(values: impl Iterator<Item = f32>, count: usize) -> Self {
        let mut keys: Vec<u64> = values.zip(0..).map(|(value, place)| rank(value, place)).collect();
        keep_highest(&mut keys, count, |key| *key);
        Self { keys }
    }

    /// The places with their values.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, f32)> {
        self.keys.iter().map(|key| (!(*key as u32) as usize, f32::from_bits((*key >> 32) as u32)))
    }
}

/// A value that is not below zero, and a number: higher values first, then lower numbers. The bits of such values stand
/// in their order.
#[inline]
pub(crate) const fn rank(value: f32, number: u32) -> u64 {
    (value.to_bits() as u64) << 32 | !number as u64
}

/// Keeps the `count` of the highest keys, in no order, but always in the same.
#[inline]
pub(crate) fn keep_highest<T>(all: &mut Vec<T>, count: usize, key: impl Fn(&T) -> u64) {
    if all.len() > count {
        if count > 0 {
            all.select_nth_unstable_by_key(count - 1, |one| Reverse(key(one)));
        }
        all.truncate(count);
    }
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
        fn a_scan_keeps_what_sorting_would(scores in proptest::collection::vec(-1_i8..40, 0..400), limit in 0_usize..20) {
            let all = |(item, score): (usize, &i8)| Scored {
                item: Item(item as u32), score: f32::from(*score), because_of: None,
            };
            let expected = best_of(scores.iter().enumerate().map(all).filter(|scored| scored.item != Item(3)).collect(), limit);
            let mut scores: Vec<f32> = scores.iter().map(|score| f32::from(*score)).collect();
            prop_assert_eq!(best_of_all(&mut scores, limit, [Item(3), Item(999)].into_iter()), expected);
        }

        #[test]
        fn a_table_and_a_map_agree(pairs in proptest::collection::vec((0_u32..200, 0.1_f32..9.0, 0_u32..5), 0..300)) {
            prop_assert_eq!(add_all(200, 200, &pairs), add_all(1_000_000, 1, &pairs));
        }
    }
}
