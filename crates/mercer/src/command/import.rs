//! `mercer import`: files of products, orders and events into the log, in batches, with a report.

use mercer_collect::import::{self, Import as Reading, Input, Mapping, Options, Report};
use mercer_collect::{BadRow, Received};
use mercer_engine::Engine;
use mercer_schema::{Currency, Event, Product, SourceId, Timestamp};
use mercer_store::Appended;
use serde_json::json;

use crate::cli::{Import, ImportKind};
use crate::config::Config;
use crate::failure::Failure;
use crate::home::Home;
use crate::output;

/// Things made durable at a time.
const BATCH: usize = 2_000;

/// What an import brought.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub report: Report,
    /// New or changed.
    pub stored: usize,
    /// Known already.
    pub unchanged: usize,
}

/// Where imported things go; nowhere on a dry run.
pub(crate) struct Sink<'a> {
    pub engine: Option<&'a Engine>,
    pub bar: &'a indicatif::ProgressBar,
    /// Added to the time of every event.
    pub shift_micros: i64,
}

pub(crate) fn run(import: &Import, config: &Config, as_json: bool) -> Result<(), Failure> {
    let home = Home::open(config, false)?;
    let runtime = super::runtime()?;
    if import.replay {
        return runtime.block_on(replay(&home, config, as_json));
    }
    let (Some(kind), Some(file)) = (import.kind, &import.file) else {
        return Err(Failure::job("say what to import: catalog, orders or events, and a file"));
    };
    let options = options(import, config)?;
    let bar = output::bar(&format!("Importing {}", file.display()), 0);
    let engine = (!import.dry_run).then_some(&*home.engine);
    let sink = Sink { engine, bar: &bar, shift_micros: 0 };
    let input = Input::open(file).map_err(|error| Failure::job(error.to_string()))?;
    let outcome = runtime.block_on(read_all(kind, input, options, &sink))?;
    bar.finish_and_clear();
    tell(&outcome, import.dry_run, as_json);
    match outcome.report.broken_off {
        Some(reason) => Err(Failure::job(format!("the file could not be read to its end: {reason}"))),
        None if outcome.report.bad > 0 => Err(Failure::job(format!(
            "{} rows were not taken; they are kept: see the console under Bad rows, or mend the file and import it again",
            outcome.report.bad
        ))),
        None => Ok(()),
    }
}

/// Reads a whole file into the sink.
pub(crate) async fn read_all(
    kind: ImportKind,
    input: Input,
    options: Options,
    sink: &Sink<'_>,
) -> Result<Outcome, Failure> {
    let failed = |error: import::Error| Failure::job(error.to_string());
    match kind {
        ImportKind::Catalog => products(import::products(input, options).map_err(failed)?, sink).await,
        ImportKind::Orders => events(import::orders(input, options).map_err(failed)?, sink).await,
        ImportKind::Events => events(import::events(input, options).map_err(failed)?, sink).await,
    }
}

async fn products(mut reading: Reading<Product>, sink: &Sink<'_>) -> Result<Outcome, Failure> {
    let mut outcome = Outcome::default();
    while let Some((products, bad_rows)) = next_batch(&mut reading, sink) {
        if let Some(engine) = sink.engine {
            engine.keep_bad_rows(bad_rows)?;
            let saved = engine.save_products(products, mercer_server::now()).await?;
            outcome.stored += saved.changed;
            outcome.unchanged += saved.unchanged;
        }
    }
    outcome.report = reading.report().clone();
    Ok(outcome)
}

