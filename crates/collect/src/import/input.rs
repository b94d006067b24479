//! Where the bytes come from: a file or memory, compressed or not, and which format they are in.
//!
//! Invariant: a file is streamed; only its head is looked at before.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use serde::{Deserialize, Serialize};

use super::error::Error;
use super::report::Counter;

/// How many (unpacked) bytes are looked at to recognise a format.
const HEAD_BYTES: u64 = 16 * 1024;
const BUFFER_BYTES: usize = 128 * 1024;
const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];
const UTF8_MARK: &[u8] = &[0xef, 0xbb, 0xbf];

/// The formats that can be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    Csv,
    Tsv,
    /// One JSON object a line, or one JSON array of objects.
    Jsonl,
    Parquet,
    /// A feed of `<item>` or `<entry>` elements.
    Xml,
}

impl Format {
    pub const NAMES: [&str; 5] = ["csv", "tsv", "jsonl", "parquet", "xml"];

    pub const fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    fn of_extension(name: &str) -> Option<Self> {
        let lower = name.to_ascii_lowercase();
        let stem = lower.strip_suffix(".gz").unwrap_or(&lower);
        match stem.rsplit_once('.')?.1 {
            "csv" => Some(Self::Csv),
            "tsv" | "tab" => Some(Self::Tsv),
            "jsonl" | "ndjson" | "json" => Some(Self::Jsonl),
            "parquet" | "pq" => Some(Self::Parquet),
            "xml" | "rss" | "atom" => Some(Self::Xml),
            _ => None,
        }
    }

    fn of_content(head: &[u8]) -> Self {
        let first_line = head.split(|byte| *byte == b'\n').next().unwrap_or(head);
        match head.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'<') => Self::Xml,
            Some(b'{' | b'[') => Self::Jsonl,
            _ if first_line.contains(&b'\t') => Self::Tsv,
            _ => Self::Csv,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Format {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let known = [Self::Csv, Self::Tsv, Self::Jsonl, Self::Parquet, Self::Xml];
        match text.to_ascii_lowercase().as_str() {
            "json" | "ndjson" => Ok(Self::Jsonl),
            "rss" => Ok(Self::Xml),
            lower => known
                .into_iter()
                .find(|format| format.name() == lower)
                .ok_or_else(|| Error::UnknownFormat { given: text.chars().take(64).collect() }),
        }
    }
}

/// What to import.
#[derive(Debug)]
pub struct Input {
    name: String,
    bytes: Source,
}

#[derive(Debug)]
enum Source {
    File(File, PathBuf),
    Memory(Bytes),
}

impl Input {
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
        let name = path.file_name().map_or_else(|| path.to_string_lossy(), |name| name.to_string_lossy()).into_owned();
        Ok(Self { name, bytes: Source::File(file, path.to_owned()) })
    }

    /// Bytes that are there already, for example those of a bad row. The name only helps to recognise the format.
    pub fn bytes(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), bytes: Source::Memory(Bytes::from(bytes.into())) }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    fn failed(&self, source: io::Error) -> Error {
        let path = match &self.bytes {
            Source::File(_, path) => path.clone(),
            Source::Memory(_) => PathBuf::from(&self.name),
        };
        Error::Read { path, source }
    }

    /// The first bytes, unpacked, and the format: that of the caller, of the content, or of the name.
    pub(super) fn recognise(&mut self, named: Option<Format>) -> Result<(Head, Format), Error> {
        let head = self.head().map_err(|source| self.failed(source))?;
        if head.bytes.is_empty() {
            return Err(Error::Empty { name: self.name.clone() });
        }
        let format = named
            .or_else(|| head.bytes.starts_with(b"PAR1").then_some(Format::Parquet))
            .or_else(|| head.bytes.starts_with(b"<?xml").then_some(Format::Xml))
            .or_else(|| Format::of_extension(&self.name))
            .unwrap_or_else(|| Format::of_content(&head.bytes));
        let is_utf16 = head.bytes.starts_with(&[0xff, 0xfe]) || head.bytes.starts_with(&[0xfe, 0xff]);
        if is_utf16 && format != Format::Parquet {
            return Err(Error::Utf16 { name: self.name.clone() });
        }
        Ok((head, format))
    }

    fn head(&mut self) -> io::Result<Head> {
        let mut start = Vec::new();
        match &mut self.bytes {
            Source::File(file, _) => {
                file.by_ref().take(HEAD_BYTES).read_to_end(&mut start)?;
                file.seek(SeekFrom::Start(0))?;
            }
            Source::Memory(bytes) => start.extend(bytes.iter().take(HEAD_BYTES as usize)),
        }
        let is_packed = start.starts_with(GZIP_MAGIC);
        let mut bytes = if is_packed { unpack_head(&start)? } else { start };
        let has_mark = bytes.starts_with(UTF8_MARK);
        if has_mark {
            bytes.drain(..UTF8_MARK.len());
        }
        Ok(Head { bytes, is_packed, has_mark })
    }

    /// The whole text, unpacked and without its byte order mark; and how many bytes the file has.
    pub(super) fn into_text(self, head: &Head, counter: &Counter) -> Result<(Text, u64), Error> {
        let (reader, total): (Box<dyn Read + Send>, u64) = match self.bytes {
            Source::File(file, path) => {
                let total = file.metadata().map_err(|source| Error::Read { path, source })?.len();
                (Box::new(Counted { inner: file, counter: counter.clone() }), total)
            }
            Source::Memory(bytes) => {
                let total = bytes.len() as u64;
                (Box::new(Counted { inner: Cursor::new(bytes), counter: counter.clone() }), total)
            }
        };
        let mut text: Text = if head.is_packed {
            Box::new(BufReader::with_capacity(BUFFER_BYTES, MultiGzDecoder::new(BufReader::new(reader))))
        } else {
            Box::new(BufReader::with_capacity(BUFFER_BYTES, reader))
        };
        if head.has_mark {
            let name = PathBuf::from(self.name);
            text.read_exact(&mut [0; UTF8_MARK.len()]).map_err(|source| Error::Read { path: name, source })?;
        }
        Ok((text, total))
    }

    /// For Parquet, which is read from its end.
    pub(super) fn into_seekable(self) -> Seekable {
        match self.bytes {
            Source::File(file, _) => Seekable::File(file),
            Source::Memory(bytes) => Seekable::Memory(bytes),
        }
    }
}

