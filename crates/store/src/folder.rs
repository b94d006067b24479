//! The one folder that everything lives in.
//!
//! `mercer.json` tells its format, and that it was completely made; a locked file keeps a second process out for as
//! long as the [`DataFolder`] lives. Keep it alive as long as anything that was opened from it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::RESTORE;
use crate::{Error, Lake, Registry, SqliteLog, SqliteTables, disk};

const FORMAT: u32 = 1;
pub(crate) const ABOUT: &str = "mercer.json";
const LOCK: &str = "lock";
pub(crate) const LOG: &str = "log.db";
pub(crate) const TABLES: &str = "tables.db";
pub(crate) const MODELS: &str = "models";
const LAKE: &str = "lake";
const SCRATCH: &str = "tmp";
/// May lie in a folder that is about to become a data folder.
const HARMLESS: [&str; 3] = [LOCK, "lost+found", "mercer.toml"];

#[derive(Debug)]
pub struct DataFolder {
    root: PathBuf,
    /// Unlocked by the operating system when the process ends, however it ends.
    lock: File,
}

impl DataFolder {
    /// Opens the folder and locks it; makes it when it is not there or empty.
    pub fn open(root: impl AsRef<Path>) -> Result<Self, Error> {
        let root = root.as_ref();
        refuse_file(root)?;
        disk::create_folder(root)?;
        refuse_foreign(root)?;
        let folder = Self { root: root.to_path_buf(), lock: lock(root)? };
        match read_about(root)? {
            Some(About { state: State::Ready, .. }) => {}
            _ => folder.make()?,
        }
        Ok(folder)
    }

    /// Opens a folder that must be there, for commands that only read; makes nothing.
    pub fn open_existing(root: impl AsRef<Path>) -> Result<Self, Error> {
        let root = root.as_ref();
        refuse_file(root)?;
        let ready = if root.is_dir() {
            refuse_foreign(root)?;
            read_about(root)?
        } else {
            None
        };
        match ready {
            Some(About { state: State::Ready, .. }) => Ok(Self { root: root.to_path_buf(), lock: lock(root)? }),
            _ => Err(Error::Missing {
                path: root.join(ABOUT),
                advice: "Name the folder that `mercer serve` or `mercer demo` was given as --data; they make it at their first start",
            }),
        }
    }

    /// Leaves word, for whoever finds the folder locked, where this process serves.
    pub fn tell_address(&self, address: &str) -> Result<(), Error> {
        leave_note(&self.lock, &format!("{}\n{address}\n", std::process::id()))
            .map_err(Error::file("write", &self.root.join(LOCK)))
    }

    pub fn path(&self) -> &Path {
        &self.root
    }

    pub fn log(&self) -> Result<SqliteLog, Error> {
        SqliteLog::open(&self.root.join(LOG))
    }

    pub fn tables(&self) -> Result<SqliteTables, Error> {
        SqliteTables::open(&self.root.join(TABLES))
    }

    pub fn registry(&self) -> Result<Registry, Error> {
        Registry::open(&self.root.join(MODELS))
    }

    pub fn lake(&self) -> Result<Lake, Error> {
        Lake::open(&self.root.join(LAKE))
    }

    /// An empty folder for what is on its way; whatever a crash left in it is removed.
    pub fn scratch(&self) -> Result<PathBuf, Error> {
        let scratch = self.root.join(SCRATCH);
        if scratch.exists() {
            std::fs::remove_dir_all(&scratch).map_err(Error::file("empty", &scratch))?;
        }
        disk::create_folder(&scratch)?;
        Ok(scratch)
    }

    /// Fills an empty folder. Says so first and last: after a crash in between it is done again, and a database
    /// that is missing from a complete folder is a loss to report, not a reason to start afresh.
    fn make(&self) -> Result<(), Error> {
        write_about(&self.root, State::Making)?;
        SqliteLog::create(&self.root.join(LOG))?;
        SqliteTables::create(&self.root.join(TABLES))?;
        disk::create_folder(&self.root.join(MODELS))?;
        disk::create_folder(&self.root.join(LAKE))?;
        disk::sync_folder(&self.root)?;
        write_about(&self.root, State::Ready)
    }
}

