//! Recommenders on public data: the files as they are published, the protocols of their tables.
//!
//! Every item competes and none is sampled; equal scores stand in the order of their item numbers, which are given by
//! first mention in the training file. What a model was given to learn from never holds an answer.
//!
//! | format | training | question | answer |
//! | --- | --- | --- | --- |
//! | [`sessions`] | whole sessions | every beginning of a test session | the item after it |

mod sessions;

use std::collections::HashMap;

use crate::Item;

pub use sessions::{SessionCase, SessionData, SessionModel, read_sessions};

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

/// What a model reached, and what it took.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    pub model: &'static str,
    pub report: crate::evaluate::Report,
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
