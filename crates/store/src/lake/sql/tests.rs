//! SQL over a small lake: it answers, refuses what is no question, and says what is wrong and where.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use datafusion::arrow::util::pretty::pretty_format_batches;
use mercer_schema::{
    Activity, Commerce, CommerceAction, Currency, Draft, Line, Money, Order, OrderId, Position, ProductId,
};

use super::{Answered, MemoryTable, SqlError, SqlOptions};
use crate::conformance::sample;
use crate::{EventLog, Lake, MemoryLog};

fn options() -> SqlOptions {
    SqlOptions { memory_bytes: 64 << 20, rows: None, tables: Vec::new() }
}

fn rows(lake: &Lake, sql: &str) -> Vec<String> {
    try_rows(lake, sql, &options()).unwrap_or_else(|error| panic!("{sql}: {error}")).0
}

/// The rows as text, cells between bars.
fn try_rows(lake: &Lake, sql: &str, options: &SqlOptions) -> Result<(Vec<String>, Answered), SqlError> {
    let mut batches: Vec<RecordBatch> = Vec::new();
    let answered = lake.query(sql, options, |batch| {
        batches.push(batch.clone());
        ControlFlow::Continue(())
    })?;
    assert!(!batches.is_empty(), "the columns are not known");
    let table = pretty_format_batches(&batches).unwrap().to_string();
    let cells = |row: &str| row.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>().join("|");
    let lines = table.lines().filter(|line| line.starts_with('|')).skip(1);
    Ok((lines.map(cells).collect(), answered))
}

fn fault(lake: &Lake, sql: &str) -> String {
    match try_rows(lake, sql, &options()) {
        Err(error @ SqlError::Query { .. }) => error.to_string(),
        other => panic!("{sql}: {other:?}"),
    }
}

fn lake_of(folder: &Path, log: &dyn EventLog) -> Lake {
    let lake = Lake::open(folder).unwrap();
    lake.extend(log).unwrap();
    lake
}

/// Ninety views, then ten orders of two pieces at 4.99 each.
fn shop() -> MemoryLog {
    let log = MemoryLog::default();
    let drafts = (0..90).map(sample::viewed).chain((90..100).map(sample::ordered));
    log.append(&drafts.collect::<Vec<Draft>>()).unwrap();
    log
}

fn order(number: u64, id: Option<&str>, total: Option<i64>, lines: &[(&str, u32, Option<i64>)]) -> Draft {
    let money = |minor| Money { minor, currency: Currency::parse("EUR").unwrap() };
    let line = |(product, quantity, price): &(&str, u32, Option<i64>)| Line {
        product_id: ProductId::trusted(*product),
        quantity: *quantity,
        price: price.map(money),
        position: None,
    };
    let commerce = Commerce {
        action: CommerceAction::OrderCompleted,
        lines: lines.iter().map(line).collect(),
        order: id.map(|id| Order { id: OrderId::trusted(id), total: total.map(money) }),
        query: None,
        list: None,
    };
    sample::draft(number, sample::event(number, Activity::Commerce(commerce)))
}

#[test]
fn groups_joins_and_time_functions_work() {
    let folder = tempfile::tempdir().unwrap();
    let log = shop();
    let lake = lake_of(folder.path(), &log);
    // In a second file, so that tables span files.
    log.append(&(100..110).map(sample::viewed).collect::<Vec<_>>()).unwrap();
    lake.extend(&log).unwrap();
    assert_eq!(
        rows(&lake, "SELECT activity, count(*) AS events FROM events GROUP BY activity ORDER BY events DESC"),
        ["product_viewed|100", "order_completed|10"]
    );
    let by_hour = "SELECT date_trunc('hour', occurred_at) AS hour, count(*) FROM events GROUP BY hour ORDER BY hour";
    assert_eq!(rows(&lake, by_hour), ["2011-10-30T18:00:00Z|20", "2011-10-30T19:00:00Z|60", "2011-10-30T20:00:00Z|30"]);
    let joined = "SELECT sum(quantity * price_minor) AS minor, max(extract(minute FROM lines.occurred_at)) AS minute
         FROM lines JOIN events USING (position) WHERE activity = 'order_completed'";
    assert_eq!(rows(&lake, joined), ["9980|19"]);
    assert_eq!(rows(&lake, "SELECT count(*), sum(total_minor), min(currency) FROM orders"), ["10|9980|GBP"]);
    assert_eq!(rows(&lake, "WITH busy AS (SELECT DISTINCT customer_id FROM lines) SELECT count(*) FROM busy"), ["50"]);
    let windowed = "SELECT position, lag(position) OVER (ORDER BY position) FROM events ORDER BY position LIMIT 2";
    assert_eq!(rows(&lake, windowed), ["1|", "2|1"]);
    assert_eq!(rows(&lake, "SELECT 1 AS one; "), ["1"]);
}

