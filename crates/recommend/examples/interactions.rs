//! Tries models on interactions: on a validation part cut from the training file, or on the test file.
//!
//! `cargo run --release -p mercer-recommend --example interactions -- train.txt [test.txt] -- ease:l2=200 ials …`
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used)]

use mercer_recommend::benchmark::{Outcome, Spec, read_interactions};
use mercer_recommend::evaluate::Settings;

fn print(outcome: &Outcome) {
    let report = &outcome.report;
    println!(
        "{:<60} Recall@20 {:.4}  NDCG@20 {:.4}  fit {:.1} s  p50 {:.0} µs  p99 {:.0} µs",
        outcome.model,
        report.recall.mean,
        report.ndcg.mean,
        outcome.fit_seconds,
        outcome.answer_micros_at(0.5),
        outcome.answer_micros_at(0.99)
    );
}

/// Every tenth item of a customer is held out, from a place that differs between customers.
fn cut(train: &str) -> (String, String) {
    let (mut kept, mut held) = (String::new(), String::new());
    for (number, line) in train.lines().enumerate() {
        let mut fields = line.split_whitespace();
        let Some(customer) = fields.next() else { continue };
        let hash = |item: &str| (item.bytes().fold(number as u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)) >> 7) % 10;
        let (held_out, rest): (Vec<&str>, Vec<&str>) = fields.partition(|item| hash(item) == 0);
        kept += &format!("{customer} {}\n", rest.join(" "));
        if !held_out.is_empty() {
            held += &format!("{customer} {}\n", held_out.join(" "));
        }
    }
    (kept, held)
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let place = arguments.iter().position(|argument| argument == "--").expect("files -- models");
    let (files, models) = (&arguments[..place], &arguments[place + 1..]);
    let train = std::fs::read_to_string(&files[0]).unwrap();
    let (train, test) = match files.get(1) {
        Some(test) => (train, std::fs::read_to_string(test).unwrap()),
        None => cut(&train),
    };
    let data = read_interactions(&train, &test).unwrap();
    println!("{} customers, {} questions", data.train.len(), data.questions.len());
    for model in models {
        let settings = Settings { bootstrap_rounds: 10, ..Settings::default() };
        match Spec::parse(model).and_then(|spec| data.run(spec, &settings)) {
            Ok(outcome) => print(&outcome),
            Err(error) => println!("{error}"),
        }
    }
}
