//! What each source of a placement weighs, learned from this shop's own orders and visits.
//!
//! The newest part of the lessons is held back. Models that learned from what was before it answer the questions that
//! the placement's pages would have asked, and those weights are kept with which the placement, blended as it is when it
//! is decided, would have had most of what was really wanted next in its places (normalized discounted cumulative gain,
//! found one weight at a time). One half of the questions chooses; the other must agree, or the written weights stay.
//!
//! Sources that speak of what only a profile knows (recently viewed, buy again) are not judged and keep their weight, and so does
//! the transformer, which would have to be trained once more for it.

mod past;
mod worth;

use std::collections::BTreeMap;

use mercer_decide::{Models, World};
use mercer_recommend::Item;
use mercer_recommend::evaluate::ndcg_at;
use mercer_recommend::wire::{Kind, Reader, Reason, Writer, decode};
use mercer_schema::{Placement, PlacementId, Source, SourceKind};
use rustc_hash::FxHashMap;

use crate::lessons::Lessons;
use past::{Past, Question};

pub use worth::WeightsJudged;
pub(crate) use worth::worth;

pub(crate) const KIND: Kind = Kind { name: "weights", version: 1 };

/// Fewer questions say nothing about weights.
const LEAST_QUESTIONS: usize = 100;
/// Of more, every n-th is asked.
const MOST_QUESTIONS: usize = 1_000;
/// What a weight is tried at, beside what it is.
const FACTORS: [f64; 6] = [0.0, 0.25, 0.5, 2.0, 4.0, 8.0];
/// Times that each weight is tried anew at most.
const ROUNDS: usize = 4;
/// What a change must bring at least: less is chance.
const LEAST_GAIN: f64 = 1.002;

/// Learned weights by placement.
pub(crate) type Weights = BTreeMap<PlacementId, Vec<Source>>;

/// Asks for as much as there are placements that want it. `fit` makes models of lessons.
pub(crate) fn learn(lessons: &Lessons, world: &World, fit: impl Fn(&Lessons) -> Models) -> Weights {
    let wanting: Vec<&Placement> =
        world.placements.iter().filter(|placement| placement.learned_weights && judged(placement).len() > 1).collect();
    if wanting.is_empty() || lessons.is_empty() {
        return Weights::new();
    }
    let cut = past::cut(lessons);
    let before = lessons.before(cut);
    let models = fit(&before);
    let past = Past::new(&before, world, &models);
    let learned = wanting.into_iter().filter_map(|placement| {
        let questions = past::questions(placement, lessons, cut, MOST_QUESTIONS);
        Some((placement.id.clone(), best_weights(placement, &past, &questions)?))
    });
    learned.collect()
}

/// The sources of a placement that can be judged, with their written weights.
fn judged(placement: &Placement) -> Vec<Source> {
    use SourceKind::{BuyAgain, RecentlyViewed, Sequence};
    let is_judged = |source: &&Source| !matches!(source.kind, RecentlyViewed | BuyAgain | Sequence);
    placement.sources.iter().filter(is_judged).cloned().collect()
}

fn best_weights(placement: &Placement, past: &Past<'_>, questions: &[Question]) -> Option<Vec<Source>> {
    if questions.len() < LEAST_QUESTIONS {
        return None;
    }
    let sources = judged(placement);
    let asked: Vec<Asked<'_>> = questions.iter().map(|question| Asked::of(past, question, &sources)).collect();
    let (choosing, agreeing): (Vec<_>, Vec<_>) = (0..).zip(&asked).partition(|(number, _)| number % 2 == 0);
    let gain = |asked: &[(i32, &Asked<'_>)], weights: &[f64]| {
        asked.iter().map(|(_, asked)| asked.gain(weights, placement.size)).sum::<f64>()
    };
    let written: Vec<f64> = sources.iter().map(|source| source.weight).collect();
    let mut weights = written.clone();
    let mut best = gain(&choosing, &weights);
    for _ in 0..ROUNDS {
        let before = best;
        for place in 0..weights.len() {
            for factor in FACTORS {
                let mut tried = weights.clone();
                tried[place] = factor * written[place];
                if tried.iter().any(|weight| *weight > 0.0) {
                    let found = gain(&choosing, &tried);
                    if found > LEAST_GAIN * best {
                        (best, weights) = (found, tried);
                    }
                }
            }
        }
        if best == before {
            break;
        }
    }
    if gain(&agreeing, &weights) < gain(&agreeing, &written) {
        return None;
    }
    // The sum stays, so that sources that were not judged mean what they meant.
    let scale = written.iter().sum::<f64>() / weights.iter().sum::<f64>();
    Some(
        sources
            .iter()
            .zip(weights)
            .map(|(source, weight)| Source { kind: source.kind, weight: weight * scale })
            .collect(),
    )
}

/// What each source answered to a question.
struct Asked<'q> {
    question: &'q Question,
    answers: Vec<Vec<Item>>,
}

impl<'q> Asked<'q> {
    fn of(past: &Past<'_>, question: &'q Question, sources: &[Source]) -> Self {
        Self { question, answers: sources.iter().map(|source| past.ask(source.kind, question)).collect() }
    }

    fn gain(&self, weights: &[f64], places: usize) -> f64 {
        let mut points: FxHashMap<Item, f64> = FxHashMap::default();
        for (weight, answer) in weights.iter().zip(&self.answers).filter(|(weight, _)| **weight > 0.0) {
            for (rank, item) in (1_u32..).zip(answer) {
                *points.entry(*item).or_default() += weight / f64::from(rank);
            }
        }
        let mut ranked: Vec<(Item, f64)> = points.into_iter().collect();
        ranked.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        ranked.truncate(places);
        let ranked: Vec<Item> = ranked.into_iter().map(|(item, _)| item).collect();
        ndcg_at(&ranked, &self.question.relevant, places)
    }
}

/// Bytes for the registry.
pub(crate) fn encode(weights: &Weights) -> Vec<u8> {
    let mut writer = Writer::model(KIND);
    writer.count(weights.len());
    for (placement, sources) in weights {
        writer.text(placement.as_str());
        writer.count(sources.len());
        for source in sources {
            writer.text(&name(source.kind));
            writer.f64(source.weight);
        }
    }
    writer.bytes
}

/// Reads weights. A source that this program does not know is left out.
pub(crate) fn read(bytes: &[u8]) -> Result<Weights, mercer_recommend::Error> {
    decode(KIND, bytes, read_all)
}

fn read_all(reader: &mut Reader<'_>) -> Result<Weights, Reason> {
    let mut weights = Weights::new();
    for _ in 0..reader.count(8)? {
        let placement = PlacementId::parse(reader.text()?).map_err(|_| "a placement has no id")?;
        let mut sources = Vec::new();
        for _ in 0..reader.count(12)? {
            let (kind, weight) = (reader.text()?, reader.f64()?);
            if weight < 0.0 {
                return Err("a weight is below zero");
            }
            let kind = serde_json::from_value(serde_json::Value::String(kind.to_owned()));
            sources.extend(kind.ok().map(|kind| Source { kind, weight }));
        }
        weights.insert(placement, sources);
    }
    Ok(weights)
}

/// As files write it: `bought_together`.
fn name(kind: SourceKind) -> String {
    serde_json::to_value(kind).ok().and_then(|name| Some(name.as_str()?.to_owned())).unwrap_or_default()
}

#[cfg(test)]
mod tests;