#[test]
fn an_order_counts_once_however_often_it_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let log = MemoryLog::default();
    log.append(&[
        // The browser knows the lines, the server the total.
        order(1, Some("o-1"), None, &[("a", 2, Some(250)), ("b", 1, None)]),
        order(2, Some("o-1"), Some(450), &[("a", 2, Some(250)), ("b", 1, None)]),
        order(3, Some("o-2"), Some(900), &[]),
        order(4, Some("o-2"), None, &[("c", 3, None)]),
        // Without an id nothing tells whether it is the same.
        order(5, None, None, &[("a", 1, Some(250))]),
        order(6, None, None, &[("a", 1, Some(250))]),
    ])
    .unwrap();
    let lake = lake_of(folder.path(), &log);
    assert_eq!(
        rows(
            &lake,
            "SELECT position, order_id, total_minor, line_count, pieces, reports FROM orders ORDER BY position"
        ),
        ["1|o-1|500|2|3|2", "3|o-2|900|1|3|2", "5||250|1|1|1", "6||250|1|1|1"]
    );
    assert_eq!(
        rows(&lake, "SELECT position, product_id, quantity FROM order_lines ORDER BY position, line"),
        ["1|a|2", "1|b|1", "4|c|3", "5|a|1", "6|a|1"]
    );
}

#[test]
fn an_empty_lake_has_its_tables_without_rows() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake_of(folder.path(), &MemoryLog::default());
    for table in lake.tables(&options()).unwrap() {
        assert_eq!(rows(&lake, &format!("SELECT count(*) FROM {}", table.name)), ["0"], "{}", table.name);
        assert_eq!(rows(&lake, &format!("SELECT * FROM {}", table.name)), [""; 0]);
    }
}

#[test]
fn every_table_and_column_is_described() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake_of(folder.path(), &shop());
    let names: ArrayRef = Arc::new(StringArray::from(vec!["p-1"]));
    let brought = MemoryTable {
        name: "products",
        about: "One row a product.",
        columns: &[("product_id", "the shop's id")],
        rows: RecordBatch::try_from_iter([("product_id", names)]).unwrap(),
    };
    let options = SqlOptions { tables: vec![brought], ..options() };
    let tables = lake.tables(&options).unwrap();
    let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
    assert_eq!(names, ["events", "lines", "orders", "order_lines", "products"]);
    for table in &tables {
        for column in &table.columns {
            assert!(!column.about.is_empty(), "{}.{}", table.name, column.name);
        }
    }
    let kinds: Vec<&str> = tables[1].columns.iter().take(4).map(|column| column.kind.as_str()).collect();
    assert_eq!(kinds, ["BIGINT", "BIGINT", "TIMESTAMP", "TEXT"]);
    let joined = try_rows(&lake, "SELECT count(*) FROM lines JOIN products USING (product_id)", &options).unwrap();
    assert_eq!(joined.0, ["2"]);
}

