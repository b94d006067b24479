//! `mercer train`: learns from everything in the log and promotes the outcome when it is no worse.

use serde_json::json;

use crate::config::Config;
use crate::failure::Failure;
use crate::home::Home;
use crate::output;

pub(crate) fn run(config: &Config, as_json: bool) -> Result<(), Failure> {
    let home = Home::open_existing(config)?;
    let spinner = output::spinner("Training");
    let runtime = super::runtime()?;
    let shown = spinner.clone();
    let progress = move |step: &str| shown.set_message(step.to_owned());
    let trained = runtime.block_on(home.engine.train(mercer_server::now(), progress))?;
    spinner.finish_and_clear();
    if as_json {
        output::json(&json!({ "version": trained.version, "promoted": trained.promoted, "metrics": trained.metrics }));
    } else {
        let fate =
            if trained.promoted { "is the champion now" } else { "stays a candidate: it is worse than the champion" };
        output::line(format!("model {} {fate}", trained.version));
        for (name, value) in &trained.metrics {
            output::line(format!("  {name:<32} {value}"));
        }
    }
    Ok(())
}
