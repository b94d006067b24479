//! The HTTP side of Mercer: API, collectors, console. Thin: it parses, calls the engine, renders.
//!
//! Only this crate knows HTTP. It holds no state of its own beyond keys, sign-ins and rate limits; whatever
//! shapes an answer lives in the engine.

mod access;
mod admin;
mod assets;
mod body;
mod catalog;
mod collect;
mod console;
mod customers;
mod decide;
mod guard;
mod health;
mod openapi;
mod problem;
mod router;
mod serve;
mod state;
mod view_as;

pub use access::{ApiKey, Keys, Scope};
pub use console::accounts::{AccountError, Accounts};
pub use problem::Problem;
pub use router::{document, router};
pub use serve::serve;
pub use state::{App, Settings, Shared, now};
pub use view_as::Signer;

/// Starts counting; every handler and the engine count through it.
pub fn install_metrics() -> Result<metrics_exporter_prometheus::PrometheusHandle, String> {
    metrics_exporter_prometheus::PrometheusBuilder::new().install_recorder().map_err(|error| error.to_string())
}
