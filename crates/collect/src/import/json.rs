//! JSON: one object a line, or one array of objects.
//!
//! Invariant: one object at a time is in memory, at most [`MAX_ROW_BYTES`] of it. Nested fields become columns
//! with a path for a name: `price.amount`, `images.src`.

use std::io::{self, BufRead as _};

use serde_json::Value;

use super::input::Text;
use super::row::{Columns, MAX_COLUMNS, MAX_ROW_BYTES, Row, RowFault};
use crate::{BadReason, Fault};

pub(super) struct JsonReader {
    text: Text,
    /// The bytes of the value that was read last, as they came.
    raw: Vec<u8>,
    line: u64,
    shape: Shape,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Unknown,
    Lines,
    Array,
    Ended,
}

enum Piece {
    /// A value begins on this line and is in `raw`.
    Whole(u64),
    TooLarge(u64),
    /// The array is not closed.
    Torn(u64),
    End,
}

impl JsonReader {
    pub(super) const fn new(text: Text) -> Self {
        Self { text, raw: Vec::new(), line: 1, shape: Shape::Unknown }
    }

    /// The bytes of the row that was read last.
    pub(super) fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// Fills the next row; false at the end of the file.
    pub(super) fn next(&mut self, columns: &mut Columns, row: &mut Row) -> Result<bool, RowFault> {
        let unreadable = |line, error: io::Error| RowFault {
            fault: Fault::new(BadReason::Malformed, format!("the file cannot be read further: {error}")),
            raw: Vec::new(),
            line,
            is_last: true,
        };
        let line = match self.piece().map_err(|error| unreadable(self.line, error))? {
            Piece::End => return Ok(false),
            Piece::Whole(line) => line,
            Piece::TooLarge(line) => {
                let message = format!("the object is longer than {MAX_ROW_BYTES} bytes");
                return Err(self.fault(line, BadReason::TooLarge, message));
            }
            Piece::Torn(line) => {
                self.shape = Shape::Ended;
                let message = "the file ends in the middle of the array; it may have been cut off".to_owned();
                return Err(RowFault { is_last: true, ..self.fault(line, BadReason::Malformed, message) });
            }
        };
        let value: Value = match serde_json::from_slice(&self.raw) {
            Ok(value) => value,
            Err(error) => return Err(self.fault(line, BadReason::Malformed, format!("no valid JSON: {error}"))),
        };
        let Value::Object(object) = value else {
            let message = "expected a JSON object with the row's fields".to_owned();
            return Err(self.fault(line, BadReason::WrongType, message));
        };
        row.clear(line);
        for (name, value) in &object {
            if !flatten(name, value, columns, row) {
                let message = format!("the file has more than {MAX_COLUMNS} different field names");
                return Err(self.fault(line, BadReason::TooLarge, message));
            }
        }
        Ok(true)
    }

    fn fault(&self, line: u64, reason: BadReason, message: String) -> RowFault {
        RowFault { fault: Fault::new(reason, message), raw: self.raw.clone(), line, is_last: false }
    }

    fn piece(&mut self) -> io::Result<Piece> {
        self.raw.clear();
        if self.shape == Shape::Unknown {
            self.shape = match self.peek_past_space(b"")? {
                Some(b'[') => {
                    self.text.consume(1);
                    Shape::Array
                }
                _ => Shape::Lines,
            };
        }
        match self.shape {
            Shape::Lines | Shape::Unknown => self.line_piece(),
            Shape::Array => self.array_piece(),
            Shape::Ended => Ok(Piece::End),
        }
    }

    /// The next byte that is neither white space nor among `also`, left unread.
    fn peek_past_space(&mut self, also: &[u8]) -> io::Result<Option<u8>> {
        loop {
            let input = self.text.fill_buf()?;
            if input.is_empty() {
                return Ok(None);
            }
            let count = input.iter().take_while(|byte| byte.is_ascii_whitespace() || also.contains(byte)).count();
            let found = input.get(count).copied();
            self.line += count_lines(&input[..count]);
            self.text.consume(count);
            if found.is_some() {
                return Ok(found);
            }
        }
    }

    fn line_piece(&mut self) -> io::Result<Piece> {
        if self.peek_past_space(b"")?.is_none() {
            return Ok(Piece::End);
        }
        let line = self.line;
        let mut is_too_large = false;
        loop {
            let input = self.text.fill_buf()?;
            let end = input.iter().position(|byte| *byte == b'\n');
            let part = &input[..end.unwrap_or(input.len())];
            is_too_large |= !keep(&mut self.raw, part);
            let (count, is_end) = (end.map_or(input.len(), |end| end + 1), end.is_some() || input.is_empty());
            self.line += u64::from(end.is_some());
            self.text.consume(count);
            if is_end {
                break;
            }
        }
        self.raw.truncate(self.raw.trim_ascii_end().len());
        Ok(if is_too_large { Piece::TooLarge(line) } else { Piece::Whole(line) })
    }

