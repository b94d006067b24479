//! The whole server, called as a client calls it.

mod data;
mod idempotency;
mod keys;
mod metrics;
mod models;
