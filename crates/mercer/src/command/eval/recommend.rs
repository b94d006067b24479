//! `mercer eval recommend`: recommenders on files of public data, with what they take.

use std::path::Path;

use mercer_recommend::benchmark::{Outcome, SessionModel, read_sessions};
use mercer_recommend::evaluate::{Report, Settings};
use serde_json::{Map, Value, json};

use crate::cli::{DataFormat, EvalRecommend};
use crate::failure::Failure;
use crate::output;

pub(super) fn run(asked: &EvalRecommend, as_json: bool) -> Result<(), Failure> {
    let DataFormat::Sessions = asked.format;
    let models = asked.models.iter().map(|name| model(name)).collect::<Result<Vec<_>, _>>()?;
    let (train, test) = (read(&asked.train)?, read(&asked.test)?);
    let data = read_sessions(&train, &test)
        .map_err(|error| Failure::job(format!("{} and {}: {error}", asked.train.display(), asked.test.display())))?;
    let settings = Settings { cutoff: asked.k, ..Settings::default() };
    let mut outcomes = Vec::new();
    for model in models {
        let spinner = output::spinner(model.name());
        outcomes.push(model.run(&data, &settings));
        spinner.finish_and_clear();
    }
    if as_json {
        output::json(&json!({ "models": outcomes.iter().map(to_json).collect::<Vec<_>>() }));
    } else {
        table(&outcomes, asked.k);
    }
    Ok(())
}

fn model(name: &str) -> Result<SessionModel, Failure> {
    SessionModel::named(name)
        .ok_or_else(|| Failure::job(format!("no model is called `{name}`; there are popularity, vmis, stan and vstan")))
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| Failure::job(format!("{}: {error}", path.display())))
}

fn metrics(report: &Report) -> [(&'static str, f64); 4] {
    let Report { hit_rate, mrr, recall, ndcg, .. } = report;
    [("HR", hit_rate.mean), ("MRR", mrr.mean), ("Recall", recall.mean), ("NDCG", ndcg.mean)]
}

fn to_json(outcome: &Outcome) -> Value {
    let cutoff = outcome.report.cutoff;
    let metrics: Map<String, Value> =
        metrics(&outcome.report).into_iter().map(|(name, value)| (format!("{name}@{cutoff}"), json!(value))).collect();
    let micros = |share| outcome.answer_micros_at(share);
    json!({
        "name": outcome.model,
        "metrics": metrics,
        "cases": outcome.report.cases,
        "coverage": outcome.report.coverage,
        "fit_seconds": outcome.fit_seconds,
        "predict_us": { "p50": micros(0.5), "p90": micros(0.9), "p99": micros(0.99) },
    })
}

fn table(outcomes: &[Outcome], k: usize) {
    output::line(format!(
        "| model | HR@{k} | 95 % | MRR@{k} | 95 % | coverage | cases | fit s | p50 µs | p90 µs | p99 µs |"
    ));
    output::line("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    for outcome in outcomes {
        let Report { hit_rate, mrr, coverage, cases, .. } = &outcome.report;
        let micros = |share| outcome.answer_micros_at(share);
        output::line(format!(
            "| {} | {:.4} | {:.4}–{:.4} | {:.4} | {:.4}–{:.4} | {coverage} | {cases} | {:.2} | {:.0} | {:.0} | {:.0} |",
            outcome.model,
            hit_rate.mean,
            hit_rate.low,
            hit_rate.high,
            mrr.mean,
            mrr.low,
            mrr.high,
            outcome.fit_seconds,
            micros(0.5),
            micros(0.9),
            micros(0.99)
        ));
    }
}