    fn array_piece(&mut self) -> io::Result<Piece> {
        match self.peek_past_space(b",")? {
            None => return Ok(Piece::Torn(self.line)),
            Some(b']') => {
                self.text.consume(1);
                self.shape = Shape::Ended;
                return Ok(Piece::End);
            }
            // A bracket that closes nothing is taken as a (bad) value, so that reading goes on.
            Some(stray @ b'}') => {
                self.text.consume(1);
                self.raw.push(stray);
                return Ok(Piece::Whole(self.line));
            }
            Some(_) => {}
        }
        let line = self.line;
        let mut nesting = Nesting::default();
        let mut is_too_large = false;
        loop {
            let input = self.text.fill_buf()?;
            if input.is_empty() {
                return Ok(Piece::Torn(line));
            }
            let end = input.iter().position(|byte| nesting.ends_before(*byte));
            let count = end.unwrap_or(input.len());
            is_too_large |= !keep(&mut self.raw, &input[..count]);
            self.line += count_lines(&input[..count]);
            self.text.consume(count);
            if end.is_some() {
                self.raw.truncate(self.raw.trim_ascii_end().len());
                return Ok(if is_too_large { Piece::TooLarge(line) } else { Piece::Whole(line) });
            }
        }
    }
}

/// Where in a JSON value the reader is, as far as is needed to find the value's end.
#[derive(Default)]
struct Nesting {
    depth: usize,
    is_text: bool,
    is_escaped: bool,
}

impl Nesting {
    /// Takes the next byte; true when it stands behind the value.
    fn ends_before(&mut self, byte: u8) -> bool {
        if self.is_text {
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' => self.is_escaped = true,
                b'"' => self.is_text = false,
                _ => {}
            }
            return false;
        }
        match byte {
            b'"' => self.is_text = true,
            b'{' | b'[' => self.depth += 1,
            b',' | b']' | b'}' if self.depth == 0 => return true,
            b'}' | b']' => self.depth -= 1,
            _ => {}
        }
        false
    }
}

fn count_lines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}

/// Appends as long as the row stays within its bounds; false when it does not.
fn keep(raw: &mut Vec<u8>, part: &[u8]) -> bool {
    let room = MAX_ROW_BYTES.saturating_sub(raw.len());
    raw.extend(part.iter().take(room));
    part.len() <= room
}

/// Writes a value and what is nested in it; false when there are too many columns.
fn flatten(path: &str, value: &Value, columns: &mut Columns, row: &mut Row) -> bool {
    let text = match value {
        Value::Null => return true,
        Value::Object(object) => {
            return object.iter().all(|(name, value)| flatten(&format!("{path}.{name}"), value, columns, row));
        }
        Value::Array(values) => return values.iter().all(|value| flatten(path, value, columns, row)),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let Some(column) = columns.position(path) else {
        return false;
    };
    row.append(column, &text);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Result<(u64, String), (u64, BadReason)>> {
        let mut reader = JsonReader::new(Box::new(io::Cursor::new(text.as_bytes().to_vec())));
        let (mut columns, mut row) = (Columns::default(), Row::default());
        let mut all = Vec::new();
        loop {
            match reader.next(&mut columns, &mut row) {
                Ok(false) => return all,
                Ok(true) => all.push(Ok((row.line, String::from_utf8(row.to_json(&columns)).unwrap()))),
                Err(fault) => all.push(Err((fault.line, fault.fault.reason))),
            }
        }
    }

    #[test]
    fn reads_lines_with_their_faults() {
        let text =
            "\n{\"id\":1,\"price\":{\"amount\":2.5},\"c\":[\"a\",\"b\"],\"n\":null}\r\n{oops\n[1]\n\n{\"id\":\"2\"}";
        let expected = vec![
            Ok((2, r#"{"c":["a","b"],"id":"1","price.amount":"2.5"}"#.to_owned())),
            Err((3, BadReason::Malformed)),
            Err((4, BadReason::WrongType)),
            Ok((6, r#"{"id":"2"}"#.to_owned())),
        ];
        // A file whose first character is `[` would be an array; this one begins with an object.
        assert_eq!(read(text), expected);
    }

    #[test]
    fn reads_arrays_over_several_lines() {
        let text = " [\n {\"id\": \"]},\\\"\"} ,\n 7,\n{\"id\":\n 3}]\n";
        let expected = vec![
            Ok((2, r#"{"id":"]},\""}"#.to_owned())),
            Err((3, BadReason::WrongType)),
            Ok((4, r#"{"id":"3"}"#.to_owned())),
        ];
        assert_eq!(read(text), expected);
        assert_eq!(read("[{\"id\":1},{\"id\":").last(), Some(&Err((1, BadReason::Malformed))));
        assert_eq!(read("[},{\"id\":1}]"), [Err((1, BadReason::Malformed)), Ok((1, r#"{"id":"1"}"#.to_owned()))]);
        assert!(read("[]").is_empty());
    }

    #[test]
    fn an_overlong_line_is_one_bad_row() {
        let text = format!("{{\"id\":\"{}\"}}\n{{\"id\":2}}\n", "x".repeat(MAX_ROW_BYTES));
        assert!(matches!(&read(&text)[..], [Err((1, BadReason::TooLarge)), Ok((2, _))]));
    }

    #[test]
    fn column_names_are_bounded() {
        let object: serde_json::Map<_, _> = (0..=MAX_COLUMNS).map(|n| (n.to_string(), Value::from(1))).collect();
        let read = read(&Value::Object(object).to_string());
        assert_eq!(read, [Err((1, BadReason::TooLarge))]);
    }
}
