//! Measures the hybrid against its sources on a shop's orders, question by question.
//!
//! `cargo run --release -p mercer-recommend --example hybrid -- orders.csv catalog.jsonl last|DAYS MODELS`: the orders that the
//! example `next_order` reads, the catalog as `mercer export products` writes it, and models as in `mercer eval recommend`; the
//! first is what the others are compared with. A `v` behind the split (`30v`) asks the validation part of its training part.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod shop;

use std::collections::HashMap;

use mercer_recommend::Item;
use mercer_recommend::benchmark::{Cold, Dataset, Measured, Metric, OrderData, OrderSplit, Outcome, Spec, compare};
use mercer_schema::Product;

fn read_products(text: &str, items: &HashMap<String, Item>) -> Vec<(Item, Product)> {
    let products = text.lines().map(|line| serde_json::from_str::<Product>(line).expect("a product"));
    products.filter_map(|product| Some((*items.get(product.id.as_str())?, product))).collect()
}

fn print(outcome: &Outcome, best: Option<&Outcome>, cold: &Cold) {
    print!("{:<40}", outcome.model);
    for (metric, found) in outcome.metrics(|_| true) {
        print!("  {metric} {:.4} [{:.4}, {:.4}]", found.mean, found.low, found.high);
    }
    let of = |part: &[bool]| outcome.metrics(|place| part[place])[0].1.mean;
    println!(
        "  cold {:.4} {:.4}  {:.1} s, p99 {:.0} us",
        of(&cold.items),
        of(&cold.customers),
        outcome.fit_seconds,
        outcome.answer_micros_at(0.99)
    );
    for (metric, difference) in best.map(|best| outcome.better_than(best)).unwrap_or_default() {
        println!("    {metric} {:+.4} [{:+.4}, {:+.4}]", difference.mean, difference.low, difference.high);
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [orders, catalog, split, models] = &arguments[..] else { panic!("orders, catalog, split, models") };
    let read = |path: &String| std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut items = HashMap::new();
    let orders = shop::read_orders(&read(orders), &mut items, |_| 1.0);
    let validation = split.ends_with('v');
    let split = split.trim_end_matches('v').parse().map_or(OrderSplit::Last, OrderSplit::Days);
    let data: Box<dyn Dataset> =
        Box::new(OrderData::new(&orders, split).with_products(&read_products(&read(catalog), &items)));
    let data = if validation { data.validation() } else { data };
    let metrics: Vec<Metric> = ["NDCG@20", "Recall@20"].map(|name| name.parse().unwrap()).to_vec();
    let popularity = data.popularity();
    let measured = Measured { metrics: &metrics, popularity: &popularity };
    let cold = Cold::of(data.questions(), &popularity);
    let specs: Vec<Spec> = models.split(',').map(|name| Spec::parse(name).expect("a model")).collect();
    let mut first: Option<Outcome> = None;
    let report = |outcome: Outcome| {
        print(&outcome, first.as_ref(), &cold);
        first.get_or_insert(outcome);
    };
    compare(&specs, data.questions(), &measured, |spec| data.fit(spec), report).expect("known models");
}
