//! What an import did, for people and machines: counted by reason, so that nothing vanishes unseen.
//!
//! Invariant, once the import has ended: `rows_read = rows_used + rows_bad + the sum of rows_skipped`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

/// The counts of one import. It grows while the import runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Report {
    /// The mapping that was used.
    pub mapping: String,
    /// The format that was recognised or named.
    pub format: String,
    /// Rows of the file: lines of a table or of JSON, items of a feed.
    pub rows_read: u64,
    /// Rows that went into a product or an event.
    pub rows_used: u64,
    /// Rows that a rule of the mapping left out, by the rule's reason.
    pub rows_skipped: BTreeMap<String, u64>,
    /// Rows that lie in bad rows; an order with one bad line is held back with all its lines.
    pub rows_bad: u64,
    /// What was made: `product`, or the events' names.
    pub made: BTreeMap<&'static str, u64>,
    /// How many bad rows were handed out.
    pub bad: u64,
    /// What was taken but deserves a look.
    pub warnings: BTreeMap<String, Warning>,
    /// Why the import ended before the file did.
    pub broken_off: Option<String>,
}

/// How often something was noticed, and where first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Warning {
    pub count: u64,
    pub first_line: u64,
}

impl Report {
    /// Kinds of warning that are kept apart; a file cannot make more.
    const MAX_WARNINGS: usize = 200;

    pub fn rows_skipped_in_all(&self) -> u64 {
        self.rows_skipped.values().sum()
    }

    pub fn made_in_all(&self) -> u64 {
        self.made.values().sum()
    }

    pub(super) fn warn(&mut self, line: u64, what: &str) {
        if let Some(warning) = self.warnings.get_mut(what) {
            warning.count += 1;
        } else if self.warnings.len() < Self::MAX_WARNINGS {
            self.warnings.insert(what.to_owned(), Warning { count: 1, first_line: line });
        }
    }

    pub(super) fn skip(&mut self, reason: &str) {
        match self.rows_skipped.get_mut(reason) {
            Some(count) => *count += 1,
            None => {
                self.rows_skipped.insert(reason.to_owned(), 1);
            }
        }
    }
}

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Progress {
    pub done: u64,
    pub total: u64,
    pub unit: ProgressUnit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProgressUnit {
    /// Of the file as it lies there, compressed or not.
    Bytes,
    Rows,
}

/// A count that the reader raises and the import shows.
#[derive(Debug, Clone, Default)]
pub(super) struct Counter(Arc<AtomicU64>);

impl Counter {
    pub(super) fn add(&self, amount: u64) {
        self.0.fetch_add(amount, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
