//! The HTTP side of Mercer: API, collectors, console. Thin: it parses, calls the engine, renders.
//!
//! Only this crate knows HTTP. It holds no state of its own beyond keys, sign-ins and rate limits; whatever
//! shapes an answer lives in the engine, and answers kept for `Idempotency-Key` die with the process.

mod access;
mod admin;
mod assets;
mod body;
mod browse;
mod catalog;
mod collect;
mod console;
mod customers;
mod decide;
mod docs;
mod export;
mod guard;
mod health;
mod idempotency;
mod load;
pub mod models;
mod openapi;
mod problem;
mod router;
mod search;
mod search_desk;
mod search_judgments;
mod search_trial;
mod serve;
mod state;
mod stores;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod upload;
mod view_as;
mod written;

pub use access::{ApiKey, Keys, NewKey, Scope};
pub use console::accounts::{AccountError, Accounts};
pub use idempotency::Idempotency;
pub use load::{LoadError, Loaded, Sink, load};
pub use problem::Problem;
pub use router::{document, router};
pub use serve::serve;
pub use state::{App, Settings, Shared, now};
pub use stores::Stores;
pub use view_as::Signer;

/// Starts counting; every handler and the engine count through it.
pub fn install_metrics() -> Result<metrics_exporter_prometheus::PrometheusHandle, String> {
    metrics_exporter_prometheus::PrometheusBuilder::new().install_recorder().map_err(|error| error.to_string())
}
