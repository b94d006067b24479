//! All tables in one SQLite file, so that one transaction can span them.
//!
//! Every entry carries a checksum over its table, key and value. One process writes, see
//! [`DataFolder`](crate::DataFolder).

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::{Entry, Scan, Tables, Write};
use crate::Error;
use crate::sqlite::{self, Format, Readers, fault, hold};

const FORMAT: Format = Format {
    name: "Mercer table file",
    application_id: i32::from_be_bytes(*b"MrcT"),
    version: 1,
    // With row ids, because values of some kilobytes would overflow the pages of an index.
    schema: "
        CREATE TABLE entries(
            id INTEGER PRIMARY KEY, name TEXT NOT NULL, key BLOB NOT NULL,
            checksum INTEGER NOT NULL, value BLOB NOT NULL, UNIQUE(name, key)
        ) STRICT;
    ",
};

const GET: &str = "SELECT key, checksum, value FROM entries WHERE name = ?1 AND key = ?2";
const PUT: &str = "INSERT INTO entries(name, key, checksum, value) VALUES (?1, ?2, ?3, ?4) \
     ON CONFLICT(name, key) DO UPDATE SET checksum = excluded.checksum, value = excluded.value";
const DELETE: &str = "DELETE FROM entries WHERE name = ?1 AND key = ?2";
const CLEAR: &str = "DELETE FROM entries WHERE name = ?1";

pub struct SqliteTables {
    // Before the writer: the last connection that closes must be one that may tidy up the WAL.
    readers: Readers,
    writer: Mutex<Connection>,
    path: PathBuf,
}

impl SqliteTables {
    /// Opens the file, or makes an empty one when it is not there.
    pub fn create(path: &Path) -> Result<Self, Error> {
        Ok(Self::start(sqlite::create(path, &FORMAT)?, path))
    }

    /// Opens a file that must be there.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Ok(Self::start(sqlite::open(path, &FORMAT)?, path))
    }

    fn start(writer: Connection, path: &Path) -> Self {
        Self { readers: Readers::new(path.to_path_buf()), writer: Mutex::new(writer), path: path.to_path_buf() }
    }

    /// Copies the tables as they are now into a new file, while writes go on.
    pub fn backup_to(&self, target: &Path) -> Result<(), Error> {
        self.readers.backup_to(target)
    }

    /// Reads everything and checks it: the file's structure and every checksum.
    pub fn verify(&self) -> Result<(), Error> {
        self.readers.with(|connection| {
            sqlite::check_structure(connection, &self.path)?;
            let mut all =
                connection.prepare("SELECT key, checksum, value, name FROM entries").map_err(fault(&self.path))?;
            let mut rows = all.query([]).map_err(fault(&self.path))?;
            while let Some(row) = rows.next().map_err(fault(&self.path))? {
                let table: String = row.get(3).map_err(fault(&self.path))?;
                self.entry(&table, row)?;
            }
            Ok(())
        })
    }

    fn entry(&self, table: &str, row: &rusqlite::Row<'_>) -> Result<Entry, Error> {
        let read = || Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let (key, sum, value): (Vec<u8>, i64, Vec<u8>) = read().map_err(fault(&self.path))?;
        if sum == i64::from(checksum(table, &key, &value)) {
            return Ok((key, value));
        }
        Err(self.bad(table, &key))
    }

    fn bad(&self, table: &str, key: &[u8]) -> Error {
        let key = key.escape_ascii().to_string();
        Error::BadEntry { path: self.path.clone(), table: table.to_owned(), key }
    }
}

impl Tables for SqliteTables {
    fn get(&self, table: &str, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.readers.with(|connection| {
            let mut get = connection.prepare_cached(GET).map_err(fault(&self.path))?;
            let found = get.query_row(params![table, key], |row| Ok(self.entry(table, row))).optional();
            match found.map_err(fault(&self.path))?.transpose()? {
                // A damaged index leads to another entry, which is whole in itself.
                Some((found, _)) if found != key => Err(self.bad(table, key)),
                found => Ok(found.map(|(_, value)| value)),
            }
        })
    }

