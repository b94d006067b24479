//! What a customer takes next, by a transformer over everything taken until now.
//!
//! [`NextItem::fit`] trains it (candle, on the processor or a card), [`NextItem`] answers in plain Rust through
//! [`mercer_recommend::Recommender`]. The tensor library stays behind the wall of this crate.
mod batch;
mod bytes;
mod error;
mod fit;
mod forward;
mod lanes;
mod model;
mod network;
mod ops;
mod optimizer;
mod parts;
mod settings;

pub use error::Error;
pub use fit::{HeldOut, Lessons, Progress};
pub use model::NextItem;
pub use settings::{Settings, Shape};
