//! The `mercer` program: command line, settings, wiring. All the work is done by the crates behind it.

mod cli;
mod command;
mod config;
mod failure;
mod home;
mod output;
mod remote;
mod telemetry;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};
use crate::config::Config;
use crate::failure::Failure;

/// Requests come in bursts of small allocations from several threads; mimalloc keeps their tail short.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::remark(format!("mercer: {}", failure.message()));
            failure.exit_code()
        }
    }
}

fn run(cli: Cli) -> Result<(), Failure> {
    let environment: Vec<(String, String)> = std::env::vars().collect();
    let load = || {
        let mut config = Config::load(cli.common.config.as_deref(), &environment)?;
        if let Some(folder) = &cli.common.data {
            config.data_folder.clone_from(folder);
        }
        Ok::<_, Failure>(config)
    };
    let json = cli.common.json;
    let by_server = |failure: Failure, config: &Config| failure.or_by_server(&command_line(), config.listen);
    match cli.command {
        Command::Demo(demo) => command::demo::run(&demo, load()?, cli.common.data.is_some()),
        Command::Serve(serve) => command::serve::run(&serve, load()?),
        Command::Import(import) => {
            let config = load()?;
            command::import::run(&import, &config, json).map_err(|failure| by_server(failure, &config))
        }
        Command::Train(train) => {
            let config = load()?;
            command::train::run(&train, &config, json).map_err(|failure| by_server(failure, &config))
        }
        Command::Models(models) => {
            let config = load()?;
            command::models::run(&models, &config, json).map_err(|failure| by_server(failure, &config))
        }
        Command::Key(key) => {
            let config = load()?;
            command::key::run(&key, &config, json).map_err(|failure| by_server(failure, &config))
        }
        Command::Eval(eval) => command::eval::run(&eval, &load()?, json),
        Command::Embed(asked) => command::embed::run(&asked, &load()?),
        Command::Replay(replay) => command::replay::run(&replay, &load()?, json),
        Command::Export(export) => {
            let config = load()?;
            command::export::run(&export, &config).map_err(|failure| by_server(failure, &config))
        }
        Command::Sql(sql) => command::sql::run(&sql, &load()?, json),
        Command::Doctor(doctor) => command::doctor::run(&doctor, &load()?, json),
        Command::Config => {
            output::line(config::DEFAULT_FILE.trim_end());
            Ok(())
        }
        Command::Completions { shell } => {
            let mut command = <Cli as clap::CommandFactory>::command();
            clap_complete::generate(shell, &mut command, "mercer", &mut std::io::stdout());
            Ok(())
        }
    }
}

/// What was typed, without the data folder that a running server has.
fn command_line() -> String {
    let (mut words, mut skips_next) = (Vec::new(), false);
    for word in std::env::args() {
        if std::mem::take(&mut skips_next) {
            continue;
        }
        skips_next = word == "--data";
        if skips_next || word.starts_with("--data=") {
            continue;
        }
        let is_plain = word.chars().all(|letter| letter.is_alphanumeric() || "-_./=:,@".contains(letter));
        words.push(if is_plain { word } else { format!("'{}'", word.replace('\'', "'\\''")) });
    }
    words.join(" ")
}