pub(super) type Text = Box<dyn BufRead + Send>;

pub(super) enum Seekable {
    File(File),
    Memory(Bytes),
}

/// The beginning of a file.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) bytes: Vec<u8>,
    is_packed: bool,
    has_mark: bool,
}

fn unpack_head(packed: &[u8]) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let unpacked = MultiGzDecoder::new(packed).take(HEAD_BYTES).read_to_end(&mut bytes);
    match unpacked {
        // The head ends in the middle of the compressed stream.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && !bytes.is_empty() => Ok(bytes),
        Err(error) => Err(error),
        Ok(_) => Ok(bytes),
    }
}

struct Counted<R> {
    inner: R,
    counter: Counter,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.counter.add(count as u64);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn recognised(name: &str, bytes: &[u8]) -> Format {
        Input::bytes(name, bytes).recognise(None).unwrap().1
    }

    #[test]
    fn recognises_by_name_and_by_content() {
        assert_eq!(recognised("feed.csv.gz", b"id,title\n"), Format::Csv);
        assert_eq!(recognised("feed.txt", b"id\ttitle\n"), Format::Tsv);
        assert_eq!(recognised("feed", b"\xef\xbb\xbf  {\"id\":1}"), Format::Jsonl);
        assert_eq!(recognised("feed.csv", b"<?xml version='1.0'?>"), Format::Xml);
        assert_eq!(recognised("data.bin", b"PAR1...."), Format::Parquet);
        assert!(Input::bytes("a.csv", &b"\xff\xfei\0d\0"[..]).recognise(None).is_err());
        assert!(Input::bytes("a.csv", Vec::new()).recognise(None).is_err());
    }

    #[test]
    fn unpacks_several_gzip_members_and_drops_the_mark() {
        let mut packed = Vec::new();
        for part in ["\u{feff}id,title\n", "1,Mug\n"] {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(part.as_bytes()).unwrap();
            packed.extend(encoder.finish().unwrap());
        }
        let mut input = Input::bytes("a.csv.gz", packed.clone());
        let (head, format) = input.recognise(None).unwrap();
        let counter = Counter::default();
        let (mut text, total) = input.into_text(&head, &counter).unwrap();
        let mut read = String::new();
        text.read_to_string(&mut read).unwrap();
        assert_eq!((format, read.as_str()), (Format::Csv, "id,title\n1,Mug\n"));
        assert_eq!((counter.get(), total), (packed.len() as u64, packed.len() as u64));
    }

    #[test]
    fn formats_have_names() {
        for name in Format::NAMES {
            assert_eq!(name.parse::<Format>().unwrap().name(), name);
        }
        assert!("xlsx".parse::<Format>().unwrap_err().to_string().contains("jsonl"));
    }
}
