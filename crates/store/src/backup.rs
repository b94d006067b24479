//! A copy of a data folder while it is in use.
//!
//! Tables first, then the log, then the models: the copied checkpoint is never ahead of the copied log, and
//! every model that the log names is there. The lake is not copied; it is written again from the log.

use std::fs;
use std::path::Path;

use crate::folder::{LOG, MODELS, TABLES, write_ready};
use crate::{Error, Registry, SqliteLog, SqliteTables, disk};

/// What is open in a running process and cannot be made again.
#[derive(Debug, Clone, Copy)]
pub struct BackupSource<'a> {
    pub log: &'a SqliteLog,
    pub tables: &'a SqliteTables,
    pub registry: &'a Registry,
}

/// Copies everything into a new data folder at `target`, which must not exist. The copy is whole or not there.
pub fn back_up(source: BackupSource<'_>, target: &Path) -> Result<(), Error> {
    if target.exists() {
        return Err(Error::Exists { path: target.to_path_buf() });
    }
    let unfinished = disk::unfinished(target);
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(Error::file("remove", &unfinished))?;
    }
    let copied = copy(source, &unfinished).and_then(|()| disk::rename(&unfinished, target));
    if copied.is_err() {
        // Half a backup is none, and takes room; the error that matters is the first.
        let _ = fs::remove_dir_all(&unfinished);
    }
    copied
}

fn copy(source: BackupSource<'_>, unfinished: &Path) -> Result<(), Error> {
    disk::create_folder(unfinished)?;
    source.tables.backup_to(&unfinished.join(TABLES))?;
    source.log.backup_to(&unfinished.join(LOG))?;
    source.registry.backup_to(&unfinished.join(MODELS))?;
    write_ready(unfinished)
}
