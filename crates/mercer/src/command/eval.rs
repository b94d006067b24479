//! `mercer eval`: recommenders compared on this shop's own orders, against popularity.

mod clicks;
mod finding;
mod meaning;
mod placements;
mod recommend;
mod search;
mod spelling;

use mercer_engine::Judged;
use serde_json::json;

use crate::cli::{Eval, EvalKind};
use crate::config::Config;
use crate::failure::Failure;
use crate::home::Home;
use crate::output;

pub(crate) fn run(eval: &Eval, config: &Config, as_json: bool) -> Result<(), Failure> {
    match &eval.what {
        Some(EvalKind::Recommend(asked)) => return recommend::run(asked, config, as_json),
        Some(EvalKind::Search(asked)) => return search::run(asked, config, as_json),
        Some(EvalKind::Suggest { kept_words }) => return finding::suggest(*kept_words, config, as_json),
        Some(EvalKind::Spelling(asked)) => return spelling::run(asked, config, as_json),
        Some(EvalKind::Placements) => return placements::run(config, as_json),
        None => {}
    }
    let home = Home::open_existing(config)?;
    let spinner = output::spinner("Evaluating");
    let judged = home.engine.evaluate(eval.k, &|step| spinner.set_message(step.to_owned()))?;
    spinner.finish_and_clear();
    if as_json {
        let models = judged.iter().map(|Judged { model, protocol, report }| {
            json!({
                "name": model, "protocol": protocol, "cases": report.cases,
                "metrics": {
                    format!("Recall@{}", eval.k): report.recall.mean,
                    format!("NDCG@{}", eval.k): report.ndcg.mean,
                    format!("HR@{}", eval.k): report.hit_rate.mean,
                    format!("MRR@{}", eval.k): report.mrr.mean,
                },
                "coverage": { format!("Coverage@{}", eval.k): report.coverage },
            })
        });
        output::json(&json!({ "models": models.collect::<Vec<_>>() }));
        return Ok(());
    }
    let k = eval.k;
    output::line(format!(
        "| protocol | model | Recall@{k} | 95 % | NDCG@{k} | against popularity | MRR@{k} | coverage@{k} | cases |"
    ));
    output::line("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    for Judged { model, protocol, report } in &judged {
        let baseline = judged.iter().find(|other| other.model == "popularity" && other.protocol == *protocol);
        let times = |mean: f64, of: fn(&Judged) -> f64| baseline.map_or(1.0, |baseline| mean / of(baseline).max(1e-9));
        output::line(format!(
            "| {protocol} | {model} | {:.4} | {:.4}–{:.4} | {:.4} | {:.1}× / {:.1}× | {:.4} | {} | {} |",
            report.recall.mean,
            report.recall.low,
            report.recall.high,
            report.ndcg.mean,
            times(report.recall.mean, |judged| judged.report.recall.mean),
            times(report.ndcg.mean, |judged| judged.report.ndcg.mean),
            report.mrr.mean,
            report.coverage,
            report.cases
        ));
    }
    Ok(())
}
