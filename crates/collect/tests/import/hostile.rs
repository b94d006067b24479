//! Hostile files: every format with things done to a good file of it, and mappings with things done to them. Every row
//! is accounted for, what is made can go into the log, and a torn file costs no more than itself.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use mercer_collect::BadRow;
use mercer_collect::import::{self, Format, Import, Mapping, Options};
use mercer_schema::{Event, Product, Timestamp};
use parquet::arrow::ArrowWriter;
use proptest::prelude::*;
use serde::{Serialize, de::DeserializeOwned};

#[path = "../common/mutate.rs"]
mod mutate;

use self::mutate::{changed, changes};
use crate::{file, received};

const WORDS: &[&str] = &[
    "id",
    "title",
    "price",
    "order_id",
    "product_id",
    "time",
    "quantity",
    "customer_id",
    "event",
    "type",
    ",",
    "\t",
    "\n",
    "\r\n",
    "\"",
    "\"\"",
    "{",
    "}",
    "[",
    "]",
    ":",
    "<item>",
    "</item>",
    "<g:id>",
    "</g:price>",
    "<![CDATA[",
    "]]>",
    "<!DOCTYPE x [<!ENTITY a \"&b;&b;&b;\">]>",
    "&a;",
    "&#x110000;",
    "&#0;",
    "<!--",
    "-->",
    "<?x ?>",
    "12.50 GBP",
    "£",
    "1,234",
    "-5",
    "2011-12-09T12:50:00Z",
    "PAR1",
    "unavailable",
    "column = ",
    "format = \"%",
    "transforms = [\"lower\"]\n",
    "[fields]\n",
    "[[skip_when]]\n",
    "matches = [\"*?*?*\"]\n",
    "time_zone = \"Europe/London\"\n",
    "window_rows = 0\n",
    "split = \"\"\n",
    "constant = \"x\"\n",
    "{Handle}-{",
    "= {}\n",
];

const CATALOG_CSV: &str = "id,title,price,availability,product_type,brand,color\n1,Mug,12.50 GBP,in stock,Home > Mugs,Fen,Blue\n2,\"Bowl, large\",9.99,out of stock,Home > Bowls,,\n3,Jug,\"1,234.50\",preorder,,,Red\n";
const GOOGLE_XML: &str = "<?xml version=\"1.0\"?><rss xmlns:g=\"http://base.google.com/ns/1.0\"><channel><item><g:id>M</g:id><g:title>Mug &amp; more</g:title><g:description><![CDATA[<p>Holds <b>350</b> ml.</p>]]></g:description><g:price>12.50 GBP</g:price><g:sale_price>9 GBP</g:sale_price><g:sale_price_effective_date>2026-11-01T00:00+0000/2026-12-01T00:00+0000</g:sale_price_effective_date><g:availability>in_stock</g:availability><g:shipping><g:price>1 GBP</g:price></g:shipping></item><item><g:id>N</g:id><title>Bowl</title></item></channel></rss>";
const SHOPIFY_CSV: &str = "Handle,Title,Body (HTML),Vendor,Type,Option1 Name,Option1 Value,Variant SKU,Variant Inventory Qty,Variant Price,Image Src,Status\nmug,Mug,<p>Fine</p>,Fen,Mugs,Colour,Blue,SKU-1,3,12.50,https://x/i.jpg,active\nmug,,,,,,Red,SKU-2,0,12.50,,\n";
const ORDERS_CSV: &str = "order_id,customer_id,product_id,quantity,price,time\n1,c1,A,2,3.50,2026-01-02T10:00:00Z\n1,c1,B,1,1,2026-01-02T10:00:00Z\nC2,c2,A,-1,3.50,2026-01-03 10:00\n3,,B,1,,2026-01-04\n";
const PRODUCTS_JSONL: &str = "{\"id\":\"1\",\"title\":\"Mug\",\"price\":{\"minor\":250,\"currency\":\"GBP\"},\"category\":[\"Home\",\"Mugs\"],\"attributes\":{\"color\":\"blue\"}}\n{\"id\":2,\"title\":\"Bowl\",\"price\":\"9.99 EUR\"}\n";
const PRODUCTS_JSON: &str = "[\n {\"id\":\"1\",\"title\":\"Mug\",\"price\":12.5},\n {\"id\":\"2\",\"title\":\"Bowl\",\"tags\":[\"a\",[\"b\",{\"c\":1}]]}\n]";
const EVENTS_JSONL: &str = "{\"type\":\"track\",\"event\":\"Product Viewed\",\"userId\":\"u\",\"messageId\":\"m1\",\"timestamp\":\"2026-01-02T10:00:00Z\",\"properties\":{\"product_id\":\"A\",\"price\":2.5}}\n{\"type\":\"identify\",\"userId\":\"u\",\"messageId\":\"m2\",\"timestamp\":\"2026-01-02T10:00:00Z\",\"traits\":{\"deep\":[[{}]]}}\n";
const EVENTS_CSV: &str = "event,user_id,time,product_id,quantity\nProduct Added,u,2026-01-02T10:00:00Z,A,2\nVisited,u,2026-01-02T10:00:00Z,,\n";

