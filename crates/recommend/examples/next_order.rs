//! Measures next-order recommendation on a shop's orders.
//!
//! `cargo run --release -p mercer-recommend --example next_order -- orders.csv [tune]`, the file having the header
//! `order,customer,at_micros,item,quantity` and its rows sorted by order. Without `tune` it reports on the last order
//! of each customer and on a split in time; with it, it tries settings on the second-last orders.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod shop;

use std::collections::HashMap;
use std::time::Instant;

use mercer_recommend::evaluate::{Case, Interval, Report, Settings, Split, evaluate, hold_out_last_orders, split_at};
use mercer_recommend::interactions::{Order, lines};
use mercer_recommend::neighbours;
use mercer_recommend::next_order::{self, NextOrder};
use mercer_recommend::popularity::{self, Popularity};
use mercer_recommend::{Item, Query, Recommender};
use mercer_schema::Timestamp;

fn read(path: &str) -> Vec<Order> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let weight = |quantity: &str| 1.0 + quantity.parse::<f32>().expect("a quantity").ln();
    shop::read_orders(&text, &mut HashMap::new(), weight)
}

fn answer(model: &NextOrder, case: &Case) -> Vec<Item> {
    let ordered: Vec<_> = lines(&case.history).collect();
    let query = Query { ordered: &ordered, now: case.at, ..Query::default() };
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
    let built_in = NextOrder::fit(&split.train, &next_order::Settings { most_lessons: 0, ..settings });
    print("built-in weights", &evaluate(&split.cases, &measured, |case| answer(&built_in, case)));
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
        let ordered: Vec<_> = lines(&case.history).collect();
        let started = Instant::now();
        std::hint::black_box(model.recommend(&Query { ordered: &ordered, now: case.at, ..Query::default() }, 20));
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
    for ridge in [0.5, 50.0, 500.0] {
        tried.push((format!("ridge {ridge}"), next_order::Settings { ridge, ..default }));
    }
    for most_lessons in [0, 500, 5_000] {
        tried.push((format!("{most_lessons} lessons"), next_order::Settings { most_lessons, ..default }));
    }
    for (damping, kept) in [(0.5, 100), (2.0, 100), (1.0, 30), (1.0, 300)] {
        let neighbours =
            neighbours::Settings { weighting: neighbours::Weighting::Damped(damping), kept, ..default.neighbours };
        tried.push((format!("damping {damping} kept {kept}"), next_order::Settings { neighbours, ..default }));
    }
    let quick = Settings { bootstrap_rounds: 0, ..Settings::default() };
    for (name, settings) in tried {
        print!("{name:<24}");
        for split in &splits {
            let model = NextOrder::fit(&split.train, &settings);
            let found = evaluate(&split.cases, &quick, |case| answer(&model, case));
            print!("  recall {:.4} ndcg {:.4}", found.recall.mean, found.ndcg.mean);
        }
        println!();
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
