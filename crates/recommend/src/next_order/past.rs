//! What a customer's orders say, item by item.

use std::cmp::Reverse;

use mercer_schema::Timestamp;
use rustc_hash::FxHashMap;

use crate::Item;

/// What an order counts of the one after it, when [`habits`] are summed up.
pub const HABIT_PER_ORDER: f64 = 0.95;
/// Lines' worth of the average that a customer's own share of new items is shrunk by, and that average.
const NEWNESS: (f64, f64) = (5.0, 0.75);

/// The share of a customer's orders that have each item: 1 for what is in all of them. `lines` are what was ordered
/// when, in any order; those of one moment are one order, which counts `per_order` of the one after it.
pub fn habits(lines: impl IntoIterator<Item = (Timestamp, Item)>, per_order: f64) -> Vec<(Item, f32)> {
    let newest_first = newest_first(lines);
    let mut shares: FxHashMap<Item, f64> = FxHashMap::default();
    let (mut weight, mut total) = (1.0, 0.0);
    for order in newest_first.chunk_by(|(one, _), (other, _)| one == other) {
        for (_, item) in order {
            *shares.entry(*item).or_default() += weight;
        }
        total += weight;
        weight *= per_order;
    }
    let mut found: Vec<(Item, f32)> = shares.into_iter().map(|(item, share)| (item, (share / total) as f32)).collect();
    found.sort_unstable_by_key(|(item, _)| *item);
    found
}

/// Each line once, the newest first.
fn newest_first(lines: impl IntoIterator<Item = (Timestamp, Item)>) -> Vec<(Timestamp, Item)> {
    let mut lines: Vec<(Timestamp, Item)> = lines.into_iter().collect();
    lines.sort_unstable_by_key(|(at, item)| (Reverse(*at), *item));
    lines.dedup();
    lines
}

/// How a customer ordered an item.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Ordered {
    pub(super) orders: u32,
    /// Orders after the last one with it.
    pub(super) orders_since: u32,
    pub(super) days_since: f64,
}

/// A customer's orders as they stand at some moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Past {
    pub(super) orders: usize,
    pub(super) items: FxHashMap<Item, Ordered>,
    pub(super) habits: Vec<(Item, f32)>,
    /// The share of the lines after the first order that the customer had never ordered before.
    pub(super) newness: f64,
}

impl Past {
    pub(super) fn of(lines: &[(Timestamp, Item)], now: Timestamp) -> Self {
        let lines = newest_first(lines.iter().copied());
        let mut past = Self { habits: habits(lines.iter().copied(), HABIT_PER_ORDER), ..Self::default() };
        let mut first = 0;
        for order in lines.chunk_by(|(one, _), (other, _)| one == other) {
            for (at, item) in order {
                let days_since = now.since(*at).max(0) as f64 / Timestamp::DAY as f64;
                let newest = Ordered { orders: 0, orders_since: past.orders as u32, days_since };
                past.items.entry(*item).or_insert(newest).orders += 1;
            }
            past.orders += 1;
            first = order.len();
        }
        let (new, later) = ((past.items.len() - first) as f64, (lines.len() - first) as f64);
        past.newness = (new + NEWNESS.0 * NEWNESS.1) / (later + NEWNESS.0);
        past
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: i64, item: u32) -> (Timestamp, Item) {
        (Timestamp(day * Timestamp::DAY), Item(item))
    }

    #[test]
    fn newer_orders_count_more() {
        let lines = [at(0, 1), at(0, 2), at(9, 2), at(9, 2), at(9, 3)];
        assert_eq!(habits(lines, 0.5), [(Item(1), 0.5 / 1.5), (Item(2), 1.0), (Item(3), 1.0 / 1.5)]);
        assert!(habits([], 0.5).is_empty());
    }

    #[test]
    fn counts_orders_and_what_came_after_them() {
        let past = Past::of(&[at(5, 2), at(0, 1), at(9, 2), at(9, 3), at(0, 1)], at(10, 0).0);
        assert_eq!((past.orders, past.items.len()), (3, 3));
        assert_eq!(past.items[&Item(1)], Ordered { orders: 1, orders_since: 2, days_since: 10.0 });
        assert_eq!(past.items[&Item(2)], Ordered { orders: 2, orders_since: 0, days_since: 1.0 });
        assert!((past.newness - (2.0 + 3.75) / (3.0 + 5.0)).abs() < 1e-12);
        let stranger = Past::of(&[], Timestamp(0));
        assert_eq!((stranger.orders, stranger.newness), (0, 0.75));
    }
}