fn parquet_orders() -> Vec<u8> {
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("order_id", Arc::new(StringArray::from(vec!["1", "1", "C2"]))),
        ("product_id", Arc::new(StringArray::from(vec![Some("A"), Some("B"), None]))),
        ("quantity", Arc::new(Int64Array::from(vec![2, 1, -1]))),
        ("price", Arc::new(Float64Array::from(vec![Some(3.5), None, Some(f64::NAN)]))),
        ("time", Arc::new(TimestampMicrosecondArray::from(vec![1_700_000_000_000_000, i64::MIN, i64::MAX]))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn samples() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("catalog.csv", CATALOG_CSV.into()),
        ("catalog.tsv", CATALOG_CSV.replace(',', "\t").into()),
        ("google.xml", GOOGLE_XML.into()),
        ("shopify.csv", SHOPIFY_CSV.into()),
        ("orders.csv", ORDERS_CSV.into()),
        ("products.jsonl", PRODUCTS_JSONL.into()),
        ("products.json", PRODUCTS_JSON.into()),
        ("events.jsonl", EVENTS_JSONL.into()),
        ("events.csv", EVENTS_CSV.into()),
        ("orders.parquet", parquet_orders()),
        ("orders.csv.gz", gzip(ORDERS_CSV.as_bytes())),
    ]
}

/// Runs to the end; what comes out must be what the log gives back, and every row must be accounted for.
fn check<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(
    import: Result<Import<T>, import::Error>,
    longest: usize,
    sound: impl Fn(&T) -> bool,
) -> Result<(), TestCaseError> {
    let mut import = match import {
        Ok(import) => import,
        Err(error) => {
            prop_assert!(!error.to_string().is_empty());
            return Ok(());
        }
    };
    let (mut made, mut bad) = (0, 0);
    for verdict in &mut import {
        match verdict {
            Ok(thing) => {
                made += 1;
                prop_assert!(sound(&thing), "{thing:?}");
                let json = serde_json::to_string(&thing).unwrap();
                prop_assert_eq!(&serde_json::from_str::<T>(&json).unwrap(), &thing);
            }
            Err(row) => {
                bad += 1;
                prop_assert!(!row.message.is_empty());
                let kept: BadRow = serde_json::from_str(&serde_json::to_string(&row).unwrap()).unwrap();
                prop_assert_eq!(&kept, &row);
                let _ = import::replay(&kept, None);
            }
        }
        prop_assert!(made + bad <= 3 * longest as u64 + 3, "the import does not end");
    }
    let report = import.report();
    prop_assert_eq!(report.rows_read, report.rows_used + report.rows_bad + report.rows_skipped_in_all());
    prop_assert_eq!((report.made_in_all(), report.bad), (made, bad));
    Ok(())
}

/// An event that the log can date and whose money can be added up.
fn is_sound_event(event: &Event) -> bool {
    let dated = Timestamp::parse("0001-01-01").unwrap()..Timestamp::parse("9999-01-01").unwrap();
    dated.contains(&event.occurred_at) && !event.visitor.is_nobody()
}

fn is_sound_product(product: &Product) -> bool {
    let bounded =
        |money: Option<mercer_schema::Money>| money.is_none_or(|money| money.minor.abs() <= 1_000_000_000_000);
    bounded(product.price) && bounded(product.list_price)
}

