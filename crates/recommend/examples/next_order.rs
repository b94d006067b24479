//! Measures next-order recommendation on a shop's orders.
//!
//! `cargo run --release -p mercer-recommend --example next_order -- orders.csv [tune]`, the file having the header
//! `order,customer,at_micros,item,quantity` and its rows sorted by order. Without `tune` it reports on the last order
//! of each customer and on a split in time; with it, it tries settings on the second-last orders.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::HashMap;
use std::time::Instant;

use mercer_recommend::evaluate::{Case, Interval, Report, Settings, Split, evaluate, hold_out_last_orders, split_at};
use mercer_recommend::interactions::{Customer, Order, lines};
use mercer_recommend::neighbours::{self, Neighbours};
use mercer_recommend::next_order::{self, NextOrder, habits};
use mercer_recommend::popularity::{self, Popularity};
use mercer_recommend::{Item, Query, Recommender};
use mercer_schema::Timestamp;

fn read(path: &str) -> Vec<Order> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut items: HashMap<&str, u32> = HashMap::new();
    let mut customers: HashMap<&str, u32> = HashMap::new();
    let mut orders: Vec<(&str, Order)> = Vec::new();
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let [number, customer, at, item, quantity] = fields[..] else { panic!("not five fields: {line}") };
        let next = customers.len() as u32;
        let customer = (!customer.is_empty()).then(|| Customer(*customers.entry(customer).or_insert(next)));
        let next = items.len() as u32;
        let item = Item(*items.entry(item).or_insert(next));
        let at = Timestamp(at.parse().expect("a time in microseconds"));
        if orders.last().is_none_or(|(last, _)| *last != number) {
            orders.push((number, Order { customer, at, lines: Vec::new() }));
        }
        let weight = 1.0 + quantity.parse::<f32>().expect("a quantity").ln();
        orders.last_mut().unwrap().1.lines.push((item, weight));
    }
    orders.into_iter().map(|(_, order)| order).collect()
}

fn answer(model: &NextOrder, case: &Case) -> Vec<Item> {
    let history = habits(lines(&case.history), next_order::HABIT_PER_ORDER);
    let query = Query { history: &history, now: case.at, ..Query::default() };
    model.recommend(&query, 20).iter().map(|scored| scored.item).collect()
}

/// The most wanted items, the same for everybody.
fn popular(train: &[Order], half_life_days: f64) -> Vec<Item> {
    let settings = popularity::Settings { long_half_life_days: half_life_days, ..popularity::Settings::default() };
    let mut popularity = Popularity::new(settings);
    let mut in_time: Vec<&Order> = train.iter().collect();
    in_time.sort_by_key(|order| order.at);
    for order in in_time {
        order.lines.iter().for_each(|(item, _)| popularity.observe(*item, 1.0, order.at));
    }
    popularity.popular().recommend(&Query::default(), 20).iter().map(|scored| scored.item).collect()
}

fn print(name: &str, report: &Report) {
    let shown = |value: Interval| format!("{:.4} [{:.4}, {:.4}]", value.mean, value.low, value.high);
    println!(
        "{name:<22} recall@20 {}  ndcg@20 {}  hit {:.3}  mrr {:.3}  coverage {}",
        shown(report.recall),
        shown(report.ndcg),
        report.hit_rate.mean,
        report.mrr.mean,
        report.coverage
    );
}

fn report(name: &str, split: &Split) {
    println!("{name}: {} training orders, {} cases", split.train.len(), split.cases.len());
    let measured = Settings::default();
    let mut best: Option<Report> = None;
    for half_life_days in [14.0, 30.0, 60.0, 100_000.0] {
        let ranked = popular(&split.train, half_life_days);
        let found = evaluate(&split.cases, &measured, |_| ranked.clone());
        print(&format!("popular, {half_life_days} days"), &found);
        if best.as_ref().is_none_or(|best| found.recall.mean > best.recall.mean) {
            best = Some(found);
        }
    }
    let started = Instant::now();
    let settings = next_order::Settings::default();
    let model = NextOrder::fit(&split.train, &settings);
    let fit_seconds = started.elapsed().as_secs_f64();
    let habits_alone =
        next_order::Settings { together: 0.0, popular: 0.0, again_power: 0.0, season_power: 0.0, ..settings };
    let alone = NextOrder::fit(&split.train, &habits_alone);
    print("habits alone", &evaluate(&split.cases, &measured, |case| answer(&alone, case)));
    let ours = evaluate(&split.cases, &measured, |case| answer(&model, case));
    print("next order", &ours);
    let best = best.expect("a baseline");
    let (recall, ndcg) = (ours.recall.mean / best.recall.mean, ours.ndcg.mean / best.ndcg.mean);
    println!("{recall:.2}x recall and {ndcg:.2}x ndcg of the best of the popular ones; fitted in {fit_seconds:.2} s");
    time_answers(&model, &split.cases);
}

