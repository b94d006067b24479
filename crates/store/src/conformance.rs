//! The suites that every backend of a store trait must pass. A panic is a failure.
//!
//! Each takes a function that makes an empty store; it is called several times. Durability across a crash is
//! not tested here: that needs to know how a backend can be stopped.

#![allow(clippy::unwrap_used, reason = "a suite of tests says where it failed by panicking")]

mod log;
pub mod sample;
mod tables;

pub use self::log::event_log;
pub use self::tables::tables;
