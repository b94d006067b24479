//! x
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used)]

use mercer_recommend::benchmark::{Dataset, Measured, Outcome, Spec, compare, read_interactions};

fn print(outcome: &Outcome) {
    let metrics = outcome.metrics(|_| true);
    println!(
        "{:<60} Recall@20 {:.4}  NDCG@20 {:.4}  fit {:.1} s  p50 {:.0} µs  p99 {:.0} µs",
        outcome.model,
        metrics[0].1.mean,
        metrics[1].1.mean,
        outcome.fit_seconds,
        outcome.answer_micros_at(0.5),
        outcome.answer_micros_at(0.99)
    );
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let place = arguments.iter().position(|argument| argument == "--").expect("files -- models");
    let (files, models) = (&arguments[..place], &arguments[place + 1..]);
    let read = |path: &String| std::fs::read_to_string(path).unwrap();
    let data: Box<dyn Dataset> = match files.get(1) {
        Some(test) => Box::new(read_interactions(&read(&files[0]), &read(test)).unwrap()),
        None => read_interactions(&read(&files[0]), "").unwrap().validation(),
    };
    println!("{} questions", data.questions().len());
    let specs: Vec<Spec> = models.iter().map(|model| Spec::parse(model).unwrap()).collect();
    let (metrics, popularity) = (["Recall@20", "NDCG@20"].map(|name| name.parse().unwrap()), data.popularity());
    let measured = Measured { metrics: &metrics, popularity: &popularity };
    compare(&specs, data.questions(), &measured, |spec| data.fit(spec), |outcome| print(&outcome)).unwrap();
}
