//! Measures next-basket models on Ta-Feng: all customers, all items, Recall, NDCG and PHR at 10.
//!
//! `cargo run --release -p mercer-recommend --example baskets [-- test]` reads `next-basket-tafeng` in the folder that
//! `MERCER_DATA` names, or in `../shared/data`. Without `test` it reports on the second-last baskets, where settings
//! are chosen.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::disallowed_methods, reason = "an example looks up where the data is")]

use mercer_recommend::benchmark::{BasketModel, read_baskets};
use mercer_recommend::evaluate::{Interval, Settings};

fn main() {
    let folder = std::env::var("MERCER_DATA").unwrap_or_else(|_| "../shared/data".to_owned());
    let read = |name: &str| {
        let path = format!("{folder}/next-basket-tafeng/{name}");
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
    };
    let data = read_baskets(&read("tafeng_history.json"), &read("tafeng_future.json")).unwrap();
    let is_test = std::env::args().nth(1).is_some_and(|word| word == "test");
    let data = if is_test { data } else { data.validation() };
    println!("{} orders, {} questions", data.orders.len(), data.questions.len());
    let settings = Settings { cutoff: 10, ..Settings::default() };
    let shown = |value: Interval| format!("{:.4} [{:.4}, {:.4}]", value.mean, value.low, value.high);
    for name in ["popularity", "next-order"] {
        let outcome = BasketModel::named(name).unwrap().run(&data, &settings);
        let report = &outcome.report;
        println!(
            "{name:<12} recall@10 {}  ndcg@10 {}  phr@10 {}  fitted in {:.1} s, answers in µs p50 {:.0} p99 {:.0}",
            shown(report.recall),
            shown(report.ndcg),
            shown(report.hit_rate),
            outcome.fit_seconds,
            outcome.answer_micros_at(0.5),
            outcome.answer_micros_at(0.99),
        );
    }
}
