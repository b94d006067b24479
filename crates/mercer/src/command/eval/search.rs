//! `mercer eval search`: how well products are found, against what people judged; with what the search takes.
//!
//! It asks what the server asks, without customers: wishes, words and the order by relevance.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use mercer_collect::Received;
use mercer_collect::import::{self, Input, Options};
use mercer_decide::{Models, World, search};
use mercer_recommend::evaluate::{Interval, mean_interval};
use mercer_schema::{DecisionId, Product, ProductId, SearchRequest, SourceId, Timestamp};
use mercer_search::evaluate::{DEPTH, Judgments, Quality, evaluate, with_a_typo};
use mercer_search::{Doc, Language, Lexicon, SearchIndex, synonyms_of};
use serde_json::{Value, json};

use super::{clicks, meaning};
use crate::cli::EvalSearch;
use crate::command::peak_megabytes;
use crate::config::Config;
use crate::failure::Failure;
use crate::output;

/// Times every query is asked for the clock, and with so many different slips.
const ROUNDS: u64 = 5;
/// Queries that are named for how long they took.
const SLOWEST: usize = 5;
const RESAMPLES: usize = 2_000;
const SEED: u64 = 1;

/// The answers to one set of judged queries.
pub(super) struct Answered {
    pub(super) clean: Quality,
    /// The mean over the rounds.
    pub(super) one_typo: f64,
    /// Milliseconds a query, in order.
    pub(super) milliseconds: Vec<f64>,
    /// What took longest, the slowest first, with its milliseconds.
    pub(super) slowest: Vec<(String, f64)>,
}

pub(super) fn run(asked: &EvalSearch, config: &Config, as_json: bool) -> Result<(), Failure> {
    let (Some(catalog), Some(judged)) = (&asked.products, &asked.judgments) else {
        return super::finding::search(config, as_json);
    };
    let products = copied(products(catalog, config)?, asked.copies.unwrap_or(1));
    let started = Instant::now();
    let world = world(products, config.language);
    let index_seconds = started.elapsed().as_secs_f64();
    let judgments = judgments_of(judged, &world)?;
    let judged = answered(&world, &judgments);
    // A million products are asked how fast words are.
    let meant = if asked.copies.is_none() { meaning::compare(&world, &judgments, asked)? } else { Vec::new() };
    let learned = asked.clicks.map(|searches| clicks::learn(&world, &judgments, searches));
    let held = asked.held.as_deref().map(|held| judgments_of(held, &world)).transpose()?;
    let held = held.map(|judgments| answered(&world, &judgments));
    if as_json {
        let mut result = told(&judged);
        result["index_seconds"] = json!(index_seconds);
        result["products"] = json!(world.search.len());
        result["peak_mb"] = json!(peak_megabytes());
        if !meant.is_empty() {
            result["meaning"] = meaning::as_json(&judged, &meant);
        }
        if let Some(held) = &held {
            result["held"] = told(held);
        }
        if let Some(learned) = &learned {
            result["clicks"] = clicks::told(learned);
        }
        output::json(&result);
        return Ok(());
    }
    output::line(format!("{} products in {index_seconds:.2} s", world.search.len()));
    output::line("| queries | | nDCG@10 | condensed | one typo | MRR | Recall@50 | p50 ms | p99 ms |");
    output::line("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    for (name, judged) in [("judged", Some(&judged)), ("held", held.as_ref())] {
        let Some(Answered { clean, one_typo, milliseconds, .. }) = judged else { continue };
        let told = |values: &[f64]| {
            let Interval { mean, low, high } = interval(values);
            format!("{mean:.4} [{low:.3}, {high:.3}]")
        };
        output::line(format!(
            "| {} | {name} | {} | {} | {one_typo:.4} | {} | {} | {:.3} | {:.3} |",
            clean.ndcg.len(),
            told(&clean.ndcg),
            told(&clean.condensed_ndcg),
            told(&clean.reciprocal_rank),
            told(&clean.recall),
            quantile(milliseconds, 0.5),
            quantile(milliseconds, 0.99),
        ));
    }
    if !meant.is_empty() {
        meaning::print(&judged, &meant);
    }
    learned.iter().for_each(clicks::print);
    Ok(())
}

