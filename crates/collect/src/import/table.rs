//! CSV and TSV: a header line, then a row a record.
//!
//! Invariant: a record never holds more than [`MAX_ROW_BYTES`] in memory, however long a quotation runs.
//! It is not a judge of style: quoting, CRLF and a stray Windows-1252 byte are taken as they come.

use std::io::BufRead as _;

use csv_core::ReadRecordResult;

use super::input::{Head, Text};
use super::row::{Columns, MAX_COLUMNS, MAX_ROW_BYTES, Row, RowFault};
use super::text::{Encoding, decode, from_windows_1252};
use crate::{BadReason, Fault};

/// How a table is written, as far as the mapping says so.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Dialect {
    pub(super) delimiter: Option<u8>,
    /// `Some(None)`: quotation marks are ordinary characters.
    pub(super) quote: Option<Option<u8>>,
    pub(super) encoding: Option<Encoding>,
}

pub(super) struct TableReader {
    text: Text,
    records: csv_core::Reader,
    delimiter: u8,
    encoding: Option<Encoding>,
    output: Vec<u8>,
    ends: Vec<usize>,
    /// Line that the next byte is on.
    line: u64,
    width: usize,
}

enum Record {
    /// Number of fields.
    Whole(usize),
    TooLarge,
    End,
}

impl TableReader {
    /// Reads the header line into `columns`.
    pub(super) fn open(text: Text, head: &Head, dialect: Dialect, columns: &mut Columns) -> Result<Self, String> {
        let delimiter = dialect.delimiter.unwrap_or_else(|| guess_delimiter(&head.bytes));
        let quote = dialect.quote.unwrap_or(Some(b'"'));
        let mut builder = csv_core::ReaderBuilder::new();
        builder.delimiter(delimiter).quoting(quote.is_some()).quote(quote.unwrap_or(b'"'));
        let mut table = Self {
            text,
            records: builder.build(),
            delimiter,
            encoding: dialect.encoding,
            output: vec![0; 4096],
            ends: vec![0; 64],
            line: 1,
            width: 0,
        };
        table.read_header(columns)?;
        Ok(table)
    }

    fn read_header(&mut self, columns: &mut Columns) -> Result<(), String> {
        let width = match self.record().map_err(|error| error.to_string())?.1 {
            Record::Whole(width) => width,
            Record::TooLarge => return Err(format!("the header line is longer than {MAX_ROW_BYTES} bytes")),
            Record::End => return Err("it has no header line".to_owned()),
        };
        for field in 0..width {
            let cell = self.cell(field);
            let name = match decode(cell).0.trim() {
                "" => format!("column {}", field + 1),
                name => name.to_owned(),
            };
            let mut free = name.clone();
            let mut copies = 1;
            while columns.position(&free).is_some_and(|position| position != field) {
                copies += 1;
                free = format!("{name} ({copies})");
            }
            if columns.len() != field + 1 {
                return Err(format!("it has more than {MAX_COLUMNS} columns"));
            }
        }
        self.width = width;
        Ok(())
    }

    /// Fills the next row; false at the end of the file.
    pub(super) fn next(&mut self, row: &mut Row) -> Result<bool, RowFault> {
        let (line, record) = self.record().map_err(|error| RowFault {
            fault: Fault::new(BadReason::Malformed, format!("the file cannot be read further: {error}")),
            raw: Vec::new(),
            line: self.line,
            is_last: true,
        })?;
        match record {
            Record::End => Ok(false),
            Record::TooLarge => Err(RowFault {
                fault: Fault::new(
                    BadReason::TooLarge,
                    format!(
                        "the row is longer than {MAX_ROW_BYTES} bytes; a quotation mark may be open without an end"
                    ),
                ),
                raw: self.output.iter().take(256).copied().collect(),
                line,
                is_last: false,
            }),
            Record::Whole(width) if self.has_misfit(width) => Err(RowFault {
                fault: Fault::new(
                    BadReason::Malformed,
                    format!(
                        "the row has {width} fields, the header {}; look for a stray delimiter or quotation mark",
                        self.width
                    ),
                ),
                raw: self.rewrite(width),
                line,
                is_last: false,
            }),
            Record::Whole(width) => {
                row.clear(line);
                self.fill(row, width.min(self.width));
                Ok(true)
            }
        }
    }