/// The content of `mercer.json`.
#[derive(Debug, Serialize, Deserialize)]
struct About {
    format: u32,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Making,
    Ready,
}

/// Marks a folder as complete; used by a backup too.
pub(crate) fn write_ready(root: &Path) -> Result<(), Error> {
    write_about(root, State::Ready)
}

fn write_about(root: &Path, state: State) -> Result<(), Error> {
    let path = root.join(ABOUT);
    let about = About { format: FORMAT, state };
    let json = serde_json::to_vec_pretty(&about).map_err(|error| damaged(&path, error.to_string()))?;
    disk::replace(&path, &json)
}

fn read_about(root: &Path) -> Result<Option<About>, Error> {
    #[derive(Deserialize)]
    struct Head {
        format: u32,
    }
    let path = root.join(ABOUT);
    let Some(bytes) = disk::read_if_there(&path)? else { return Ok(None) };
    let head: Head = serde_json::from_slice(&bytes).map_err(|error| damaged(&path, error.to_string()))?;
    if head.format > FORMAT {
        return Err(Error::Newer { path, found: head.format.into(), known: FORMAT.into() });
    }
    let about = serde_json::from_slice(&bytes).map_err(|error| damaged(&path, error.to_string()))?;
    Ok(Some(about))
}

fn damaged(path: &Path, problem: String) -> Error {
    Error::Damaged { path: path.to_path_buf(), problem, advice: RESTORE }
}

fn refuse_file(root: &Path) -> Result<(), Error> {
    match root.metadata() {
        Ok(metadata) if !metadata.is_dir() => Err(Error::NotAFolder { path: root.to_path_buf() }),
        _ => Ok(()),
    }
}

/// A folder with other things in it is somebody else's: a mistyped path must not fill it with ours.
fn refuse_foreign(root: &Path) -> Result<(), Error> {
    let names = disk::names(root)?;
    if names.iter().any(|name| name == ABOUT) {
        return Ok(());
    }
    match names.iter().find(|name| !name.starts_with('.') && !HARMLESS.contains(&name.as_str())) {
        Some(name) => Err(Error::Foreign {
            path: root.to_path_buf(),
            expected: "Mercer data folder",
            found: format!("it holds `{name}` but no `{ABOUT}`"),
        }),
        None => Ok(()),
    }
}

/// Locks the folder for this process and leaves the process id for whoever comes second.
fn lock(root: &Path) -> Result<File, Error> {
    let path = root.join(LOCK);
    let mut options = OpenOptions::new();
    let mut file =
        options.read(true).write(true).create(true).truncate(false).open(&path).map_err(Error::file("open", &path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let (holder, address) = holder(&mut file);
            return Err(Error::InUse { folder: root.to_path_buf(), holder, address });
        }
        Err(TryLockError::Error(error)) => return Err(Error::file("lock", &path)(error)),
    }
    leave_note(&file, &std::process::id().to_string()).map_err(Error::file("write", &path))?;
    Ok(file)
}

fn leave_note(mut file: &File, note: &str) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(note.as_bytes())
}

