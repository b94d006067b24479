//! Reading the lake back, a file at a time, only the columns that are wanted.
//!
//! A file is refused when its format is newer, and named when it is broken.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
#[cfg(feature = "sql")]
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, BooleanArray, PrimitiveArray, RecordBatch, StringArray};
use mercer_schema::{Country, Currency, Money, Position, Timestamp, Whereabouts};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReaderBuilder};

use super::actions::{channel_named, device_named};
use super::write::{FORMAT, FORMAT_KEY};
use super::{IdentityRow, LineAction, LineRow};
use crate::Error;

/// Rows decoded at a time.
const BATCH_ROWS: usize = 8_192;

/// An open file of the lake, its format checked.
pub(super) struct LakeFile {
    path: PathBuf,
    file: File,
    metadata: ArrowReaderMetadata,
}

impl LakeFile {
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        match Self::of_any_format(path)? {
            (FORMAT, file) => Ok(file),
            (found, _) if found > FORMAT => Err(Error::Newer { path: path.to_path_buf(), found, known: FORMAT }),
            (found, _) => Err(damaged(path, &format!("it is of format {found}, which is not written any more"))),
        }
    }

    fn of_any_format(path: &Path) -> Result<(i64, Self), Error> {
        let file = File::open(path).map_err(Error::file("open", path))?;
        let metadata = guarded(|| ArrowReaderMetadata::load(&file, Default::default()));
        let metadata = metadata.map_err(|error| damaged(path, &error))?;
        let pairs = metadata.metadata().file_metadata().key_value_metadata();
        let format = pairs.and_then(|pairs| pairs.iter().find(|pair| pair.key == FORMAT_KEY));
        let format = format.and_then(|pair| pair.value.as_ref()?.parse::<i64>().ok());
        let format = format.ok_or_else(|| damaged(path, &"it does not say its format"))?;
        Ok((format, Self { path: path.to_path_buf(), file, metadata }))
    }

    /// A whole file in an earlier format. One that is broken is none: it is found, and named, by who reads it.
    pub(super) fn is_older(path: &Path) -> bool {
        Self::of_any_format(path).is_ok_and(|(format, _)| (1..FORMAT).contains(&format))
    }

    /// Refuses a file that a newer Mercer wrote. A broken one is found, and named, by who reads it.
    pub(super) fn refuse_newer(path: &Path) -> Result<(), Error> {
        match Self::open(path) {
            Err(error @ Error::Newer { .. }) => Err(error),
            _ => Ok(()),
        }
    }

    /// Gives the named columns to `visit`, some rows at a time.
    fn batches(self, names: &[&str], mut visit: impl FnMut(&Columns<'_>) -> Result<(), Error>) -> Result<(), Error> {
        let Self { path, file, metadata } = self;
        let broken = |error: &dyn std::fmt::Display| damaged(&path, error);
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata);
        let mask = ProjectionMask::columns(builder.parquet_schema(), names.iter().copied());
        let reader = guarded(|| builder.with_projection(mask).with_batch_size(BATCH_ROWS).build());
        let mut reader = reader.map_err(|error| broken(&error))?;
        while let Some(batch) = guarded(|| reader.next().transpose()).map_err(|error| broken(&error))? {
            visit(&Columns { path: &path, batch: &batch })?;
        }
        Ok(())
    }
}

/// The parquet library panics on some damaged files; to whoever reads the lake that is one more broken file.
fn guarded<T, E: std::fmt::Display>(work: impl FnOnce() -> Result<T, E>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(outcome) => outcome.map_err(|error| error.to_string()),
        Err(_) => Err("its content makes no sense".to_owned()),
    }
}

#[cfg(feature = "sql")]
impl LakeFile {
    /// Decodes all of it, to find out whether it is whole.
    pub(super) fn read_through(self) -> Result<(), Error> {
        let schema = Arc::clone(self.metadata.schema());
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        self.batches(&names, |_| Ok(()))
    }
}

/// Some rows of a file.
struct Columns<'a> {
    path: &'a Path,
    batch: &'a RecordBatch,
}

impl<'a> Columns<'a> {
    fn texts(&self, name: &str) -> Result<&'a StringArray, Error> {
        self.column(name, |column| column.as_string_opt())
    }

    fn numbers(&self, name: &str) -> Result<&'a PrimitiveArray<Int64Type>, Error> {
        self.column(name, |column| column.as_primitive_opt())
    }

    fn times(&self, name: &str) -> Result<&'a PrimitiveArray<TimestampMicrosecondType>, Error> {
        self.column(name, |column| column.as_primitive_opt())
    }

    fn flags(&self, name: &str) -> Result<&'a BooleanArray, Error> {
        self.column(name, |column| column.as_boolean_opt())
    }

    fn column<T>(&self, name: &str, typed: impl FnOnce(&'a dyn Array) -> Option<&'a T>) -> Result<&'a T, Error> {
        let found = self.batch.column_by_name(name).and_then(|column| typed(&**column));
        found.ok_or_else(|| damaged(self.path, &format!("it has no usable column `{name}`")))
    }

    /// The rows after a position; positions rise within a file.
    fn after(&self, positions: &PrimitiveArray<Int64Type>, after: Position) -> std::ops::Range<usize> {
        positions.values().partition_point(|position| *position as u64 <= after.0)..self.batch.num_rows()
    }
}

