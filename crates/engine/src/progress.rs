//! How far a training run is, for whoever waits.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use mercer_schema::{ModelVersion, Timestamp};
use serde::Serialize;

use crate::stages::Audit;

/// A training run as it stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Progress {
    pub running: bool,
    pub started_at: Option<Timestamp>,
    pub requested_by: String,
    pub why: String,
    /// Steps done, of how many.
    pub done: usize,
    pub steps: usize,
    /// What is being done, in words.
    pub doing: String,
    /// Pieces of work that an interrupted run had left.
    pub resumed: usize,
    pub outcome: Option<Outcome>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Trained {
        version: ModelVersion,
        promoted: bool,
        /// It passed the gate and waits for the end of the canary of this version.
        waits_for_canary: Option<ModelVersion>,
    },
    /// The shop is too young: nobody's fault.
    NothingToLearn,
    /// Mercer shuts down: the next start goes on with it.
    Stopped,
    Failed {
        error: String,
    },
}

/// The one run that there may be.
#[derive(Debug, Default)]
pub(crate) struct Training {
    progress: Mutex<Progress>,
    is_stopped: AtomicBool,
}

/// A run under way; however it ends, the next may begin.
#[derive(Debug)]
pub(crate) struct Running(Arc<Training>);

impl Training {
    /// None while another run is under way.
    pub(crate) fn begin(self: &Arc<Self>, audit: &Audit, now: Timestamp, steps: usize) -> Option<Running> {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        if progress.running {
            return None;
        }
        *progress = Progress {
            running: true,
            started_at: Some(now),
            requested_by: audit.by.clone(),
            why: audit.why.clone(),
            steps,
            ..Progress::default()
        };
        metrics::gauge!("mercer_training_running").set(1.0);
        Some(Running(Arc::clone(self)))
    }

    pub(crate) fn now(&self) -> Progress {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The run that is under way ends with the step it is at, and none begins any more.
    pub(crate) fn stop(&self) {
        self.is_stopped.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Relaxed)
    }

    /// The next step begins.
    pub(crate) fn step(&self, doing: &str) {
        self.change(|progress| {
            progress.done = (progress.done + usize::from(!progress.doing.is_empty())).min(progress.steps);
            doing.clone_into(&mut progress.doing);
        });
    }

    pub(crate) fn kept(&self, pieces: usize) {
        self.change(|progress| progress.resumed = pieces);
    }

    fn change(&self, change: impl FnOnce(&mut Progress)) {
        change(&mut self.progress.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Running {
    pub(crate) fn end(self, outcome: Outcome) {
        self.0.change(|progress| {
            if matches!(outcome, Outcome::Trained { .. }) {
                progress.done = progress.steps;
            }
            progress.outcome = Some(outcome);
        });
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        metrics::gauge!("mercer_training_running").set(0.0);
        self.0.change(|progress| {
            progress.running = false;
            let broke_off = || Outcome::Failed { error: "the run was broken off".into() };
            progress.outcome.get_or_insert_with(broke_off);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_run_at_a_time_and_one_that_breaks_off_makes_way() {
        let training = Arc::new(Training::default());
        let begin = || training.begin(&Audit::new("ann", ""), Timestamp(1), 3);
        let running = begin().unwrap();
        assert!(begin().is_none());
        training.step("one");
        training.step("two");
        assert_eq!((training.now().done, training.now().doing.as_str()), (1, "two"));
        drop(running);
        assert!(matches!(training.now().outcome, Some(Outcome::Failed { .. })));
        let version = ModelVersion::trusted("000001");
        begin().unwrap().end(Outcome::Trained { version, promoted: true, waits_for_canary: None });
        assert_eq!((training.now().done, training.now().running), (3, false));
    }
}
