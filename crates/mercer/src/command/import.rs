//! `mercer import`: files of products, orders and events into the log, with a report; or sent to a running server.

use std::path::Path;

use mercer_collect::Received;
use mercer_collect::import::{self, Input, Mapping, Options};
use mercer_schema::{Currency, SourceId};
use mercer_server::{Loaded, Sink, load};
use serde_json::{Value, json};

use crate::cli::{Import, ImportKind};
use crate::config::Config;
use crate::failure::Failure;
use crate::home::Home;
use crate::output;
use crate::remote::{Server, segment};

pub(crate) fn run(import: &Import, config: &Config, as_json: bool) -> Result<(), Failure> {
    let server = Server::named(&import.remote)?;
    if import.replay {
        let fate = match &server {
            Some(server) => replay_on(server)?,
            None => super::runtime()?.block_on(replay(&Home::open(config, false)?, config))?,
        };
        tell_replayed(fate, as_json);
        return Ok(());
    }
    let (Some(kind), Some(file)) = (import.kind, &import.file) else {
        return Err(Failure::usage("say what to import: catalog, orders or events, and a file"));
    };
    let outcome = match &server {
        Some(server) => send(server, import, kind, file)?,
        None => read(import, kind, file, config)?,
    };
    if as_json {
        output::json(&outcome);
    } else {
        tell(&outcome);
    }
    let report = &outcome["report"];
    if let Some(reason) = report["broken_off"].as_str() {
        return Err(Failure::job(format!("the file could not be read to its end: {reason}")));
    }
    match report["bad"].as_u64().unwrap_or_default() {
        0 => Ok(()),
        bad if import.dry_run => Err(Failure::job(format!("{bad} rows would not be taken"))),
        bad => Err(Failure::job(format!(
            "{bad} rows were not taken; they are kept: see the console under Bad rows, or mend the file and import it again"
        ))),
    }
}

/// Into the data folder.
fn read(import: &Import, kind: ImportKind, file: &Path, config: &Config) -> Result<Value, Failure> {
    let options = options(import, config)?;
    let input = Input::open(file).map_err(|error| Failure::job(error.to_string()))?;
    let home = Home::open(config, false)?;
    let bar = output::bar(&format!("Importing {}", file.display()), 0);
    let progress = output::progress(&bar);
    let sink = Sink { engine: (!import.dry_run).then_some(&*home.engine), progress: &progress, shift_micros: 0 };
    let Loaded { report, stored, unchanged } = super::runtime()?.block_on(load(kind.into(), input, options, &sink))?;
    bar.finish_and_clear();
    Ok(json!({ "report": report, "stored": stored, "unchanged": unchanged, "dry_run": import.dry_run }))
}

/// To a running server.
fn send(server: &Server, import: &Import, kind: ImportKind, file: &Path) -> Result<Value, Failure> {
    let mapping = import.mapping.as_deref().map(mapping_text).transpose()?;
    let dry_run = import.dry_run.to_string();
    let mut query = vec![("dry_run", dry_run.as_str())];
    query.extend(import.format.as_deref().map(|format| ("format", format)));
    query.extend(import.currency.as_deref().map(|currency| ("currency", currency)));
    query.extend(mapping.as_deref().map(|mapping| ("mapping", mapping)));
    let bytes = file.metadata().map_or(0, |file| file.len());
    let bar = output::bar(&format!("Sending {}", file.display()), bytes);
    let sent = |done: u64| {
        bar.set_position(done);
        if done >= bytes {
            bar.set_message("The server reads it");
        }
    };
    let answer = server.upload(&format!("/v1/import/{}", import::Kind::from(kind)), &query, file, &sent);
    bar.finish_and_clear();
    answer
}

/// A name stays a name; a file's text goes with the request.
fn mapping_text(name_or_path: &str) -> Result<String, Failure> {
    if Mapping::built_in(name_or_path).is_ok() {
        return Ok(name_or_path.to_owned());
    }
    // Checked here, so that a fault is told before the file is sent.
    Mapping::load(name_or_path).map_err(|error| Failure::job(error.to_string()))?;
    Ok(std::fs::read_to_string(name_or_path)?)
}

fn options(import: &Import, config: &Config) -> Result<Options, Failure> {
    let currency = match &import.currency {
        Some(text) => Currency::parse(text).map_err(|error| Failure::usage(format!("--currency: {error}")))?,
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

fn tell(outcome: &Value) {
    let report = &outcome["report"];
    let count = |value: &Value| value.as_u64().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    output::line(format!(
        "{} rows read ({} by `{}`), {} used",
        count(&report["rows_read"]),
        text(&report["format"]),
        text(&report["mapping"]),
        count(&report["rows_used"])
    ));
    let entries = |key: &str| report[key].as_object().cloned().unwrap_or_default();
    for (name, made) in entries("made") {
        output::line(format!("  {:>9}  {name}", count(&made)));
    }
    for (reason, skipped) in entries("rows_skipped") {
        output::line(format!("  {:>9}  rows left out: {reason}", count(&skipped)));
    }
    for (what, warning) in entries("warnings") {
        output::line(format!(
            "  {:>9}  warnings: {what} (first in line {})",
            count(&warning["count"]),
            count(&warning["first_line"])
        ));
    }
    if outcome["dry_run"] == true {
        output::line("dry run: nothing was kept");
    } else {
        let (stored, unchanged) = (count(&outcome["stored"]), count(&outcome["unchanged"]));
        output::line(format!("{stored} stored, {unchanged} known already, {} bad rows kept", count(&report["bad"])));
    }
}

/// How many bad rows were taken, and how many are still bad.
type Replayed = (usize, usize);

/// Takes every kept bad row again that can be taken now.
async fn replay(home: &Home, config: &Config) -> Result<Replayed, Failure> {
    let (mut taken, mut still_bad, mut before) = (0_usize, 0_usize, None::<String>);
    loop {
        let page = home.engine.bad_rows(before.as_deref(), 200)?;
        let Some(last) = page.last() else { return Ok((taken, still_bad)) };
        before = Some(last.id.clone());
        for kept in page.into_iter().filter(|kept| kept.replayed_at.is_none()) {
            match home.engine.replay_bad_row(&kept.id, &config.limits, mercer_server::now()).await? {
                Some(Ok(())) => taken += 1,
                Some(Err(_)) => still_bad += 1,
                None => {}
            }
        }
    }
}

fn replay_on(server: &Server) -> Result<Replayed, Failure> {
    let (mut taken, mut still_bad, mut cursor) = (0_usize, 0_usize, None::<String>);
    loop {
        let mut query = vec![("limit", "200")];
        query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let page = server.get("/v1/bad-rows", &query)?;
        let rows = page["bad_rows"].as_array().into_iter().flatten().filter(|row| row["replayed_at"].is_null());
        for id in rows.filter_map(|row| row["id"].as_str()) {
            match server.post(&format!("/v1/bad-rows/{}/replay", segment(id)), None) {
                Ok(_) => taken += 1,
                Err(failure) if failure.is_answer(400) => still_bad += 1,
                Err(failure) => return Err(failure),
            }
        }
        match page["next"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => return Ok((taken, still_bad)),
        }
    }
}

fn tell_replayed((taken, still_bad): Replayed, as_json: bool) {
    if as_json {
        output::json(&json!({ "taken": taken, "still_bad": still_bad }));
    } else {
        output::line(format!("{taken} bad rows were taken now, {still_bad} are still bad"));
    }
}
