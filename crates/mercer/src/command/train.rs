//! `mercer train`: learns from everything in the log and promotes the outcome when it does not lose to the champion.

use std::time::Duration;

use indicatif::ProgressBar;
use serde_json::{Value, json};

use crate::cli::Train;
use crate::config::Config;
use crate::failure::Failure;
use crate::home::Home;
use crate::output;
use crate::remote::Server;

/// How often a server is asked how far it is.
const ASK_EVERY: Duration = Duration::from_millis(300);

pub(crate) fn run(train: &Train, config: &Config, as_json: bool) -> Result<(), Failure> {
    let server = Server::named(&train.remote)?;
    let spinner = output::spinner("Training");
    let trained = match &server {
        Some(server) => on_server(server, &train.why, &spinner)?,
        None => in_folder(config, &train.why, &spinner)?,
    };
    spinner.finish_and_clear();
    if as_json {
        output::json(&trained);
    } else {
        tell(&trained);
    }
    Ok(())
}

fn in_folder(config: &Config, why: &str, spinner: &ProgressBar) -> Result<Value, Failure> {
    let home = Home::open_existing(config)?;
    let shown = spinner.clone();
    let progress = move |step: &str| output::step(&shown, step);
    let audit = super::models::audit(why);
    let trained = super::runtime()?.block_on(home.engine.train(audit, mercer_server::now(), progress))?;
    Ok(json!({
        "version": trained.version, "promoted": trained.promoted, "waits_for_canary": trained.waits_for_canary,
        "metrics": trained.metrics, "gate": trained.gate,
    }))
}

/// Begins the run and watches it: a run takes longer than a connection may last.
fn on_server(server: &Server, why: &str, spinner: &ProgressBar) -> Result<Value, Failure> {
    server.post("/v1/models/train", Some(&json!({ "wait": false, "why": why })))?;
    let mut told = String::new();
    let ended = loop {
        std::thread::sleep(ASK_EVERY);
        let progress = server.get("/v1/models/training", &[])?;
        if progress["running"] != true {
            break progress;
        }
        let doing = progress["doing"].as_str().unwrap_or_default();
        let step = format!("{} of {}: {doing}", progress["done"], progress["steps"]);
        if step != told {
            output::step(spinner, &step);
            told = step;
        }
    };
    match ended["version"].as_str() {
        Some(version) => {
            let card = server.get(&format!("/v1/models/{version}"), &[])?;
            Ok(json!({
                "version": version, "promoted": ended["promoted"], "waits_for_canary": ended["waits_for_canary"],
                "metrics": card["metrics"], "gate": card["gate"],
            }))
        }
        None => {
            let error = ended["error"].as_str().unwrap_or("the server was started again meanwhile");
            Err(Failure::job(format!("the training did not succeed: {error}")))
        }
    }
}

fn tell(trained: &Value) {
    let fate = match (trained["promoted"] == true, trained["gate"]["passed"] == true) {
        (true, _) => "is the champion now".to_owned(),
        (false, true) => match trained["waits_for_canary"].as_str() {
            Some(tried) => format!(
                "passed the gate and waits while the canary, version {tried}, runs: promote it once that has ended"
            ),
            None => "passed the gate and waits to be promoted".to_owned(),
        },
        (false, false) => "stays a candidate: it did not pass the gate".to_owned(),
    };
    output::line(format!("model {} {fate}", trained["version"].as_str().unwrap_or_default()));
    for (name, value) in trained["metrics"].as_object().into_iter().flatten() {
        output::line(format!("  {name:<32} {value}"));
    }
    super::models::print::gate(&trained["gate"]);
}
