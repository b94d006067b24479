//! Files of products, orders and events, read row by row.
//!
//! What a column means is data, a [`Mapping`]; formats are recognised. Invariants: a file is streamed, never held
//! whole; every row is accounted for in the [`Report`] as used, skipped (with a reason) or bad; and the ids of what
//! is made follow from the file alone, so importing it again updates and never doubles. Nothing is written here.
//!
//! ```
//! use mercer_collect::Received;
//! use mercer_collect::import::{self, Input, Options};
//! use mercer_schema::{Currency, SourceId, Timestamp};
//!
//! let received = Received::new(SourceId::parse("import")?, Timestamp::from_seconds(1_800_000_000), Currency::parse("GBP")?);
//! let file = Input::bytes("catalog.csv", "id,title,price\n1,Mug,2.55\n2,Bowl,cheap\n");
//! let mut products = import::products(file, Options::new(received))?;
//! assert_eq!(products.next().and_then(Result::ok).and_then(|mug| mug.price).map(|price| price.minor), Some(255));
//! let bad = products.next().and_then(Result::err).ok_or("a bad row")?;
//! assert_eq!((bad.line, bad.field.as_deref()), (Some(3), Some("price")));
//! assert_eq!(products.report().rows_read, 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bind;
mod catalog;
mod error;
mod events;
mod field;
mod input;
mod json;
mod maker;
mod mapping;
mod money;
mod orders;
mod parquet;
mod raw;
mod replay;
mod report;
mod row;
mod rows;
mod rule;
mod table;
mod text;
mod time;
mod value;
mod xml;

use std::collections::VecDeque;
use std::fmt;

use mercer_schema::{Event, Product};

use crate::{BadRow, Limits, Received, Surroundings};
use bind::{Binding, Cells};
use maker::{Maker, Outbox};
use rows::Rows;

pub use error::{Error, MissingColumn};
pub use field::Kind;
pub use input::{Format, Input};
pub use mapping::Mapping;
pub use replay::{Imported, replay};
pub use report::{Progress, ProgressUnit, Report, Warning};

/// How a file is to be read.
#[derive(Debug, Clone)]
pub struct Options {
    /// The source and the currency of what says nothing of its own, and the time of the import.
    pub received: Received,
    /// `None`: recognise it.
    pub format: Option<Format>,
    /// `None`: choose one that is compiled in, by the file's columns.
    pub mapping: Option<Mapping>,
    /// For events.
    pub limits: Limits,
}

impl Options {
    pub fn new(received: Received) -> Self {
        Self { received, format: None, mapping: None, limits: Limits::default() }
    }
}

/// Reads a catalog: one product a row.
pub fn products(input: Input, options: Options) -> Result<Import<Product>, Error> {
    Import::start(Kind::Catalog, input, options, |mapping, _| Box::new(catalog::Products::new(mapping)))
}

/// Reads order lines: one event an order.
pub fn orders(input: Input, options: Options) -> Result<Import<Event>, Error> {
    Import::start(Kind::Orders, input, options, |mapping, _| Box::new(orders::Orders::new(mapping)))
}

/// Reads events: one a row.
pub fn events(input: Input, options: Options) -> Result<Import<Event>, Error> {
    Import::start(Kind::Events, input, options, |mapping, limits| Box::new(events::Events::new(mapping, limits)))
}

/// A running import: yields what the file holds, in its order.
pub struct Import<T> {
    rows: Rows,
    mapping: Mapping,
    binding: Binding,
    inheritance: rule::Inheritance,
    maker: Box<dyn Maker<T>>,
    received: Received,
    surroundings: Surroundings,
    report: Report,
    queue: VecDeque<Result<T, BadRow>>,
    is_over: bool,
}

