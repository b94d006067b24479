//! The data folder's stores as exports, backups and uploads need them, beside the engine that lives on them.
//!
//! What is on its way (an upload, a backup) lies in the scratch folder and goes away with its request; what a crash
//! leaves there is removed at the next start.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use mercer_store::{BackupSource, DataFolder, Error, Registry, SqliteLog, SqliteTables, back_up};
use tokio::sync::Semaphore;

/// Uploads that are read in at a time.
const IMPORTS: usize = 2;

/// Stores that are open, and how many long jobs may run on them.
#[derive(Debug)]
pub struct Stores {
    pub log: Arc<SqliteLog>,
    pub tables: Arc<SqliteTables>,
    pub registry: Arc<Registry>,
    scratch: PathBuf,
    pub(crate) backups: Arc<Semaphore>,
    pub(crate) imports: Arc<Semaphore>,
}

impl Stores {
    /// Opens the stores of a folder and empties its scratch folder.
    pub fn open(folder: &DataFolder) -> Result<Self, Error> {
        Ok(Self {
            log: Arc::new(folder.log()?),
            tables: Arc::new(folder.tables()?),
            registry: Arc::new(folder.registry()?),
            scratch: folder.scratch()?,
            backups: Arc::new(Semaphore::new(1)),
            imports: Arc::new(Semaphore::new(IMPORTS)),
        })
    }

    /// A whole copy of the data folder at `target`, which must not exist. Also while everything is in use.
    pub fn back_up(&self, target: &Path) -> Result<(), Error> {
        back_up(BackupSource { log: &self.log, tables: &self.tables, registry: &self.registry }, target)
    }

    pub(crate) fn scratch(&self) -> &Path {
        &self.scratch
    }
}
