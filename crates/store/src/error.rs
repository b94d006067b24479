//! What can go wrong with the disk. Every message says what happened, where, and what to do.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use mercer_schema::{ModelVersion, Position};

/// The cause of a failure inside a library that callers need not know.
pub(crate) type Cause = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot {action} `{}`: {source}.{}", path.display(), advice(source))]
    File { action: &'static str, path: PathBuf, source: io::Error },
    #[error("the operating system refused: {0}")]
    System(#[from] io::Error),
    #[error("no room is left on the disk of `{}`. Nothing of this write was kept; make room and try again", path.display())]
    Full { path: PathBuf },
    #[error("`{}` is a file, but a folder is wanted. Name a folder, or move the file away", path.display())]
    NotAFolder { path: PathBuf },
    #[error("the data folder `{}` is in use by {holder}. Stop that process first, or name another folder", folder.display())]
    InUse {
        folder: PathBuf,
        holder: String,
        /// Where the holder serves, if it does.
        address: Option<String>,
    },
    #[error("`{}` is not there. {advice}", path.display())]
    Missing { path: PathBuf, advice: &'static str },
    #[error("`{}` exists already. Name a place that does not exist yet", path.display())]
    Exists { path: PathBuf },
    #[error("`{}` is no {expected}: {found}. Nothing was changed; name another path, or put the right file back", path.display())]
    Foreign { path: PathBuf, expected: &'static str, found: String },
    #[error(
        "`{}` has format {found}, but this Mercer knows formats up to {known}. Nothing was changed; \
         run the Mercer version that wrote it, or a newer one", path.display()
    )]
    Newer { path: PathBuf, found: i64, known: i64 },
    #[error("`{}` is damaged: {problem}. {advice}", path.display())]
    Damaged { path: PathBuf, problem: String, advice: &'static str },
    #[error("the record at position {position} of `{}` is damaged: {problem}. Put the folder back from a backup", path.display())]
    BadRecord { path: PathBuf, position: Position, problem: String },
    #[error("an entry of table `{table}` in `{}` is damaged (key {key}). Put the folder back from a backup", path.display())]
    BadEntry { path: PathBuf, table: String, key: String },
    #[error(
        "draft {index} of the batch could not be read back from the log: {problem}. Nothing of the batch was kept; mend that fact"
    )]
    Unwritable { index: usize, problem: String },
    #[error("`{}` is locked by another program: {source}. Close what has it open (a database browser, a backup) and try again", path.display())]
    Busy { path: PathBuf, source: Cause },
    #[error("`{}` could not be read or written: {source}. Look at the disk and the system's log", path.display())]
    Storage { path: PathBuf, source: Cause },
    #[error("model version {0} is not in the registry. `mercer doctor` lists those that are")]
    UnknownModel(ModelVersion),
    #[error("model version {version} has no file `{name}`")]
    UnknownModelFile { version: ModelVersion, name: String },
    #[error("`{name}` cannot name a file of a model: use letters, digits, `.`, `-` and `_`, and no leading dot")]
    BadFileName { name: String },
    #[error(
        "the lake `{}` holds records up to {lake}, but the log ends at {log}: they do not belong together. \
         If the log is the right one, delete the lake's folder; it is written again from the log", path.display()
    )]
    LakeAhead { path: PathBuf, lake: Position, log: Position },
}

/// For files that only a backup can bring back.
pub(crate) const RESTORE: &str = "Put the data folder back from a backup";

impl Error {
    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| match source.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => Self::Full { path },
            _ => Self::File { action, path, source },
        }
    }

    /// True when the same call may succeed later, once there is room or another program has let go.
    pub const fn is_temporary(&self) -> bool {
        matches!(self, Self::Full { .. } | Self::Busy { .. })
    }
}

fn advice(source: &io::Error) -> &'static str {
    match source.kind() {
        ErrorKind::PermissionDenied => {
            " Give the user that runs Mercer the right to read and write it, or name another folder"
        }
        ErrorKind::ReadOnlyFilesystem => " The disk is mounted read-only: name a folder on a writable one",
        ErrorKind::NotADirectory => " A part of the path is a file: name another folder",
        ErrorKind::Unsupported => " The file system cannot do this: use a local disk",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denied_permission_says_what_to_do() {
        let denied = Error::file("write", Path::new("/data/lock"))(ErrorKind::PermissionDenied.into());
        let text = denied.to_string();
        assert!(text.contains("/data/lock") && text.contains("the right to read and write"), "{text}");
        assert!(!denied.is_temporary());
    }

    #[test]
    fn a_full_disk_is_temporary() {
        let full = Error::file("write", Path::new("/data/lock"))(ErrorKind::StorageFull.into());
        assert!(full.is_temporary(), "{full}");
    }
}