fn time_answers(model: &NextOrder, cases: &[Case]) {
    let mut micros: Vec<u128> = Vec::new();
    for case in cases {
        let history = habits(lines(&case.history), next_order::HABIT_PER_ORDER);
        let started = Instant::now();
        std::hint::black_box(model.recommend(&Query { history: &history, now: case.at, ..Query::default() }, 20));
        micros.push(started.elapsed().as_micros());
    }
    micros.sort_unstable();
    println!("answers in microseconds: p50 {} p99 {}\n", micros[micros.len() / 2], micros[micros.len() * 99 / 100]);
}

/// Changes one setting at a time, on orders that the report never looks at.
fn tune(orders: &[Order], newest: Timestamp) {
    let before = |days: i64| newest.plus(-days * Timestamp::DAY);
    let known: Vec<Order> = orders.iter().filter(|order| order.at < before(28)).cloned().collect();
    let splits = [hold_out_last_orders(orders, 1), split_at(&known, before(56))];
    let default = next_order::Settings::default();
    let mut tried = vec![("default".to_owned(), default)];
    for value in [0.0, 0.5, 2.0] {
        tried.push((format!("together {value}"), next_order::Settings { together: value, ..default }));
    }
    for value in [0.0, 0.05, 0.2] {
        tried.push((format!("popular {value}"), next_order::Settings { popular: value, ..default }));
    }
    for value in [0.0, 0.25, 0.75, 1.0] {
        tried.push((format!("again power {value}"), next_order::Settings { again_power: value, ..default }));
        tried.push((format!("season power {value}"), next_order::Settings { season_power: value, ..default }));
    }
    for (damping, kept) in [(0.5, 100), (1.0, 100), (2.0, 100), (1.5, 30), (1.5, 300)] {
        let neighbours = neighbours::Settings { damping, kept, ..default.neighbours };
        tried.push((format!("damping {damping} kept {kept}"), next_order::Settings { neighbours, ..default }));
    }
    let quick = Settings { bootstrap_rounds: 0, ..Settings::default() };
    let mut fitted: Option<(neighbours::Settings, Vec<Neighbours>)> = None;
    for (name, settings) in tried {
        let known = fitted.take().filter(|(key, _)| *key == settings.neighbours);
        let (key, models) = known.unwrap_or_else(|| {
            let fit = |split: &Split| {
                let baskets: Vec<_> = split.train.iter().map(|order| order.lines.clone()).collect();
                Neighbours::fit(&baskets, &settings.neighbours)
            };
            (settings.neighbours, splits.iter().map(fit).collect())
        });
        print!("{name:<24}");
        for (split, neighbours) in splits.iter().zip(&models) {
            let model = NextOrder::with_neighbours(neighbours.clone(), &split.train, &settings);
            let found = evaluate(&split.cases, &quick, |case| answer(&model, case));
            print!("  recall {:.4} ndcg {:.4}", found.recall.mean, found.ndcg.mean);
        }
        println!();
        fitted = Some((key, models));
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let orders = read(arguments.first().expect("the path of a CSV"));
    let newest = orders.iter().map(|order| order.at).max().expect("an order");
    if arguments.get(1).is_some_and(|word| word == "tune") {
        return tune(&orders, newest);
    }
    report("last order of each customer", &hold_out_last_orders(&orders, 0));
    report("split 28 days before the end", &split_at(&orders, newest.plus(-28 * Timestamp::DAY)));
}
