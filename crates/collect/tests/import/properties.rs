//! Whatever the bytes are: no panic, no endless import, and every row accounted for.

use mercer_collect::import::{self, Format, Import, Options};
use mercer_schema::Timestamp;
use proptest::prelude::*;

use crate::{file, options, received};

/// Runs to the end and holds the report against what came out.
fn check<T>(import: Result<Import<T>, import::Error>, bytes: usize) -> Result<(), TestCaseError> {
    let Ok(mut import) = import else {
        return Ok(());
    };
    let (mut made, mut bad) = (0, 0);
    for verdict in &mut import {
        match verdict {
            Ok(_) => made += 1,
            Err(_) => bad += 1,
        }
        prop_assert!(made + bad <= 3 * bytes as u64 + 3, "the import does not end");
    }
    let report = import.report();
    prop_assert_eq!(report.rows_read, report.rows_used + report.rows_bad + report.rows_skipped_in_all());
    prop_assert_eq!((report.made_in_all(), report.bad), (made, bad));
    Ok(())
}

fn check_all(name: &str, format: Option<Format>, bytes: &[u8]) -> Result<(), TestCaseError> {
    let options = || Options { format, ..Options::new(received()) };
    check(import::products(file(name, bytes), options()), bytes.len())?;
    check(import::orders(file(name, bytes), options()), bytes.len())?;
    check(import::events(file(name, bytes), options()), bytes.len())
}

const FORMATS: [Format; 5] = [Format::Csv, Format::Tsv, Format::Jsonl, Format::Parquet, Format::Xml];

/// Text that often gets past the first checks.
fn nearly_a_file() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "id",
        "title",
        "price",
        "order_id",
        "product_id",
        "time",
        "event",
        "type",
        ",",
        ",",
        "\t",
        "\n",
        "\n",
        "\"",
        "{",
        "}",
        "[",
        "]",
        ":",
        "<item>",
        "</item>",
        "<g:id>",
        "</g:id>",
        "<title>",
        "</title>",
        "&amp;",
        "&#0;",
        "<![CDATA[",
        "]]>",
        "1",
        "-2",
        "12.50 GBP",
        "2011-12-09",
        "track",
        "\u{1f}",
        "é",
        "null",
        " ",
        "\r\n",
        "{\"id\":\"1\",\"title\":\"x\"}",
        "{\"type\":\"track\",\"event\":\"x\",\"userId\":\"u\",\"timestamp\":\"2011-12-09\"}",
    ]);
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300), format in prop::option::of(prop::sample::select(FORMATS.to_vec()))) {
        check_all("any", format, &bytes)?;
    }

    #[test]
    fn nearly_any_text(text in nearly_a_file(), format in prop::option::of(prop::sample::select(FORMATS[..3].to_vec()))) {
        check_all("any", format, text.as_bytes())?;
        check_all("any.xml", None, text.as_bytes())?;
    }

    #[test]
    fn any_rows_under_a_good_header(rows in "[a-c0-9,\"\n;.-]{0,200}") {
        check_all("t.csv", None, format!("order_id,product_id,time,quantity\n{rows}").as_bytes())?;
        check_all("t.csv", None, format!("id,title,price,availability,stock\n{rows}").as_bytes())?;
    }

    /// However the lines lie, the same orders come out, as long as they lie within the window.
    #[test]
    fn orders_do_not_depend_on_the_order_of_lines(mut lines in prop::collection::vec((0_u8..6, 0_u8..9, 1_u8..4), 1..40), seed: u64) {
        let read = |lines: &[(u8, u8, u8)]| {
            let rows: String = lines.iter().map(|(order, product, quantity)| format!("{order},{product},2020-01-01,{quantity}\n")).collect();
            let table = format!("order_id,product_id,time,quantity\n{rows}");
            let mut events: Vec<_> = import::orders(file("o.csv", table), options(None)).unwrap().map(Result::unwrap).collect();
            events.sort_by(|left, right| left.message_id.cmp(&right.message_id));
            let described = |event: &mercer_schema::Event| {
                let mut lines = crate::lines(event);
                lines.sort();
                (event.message_id.clone(), event.visitor.clone(), event.occurred_at, lines)
            };
            events.iter().map(described).collect::<Vec<_>>()
        };
        let before = read(&lines);
        let length = lines.len();
        for place in 0..length {
            lines.swap(place, (seed as usize).wrapping_mul(place + 7) % length);
        }
        prop_assert_eq!(before, read(&lines));
    }

    #[test]
    fn times_survive_the_way_through_a_table(micros in 946_684_800_000_000_i64..1_700_000_000_000_000) {
        let time = Timestamp(micros);
        let table = format!("order_id,product_id,time\n1,A,{time}\n");
        let event = import::orders(file("o.csv", table), options(None)).unwrap().next().unwrap().unwrap();
        prop_assert_eq!(event.occurred_at, time);
    }
}