fn check_all(name: &str, bytes: &[u8], options: impl Fn() -> Options) -> Result<(), TestCaseError> {
    check(import::products(file(name, bytes), options()), 4 * bytes.len(), is_sound_product)?;
    check(import::orders(file(name, bytes), options()), 4 * bytes.len(), is_sound_event)?;
    check(import::events(file(name, bytes), options()), 4 * bytes.len(), is_sound_event)
}

proptest! {
    #[test]
    fn good_files_with_things_done_to_them(which in any::<prop::sample::Index>(), changes in changes(WORDS)) {
        let samples = samples();
        let (name, bytes) = which.get(&samples);
        check_all(name, &changed(bytes, &changes), || Options::new(received()))?;
    }

    #[test]
    fn good_files_under_another_format(
        which in any::<prop::sample::Index>(),
        changes in changes(WORDS),
        format in prop::sample::select(vec![Format::Csv, Format::Tsv, Format::Jsonl, Format::Parquet, Format::Xml]),
    ) {
        let samples = samples();
        let (name, bytes) = which.get(&samples);
        check_all(name, &changed(bytes, &changes), || Options { format: Some(format), ..Options::new(received()) })?;
    }

    #[test]
    fn parquet_with_things_done_to_it(changes in changes(&["PAR1", "\u{15}", "\u{1}", "\u{7f}", "order_id"])) {
        check_all("orders.parquet", &changed(&parquet_orders(), &changes), || Options::new(received()))?;
    }

    /// The mapping is a file that somebody wrote.
    #[test]
    fn mappings_with_things_done_to_them(
        which in any::<prop::sample::Index>(), file in any::<prop::sample::Index>(), changes in changes(WORDS),
    ) {
        let built_in: Vec<_> = Mapping::all_built_in().collect();
        let (name, text) = which.get(&built_in);
        let text = String::from_utf8_lossy(&changed(text.as_bytes(), &changes)).into_owned();
        match Mapping::from_toml(name, &text) {
            Err(error) => prop_assert!(error.to_string().contains(name), "{}", error),
            Ok(mapping) => for (name, bytes) in samples().into_iter().skip(file.index(9)).take(2) {
                check_all(name, &bytes, || Options { mapping: Some(mapping.clone()), ..Options::new(received()) })?;
            },
        }
    }

    #[test]
    fn mappings_of_arbitrary_text(text in ".{0,200}") {
        let _ = Mapping::from_toml("mine", &text);
    }

    /// Amounts, pieces and times as a column may hold them, in every style that a mapping can name.
    #[test]
    fn cells_of_any_kind(
        cells in prop::collection::vec(prop_oneof!["[-0-9.,' ]{0,24}", "[-+0-9:TZ ./eE]{0,30}", "[£$€A-Z]{0,4}[-0-9.,]{0,20}[£$€a-z ]{0,5}", ".{0,12}"], 4),
        options in prop::sample::select(vec!["", "decimal = \",\"", "minor_units = true"]),
        format in prop::sample::select(vec!["%d/%m/%Y %H:%M", "unix_seconds", "unix_micros", "%s", "%Y%j", "%G-W%V-%u", "%Q", "%", "%99999Y"]),
    ) {
        let comma = if options.is_empty() { "" } else { ", " };
        let text = format!(
            "kind = \"orders\"\n[fields]\norder_id = \"o\"\nproduct_id = \"p\"\nquantity = \"q\"\nprice = {{ column = \"m\"{comma}{options} }}\ntotal = {{ column = \"m\"{comma}{options} }}\ntime = {{ column = \"t\", format = \"{format}\" }}\n"
        );
        let rows = serde_json::json!({ "o": "1", "p": "A", "q": cells[0], "m": cells[1], "t": cells[2] }).to_string();
        if let Ok(mapping) = Mapping::from_toml("mine", &text) {
            let options = || Options { mapping: Some(mapping.clone()), format: Some(Format::Jsonl), ..Options::new(received()) };
            check(import::orders(file("cells", rows.clone()), options()), rows.len(), is_sound_event)?;
        }
    }
}
