//! XML feeds: RSS 2.0 with Google's `g:` names, Atom, or any list of elements with a common name.
//!
//! Invariant: one item at a time is in memory; entities of a document type are never expanded. Nested elements
//! become columns with a path (`shipping.country`), repeated ones a cell with several values.

use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::input::{Head, Text};
use super::row::{Columns, MAX_COLUMNS, MAX_ROW_BYTES, Row, RowFault};
use super::text::{Encoding, Transcoder};
use super::value::entity;
use crate::{BadReason, Fault};

/// Elements that may be nested in one another inside an item.
const MAX_DEPTH: usize = 32;

pub(super) struct XmlReader {
    xml: quick_xml::Reader<Metered<Text>>,
    meter: Meter,
    buffer: Vec<u8>,
    item: ItemName,
    is_over: bool,
}

/// The elements that are rows.
enum ItemName {
    /// `<item>` of RSS or `<entry>` of Atom.
    Feed,
    Named(String),
}

impl ItemName {
    fn is(&self, name: &str) -> bool {
        match self {
            Self::Feed => matches!(name, "item" | "entry"),
            Self::Named(item) => item == name,
        }
    }
}

/// The path and the texts of the elements that are open inside an item.
#[derive(Default)]
struct Open {
    path: String,
    /// Length of `path` before each open element, and the element's own text.
    elements: Vec<(usize, String)>,
}

impl XmlReader {
    pub(super) fn open(text: Text, head: &Head, encoding: Option<Encoding>, item: Option<String>) -> Self {
        let is_latin = encoding.map_or_else(|| declares_latin(&head.bytes), |set| set == Encoding::Windows1252);
        let text: Text = if is_latin { Box::new(Transcoder::new(text)) } else { text };
        let meter = Meter::default();
        let xml = quick_xml::Reader::from_reader(Metered { inner: text, meter: meter.clone() });
        Self { xml, meter, buffer: Vec::new(), item: item.map_or(ItemName::Feed, ItemName::Named), is_over: false }
    }

    /// Fills the next row; false at the end of the file.
    pub(super) fn next(&mut self, columns: &mut Columns, row: &mut Row) -> Result<bool, RowFault> {
        if self.is_over {
            return Ok(false);
        }
        self.find(columns, row).map_err(|fault| {
            self.is_over = true;
            let raw = row.to_json(columns);
            RowFault { fault, raw, line: self.meter.line(), is_last: true }
        })
    }

    fn find(&mut self, columns: &mut Columns, row: &mut Row) -> Result<bool, Fault> {
        loop {
            self.meter.allow(MAX_ROW_BYTES as u64);
            row.clear(self.meter.line());
            self.buffer.clear();
            match self.xml.read_event_into(&mut self.buffer).map_err(|error| broken(&error))? {
                Event::Start(start) if self.item.is(local(&start)) => {
                    self.read_item(columns, row)?;
                    return Ok(true);
                }
                Event::Eof => {
                    self.is_over = true;
                    return Ok(false);
                }
                _ => {}
            }
        }
    }

    fn read_item(&mut self, columns: &mut Columns, row: &mut Row) -> Result<(), Fault> {
        let mut open = Open::default();
        loop {
            self.buffer.clear();
            match self.xml.read_event_into(&mut self.buffer).map_err(|error| broken(&error))? {
                Event::Start(start) => open.enter(&start)?,
                Event::Empty(start) => {
                    open.enter(&start)?;
                    open.leave(columns, row)?;
                }
                Event::End(_) if open.elements.is_empty() => return Ok(()),
                Event::End(_) => open.leave(columns, row)?,
                Event::Text(text) => open.add(&text.into_inner()),
                Event::CData(text) => open.add(&text.into_inner()),
                Event::GeneralRef(reference) => open.add(&resolve(&reference)),
                Event::Eof => return Err(Fault::new(BadReason::Malformed, "the file ends in the middle of an item")),
                _ => {}
            }
        }
    }
}

impl Open {
    fn enter(&mut self, start: &BytesStart<'_>) -> Result<(), Fault> {
        if self.elements.len() >= MAX_DEPTH {
            return Err(Fault::new(BadReason::TooDeep, format!("elements are nested more than {MAX_DEPTH} deep")));
        }
        let before = self.path.len();
        if before > 0 {
            self.path.push('.');
        }
        self.path.push_str(local(start));
        // Atom's `<link href="…"/>` says it all in an attribute.
        let href = start.try_get_attribute("href").ok().flatten();
        let text = href.and_then(|href| quick_xml::escape::unescape(&href.value).ok().map(|text| text.into_owned()));
        self.elements.push((before, text.unwrap_or_default()));
        Ok(())
    }

    fn add(&mut self, text: &str) {
        if let Some((_, whole)) = self.elements.last_mut() {
            whole.push_str(text);
        }
    }

    fn leave(&mut self, columns: &mut Columns, row: &mut Row) -> Result<(), Fault> {
        let Some((before, text)) = self.elements.pop() else {
            return Ok(());
        };
        let text = text.trim();
        if !text.is_empty() {
            let column = columns.position(&self.path).ok_or_else(|| {
                Fault::new(BadReason::TooLarge, format!("the file has more than {MAX_COLUMNS} different elements"))
            })?;
            row.append(column, text);
        }
        self.path.truncate(before);
        Ok(())
    }
}