/// Who has the folder, and where it serves.
fn holder(file: &mut File) -> (String, Option<String>) {
    let mut text = String::new();
    // A note that is no text names nobody.
    let _ = file.take(1_024).read_to_string(&mut text);
    let mut lines = text.lines().map(str::trim);
    let id = lines.next().and_then(|id| id.parse::<u32>().ok());
    let address = lines.next().filter(|address| address.starts_with("http://")).map(str::to_owned);
    let holder = match id {
        Some(id) if id == std::process::id() => "this very process".into(),
        Some(id) => format!("process {id}"),
        None => "another process".into(),
    };
    (holder, address)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn makes_the_tree_and_opens_it_again() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("deep/down");
        drop(DataFolder::open(&root).unwrap());
        let opened = DataFolder::open_existing(&root).unwrap();
        assert_eq!(opened.path(), root);
        opened.log().unwrap();
        opened.tables().unwrap();
        opened.registry().unwrap();
        opened.lake().unwrap();
    }

    #[test]
    fn a_second_opener_is_told_who_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let first = DataFolder::open(folder.path()).unwrap();
        for second in [DataFolder::open(folder.path()), DataFolder::open_existing(folder.path())] {
            let error = second.unwrap_err().to_string();
            assert!(
                error.contains(&*folder.path().to_string_lossy()) && error.contains("this very process"),
                "{error}"
            );
        }
        first.tell_address("http://127.0.0.1:7").unwrap();
        let Err(Error::InUse { address, .. }) = DataFolder::open(folder.path()) else { panic!("it is not locked") };
        assert_eq!(address.as_deref(), Some("http://127.0.0.1:7"));
        drop(first);
        DataFolder::open(folder.path()).unwrap();
    }

    #[test]
    fn the_scratch_folder_starts_empty() {
        let root = tempfile::tempdir().unwrap();
        let folder = DataFolder::open(root.path()).unwrap();
        let scratch = folder.scratch().unwrap();
        fs::write(scratch.join("upload-1"), b"half").unwrap();
        assert!(disk::names(&folder.scratch().unwrap()).unwrap().is_empty());
    }

    #[test]
    fn a_file_or_a_path_under_a_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, b"text").unwrap();
        assert!(matches!(DataFolder::open(&file), Err(Error::NotAFolder { .. })));
        let error = DataFolder::open(file.join("below")).unwrap_err().to_string();
        assert!(error.contains("file/below") && error.contains("A part of the path is a file"), "{error}");
    }

    #[test]
    fn an_existing_folder_is_not_made() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("absent");
        for path in [root.as_path(), folder.path()] {
            assert!(matches!(DataFolder::open_existing(path), Err(Error::Missing { .. })));
        }
        assert!(!root.exists());
        assert!(disk::names(folder.path()).unwrap().is_empty());
    }

    #[test]
    fn a_foreign_folder_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("thesis.tex"), b"").unwrap();
        for refused in [DataFolder::open(folder.path()), DataFolder::open_existing(folder.path())] {
            let error = refused.unwrap_err().to_string();
            assert!(error.contains("thesis.tex"), "{error}");
        }
        assert_eq!(disk::names(folder.path()).unwrap(), ["thesis.tex"]);
    }

    #[test]
    fn a_newer_or_broken_format_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        drop(DataFolder::open(folder.path()).unwrap());
        let about = folder.path().join(ABOUT);
        fs::write(&about, br#"{"format": 2, "shards": []}"#).unwrap();
        let error = DataFolder::open(folder.path()).unwrap_err();
        assert!(matches!(error, Error::Newer { found: 2, known: 1, .. }), "{error}");
        for broken in ["", "{\"format\": 1", "{\"format\": 1, \"state\": \"lost\"}", "[]"] {
            fs::write(&about, broken).unwrap();
            let error = DataFolder::open(folder.path()).unwrap_err();
            assert!(matches!(error, Error::Damaged { .. }) && error.to_string().contains(ABOUT), "{error}");
        }
    }

    #[test]
    fn a_crash_while_making_is_made_good_and_a_lost_database_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(LOCK), b"").unwrap();
        write_about(folder.path(), State::Making).unwrap();
        let made = DataFolder::open(folder.path()).unwrap();
        fs::remove_file(folder.path().join(LOG)).unwrap();
        let error = made.log().unwrap_err().to_string();
        assert!(error.contains(LOG) && error.contains("backup"), "{error}");
    }

    #[test]
    #[cfg(unix)]
    fn nobody_else_may_read_customers_data() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        // As `useradd --create-home` leaves it: open to all.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let made = DataFolder::open(folder.path()).unwrap();
        let (_log, _tables) = (made.log().unwrap(), made.tables().unwrap());
        for name in [LOG, TABLES, MODELS, LAKE] {
            let mode = fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{name}: {mode:o}");
        }
    }

    #[test]
    #[cfg(unix)]
    fn a_folder_without_rights_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o500)).unwrap();
        if fs::write(folder.path().join("probe"), b"").is_ok() {
            println!("skipped: this user may write everywhere");
            return;
        }
        let error = DataFolder::open(folder.path()).unwrap_err().to_string();
        assert!(error.contains("right to read and write"), "{error}");
    }
}
