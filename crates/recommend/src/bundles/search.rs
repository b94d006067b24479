//! The search for [`Bundles`]: pairs are counted in all orders, larger sets by intersecting lists of orders.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;

use super::{Bundle, Bundles, LARGEST, Settings};
use crate::Item;
use crate::interactions::{Customer, Order};
use crate::neighbours::log_likelihood_ratio;

/// Sets of one size with the numbers of the orders that have them, in order.
type Level = BTreeMap<Vec<u32>, Vec<u32>>;

/// Everything that was counted.
struct Counted {
    orders: usize,
    /// Orders with each frequent set, also of single items.
    sets: FxHashMap<Vec<u32>, u32>,
}

/// How a set stands against its best parting.
struct Parting {
    expected: f64,
    significance: f64,
}

impl Bundles {
    /// Finds bundles in orders. Leverage, then the items' numbers, decide which are kept.
    pub fn fit(orders: &[Order], settings: &Settings) -> Self {
        let baskets: Vec<(Option<Customer>, Vec<u32>)> = orders
            .iter()
            .map(|order| (order.customer, items_of(order)))
            .filter(|(_, items)| !items.is_empty())
            .collect();
        let usable: Vec<&[u32]> = baskets
            .iter()
            .map(|(_, items)| if items.len() <= settings.largest_order { items.as_slice() } else { &[] })
            .collect();
        let mut counted =
            Counted { orders: usable.iter().filter(|items| !items.is_empty()).count(), sets: FxHashMap::default() };
        let singles = singles(&usable, settings.least_orders);
        singles.iter().for_each(|(item, with)| {
            counted.sets.insert(vec![*item], with.len() as u32);
        });
        let mut level = pairs(&usable, &singles, settings.least_orders);
        let mut productive: Vec<(Vec<u32>, Vec<u32>, Parting)> = Vec::new();
        for size in 2..=settings.largest.min(LARGEST) {
            counted.sets.extend(level.iter().map(|(set, with)| (set.clone(), with.len() as u32)));
            let next =
                if size < settings.largest.min(LARGEST) { larger(&level, settings.least_orders) } else { Level::new() };
            for (set, with) in level {
                let parting = counted.best_parting(&set);
                if parting.significance >= settings.significance && with.len() as f64 > parting.expected {
                    productive.push((set, with, parting));
                }
            }
            level = next;
        }
        let mut all: Vec<(Bundle, Vec<u32>)> = maximal(productive)
            .into_iter()
            .map(|(set, with, parting)| (counted.bundle(&set, with.len(), &parting), with))
            .collect();
        all.sort_by(|(a, _), (b, _)| b.leverage.total_cmp(&a.leverage).then_with(|| a.items.cmp(&b.items)));
        all = distinct(all);
        all.truncate(settings.kept);
        // Only of those that are kept: it looks at every order with any of the items.
        let share = |(bundle, with): (Bundle, Vec<u32>)| {
            let any = bundle.items.iter().filter_map(|item| singles.get(&item.0)).flatten();
            let customers = share_of(customers(&with, &baskets), customers(any, &baskets));
            Bundle { customers, ..bundle }
        };
        let all = all.into_iter().map(share).collect();
        Self { all }
    }
}

fn items_of(order: &Order) -> Vec<u32> {
    let mut items: Vec<u32> = order.lines.iter().map(|(item, _)| item.0).collect();
    items.sort_unstable();
    items.dedup();
    items
}

/// Orders with each item that is frequent.
fn singles(orders: &[&[u32]], least: u32) -> BTreeMap<u32, Vec<u32>> {
    let mut with: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (number, items) in (0..).zip(orders) {
        items.iter().for_each(|item| with.entry(*item).or_default().push(number));
    }
    with.retain(|_, orders| orders.len() >= least as usize);
    with
}

fn pairs(orders: &[&[u32]], singles: &BTreeMap<u32, Vec<u32>>, least: u32) -> Level {
    let mut level = Level::new();
    for (first, with) in singles {
        // One row at a time: what lies in an order behind the first item.
        let mut row: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
        for number in with {
            let items = orders[*number as usize];
            let behind = items.partition_point(|item| item <= first);
            items[behind..].iter().for_each(|second| row.entry(*second).or_default().push(*number));
        }
        row.retain(|_, with| with.len() >= least as usize);
        level.extend(row.into_iter().map(|(second, with)| (vec![*first, second], with)));
    }
    level
}