/// The document has a row for every column, so that nobody has to guess.
#[test]
fn the_document_names_every_table_and_column() {
    let document = include_str!("../../../../../docs/sql.md");
    let folder = tempfile::tempdir().unwrap();
    let lake = lake_of(folder.path(), &MemoryLog::default());
    for table in lake.tables(&options()).unwrap() {
        let heading = format!("`{}`", table.name);
        let section = document.split("\n### ").find(|section| section.starts_with(&heading));
        let section = section.unwrap_or_else(|| panic!("docs/sql.md has no section {heading}"));
        for column in table.columns {
            let row = format!("| `{}` | {} |", column.name, column.kind);
            assert!(section.contains(&row) || table.name == "order_lines", "docs/sql.md, {heading}: {row}");
        }
    }
}

#[test]
fn explain_show_and_describe_are_questions() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake_of(folder.path(), &shop());
    assert!(rows(&lake, "EXPLAIN SELECT count(*) FROM events").len() > 1);
    assert!(rows(&lake, "EXPLAIN ANALYZE SELECT count(*) FROM lines").join("\n").contains("rows"));
    assert!(rows(&lake, "SHOW TABLES").iter().any(|row| row.contains("order_lines")));
    assert_eq!(rows(&lake, "SHOW COLUMNS FROM lines").len(), 16);
    assert_eq!(rows(&lake, "DESCRIBE lines").len(), 16);
}

#[test]
fn what_is_no_question_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake_of(folder.path(), &shop());
    let target = folder.path().join("stolen.csv");
    let target = target.display();
    for (sql, named) in [
        ("CREATE TABLE mine AS SELECT * FROM events".to_owned(), "CREATE TABLE"),
        ("CREATE VIEW mine AS SELECT 1".into(), "CREATE VIEW"),
        ("CREATE EXTERNAL TABLE passwords STORED AS CSV LOCATION '/etc/passwd'".into(), "CREATE EXTERNAL TABLE"),
        (format!("COPY events TO '{target}'"), "COPY"),
        (format!("EXPLAIN ANALYZE COPY events TO '{target}'"), "COPY"),
        ("DROP TABLE events".into(), "DROP TABLE"),
        ("INSERT INTO lines SELECT * FROM lines".into(), "INSERT INTO"),
        ("WITH x AS (SELECT 1) INSERT INTO lines SELECT * FROM lines".into(), "INSERT INTO"),
        ("UPDATE events SET source = 'me'".into(), "UPDATE"),
        ("DELETE FROM events".into(), "DELETE FROM"),
        ("TRUNCATE TABLE events".into(), "TRUNCATE TABLE"),
        ("SET datafusion.execution.batch_size = 1".into(), "SET"),
        ("RESET datafusion.execution.batch_size".into(), "RESET"),
        ("SELECT 1; DROP TABLE events".into(), "more than one statement"),
        ("BEGIN TRANSACTION".into(), "refused"),
        ("PREPARE mine AS SELECT 1".into(), "PREPARE"),
    ] {
        let error = try_rows(&lake, &sql, &options()).unwrap_err();
        assert!(matches!(error, SqlError::Refused(_)), "{sql}: {error:?}");
        assert!(error.to_string().contains(named), "{sql}: {error}");
    }
    assert!(!folder.path().join("stolen.csv").exists());
    assert_eq!(rows(&lake, "SELECT count(*) FROM events"), ["100"]);
}

#[test]
fn other_files_have_no_name() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake_of(folder.path(), &shop());
    let own = lake.files()[0].display().to_string();
    for path in [own.as_str(), "/etc/passwd", "file:///etc/passwd", "lake://mercer/events/"] {
        let error = fault(&lake, &format!("SELECT * FROM '{path}'"));
        assert!(error.contains("not found"), "{error}");
    }
    for function in ["read_csv", "read_parquet", "parquet_metadata"] {
        fault(&lake, &format!("SELECT * FROM {function}('/etc/passwd')"));
    }
}

