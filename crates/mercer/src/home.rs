//! The data folder opened: stores, engine, and what belongs together.

use std::path::Path;
use std::sync::Arc;

use mercer_engine::{Engine, Options, Parts};
use mercer_store::{BackupSource, DataFolder, EventLog, Lake, Registry, SqliteLog, SqliteTables, Tables, back_up};

use crate::config::Config;
use crate::failure::Failure;

/// Version of the program with the build it came from.
pub(crate) const CODE_VERSION: &str = env!("CARGO_PKG_VERSION");

/// An open data folder. The lock on it lasts as long as this.
pub(crate) struct Home {
    pub engine: Arc<Engine>,
    pub tables: Arc<dyn Tables>,
    pub folder: DataFolder,
    pub registry: Arc<Registry>,
    log: Arc<SqliteLog>,
    sqlite_tables: Arc<SqliteTables>,
    pub lake: Arc<Lake>,
}

impl Home {
    /// Makes the folder when it is not there: for commands that bring something in.
    pub(crate) fn open(config: &Config, rebuild: bool) -> Result<Self, Failure> {
        Self::start(DataFolder::open(&config.data_folder)?, rebuild)
    }

    /// For commands that look at what is there: a slip in the folder's name makes nothing.
    pub(crate) fn open_existing(config: &Config) -> Result<Self, Failure> {
        Self::start(DataFolder::open_existing(&config.data_folder)?, false)
    }

    fn start(folder: DataFolder, rebuild: bool) -> Result<Self, Failure> {
        let log = Arc::new(folder.log()?);
        let sqlite_tables = Arc::new(folder.tables()?);
        let tables = Arc::clone(&sqlite_tables) as Arc<dyn Tables>;
        let registry = Arc::new(folder.registry()?);
        let lake = Arc::new(folder.lake()?);
        let parts = Parts {
            log: Arc::clone(&log) as Arc<dyn EventLog>,
            tables: Arc::clone(&tables),
            registry: Arc::clone(&registry),
            lake: Arc::clone(&lake),
        };
        let options = Options { code_version: CODE_VERSION.to_owned(), rebuild };
        let engine = Arc::new(Engine::open(parts, options)?);
        Ok(Self { engine, tables, folder, registry, log, sqlite_tables, lake })
    }

    /// Reads every record, entry and row, and checks each; returns what is wrong.
    pub(crate) fn verify(&self) -> Vec<mercer_store::Error> {
        let checks = [self.log.verify(|_| {}), self.sqlite_tables.verify(), self.lake.verify()];
        checks.into_iter().filter_map(Result::err).collect()
    }

    /// A whole copy of the data folder at `target`, which must not exist.
    pub(crate) fn back_up(&self, target: &Path) -> Result<(), Failure> {
        let source = BackupSource { log: &self.log, tables: &self.sqlite_tables, registry: &self.registry };
        Ok(back_up(source, target)?)
    }
}
