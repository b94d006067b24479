//! Parquet: columns of text, numbers, dates and timestamps of any unit, read batch by batch.
//!
//! Invariant: a value becomes the shortest text that means the same (`2.55`, `2010-12-01T08:26:00`); a float that
//! is no number is an absent value. Structs and maps are left out and reported.

use std::fmt::Write as _;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow::array::{Array, ArrayRef, AsArray as _, RecordBatch};
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int32Type, Int64Type, TimeUnit};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use bytes::Bytes;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::file::reader::{ChunkReader, Length};

use super::input::Seekable;
use super::report::Counter;
use super::row::{Columns, MAX_COLUMNS, Row, RowFault, SEPARATOR};
use crate::{BadReason, Fault};

const BATCH_ROWS: usize = 4096;

pub(super) struct ParquetReader {
    batches: ParquetRecordBatchReader,
    batch: Option<RecordBatch>,
    next_in_batch: usize,
    rows_read: u64,
    counter: Counter,
    is_over: bool,
    /// Columns that cannot be cells.
    pub(super) left_out: Vec<String>,
}

impl ParquetReader {
    /// Reads the footer; gives the reader and the number of rows.
    pub(super) fn open(input: Seekable, counter: Counter, columns: &mut Columns) -> Result<(Self, u64), String> {
        let builder = guarded(|| ParquetRecordBatchReaderBuilder::try_new(input).map_err(|error| error.to_string()))?;
        let rows = builder.metadata().file_metadata().num_rows().max(0) as u64;
        let mut left_out = Vec::new();
        for (position, field) in builder.schema().fields().iter().enumerate() {
            if columns.position(field.name()) != Some(position) {
                return Err(format!(
                    "column `{}` is there twice, or there are over {MAX_COLUMNS} columns",
                    field.name()
                ));
            }
            if !is_cell(field.data_type()) {
                left_out.push(field.name().clone());
            }
        }
        let batches = guarded(|| builder.with_batch_size(BATCH_ROWS).build().map_err(|error| error.to_string()))?;
        let reader = Self { batches, batch: None, next_in_batch: 0, rows_read: 0, counter, is_over: false, left_out };
        Ok((reader, rows))
    }

    /// Fills the next row; false at the end of the file.
    pub(super) fn next(&mut self, row: &mut Row) -> Result<bool, RowFault> {
        while self.batch.as_ref().is_none_or(|batch| self.next_in_batch >= batch.num_rows()) {
            if self.is_over {
                return Ok(false);
            }
            let batches = &mut self.batches;
            let next = guarded(|| batches.next().transpose().map_err(|error| error.to_string()));
            self.batch = next.map_err(|message| self.torn(&message))?;
            self.next_in_batch = 0;
            self.is_over = self.batch.is_none();
        }
        let Some(batch) = &self.batch else {
            return Ok(false);
        };
        self.rows_read += 1;
        self.counter.add(1);
        row.clear(self.rows_read);
        for (column, array) in batch.columns().iter().enumerate() {
            row.write(column, |text| write_cell(array, self.next_in_batch, text));
        }
        self.next_in_batch += 1;
        Ok(true)
    }

    fn torn(&mut self, message: &str) -> RowFault {
        self.is_over = true;
        let fault = Fault::new(BadReason::Malformed, format!("the file cannot be read further: {message}"));
        RowFault { fault, raw: Vec::new(), line: self.rows_read + 1, is_last: true }
    }
}

/// The parquet library panics on some damaged files; a damaged file is the user's fault, not a crash of ours.
fn guarded<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err("the file is damaged".to_owned()))
}

fn is_cell(kind: &DataType) -> bool {
    match kind {
        DataType::List(field) | DataType::LargeList(field) => !field.data_type().is_nested(),
        kind => !kind.is_nested(),
    }
}

fn write_cell(array: &ArrayRef, row: usize, text: &mut String) {
    if array.is_null(row) {
        return;
    }
    // Writing into a String cannot fail, so the results are of no interest.
    let _ = match array.data_type() {
        DataType::Utf8 => {
            text.push_str(array.as_string::<i32>().value(row));
            Ok(())
        }
        DataType::Int64 => write!(text, "{}", array.as_primitive::<Int64Type>().value(row)),
        DataType::Int32 => write!(text, "{}", array.as_primitive::<Int32Type>().value(row)),
        DataType::Float64 => write_float(array.as_primitive::<Float64Type>().value(row), text),
        DataType::Float32 => write_float(array.as_primitive::<Float32Type>().value(row), text),
        DataType::Timestamp(unit, zone) => write_time(array, row, (*unit, zone.is_some()), text),
        DataType::List(_) => write_list(&array.as_list::<i32>().value(row), text),
        DataType::LargeList(_) => write_list(&array.as_list::<i64>().value(row), text),
        kind if kind.is_nested() => Ok(()),
        _ => match ArrayFormatter::try_new(array, &FormatOptions::default()) {
            Ok(formatter) => write!(text, "{}", formatter.value(row)),
            Err(_) => Ok(()),
        },
    };
}

fn write_float(value: impl Into<f64> + std::fmt::Display, text: &mut String) -> std::fmt::Result {
    let shown = value.to_string();
    if value.into().is_finite() { write!(text, "{shown}") } else { Ok(()) }
}

fn write_list(values: &ArrayRef, text: &mut String) -> std::fmt::Result {
    for row in 0..values.len() {
        if row > 0 {
            text.push(SEPARATOR);
        }
        if !values.data_type().is_nested() {
            write_cell(values, row, text);
        }
    }
    Ok(())
}

/// With `Z` when the column is in UTC; without any offset when it is a local time.
fn write_time(array: &ArrayRef, row: usize, (unit, is_utc): (TimeUnit, bool), text: &mut String) -> std::fmt::Result {
    use arrow::datatypes::{
        TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
    };
    let micros = match unit {
        TimeUnit::Second => array.as_primitive::<TimestampSecondType>().value(row).saturating_mul(1_000_000),
        TimeUnit::Millisecond => array.as_primitive::<TimestampMillisecondType>().value(row).saturating_mul(1_000),
        TimeUnit::Microsecond => array.as_primitive::<TimestampMicrosecondType>().value(row),
        TimeUnit::Nanosecond => array.as_primitive::<TimestampNanosecondType>().value(row).div_euclid(1_000),
    };
    match jiff::Timestamp::from_microsecond(micros) {
        Ok(time) if is_utc => write!(text, "{time}"),
        Ok(time) => write!(text, "{}", jiff::tz::Offset::UTC.to_datetime(time)),
        // A time outside of the calendar: shown as it is, to be refused as a time.
        Err(_) => write!(text, "{micros}us"),
    }
}

impl Length for Seekable {
    fn len(&self) -> u64 {
        match self {
            Self::File(file) => Length::len(file),
            Self::Memory(bytes) => Length::len(bytes),
        }
    }
}

impl ChunkReader for Seekable {
    type T = Box<dyn Read>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        Ok(match self {
            Self::File(file) => Box::new(file.get_read(start)?),
            Self::Memory(bytes) => {
                Box::new(io::Cursor::new(bytes.get_bytes(start, bytes.len().saturating_sub(start as usize))?))
            }
        })
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        match self {
            Self::File(file) => file.get_bytes(start, length),
            Self::Memory(bytes) => bytes.get_bytes(start, length),
        }
    }
}
