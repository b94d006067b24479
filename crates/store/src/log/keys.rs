//! Which key is at which position.
//!
//! Keys are hashes, so each one belongs on a page of `record_keys` of its own: written one by one, a batch of a
//! thousand events would write a thousand pages. New keys therefore stay in memory first; from time to time they are
//! set aside, and each later append moves some of those, in key order, into the table with its own transaction. The
//! records hold the keys too, so what was in memory is read back from the end of the log. This is the memory
//! component and rolling merge of the log-structured merge-tree (O'Neil et al. 1996, section 2), with SQLite's
//! B-tree as its disk component.
//!
//! Invariant: every unexpired key is in memory or in the table, and the state row's `indexed_upto` is never beyond a
//! record whose key is not in the table.

use std::collections::HashMap;

use mercer_schema::RecordKey;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::RecordKind;

/// Keys that wait in memory: some 10 MB, and some tenths of a second to read back at the start.
#[cfg(not(test))]
const SET_ASIDE_AT: usize = 200_000;
/// Small, so that tests go through all of it.
#[cfg(test)]
const SET_ASIDE_AT: usize = 20;

const FIND: &str = "SELECT position FROM record_keys WHERE key = ?1";
const PUT: &str = "INSERT INTO record_keys(key, position) VALUES (?1, ?2) \
     ON CONFLICT(key) DO UPDATE SET position = excluded.position";
const REMOVE: &str = "DELETE FROM record_keys WHERE key = ?1 AND position = ?2";

/// A key and the position of its record.
pub(super) type Place = (RecordKey, u64);

/// The keys in memory.
#[derive(Debug, Default)]
pub(super) struct RecentKeys {
    newest: HashMap<RecordKey, u64>,
    /// Older than those, in key order; the first `moved` of them are in the table. Position 0 marks an expired key.
    aside: Vec<Place>,
    moved: usize,
    /// All records up to here have their key in `aside` or in the table.
    aside_upto: u64,
}

/// What an append moves into the table.
pub(super) struct Moved {
    count: usize,
}