#[test]
fn a_fault_says_what_and_where() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake_of(folder.path(), &shop());
    let error = fault(&lake, "SELECT position,\n       revenue\nFROM orders");
    assert!(error.contains("'revenue' not found (line 2, column 8)"), "{error}");
    assert!(error.contains("\n         revenue\n         ^^^^^^^"), "{error}");
    let error = fault(&lake, "SELECT * FROM order");
    assert!(error.contains("(line 1, column 15)"), "{error}");
    let error = fault(&lake, "SELECT * FROM baskets");
    assert!(error.contains("'baskets' not found (line 1, column 15)"), "{error}");
    let error = fault(&lake, "SELECT count(* FROM lines");
    assert!(error.contains("Expected: )") && error.contains("line 1, column 16"), "{error}");
    let error = fault(&lake, "SELECT 'open");
    assert!(error.contains("Unterminated string") && error.contains("line 1, column 8"), "{error}");
    let error = fault(&lake, "SELECT meen(quantity) FROM lines");
    assert!(error.contains("meen"), "{error}");
    assert!(fault(&lake, "SELECT quantity / 0 FROM lines").contains("zero"));
    assert!(fault(&lake, "SELECT cast(product_id AS BIGINT) FROM lines").contains("p-"));
    assert!(fault(&lake, " ; -- nothing").contains("there is no query"));
    assert!(fault(&lake, "").contains("there is no query"));
}

#[test]
fn rows_are_cut_and_it_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake_of(folder.path(), &shop());
    let sql = "SELECT position FROM events ORDER BY position";
    let limited = |rows| try_rows(&lake, sql, &SqlOptions { rows: Some(rows), ..options() }).unwrap();
    assert_eq!(limited(2), (vec!["1".into(), "2".into()], Answered { rows: 2, is_cut: true }));
    assert_eq!(limited(100).1, Answered { rows: 100, is_cut: false });
    assert_eq!(limited(0).1, Answered { rows: 0, is_cut: true });
    let shown = try_rows(&lake, "SHOW COLUMNS FROM lines", &SqlOptions { rows: Some(3), ..options() }).unwrap();
    assert_eq!(shown.1, Answered { rows: 3, is_cut: true });
    let mut batches = 0;
    lake.query("SELECT * FROM events", &options(), |_| {
        batches += 1;
        ControlFlow::Break(())
    })
    .unwrap();
    assert_eq!(batches, 1);
}

#[test]
fn memory_is_bounded_and_nothing_is_spilled() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake_of(folder.path(), &shop());
    let greedy = "SELECT a.message_id || b.message_id || c.message_id AS x, count(*) FROM events a CROSS JOIN events b
         CROSS JOIN events c GROUP BY x ORDER BY x";
    let error = try_rows(&lake, greedy, &SqlOptions { memory_bytes: 4 << 20, ..options() }).unwrap_err();
    assert!(matches!(error, SqlError::TooMuchMemory { limit_bytes: 4_194_304 }), "{error:?}");
    assert!(error.to_string().contains("4 MiB"), "{error}");
}

#[test]
fn a_broken_file_names_itself() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake_of(folder.path(), &shop());
    let path = folder.path().join("lines/000000000001-000000000100.parquet");
    let whole = std::fs::read(&path).unwrap();
    // The pages begin after the magic word; their first header is destroyed.
    let mut torn = whole.clone();
    torn[4..60].fill(0xFF);
    for broken in [&whole[..whole.len() / 2], b"", b"not parquet at all", &torn] {
        std::fs::write(&path, broken).unwrap();
        let error = try_rows(&lake, "SELECT * FROM lines", &options()).unwrap_err();
        assert!(matches!(error, SqlError::Store(_)), "{error:?}");
        let error = error.to_string();
        assert!(error.contains("lines/000000000001-000000000100.parquet") && error.contains("delete"), "{error}");
    }
    std::fs::remove_file(&path).unwrap();
    let error = try_rows(&lake, "SELECT 1", &options()).unwrap_err().to_string();
    assert!(error.contains("000000000001-000000000100.parquet"), "{error}");
}

#[test]
fn a_folder_with_odd_letters_is_read() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("my shop [100 %] *? é");
    let lake = lake_of(&folder, &shop());
    assert_eq!(lake.events_upto(), Position(100));
    assert_eq!(rows(&lake, "SELECT count(*) FROM events"), ["100"]);
}
