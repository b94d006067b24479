//! How good is a ranking? Full rankings over held-out orders, with intervals.
//!
//! Two protocols, both with one held-out order a customer and the order's distinct items as what should be found:
//!
//! - [`hold_out_last_orders`]: the last order of every customer with at least two is held out; models train on all
//!   other orders. What the customer did later is nowhere, but *other* customers' later orders are in the
//!   training data, so figures of popularity and neighbours are a little better than a shop would see.
//! - [`split_at`]: everything before one moment trains, and the first order after it of every known customer is
//!   held out. Nothing of the future is known to anything. Report this one beside the other.
//!
//! Tune with `skip_newest: 1` of the first, or an earlier moment of the second; never on the orders reported. Every
//! item competes, there is no sampling (Krichene, Rendle: "On Sampled Metrics for Item Recommendation", KDD 2020),
//! and items that the training data never saw stay in what should be found.

mod bootstrap;
mod metrics;

use std::collections::BTreeSet;

use mercer_schema::Timestamp;

use crate::Item;
use crate::interactions::{Customer, Order, by_customer};

pub use bootstrap::{Interval, mean_interval, mean_interval_at};
pub use metrics::{hit_at, ndcg_at, recall_at, reciprocal_rank_at};

/// One question with its known answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    pub customer: Customer,
    /// When the held-out order was placed.
    pub at: Timestamp,
    /// The customer's orders before it, oldest first.
    pub history: Vec<Order>,
    pub relevant: BTreeSet<Item>,
}

/// Training data and the questions that it must not know the answers to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Split {
    pub train: Vec<Order>,
    pub cases: Vec<Case>,
}

/// Holds out each customer's last order, after dropping their `skip_newest` newest ones altogether. Orders of one
/// customer at the same moment are one order. Guests only train.
pub fn hold_out_last_orders(orders: &[Order], skip_newest: usize) -> Split {
    let mut split =
        Split { train: orders.iter().filter(|order| order.customer.is_none()).cloned().collect(), cases: Vec::new() };
    for (customer, orders) in by_customer(orders) {
        let mut moments: Vec<&[&Order]> = orders.chunk_by(|a, b| a.at == b.at).collect();
        moments.truncate(moments.len().saturating_sub(skip_newest));
        if moments.len() >= 2
            && let Some(held_out) = moments.pop()
        {
            let history = moments.concat();
            split.cases.push(case(customer, &history, held_out));
        }
        split.train.extend(moments.concat().into_iter().cloned());
    }
    split
}

/// Trains on everything before `moment`; the cases are the first order from then on of each customer known by then.
pub fn split_at(orders: &[Order], moment: Timestamp) -> Split {
    let train = orders.iter().filter(|order| order.at < moment).cloned().collect();
    let mut cases = Vec::new();
    for (customer, orders) in by_customer(orders) {
        let (history, later) = orders.split_at(orders.partition_point(|order| order.at < moment));
        if let Some(held_out) = later.chunk_by(|a, b| a.at == b.at).next()
            && !history.is_empty()
        {
            cases.push(case(customer, history, held_out));
        }
    }
    Split { train, cases }
}

fn case(customer: Customer, history: &[&Order], held_out: &[&Order]) -> Case {
    Case {
        customer,
        at: held_out.first().map_or_else(Timestamp::default, |order| order.at),
        history: history.iter().map(|order| (*order).clone()).collect(),
        relevant: held_out.iter().flat_map(|order| order.lines.iter().map(|(item, _)| *item)).collect(),
    }
}

/// How to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Places of a ranking that count.
    pub cutoff: usize,
    pub bootstrap_rounds: usize,
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { cutoff: 20, bootstrap_rounds: 1_000, seed: 1 }
    }
}

/// What a model reached; means over the cases with 95 % intervals.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    pub cases: usize,
    pub cutoff: usize,
    pub recall: Interval,
    pub ndcg: Interval,
    /// Share of cases with at least one relevant item.
    pub hit_rate: Interval,
    /// Mean reciprocal rank of the first relevant item.
    pub mrr: Interval,
    /// Distinct items over all answers.
    pub coverage: usize,
}

