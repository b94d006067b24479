//! The data folder opened: stores, engine, and what belongs together.

use std::sync::Arc;

use mercer_engine::{Engine, Options, Parts};
use mercer_server::Stores;
use mercer_store::{DataFolder, EventLog, Lake, Tables};

use crate::config::Config;
use crate::failure::Failure;

/// Version of the program with the build it came from.
pub(crate) const CODE_VERSION: &str = env!("CARGO_PKG_VERSION");

/// An open data folder. The lock on it lasts as long as this.
pub(crate) struct Home {
    pub engine: Arc<Engine>,
    pub tables: Arc<dyn Tables>,
    pub stores: Arc<Stores>,
    pub lake: Arc<Lake>,
    pub folder: DataFolder,
}

impl Home {
    /// Makes the folder when it is not there: for commands that bring something in.
    pub(crate) fn open(config: &Config, rebuild: bool) -> Result<Self, Failure> {
        Self::start(DataFolder::open(&config.data_folder)?, config, rebuild)
    }

    /// For commands that look at what is there: a slip in the folder's name makes nothing.
    pub(crate) fn open_existing(config: &Config) -> Result<Self, Failure> {
        Self::start(DataFolder::open_existing(&config.data_folder)?, config, false)
    }

    fn start(folder: DataFolder, config: &Config, rebuild: bool) -> Result<Self, Failure> {
        let stores = Arc::new(Stores::open(&folder)?);
        let tables = Arc::clone(&stores.tables) as Arc<dyn Tables>;
        let lake = Arc::new(folder.lake()?);
        let parts = Parts {
            log: Arc::clone(&stores.log) as Arc<dyn EventLog>,
            tables: Arc::clone(&tables),
            registry: Arc::clone(&stores.registry),
            lake: Arc::clone(&lake),
        };
        let options = Options {
            code_version: CODE_VERSION.to_owned(),
            rebuild,
            models: config.models.clone(),
            language: config.language,
        };
        let engine = Arc::new(Engine::open(parts, options)?);
        Ok(Self { engine, tables, stores, lake, folder })
    }

    /// Reads every record, entry and row, and checks each; returns what is wrong.
    pub(crate) fn verify(&self) -> Vec<mercer_store::Error> {
        let checks = [self.stores.log.verify(|_| {}), self.stores.tables.verify(), self.lake.verify()];
        checks.into_iter().filter_map(Result::err).collect()
    }
}