const LINE_COLUMNS: [&str; 16] = [
    "position",
    "line",
    "occurred_at",
    "customer_id",
    "anonymous_id",
    "session",
    "personalization",
    "channel",
    "device",
    "country",
    "action",
    "product_id",
    "quantity",
    "price_minor",
    "currency",
    "order_id",
];

pub(super) fn lines(file: LakeFile, after: Position, visit: &mut impl FnMut(&LineRow<'_>)) -> Result<(), Error> {
    file.batches(&LINE_COLUMNS, |columns| {
        let (positions, numbers) = (columns.numbers("position")?, columns.numbers("line")?);
        let (times, actions) = (columns.times("occurred_at")?, columns.texts("action")?);
        let (customers, anonymous) = (columns.texts("customer_id")?, columns.texts("anonymous_id")?);
        let (sessions, consents) = (columns.texts("session")?, columns.flags("personalization")?);
        let (products, quantities) = (columns.texts("product_id")?, columns.numbers("quantity")?);
        let (prices, currencies) = (columns.numbers("price_minor")?, columns.texts("currency")?);
        let orders = columns.texts("order_id")?;
        let told = Told {
            channels: columns.texts("channel")?,
            devices: columns.texts("device")?,
            countries: columns.texts("country")?,
        };
        for row in columns.after(positions, after) {
            let action = LineAction::from_name(actions.value(row));
            visit(&LineRow {
                position: Position(positions.value(row) as u64),
                line: numbers.value(row) as u32,
                occurred_at: Timestamp(times.value(row)),
                customer_id: text(customers, row),
                anonymous_id: text(anonymous, row),
                session: text(sessions, row),
                personalization: consents.is_valid(row).then(|| consents.value(row)),
                whereabouts: told.at(row).map_err(|(column, word)| unknown(columns.path, column, word))?,
                action: action.ok_or_else(|| unknown(columns.path, "action", actions.value(row)))?,
                product_id: products.value(row),
                quantity: quantities.value(row) as u32,
                price: price(prices, currencies, row).map_err(|code| unknown(columns.path, "currency", code))?,
                order_id: text(orders, row),
            });
        }
        Ok(())
    })
}

/// The columns of where a customer was.
struct Told<'a> {
    channels: &'a StringArray,
    devices: &'a StringArray,
    countries: &'a StringArray,
}

impl<'a> Told<'a> {
    /// The error is a column with a word that it does not have.
    fn at(&self, row: usize) -> Result<Whereabouts, (&'static str, &'a str)> {
        let read = |column: &'a StringArray| text(column, row);
        Ok(Whereabouts {
            channel: read(self.channels).map(|word| channel_named(word).ok_or(("channel", word))).transpose()?,
            device: read(self.devices).map(|word| device_named(word).ok_or(("device", word))).transpose()?,
            country: read(self.countries)
                .map(|word| Country::parse(word).map_err(|_| ("country", word)))
                .transpose()?,
        })
    }
}

const IDENTITY_COLUMNS: [&str; 5] = ["position", "occurred_at", "customer_id", "anonymous_id", "previous_id"];

pub(super) fn identities(
    file: LakeFile,
    after: Position,
    visit: &mut impl FnMut(&IdentityRow<'_>),
) -> Result<(), Error> {
    file.batches(&IDENTITY_COLUMNS, |columns| {
        let (positions, times) = (columns.numbers("position")?, columns.times("occurred_at")?);
        let (customers, anonymous) = (columns.texts("customer_id")?, columns.texts("anonymous_id")?);
        let previous = columns.texts("previous_id")?;
        for row in columns.after(positions, after) {
            let identity = IdentityRow {
                position: Position(positions.value(row) as u64),
                occurred_at: Timestamp(times.value(row)),
                customer_id: text(customers, row),
                anonymous_id: text(anonymous, row),
                previous_id: text(previous, row),
            };
            let ids = [identity.customer_id, identity.anonymous_id, identity.previous_id];
            if ids.iter().flatten().count() >= 2 {
                visit(&identity);
            }
        }
        Ok(())
    })
}

fn text(column: &StringArray, row: usize) -> Option<&str> {
    column.is_valid(row).then(|| column.value(row))
}

fn price<'a>(
    prices: &PrimitiveArray<Int64Type>,
    currencies: &'a StringArray,
    row: usize,
) -> Result<Option<Money>, &'a str> {
    let Some(code) = text(currencies, row).filter(|_| prices.is_valid(row)) else { return Ok(None) };
    let currency = Currency::parse(code).map_err(|_| code)?;
    Ok(Some(Money { minor: prices.value(row), currency }))
}

fn unknown(path: &Path, column: &str, word: &str) -> Error {
    damaged(path, &format!("`{word}` is no word of column `{column}`"))
}

fn damaged(path: &Path, problem: &dyn std::fmt::Display) -> Error {
    let advice = "Stop Mercer and delete the folder `lake`; it is written again from the log";
    Error::Damaged { path: path.to_path_buf(), problem: problem.to_string(), advice }
}
