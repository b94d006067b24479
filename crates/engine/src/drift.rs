//! Drift: do the shop's days still look like those that the champion learned from?
//!
//! Days are counted from the log beside serving, never on its way; the counts are a cache in the tables and can be made
//! again. Each whole day since the champion's data is compared with the last four weeks of its training window, input by
//! input: whole weeks, so that weekends weigh the same, and recent ones, so that a year's seasons are not called drift. A
//! day has drifted in an input when the difference is neither chance (corrected for all tests of that day) nor small.

mod counting;
mod report;

use std::sync::Arc;

use mercer_decide::Catalog;
use mercer_schema::Position;
use mercer_store::{EventLog, Tables};

pub(crate) use self::counting::Days;
pub use self::counting::Input;
pub(crate) use self::report::report;
pub use self::report::{DayDrift, DriftReport, InputDrift};
use crate::Error;

/// Records between two writings; what is not written is counted again after a start.
const SAVE_EVERY: u64 = 10_000;
/// Records read at a time.
const PAGE: usize = 2_000;

/// The days as far as they are counted.
pub(crate) struct Counter {
    log: Arc<dyn EventLog>,
    tables: Arc<dyn Tables>,
    days: Days,
    saved: Position,
}

impl Counter {
    pub(crate) fn load(log: Arc<dyn EventLog>, tables: Arc<dyn Tables>) -> Self {
        let days = Days::load(&*tables);
        let saved = days.position;
        Self { log, tables, days, saved }
    }

    /// Counts what the log has beyond the last look.
    pub(crate) fn catch_up(&mut self, catalog: &Catalog, head: Position) -> Result<&Days, Error> {
        if self.days.position > head {
            // The log was put back to an earlier state.
            self.days = Days::default();
            self.saved = Position(0);
        }
        let opened = catalog.products().filter_map(|(item, _)| catalog.since(item)).min().unwrap_or_default();
        while self.days.position < head {
            let page = self.log.read(self.days.position, PAGE)?;
            let Some(last) = page.last().map(|record| record.position) else { break };
            page.iter().for_each(|record| self.days.count(record, catalog, opened));
            self.days.position = last;
            if last.0 - self.saved.0 >= SAVE_EVERY {
                self.days.save(&*self.tables)?;
                self.saved = last;
            }
        }
        Ok(&self.days)
    }
}
