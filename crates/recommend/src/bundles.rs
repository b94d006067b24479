//! Sets of two to four items that are ordered together as a set.
//!
//! Frequent sets are found level by level (Agrawal, Srikant: "Fast algorithms for mining association rules", VLDB 1994). Of
//! those, a set is kept when it is *productive* (Webb: "Self-sufficient itemsets", TKDD 2010): however it is parted in two,
//!
//! > P(S) > P(A) · P(S ∖ A), significantly by the log-likelihood ratio of the two parts,
//!
//! so that tea and biscuits, which go together, do not become a bundle with whatever sells well. Sets within a larger kept
//! one are left out, and of larger sets that differ in one item alone the best stays. The order is by leverage, the orders with the set beyond those that the best parting explains.
//! Everything is counted; the order of the input does not matter.
//!
//! ```
//! use mercer_recommend::bundles::{Bundles, Settings};
//! use mercer_recommend::interactions::Order;
//! use mercer_recommend::Item;
//! use mercer_schema::Timestamp;
//!
//! let order = |items: &[u32]| {
//!     let lines = items.iter().map(|item| (Item(*item), 1.0)).collect();
//!     Order { customer: None, at: Timestamp(0), lines }
//! };
//! let mut orders = vec![order(&[1, 2, 3]); 40];
//! orders.extend(vec![order(&[9]); 300]);
//! let bundles = Bundles::fit(&orders, &Settings::default());
//! assert_eq!(bundles.all()[0].items, [Item(1), Item(2), Item(3)]);
//! ```

mod search;

use std::collections::BTreeMap;

use crate::memory::room_of;
use crate::ranking::best_of;
use crate::wire::{self, Kind, Reader, Reason, Writer};
use crate::{Error, Item, Query, Recommender, Scored};

const KIND: Kind = Kind { name: "bundles", version: 1 };
/// Items of a set at most.
const LARGEST: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Fewest orders with the set.
    pub least_orders: u32,
    /// Smallest log-likelihood ratio of any parting: with many sets tried, more than 10.83 is asked.
    pub significance: f64,
    /// Items of a set at most, 2 to 4.
    pub largest: usize,
    /// Orders with more distinct items say nothing about sets.
    pub largest_order: usize,
    /// Sets kept.
    pub kept: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { least_orders: 30, significance: 25.0, largest: LARGEST, largest_order: 100, kept: 1_000 }
    }
}

/// A set that is ordered together.
#[derive(Debug, Clone, PartialEq)]
pub struct Bundle {
    /// In the order of their numbers.
    pub items: Vec<Item>,
    /// Orders with all of them.
    pub orders: u32,
    /// The share of all orders.
    pub support: f64,
    /// How many times more often than if every item were ordered by itself.
    pub lift: f64,
    /// Of the known customers who ordered any of them, the share that ordered all of them at once.
    pub customers: f64,
    /// Orders with the set beyond those that its best parting explains.
    pub leverage: f64,
}

/// The bundles of a shop, best first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bundles {
    all: Vec<Bundle>,
}

impl Bundles {
    /// Best first.
    pub fn all(&self) -> &[Bundle] {
        &self.all
    }

    /// Those with an item, best first.
    pub fn with(&self, item: Item) -> impl Iterator<Item = &Bundle> {
        self.all.iter().filter(move |bundle| bundle.items.binary_search(&item).is_ok())
    }

    /// Those of which the cart lacks exactly one item, with that item, best first.
    pub fn completing(&self, cart: &[Item]) -> impl Iterator<Item = (&Bundle, Item)> {
        self.all.iter().filter_map(|bundle| {
            let mut lacking = bundle.items.iter().filter(|item| !cart.contains(item));
            let first = lacking.next()?;
            lacking.next().is_none().then_some((bundle, *first))
        })
    }

