//! What models are trained from: orders and purchases over dense item numbers.
//!
//! The order in which the input comes never matters to a fitted model.

mod locality;
mod matrix;

use std::collections::BTreeMap;

use mercer_schema::Timestamp;

use crate::Item;

pub(crate) use locality::map_in_order;
pub(crate) use matrix::{Matrix, Products};

/// A customer, as a number that means nothing outside one training run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Customer(pub u32);

/// Things that belong together, with weights: an order, a visit, a customer's taste.
pub type Basket = Vec<(Item, f32)>;

/// One order; a line's weight is what the caller makes of its quantity.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// `None` for a guest: such an order still says what goes together.
    pub customer: Option<Customer>,
    pub at: Timestamp,
    pub lines: Basket,
}

/// A customer bought an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Purchase {
    pub customer: Customer,
    pub item: Item,
    pub at: Timestamp,
}

/// The purchases in orders of known customers.
pub fn purchases(orders: &[Order]) -> impl Iterator<Item = Purchase> {
    orders.iter().filter_map(|order| Some((order, order.customer?))).flat_map(|(order, customer)| {
        order.lines.iter().map(move |(item, _)| Purchase { customer, item: *item, at: order.at })
    })
}

/// What was ordered when.
pub fn lines(orders: &[Order]) -> impl Iterator<Item = (Timestamp, Item)> {
    orders.iter().flat_map(|order| order.lines.iter().map(|(item, _)| (order.at, *item)))
}

/// What was ordered one after the other. The lines of one moment have no order: they are put into one that hangs on the moment,
/// so that a model of sequences finds nothing in it, and that is the same whenever it is asked for.
pub fn in_sequence(ordered: &[(Timestamp, Item)]) -> Vec<Item> {
    let shuffled = |(at, item): &(Timestamp, Item)| {
        // The finalizer of SplitMix64 (Steele, Lea, Flood 2014).
        let mut mixed = (at.0 as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ u64::from(item.0);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (*at, mixed ^ (mixed >> 31), *item)
    };
    let mut lines: Vec<(Timestamp, u64, Item)> = ordered.iter().map(shuffled).collect();
    lines.sort_unstable();
    lines.dedup();
    lines.into_iter().map(|(.., item)| item).collect()
}

/// The orders of each known customer, oldest first.
pub fn by_customer(orders: &[Order]) -> BTreeMap<Customer, Vec<&Order>> {
    let mut grouped: BTreeMap<Customer, Vec<&Order>> = BTreeMap::new();
    for order in orders {
        if let Some(customer) = order.customer {
            grouped.entry(customer).or_default().push(order);
        }
    }
    for orders in grouped.values_mut() {
        orders.sort_by_key(|order| order.at);
    }
    grouped
}

/// Every item among what one customer ordered, weighted by 1 + ln(number of orders with it).
pub fn taste(items: impl IntoIterator<Item = Item>) -> Basket {
    let mut times: BTreeMap<Item, u32> = BTreeMap::new();
    items.into_iter().for_each(|item| *times.entry(item).or_default() += 1);
    times.into_iter().map(|(item, times)| (item, 1.0 + (times as f32).ln())).collect()
}

/// One basket a customer: the customer's [`taste`].
pub fn tastes(orders: &[Order]) -> Vec<Basket> {
    let items = |orders: &Vec<&Order>| taste(orders.iter().flat_map(|order| &order.lines).map(|(item, _)| *item));
    by_customer(orders).values().map(items).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(customer: Option<u32>, at: i64, items: &[u32]) -> Order {
        Order {
            customer: customer.map(Customer),
            at: Timestamp(at),
            lines: items.iter().map(|item| (Item(*item), 1.0)).collect(),
        }
    }

    #[test]
    fn the_lines_of_an_order_stand_in_no_order_and_always_in_the_same() {
        let lines: Vec<_> = (0..20).flat_map(|at| (0..5).map(move |item| (Timestamp(at), Item(item)))).collect();
        let sequence = in_sequence(&lines);
        let mut backwards = lines;
        backwards.reverse();
        assert_eq!(in_sequence(&backwards), sequence);
        let orders: Vec<&[Item]> = sequence.chunks(5).collect();
        assert!(orders.iter().all(|order| order.iter().map(|item| item.0).sum::<u32>() == 10), "one after the other");
        assert!(orders.iter().any(|order| *order != orders[0]));
    }

    #[test]
    fn guests_have_no_taste_and_no_purchases() {
        let orders = [order(Some(1), 9, &[5, 6]), order(None, 1, &[7]), order(Some(1), 2, &[5])];
        assert_eq!(purchases(&orders).count(), 3);
        assert_eq!(tastes(&orders), [vec![(Item(5), 1.0 + 2.0_f32.ln()), (Item(6), 1.0)]]);
        let times: Vec<i64> = by_customer(&orders)[&Customer(1)].iter().map(|order| order.at.0).collect();
        assert_eq!(times, [2, 9]);
    }
}
