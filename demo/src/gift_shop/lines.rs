//! The order lines of the Parquet file, one after the other. Columns are checked once; rows are borrowed, not copied.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{ArrowPrimitiveType, Float64Type, Int64Type, TimestampNanosecondType};
use bytes::Bytes;
use mercer_schema::Timestamp;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::Error;

const ROWS_PER_BATCH: usize = 64 * 1024;

/// One line of an invoice, as it stands in the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) invoice: &'a str,
    pub(super) code: &'a str,
    pub(super) description: &'a str,
    /// Negative on credit notes and stock corrections.
    pub(super) quantity: i64,
    pub(super) sold_at: Timestamp,
    pub(super) unit_price: f64,
    pub(super) has_customer: bool,
}

/// Calls `visit` for every line in the file's order.
pub(super) fn for_each_line(parquet: &'static [u8], mut visit: impl FnMut(Line<'_>)) -> Result<(), Error> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from_static(parquet))?
        .with_batch_size(ROWS_PER_BATCH)
        .build()?;
    for batch in reader {
        visit_batch(&batch?, &mut visit)?;
    }
    Ok(())
}

fn visit_batch(batch: &RecordBatch, visit: &mut impl FnMut(Line<'_>)) -> Result<(), Error> {
    let invoices = texts(batch, "InvoiceNo")?;
    let codes = texts(batch, "StockCode")?;
    let descriptions = texts(batch, "Description")?;
    let quantities = numbers::<Int64Type>(batch, "Quantity")?;
    let times = numbers::<TimestampNanosecondType>(batch, "InvoiceDate")?;
    let prices = numbers::<Float64Type>(batch, "UnitPrice")?;
    let customers = numbers::<Float64Type>(batch, "CustomerID")?;
    for row in 0..batch.num_rows() {
        visit(Line {
            invoice: invoices.value(row),
            code: codes.value(row),
            description: descriptions.value(row),
            quantity: quantities.value(row),
            sold_at: Timestamp(times.value(row) / 1_000),
            unit_price: prices.value(row),
            has_customer: customers.is_valid(row) && !customers.value(row).is_nan(),
        });
    }
    Ok(())
}

fn texts<'a>(batch: &'a RecordBatch, name: &'static str) -> Result<&'a arrow::array::StringArray, Error> {
    batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>()).ok_or(Error::Column(name))
}

fn numbers<'a, T: ArrowPrimitiveType>(
    batch: &'a RecordBatch,
    name: &'static str,
) -> Result<&'a arrow::array::PrimitiveArray<T>, Error> {
    batch.column_by_name(name).and_then(|column| column.as_primitive_opt::<T>()).ok_or(Error::Column(name))
}