async fn events(mut reading: Reading<Event>, sink: &Sink<'_>) -> Result<Outcome, Failure> {
    let mut outcome = Outcome::default();
    while let Some((mut events, bad_rows)) = next_batch(&mut reading, sink) {
        for event in &mut events {
            event.occurred_at = event.occurred_at.plus(sink.shift_micros);
        }
        if let Some(engine) = sink.engine {
            engine.keep_bad_rows(bad_rows)?;
            for appended in engine.accept_imported_events(events, mercer_server::now()).await? {
                match appended {
                    Appended::Stored(_) => outcome.stored += 1,
                    Appended::Duplicate(_) => outcome.unchanged += 1,
                }
            }
        }
    }
    outcome.report = reading.report().clone();
    Ok(outcome)
}

/// The next things and bad rows of the file; none at its end.
fn next_batch<T>(reading: &mut Reading<T>, sink: &Sink<'_>) -> Option<(Vec<T>, Vec<BadRow>)> {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    while good.len() + bad.len() < BATCH {
        match reading.next() {
            Some(Ok(thing)) => good.push(thing),
            Some(Err(row)) => bad.push(row),
            None => break,
        }
    }
    let progress = reading.progress();
    sink.bar.set_length(progress.total);
    sink.bar.set_position(progress.done);
    (!good.is_empty() || !bad.is_empty()).then_some((good, bad))
}

fn options(import: &Import, config: &Config) -> Result<Options, Failure> {
    let currency = match &import.currency {
        Some(text) => Currency::parse(text).map_err(|error| Failure::job(format!("--currency: {error}")))?,
        None => config.currency,
    };
    let received = Received::new(SourceId::trusted("import"), mercer_server::now(), currency);
    let wrong = |error: import::Error| Failure::job(error.to_string());
    Ok(Options {
        format: import.format.as_deref().map(str::parse).transpose().map_err(wrong)?,
        mapping: import.mapping.as_deref().map(Mapping::load).transpose().map_err(wrong)?,
        limits: config.limits.clone(),
        ..Options::new(received)
    })
}

fn tell(outcome: &Outcome, is_dry_run: bool, as_json: bool) {
    let Outcome { report, stored, unchanged } = outcome;
    if as_json {
        return output::json(
            &json!({ "report": report, "stored": stored, "unchanged": unchanged, "dry_run": is_dry_run }),
        );
    }
    output::line(format!(
        "{} rows read ({} by `{}`), {} used",
        report.rows_read, report.format, report.mapping, report.rows_used
    ));
    for (name, count) in &report.made {
        output::line(format!("  {count:>9}  {name}"));
    }
    for (reason, count) in &report.rows_skipped {
        output::line(format!("  {count:>9}  rows left out: {reason}"));
    }
    for (what, warning) in &report.warnings {
        output::line(format!("  {:>9}  warnings: {what} (first in line {})", warning.count, warning.first_line));
    }
    if is_dry_run {
        output::line("dry run: nothing was kept");
    } else {
        output::line(format!("{stored} stored, {unchanged} known already, {} bad rows kept", report.bad));
    }
}

/// Takes every kept bad row again that can be taken now.
async fn replay(home: &Home, config: &Config, as_json: bool) -> Result<(), Failure> {
    let (mut taken, mut still_bad, mut before) = (0_usize, 0_usize, None::<String>);
    loop {
        let page = home.engine.bad_rows(before.as_deref(), 200)?;
        let Some(last) = page.last() else { break };
        before = Some(last.id.clone());
        for kept in page.into_iter().filter(|kept| kept.replayed_at.is_none()) {
            match home.engine.replay_bad_row(&kept.id, &config.limits, mercer_server::now()).await? {
                Some(Ok(())) => taken += 1,
                Some(Err(_)) => still_bad += 1,
                None => {}
            }
        }
    }
    if as_json {
        output::json(&json!({ "taken": taken, "still_bad": still_bad }));
    } else {
        output::line(format!("{taken} bad rows were taken now, {still_bad} are still bad"));
    }
    Ok(())
}

/// When an import begins, for its events' time of receipt.
pub(crate) fn received_for(source: &'static str, currency: Currency, now: Timestamp) -> Received {
    Received::new(SourceId::trusted(source), now, currency)
}
