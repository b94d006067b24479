//! `mercer eval placements`: what the learned weights of placements are worth on this shop's newest days.

use mercer_engine::WeightsJudged;
use serde_json::json;

use crate::config::Config;
use crate::failure::Failure;
use crate::home::Home;
use crate::output;

pub(super) fn run(config: &Config, as_json: bool) -> Result<(), Failure> {
    let home = Home::open_existing(config)?;
    let spinner = output::spinner("Evaluating");
    let judged = home.engine.evaluate_weights(&|step| spinner.set_message(step.to_owned()))?;
    spinner.finish_and_clear();
    if as_json {
        output::json(&json!({ "placements": judged.iter().map(told).collect::<Vec<_>>() }));
        return Ok(());
    }
    output::line(
        "| placement | cases | equal, NDCG | written | learned | learned less equal, 95 % | learned less written, 95 % | weights |",
    );
    output::line("| --- | --- | --- | --- | --- | --- | --- | --- |");
    for row in &judged {
        let [equal, written] = [row.against_equal, row.against_written];
        output::line(format!(
            "| {} | {} | {:.4} | {:.4} | {:.4} | {:+.4} [{:+.4}, {:+.4}] | {:+.4} [{:+.4}, {:+.4}] | {} |",
            row.placement,
            row.cases,
            row.equal.mean,
            row.written.mean,
            row.learned.mean,
            equal.mean,
            equal.low,
            equal.high,
            written.mean,
            written.low,
            written.high,
            weights(row)
        ));
    }
    Ok(())
}

fn weights(row: &WeightsJudged) -> String {
    let source = |source: &mercer_schema::Source| {
        let name = serde_json::to_value(source.kind).ok();
        format!("{} {:.2}", name.as_ref().and_then(|name| name.as_str()).unwrap_or_default(), source.weight)
    };
    row.weights.iter().map(source).collect::<Vec<_>>().join(", ")
}

fn told(row: &WeightsJudged) -> serde_json::Value {
    let interval =
        |interval: &mercer_recommend::evaluate::Interval| json!([interval.mean, interval.low, interval.high]);
    json!({
        "placement": row.placement,
        "cases": row.cases,
        "equal": interval(&row.equal),
        "written": interval(&row.written),
        "learned": interval(&row.learned),
        "against_equal": interval(&row.against_equal),
        "against_written": interval(&row.against_written),
        "weights": row.weights,
    })
}
