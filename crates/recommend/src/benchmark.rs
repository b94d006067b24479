//! Recommenders on public data: the files as they are published, the protocols of their tables.
//!
//! Every item competes and none is sampled; equal scores stand in the order of their item numbers, which are given by
//! first mention in the training file. What a model was given to learn from never holds an answer.
//!
//! | format | training | question | answer |
//! | --- | --- | --- | --- |
//! | `interactions` | one basket a customer | every customer | the held-out items |
//! | `orders` | a shop's orders but the held-out ones | the orders before | a held-out order |
//! | `sessions` | whole sessions | every beginning of a test session | the item after it |
//! | `sequences` | all but a customer's last two items | the items before the last one | the last one |
//! | `baskets` | all baskets but each customer's last | the baskets before the last | the last basket |

mod baskets;
mod hybrid;
mod interactions;
mod metric;
mod orders;
mod outcome;
mod run;
mod sequences;
mod sessions;
mod spec;
mod tastes;
mod weights;

use std::collections::{BTreeSet, HashMap};

use mercer_schema::Timestamp;

use crate::{Context, Item};

pub use baskets::{BasketData, PAUSE_DAYS, read_baskets};
pub use hybrid::fit_hybrid;
pub use interactions::{InteractionData, read_interactions};
pub use metric::{Measure, Metric, UnknownMetric};
pub use orders::{OrderData, OrderSplit};
pub use outcome::{COLD_CUSTOMER, COLD_ITEM, Cold, Outcome, ROUNDS, SEED, Shown};
pub use run::{Dataset, Measured, ask, compare, tune};
pub use sequences::{SequenceData, read_sequences};
pub use sessions::{SessionData, read_sessions};
pub use spec::{Spec, SpecError};
pub use weights::{check_blend, tune_weights};

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

/// How often each item is there.
fn counts(items: impl Iterator<Item = Item>) -> Vec<u32> {
    let mut counts = Vec::new();
    for item in items {
        counts.resize(counts.len().max(item.index() + 1), 0);
        counts[item.index()] += 1;
    }
    counts
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
    /// What the customer ordered when.
    pub ordered: Vec<(Timestamp, Item)>,
    pub at: Timestamp,
    pub context: Context,
    pub relevant: BTreeSet<Item>,
    /// What can be no answer: the protocol takes it out of every ranking.
    pub masked: BTreeSet<Item>,
}
