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

/// An async runtime for commands that talk to the engine.
fn runtime() -> Result<tokio::runtime::Runtime, crate::failure::Failure> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}