impl<T> Import<T> {
    fn start(
        kind: Kind,
        mut input: Input,
        options: Options,
        maker: impl FnOnce(&Mapping, Limits) -> Box<dyn Maker<T>>,
    ) -> Result<Self, Error> {
        if let Some(mapping) = options.mapping.as_ref().filter(|mapping| mapping.kind != kind) {
            return Err(Error::WrongKind { mapping: mapping.name.clone(), has: mapping.kind, wanted: kind });
        }
        let named = options.format.or_else(|| options.mapping.as_ref()?.format);
        let name = input.name().to_owned();
        let (head, format) = input.recognise(named)?;
        let rows = Rows::open(input, &head, format, options.mapping.as_ref())?;
        let mapping = match options.mapping {
            Some(mapping) => mapping,
            None => Mapping::recognise(kind, format, |column| rows.columns().has(column))?,
        };
        let mut report = Report { mapping: mapping.name.clone(), format: format.to_string(), ..Report::default() };
        rows.check(&name, &mapping, &mut report)?;
        Ok(Self {
            binding: Binding::new(&mapping, rows.columns()),
            maker: maker(&mapping, options.limits),
            surroundings: replay::surroundings(&mapping, &options.received),
            rows,
            mapping,
            inheritance: rule::Inheritance::default(),
            received: options.received,
            report,
            queue: VecDeque::new(),
            is_over: false,
        })
    }

    /// The counts so far; complete once the import has yielded `None`.
    pub fn report(&self) -> &Report {
        &self.report
    }

    pub fn progress(&self) -> Progress {
        self.rows.progress()
    }

    /// Takes one row, or ends.
    fn advance(&mut self) {
        match self.rows.next() {
            Ok(true) => self.take_row(),
            Ok(false) => self.end(),
            Err(fault) => {
                // The rest of a file that cannot be read on is no row.
                let rows = u64::from(!fault.is_last);
                self.report.rows_read += rows;
                if fault.is_last {
                    self.report.broken_off = Some(format!("line {}: {}", fault.line, fault.fault.message));
                }
                self.maker.interrupted(fault.line);
                let is_last = fault.is_last;
                self.with_outbox(|_, out| out.bad(fault.fault, fault.raw, fault.line, rows));
                if is_last {
                    self.end();
                }
            }
        }
    }

    fn end(&mut self) {
        self.is_over = true;
        self.with_outbox(|maker, out| maker.finish(out));
    }

    fn with_outbox(&mut self, act: impl FnOnce(&mut dyn Maker<T>, &mut Outbox<'_, T>)) {
        let mut out = Outbox {
            received: &self.received,
            columns: self.rows.columns(),
            surroundings: &self.surroundings,
            report: &mut self.report,
            queue: &mut self.queue,
        };
        act(self.maker.as_mut(), &mut out);
    }

    fn take_row(&mut self) {
        self.report.rows_read += 1;
        if self.binding.columns != self.rows.columns().len() {
            self.binding = Binding::new(&self.mapping, self.rows.columns());
        }
        if let Some(group) = &self.mapping.group {
            let (columns, row) = self.rows.columns_and_row();
            self.inheritance.apply(group, columns, row);
        }
        let (row, columns) = (self.rows.row(), self.rows.columns());
        let raw = if self.mapping.group.is_some() { None } else { self.rows.raw() };
        let cells = Cells { row, columns, mapping: &self.mapping, binding: &self.binding, raw };
        if row.is_foreign {
            let what =
                "the row is not UTF-8 and was read as Windows-1252; set `encoding` in the mapping if it is another";
            self.report.warn(row.line, what);
        }
        match cells.skip_reason() {
            Some(reason) => self.report.skip(reason),
            None => {
                let (received, surroundings) = (&self.received, &self.surroundings);
                let (report, queue) = (&mut self.report, &mut self.queue);
                self.maker.take(cells, &mut Outbox { received, columns, surroundings, report, queue });
            }
        }
    }
}

impl<T> Iterator for Import<T> {
    type Item = Result<T, BadRow>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.queue.is_empty() && !self.is_over {
            self.advance();
        }
        self.queue.pop_front()
    }
}

impl<T> fmt::Debug for Import<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Import").field("report", &self.report).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_import_can_run_on_a_thread_of_its_own() {
        const fn is_send<T: Send>() {}
        is_send::<Import<Product>>();
        is_send::<Import<Event>>();
    }
}
