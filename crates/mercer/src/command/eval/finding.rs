//! `mercer eval search` without files, and `mercer eval suggest`: what knowing the customer is worth on this shop's newest days.

use mercer_engine::{Differences, FindingJudged, SuggestingJudged, Way, Wording};
use mercer_recommend::evaluate::Interval;
use serde_json::{Value, json};

use crate::config::Config;
use crate::failure::Failure;
use crate::home::Home;
use crate::output;

/// Queries made from titles of what was bought.
pub(super) fn search(config: &Config, as_json: bool) -> Result<(), Failure> {
    let home = Home::open_existing(config)?;
    let spinner = output::spinner("Evaluating");
    let judged = home.engine.evaluate_finding(&|step| spinner.set_message(step.to_owned()))?;
    spinner.finish_and_clear();
    if as_json {
        output::json(&told(&judged));
        return Ok(());
    }
    let FindingJudged { queries, known, codes, codes_unchanged, ranker, .. } = &judged;
    output::line(format!(
        "{queries} queries, {known} of customers who ordered before; {codes_unchanged} of {codes} codes unchanged"
    ));
    output::line("| order | MRR | less impersonal, 95 % | of customers who ordered before | p50 ms | p99 ms |");
    output::line("| --- | --- | --- | --- | --- | --- |");
    let line = |name: &str, way: &Way, less: Option<&Differences>| {
        let [all, known] = less.map_or_else(Default::default, |less| [signed(&less.all), signed(&less.known)]);
        output::line(format!("| {name} | {:.4} | {all} | {known} | {:.3} | {:.3} |", way.mean.mean, way.p50, way.p99));
    };
    line("impersonal", &judged.impersonal, None);
    line("formula", &judged.formula, Some(&judged.formula_less_impersonal));
    line("learned", &judged.learned, Some(&judged.learned_less_impersonal));
    output::line(format!(
        "learned less formula: {}; of customers who ordered before: {}",
        signed(&judged.learned_less_formula.all),
        signed(&judged.learned_less_formula.known),
    ));
    let exam = ranker.exam();
    output::line(format!(
        "{} would serve: taught by {} lessons; on {} queries before these days {:.4} learned, {:.4} by the formula, difference [{:+.4}, {:+.4}]",
        if ranker.serves() { "learned" } else { "the formula" },
        ranker.lessons(),
        exam.queries,
        exam.learned,
        exam.formula,
        exam.low,
        exam.high,
    ));
    Ok(())
}

fn signed(interval: &Interval) -> String {
    format!("{:+.4} [{:+.4}, {:+.4}]", interval.mean, interval.low, interval.high)
}

fn told(judged: &FindingJudged) -> Value {
    let FindingJudged { queries, known, codes, codes_unchanged, ranker, .. } = judged;
    let way = |way: &Way| json!({ "MRR": way.mean.mean, "query_ms": { "p50": way.p50, "p99": way.p99 } });
    let interval = |interval: &Interval| json!({ "mean": interval.mean, "interval": [interval.low, interval.high] });
    let less = |less: &Differences| json!({ "all": interval(&less.all), "known_customers": interval(&less.known) });
    let exam = ranker.exam();
    json!({
        "queries": queries,
        "known": known,
        "impersonal": way(&judged.impersonal),
        "formula": way(&judged.formula),
        "learned": way(&judged.learned),
        "formula_less_impersonal": less(&judged.formula_less_impersonal),
        "learned_less_impersonal": less(&judged.learned_less_impersonal),
        "learned_less_formula": less(&judged.learned_less_formula),
        "ranker": {
            "serves": ranker.serves(),
            "lessons": ranker.lessons(),
            "exam": { "queries": exam.queries, "MRR_formula": exam.formula, "MRR_learned": exam.learned,
                "interval": [exam.low, exam.high] },
        },
        "codes": { "asked": codes, "unchanged": codes_unchanged },
    })
}

/// Such queries, typed letter by letter.
pub(super) fn suggest(kept_words: bool, config: &Config, as_json: bool) -> Result<(), Failure> {
    let home = Home::open_existing(config)?;
    let spinner = output::spinner("Evaluating");
    let wording = if kept_words { Wording::Kept } else { Wording::Anew };
    let judged = home.engine.evaluate_suggesting(wording, &|step| spinner.set_message(step.to_owned()))?;
    spinner.finish_and_clear();
    let SuggestingJudged {
        queries,
        prefixes,
        popularity,
        impersonal,
        personal,
        over_popularity,
        over_impersonal,
        by_length,
    } = judged;
    if as_json {
        output::json(&json!({
            "queries": queries,
            "prefixes": prefixes,
            "metrics": { "MRR@10_popularity": popularity.mean, "MRR@10_impersonal": impersonal.mean, "MRR@10_personal": personal.mean },
            "intervals": {
                "impersonal_less_popularity": [over_popularity.low, over_popularity.high],
                "personal_less_impersonal": [over_impersonal.low, over_impersonal.high],
            },
            "by_prefix_length": by_length,
        }));
        return Ok(());
    }
    output::line(format!("{queries} queries, {prefixes} prefixes"));
    output::line(
        "| MRR@10 | popularity | impersonal | personal | impersonal less popularity, 95 % | personal less impersonal, 95 % |",
    );
    output::line("| --- | --- | --- | --- | --- | --- |");
    output::line(format!(
        "| all | {:.4} | {:.4} | {:.4} | {:+.4} [{:+.4}, {:+.4}] | {:+.4} [{:+.4}, {:+.4}] |",
        popularity.mean,
        impersonal.mean,
        personal.mean,
        over_popularity.mean,
        over_popularity.low,
        over_popularity.high,
        over_impersonal.mean,
        over_impersonal.low,
        over_impersonal.high,
    ));
    for (length, [popularity, impersonal, personal]) in (1..).zip(by_length) {
        output::line(format!("| {length} letters | {popularity:.4} | {impersonal:.4} | {personal:.4} | | |"));
    }
    Ok(())
}
