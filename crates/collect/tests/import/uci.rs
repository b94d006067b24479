//! Parquet: the whole of UCI Online Retail when it is there, and small files of every kind of column.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, DictionaryArray, Float64Array, Int32Array, ListBuilder, RecordBatch, StringArray, StringBuilder,
    TimestampMillisecondArray, TimestampNanosecondArray, TimestampSecondArray,
};
use arrow::datatypes::Int8Type;
use mercer_collect::import::{self, Input, ProgressUnit};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::{commerce, file, good, lines, options};

const MAPPING: &str = r#"
kind = "orders"
time_zone = "Europe/London"
null_values = ["nan", "NaN"]

[fields]
order_id = "InvoiceNo"
product_id = { column = "StockCode", transforms = ["upper"] }
quantity = "Quantity"
price = "UnitPrice"
time = "InvoiceDate"
customer_id = { column = "CustomerID", transforms = ["whole_number"] }

[properties]
country = "Country"

[cancelled_when]
column = "InvoiceNo"
starts_with = "C"

[[skip_when]]
reason = "postage, charges and corrections"
column = "StockCode"
one_of = ["POST", "DOT", "C2", "M", "m", "D", "S", "B", "BANK CHARGES", "AMAZONFEE", "CRUK", "PADS"]

[[skip_when]]
reason = "gift voucher"
column = "StockCode"
matches = "gift_*"

[[skip_when]]
reason = "no price"
column = "UnitPrice"
not_positive = true

[[skip_when]]
reason = "no description"
column = "Description"
is_empty = true
"#;

fn retail_file() -> Option<PathBuf> {
    let root = std::env::var_os("MERCER_DATA")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")), PathBuf::from);
    Some(root.join("uci-online-retail/online_retail.parquet")).filter(|path| path.exists())
}

#[test]
fn the_whole_of_uci_online_retail() {
    let Some(path) = retail_file() else {
        println!("skipped: uci-online-retail is not there (set MERCER_DATA)");
        return;
    };
    let mut import = import::orders(Input::open(path).unwrap(), options(Some(MAPPING))).unwrap();
    assert_eq!((import.progress().total, import.progress().unit), (541_909, ProgressUnit::Rows));
    let (mut anonymous, mut line_count) = (0, 0);
    let mut ids = HashSet::new();
    for event in &mut import {
        let event = event.unwrap_or_else(|row| panic!("{}", row.message));
        anonymous += usize::from(event.visitor.customer_id.is_none());
        line_count += commerce(&event).lines.len() as u64;
        ids.insert(event.message_id);
    }
    // Counted apart from this code, by a few lines of Python.
    assert_eq!((anonymous, line_count, ids.len()), (1_410, 536_462, 23_195));
    let report = import.report();
    assert_eq!((report.rows_read, report.rows_used, report.rows_bad, report.bad), (541_909, 536_462, 0, 0));
    assert_eq!((report.made["Order Completed"], report.made["Order Refunded"]), (19_773, 3_422));
    let skipped: Vec<_> = report.rows_skipped.iter().map(|(reason, rows)| (reason.as_str(), *rows)).collect();
    assert_eq!(skipped, [("gift voucher", 34), ("no price", 2_497), ("postage, charges and corrections", 2_916)]);
    assert_eq!((&report.broken_off, report.warnings.len()), (&None, 0));
}

fn written(batch: &RecordBatch, compression: Compression) -> Vec<u8> {
    let mut bytes = Vec::new();
    let properties = WriterProperties::builder().set_compression(compression).build();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    bytes
}

fn orders_batch() -> RecordBatch {
    let seconds = 1_291_191_960;
    RecordBatch::try_from_iter([
        ("order_id", Arc::new(Int32Array::from(vec![1, 1, 2])) as ArrayRef),
        ("sku", Arc::new(DictionaryArray::<Int8Type>::from_iter(["A", "B", "A"])) as ArrayRef),
        ("price", Arc::new(Float64Array::from(vec![Some(2.55), None, Some(f64::NAN)])) as ArrayRef),
        ("time", Arc::new(TimestampSecondArray::from(vec![seconds; 3])) as ArrayRef),
        (
            "millis",
            Arc::new(TimestampMillisecondArray::from(vec![seconds * 1_000; 3]).with_timezone("UTC")) as ArrayRef,
        ),
        ("nanos", Arc::new(TimestampNanosecondArray::from(vec![seconds * 1_000_000_000; 3])) as ArrayRef),
    ])
    .unwrap()
}

#[test]
fn columns_of_any_type_and_compression() {
    let zstd = Compression::ZSTD(ZstdLevel::default());
    for compression in [Compression::UNCOMPRESSED, Compression::SNAPPY, zstd] {
        for time in ["time", "millis", "nanos"] {
            let mapping = format!(
                "kind = \"orders\"\n[fields]\norder_id = \"order_id\"\nproduct_id = \"sku\"\nprice = \"price\"\ntime = \"{time}\"\n"
            );
            let bytes = written(&orders_batch(), compression);
            let events = good(import::orders(file("o", bytes), options(Some(&mapping))).unwrap());
            assert_eq!(lines(&events[0]), ["A x1 @ 2.55 GBP", "B x1"]);
            assert_eq!(lines(&events[1]), ["A x1"]);
            assert_eq!(events[0].occurred_at.to_string(), "2010-12-01T08:26:00.000000Z");
        }
    }
}

#[test]
fn lists_are_paths_and_damage_is_told() {
    let mut category = ListBuilder::new(StringBuilder::new());
    category.append_value([Some("Home > Garden"), Some("Mugs")]);
    let batch = RecordBatch::try_from_iter([
        ("id", Arc::new(StringArray::from(vec!["1"])) as ArrayRef),
        ("title", Arc::new(StringArray::from(vec!["Mug"])) as ArrayRef),
        ("category", Arc::new(category.finish()) as ArrayRef),
    ])
    .unwrap();
    let bytes = written(&batch, Compression::SNAPPY);
    let products = good(import::products(file("p.parquet", bytes.clone()), options(None)).unwrap());
    assert_eq!(products[0].category, ["Home > Garden", "Mugs"]);

    std::panic::set_hook(Box::new(|_| ()));
    for place in 0..bytes.len() {
        for change in [0xff, 0x01, 0x80] {
            let mut damaged = bytes.clone();
            damaged[place] ^= change;
            if let Ok(import) = import::products(file("p.parquet", damaged), options(None)) {
                assert!(import.count() <= 3);
            }
        }
    }
    let _ = std::panic::take_hook();
    assert!(import::products(file("p.parquet", &bytes[..bytes.len() / 2]), options(None)).is_err());
}