fn local<'a>(start: &'a BytesStart<'_>) -> &'a str {
    let name = start.name().into_inner();
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

fn resolve(reference: &BytesRef<'_>) -> String {
    if let Ok(Some(letter)) = reference.resolve_char_ref() {
        return letter.to_string();
    }
    let name = reference.borrow().into_inner();
    match resolve_xml_entity(&name).or_else(|| entity(&name)) {
        Some(text) => text.to_owned(),
        None => format!("&{name};"),
    }
}

fn broken(error: &quick_xml::Error) -> Fault {
    let message = match error {
        quick_xml::Error::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            return Fault::new(BadReason::TooLarge, format!("the item is longer than {MAX_ROW_BYTES} bytes"));
        }
        quick_xml::Error::Encoding(_) => {
            return Fault::new(
                BadReason::NotUtf8,
                "the file is not UTF-8 and declares no other encoding; set `encoding = \"windows-1252\"` in the mapping",
            );
        }
        other => other.to_string(),
    };
    Fault::new(BadReason::Malformed, format!("no well-formed XML from here on: {message}"))
}

fn declares_latin(head: &[u8]) -> bool {
    let declaration = head.split(|byte| *byte == b'>').next().unwrap_or_default();
    let declaration = String::from_utf8_lossy(declaration).to_ascii_lowercase();
    ["iso-8859-1", "iso8859-1", "latin1", "windows-1252", "cp1252"].iter().any(|name| declaration.contains(name))
}

/// Counts lines and refuses to read on when an item takes too many bytes.
#[derive(Debug, Clone)]
struct Meter {
    line: Arc<AtomicU64>,
    allowance: Arc<AtomicU64>,
}

impl Default for Meter {
    fn default() -> Self {
        Self { line: Arc::new(AtomicU64::new(1)), allowance: Arc::default() }
    }
}

impl Meter {
    fn line(&self) -> u64 {
        self.line.load(Ordering::Relaxed)
    }

    fn allow(&self, bytes: u64) {
        self.allowance.store(bytes, Ordering::Relaxed);
    }
}

struct Metered<R> {
    inner: R,
    meter: Meter,
}

impl<R: BufRead> BufRead for Metered<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.meter.allowance.load(Ordering::Relaxed) == 0 {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        // Consuming follows filling, so the bytes are still there to be counted.
        if let Ok(bytes) = self.inner.fill_buf() {
            let lines = bytes.iter().take(amount).filter(|byte| **byte == b'\n').count();
            self.meter.line.fetch_add(lines as u64, Ordering::Relaxed);
        }
        let left = self.meter.allowance.load(Ordering::Relaxed);
        self.meter.allowance.store(left.saturating_sub(amount as u64), Ordering::Relaxed);
        self.inner.consume(amount);
    }
}

impl<R: BufRead> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::input::Input;
    use crate::import::report::Counter;

    fn read(bytes: &[u8]) -> Vec<Result<(u64, String), (u64, BadReason)>> {
        let mut input = Input::bytes("feed.xml", bytes);
        let (head, _) = input.recognise(None).unwrap();
        let (text, _) = input.into_text(&head, &Counter::default()).unwrap();
        let mut reader = XmlReader::open(text, &head, None, None);
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
    fn reads_items_with_repeats_nesting_and_entities() {
        let text = b"<?xml version=\"1.0\"?>\n<rss><channel><title>Shop</title>\n<item>\n<g:id>1</g:id>\
            <title>Mug &amp; spoon &#163;5&nbsp;<![CDATA[<new>]]></title>\
            <g:image>a</g:image><g:image>b</g:image><g:shipping><g:country>GB</g:country></g:shipping><x/>\n</item>\n\
            <item><g:id>2</g:id></item></channel></rss>";
        let expected = [
            Ok((3, "{\"id\":\"1\",\"image\":[\"a\",\"b\"],\"shipping.country\":\"GB\",\"title\":\"Mug & spoon £5\u{a0}<new>\"}".to_owned())),
            Ok((6, r#"{"id":"2"}"#.to_owned())),
        ];
        assert_eq!(read(text), expected);
    }

    #[test]
    fn reads_atom_links_and_declared_latin() {
        let text = b"<?xml version='1.0' encoding='ISO-8859-1'?><feed><entry><id>caf\xe9</id><link href='http://a/?x=1&amp;y'/></entry></feed>";
        assert_eq!(read(text), [Ok((1, r#"{"id":"café","link":"http://a/?x=1&y"}"#.to_owned()))]);
    }

    #[test]
    fn broken_xml_ends_with_one_bad_row() {
        assert_eq!(read(b"<rss><item><id>1</id></item><item><id>2</item>").len(), 2);
        assert_eq!(read(b"<rss><item><id>1").last(), Some(&Err((1, BadReason::Malformed))));
        let deep = format!("<item>{}", "<a>".repeat(100));
        assert_eq!(read(deep.as_bytes()), [Err((1, BadReason::TooDeep))]);
    }

    #[test]
    fn a_huge_item_is_refused_in_bounded_memory() {
        let text = format!("<rss>\n<item><id>{}</id></item></rss>", "x".repeat(2 * MAX_ROW_BYTES));
        assert_eq!(read(text.as_bytes()), [Err((2, BadReason::TooLarge))]);
    }
}
