//! From rows to what they mean: the seam between reading files and making products, orders and events.
//!
//! Invariant: every row that a maker takes is accounted for once, as used, skipped or bad.

use std::collections::VecDeque;

use super::bind::Cells;
use super::report::Report;
use super::row::Columns;
use crate::{BadRow, Fault, Protocol, Received, Surroundings};

/// Makes things of rows.
pub(super) trait Maker<T>: Send {
    fn take(&mut self, cells: Cells<'_>, out: &mut Outbox<'_, T>);

    /// A row on this line could not be read; it may have belonged to its neighbours.
    fn interrupted(&mut self, _line: u64) {}

    /// There are no more rows.
    fn finish(&mut self, _out: &mut Outbox<'_, T>) {}
}

/// Where makers put what they made.
pub(super) struct Outbox<'a, T> {
    pub(super) received: &'a Received,
    /// Those of the rows that were taken.
    pub(super) columns: &'a Columns,
    /// What bad rows carry with them.
    pub(super) surroundings: &'a Surroundings,
    pub(super) report: &'a mut Report,
    pub(super) queue: &'a mut VecDeque<Result<T, BadRow>>,
}

impl<T> Outbox<'_, T> {
    pub(super) fn made(&mut self, what: &'static str, rows: u64, thing: T) {
        *self.report.made.entry(what).or_default() += 1;
        self.report.rows_used += rows;
        self.queue.push_back(Ok(thing));
    }

    pub(super) fn bad(&mut self, fault: Fault, raw: Vec<u8>, line: u64, rows: u64) {
        self.report.bad += 1;
        self.report.rows_bad += rows;
        let fault = Fault { message: format!("line {line}: {}", fault.message), ..fault };
        let row = BadRow::new(fault, raw, Protocol::Import, self.received).at_line(line);
        self.queue.push_back(Err(BadRow { surroundings: Some(Box::new(self.surroundings.clone())), ..row }));
    }
}
