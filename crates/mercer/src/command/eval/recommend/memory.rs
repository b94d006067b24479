//! How much memory a model takes: by how much the process grew at most while it was fitted and asked.
//!
//! What was there before, the data and the models before it, is not counted. Where the system does not let the peak be
//! counted anew, nothing is measured: the peak of the whole run says nothing of one model.

use std::fs;

use crate::command::{peak_megabytes, status_megabytes};

/// A measurement under way.
pub(super) struct Growth {
    /// What the process held when it began.
    before: Option<f64>,
}

impl Growth {
    pub(super) fn begin() -> Self {
        // Linux counts the peak anew from here (proc_pid_clear_refs(5)).
        let is_anew = fs::write("/proc/self/clear_refs", "5").is_ok();
        Self { before: status_megabytes("VmRSS:").filter(|_| is_anew) }
    }

    pub(super) fn megabytes(&self) -> Option<f64> {
        Some((peak_megabytes()? - self.before?).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_not_charged_with_what_the_one_before_it_took() {
        let first = Growth::begin();
        let mut kept = vec![1_u8; 200 << 20];
        kept.iter_mut().step_by(4_096).for_each(|byte| *byte += 1);
        let taken = first.megabytes();
        let second = Growth::begin();
        let small = vec![1_u8; 1 << 20];
        let then = second.megabytes();
        assert!(kept.len() > small.len());
        assert_eq!(taken.is_some(), then.is_some());
        if let (Some(taken), Some(then)) = (taken, then) {
            assert!(taken > 190.0 && then < 100.0, "{taken} and {then}");
        }
    }
}
