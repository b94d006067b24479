//! The whole server, called as a client calls it.

mod browse;
mod data;
mod decide;
mod idempotency;
mod keys;
mod metrics;
mod models;
mod search_desk;
