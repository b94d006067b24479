//! Bytes to text: byte order marks, UTF-8, and Windows-1252 where a shop's old export is that.
//!
//! Invariant: no byte is dropped and none is replaced by a question mark.

use std::borrow::Cow;
use std::io::{self, BufRead, Read};

use serde::Deserialize;

/// How the text of a file is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) enum Encoding {
    #[serde(rename = "utf-8")]
    Utf8,
    #[serde(rename = "windows-1252", alias = "iso-8859-1", alias = "latin1")]
    Windows1252,
}

/// What Windows-1252 puts at 0x80 to 0x9F (the WHATWG table, which has a character for every byte).
const HIGH_CONTROLS: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

fn windows_1252(byte: u8) -> char {
    match byte {
        0x80..=0x9f => HIGH_CONTROLS[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

pub(super) fn from_windows_1252(bytes: &[u8]) -> String {
    bytes.iter().copied().map(windows_1252).collect()
}

/// UTF-8, or else Windows-1252; the flag says that it was the second.
pub(super) fn decode(bytes: &[u8]) -> (Cow<'_, str>, bool) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (Cow::Borrowed(text), false),
        Err(_) => (Cow::Owned(from_windows_1252(bytes)), true),
    }
}

/// Reads Windows-1252 bytes as UTF-8 bytes, for readers that know only UTF-8.
pub(super) struct Transcoder<R> {
    inner: R,
    ready: Vec<u8>,
    taken: usize,
}

impl<R: BufRead> Transcoder<R> {
    pub(super) const fn new(inner: R) -> Self {
        Self { inner, ready: Vec::new(), taken: 0 }
    }
}

impl<R: BufRead> BufRead for Transcoder<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.taken >= self.ready.len() {
            let bytes = self.inner.fill_buf()?;
            let count = bytes.len();
            self.ready = from_windows_1252(bytes).into_bytes();
            self.taken = 0;
            self.inner.consume(count);
        }
        Ok(&self.ready[self.taken..])
    }

    fn consume(&mut self, amount: usize) {
        self.taken = (self.taken + amount).min(self.ready.len());
    }
}

impl<R: BufRead> Read for Transcoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let ready = self.fill_buf()?;
        let count = ready.len().min(buffer.len());
        buffer[..count].copy_from_slice(&ready[..count]);
        self.consume(count);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn falls_back_to_windows_1252() {
        assert_eq!(decode("5 £".as_bytes()), (Cow::Borrowed("5 £"), false));
        assert_eq!(decode(b"5 \xa3 \x80 caf\xe9"), (Cow::Owned("5 £ € café".to_owned()), true));
    }

    #[test]
    fn transcodes_a_stream() {
        let mut text = String::new();
        Transcoder::new(&b"na\xefve \x93quoted\x94"[..]).read_to_string(&mut text).unwrap();
        assert_eq!(text, "naïve “quoted”");
    }
}
