//! Ad-hoc SQL over the lake, by DataFusion. In the build only with the feature `sql`.
//!
//! A query reads and never changes anything: it sees the lake's files and the tables that the caller brings, no other
//! file, and nothing but a query is run. Memory is bounded, and nothing is spilled to the disk. The files stay as they
//! are until it ends: the lake is not extended meanwhile. Nothing here is on the way of a decision.

mod fault;
mod read_only;
mod tables;

use std::ops::ControlFlow;
use std::sync::Arc;

use arrow_array::RecordBatch;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl};
use datafusion::datasource::{MemTable, TableProvider};
use datafusion::error::DataFusionError;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::object_store::local::LocalFileSystem;
use datafusion::prelude::{DataFrame, SQLOptions, SessionConfig, SessionContext};
use futures_util::StreamExt;

pub use self::fault::{Place, SqlError};
pub use self::tables::{SqlColumn, SqlTable};
use super::files::Dataset;
use super::read::LakeFile;
use super::{Lake, columns};
use crate::Error;
use crate::sqlite::hold;

/// The lake's folder, as DataFusion sees it. No other place has a name there.
const ADDRESS: &str = "lake://mercer";
const CATALOG: &str = "mercer";
const SCHEMA: &str = "lake";

/// What a query may use and see.
#[derive(Debug, Clone)]
pub struct SqlOptions {
    pub memory_bytes: usize,
    /// At most so many rows are given; none for all.
    pub rows: Option<usize>,
    /// Tables beside those of the lake.
    pub tables: Vec<MemoryTable>,
}

/// A table that the caller brings: what is known elsewhere and makes the lake readable, such as the catalog.
#[derive(Debug, Clone)]
pub struct MemoryTable {
    pub name: &'static str,
    /// What a row is, as a sentence.
    pub about: &'static str,
    /// Each column's name and what it holds.
    pub columns: &'static [(&'static str, &'static str)],
    pub rows: RecordBatch,
}

/// How much a query gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answered {
    pub rows: usize,
    /// There are more rows than were asked for.
    pub is_cut: bool,
}

impl Lake {
    /// Runs a query and gives its rows to `visit`, batch by batch: at least one batch, which may be empty, so that the
    /// columns are known. `Break` ends it. Blocks, so an asynchronous caller gives it a thread of its own.
    pub fn query(
        &self,
        sql: &str,
        options: &SqlOptions,
        visit: impl FnMut(&RecordBatch) -> ControlFlow<()>,
    ) -> Result<Answered, SqlError> {
        let _as_it_is = hold(&self.extending);
        self.check_files()?;
        let outcome = runtime()?.block_on(self.answer(sql, options, visit));
        outcome.map_err(|error| self.explain(&error, sql, options))
    }

    /// The tables that a query sees, with their columns.
    pub fn tables(&self, options: &SqlOptions) -> Result<Vec<SqlTable>, SqlError> {
        let _as_it_is = hold(&self.extending);
        let described = async {
            let session = self.session(options).await?;
            tables::describe(&session, &options.tables).await
        };
        runtime()?.block_on(described).map_err(|error| self.explain(&error, "", options))
    }

    async fn answer(
        &self,
        sql: &str,
        options: &SqlOptions,
        mut visit: impl FnMut(&RecordBatch) -> ControlFlow<()>,
    ) -> Result<Answered, DataFusionError> {
        let session = self.session(options).await?;
        let (statement, may_be_cut) = read_only::parse(&session, sql)?;
        let plan = session.state().statement_to_plan(statement).await?;
        // Looked at again as planned, in case the statement's kind did not tell.
        refuse_changes(&plan)?;
        let mut found = DataFrame::new(session.state(), plan);
        if let Some(rows) = options.rows.filter(|_| may_be_cut) {
            found = found.limit(0, Some(rows.saturating_add(1)))?;
        }
        let mut stream = found.execute_stream().await?;
        let mut answered = Answered { rows: 0, is_cut: false };
        let mut has_visited = false;
        while let Some(batch) = stream.next().await {
            let batch = batch?;
            let wanted = options.rows.map_or(usize::MAX, |rows| rows - answered.rows).min(batch.num_rows());
            answered.is_cut = wanted < batch.num_rows();
            answered.rows += wanted;
            if wanted > 0 || !has_visited {
                has_visited = true;
                if visit(&batch.slice(0, wanted)).is_break() {
                    return Ok(answered);
                }
            }
            if answered.is_cut {
                return Ok(answered);
            }
        }
        if !has_visited {
            let _ = visit(&RecordBatch::new_empty(stream.schema()));
        }
        Ok(answered)
    }

