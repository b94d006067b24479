//! What is wrong with a query, and where: in the words of the one who wrote it.
//!
//! The query's faults are told apart from the lake's (a broken file) and from ours.

use std::fmt::Write;

use datafusion::arrow::error::ArrowError;
use datafusion::common::Span;
use datafusion::error::DataFusionError;

use crate::Error;

#[derive(Debug, thiserror::Error)]
pub enum SqlError {
    /// The query is wrong.
    #[error("{}", in_words(problem, place.as_ref(), advice))]
    Query { problem: String, place: Option<Place>, advice: Vec<String> },
    #[error(
        "{0} is refused: queries only read. Write one SELECT, EXPLAIN, SHOW or DESCRIBE over the tables that \
         `mercer sql --tables` lists"
    )]
    Refused(String),
    #[error(
        "the query needs more than {} MiB of memory. Read fewer rows (WHERE occurred_at >= …) or fewer columns, group \
         by less, or allow more memory", limit_bytes >> 20
    )]
    TooMuchMemory { limit_bytes: usize },
    #[error(transparent)]
    Store(#[from] Error),
    #[error("the query could not be run: {0}. This is no fault of the query; please report it")]
    Failed(String),
}

/// A place in a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// From 1.
    pub line: u64,
    /// From 1, in characters.
    pub column: u64,
    /// Characters that are meant, at least 1.
    pub width: u64,
    /// That line of the query.
    pub text: String,
}

/// A statement that is no question, on its way through DataFusion's errors.
#[derive(Debug, thiserror::Error)]
#[error("{0} is refused")]
pub(super) struct Refused(pub(super) String);

pub(super) fn explain(error: &DataFusionError, sql: &str, memory_bytes: usize) -> SqlError {
    let root = error.find_root();
    match root {
        DataFusionError::External(cause) if cause.is::<Refused>() => {
            let what = cause.downcast_ref::<Refused>().map(|refused| refused.0.clone());
            return SqlError::Refused(what.unwrap_or_default());
        }
        DataFusionError::ResourcesExhausted(_) => return SqlError::TooMuchMemory { limit_bytes: memory_bytes },
        _ if may_be_a_file(error) => return SqlError::Failed(plain(&root.strip_backtrace())),
        _ => {}
    }
    match error.diagnostic() {
        Some(diagnostic) => {
            let notes = diagnostic.notes.iter().map(|note| &note.message);
            let advice = notes.chain(diagnostic.helps.iter().map(|help| &help.message)).map(|text| plain(text));
            let list = diagnostic.message.starts_with("table ").then(|| "`mercer sql --tables` lists them".to_owned());
            query_fault(&diagnostic.message, diagnostic.span, advice.chain(list).collect(), sql)
        }
        None => query_fault(&root.strip_backtrace(), None, Vec::new(), sql),
    }
}

/// Might a damaged or vanished file be the cause? Not when the query itself explains it.
pub(super) fn may_be_a_file(error: &DataFusionError) -> bool {
    match error.find_root() {
        DataFusionError::ArrowError(cause, _) => {
            matches!(**cause, ArrowError::ParquetError(_) | ArrowError::IoError(..) | ArrowError::ExternalError(_))
        }
        DataFusionError::External(cause) => !cause.is::<Refused>(),
        DataFusionError::ParquetError(_)
        | DataFusionError::ObjectStore(_)
        | DataFusionError::IoError(_)
        | DataFusionError::ExecutionJoin(_)
        | DataFusionError::Internal(_) => true,
        _ => false,
    }
}

fn query_fault(message: &str, span: Option<Span>, advice: Vec<String>, sql: &str) -> SqlError {
    let (message, said) = without_place(message);
    let place = match span {
        Some(span) if span.start.line > 0 => {
            let is_on_one_line = span.start.line == span.end.line;
            let width = if is_on_one_line { span.end.column.saturating_sub(span.start.column) } else { 1 };
            place(sql, span.start.line, span.start.column, width)
        }
        _ => said.and_then(|(line, column)| place(sql, line, column, 1)),
    };
    SqlError::Query { problem: plain(message), place, advice }
}

fn place(sql: &str, line: u64, column: u64, width: u64) -> Option<Place> {
    let text = sql.lines().nth(usize::try_from(line.checked_sub(1)?).ok()?)?;
    Some(Place { line, column, width: width.max(1), text: text.replace('\t', " ") })
}

/// A parser's message ends in its place: ` at Line: 1, Column: 8`.
fn without_place(message: &str) -> (&str, Option<(u64, u64)>) {
    let read = || {
        let (rest, place) = message.rsplit_once(" at Line: ")?;
        let (line, column) = place.split_once(", Column: ")?;
        let digits = column.len() - column.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
        Some((rest, (line.parse().ok()?, column.get(..digits)?.parse().ok()?)))
    };
    read().map_or((message, None), |(rest, place)| (rest, Some(place)))
}

/// Without the wrappings that tell where in DataFusion an error was made.
fn plain(message: &str) -> String {
    const WRAPPINGS: [&str; 9] = [
        "SQL error: ",
        "Error during planning: ",
        "This feature is not implemented: ",
        "Schema error: ",
        "Execution error: ",
        "Arrow error: ",
        "Optimizer rule 'simplify_expressions' failed\ncaused by\n",
        "ParserError(\"",
        "TokenizerError(\"",
    ];
    let mut text = message.trim();
    while let Some(rest) = WRAPPINGS.iter().find_map(|wrapping| text.strip_prefix(wrapping)) {
        text = rest;
    }
    let text = text.strip_suffix("\")").unwrap_or(text).replace("\\\"", "\"");
    text.replace("mercer.lake.", "").trim_end_matches('.').to_owned()
}

fn in_words(problem: &str, place: Option<&Place>, advice: &[String]) -> String {
    let mut words = format!("the query is wrong: {problem}");
    if let Some(Place { line, column, width, text }) = place {
        // The words before the place are kept short enough for a terminal.
        let before = usize::try_from(*column).unwrap_or(1).saturating_sub(1);
        let skipped = before.saturating_sub(60);
        let shown: String = text.chars().skip(skipped).take(100).collect();
        let marks = usize::try_from(*width).unwrap_or(1).min(shown.chars().count().saturating_sub(before - skipped));
        let _ = write!(words, " (line {line}, column {column})\n  {shown}\n  ");
        let _ = write!(words, "{}{}", " ".repeat(before - skipped), "^".repeat(marks.max(1)));
    }
    for sentence in advice {
        let _ = write!(words, "\n  {sentence}");
    }
    words
}
