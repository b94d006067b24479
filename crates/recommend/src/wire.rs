//! How models and pieces of folds lie in bytes: little-endian numbers, texts with their length in front.
//!
//! A model starts with a magic number, its kind and its format version. There is no checksum: whoever stores the
//! bytes keeps one. Reading never panics and never allocates more than the bytes could fill.

use crate::{Error, Item};

const MAGIC: [u8; 4] = *b"MRCR";

/// A kind of model and the newest format of it that this program writes.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    pub name: &'static str,
    pub version: u16,
}

#[derive(Debug, Default)]
pub struct Writer {
    pub bytes: Vec<u8>,
}

impl Writer {
    pub fn model(kind: Kind) -> Self {
        let mut writer = Self { bytes: MAGIC.to_vec() };
        writer.text(kind.name);
        writer.bytes.extend(kind.version.to_le_bytes());
        writer
    }

    pub fn u16(&mut self, value: u16) {
        self.bytes.extend(value.to_le_bytes());
    }

    pub fn u32(&mut self, value: u32) {
        self.bytes.extend(value.to_le_bytes());
    }

    pub fn u64(&mut self, value: u64) {
        self.bytes.extend(value.to_le_bytes());
    }

    pub fn i64(&mut self, value: i64) {
        self.bytes.extend(value.to_le_bytes());
    }

    pub fn f32(&mut self, value: f32) {
        self.bytes.extend(value.to_le_bytes());
    }

    pub fn f64(&mut self, value: f64) {
        self.bytes.extend(value.to_le_bytes());
    }

    /// A count. Nothing here counts beyond 32 bits.
    pub fn count(&mut self, value: usize) {
        self.u32(u32::try_from(value).unwrap_or(u32::MAX));
    }

    pub fn text(&mut self, text: &str) {
        self.count(text.len());
        self.bytes.extend(text.as_bytes());
    }

    pub fn block(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.bytes.extend(bytes);
    }
}

/// Why reading stopped; the caller knows of what.
pub type Reason = &'static str;

#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Checks the head of a model and stands behind it.
    pub fn model(kind: Kind, bytes: &'a [u8]) -> Result<Self, Error> {
        let other = |_| Error::NotThisModel { expected: kind.name };
        let mut reader = Self::new(bytes);
        if reader.array::<4>().map_err(other)? != MAGIC || reader.text().map_err(other)? != kind.name {
            return Err(Error::NotThisModel { expected: kind.name });
        }
        let found = reader.u16().map_err(other)?;
        if found > kind.version {
            return Err(Error::NewerModel { model: kind.name, found, known: kind.version });
        }
        Ok(reader)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Reason> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or("it ends too early")?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Reason> {
        self.take(N)?.try_into().map_err(|_| "it ends too early")
    }

    pub fn u16(&mut self) -> Result<u16, Reason> {
        self.array().map(u16::from_le_bytes)
    }

    pub fn u32(&mut self) -> Result<u32, Reason> {
        self.array().map(u32::from_le_bytes)
    }

    pub fn u64(&mut self) -> Result<u64, Reason> {
        self.array().map(u64::from_le_bytes)
    }

    pub fn i64(&mut self) -> Result<i64, Reason> {
        self.array().map(i64::from_le_bytes)
    }

    /// A finite number.
    pub fn f32(&mut self) -> Result<f32, Reason> {
        let value = self.array().map(f32::from_le_bytes)?;
        if value.is_finite() { Ok(value) } else { Err("a number is not finite") }
    }

    /// A finite number.
    pub fn f64(&mut self) -> Result<f64, Reason> {
        let value = self.array().map(f64::from_le_bytes)?;
        if value.is_finite() { Ok(value) } else { Err("a number is not finite") }
    }

    /// A count of things that take at least `smallest` bytes each: more than the rest could hold is refused.
    pub fn count(&mut self, smallest: usize) -> Result<usize, Reason> {
        let count = self.u32()? as usize;
        if count.saturating_mul(smallest) > self.rest.len() { Err("a count is too large") } else { Ok(count) }
    }

    pub fn text(&mut self) -> Result<&'a str, Reason> {
        std::str::from_utf8(self.block()?).map_err(|_| "a text is not UTF-8")
    }

    pub fn block(&mut self) -> Result<&'a [u8], Reason> {
        let length = self.count(1)?;
        self.take(length)
    }

    /// Everything is read: what may follow in later formats is not there.
    pub const fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    pub fn end(self) -> Result<(), Reason> {
        if self.rest.is_empty() { Ok(()) } else { Err("something follows its end") }
    }
}

/// Models keep items by their lasting names, each once at the head, and then speak of their places in that list.
impl Writer {
    pub(crate) fn items<N: AsRef<str>>(&mut self, items: &[Item], name: impl Fn(Item) -> N) {
        self.count(items.len());
        items.iter().for_each(|item| self.text(name(*item).as_ref()));
    }
}

impl Reader<'_> {
    /// `None` for a name that `resolve` does not know.
    pub(crate) fn items(&mut self, resolve: impl Fn(&str) -> Option<Item>) -> Result<Vec<Option<Item>>, Reason> {
        let count = self.count(4)?;
        (0..count).map(|_| self.text().map(&resolve)).collect()
    }

    pub(crate) fn f32s(&mut self, count: usize) -> Result<Vec<f32>, Reason> {
        if count.saturating_mul(4) > self.rest.len() {
            return Err("a count is too large");
        }
        (0..count).map(|_| self.f32()).collect()
    }
}

/// Reads a whole model, to its last byte.
pub fn decode<'a, T>(
    kind: Kind,
    bytes: &'a [u8],
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, Reason>,
) -> Result<T, Error> {
    let mut reader = Reader::model(kind, bytes)?;
    read(&mut reader)
        .and_then(|model| reader.end().map(|()| model))
        .map_err(|reason| Error::BrokenModel { model: kind.name, reason })
}

/// One past the largest item number.
pub(crate) fn size(items: &[Option<Item>]) -> usize {
    items.iter().flatten().map(|item| item.index() + 1).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: Kind = Kind { name: "test", version: 2 };

    #[test]
    fn refuses_other_newer_and_short_models() {
        let bytes = Writer::model(KIND).bytes;
        assert!(Reader::model(KIND, &bytes).is_ok_and(|reader| reader.end().is_ok()));
        let newer = Writer::model(Kind { version: 3, ..KIND }).bytes;
        assert_eq!(Reader::model(KIND, &newer).err(), Some(Error::NewerModel { model: "test", found: 3, known: 2 }));
        let other = Writer::model(Kind { name: "toast", ..KIND }).bytes;
        for bytes in [&other[..], &bytes[..bytes.len() - 1], b"", b"PK\x03\x04", &[0xff; 64]] {
            assert_eq!(Reader::model(KIND, bytes).err(), Some(Error::NotThisModel { expected: "test" }), "{bytes:?}");
        }
    }

    #[test]
    fn a_huge_count_is_refused_before_anything_is_allocated() {
        let mut writer = Writer::default();
        writer.u32(u32::MAX);
        assert_eq!(Reader::new(&writer.bytes).count(8), Err("a count is too large"));
    }

    #[test]
    fn numbers_that_are_not_finite_are_refused() {
        for odd in [f64::NAN, f64::INFINITY] {
            let mut writer = Writer::default();
            writer.f64(odd);
            assert!(Reader::new(&writer.bytes).f64().is_err());
        }
    }
}
