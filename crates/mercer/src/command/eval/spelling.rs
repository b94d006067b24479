//! `mercer eval spelling`: how often mistyped queries are understood as they were meant, and right ones left alone.
//!
//! It asks what the server asks, and reads what the answer says was looked for instead. The vocabulary is the catalog's; the
//! pairs are only asked.

use std::fs;
use std::path::Path;
use std::time::Instant;

use mercer_decide::{World, search};
use mercer_recommend::evaluate::Interval;
use mercer_schema::{DecisionId, SearchRequest, Timestamp};
use mercer_search::Language;
use mercer_search::evaluate::spelling::{Sameness, is_held, words_of_title};
use serde_json::{Value, json};

use super::search::{interval, products, quantile, world};
use crate::cli::EvalSpelling;
use crate::config::Config;
use crate::failure::Failure;
use crate::output;

/// Titles that queries are made from.
const TITLES: usize = 5_000;

/// Mistyped queries, each with how it was understood.
struct Mended {
    same: Vec<Sameness>,
    milliseconds: Vec<f64>,
}

/// Right queries: 1 for each that was altered.
struct Altered {
    name: &'static str,
    altered: Vec<f64>,
    milliseconds: Vec<f64>,
}

pub(super) fn run(asked: &EvalSpelling, config: &Config, as_json: bool) -> Result<(), Failure> {
    let pairs = pairs(&asked.pairs)?;
    let world = world(products(&asked.products, config)?, config.language);
    let (held, seen): (Vec<_>, Vec<_>) = pairs.into_iter().partition(|(typed, _)| is_held(typed));
    let mended = [("held", mended(&world, &held)), ("seen", mended(&world, &seen))];
    let mut altered_sets = Vec::new();
    if let Some(path) = &asked.clean {
        let clean = lines(path)?;
        let known: Vec<String> = clean.iter().filter(|query| world.search.knows(query)).cloned().collect();
        altered_sets.push(altered(&world, "right queries", &clean));
        altered_sets.push(altered(&world, "right queries of the catalog's words", &known));
    }
    altered_sets.push(altered(&world, "words of titles", &titles(&world)));
    if as_json {
        let mut result = json!({ "products": world.search.len() });
        for (name, mended) in &mended {
            result[name] = told(mended);
        }
        result["altered"] = altered_sets.iter().map(told_altered).collect();
        output::json(&result);
        return Ok(());
    }
    output::line(
        "| mistyped | queries | understood as meant | words end alike too | but for the stem | p50 ms | p99 ms |",
    );
    output::line("| --- | --- | --- | --- | --- | --- | --- |");
    for (name, mended) in &mended {
        let [letters, words, stems] = mended.shares().map(|interval| percent(&interval));
        let (median, slow) = (quantile(&mended.milliseconds, 0.5), quantile(&mended.milliseconds, 0.99));
        let queries = mended.same.len();
        output::line(format!("| {name} | {queries} | {letters} | {words} | {stems} | {median:.3} | {slow:.3} |"));
    }
    output::line("");
    output::line("| right | queries | altered | p50 ms | p99 ms |");
    output::line("| --- | --- | --- | --- | --- |");
    for Altered { name, altered, milliseconds } in &altered_sets {
        let share = percent(&interval(altered));
        let (median, slow) = (quantile(milliseconds, 0.5), quantile(milliseconds, 0.99));
        output::line(format!("| {name} | {} | {share} | {median:.3} | {slow:.3} |", altered.len()));
    }
    Ok(())
}

impl Mended {
    /// Same by letters, by words, by stems.
    fn shares(&self) -> [Interval; 3] {
        let kinds: [fn(&Sameness) -> bool; 3] = [|same| same.letters, |same| same.words, |same| same.stems];
        kinds.map(|is_same| interval(&self.same.iter().map(|same| f64::from(is_same(same))).collect::<Vec<_>>()))
    }
}

fn percent(interval: &Interval) -> String {
    let Interval { mean, low, high } = interval;
    format!("{:.1} % [{:.1}, {:.1}]", 100.0 * mean, 100.0 * low, 100.0 * high)
}

