//! The log in one SQLite file.
//!
//! Each append is one transaction with one sync; many callers share it by batching before they call. Every
//! record carries a checksum over all its columns. How keys are found is told in `keys.rs`. One process writes, see
//! [`DataFolder`](crate::DataFolder).

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard};

use mercer_schema::{Draft, Fact, Position, Record, RecordKey, Timestamp};
use rusqlite::{Connection, Row, Transaction, TransactionBehavior, params};

use super::keys::{self, Expired, RecentKeys};
use super::{Appended, EventLog, RecordKind, body, number_of, numbers_of};
use crate::Error;
use crate::sqlite::{self, Format, Readers, fault, hold};

const FORMAT: Format = Format {
    name: "Mercer event log",
    application_id: i32::from_be_bytes(*b"MrcL"),
    version: 1,
    schema: "
        CREATE TABLE records(
            position INTEGER PRIMARY KEY, recorded_at INTEGER NOT NULL, kind INTEGER NOT NULL,
            key BLOB, checksum INTEGER NOT NULL, body TEXT NOT NULL
        ) STRICT;
        CREATE TABLE record_keys(key BLOB PRIMARY KEY, position INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        -- Keys of records up to `indexed_upto` are in record_keys; those of events up to `expired_upto` have expired.
        CREATE TABLE key_state(indexed_upto INTEGER NOT NULL, expired_upto INTEGER NOT NULL) STRICT;
        INSERT INTO key_state VALUES (0, 0);
    ",
};

const INSERT: &str =
    "INSERT INTO records(position, recorded_at, kind, key, checksum, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
const COLUMNS: &str = "position, recorded_at, kind, key, checksum, body";
/// Records gone through at a time for expiry: the more, the more of their keys share a page.
const EXPIRED_AT_ONCE: usize = 200_000;
/// Keys that one transaction removes, so that appends hardly wait.
const REMOVED_AT_ONCE: usize = 2_000;
/// Records that `verify` reads at a time.
const VERIFIED_AT_ONCE: usize = 5_000;

pub struct SqliteLog {
    // Before the writer: the last connection that closes must be one that may tidy up the WAL.
    readers: Readers,
    writer: Mutex<Connection>,
    /// Changed only by who holds the writer.
    recent: RwLock<RecentKeys>,
    head: AtomicU64,
    path: PathBuf,
}

impl SqliteLog {
    /// Opens the log, or makes an empty one when the file is not there.
    pub fn create(path: &Path) -> Result<Self, Error> {
        Self::start(sqlite::create(path, &FORMAT)?, path)
    }

    /// Opens a log that must be there.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Self::start(sqlite::open(path, &FORMAT)?, path)
    }

    fn start(writer: Connection, path: &Path) -> Result<Self, Error> {
        let head = last_position(&writer).map_err(fault(path))?;
        let recent = RwLock::new(RecentKeys::load(&writer).map_err(fault(path))?);
        let readers = Readers::new(path.to_path_buf());
        Ok(Self { readers, writer: Mutex::new(writer), recent, head: AtomicU64::new(head), path: path.to_path_buf() })
    }

    /// Copies the log as it is now into a new file, while appends go on.
    pub fn backup_to(&self, target: &Path) -> Result<(), Error> {
        self.readers.backup_to(target)
    }

    /// Reads everything and checks it: the file's structure, every checksum, that no position is missing.
    /// Tells `progress` how far it is.
    pub fn verify(&self, mut progress: impl FnMut(Position)) -> Result<(), Error> {
        self.readers.with(|connection| sqlite::check_structure(connection, &self.path))?;
        let (mut checked, head) = (Position(0), self.head()?);
        while checked < head {
            let Some(last) = self.read(checked, VERIFIED_AT_ONCE)?.pop() else {
                return Err(self.bad(Position(checked.0 + 1), "it is missing".into()));
            };
            checked = last.position;
            progress(checked);
        }
        Ok(())
    }

    fn bad(&self, position: Position, problem: String) -> Error {
        Error::BadRecord { path: self.path.clone(), position, problem }
    }

    fn select(&self, query: &str, parameters: impl rusqlite::Params) -> Result<Vec<Record>, Error> {
        self.readers.with(|connection| {
            let mut statement = connection.prepare_cached(query).map_err(fault(&self.path))?;
            let mut rows = statement.query(parameters).map_err(fault(&self.path))?;
            let mut records = Vec::new();
            while let Some(row) = rows.next().map_err(fault(&self.path))? {
                records.push(self.record(row)?);
            }
            Ok(records)
        })
    }

    fn record(&self, row: &Row<'_>) -> Result<Record, Error> {
        let position = Position(row.get::<_, i64>(0).map_err(fault(&self.path))? as u64);
        let damaged = |error: rusqlite::Error| self.bad(position, error.to_string());
        let columns = Columns {
            position: position.0 as i64,
            recorded_at: row.get(1).map_err(damaged)?,
            kind: row.get(2).map_err(damaged)?,
            key: row.get_ref(3).and_then(|key| Ok(key.as_blob_or_null()?)).map_err(damaged)?,
            body: row.get_ref(5).and_then(|body| Ok(body.as_bytes()?)).map_err(damaged)?,
        };
        if row.get::<_, i64>(4).map_err(damaged)? != i64::from(checksum(&columns)) {
            return Err(self.bad(position, "its checksum does not match".into()));
        }
        // Whole and yet unknown: written by a Mercer that knows more facts than this one.
        let fact: Fact = serde_json::from_slice(columns.body)
            .map_err(|error| self.bad(position, format!("this Mercer cannot read it ({error}); a newer one may")))?;
        Ok(Record { position, recorded_at: Timestamp(columns.recorded_at), fact })
    }

    /// Expires these keys, in transactions of [`REMOVED_AT_ONCE`]. After a crash in between it is done again.
    fn remove_expired(&self, expired: &Expired) -> rusqlite::Result<u64> {
        let mut removed = 0;
        for places in expired.places.chunks(REMOVED_AT_ONCE) {
            let mut writer = hold(&self.writer);
            let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let mut recent = self.recent.write().unwrap_or_else(PoisonError::into_inner);
            removed += keys::remove(&transaction, &mut recent, places)?;
            drop(recent);
            transaction.commit()?;
        }
        let mut writer = hold(&self.writer);
        let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
        keys::mark_expired(&transaction, expired.upto)?;
        transaction.commit()?;
        Ok(removed)
    }

    fn recent(&self) -> RwLockReadGuard<'_, RecentKeys> {
        self.recent.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EventLog for SqliteLog {
    fn append(&self, drafts: &[Draft]) -> Result<Vec<Appended>, Error> {
        if drafts.is_empty() {
            return Ok(Vec::new());
        }
        let encoded = drafts.iter().enumerate().map(encode).collect::<Result<Vec<_>, _>>()?;
        let mut writer = hold(&self.writer);
        let stored = writer.transaction_with_behavior(TransactionBehavior::Immediate).and_then(|transaction| {
            let recent = self.recent();
            let stored = store(&transaction, &recent, &encoded)?;
            let moved = recent.move_some(&transaction, encoded.len())?;
            drop(recent);
            transaction.commit()?;
            Ok((stored, moved))
        });
        let (Stored { head, appended, keys }, moved) = stored.map_err(fault(&self.path))?;
        self.recent.write().unwrap_or_else(PoisonError::into_inner).settle(&moved, keys, head);
        self.head.store(head, Ordering::Release);
        Ok(appended)
    }

    fn read(&self, after: Position, limit: usize) -> Result<Vec<Record>, Error> {
        let query = format!("SELECT {COLUMNS} FROM records WHERE position > ?1 ORDER BY position LIMIT ?2");
        let records = self.select(&query, params![number(after.0), number(limit as u64)])?;
        for (record, expected) in records.iter().zip(after.0.saturating_add(1)..) {
            if record.position.0 != expected {
                return Err(self.bad(Position(expected), "it is missing".into()));
            }
        }
        Ok(records)
    }

    fn read_kinds(&self, after: Position, kinds: &[RecordKind], limit: usize) -> Result<Vec<Record>, Error> {
        let kinds: Vec<String> = numbers_of(kinds).iter().map(i64::to_string).collect();
        let query = format!(
            "SELECT {COLUMNS} FROM records WHERE position > ?1 AND kind IN ({}) ORDER BY position LIMIT ?2",
            kinds.join(", ")
        );
        self.select(&query, params![number(after.0), number(limit as u64)])
    }

    fn head(&self) -> Result<Position, Error> {
        Ok(Position(self.head.load(Ordering::Acquire)))
    }

    fn find(&self, key: RecordKey) -> Result<Option<Record>, Error> {
        // Not in one `or_else`: the lock must not be held while the disk is read.
        let recent = self.recent().get(&key);
        let position = match recent {
            Some(position) => Some(position),
            None => self.readers.with(|connection| keys::find(connection, &key).map_err(fault(&self.path)))?,
        };
        let Some(position) = position else { return Ok(None) };
        let query = format!("SELECT {COLUMNS} FROM records WHERE position = ?1");
        match self.select(&query, [number(position)])?.pop() {
            Some(record) => Ok(Some(record)),
            None => Err(self.bad(Position(position), "its key is known, but it is missing".into())),
        }
    }

    fn expire_keys(&self, recorded_before: Timestamp) -> Result<u64, Error> {
        let mut removed = 0;
        loop {
            let expired = self.readers.with(|connection| {
                keys::next_expired(connection, recorded_before.0, EXPIRED_AT_ONCE).map_err(fault(&self.path))
            })?;
            removed += self.remove_expired(&expired).map_err(fault(&self.path))?;
            if expired.is_last {
                return Ok(removed);
            }
        }
    }
}

impl std::fmt::Debug for SqliteLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteLog").field("path", &self.path).field("head", &self.head).finish_non_exhaustive()
    }
}

