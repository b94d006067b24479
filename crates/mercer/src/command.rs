//! The subcommands: one file each. They open what they need, call the crates, and tell the user.

pub mod demo;
pub mod doctor;
pub mod eval;
pub mod export;
pub mod import;
pub mod replay;
pub mod serve;
pub mod train;

/// An async runtime for commands that talk to the engine.
fn runtime() -> Result<tokio::runtime::Runtime, crate::failure::Failure> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}