impl RecentKeys {
    /// Reads back the keys of the records that the table does not have yet.
    pub(super) fn load(connection: &Connection) -> rusqlite::Result<Self> {
        let (indexed_upto, expired_upto) =
            connection.query_row("SELECT indexed_upto, expired_upto FROM key_state", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        let (indexed_upto, expired_upto): (i64, i64) = (indexed_upto, expired_upto);
        let mut select = connection.prepare(
            "SELECT key, position FROM records WHERE position > ?1 AND key IS NOT NULL AND NOT (kind = ?2 AND position <= ?3)
             ORDER BY position",
        )?;
        let rows = select.query_map(params![indexed_upto, RecordKind::Event.number(), expired_upto], |row| {
            Ok((RecordKey(row.get(0)?), row.get::<_, i64>(1)? as u64))
        })?;
        let newest = rows.collect::<rusqlite::Result<_>>()?;
        Ok(Self { newest, aside_upto: indexed_upto as u64, ..Self::default() })
    }

    /// The position of a key that is in memory.
    pub(super) fn get(&self, key: &RecordKey) -> Option<u64> {
        if let Some(position) = self.newest.get(key) {
            return Some(*position);
        }
        let (_, position) = self.aside.get(self.index_aside(key)?)?;
        (*position != 0).then_some(*position)
    }

    fn index_aside(&self, key: &RecordKey) -> Option<usize> {
        self.aside.binary_search_by(|(known, _)| known.cmp(key)).ok()
    }

    /// Writes some of the keys that are set aside into the table; at least twice as many as come in, so that they
    /// are gone before the next ones are set aside. Call [`settle`](Self::settle) when the transaction is durable.
    pub(super) fn move_some(&self, transaction: &Transaction<'_>, incoming: usize) -> rusqlite::Result<Moved> {
        let some = self.aside.get(self.moved..).unwrap_or_default();
        let some = some.get(..2 * incoming).unwrap_or(some);
        let mut put = transaction.prepare_cached(PUT)?;
        for (key, position) in some.iter().filter(|(_, position)| *position != 0) {
            put.execute(params![key.0.as_slice(), *position as i64])?;
        }
        if !some.is_empty() && self.moved + some.len() == self.aside.len() {
            transaction.execute("UPDATE key_state SET indexed_upto = ?1", [self.aside_upto as i64])?;
        }
        Ok(Moved { count: some.len() })
    }

    /// Takes in what a durable append has stored, up to the new `head`, and moved.
    pub(super) fn settle(&mut self, moved: &Moved, stored: HashMap<RecordKey, u64>, head: u64) {
        self.moved += moved.count;
        if self.moved == self.aside.len() {
            (self.aside, self.moved) = (Vec::new(), 0);
        }
        self.newest.extend(stored);
        if self.aside.is_empty() && self.newest.len() >= SET_ASIDE_AT {
            self.aside = self.newest.drain().collect();
            self.aside.sort_unstable();
            self.aside_upto = head;
        }
    }

    /// Forgets a key if it still stands for this position; says whether it did.
    fn remove(&mut self, (key, position): &Place) -> bool {
        if self.newest.get(key) == Some(position) {
            self.newest.remove(key);
            return true;
        }
        let index = self.index_aside(key);
        match index.and_then(|index| self.aside.get_mut(index)) {
            Some((_, known)) if known == position => {
                *known = 0;
                true
            }
            _ => false,
        }
    }
}

/// The position of a key that is in the table.
pub(super) fn find(connection: &Connection, key: &RecordKey) -> rusqlite::Result<Option<u64>> {
    let mut find = connection.prepare_cached(FIND)?;
    find.query_row([key.0.as_slice()], |row| row.get::<_, i64>(0).map(|position| position as u64)).optional()
}

/// Keys to expire, and how far the log has been gone through when they are gone.
#[derive(Debug, Default)]
pub(super) struct Expired {
    /// In key order.
    pub(super) places: Vec<Place>,
    pub(super) upto: u64,
    /// Nothing further is old enough.
    pub(super) is_last: bool,
}

/// The keys of the next events recorded before a time, among at most `limit` records.
pub(super) fn next_expired(connection: &Connection, recorded_before: i64, limit: usize) -> rusqlite::Result<Expired> {
    let upto: i64 = connection.query_row("SELECT expired_upto FROM key_state", [], |row| row.get(0))?;
    let mut expired = Expired { upto: upto as u64, ..Expired::default() };
    let mut next = connection.prepare_cached(
        "SELECT position, recorded_at, kind, key FROM records WHERE position > ?1 ORDER BY position LIMIT ?2",
    )?;
    let mut rows = next.query(params![upto, limit as i64])?;
    let mut seen = 0;
    while let Some(row) = rows.next()? {
        if row.get::<_, i64>(1)? >= recorded_before {
            expired.is_last = true;
            break;
        }
        seen += 1;
        expired.upto = row.get::<_, i64>(0)? as u64;
        if row.get::<_, i64>(2)? == RecordKind::Event.number()
            && let Some(key) = row.get::<_, Option<[u8; 16]>>(3)?
        {
            expired.places.push((RecordKey(key), expired.upto));
        }
    }
    expired.is_last |= seen < limit;
    expired.places.sort_unstable();
    Ok(expired)
}

/// Forgets keys in the table and in memory; returns how many were known. Those in memory are gone even when the
/// transaction fails: they were due.
pub(super) fn remove(
    transaction: &Transaction<'_>,
    recent: &mut RecentKeys,
    places: &[Place],
) -> rusqlite::Result<u64> {
    let mut remove = transaction.prepare_cached(REMOVE)?;
    let mut removed = 0;
    for place @ (key, position) in places {
        // A key that is being moved is in both.
        let was_in_memory = recent.remove(place);
        let was_in_table = remove.execute(params![key.0.as_slice(), *position as i64])? > 0;
        removed += u64::from(was_in_memory || was_in_table);
    }
    Ok(removed)
}

/// Remembers that expiry is through up to a position.
pub(super) fn mark_expired(transaction: &Transaction<'_>, upto: u64) -> rusqlite::Result<()> {
    transaction.execute("UPDATE key_state SET expired_upto = ?1", [upto as i64]).map(|_| ())
}
