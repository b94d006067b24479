//! The rows of a file, whatever its format.
//!
//! Invariant: after [`Rows::next`] said true, the row and its columns are there until the next call.

use super::bind::Binding;
use super::error::{Error, MissingColumn, did_you_mean};
use super::field::Field;
use super::input::{Format, Head, Input};
use super::json::JsonReader;
use super::mapping::Mapping;
use super::parquet::ParquetReader;
use super::report::{Counter, Progress, ProgressUnit, Report};
use super::row::{Columns, Row, RowFault};
use super::table::{Dialect, TableReader};
use super::xml::XmlReader;

pub(super) struct Rows {
    reader: Reader,
    columns: Columns,
    row: Row,
    /// The first row of JSON and XML is read at once, for its columns.
    waiting: Option<Result<bool, RowFault>>,
    counter: Counter,
    total: u64,
}

enum Reader {
    Table(Box<TableReader>),
    Json(JsonReader),
    Xml(Box<XmlReader>),
    Parquet(Box<ParquetReader>),
}

impl Rows {
    pub(super) fn open(input: Input, head: &Head, format: Format, mapping: Option<&Mapping>) -> Result<Self, Error> {
        let name = input.name().to_owned();
        let unreadable = |message| Error::Unreadable { name: name.clone(), format, message };
        let (counter, mut columns) = (Counter::default(), Columns::default());
        let (reader, total) = if format == Format::Parquet {
            let opened = ParquetReader::open(input.into_seekable(), counter.clone(), &mut columns);
            let (reader, rows) = opened.map_err(unreadable)?;
            (Reader::Parquet(Box::new(reader)), rows)
        } else {
            let (text, total) = input.into_text(head, &counter)?;
            let mut dialect = mapping.map_or_else(Dialect::default, |mapping| mapping.dialect);
            let reader = match format {
                Format::Jsonl => Reader::Json(JsonReader::new(text)),
                Format::Xml => {
                    let item = mapping.and_then(|mapping| mapping.item_element.clone());
                    Reader::Xml(Box::new(XmlReader::open(text, head, dialect.encoding, item)))
                }
                Format::Csv | Format::Tsv | Format::Parquet => {
                    if format == Format::Tsv {
                        dialect.delimiter = dialect.delimiter.or(Some(b'\t'));
                    }
                    Reader::Table(Box::new(TableReader::open(text, head, dialect, &mut columns).map_err(unreadable)?))
                }
            };
            (reader, total)
        };
        let mut rows = Self { reader, columns, row: Row::default(), waiting: None, counter, total };
        if rows.columns.len() == 0 {
            let first = rows.read();
            rows.waiting = Some(first);
        }
        Ok(rows)
    }

    /// Compares what the mapping wants with what a table has, before the first row.
    pub(super) fn check(&self, name: &str, mapping: &Mapping, report: &mut Report) -> Result<(), Error> {
        let is_table = matches!(self.reader, Reader::Table(_) | Reader::Parquet(_));
        if is_table && mapping.is_segment {
            let message = "its rows must be JSON; for a table use a mapping with `fields`".to_owned();
            return Err(Error::Mapping { mapping: mapping.name.clone(), message });
        }
        if !is_table || mapping.is_segment {
            return Ok(());
        }
        let binding = Binding::new(mapping, &self.columns);
        for field in Field::required(mapping.kind) {
            if !binding.has(mapping, *field) {
                return Err(self.missing_column(name, mapping, *field));
            }
        }
        if mapping.is_own {
            for missing in Binding::missing(mapping, &self.columns) {
                report.warn(1, &missing);
            }
        }
        if let Reader::Parquet(parquet) = &self.reader {
            for column in &parquet.left_out {
                report.warn(1, &format!("column `{column}` is nested and cannot be read: left out"));
            }
        }
        Ok(())
    }

    fn missing_column(&self, name: &str, mapping: &Mapping, field: Field) -> Error {
        const SHOWN: usize = 40;
        let wanted = mapping.rule(field).map(|rule| rule.from.as_slice()).unwrap_or_default();
        let names = self.columns.names();
        let quoted = |names: &[String]| {
            let shown: Vec<_> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
            let more = if names.len() > SHOWN { ", …" } else { "" };
            format!("{}{more}", shown.join(", "))
        };
        let known = || names.iter().map(String::as_str);
        let hint = wanted.iter().map(|wanted| did_you_mean(wanted, known())).find(|hint| !hint.is_empty());
        Error::from(Box::new(MissingColumn {
            name: name.to_owned(),
            field: field.name(),
            mapping: mapping.name.clone(),
            wanted: quoted(wanted),
            columns: quoted(names),
            hint: hint.unwrap_or_default(),
        }))
    }

    /// Makes the next row the current one; false at the end of the file.
    pub(super) fn next(&mut self) -> Result<bool, RowFault> {
        match self.waiting.take() {
            Some(first) => first,
            None => self.read(),
        }
    }

    fn read(&mut self) -> Result<bool, RowFault> {
        match &mut self.reader {
            Reader::Table(table) => table.next(&mut self.row),
            Reader::Json(json) => json.next(&mut self.columns, &mut self.row),
            Reader::Xml(xml) => xml.next(&mut self.columns, &mut self.row),
            Reader::Parquet(parquet) => parquet.next(&mut self.row),
        }
    }

    pub(super) fn row(&self) -> &Row {
        &self.row
    }

    pub(super) fn columns(&self) -> &Columns {
        &self.columns
    }

    pub(super) fn columns_and_row(&mut self) -> (&Columns, &mut Row) {
        (&self.columns, &mut self.row)
    }

    /// The bytes of the current row, where they can be imported as they are.
    pub(super) fn raw(&self) -> Option<&[u8]> {
        match &self.reader {
            Reader::Json(json) => Some(json.raw()),
            Reader::Table(_) | Reader::Xml(_) | Reader::Parquet(_) => None,
        }
    }

    pub(super) fn progress(&self) -> Progress {
        let unit = if matches!(self.reader, Reader::Parquet(_)) { ProgressUnit::Rows } else { ProgressUnit::Bytes };
        Progress { done: self.counter.get().min(self.total), total: self.total, unit }
    }
}
