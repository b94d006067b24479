//! `mercer eval search` without files, and `mercer eval suggest`: what knowing the customer is worth on this shop's newest days.

use mercer_engine::{FindingJudged, SuggestingJudged, Wording};
use serde_json::json;

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
    let FindingJudged { queries, personal, impersonal, difference, known, known_difference, codes, codes_unchanged } =
        judged;
    if as_json {
        output::json(&json!({
            "queries": queries,
            "metrics": { "MRR_personal": personal.mean, "MRR_impersonal": impersonal.mean, "MRR_difference": difference.mean },
            "intervals": { "MRR_difference": [difference.low, difference.high] },
            "known_customers": { "queries": known, "MRR_difference": known_difference.mean,
                "interval": [known_difference.low, known_difference.high] },
            "codes": { "asked": codes, "unchanged": codes_unchanged },
        }));
        return Ok(());
    }
    output::line(
        "| queries | MRR, impersonal | personal | difference, 95 % | of customers who ordered before | codes unchanged |",
    );
    output::line("| --- | --- | --- | --- | --- | --- |");
    output::line(format!(
        "| {queries} | {:.4} | {:.4} | {:+.4} [{:+.4}, {:+.4}] | {known}: {:+.4} [{:+.4}, {:+.4}] | {codes_unchanged} of {codes} |",
        impersonal.mean,
        personal.mean,
        difference.mean,
        difference.low,
        difference.high,
        known_difference.mean,
        known_difference.low,
        known_difference.high,
    ));
    Ok(())
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