/// Sets with one item more: two that agree in all but the last item, and all of whose parts are frequent.
fn larger(level: &Level, least: u32) -> Level {
    let mut found = Level::new();
    let sets: Vec<(&Vec<u32>, &Vec<u32>)> = level.iter().collect();
    for alike in sets.chunk_by(|(one, _), (other, _)| one[..one.len() - 1] == other[..other.len() - 1]) {
        for (place, (one, one_with)) in alike.iter().enumerate() {
            for (other, other_with) in &alike[place + 1..] {
                let set: Vec<u32> = one.iter().copied().chain(other.last().copied()).collect();
                let is_frequent = (0..set.len() - 2).all(|left_out| {
                    let part: Vec<u32> =
                        set.iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, item)| *item).collect();
                    level.contains_key(&part)
                });
                if is_frequent {
                    let with = common(one_with, other_with);
                    if with.len() >= least as usize {
                        found.insert(set, with);
                    }
                }
            }
        }
    }
    found
}

fn common(one: &[u32], other: &[u32]) -> Vec<u32> {
    let mut rest = other;
    let mut found = Vec::new();
    for number in one {
        rest = &rest[rest.partition_point(|other| other < number)..];
        if rest.first() == Some(number) {
            found.push(*number);
        }
    }
    found
}

impl Counted {
    fn with(&self, set: &[u32]) -> u64 {
        self.sets.get(set).copied().map_or(0, u64::from)
    }

    /// Of all partings in two, the most orders that one explains, and the least significance.
    fn best_parting(&self, set: &[u32]) -> Parting {
        let (both, total) = (self.with(set), self.orders as u64);
        let mut best = Parting { expected: 0.0, significance: f64::INFINITY };
        // Each parting once: the first item is always in the first part.
        for chosen in (1_u32..(1 << set.len()) - 1).filter(|chosen| chosen & 1 == 1) {
            let part = |is_in: bool| -> Vec<u32> {
                (0..).zip(set).filter(|(place, _)| (chosen >> place & 1 == 1) == is_in).map(|(_, item)| *item).collect()
            };
            let (one, other) = (self.with(&part(true)), self.with(&part(false)));
            best.expected = best.expected.max(one as f64 * other as f64 / total as f64);
            best.significance = best.significance.min(log_likelihood_ratio(both, one, other, total));
        }
        best
    }

    fn bundle(&self, set: &[u32], orders: usize, parting: &Parting) -> Bundle {
        let total = self.orders as f64;
        let alone: f64 = set.iter().map(|item| self.with(&[*item]) as f64 / total).product();
        let support = orders as f64 / total;
        Bundle {
            items: set.iter().map(|item| Item(*item)).collect(),
            orders: orders as u32,
            support,
            lift: support / alone,
            customers: 0.0,
            leverage: orders as f64 - parting.expected,
        }
    }
}

/// How many known customers made these orders.
fn customers<'a>(orders: impl IntoIterator<Item = &'a u32>, baskets: &[(Option<Customer>, Vec<u32>)]) -> usize {
    let known: BTreeSet<Customer> = orders.into_iter().filter_map(|number| baskets[*number as usize].0).collect();
    known.len()
}

fn share_of(some: usize, all: usize) -> f64 {
    if all == 0 { 0.0 } else { some as f64 / all as f64 }
}

/// Without the sets that lie within another.
fn maximal<With, More>(mut sets: Vec<(Vec<u32>, With, More)>) -> Vec<(Vec<u32>, With, More)> {
    let mut within: BTreeSet<Vec<u32>> = BTreeSet::new();
    for (set, ..) in &sets {
        for chosen in 1_u32..(1 << set.len()) - 1 {
            within
                .insert((0..).zip(set).filter(|(place, _)| chosen >> place & 1 == 1).map(|(_, item)| *item).collect());
        }
    }
    sets.retain(|(set, ..)| !within.contains(set));
    sets
}

/// Of larger sets that differ in one item alone, the first.
fn distinct(all: Vec<(Bundle, Vec<u32>)>) -> Vec<(Bundle, Vec<u32>)> {
    let mut shown: BTreeSet<Vec<Item>> = BTreeSet::new();
    let mut is_new = |bundle: &Bundle| {
        let without = |left_out: usize| {
            let others = bundle.items.iter().enumerate().filter(move |(place, _)| *place != left_out);
            others.map(|(_, item)| *item).collect::<Vec<Item>>()
        };
        let parts: Vec<Vec<Item>> = (0..bundle.items.len()).map(without).filter(|part| part.len() > 1).collect();
        let is_new = !parts.iter().any(|part| shown.contains(part));
        if is_new {
            shown.extend(parts);
        }
        is_new
    };
    all.into_iter().filter(|(bundle, _)| is_new(bundle)).collect()
}