pub(super) fn told(answered: &Answered) -> Value {
    let Answered { clean, one_typo, milliseconds, slowest } = answered;
    let [ndcg, condensed, reciprocal_rank, recall] =
        [&clean.ndcg, &clean.condensed_ndcg, &clean.reciprocal_rank, &clean.recall].map(|values| interval(values));
    let bounds = |interval: Interval| json!([interval.low, interval.high]);
    json!({
        "queries": clean.ndcg.len(),
        "metrics": {
            "nDCG@10": ndcg.mean,
            "nDCG@10_condensed": condensed.mean,
            "nDCG@10_one_typo": one_typo,
            "MRR": reciprocal_rank.mean,
            "Recall@50": recall.mean,
        },
        "intervals": {
            "nDCG@10": bounds(ndcg),
            "nDCG@10_condensed": bounds(condensed),
            "MRR": bounds(reciprocal_rank),
            "Recall@50": bounds(recall),
        },
        "query_ms": {
            "p50": quantile(milliseconds, 0.5),
            "p99": quantile(milliseconds, 0.99),
            "slowest": slowest.iter().map(|(q, ms)| json!({ "q": q, "ms": ms })).collect::<Vec<_>>(),
        },
    })
}

/// The index alone, with what it learns from the catalog.
pub(super) fn world(products: Vec<Product>, language: Language) -> World {
    let mut world = World { search: SearchIndex::new(language), ..World::default() };
    let synonyms = synonyms_of(products.iter(), language);
    for product in products {
        let product = Arc::new(product);
        let before = world.catalog.get(&product.id).cloned();
        let item = world.catalog.save(Arc::clone(&product), Timestamp(0));
        world.search.put(Doc(item.0), before.as_deref(), &product);
    }
    world.search.prepare();
    world.models = Arc::new(Models { lexicon: Lexicon::new(&synonyms), ..Models::default() });
    world
}

pub(super) fn answered(world: &World, judgments: &Judgments) -> Answered {
    let mut asked: Vec<(String, f64)> = Vec::new();
    let mut ask = |q: &str| {
        let request = SearchRequest {
            q: q.to_owned(),
            limit: Some(DEPTH),
            facets: Some(0),
            fields: vec!["id".to_owned()],
            ungrouped: true,
            ..SearchRequest::default()
        };
        let started = Instant::now();
        let answer = search(world, &request, DecisionId::trusted("eval"), Timestamp(0));
        asked.push((q.to_owned(), started.elapsed().as_secs_f64() * 1e3));
        answer.items.into_iter().map(|item| item.product_id.to_string()).collect::<Vec<_>>()
    };
    let clean = evaluate(judgments, |query| Some(query.to_owned()), &mut ask);
    let slips = (0..ROUNDS).map(|round| evaluate(judgments, |query| with_a_typo(query, round), &mut ask).ndcg);
    let slips = slips.map(|gains| gains.iter().sum::<f64>() / gains.len().max(1) as f64);
    let one_typo = slips.sum::<f64>() / ROUNDS as f64;
    asked.sort_by(|a, b| a.1.total_cmp(&b.1));
    let milliseconds = asked.iter().map(|(_, ms)| *ms).collect();
    let slowest = asked.into_iter().rev().take(SLOWEST).collect();
    Answered { clean, one_typo, milliseconds, slowest }
}

/// Over resampled queries.
pub(super) fn interval(values: &[f64]) -> Interval {
    mean_interval(values, RESAMPLES, SEED)
}

pub(super) fn quantile(sorted: &[f64], share: f64) -> f64 {
    sorted.get(((sorted.len() as f64 * share) as usize).min(sorted.len().saturating_sub(1))).copied().unwrap_or(0.0)
}

/// The products, and further ones like them.
fn copied(mut products: Vec<Product>, times: usize) -> Vec<Product> {
    let originals = products.len();
    for copy in 1..times {
        products.extend_from_within(..originals);
        products[copy * originals..].iter_mut().for_each(|product| make_other(product, copy));
    }
    products
}

/// Makes it differ in its id and in the digits of its texts: another model of another series.
fn make_other(product: &mut Product, copy: usize) {
    let turned = |text: &str| -> String {
        let digit = |letter: char| letter.to_digit(10).map(|digit| (digit + copy as u32) % 10);
        text.chars()
            .map(|letter| digit(letter).and_then(|digit| char::from_digit(digit, 10)).unwrap_or(letter))
            .collect()
    };
    product.id = ProductId::trusted(format!("{}-{copy}", product.id));
    product.title = format!("{} {copy}", turned(&product.title));
    product.group_id = product.group_id.as_ref().map(|group| format!("{group}-{copy}"));
    product.attributes = product.attributes.iter().map(|(name, value)| (name, turned(value))).collect();
}

