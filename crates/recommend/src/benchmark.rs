//! Recommenders on public data: the files as they are published, the protocols of their tables.
//!
//! Every item competes and none is sampled; equal scores stand in the order of their item numbers, which are given by
//! first mention in the training file. What a model was given to learn from never holds an answer.
//!
//! | format | training | question | answer |
//! | --- | --- | --- | --- |
//! | [`sessions`] | whole sessions | every beginning of a test session | the item after it |
//! | [`sequences`] | all but a customer's last two items | the items before the last one | the last one |

mod sequences;
mod sessions;

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use mercer_schema::Timestamp;

use crate::{Item, Query, Recommender, evaluate};

pub use sequences::{SequenceData, read_sequences};
pub use sessions::{SessionData, SessionModel, read_sessions};

/// Numbers for the names in the files, by first mention.
#[derive(Debug, Clone, Default)]
pub struct Names(HashMap<String, u32>);

impl Names {
    pub fn number(&mut self, name: &str) -> Item {
        if let Some(number) = self.0.get(name) {
            return Item(*number);
        }
        let next = self.0.len() as u32;
        self.0.insert(name.to_owned(), next);
        Item(next)
    }

    /// The number of a name that was mentioned.
    pub fn known(&self, name: &str) -> Option<Item> {
        self.0.get(name).copied().map(Item)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What is wrong with a data file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct FormatError {
    pub line: usize,
    pub problem: String,
}

/// One question with what should be found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Question {
    pub session: Vec<Item>,
    pub history: Vec<(Item, f32)>,
    pub at: Timestamp,
    pub relevant: BTreeSet<Item>,
    /// What can be no answer: the protocol takes it out of every ranking.
    pub masked: BTreeSet<Item>,
}

/// Asks a model that took `fit` to fit all questions, one after the other on one thread.
pub fn ask(
    name: &str,
    model: &dyn Recommender,
    questions: &[Question],
    fit: Duration,
    settings: &evaluate::Settings,
) -> Outcome {
    let mut answer_micros = Vec::with_capacity(questions.len());
    let rankings = questions.iter().map(|asked| {
        let query = Query { session: &asked.session, history: &asked.history, now: asked.at, ..Query::default() };
        let started = Instant::now();
        let answer = model.recommend(&query, settings.cutoff + asked.masked.len());
        answer_micros.push(started.elapsed().as_secs_f64() * 1e6);
        let unmasked = answer.into_iter().map(|scored| scored.item).filter(|item| !asked.masked.contains(item));
        (unmasked.collect(), &asked.relevant)
    });
    let report = evaluate::measure(rankings, settings);
    answer_micros.sort_unstable_by(f64::total_cmp);
    Outcome { model: name.to_owned(), report, fit_seconds: fit.as_secs_f64(), answer_micros }
}

/// What a model reached, and what it took.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    pub model: String,
    pub report: evaluate::Report,
    pub fit_seconds: f64,
    /// Times of single answers in microseconds, sorted.
    pub answer_micros: Vec<f64>,
}

impl Outcome {
    /// The time in microseconds within which this share of the answers came.
    pub fn answer_micros_at(&self, share: f64) -> f64 {
        let last = self.answer_micros.len().saturating_sub(1);
        self.answer_micros.get((last as f64 * share).round() as usize).copied().unwrap_or_default()
    }
}