    /// Trailing delimiters do no harm; any other difference in width may have moved values under wrong names.
    fn has_misfit(&self, width: usize) -> bool {
        width < self.width || (self.width..width).any(|field| !self.cell(field).is_empty())
    }

    fn fill(&self, row: &mut Row, width: usize) {
        for field in 0..width {
            let cell = self.cell(field);
            if self.encoding == Some(Encoding::Windows1252) {
                row.set(field, &from_windows_1252(cell));
            } else {
                let (text, fell_back) = decode(cell);
                row.is_foreign |= fell_back;
                row.set(field, &text);
            }
        }
    }

    fn cell(&self, field: usize) -> &[u8] {
        let start = if field == 0 { 0 } else { self.ends[field - 1] };
        self.output.get(start..self.ends[field]).unwrap_or_default()
    }

    /// The record as a line of its own, to be shown and taken again.
    fn rewrite(&self, width: usize) -> Vec<u8> {
        let mut line = Vec::new();
        for field in 0..width {
            if field > 0 {
                line.push(self.delimiter);
            }
            let cell = self.cell(field);
            if cell.iter().any(|byte| *byte == self.delimiter || matches!(byte, b'"' | b'\n' | b'\r')) {
                line.push(b'"');
                line.extend(cell.iter().flat_map(|byte| if *byte == b'"' { vec![b'"', b'"'] } else { vec![*byte] }));
                line.push(b'"');
            } else {
                line.extend(cell);
            }
        }
        line
    }

    /// The next record and the line that it begins on.
    fn record(&mut self) -> std::io::Result<(u64, Record)> {
        self.skip_line_ends()?;
        let line = self.line;
        let (mut filled, mut fields, mut is_too_large) = (0, 0, false);
        loop {
            let input = self.text.fill_buf()?;
            let (result, read, wrote, ended) =
                self.records.read_record(input, &mut self.output[filled..], &mut self.ends[fields..]);
            self.line += input[..read].iter().filter(|byte| **byte == b'\n').count() as u64;
            self.text.consume(read);
            filled += wrote;
            fields += ended;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if self.output.len() < MAX_ROW_BYTES => {
                    self.output.resize(self.output.len() * 2, 0);
                }
                ReadRecordResult::OutputEndsFull if self.ends.len() < MAX_COLUMNS * 2 => {
                    self.ends.resize(self.ends.len() * 2, 0);
                }
                // The rest of the record is read over what is there.
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                    (filled, fields, is_too_large) = (0, 0, true);
                }
                ReadRecordResult::Record if is_too_large => return Ok((line, Record::TooLarge)),
                ReadRecordResult::Record => return Ok((line, Record::Whole(fields))),
                ReadRecordResult::End => return Ok((line, Record::End)),
            }
        }
    }

    /// Blank lines, and the second half of a CRLF, belong to no record.
    fn skip_line_ends(&mut self) -> std::io::Result<()> {
        loop {
            let input = self.text.fill_buf()?;
            let count = input.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            if count == 0 {
                return Ok(());
            }
            self.line += input[..count].iter().filter(|byte| **byte == b'\n').count() as u64;
            self.text.consume(count);
        }
    }
}

