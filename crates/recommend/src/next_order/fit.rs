//! Learning [`NextOrder`] from orders: neighbours, repeat rates, demand now and as usual.

use mercer_schema::Timestamp;

use super::{NextOrder, Settings};
use crate::interactions::{Order, by_customer};
use crate::neighbours::Neighbours;
use crate::ranking::best_of;
use crate::{Item, Scored};

/// Most wanted items that take part in every answer.
const MOST_POPULAR: usize = 200;
/// Orders' worth of the average that an item's own repeat rate is shrunk by.
const PRIOR_ORDERS: f64 = 5.0;
/// A factor never sinks or lifts an item further than this.
const FACTORS: (f64, f64) = (0.05, 20.0);

impl NextOrder {
    /// Learns from all orders. Demand is as of the newest.
    pub fn fit(orders: &[Order], settings: &Settings) -> Self {
        let baskets: Vec<_> = orders.iter().map(|order| order.lines.clone()).collect();
        Self::with_neighbours(Neighbours::fit(&baskets, &settings.neighbours), orders, settings)
    }

    /// The same with neighbours that were fitted before.
    pub fn with_neighbours(neighbours: Neighbours, orders: &[Order], settings: &Settings) -> Self {
        let size = size_of(orders);
        let present = demand(orders, settings.present_half_life_days, size);
        let usual = demand(orders, settings.usual_half_life_days, size);
        let repeats = repeat_rates(orders, size);
        // A steady item shows each demand in proportion to its half-life.
        let steady = settings.present_half_life_days / settings.usual_half_life_days;
        let factor = |item: usize| {
            if usual[item] <= 0.0 {
                return 0.0;
            }
            let surge = present[item] / (usual[item] * steady);
            let factor = repeats[item].powf(settings.again_power) * surge.powf(settings.season_power);
            factor.clamp(FACTORS.0, FACTORS.1) as f32
        };
        let top = present.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        let scored = |(item, demand): (usize, &f64)| Scored {
            item: Item(item as u32),
            score: (demand / top) as f32 * settings.popular,
            because_of: None,
        };
        Self {
            together: settings.together,
            neighbours,
            popular: best_of(present.iter().enumerate().map(scored).collect(), MOST_POPULAR),
            factors: (0..size).map(factor).collect(),
        }
    }
}

fn size_of(orders: &[Order]) -> usize {
    let lines = orders.iter().flat_map(|order| &order.lines);
    lines.map(|(item, _)| item.index() + 1).max().unwrap_or(0)
}

/// Orders with each item, each halved per half-life that it lies before the newest.
fn demand(orders: &[Order], half_life_days: f64, size: usize) -> Vec<f64> {
    let mut in_time: Vec<&Order> = orders.iter().collect();
    in_time.sort_by_key(|order| order.at);
    let newest = in_time.last().map(|order| order.at).unwrap_or_default();
    let mut demand = vec![0.0; size];
    for order in in_time {
        let days = newest.since(order.at) as f64 / Timestamp::DAY as f64;
        let weight = (-days / half_life_days).exp2();
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
