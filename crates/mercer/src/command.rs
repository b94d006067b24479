//! The subcommands: one file each. They open what they need, call the crates, and tell the user.

mod chores;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod embed;
pub(crate) mod eval;
pub(crate) mod export;
pub(crate) mod import;
pub(crate) mod key;
pub(crate) mod models;
pub(crate) mod replay;
pub(crate) mod serve;
pub(crate) mod sql;
pub(crate) mod train;

use std::time::Duration;

use crate::failure::Failure;

/// The most memory that the process has held, where the system tells.
fn peak_megabytes() -> Option<f64> {
    status_megabytes("VmHWM:")
}

/// What the system tells of the process's memory by this name.
fn status_megabytes(name: &str) -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: f64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kilobytes / 1024.0)
}

/// How long work that nobody waits for may take once a server has stopped. Above all it is a step of a training: what is
/// not finished by then is made again at the next start.
const LAST_WORK: Duration = Duration::from_secs(5);

/// Runs a server until it has stopped.
fn run_to_its_end(server: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = runtime()?;
    let outcome = runtime.block_on(server);
    runtime.shutdown_timeout(LAST_WORK);
    outcome
}

/// An async runtime for commands that talk to the engine.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}