/// The delimiter that occurs most in the header line, outside of quotations.
fn guess_delimiter(head: &[u8]) -> u8 {
    let mut counts = [(b',', 0_usize), (b'\t', 0), (b';', 0), (b'|', 0)];
    let mut is_quoted = false;
    let start = head.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(0);
    for byte in &head[start..] {
        match byte {
            b'"' => is_quoted = !is_quoted,
            b'\n' | b'\r' if !is_quoted => break,
            _ if is_quoted => {}
            _ => counts.iter_mut().filter(|(delimiter, _)| delimiter == byte).for_each(|(_, count)| *count += 1),
        }
    }
    // `max_by_key` takes the last of equals: the comma is last when it is reversed.
    counts.into_iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(delimiter, _)| delimiter)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::input::Input;
    use crate::import::report::Counter;

    fn open(bytes: &[u8], dialect: Dialect) -> (TableReader, Columns) {
        let mut input = Input::bytes("t.csv", bytes);
        let (head, _) = input.recognise(None).unwrap();
        let (text, _) = input.into_text(&head, &Counter::default()).unwrap();
        let mut columns = Columns::default();
        let table = TableReader::open(text, &head, dialect, &mut columns).unwrap();
        (table, columns)
    }

    /// Line and cells, or line and fault.
    type Read = Result<(u64, Vec<String>), (u64, BadReason)>;

    fn rows(bytes: &[u8]) -> Vec<Read> {
        let (mut table, columns) = open(bytes, Dialect::default());
        let mut row = Row::default();
        let mut all = Vec::new();
        loop {
            match table.next(&mut row) {
                Ok(false) => return all,
                Ok(true) => all.push(Ok((row.line, (0..columns.len()).map(|c| row.get(c).to_owned()).collect()))),
                Err(fault) => all.push(Err((fault.line, fault.fault.reason))),
            }
        }
    }

    #[test]
    fn reads_quotes_crlf_blank_lines_and_counts_lines() {
        let text = b"id,title\r\n\r\n1,\"A \"\"big\"\"\r\nmug\"\r\n2,Bowl\r\n3\r\n4,Cup,,\r\n5,x,y\n6,Jar";
        let expected = vec![
            Ok((3, vec!["1".to_owned(), "A \"big\"\r\nmug".to_owned()])),
            Ok((5, vec!["2".to_owned(), "Bowl".to_owned()])),
            Err((6, BadReason::Malformed)),
            Ok((7, vec!["4".to_owned(), "Cup".to_owned()])),
            Err((8, BadReason::Malformed)),
            Ok((9, vec!["6".to_owned(), "Jar".to_owned()])),
        ];
        assert_eq!(rows(text), expected);
    }

    #[test]
    fn guesses_the_delimiter() {
        for text in ["id;\"a,b,c\"\n1;2\n", "id\ta\n1\t2\n", "id|a\n1|2\n", "id,a\n1,2\n"] {
            assert!(matches!(&rows(text.as_bytes())[..], [Ok((2, cells))] if cells == &["1", "2"]), "{text}");
        }
    }

    #[test]
    fn an_endless_quotation_is_one_bad_row_and_takes_bounded_memory() {
        let mut text = b"id,title\n1,\"".to_vec();
        text.extend(std::iter::repeat_n(b'x', 3 * MAX_ROW_BYTES));
        text.extend(b"\"\n2,Bowl\n");
        let read = rows(&text);
        assert_eq!(read[0], Err((2, BadReason::TooLarge)));
        assert!(matches!(&read[1], Ok((3, cells)) if cells[0] == "2"));
        let (mut table, _) = open(&text, Dialect::default());
        let _ = table.next(&mut Row::default());
        assert!(table.output.len() <= MAX_ROW_BYTES);
    }

    #[test]
    fn the_encoding_falls_back_by_row() {
        let (mut table, _) = open(b"id,title\n1,caf\xe9\n2,caf\xc3\xa9\n", Dialect::default());
        let mut row = Row::default();
        for is_foreign in [true, false] {
            assert!(table.next(&mut row).unwrap());
            assert_eq!((row.get(1), row.is_foreign), ("café", is_foreign));
        }
    }

    #[test]
    fn headers_without_or_with_equal_names_stay_apart() {
        let (_, columns) = open(b"id,,id\n1,2,3\n", Dialect::default());
        assert_eq!(columns.names(), ["id", "column 2", "id (2)"]);
    }
}