/// Asks for a ranking per case and measures its first `cutoff` places.
pub fn evaluate(cases: &[Case], settings: &Settings, mut answer: impl FnMut(&Case) -> Vec<Item>) -> Report {
    measure(cases.iter().map(|case| (answer(case), &case.relevant)), settings)
}

/// Measures the first `cutoff` places of rankings, each beside what it should have found.
pub fn measure<'a>(rankings: impl Iterator<Item = (Vec<Item>, &'a BTreeSet<Item>)>, settings: &Settings) -> Report {
    let cutoff = settings.cutoff;
    let mut shown = BTreeSet::new();
    let mut values: [Vec<f64>; 4] = Default::default();
    for (ranked, relevant) in rankings {
        shown.extend(ranked.iter().take(cutoff).copied());
        for (values, measure) in values.iter_mut().zip([recall_at, ndcg_at, hit_at, reciprocal_rank_at]) {
            values.push(measure(&ranked, relevant, cutoff));
        }
    }
    let cases = values[0].len();
    let [recall, ndcg, hit_rate, mrr] =
        values.map(|values| mean_interval(&values, settings.bootstrap_rounds, settings.seed));
    Report { cases, cutoff, recall, ndcg, hit_rate, mrr, coverage: shown.len() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(customer: u32, at: i64, items: &[u32]) -> Order {
        let customer = (customer > 0).then_some(Customer(customer));
        Order { customer, at: Timestamp(at), lines: items.iter().map(|item| (Item(*item), 1.0)).collect() }
    }

    fn orders() -> Vec<Order> {
        vec![
            order(1, 10, &[1]),
            order(1, 30, &[2, 3]),
            order(1, 30, &[3, 4]),
            order(1, 20, &[5]),
            order(2, 15, &[6]),
            order(0, 40, &[7]),
        ]
    }

    #[test]
    fn the_last_order_is_known_to_nobody() {
        let split = hold_out_last_orders(&orders(), 0);
        assert_eq!(split.cases.len(), 1, "one order alone is no case");
        let case = &split.cases[0];
        assert_eq!((case.customer, case.at), (Customer(1), Timestamp(30)));
        assert_eq!(case.relevant, [2, 3, 4].map(Item).into());
        assert_eq!(case.history, [order(1, 10, &[1]), order(1, 20, &[5])]);
        assert_eq!(split.train.len(), 4);
        assert!(split.train.iter().all(|order| order.customer != Some(Customer(1)) || order.at < case.at));
    }

    #[test]
    fn tuning_sees_neither_the_last_order_nor_the_one_it_is_measured_on() {
        let split = hold_out_last_orders(&orders(), 1);
        assert_eq!(split.cases[0].relevant, [5].map(Item).into());
        assert_eq!(split.train.iter().filter(|order| order.customer == Some(Customer(1))).count(), 1);
        assert!(!split.train.iter().any(|order| order.customer == Some(Customer(2))), "their only order is skipped");
    }

    #[test]
    fn a_split_in_time_knows_no_future() {
        let split = split_at(&orders(), Timestamp(16));
        assert!(split.train.iter().all(|order| order.at < Timestamp(16)));
        assert_eq!(split.cases.len(), 1);
        assert_eq!((split.cases[0].at, &split.cases[0].relevant), (Timestamp(20), &[5].map(Item).into()));
    }

    #[test]
    fn perfect_and_useless_rankings_measure_as_such() {
        let split = hold_out_last_orders(&orders(), 0);
        let settings = Settings { cutoff: 3, ..Settings::default() };
        let perfect = evaluate(&split.cases, &settings, |case| case.relevant.iter().copied().collect());
        let values =
            |report: &Report| [report.recall, report.ndcg, report.hit_rate, report.mrr].map(|value| value.mean);
        assert_eq!(values(&perfect), [1.0; 4]);
        assert_eq!(perfect.coverage, 3);
        let useless = evaluate(&split.cases, &settings, |_| [Item(8), Item(9), Item(7), Item(2)].into());
        assert_eq!(values(&useless), [0.0; 4]);
        assert_eq!(evaluate(&[], &settings, |_| Vec::new()).recall.mean, 0.0);
    }
}
