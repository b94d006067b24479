//! A file read into the engine, in batches: the one loop behind `mercer import`, the demo and `POST /v1/import`.
//!
//! Reads while it waits for nobody, so it wants a thread on which blocking is fine. Knows no HTTP and no terminal.

use mercer_collect::BadRow;
use mercer_collect::import::{self, Import, Input, Kind, Options, Progress, Report};
use mercer_engine::Engine;
use mercer_schema::{Event, Product};
use mercer_store::Appended;

use crate::state::now;

/// Things made durable at a time.
const BATCH: usize = 2_000;

/// What a file brought.
#[derive(Debug, Default)]
pub struct Loaded {
    pub report: Report,
    /// New or changed.
    pub stored: usize,
    /// Known already.
    pub unchanged: usize,
}

/// Where things go; nowhere on a dry run.
pub struct Sink<'a> {
    pub engine: Option<&'a Engine>,
    /// Hears after every batch how far the file is read.
    pub progress: &'a dyn Fn(Progress),
    /// Added to the time of every event.
    pub shift_micros: i64,
}

impl std::fmt::Debug for Sink<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sink").field("is_dry_run", &self.engine.is_none()).finish_non_exhaustive()
    }
}

/// Why a file was not, or not wholly, taken.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file, its format or its mapping.
    #[error(transparent)]
    File(#[from] import::Error),
    #[error(transparent)]
    Engine(#[from] mercer_engine::Error),
}

/// Reads a whole file. Bad rows are kept, not returned.
pub async fn load(kind: Kind, input: Input, options: Options, sink: &Sink<'_>) -> Result<Loaded, LoadError> {
    match kind {
        Kind::Catalog => products(import::products(input, options)?, sink).await,
        Kind::Orders => events(import::orders(input, options)?, sink).await,
        Kind::Events => events(import::events(input, options)?, sink).await,
    }
}

async fn products(mut reading: Import<Product>, sink: &Sink<'_>) -> Result<Loaded, LoadError> {
    let mut loaded = Loaded::default();
    while let Some((products, bad_rows)) = next_batch(&mut reading, sink) {
        if let Some(engine) = sink.engine {
            engine.keep_bad_rows(bad_rows)?;
            let saved = engine.save_products(products, now()).await?;
            loaded.stored += saved.changed;
            loaded.unchanged += saved.unchanged;
        }
    }
    loaded.report = reading.report().clone();
    Ok(loaded)
}

async fn events(mut reading: Import<Event>, sink: &Sink<'_>) -> Result<Loaded, LoadError> {
    let mut loaded = Loaded::default();
    while let Some((mut events, bad_rows)) = next_batch(&mut reading, sink) {
        for event in &mut events {
            event.occurred_at = event.occurred_at.plus(sink.shift_micros);
        }
        if let Some(engine) = sink.engine {
            engine.keep_bad_rows(bad_rows)?;
            for appended in engine.accept_imported_events(events, now()).await? {
                match appended {
                    Appended::Stored(_) => loaded.stored += 1,
                    Appended::Duplicate(_) => loaded.unchanged += 1,
                }
            }
        }
    }
    loaded.report = reading.report().clone();
    Ok(loaded)
}

/// The next things and bad rows of the file; none at its end.
fn next_batch<T>(reading: &mut Import<T>, sink: &Sink<'_>) -> Option<(Vec<T>, Vec<BadRow>)> {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    while good.len() + bad.len() < BATCH {
        match reading.next() {
            Some(Ok(thing)) => good.push(thing),
            Some(Err(row)) => bad.push(row),
            None => break,
        }
    }
    (sink.progress)(reading.progress());
    (!good.is_empty() || !bad.is_empty()).then_some((good, bad))
}
