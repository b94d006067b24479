//! `mercer doctor`: looks at settings, disk, clock, data folder and models, and says what to do.

use std::time::Duration;

use mercer_engine::Language;
use mercer_schema::{Placement, Position, Timestamp};
use serde::Serialize;

use crate::cli::Doctor;
use crate::config::Config;
use crate::failure::Failure;
use crate::home::{CODE_VERSION, Home};
use crate::output;

/// Mercer was not there before; an earlier clock is wrong.
const EARLIEST_CLOCK: &str = "2026-01-01T00:00:00Z";

#[derive(Debug, Serialize)]
struct Finding {
    what: &'static str,
    is_well: bool,
    detail: String,
}

pub(crate) fn run(doctor: &Doctor, config: &Config, as_json: bool) -> Result<(), Failure> {
    let mut findings = vec![
        well("version", format!("mercer {CODE_VERSION}")),
        well("settings", format!("valid; listen {}, data {}", config.listen, config.data_folder.display())),
        clock(),
    ];
    let home = match Home::open_existing(config) {
        Ok(home) => home,
        Err(failure) => {
            findings.push(Finding { what: "data", is_well: false, detail: failure.message().to_owned() });
            tell(&findings, as_json);
            return Err(failure);
        }
    };
    findings.push(disk(&home));
    let bar = output::spinner("Reading everything and checking it");
    findings.push(data(&home));
    bar.finish_and_clear();
    findings.push(language(&home));
    findings.push(models(&home));
    findings.push(placements(&home));
    if doctor.rebuild {
        let bar = output::spinner("Folding the whole log anew");
        findings.push(rebuild(&home)?);
        bar.finish_and_clear();
    }
    tell(&findings, as_json);
    match findings.iter().filter(|finding| !finding.is_well).count() {
        0 => Ok(()),
        1 => Err(Failure::job("1 fault was found")),
        faults => Err(Failure::job(format!("{faults} faults were found"))),
    }
}

fn tell(findings: &[Finding], as_json: bool) {
    for finding in findings {
        if as_json {
            output::json(finding);
        } else {
            let mark = if finding.is_well { "ok   " } else { "FAULT" };
            output::line(format!("{mark}  {:<10} {}", finding.what, finding.detail));
        }
    }
}

const fn well(what: &'static str, detail: String) -> Finding {
    Finding { what, is_well: true, detail }
}

fn clock() -> Finding {
    let now = mercer_server::now();
    let is_well = Timestamp::parse(EARLIEST_CLOCK).is_ok_and(|earliest| now > earliest);
    let advice = if is_well { "" } else { "; set the clock: events would be dated wrongly" };
    Finding { what: "clock", is_well, detail: format!("{now}{advice}") }
}

/// Writes a file durably and takes it away again.
fn disk(home: &Home) -> Finding {
    let probe = home.folder.path().join(".doctor");
    let started = std::time::Instant::now();
    let written = std::fs::File::create(&probe)
        .and_then(|mut file| std::io::Write::write_all(&mut file, &[0; 4096]).and_then(|()| file.sync_all()));
    let took = started.elapsed();
    let removed = std::fs::remove_file(&probe);
    match written.and(removed) {
        Ok(()) => {
            let advice = if took > Duration::from_millis(100) { "; a slow disk limits events per second" } else { "" };
            well("disk", format!("a durable write takes {:.1} ms{advice}", took.as_secs_f64() * 1e3))
        }
        Err(error) => {
            Finding { what: "disk", is_well: false, detail: format!("{error}; make room, or mend the folder's rights") }
        }
    }
}

/// Every checksum of the log, the tables and the lake, and how much there is.
fn data(home: &Home) -> Finding {
    let problems = home.verify();
    if !problems.is_empty() {
        let detail = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        return Finding { what: "data", is_well: false, detail };
    }
    let snapshot = home.engine.snapshot();
    let world = &snapshot.world;
    let detail = format!(
        "{} records, {} products, {} people, {} placements; all checksums are right",
        snapshot.position(),
        world.catalog.len(),
        world.profiles.len(),
        world.placements.iter().count()
    );
    well("data", detail)
}

/// Whether the catalog shows another language than the one that its short titles are read in.
fn language(home: &Home) -> Finding {
    let search = &home.engine.snapshot().world.search;
    let shop = search.shop_language();
    let most = Language::ALL.into_iter().max_by_key(|language| search.written_in(*language)).unwrap_or(shop);
    let (letters, shown) = (shop.letters(), search.written_in(most));
    // A shop may sell a few books in another language.
    let is_other = most != shop && shown > search.written_in(shop) && shown * 10 > search.len() as u64;
    let advice = if is_other {
        let other = most.letters();
        format!("; {shown} products show `{other}` by their words: if most are, set shop.language = \"{other}\"")
    } else {
        String::new()
    };
    Finding {
        what: "language",
        is_well: !is_other,
        detail: format!("products are read as `{letters}` where they show none{advice}"),
    }
}

fn models(home: &Home) -> Finding {
    match home.stores.registry.verify() {
        Ok(problems) if problems.is_empty() => {
            let champion = home.engine.snapshot().world.models.version.clone();
            let detail = champion.map_or_else(
                || "none yet; `mercer train` makes the first".to_owned(),
                |version| format!("version {version} serves; all checksums are right"),
            );
            well("models", detail)
        }
        Ok(problems) => {
            let detail = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
            Finding { what: "models", is_well: false, detail }
        }
        Err(error) => Finding { what: "models", is_well: false, detail: error.to_string() },
    }
}

/// Settings that do nothing are no fault: what they need may come.
fn placements(home: &Home) -> Finding {
    let snapshot = home.engine.snapshot();
    let world = &snapshot.world;
    let idle = |placement: &Placement| -> Vec<String> {
        let told = [mercer_decide::idle_settings(world, placement), mercer_decide::idle_pins(world, placement)];
        told.into_iter().flatten().map(|text| format!("`{}`: {text}", placement.id)).collect()
    };
    let told: Vec<String> = world.placements.iter().filter(|placement| placement.enabled).flat_map(idle).collect();
    let detail = if told.is_empty() { "every setting does something".to_owned() } else { told.join(" ") };
    well("placements", detail)
}

/// Folds the log from its beginning and compares everything that a checkpoint holds.
fn rebuild(home: &Home) -> Result<Finding, Failure> {
    let served = home.engine.snapshot();
    let rebuilt = home.engine.snapshot_at(Position(served.position().0))?;
    let differing = served.differences(&rebuilt);
    let is_well = differing.is_empty();
    let detail = if is_well {
        format!("all folds equal a rebuild from {} records", served.position())
    } else {
        format!(
            "differs from a rebuild: {}; delete tables `fold.*` by starting once with --rebuild",
            differing.join(", ")
        )
    };
    Ok(Finding { what: "folds", is_well, detail })
}