    /// A session that knows the lake's tables and can reach nothing else.
    async fn session(&self, options: &SqlOptions) -> Result<SessionContext, DataFusionError> {
        let mut config =
            SessionConfig::new().with_default_catalog_and_schema(CATALOG, SCHEMA).with_information_schema(true);
        config.options_mut().execution.time_zone = Some("UTC".into());
        // Faults then tell where they are.
        config.options_mut().sql_parser.collect_spans = true;
        let session = SessionContext::new_with_config_rt(config, bounded(options.memory_bytes)?);
        let address = ObjectStoreUrl::parse(ADDRESS)?;
        let files = LocalFileSystem::new_with_prefix(&self.folder)?;
        session.register_object_store(address.as_ref(), Arc::new(files));
        session.deregister_object_store(ObjectStoreUrl::local_filesystem().as_ref())?;
        for dataset in Dataset::ALL {
            session.register_table(dataset.name(), self.dataset(dataset)?)?;
        }
        for table in &options.tables {
            session.register_batch(table.name, table.rows.clone())?;
        }
        tables::register_views(&session).await?;
        Ok(session)
    }

    /// A dataset as a table; one without files has its columns all the same.
    fn dataset(&self, dataset: Dataset) -> Result<Arc<dyn TableProvider>, DataFusionError> {
        let empty = match dataset {
            Dataset::Events => columns::events(&[]),
            Dataset::Lines => columns::lines(&[]),
        };
        let schema = empty.map_err(DataFusionError::Internal)?.schema();
        let ranges = self.ranges();
        if ranges.is_empty() {
            return Ok(Arc::new(MemTable::try_new(schema, vec![vec![]])?));
        }
        let address = |range: &super::Range| {
            let path = dataset.path(std::path::Path::new(""), *range);
            ListingTableUrl::parse(format!("{ADDRESS}/{}", path.display()))
        };
        let files = ranges.iter().map(address).collect::<Result<Vec<_>, _>>()?;
        let parquet = ListingOptions::new(Arc::new(ParquetFormat::default())).with_file_extension(".parquet");
        let config = ListingTableConfig::new_with_multi_paths(files).with_listing_options(parquet).with_schema(schema);
        Ok(Arc::new(ListingTable::try_new(config)?))
    }

    /// Opens every file, so that a broken or newer one is named before anything is read.
    fn check_files(&self) -> Result<(), Error> {
        self.files().iter().try_for_each(|path| LakeFile::open(path).map(drop))
    }

    /// A failure in words. When it may come from a file, the files are read from end to end to find out which.
    fn explain(&self, error: &DataFusionError, sql: &str, options: &SqlOptions) -> SqlError {
        if fault::may_be_a_file(error) {
            let broken =
                self.files().iter().find_map(|path| LakeFile::open(path).and_then(LakeFile::read_through).err());
            if let Some(broken) = broken {
                return broken.into();
            }
        }
        fault::explain(error, sql, options.memory_bytes)
    }
}

fn refuse_changes(plan: &LogicalPlan) -> Result<(), DataFusionError> {
    let read_only = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    read_only.verify_plan(plan).map_err(|_| read_only::refusal("a statement that changes something"))
}

fn bounded(memory_bytes: usize) -> Result<Arc<RuntimeEnv>, DataFusionError> {
    let no_disk = DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled);
    RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(GreedyMemoryPool::new(memory_bytes)))
        .with_disk_manager_builder(no_disk)
        .build_arc()
}

fn runtime() -> Result<tokio::runtime::Runtime, Error> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_time().build()?)
}

#[cfg(test)]
mod tests;
