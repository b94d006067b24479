//! Which versions answer, and every change of that: the audit trail. A fold of the log.
//!
//! The champion before a change is found by folding, not taken from whoever asked: two changes at the same time both tell
//! the truth about what they replaced.

use std::sync::Arc;

use mercer_schema::{ModelAction, ModelChange, ModelVersion, Position, Timestamp};
use serde::{Deserialize, Serialize};

use crate::trial::ArmCounts;

/// Who wants a change, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Audit {
    /// A person's name, the name of a key, or `Mercer`.
    pub by: String,
    pub why: String,
}

impl Audit {
    pub fn new(by: impl Into<String>, why: impl Into<String>) -> Self {
        Self { by: by.into(), why: why.into() }
    }

    /// What Mercer does by itself.
    pub(crate) fn itself(why: impl Into<String>) -> Self {
        Self::new("Mercer", why)
    }
}

/// A change as the log tells it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Changed {
    pub position: Position,
    pub at: Timestamp,
    pub action: ModelAction,
    pub version: ModelVersion,
    /// The champion until then.
    pub before: Option<ModelVersion>,
    pub by: String,
    pub why: String,
}

/// A version that answers a share of the customers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CanaryStage {
    pub version: ModelVersion,
    pub share: f64,
    pub since: Position,
    pub started_at: Timestamp,
    pub champion: Option<ModelVersion>,
}

/// A canary that ended, with what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EndedCanary {
    pub stage: CanaryStage,
    pub ended_at: Timestamp,
    pub champion: ArmCounts,
    pub canary: ArmCounts,
}

/// What the log says of versions.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Stages {
    /// Promoted last. It is remembered when its files cannot be read, for the next start to try again; the world's models
    /// say what really serves.
    pub champion: Option<ModelVersion>,
    pub canary: Option<CanaryStage>,
    pub ended: Arc<Vec<EndedCanary>>,
    /// Oldest first, all of them: people and gates make few.
    pub changes: Arc<Vec<Arc<Changed>>>,
}

impl Stages {
    /// The champion before the present one was promoted: where a roll-back leads.
    pub fn earlier_champion(&self) -> Option<&ModelVersion> {
        let champion = self.champion.as_ref()?;
        let made_it = |change: &&Arc<Changed>| {
            change.action == ModelAction::Promoted
                && change.version == *champion
                && change.before.as_ref() != Some(champion)
        };
        self.changes.iter().rev().find(made_it)?.before.as_ref()
    }

    /// Every version that was ever made the champion, newest first: where what serves is looked for.
    pub(crate) fn champions(&self) -> impl Iterator<Item = &ModelVersion> {
        let made = |change: &&Arc<Changed>| matches!(change.action, ModelAction::Promoted | ModelAction::RolledBack);
        self.changes.iter().rev().filter(made).map(|change| &change.version)
    }

    pub(crate) fn apply(&mut self, position: Position, at: Timestamp, change: &ModelChange) {
        let before = self.champion.clone();
        match change.action {
            ModelAction::Promoted | ModelAction::RolledBack => self.champion = Some(change.version.clone()),
            ModelAction::CanaryStarted { share } => {
                let (version, champion) = (change.version.clone(), before.clone());
                self.canary = Some(CanaryStage { version, share, since: position, started_at: at, champion });
            }
            ModelAction::CanaryStopped | ModelAction::Removed => {}
        }
        let ModelChange { action, version, by, why } = change.clone();
        let changed = Changed { position, at, action, version, before, by, why };
        Arc::make_mut(&mut self.changes).push(Arc::new(changed));
    }

    /// Takes the canary off, keeping what came of it.
    pub(crate) fn end_canary(&mut self, at: Timestamp, [champion, canary]: [ArmCounts; 2]) {
        if let Some(stage) = self.canary.take() {
            Arc::make_mut(&mut self.ended).push(EndedCanary { stage, ended_at: at, champion, canary });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(stages: &mut Stages, action: ModelAction, version: &str) {
        let position = Position(stages.changes.len() as u64 + 1);
        let change =
            ModelChange { action, version: ModelVersion::trusted(version), by: "ann".into(), why: String::new() };
        stages.apply(position, Timestamp(position.0 as i64), &change);
    }

    #[test]
    fn rolling_back_twice_goes_two_promotions_back() {
        let mut stages = Stages::default();
        assert_eq!(stages.earlier_champion(), None);
        for version in ["1", "2", "3"] {
            changed(&mut stages, ModelAction::Promoted, version);
        }
        // Once more, while it serves: that is no way to go back.
        changed(&mut stages, ModelAction::Promoted, "3");
        for expected in ["2", "1"] {
            assert_eq!(stages.earlier_champion().map(ModelVersion::as_str), Some(expected));
            changed(&mut stages, ModelAction::RolledBack, expected);
        }
        assert_eq!(stages.champion.as_ref().map(ModelVersion::as_str), Some("1"));
        assert_eq!(stages.earlier_champion(), None);
        let told: Vec<_> =
            stages.changes.iter().map(|change| change.before.as_ref().map(ModelVersion::as_str)).collect();
        assert_eq!(told, [None, Some("1"), Some("2"), Some("3"), Some("3"), Some("2")]);
    }
}
