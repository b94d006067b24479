//! What meaning adds to words: the same judged queries, asked of a shop that was trained, and of one with a sentence encoder.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use mercer_decide::{Models, Texts, World};
use mercer_engine::{EncoderOptions, QueryEncoder};
use mercer_recommend::Item;
use mercer_recommend::latent::NamedVectors;
use mercer_recommend::nearest::Nearest;
use mercer_recommend::tastes::{TasteSettings, Tastes};
use mercer_schema::{Product, ProductId};
use mercer_search::evaluate::Judgments;
use serde_json::{Value, json};

use super::search::{Answered, answered, interval, quantile, told};
use crate::cli::EvalSearch;
use crate::command::embed;
use crate::failure::Failure;
use crate::output;

/// The answers of a shop that knows more than words.
pub(super) struct Meant {
    name: &'static str,
    /// What it took to get ready, beside the index.
    seconds: f64,
    answered: Answered,
}

/// Asks again, first with what the catalog's own words mean and then, where an encoder is given, with that as well.
pub(super) fn compare(world: &World, judgments: &Judgments, asked: &EvalSearch) -> Result<Vec<Meant>, Failure> {
    let started = Instant::now();
    let products = || world.catalog.products().map(|(item, product)| (item, &**product));
    let tastes = Tastes::fit(&[], products(), &TasteSettings::default());
    let trained = |texts: Texts| {
        let mut world = world.clone();
        let lexicon = world.models.lexicon.clone();
        world.serve(Arc::new(Models { lexicon, tastes: tastes.clone(), texts, ..Models::default() }));
        world.prepare();
        world
    };
    let world_of_words = trained(Texts::default());
    let seconds = started.elapsed().as_secs_f64();
    let mut ways = vec![Meant { name: "catalog", seconds, answered: answered(&world_of_words, judgments) }];
    if let Some(folder) = &asked.encoder {
        let started = Instant::now();
        let with_encoder = trained(texts(folder, world, asked)?);
        let seconds = started.elapsed().as_secs_f64();
        ways.push(Meant { name: "encoder", seconds, answered: answered(&with_encoder, judgments) });
    }
    Ok(ways)
}

/// The vectors of the products, from a file or made now, with the encoder.
fn texts(folder: &Path, world: &World, asked: &EvalSearch) -> Result<Texts, Failure> {
    let options = EncoderOptions {
        folder: folder.to_owned(),
        prompt: asked.encoder_prompt.clone(),
        least_cosine: asked.least_cosine,
    };
    let encoder = Arc::new(QueryEncoder::open(&options)?);
    let products: Vec<(Item, &Product)> = world.catalog.products().map(|(item, product)| (item, &**product)).collect();
    let of_items: Vec<(Item, Vec<f32>)> = match &asked.vectors {
        Some(path) => {
            let failed = |problem: String| Failure::usage(format!("{}: {problem}", path.display()));
            let text = fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
            let vectors = NamedVectors::read(&text).map_err(failed)?;
            let item = |name: &str| world.catalog.item(&ProductId::trusted(name));
            vectors.iter().filter_map(|(name, vector)| Some((item(name)?, vector.to_vec()))).collect()
        }
        None => {
            let vectors = embed::embed(
                &embed::open(folder, None)?,
                &products.iter().map(|(_, product)| *product).collect::<Vec<_>>(),
            )?;
            products.iter().map(|(item, _)| *item).zip(vectors).collect()
        }
    };
    let dimensions = of_items.first().map_or(0, |(_, vector)| vector.len());
    let texts = encoder.with_texts(Texts::new(Nearest::of_items(dimensions, &of_items, Vec::clone)));
    if texts.is_asked() {
        Ok(texts)
    } else {
        Err(Failure::usage("the vectors are not as long as those of the encoder"))
    }
}

pub(super) fn as_json(words: &Answered, ways: &[Meant]) -> Value {
    let bounds = |values: &[f64]| {
        let difference = interval(values);
        json!({ "mean": difference.mean, "low": difference.low, "high": difference.high })
    };
    let way = |meant: &Meant| {
        let mut result = told(&meant.answered);
        result["ready_seconds"] = json!(meant.seconds);
        let [ndcg, condensed, recall] = differences(words, &meant.answered);
        result["over_words"] = json!({
            "nDCG@10": bounds(&ndcg), "nDCG@10_condensed": bounds(&condensed), "Recall@50": bounds(&recall),
        });
        (meant.name.to_owned(), result)
    };
    ways.iter().map(way).collect::<serde_json::Map<_, _>>().into()
}

pub(super) fn print(words: &Answered, ways: &[Meant]) {
    output::line("");
    output::line(
        "| words and | nDCG@10 | over words | condensed | over words | Recall@50 | over words | one typo | p50 ms | p99 ms |",
    );
    output::line("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    for Meant { name, answered, .. } in ways {
        let figures = [&answered.clean.ndcg, &answered.clean.condensed_ndcg, &answered.clean.recall];
        let columns = figures.into_iter().zip(differences(words, answered)).map(|(figure, difference)| {
            let difference = interval(&difference);
            let mean = interval(figure).mean;
            format!("{mean:.4} | {:+.4} [{:+.4}, {:+.4}]", difference.mean, difference.low, difference.high)
        });
        let (columns, one_typo) = (columns.collect::<Vec<_>>().join(" | "), answered.one_typo);
        let times = [0.5, 0.99].map(|share| quantile(&answered.milliseconds, share));
        output::line(format!("| {name} | {columns} | {one_typo:.4} | {:.3} | {:.3} |", times[0], times[1]));
    }
}

/// By query: nDCG@10, condensed, Recall@50.
fn differences(words: &Answered, meant: &Answered) -> [Vec<f64>; 3] {
    let less = |with: &[f64], without: &[f64]| with.iter().zip(without).map(|(with, without)| with - without).collect();
    let (with, without) = (&meant.clean, &words.clean);
    [
        less(&with.ndcg, &without.ndcg),
        less(&with.condensed_ndcg, &without.condensed_ndcg),
        less(&with.recall, &without.recall),
    ]
}