    fn scan(&self, table: &str, range: Scan, limit: usize) -> Result<Vec<Entry>, Error> {
        let Some((from, until)) = range.bounds() else { return Ok(Vec::new()) };
        let direction = if range.is_backward { "DESC" } else { "ASC" };
        let below = if until.is_some() { "key < ?3" } else { "?3 IS NULL" };
        let query = format!(
            "SELECT key, checksum, value FROM entries \
             WHERE name = ?1 AND key >= ?2 AND {below} ORDER BY key {direction} LIMIT ?4"
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.readers.with(|connection| {
            let mut scan = connection.prepare_cached(&query).map_err(fault(&self.path))?;
            let mut rows = scan.query(params![table, from, until, limit]).map_err(fault(&self.path))?;
            let mut entries: Vec<Entry> = Vec::new();
            while let Some(row) = rows.next().map_err(fault(&self.path))? {
                let entry = self.entry(table, row)?;
                let follows = |last: &Entry| if range.is_backward { entry.0 < last.0 } else { last.0 < entry.0 };
                let is_inside = from <= entry.0 && until.as_ref().is_none_or(|until| entry.0 < *until);
                // A damaged index leads to other entries, which are whole in themselves.
                if !is_inside || !entries.last().is_none_or(follows) {
                    return Err(self.bad(table, &entry.0));
                }
                entries.push(entry);
            }
            Ok(entries)
        })
    }

    fn write(&self, batch: &[Write]) -> Result<(), Error> {
        if batch.is_empty() {
            return Ok(());
        }
        let mut writer = hold(&self.writer);
        let written = writer.transaction_with_behavior(TransactionBehavior::Immediate).and_then(|transaction| {
            apply(&transaction, batch)?;
            transaction.commit()
        });
        written.map_err(fault(&self.path))
    }
}

impl std::fmt::Debug for SqliteTables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteTables").field("path", &self.path).finish_non_exhaustive()
    }
}

fn apply(transaction: &Transaction<'_>, batch: &[Write]) -> rusqlite::Result<()> {
    let mut put = transaction.prepare_cached(PUT)?;
    let mut delete = transaction.prepare_cached(DELETE)?;
    let mut clear = transaction.prepare_cached(CLEAR)?;
    for write in batch {
        match write {
            Write::Put { table, key, value } => put.execute(params![table, key, checksum(table, key, value), value])?,
            Write::Delete { table, key } => delete.execute(params![table, key])?,
            Write::Clear { table } => clear.execute([table])?,
        };
    }
    Ok(())
}

fn checksum(table: &str, key: &[u8], value: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for part in [table.as_bytes(), key, value] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conforms() {
        let folder = tempfile::tempdir().unwrap();
        let mut made = 0;
        crate::conformance::tables(|| {
            made += 1;
            SqliteTables::create(&folder.path().join(format!("{made}.db"))).unwrap()
        });
    }

    #[test]
    fn survives_reopening_and_backs_up_while_open() {
        let folder = tempfile::tempdir().unwrap();
        let (path, copy) = (folder.path().join("tables.db"), folder.path().join("copy.db"));
        {
            let tables = SqliteTables::create(&path).unwrap();
            tables.write(&[Write::put("settings", "a", "1")]).unwrap();
            tables.backup_to(&copy).unwrap();
            tables.write(&[Write::put("settings", "a", "2")]).unwrap();
            assert!(matches!(tables.backup_to(&copy), Err(Error::Exists { .. })));
        }
        assert_eq!(SqliteTables::open(&path).unwrap().get("settings", b"a").unwrap(), Some(b"2".to_vec()));
        assert_eq!(SqliteTables::open(&copy).unwrap().get("settings", b"a").unwrap(), Some(b"1".to_vec()));
    }

    #[test]
    fn a_changed_value_is_found_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tables.db");
        SqliteTables::create(&path).unwrap().write(&[Write::put("keys", b"\x01k".as_slice(), "value")]).unwrap();
        let changed = Connection::open(&path).unwrap().execute("UPDATE entries SET value = x'56'", []);
        assert_eq!(changed.unwrap(), 1);
        let tables = SqliteTables::open(&path).unwrap();
        let error = tables.get("keys", b"\x01k").unwrap_err().to_string();
        assert!(error.contains("table `keys`") && error.contains("\\x01k") && error.contains("backup"), "{error}");
        assert!(tables.verify().is_err());
    }
}
