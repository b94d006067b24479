//! What is known of an item whoever asks: how much it is wanted, and how often it is ordered again.

use mercer_schema::Timestamp;

use crate::Item;
use crate::interactions::{Order, by_customer};

/// How many [`Facts::of`] an item there are.
pub(super) const FACTS: usize = 5;
/// Half-lives in days of what is wanted this week, this month and as usual.
const HALF_LIVES: [f64; 3] = [7.0, 30.0, 180.0];
/// Orders' worth of the average that an item's own repeat rate is shrunk by.
const PRIOR_ORDERS: f64 = 5.0;

/// Demand and repeat rates of all items.
#[derive(Debug, Default)]
pub(super) struct Facts {
    demand: [Vec<f64>; 3],
    /// Of the most wanted item.
    top: [f64; 3],
    repeats: Vec<f64>,
}

impl Facts {
    /// Demand is as of the newest order.
    pub(super) fn new(orders: &[Order]) -> Self {
        let lines = orders.iter().flat_map(|order| &order.lines);
        let size = lines.map(|(item, _)| item.index() + 1).max().unwrap_or(0);
        let demand = HALF_LIVES.map(|days| demand(orders, days, size));
        let top = [0, 1, 2].map(|place| demand[place].iter().copied().fold(0.0, f64::max));
        Self { demand, top, repeats: repeat_rates(orders, size) }
    }

    pub(super) fn size(&self) -> usize {
        self.repeats.len()
    }

    /// Logarithms of the three demands, relative to the most wanted item's, and of the repeat rate; and the demand in a
    /// week as it is. None for an item that was never ordered.
    pub(super) fn of(&self, item: Item) -> Option<[f64; FACTS]> {
        let index = item.index();
        if *self.demand[2].get(index)? <= 0.0 {
            return None;
        }
        let [week, month, usual] =
            [0, 1, 2].map(|place| ((1.0 + self.demand[place][index]) / (1.0 + self.top[place])).ln());
        Some([week, month, usual, self.repeats[index].ln(), week.exp()])
    }
}

/// Orders with each item, each halved per half-life that it lies before the newest.
fn demand(orders: &[Order], half_life_days: f64, size: usize) -> Vec<f64> {
    let mut in_time: Vec<&Order> = orders.iter().collect();
    in_time.sort_by_key(|order| order.at);
    let newest = in_time.last().map(|order| order.at).unwrap_or_default();
    let mut demand = vec![0.0; size];
    for order in in_time {
        let days = newest.since(order.at) as f64 / Timestamp::DAY as f64;
        // Never nothing: an item that was ordered once is known.
        let weight = (-days / half_life_days).exp2().max(f64::MIN_POSITIVE);
        order.lines.iter().for_each(|(item, _)| demand[item.index()] += weight);
    }
    demand
}

/// How often an item is also in the next order after one with it, relative to the average item; 1 when unknown.
fn repeat_rates(orders: &[Order], size: usize) -> Vec<f64> {
    let (mut chances, mut repeats) = (vec![0.0; size], vec![0.0; size]);
    for orders in by_customer(orders).values() {
        for pair in orders.windows(2) {
            let next = items_of(pair[1]);
            for item in items_of(pair[0]) {
                chances[item.index()] += 1.0;
                repeats[item.index()] += f64::from(u8::from(next.binary_search(&item).is_ok()));
            }
        }
    }
    let average = repeats.iter().sum::<f64>() / chances.iter().sum::<f64>();
    let rate = |(repeats, chances): (&f64, &f64)| (repeats / average + PRIOR_ORDERS) / (chances + PRIOR_ORDERS);
    if average > 0.0 { repeats.iter().zip(&chances).map(rate).collect() } else { vec![1.0; size] }
}

fn items_of(order: &Order) -> Vec<Item> {
    let mut items: Vec<Item> = order.lines.iter().map(|(item, _)| *item).collect();
    items.sort_unstable();
    items.dedup();
    items
}
