//! The only state that changes: records go into the log, the log is folded into a world, decisions read it.
//!
//! [`Engine::accept`] makes facts durable, folds them and publishes a new immutable world before it returns, so
//! the next decision already knows them. Everything in the world is a function of the log up to a position;
//! checkpoints only shorten the way there. The engine reads no clock and knows no protocol.

mod bad_rows;
mod checkpoint;
mod engine;
mod error;
mod fold;
mod history;
mod ingest;
mod keys;
mod lessons;
mod models;
mod orders;
mod replay;
mod tally;
mod train;

pub use bad_rows::KeptBadRow;
pub use engine::{Answer, Engine, Options, Parts, Saved};
pub use error::Error;
pub use fold::Snapshot;
pub use history::Timeline;
pub use keys::{decision_key, message_key};
pub use mercer_decide::default_placements;
pub use models::ModelCard;
pub use orders::OrdersCounted;
pub use replay::Replayed;
pub use tally::{HourTally, Tally};
pub use train::{Judged, Trained};
