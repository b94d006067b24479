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
    pub(crate) fn open(config: &Config, rebuild: bool) -> Result<Self, Failure> {
        let folder = DataFolder::open(&config.data_folder)?;
        let stores = Arc::new(Stores::open(&folder)?);
        let tables = Arc::clone(&stores.tables) as Arc<dyn Tables>;
        let lake = Arc::new(folder.lake()?);
        let parts = Parts {
            log: Arc::clone(&stores.log) as Arc<dyn EventLog>,
            tables: Arc::clone(&tables),
            registry: Arc::clone(&stores.registry),
            lake: Arc::clone(&lake),
        };
        let options = Options { code_version: CODE_VERSION.to_owned(), rebuild };
        let engine = Arc::new(Engine::open(parts, options)?);
        Ok(Self { engine, tables, stores, lake, folder })
    }
}