    /// What the seeds lack of the sets that they are in: first of the sets that they fill most and that say most.
    fn completions(&self, seeds: &[Item]) -> Vec<Scored> {
        let mut best: BTreeMap<Item, Scored> = BTreeMap::new();
        for bundle in &self.all {
            let held = || bundle.items.iter().filter(|item| seeds.contains(item));
            let Some(first) = held().next() else { continue };
            let share = held().count() as f64 / bundle.items.len() as f64;
            let score = (bundle.leverage * share).min(f64::from(f32::MAX)) as f32;
            for item in bundle.items.iter().filter(|item| !seeds.contains(item)) {
                let found = Scored { item: *item, score, because_of: Some(*first) };
                let known = best.entry(*item).or_insert(found);
                if found.score > known.score {
                    *known = found;
                }
            }
        }
        best.into_values().collect()
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        room_of(&self.all) + self.all.iter().map(|bundle| room_of(&bundle.items)).sum::<usize>()
    }

    /// Bytes for the registry. `name` gives an item's lasting name.
    pub fn encode<N: AsRef<str>>(&self, name: impl Fn(Item) -> N) -> Vec<u8> {
        let mut writer = Writer::model(KIND);
        writer.count(self.all.len());
        for bundle in &self.all {
            writer.count(bundle.items.len());
            bundle.items.iter().for_each(|item| writer.text(name(*item).as_ref()));
            writer.u32(bundle.orders);
            let numbers = [bundle.support, bundle.lift, bundle.customers, bundle.leverage];
            numbers.into_iter().for_each(|number| writer.f64(number));
        }
        writer.bytes
    }

    /// Reads bundles. Those with an item that `resolve` does not know are left out.
    pub fn decode(bytes: &[u8], resolve: impl Fn(&str) -> Option<Item>) -> Result<Self, Error> {
        wire::decode(KIND, bytes, |reader| Self::read(reader, resolve))
    }

    fn read(reader: &mut Reader<'_>, resolve: impl Fn(&str) -> Option<Item>) -> Result<Self, Reason> {
        let mut all = Vec::new();
        for _ in 0..reader.count(40)? {
            let names = reader.count(4)?;
            let items = (0..names).map(|_| reader.text().map(&resolve)).collect::<Result<Vec<_>, Reason>>()?;
            let orders = reader.u32()?;
            let [support, lift, customers, leverage] = [reader.f64()?, reader.f64()?, reader.f64()?, reader.f64()?];
            let Some(mut items) = items.into_iter().collect::<Option<Vec<Item>>>() else { continue };
            items.sort_unstable();
            all.push(Bundle { items, orders, support, lift, customers, leverage });
        }
        Ok(Self { all })
    }
}

/// The rest of the sets that the seeds are in; nothing without seeds.
impl Recommender for Bundles {
    fn recommend(&self, query: &Query<'_>, limit: usize) -> Vec<Scored> {
        best_of(self.completions(query.seeds), limit)
    }
}

#[cfg(test)]
mod tests {
    use mercer_schema::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::interactions::{Customer, Order};

    fn order(customer: u32, items: &[u32]) -> Order {
        let lines = items.iter().map(|item| (Item(*item), 1.0)).collect();
        Order { customer: (customer > 0).then_some(Customer(customer)), at: Timestamp(0), lines }
    }

    fn numbers(bundles: &Bundles) -> Vec<Vec<u32>> {
        bundles.all().iter().map(|bundle| bundle.items.iter().map(|item| item.0).collect()).collect()
    }

    /// Cup, saucer and spoon (1, 2, 3) as a set; a bag (0) in half of all orders; lamp and bulb (4, 5) as a pair.
    fn orders() -> Vec<Order> {
        let mut orders = Vec::new();
        for number in 0..60 {
            orders.push(order(number % 20 + 1, if number % 2 == 0 { &[0, 1, 2, 3] } else { &[1, 2, 3] }));
            orders.push(order(number % 20 + 1, if number % 2 == 1 { &[0, 4, 5] } else { &[4, 5] }));
            orders.push(order(30 + number, if number % 2 == 1 { &[0, 1] } else { &[9] }));
        }
        orders
    }