fn told(mended: &Mended) -> Value {
    let [letters, words, stems] = mended.shares();
    let bounds = |interval: Interval| json!([interval.low, interval.high]);
    json!({
        "queries": mended.same.len(),
        "metrics": { "top_1": letters.mean, "top_1_words": words.mean, "top_1_stems": stems.mean },
        "intervals": { "top_1": bounds(letters), "top_1_words": bounds(words), "top_1_stems": bounds(stems) },
        "query_ms": { "p50": quantile(&mended.milliseconds, 0.5), "p99": quantile(&mended.milliseconds, 0.99) },
    })
}

fn told_altered(altered: &Altered) -> Value {
    let share = interval(&altered.altered);
    json!({
        "name": altered.name,
        "queries": altered.altered.len(),
        "altered": share.mean,
        "interval": [share.low, share.high],
        "query_ms": { "p50": quantile(&altered.milliseconds, 0.5), "p99": quantile(&altered.milliseconds, 0.99) },
    })
}

fn mended(world: &World, pairs: &[(String, String)]) -> Mended {
    let mut milliseconds = Vec::with_capacity(pairs.len());
    let same = |(typed, meant): &(String, String)| {
        Sameness::of(&understood(world, typed, &mut milliseconds), meant, Language::English)
    };
    let same = pairs.iter().map(same).collect();
    milliseconds.sort_unstable_by(f64::total_cmp);
    Mended { same, milliseconds }
}

fn altered(world: &World, name: &'static str, queries: &[String]) -> Altered {
    let mut milliseconds = Vec::with_capacity(queries.len());
    let is_altered = |query: &String| {
        f64::from(!Sameness::of(&understood(world, query, &mut milliseconds), query, Language::English).letters)
    };
    let altered = queries.iter().map(is_altered).collect();
    milliseconds.sort_unstable_by(f64::total_cmp);
    Altered { name, altered, milliseconds }
}

/// What a query was understood as.
fn understood(world: &World, typed: &str, milliseconds: &mut Vec<f64>) -> String {
    let request = SearchRequest {
        q: typed.to_owned(),
        facets: Some(0),
        fields: vec!["id".to_owned()],
        ungrouped: true,
        ..SearchRequest::default()
    };
    let started = Instant::now();
    let answer = search(world, &request, DecisionId::trusted("eval"), Timestamp(0));
    milliseconds.push(started.elapsed().as_secs_f64() * 1e3);
    answer.query.corrected.unwrap_or_else(|| typed.to_owned())
}

/// Queries made from every so many titles.
fn titles(world: &World) -> Vec<String> {
    let step = world.search.len().div_ceil(TITLES).max(1);
    let chosen = world.catalog.products().step_by(step);
    chosen.filter_map(|(item, product)| words_of_title(&product.title, u64::from(item.0))).collect()
}

fn lines(path: &Path) -> Result<Vec<String>, Failure> {
    let text = fs::read_to_string(path).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
    Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

/// Lines of what was typed and what was meant; a first line that says `query` is a head.
fn pairs(path: &Path) -> Result<Vec<(String, String)>, Failure> {
    let mut pairs = Vec::new();
    for (number, line) in (1..).zip(lines(path)?) {
        let Some((typed, meant)) = line.split_once('\t') else {
            let hint = "a line is what was typed and what was meant, with a tab between them";
            return Err(Failure::usage(format!("{}, line {number}: {hint}", path.display())));
        };
        if number > 1 || typed != "query" {
            pairs.push((typed.trim().to_owned(), meant.trim().to_owned()));
        }
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_read_and_bad_lines_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pairs.tsv");
        fs::write(&path, "query\tcorrection\nred lantren\tred lantern\n").unwrap();
        assert_eq!(pairs(&path).unwrap(), [("red lantren".to_owned(), "red lantern".to_owned())]);
        fs::write(&path, "lamp\tlamp\nlantern\n").unwrap();
        assert!(pairs(&path).is_err_and(|failure| format!("{failure:?}").contains("line 2")));
    }
}
