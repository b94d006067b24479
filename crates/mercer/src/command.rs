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

/// The most memory that the process has held, where the system tells.
fn peak_megabytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: f64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kilobytes / 1024.0)
}

/// An async runtime for commands that talk to the engine.
fn runtime() -> Result<tokio::runtime::Runtime, crate::failure::Failure> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}