    #[test]
    fn sets_are_found_without_what_sells_with_everything() {
        let bundles = Bundles::fit(&orders(), &Settings::default());
        assert_eq!(numbers(&bundles), [vec![4, 5], vec![1, 2, 3]]);
        let set = &bundles.all()[1];
        assert_eq!(set.orders, 60);
        assert!((set.support - 1.0 / 3.0).abs() < 1e-12);
        assert!((set.lift - 60.0 * 180.0 * 180.0 / (90.0 * 60.0 * 60.0)).abs() < 1e-9, "{set:?}");
        assert!((set.customers - 20.0 / 50.0).abs() < 1e-12, "{set:?}");
        assert_eq!(bundles.with(Item(3)).count(), 1);
        let found: Vec<_> = bundles.completing(&[Item(1), Item(3), Item(7)]).map(|(_, item)| item).collect();
        assert_eq!(found, [Item(2)]);
        assert_eq!(bundles.completing(&[Item(7)]).count(), 0);
    }

    #[test]
    fn few_orders_and_huge_ones_say_nothing() {
        let rare: Vec<Order> = orders().into_iter().take(30).collect();
        assert!(numbers(&Bundles::fit(&rare, &Settings::default())).is_empty());
        let huge: Vec<u32> = (0..150).collect();
        assert!(numbers(&Bundles::fit(&vec![order(1, &huge); 100], &Settings::default())).is_empty());
        assert!(numbers(&Bundles::fit(&[], &Settings::default())).is_empty());
    }

    #[test]
    fn bytes_give_the_same_bundles_and_broken_ones_are_refused() {
        let bundles = Bundles::fit(&orders(), &Settings::default());
        let bytes = bundles.encode(|item| item.0.to_string());
        let resolve = |name: &str| name.parse().ok().map(Item);
        assert_eq!(Bundles::decode(&bytes, resolve).as_ref(), Ok(&bundles));
        assert!((0..bytes.len()).all(|cut| Bundles::decode(&bytes[..cut], resolve).is_err()));
        let without = Bundles::decode(&bytes, |name| resolve(name).filter(|item| *item != Item(4))).unwrap();
        assert_eq!(numbers(&without), [vec![1, 2, 3]]);
    }

    proptest! {
        /// Counted the plain way, every bundle is as it says, and none lies within another.
        #[test]
        fn counts_are_right_and_sets_maximal(baskets in proptest::collection::vec(proptest::collection::btree_set(0_u32..7, 0..5), 0..40)) {
            let orders: Vec<Order> = baskets.iter().zip(0..).map(|(items, number)| {
                order(number % 5, &items.iter().copied().collect::<Vec<_>>())
            }).collect();
            let settings = Settings { least_orders: 2, significance: 1.0, ..Settings::default() };
            let bundles = Bundles::fit(&orders, &settings);
            for bundle in bundles.all() {
                let has_all = |items: &std::collections::BTreeSet<u32>| bundle.items.iter().all(|item| items.contains(&item.0));
                prop_assert_eq!(bundle.orders as usize, baskets.iter().filter(|items| has_all(items)).count());
                prop_assert!(bundle.lift > 1.0 && bundle.leverage > 0.0 && (2..=4).contains(&bundle.items.len()));
                prop_assert!((0.0..=1.0).contains(&bundle.customers));
                for other in bundles.all().iter().filter(|other| other.items.len() > bundle.items.len()) {
                    prop_assert!(!bundle.items.iter().all(|item| other.items.contains(item)));
                }
            }
            let turned: Vec<Order> = orders.into_iter().rev().collect();
            prop_assert_eq!(Bundles::fit(&turned, &settings), bundles);
        }
    }
}
