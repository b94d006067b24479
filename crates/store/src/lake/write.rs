//! Writing the two files of a range. They are whole and on the disk before they get their names.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use mercer_schema::{Fact, Position, Record};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use super::columns::{self, Placed};
use super::files::{Dataset, Range};
use crate::{Error, EventLog, RecordKind, disk};

/// Raised when a column comes, goes or changes its meaning.
pub(super) const FORMAT: i64 = 2;
pub(super) const FORMAT_KEY: &str = "mercer.format";
/// Records read and encoded at a time.
const PAGE: usize = 8_192;

/// Writes the events of a range. Afterwards both datasets have it, or, on an error, nothing of it takes room.
pub(super) fn write_range(lake: &Path, range: Range, log: &dyn EventLog) -> Result<(), Error> {
    let written = write_both(lake, range, log);
    if written.is_err() {
        for dataset in Dataset::ALL {
            // The error that matters is the one that is returned.
            let _ = disk::remove_file(&disk::unfinished(&dataset.path(lake, range)));
        }
    }
    written
}

fn write_both(lake: &Path, range: Range, log: &dyn EventLog) -> Result<(), Error> {
    let mut events = Writer::create(Dataset::Events.path(lake, range), columns::events(&[]))?;
    let mut lines = Writer::create(Dataset::Lines.path(lake, range), columns::lines(&[]))?;
    let mut after = Position(range.first - 1);
    loop {
        let records = log.read_kinds(after, &[RecordKind::Event], PAGE)?;
        let rows: Vec<Placed<'_>> = records.iter().filter_map(|record| placed(record, range)).collect();
        let line_rows: Vec<_> = rows.iter().copied().flat_map(columns::lines_of).collect();
        events.write(columns::events(&rows))?;
        lines.write(columns::lines(&line_rows))?;
        match records.last() {
            Some(last) if records.len() == PAGE && last.position.0 < range.last => after = last.position,
            _ => break,
        }
    }
    // A range counts when both names are there, so a crash between these two leaves nothing half.
    lines.finish()?;
    events.finish()
}

fn placed(record: &Record, range: Range) -> Option<Placed<'_>> {
    match &record.fact {
        Fact::Event(event) if record.position.0 <= range.last => Some((record.position, event)),
        _ => None,
    }
}

/// One Parquet file in the making.
struct Writer {
    writer: ArrowWriter<File>,
    /// The same file, to sync it: taking it out of the writer would hide why the disk refused the last bytes.
    file: File,
    unfinished: PathBuf,
    finished: PathBuf,
}

impl Writer {
    /// `empty` gives the columns.
    fn create(finished: PathBuf, empty: Result<RecordBatch, String>) -> Result<Self, Error> {
        let unfinished = disk::unfinished(&finished);
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).open(&unfinished);
        let file = file.map_err(Error::file("create", &unfinished))?;
        let same = file.try_clone().map_err(Error::file("open", &unfinished))?;
        let schema = empty.map_err(|problem| impossible(&finished, problem))?.schema();
        let level = ZstdLevel::try_new(1).map_err(failed(&finished))?;
        let about = KeyValue::new(FORMAT_KEY.to_owned(), FORMAT.to_string());
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(level))
            .set_key_value_metadata(Some(vec![about]))
            .build();
        let writer = ArrowWriter::try_new(file, schema, Some(properties)).map_err(failed(&finished))?;
        Ok(Self { writer, file: same, unfinished, finished })
    }

    fn write(&mut self, batch: Result<RecordBatch, String>) -> Result<(), Error> {
        let batch = batch.map_err(|problem| impossible(&self.finished, problem))?;
        self.writer.write(&batch).map_err(failed(&self.finished))
    }

    fn finish(mut self) -> Result<(), Error> {
        self.writer.finish().map_err(failed(&self.finished))?;
        self.file.sync_all().map_err(Error::file("write", &self.unfinished))?;
        disk::rename(&self.unfinished, &self.finished)
    }
}

fn failed(path: &Path) -> impl Fn(ParquetError) -> Error {
    let path = path.to_path_buf();
    move |error| match error {
        ParquetError::External(cause) => match cause.downcast::<std::io::Error>() {
            Ok(error) => Error::file("write", &path)(*error),
            Err(source) => Error::Storage { path: path.clone(), source },
        },
        source => Error::Storage { path: path.clone(), source: source.into() },
    }
}

/// The columns are made in one place and always fit together; said rather than panicked all the same.
fn impossible(path: &Path, problem: String) -> Error {
    Error::Storage { path: path.to_path_buf(), source: problem.into() }
}
