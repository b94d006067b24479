//! One row of any format: texts under column names.
//!
//! Invariant: a cell is text without meaning; only a mapping says whether `12.50` is money. A cell that
//! holds several values (a repeated XML element, a JSON list) holds them with [`SEPARATOR`] between.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::Fault;

/// Stands between the values of one cell (ASCII unit separator).
pub(super) const SEPARATOR: char = '\u{1f}';

/// Columns that one file may have.
pub(super) const MAX_COLUMNS: usize = 20_000;

/// Bytes that one row may have.
pub(super) const MAX_ROW_BYTES: usize = 1 << 20;

/// The columns of a file. A table has them all at once; JSON and XML bring new ones as they go.
#[derive(Debug, Default)]
pub(super) struct Columns {
    names: Vec<String>,
    exact: HashMap<String, usize>,
    folded: HashMap<String, usize>,
}

impl Columns {
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// Finds a column by its name; when there is none, by letters and digits alone: `Customer ID` finds `customer_id`.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.exact.get(name).or_else(|| self.folded.get(&fold(name))).copied()
    }

    /// As [`Columns::find`]; `visitor.*` asks for anything nested in `visitor`.
    pub(super) fn has(&self, name: &str) -> bool {
        match name.strip_suffix('*') {
            Some(start) => self.names.iter().any(|known| known.starts_with(start)),
            None => self.find(name).is_some(),
        }
    }

    /// The position of exactly this name, made when it is new; `None` when there are too many columns.
    pub(super) fn position(&mut self, name: &str) -> Option<usize> {
        if let Some(position) = self.exact.get(name) {
            return Some(*position);
        }
        if self.names.len() >= MAX_COLUMNS {
            return None;
        }
        let position = self.names.len();
        self.names.push(name.to_owned());
        self.exact.insert(name.to_owned(), position);
        self.folded.entry(fold(name)).or_insert(position);
        Some(position)
    }
}

/// Lower case, letters and digits only, and without the `g:` of Google's names.
fn fold(name: &str) -> String {
    let name = name.strip_prefix("g:").unwrap_or(name);
    name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The cells of one row. Kept and refilled, so that reading allocates little.
#[derive(Debug, Clone, Default)]
pub(super) struct Row {
    /// Line of the file where the row begins, from 1; for Parquet the number of the row.
    pub(super) line: u64,
    /// Its bytes were no UTF-8 and were read as Windows-1252.
    pub(super) is_foreign: bool,
    text: String,
    /// Start and end in `text`, by column.
    spans: Vec<(usize, usize)>,
}

impl Row {
    pub(super) fn clear(&mut self, line: u64) {
        self.line = line;
        self.is_foreign = false;
        self.text.clear();
        self.spans.clear();
    }

    /// The cell in a column; empty where there is none.
    pub(super) fn get(&self, column: usize) -> &str {
        self.spans.get(column).and_then(|(start, end)| self.text.get(*start..*end)).unwrap_or("")
    }

    pub(super) fn set(&mut self, column: usize, cell: &str) {
        self.write(column, |text| text.push_str(cell));
    }

    /// Sets a cell to what `write` appends.
    pub(super) fn write(&mut self, column: usize, write: impl FnOnce(&mut String)) {
        let start = self.text.len();
        write(&mut self.text);
        if self.spans.len() <= column {
            self.spans.resize(column + 1, (0, 0));
        }
        self.spans[column] = (start, self.text.len());
    }

    /// Adds a value to a cell that may hold one already.
    pub(super) fn append(&mut self, column: usize, value: &str) {
        let before = self.get(column).to_owned();
        self.write(column, |text| {
            if !before.is_empty() {
                text.push_str(&before);
                text.push(SEPARATOR);
            }
            text.push_str(value);
        });
    }

    /// The row as one JSON object. Read again as JSON it is the same row, so a bad row can be replayed.
    pub(super) fn to_json(&self, columns: &Columns) -> Vec<u8> {
        let cells = columns.names().iter().enumerate().filter_map(|(position, name)| {
            let cell = self.get(position);
            (!cell.is_empty()).then(|| (name.clone(), to_value(cell)))
        });
        serde_json::to_vec(&Value::Object(cells.collect::<Map<_, _>>())).unwrap_or_default()
    }
}

fn to_value(cell: &str) -> Value {
    if cell.contains(SEPARATOR) { cell.split(SEPARATOR).map(Value::from).collect() } else { Value::from(cell) }
}

/// A row that could not be read at all.
#[derive(Debug)]
pub(super) struct RowFault {
    pub(super) fault: Fault,
    pub(super) raw: Vec<u8>,
    pub(super) line: u64,
    /// The rest of the file cannot be read either.
    pub(super) is_last: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_letters_and_digits() {
        let mut columns = Columns::default();
        assert_eq!(columns.position("Customer ID"), Some(0));
        assert_eq!(columns.position("g:sale_price"), Some(1));
        assert_eq!(columns.position("customer_id"), Some(2));
        assert_eq!(columns.find("customer_id"), Some(2));
        assert_eq!(columns.find("CustomerID"), Some(0));
        assert_eq!(columns.find("Sale Price"), Some(1));
        assert_eq!(columns.find("price"), None);
    }

    #[test]
    fn a_row_is_written_as_json_with_its_lists() {
        let mut columns = Columns::default();
        let mut row = Row::default();
        for (name, cell) in [("id", "7"), ("empty", ""), ("image", "a")] {
            let position = columns.position(name).unwrap();
            row.set(position, cell);
        }
        row.append(2, "b");
        assert_eq!(row.to_json(&columns), br#"{"id":"7","image":["a","b"]}"#);
        assert_eq!(row.get(99), "");
    }
}
