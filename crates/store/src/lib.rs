//! Everything that Mercer keeps on disk: the event log, tables, trained models, and the Parquet lake.
//!
//! The only crate that knows databases. What an `append` or a `write` has returned for survives a crash and a
//! power cut; a file that is newer, broken or not Mercer's is refused with a message that says what to do.
//! Nothing here interprets a fact: folding and training happen elsewhere.
//!
//! ```
//! use mercer_schema::{Draft, Fact, Position, ProductId, Timestamp};
//! use mercer_store::{Appended, EventLog, MemoryLog};
//!
//! let log = MemoryLog::default();
//! let fact = Fact::ProductRemoved(ProductId::parse("85123A")?);
//! let appended = log.append(&[Draft { recorded_at: Timestamp::from_seconds(1), key: None, key_lasts: false, fact }])?;
//! assert_eq!(appended, [Appended::Stored(Position(1))]);
//! assert_eq!(log.read(Position(0), 10)?.len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod backup;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod disk;
mod error;
#[cfg(test)]
mod faults;
mod folder;
#[cfg(test)]
mod hostile;
mod lake;
mod log;
mod registry;
mod sqlite;
mod tables;

pub use backup::{BackupSource, back_up};
pub use error::Error;
pub use folder::DataFolder;
#[cfg(feature = "sql")]
pub use lake::sql;
pub use lake::{IdentityRow, Lake, LineAction, LineRow};
pub use log::{Appended, EventLog, MemoryLog, RecordKind, SqliteLog};
pub use registry::{
    Alias, Check, DamagedVersion, DataRange, Difference, FileEntry, FittedModel, Gate, Lineage, Manifest, NewModel,
    Registry, RunNotes, TrainingRun,
};
pub use tables::{Entry, MemoryTables, Scan, SqliteTables, Tables, Write};
