//! Outcomes as a table or as JSON.

use clap::ValueEnum;
use mercer_recommend::benchmark::{COLD_CUSTOMER, COLD_ITEM, Cold, Metric, OrderSplit, Outcome, ROUNDS, SEED, Shown};
use mercer_recommend::evaluate::Interval;
use serde_json::{Map, Value, json};

use super::Taken;
use crate::cli::EvalRecommend;
use crate::output;

pub(super) fn to_json(taken: &Taken, all: &[Taken], cold: &Cold) -> Value {
    let outcome = &taken.outcome;
    let metrics = outcome.metrics(|_| true);
    let interval = |(metric, interval): &(Metric, Interval)| (metric.to_string(), json!([interval.low, interval.high]));
    let micros = |share| outcome.answer_micros_at(share);
    json!({
        "name": outcome.model,
        "metrics": means(&metrics),
        "intervals": metrics.iter().map(interval).collect::<Map<_, _>>(),
        "against": against(outcome, all),
        "cases": outcome.questions(),
        "coverage": at_each_cut(outcome, "Coverage", |shown| json!(shown.coverage)),
        "novelty_bits": at_each_cut(outcome, "Novelty", |shown| json!(shown.novelty)),
        "cold_items": slice(outcome, &cold.items),
        "cold_customers": slice(outcome, &cold.customers),
        "fit_seconds": outcome.fit_seconds,
        "predict_us": { "p50": micros(0.5), "p90": micros(0.9), "p99": micros(0.99) },
        "peak_mb": taken.grown_megabytes,
    })
}

fn at_each_cut(outcome: &Outcome, name: &str, value: impl Fn(&Shown) -> Value) -> Map<String, Value> {
    outcome.shown.iter().map(|shown| (format!("{name}@{}", shown.cutoff), value(shown))).collect()
}

/// Question by question, how much better than the best of the others by the first metric.
fn against(outcome: &Outcome, all: &[Taken]) -> Option<Value> {
    let first = |outcome: &Outcome| outcome.metrics(|_| true).first().map_or(0.0, |(_, interval)| interval.mean);
    let others = all.iter().map(|taken| &taken.outcome).filter(|other| !std::ptr::eq(*other, outcome));
    let best = others.max_by(|a, b| first(a).total_cmp(&first(b)))?;
    let difference = outcome.better_than(best).into_iter().map(|(metric, Interval { mean, low, high })| {
        (metric.to_string(), json!({ "mean": mean, "low": low, "high": high }))
    });
    Some(json!({ "model": best.model, "difference": difference.collect::<Map<_, _>>() }))
}

fn means(metrics: &[(Metric, Interval)]) -> Map<String, Value> {
    metrics.iter().map(|(metric, interval)| (metric.to_string(), json!(interval.mean))).collect()
}

fn slice(outcome: &Outcome, part: &[bool]) -> Value {
    let mean = |(metric, mean): (Metric, Option<f64>)| (metric.to_string(), json!(mean));
    json!({
        "cases": part.iter().filter(|is_in| **is_in).count(),
        "metrics": outcome.means_of(part).into_iter().map(mean).collect::<Map<_, _>>(),
    })
}

/// By what rules the figures came about.
pub(super) fn protocol(asked: &EvalRecommend, split: Option<OrderSplit>, cases: usize) -> Value {
    let format = asked.format.to_possible_value();
    let split = split.map(|split| match split {
        OrderSplit::Last => json!({ "by": "last" }),
        OrderSplit::Days(days) => json!({ "by": "time", "days": days }),
    });
    json!({
        "format": format.map(|format| format.get_name().to_owned()),
        "split": split,
        "cases": cases,
        "candidates": "all items; none is sampled",
        "ties": "equal scores stand in the order of item numbers, which are given by first mention",
        "intervals": { "level": 0.95, "method": "percentile bootstrap", "rounds": ROUNDS, "seed": SEED },
        "seed": SEED,
        "peak_mb": "by how much the process grew at most while the model was fitted and asked; null where the system does not tell",
        "cold_items": format!("everything to be found has at most {COLD_ITEM} training interactions"),
        "cold_customers": format!("at most {COLD_CUSTOMER} items of the customer are known"),
    })
}

pub(super) fn table(all: &[Taken], cold: &Cold) {
    let Some(first) = all.first() else { return };
    let names: Vec<String> = first.outcome.values.iter().map(|(metric, _)| metric.to_string()).collect();
    let metrics: String = names.iter().map(|name| format!(" {name} | 95 % |")).collect();
    let deciding = names.first().map_or("", String::as_str);
    let of = |part: &[bool]| part.iter().filter(|is_in| **is_in).count();
    let (cases, cold_items, cold_customers) = (first.outcome.questions(), of(&cold.items), of(&cold.customers));
    let cuts = &first.outcome.shown;
    let shown: String =
        cuts.iter().map(|Shown { cutoff, .. }| format!(" coverage@{cutoff} | novelty@{cutoff} |")).collect();
    output::line(format!(
        "| model, of {cases} cases |{metrics} cold items {deciding}, of {cold_items} | cold customers {deciding}, of {cold_customers} |{shown} fit s | p50 µs | p90 µs | p99 µs | peak MB |"
    ));
    output::line(format!("|{}", " --- |".repeat(2 * names.len() + 2 * cuts.len() + 8)));
    for Taken { outcome, grown_megabytes } in all {
        let cell = |(_, Interval { mean, low, high }): (Metric, Interval)| format!(" {mean:.4} | {low:.4}–{high:.4} |");
        let metrics: String = outcome.metrics(|_| true).into_iter().map(cell).collect();
        let of_part = |part: &[bool]| {
            let mean = outcome.means_of(part).first().and_then(|(_, mean)| *mean);
            mean.map_or_else(|| "–".to_owned(), |mean| format!("{mean:.4}"))
        };
        let shown = |Shown { coverage, novelty, .. }: &Shown| format!(" {coverage} | {novelty:.1} |");
        let shown: String = outcome.shown.iter().map(shown).collect();
        let micros = |share| outcome.answer_micros_at(share);
        output::line(format!(
            "| {} |{metrics} {} | {} |{shown} {:.2} | {:.0} | {:.0} | {:.0} | {} |",
            outcome.model,
            of_part(&cold.items),
            of_part(&cold.customers),
            outcome.fit_seconds,
            micros(0.5),
            micros(0.9),
            micros(0.99),
            grown_megabytes.map_or_else(|| "–".to_owned(), |grown| format!("{grown:.0}")),
        ));
    }
}
