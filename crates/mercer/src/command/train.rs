//! `mercer train`: learns from everything in the log and promotes the outcome when it is no worse.

use serde_json::{Value, json};

use crate::cli::Train;
use crate::config::Config;
use crate::failure::Failure;
use crate::home::Home;
use crate::output;
use crate::remote::Server;

pub(crate) fn run(train: &Train, config: &Config, as_json: bool) -> Result<(), Failure> {
    let server = Server::named(&train.remote)?;
    let home = if server.is_none() { Some(Home::open_existing(config)?) } else { None };
    let spinner = output::spinner("Training");
    let trained = match (&server, &home) {
        (Some(server), _) => server.post("/v1/models/train", None)?,
        (None, Some(home)) => {
            let shown = spinner.clone();
            let progress = move |step: &str| shown.set_message(step.to_owned());
            let trained = super::runtime()?.block_on(home.engine.train(mercer_server::now(), progress))?;
            json!({ "version": trained.version, "promoted": trained.promoted, "metrics": trained.metrics })
        }
        (None, None) => Value::Null,
    };
    spinner.finish_and_clear();
    if as_json {
        output::json(&trained);
    } else {
        tell(&trained);
    }
    Ok(())
}

fn tell(trained: &Value) {
    let fate = if trained["promoted"] == true {
        "is the champion now"
    } else {
        "stays a candidate: it is worse than the champion"
    };
    output::line(format!("model {} {fate}", trained["version"].as_str().unwrap_or_default()));
    for (name, value) in trained["metrics"].as_object().into_iter().flatten() {
        output::line(format!("  {name:<32} {value}"));
    }
}