pub(super) fn products(path: &Path, config: &Config) -> Result<Vec<Product>, Failure> {
    let input = Input::open(path).map_err(|error| Failure::usage(error.to_string()))?;
    let received = Received::new(SourceId::trusted("eval"), Timestamp(0), config.currency);
    let rows = import::products(input, Options::new(received)).map_err(|error| Failure::usage(error.to_string()))?;
    let mut bad = 0;
    let products: Vec<Product> = rows.filter_map(|row| row.inspect_err(|_| bad += 1).ok()).collect();
    if products.is_empty() {
        return Err(Failure::usage(format!("{} has no product that can be read", path.display())));
    }
    if bad > 0 {
        output::remark(format!("{bad} rows of {} are no products and were left out", path.display()));
    }
    Ok(products)
}

/// Judgments of a file that say something of these products; it is told how many are of others.
fn judgments_of(path: &Path, world: &World) -> Result<Judgments, Failure> {
    let nothing = |what: &str| Failure::usage(format!("{}: {what}", path.display()));
    let judgments = judgments_in(path)?;
    if judgments.is_empty() {
        return Err(nothing("there are no judgments; a line is a query, a product id and a grade from 0 up"));
    }
    let judged = judgments.values().flat_map(BTreeMap::keys);
    let is_known = |id: &&String| ProductId::parse(id).is_ok_and(|id| world.catalog.get(&id).is_some());
    let (known, unknown): (Vec<_>, Vec<_>) = judged.partition(is_known);
    let Some(example) = unknown.first() else { return Ok(judgments) };
    if known.is_empty() {
        let what =
            format!("no judged product is in the catalog, as `{example}`; are the ids those of its column `id`?");
        return Err(nothing(&what));
    }
    output::remark(format!(
        "{}: {} of {} judgments are of products that are not in the catalog, as `{example}`; they count as not found",
        path.display(),
        unknown.len(),
        unknown.len() + known.len(),
    ));
    Ok(judgments)
}

/// Lines of a query, a product id and a grade, with tabs or commas between them; a first line without a grade is a head.
fn judgments_in(path: &Path) -> Result<Judgments, Failure> {
    let wrong = |line: usize, what: &str| {
        let hint = "a line is a query, a product id and a grade from 0 up, with tabs between them";
        Failure::usage(format!("{}, line {line}: {what}; {hint}", path.display()))
    };
    let text = fs::read_to_string(path).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
    let mut judgments = Judgments::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let separator = if line.contains('\t') { '\t' } else { ',' };
        let mut fields = line.rsplitn(3, separator);
        let (Some(grade), Some(id), Some(query)) = (fields.next(), fields.next(), fields.next()) else {
            return Err(wrong(number, "there are not three columns"));
        };
        match grade.trim().parse::<u8>() {
            Ok(grade) => drop(judgments.entry(query.to_owned()).or_default().insert(id.trim().to_owned(), grade)),
            Err(_) if number == 1 => {}
            Err(_) => return Err(wrong(number, "the grade is no whole number")),
        }
    }
    Ok(judgments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judgments_are_read_and_bad_lines_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("judgments.tsv");
        fs::write(&path, "query\tproduct_id\tgrade\nred, mug\tp1\t3\nred, mug\tp2\t0\n").unwrap();
        let read = judgments_in(&path).unwrap();
        assert_eq!(read["red, mug"]["p1"], 3);
        fs::write(&path, "mug\tp1\t3\nmug\tp2\tgood\n").unwrap();
        assert!(judgments_in(&path).is_err_and(|failure| format!("{failure:?}").contains("line 2")));
    }

    #[test]
    fn judgments_of_nothing_are_no_measurement() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("judgments.tsv");
        let mug = Product::new(ProductId::parse("p1").unwrap(), "Mug");
        let world = world(vec![mug], Language::English);
        for (text, told) in [
            ("query\tproduct_id\tgrade\n", "no judgments"),
            ("", "no judgments"),
            ("mug\tq7\t3\n", "no judged product is in the catalog, as `q7`"),
        ] {
            fs::write(&path, text).unwrap();
            let refused = judgments_of(&path, &world);
            assert!(refused.is_err_and(|failure| format!("{failure:?}").contains(told)), "{text:?}");
        }
        fs::write(&path, "mug\tp1\t3\nmug\tq7\t1\n").unwrap();
        assert_eq!(judgments_of(&path, &world).unwrap()["mug"].len(), 2);
    }
}
