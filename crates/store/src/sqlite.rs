//! What every SQLite file of Mercer has in common: settings, a checked format, readers, errors, backup.
//!
//! A commit that returned is on the disk (WAL with full sync). Files carry Mercer's application id and a
//! format version, so a foreign or newer file is refused before anything in it is touched.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::error::RESTORE;
use crate::{Error, disk};

/// How long to wait for another program that has the file locked.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);
/// Pages of WAL, 16 MB, before they move into the main file; the append that does it takes some milliseconds longer.
const CHECKPOINT_PAGES: i64 = 4_000;
/// What a writer keeps of the file in memory. The system keeps the file itself, so that more gains little.
const CACHE_KIBIBYTES: i64 = 4 * 1024;
/// SQLite takes a file that is shorter than its smallest page for a new, empty database.
const SMALLEST_FILE_BYTES: u64 = 512;
/// Idle read connections that are kept.
const IDLE_READERS: usize = 4;

/// A kind of file: what it is called, how it is told from others, and its tables.
#[derive(Debug)]
pub(crate) struct Format {
    pub(crate) name: &'static str,
    /// Bytes 68 to 71 of the file.
    pub(crate) application_id: i32,
    pub(crate) version: i32,
    pub(crate) schema: &'static str,
}

/// Opens the file, or makes it with empty tables when it is not there.
pub(crate) fn create(path: &Path, format: &Format) -> Result<Connection, Error> {
    // SQLite would let everybody read it, also when the folder was there before and is open to all.
    disk::make_private(path)?;
    let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    initialise(&mut connection, format).map_err(fault(path))?;
    ready(connection, path, format)
}

/// Opens a file that must be there.
pub(crate) fn open(path: &Path, format: &Format) -> Result<Connection, Error> {
    match path.metadata() {
        Ok(metadata) if metadata.len() >= SMALLEST_FILE_BYTES => {}
        Ok(_) => {
            let problem = "it is cut short to almost nothing".into();
            return Err(Error::Damaged { path: path.to_path_buf(), problem, advice: RESTORE });
        }
        Err(_) => return Err(Error::Missing { path: path.to_path_buf(), advice: RESTORE }),
    }
    ready(connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?, path, format)
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, Error> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(fault(path))?;
    connection.busy_timeout(PATIENCE).map_err(fault(path))?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

/// Gives an empty database the format's tables; any other is left as it is.
fn initialise(connection: &mut Connection, format: &Format) -> rusqlite::Result<()> {
    let is_empty = |connection: &Connection| -> rusqlite::Result<bool> {
        let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        Ok(tables == 0 && pragma(connection, "application_id")? == 0)
    };
    if !is_empty(connection)? {
        return Ok(());
    }
    let transaction = connection.transaction()?;
    transaction.execute_batch(format.schema)?;
    transaction.pragma_update(None, "application_id", format.application_id)?;
    transaction.pragma_update(None, "user_version", format.version)?;
    transaction.commit()
}

fn ready(connection: Connection, path: &Path, format: &Format) -> Result<Connection, Error> {
    check_format(&connection, path, format)?;
    // SQLite opens a file without the right to write all the same, and refuses the first write.
    if connection.is_readonly("main").map_err(fault(path))? {
        let denied = std::io::ErrorKind::PermissionDenied;
        return Err(Error::file("open for writing", path)(denied.into()));
    }
    let set = || -> rusqlite::Result<String> {
        let mode = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
        connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
        // Without the sign these would be pages.
        connection.pragma_update(None, "cache_size", -CACHE_KIBIBYTES)?;
        connection.pragma_update(None, "cell_size_check", true)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        Ok(mode)
    };
    let mode = set().map_err(fault(path))?;
    if mode != "wal" {
        let source = format!("this file system allows only journal mode `{mode}`; use a local disk").into();
        return Err(Error::Storage { path: path.to_path_buf(), source });
    }
    Ok(connection)
}

fn check_format(connection: &Connection, path: &Path, format: &Format) -> Result<(), Error> {
    let application_id = pragma(connection, "application_id").map_err(fault(path))?;
    let version = pragma(connection, "user_version").map_err(fault(path))?;
    if application_id != i64::from(format.application_id) {
        let found = format!("its application id is {application_id:#010x}, not {:#010x}", format.application_id);
        return Err(Error::Foreign { path: path.to_path_buf(), expected: format.name, found });
    }
    if version > i64::from(format.version) {
        return Err(Error::Newer { path: path.to_path_buf(), found: version, known: format.version.into() });
    }
    if version != i64::from(format.version) {
        let problem = format!("no Mercer ever wrote format version {version}");
        return Err(Error::Damaged { path: path.to_path_buf(), problem, advice: RESTORE });
    }
    Ok(())
}

fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

/// Turns SQLite's error into one that names the file and what to do.
pub(crate) fn fault(path: &Path) -> impl Fn(rusqlite::Error) -> Error {
    let path = path.to_path_buf();
    move |source| {
        let path = path.clone();
        match source.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Error::Full { path },
            _ if is_no_room(&source) => Error::Full { path },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Error::Busy { path, source: source.into() },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Error::Damaged { path, problem: source.to_string(), advice: RESTORE }
            }
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
                let denied = std::io::Error::new(std::io::ErrorKind::PermissionDenied, source);
                Error::File { action: "open for writing", path, source: denied }
            }
            _ => Error::Storage { path, source: source.into() },
        }
    }
}

/// The shared memory beside the file could not grow: SQLite calls that an input/output error.
fn is_no_room(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error().map(|error| error.extended_code);
    code == Some(rusqlite::ffi::SQLITE_IOERR_SHMSIZE)
}

/// SQLite's own check of the whole file's structure. Reads everything.
pub(crate) fn check_structure(connection: &Connection, path: &Path) -> Result<(), Error> {
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(fault(path))?;
    match verdict.as_str() {
        "ok" => Ok(()),
        _ => Err(Error::Damaged { path: path.to_path_buf(), problem: verdict, advice: RESTORE }),
    }
}

/// A mutex whose holder panicked is still good: SQLite rolled the transaction back.
pub(crate) fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Read-only connections, opened when needed and kept for the next reader.
pub(crate) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(crate) const fn new(path: PathBuf) -> Self {
        Self { path, idle: Mutex::new(Vec::new()) }
    }

    pub(crate) fn with<T>(&self, work: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
        let idle = hold(&self.idle).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => connect(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY)?,
        };
        let outcome = work(&connection);
        let mut idle = hold(&self.idle);
        if idle.len() < IDLE_READERS {
            idle.push(connection);
        }
        outcome
    }

    /// Copies the database as it is now into a new file, while writers go on.
    pub(crate) fn backup_to(&self, target: &Path) -> Result<(), Error> {
        if target.exists() {
            return Err(Error::Exists { path: target.to_path_buf() });
        }
        disk::make_private(target)?;
        self.with(|from| {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
            let mut to = connect(target, flags)?;
            let backup = Backup::new(from, &mut to).map_err(fault(target))?;
            // One step holds one read snapshot: a busy writer cannot make the copy start over.
            match backup.step(-1).map_err(fault(target))? {
                StepResult::Done => Ok(()),
                _ => Err(Error::Busy { path: self.path.clone(), source: "the copy could not start".into() }),
            }
        })?;
        disk::sync_folder(disk::parent(target))
    }
}
