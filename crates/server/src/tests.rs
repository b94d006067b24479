//! The whole server, called as a client calls it.

mod browse;
mod data;
mod decide;
mod hostile_search;
mod idempotency;
mod keys;
mod metrics;
mod models;
mod preferences;
mod search_desk;
mod search_judging;
mod search_meaning;
mod search_trial;