/// A draft ready to be stored.
struct Encoded {
    recorded_at: i64,
    kind: i64,
    key: Option<RecordKey>,
    body: String,
}

fn encode((index, draft): (usize, &Draft)) -> Result<Encoded, Error> {
    let body = body(index, &draft.fact)?;
    Ok(Encoded { recorded_at: draft.recorded_at.0, kind: number_of(draft), key: draft.key, body })
}

/// What a batch has become, once its transaction is committed.
struct Stored {
    head: u64,
    appended: Vec<Appended>,
    /// Of the records that are new.
    keys: HashMap<RecordKey, u64>,
}

fn store(transaction: &Transaction<'_>, recent: &RecentKeys, encoded: &[Encoded]) -> rusqlite::Result<Stored> {
    let mut insert = transaction.prepare_cached(INSERT)?;
    let (head, count) = (last_position(transaction)?, encoded.len());
    let mut stored = Stored { head, appended: Vec::with_capacity(count), keys: HashMap::with_capacity(count) };
    for Encoded { recorded_at, kind, key, body } in encoded {
        if let Some(key) = key {
            let known = stored.keys.get(key).copied().or_else(|| recent.get(key));
            let known = if known.is_some() { known } else { keys::find(transaction, key)? };
            if let Some(known) = known {
                stored.appended.push(Appended::Duplicate(Position(known)));
                continue;
            }
            stored.keys.insert(*key, stored.head + 1);
        }
        stored.head += 1;
        let (position, key) = (number(stored.head), key.as_ref().map(|key| key.0.as_slice()));
        let sum = checksum(&Columns { position, recorded_at: *recorded_at, kind: *kind, key, body: body.as_bytes() });
        insert.execute(params![position, recorded_at, kind, key, sum, body])?;
        stored.appended.push(Appended::Stored(Position(stored.head)));
    }
    Ok(stored)
}

/// All columns of a record but the checksum over them.
struct Columns<'a> {
    position: i64,
    recorded_at: i64,
    kind: i64,
    key: Option<&'a [u8]>,
    body: &'a [u8],
}

fn checksum(columns: &Columns<'_>) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for number in [columns.position, columns.recorded_at, columns.kind] {
        hasher.update(&number.to_le_bytes());
    }
    hasher.update(columns.key.unwrap_or_default());
    hasher.update(columns.body);
    hasher.finalize()
}

fn last_position(connection: &Connection) -> rusqlite::Result<u64> {
    let mut last = connection.prepare_cached("SELECT coalesce(max(position), 0) FROM records")?;
    last.query_row([], |row| row.get::<_, i64>(0)).map(|position| position as u64)
}

/// SQLite's integers end at 2^63 - 1, which no log and no page of records reaches.
fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
