//! The few tests and intervals by which models are judged. Plain numbers in, plain numbers out.

mod distributions;
mod proportions;
mod sign;

pub(crate) use distributions::{holm, likelihood_ratio, smirnov};
pub use proportions::Estimate;
pub(crate) use proportions::{difference, proportion};
pub(crate) use sign::sign_test;

/// 95 %, two-sided.
pub(crate) const Z_95: f64 = 1.96;
/// The Haybittle–Peto boundary: a trial that is looked at again and again stops early only beyond three standard errors
/// and more (p < 0.001), which leaves the level of the last look as good as untouched (Haybittle 1971; Peto et al. 1976).
pub(crate) const Z_STOP: f64 = 3.29;
