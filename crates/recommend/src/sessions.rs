//! Visits as they happen, and what visits like the running one went on to.
//!
//! [`SessionIndex`] is the live index; [`Vmis`] asks it. Further session models (STAN, VSTAN) go beside
//! `vmis.rs` and read the same index.

mod index;
mod pieces;
mod vmis;

pub use index::{IndexSettings, SessionIndex};
pub use vmis::{Vmis, VmisSettings};
