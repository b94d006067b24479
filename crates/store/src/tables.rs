//! Byte-keyed tables for state that changes: checkpoints, bad rows, keys, accounts, settings.
//!
//! A `write` is atomic across tables, so a fold's pieces and its log position can never disagree. Keys are in
//! byte order. What keys and values mean is the caller's affair.

mod memory;
mod sqlite;

pub use self::memory::MemoryTables;
pub use self::sqlite::SqliteTables;
use crate::Error;

/// A key with its value.
pub type Entry = (Vec<u8>, Vec<u8>);

/// Named tables of bytes. A table that was never written to is empty. Every implementation passes
/// `conformance::tables`.
pub trait Tables: Send + Sync {
    fn get(&self, table: &str, key: &[u8]) -> Result<Option<Vec<u8>>, Error>;

    /// The first `limit` entries of a range, in its direction.
    fn scan(&self, table: &str, range: Scan, limit: usize) -> Result<Vec<Entry>, Error>;

    /// All of it or nothing, in order; durable on return.
    fn write(&self, batch: &[Write]) -> Result<(), Error>;
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    Put {
        table: String,
        key: Vec<u8>,
        value: Vec<u8>,
    },
    Delete {
        table: String,
        key: Vec<u8>,
    },
    /// Empties a table.
    Clear {
        table: String,
    },
}

impl Write {
    pub fn put(table: &str, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Self {
        Self::Put { table: table.to_owned(), key: key.into(), value: value.into() }
    }

    pub fn delete(table: &str, key: impl Into<Vec<u8>>) -> Self {
        Self::Delete { table: table.to_owned(), key: key.into() }
    }

    pub fn clear(table: &str) -> Self {
        Self::Clear { table: table.to_owned() }
    }
}

/// Which keys, and in which direction.
///
/// ```
/// use mercer_store::{MemoryTables, Scan, Tables, Write};
///
/// let tables = MemoryTables::default();
/// tables.write(&[Write::put("bad", "a1", "x"), Write::put("bad", "a2", "y"), Write::put("bad", "b1", "z")])?;
/// let newest = tables.scan("bad", Scan::prefix(b"a").backward(), 1)?;
/// assert_eq!(newest, [(b"a2".to_vec(), b"y".to_vec())]);
/// # Ok::<(), mercer_store::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scan {
    prefix: Vec<u8>,
    after: Option<Vec<u8>>,
    before: Option<Vec<u8>>,
    is_backward: bool,
}

impl Scan {
    /// Every key, the lowest first.
    pub fn all() -> Self {
        Self::default()
    }

    /// The keys that begin with `prefix`.
    pub fn prefix(prefix: &[u8]) -> Self {
        Self { prefix: prefix.to_vec(), ..Self::default() }
    }

    /// The keys above `key`; all of them for `None`. Give the last key of a page to get the next page.
    pub fn after(key: Option<&[u8]>) -> Self {
        Self::default().and_after(key)
    }

    /// And only those above `key`.
    #[must_use]
    pub fn and_after(self, key: Option<&[u8]>) -> Self {
        Self { after: key.map(<[u8]>::to_vec), ..self }
    }

    /// And only those below `key`. Give the last key of a backward page to get the next page.
    #[must_use]
    pub fn and_before(self, key: Option<&[u8]>) -> Self {
        Self { before: key.map(<[u8]>::to_vec), ..self }
    }

    /// The highest key first.
    #[must_use]
    pub fn backward(self) -> Self {
        Self { is_backward: true, ..self }
    }

    /// The lowest key that is in the range, and the lowest above it that is not (`None`: there is none).
    /// `None` when no key can be in the range.
    fn bounds(&self) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
        // Right above a key, in byte order, is the key with a zero byte at its end.
        let above = self.after.as_ref().map(|key| [key.as_slice(), &[0]].concat());
        let from = self.prefix.clone().max(above.unwrap_or_default());
        let until = match (beyond(&self.prefix), &self.before) {
            (Some(end), Some(before)) => Some(end.min(before.clone())),
            (end, before) => end.or_else(|| before.clone()),
        };
        let is_empty = until.as_ref().is_some_and(|until| *until <= from);
        (!is_empty).then_some((from, until))
    }
}

/// The lowest key above all keys with this prefix; none when the prefix is all 0xFF.
fn beyond(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut end = prefix.get(..=last)?.to_vec();
    *end.last_mut()? += 1;
    Some(end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Few distinct bytes, so that ranges and keys meet; 0xFF and 0 are where mistakes hide.
    fn key() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(prop::sample::select(vec![0_u8, 1, 254, 255]), 0..4)
    }

    proptest! {
        #[test]
        fn bounds_hold_exactly_the_range(
            prefix in key(), after in prop::option::of(key()), before in prop::option::of(key()), probe in key(),
        ) {
            let scan = Scan::prefix(&prefix).and_after(after.as_deref()).and_before(before.as_deref());
            let wanted = probe.starts_with(&prefix)
                && after.as_ref().is_none_or(|after| probe > *after)
                && before.as_ref().is_none_or(|before| probe < *before);
            let is_in = scan
                .bounds()
                .is_some_and(|(from, until)| probe >= from && until.is_none_or(|until| probe < until));
            prop_assert_eq!(is_in, wanted);
        }
    }
}
