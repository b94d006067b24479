//! An answer on standard output: an aligned table for people, CSV and JSON for programs.

use std::io::{BufWriter, Write};
use std::ops::ControlFlow;

use arrow::array::RecordBatch;
use arrow::csv::WriterBuilder as CsvBuilder;
use arrow::error::ArrowError;
use arrow::json::WriterBuilder as JsonBuilder;
use arrow::json::writer::{JsonArray, LineDelimited};
use mercer_store::Lake;
use mercer_store::sql::{Answered, SqlOptions, SqlTable};
use serde_json::json;

use super::table::Table;
use crate::cli::{Sql, SqlFormat};
use crate::failure::Failure;
use crate::output;

/// Rows of a table for people, when no limit is given. Programs get all rows.
const SCREEN_ROWS: usize = 1_000;

pub(super) fn format(sql: &Sql, as_json: bool) -> SqlFormat {
    sql.format.unwrap_or(if as_json { SqlFormat::Json } else { SqlFormat::Table })
}

/// How many rows to give; none for all.
pub(super) fn row_limit(sql: &Sql, as_json: bool) -> Option<usize> {
    match sql.limit {
        Some(0) => None,
        Some(rows) => Some(rows),
        None => (format(sql, as_json) == SqlFormat::Table).then_some(SCREEN_ROWS),
    }
}

pub(super) fn answer(lake: &Lake, query: &str, options: &SqlOptions, format: SqlFormat) -> Result<(), Failure> {
    let out = BufWriter::new(std::io::stdout());
    let answered = match format {
        SqlFormat::Table => {
            let mut table = Table::default();
            let mut fault = None;
            let answered = lake.query(query, options, |batch| stop_at(table.add(batch), &mut fault))?;
            fault.map_or(Ok(()), |fault| failed(&fault))?;
            written(table.write(out))?;
            output::remark(format!("({})", rows(answered.rows)));
            answered
        }
        SqlFormat::Csv => {
            let mut writer = CsvBuilder::new().with_header(true).build(out);
            let answered = lines(lake, query, options, |batch| writer.write(batch))?;
            end(writer.into_inner(), "")?;
            answered
        }
        SqlFormat::Jsonl => {
            let mut writer = JsonBuilder::new().with_explicit_nulls(true).build::<_, LineDelimited>(out);
            let answered = lines(lake, query, options, |batch| writer.write(batch))?;
            end(writer.into_inner(), "")?;
            answered
        }
        SqlFormat::Json => {
            let mut writer = JsonBuilder::new().with_explicit_nulls(true).build::<_, JsonArray>(out);
            let answered = lines(lake, query, options, |batch| writer.write(batch))?;
            writer.finish().or_else(|fault| failed(&fault))?;
            end(writer.into_inner(), "\n")?;
            answered
        }
    };
    say_if_cut(answered);
    Ok(())
}

/// The tables with their columns.
pub(super) fn tables(tables: &[SqlTable], as_json: bool) {
    if as_json {
        let tables = tables.iter().map(|table| {
            let columns = table.columns.iter().map(|column| {
                json!({
                    "name": column.name, "type": column.kind,
                    "nullable": !column.is_always_there, "about": column.about,
                })
            });
            json!({ "name": table.name, "about": table.about, "columns": columns.collect::<Vec<_>>() })
        });
        output::json(&json!({ "tables": tables.collect::<Vec<_>>() }));
        return;
    }
    for (number, table) in tables.iter().enumerate() {
        let gap = if number == 0 { "" } else { "\n" };
        output::line(format!("{gap}{}  {}", table.name, table.about));
        for column in &table.columns {
            output::line(format!("  {:<17} {:<10} {}", column.name, column.kind, column.about));
        }
    }
}

/// Gives all batches to a writer that may fail.
fn lines(
    lake: &Lake,
    query: &str,
    options: &SqlOptions,
    mut write: impl FnMut(&RecordBatch) -> Result<(), ArrowError>,
) -> Result<Answered, Failure> {
    let mut fault = None;
    let answered = lake.query(query, options, |batch| stop_at(write(batch), &mut fault))?;
    fault.map_or(Ok(answered), |fault| failed(&fault).map(|()| answered))
}

fn stop_at(result: Result<(), ArrowError>, fault: &mut Option<ArrowError>) -> ControlFlow<()> {
    match result {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            *fault = Some(error);
            ControlFlow::Break(())
        }
    }
}

/// Writes the last of it.
fn end(mut out: impl Write, last: &str) -> Result<(), Failure> {
    written(out.write_all(last.as_bytes()).and_then(|()| out.flush()))
}

/// A reader that went away (`| head`) is no failure of ours.
fn failed(fault: &ArrowError) -> Result<(), Failure> {
    match fault {
        ArrowError::IoError(_, error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        ArrowError::IoError(_, error) => Err(Failure::job(format!("the answer cannot be written: {error}"))),
        other => Err(Failure::job(format!("the answer cannot be written: {other}"))),
    }
}

fn written(result: std::io::Result<()>) -> Result<(), Failure> {
    result.or_else(|error| failed(&ArrowError::IoError(String::new(), error)))
}

fn rows(count: usize) -> String {
    if count == 1 { "1 row".into() } else { format!("{count} rows") }
}

fn say_if_cut(answered: Answered) {
    if answered.is_cut {
        output::remark(format!("these are the first {}; `--limit 0` gives all", rows(answered.rows)));
    }
}
