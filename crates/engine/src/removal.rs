//! Taking versions away: by hand, and after a training the oldest beyond what is kept.
//!
//! What serves, what may serve next and what a person may want to go back to stays, and so does what these were compared
//! with. The audit trail keeps every version; a decision that needs one that is gone cannot be made again, and says so.

use std::sync::Arc;

use mercer_schema::{ModelAction, ModelVersion, Timestamp};
use mercer_store::Alias;

use crate::fold::Snapshot;
use crate::replay::Replayed;
use crate::stages::{Audit, Changed};
use crate::{Engine, Error};

impl Engine {
    /// Takes a version away for good, unless it is still needed.
    pub async fn remove_model(&self, version: &ModelVersion, audit: &Audit, now: Timestamp) -> Result<(), Error> {
        let _changing = self.changing_models.lock().await;
        let registry = &self.parts.registry;
        if !registry.has(version) {
            return Err(Error::NoSuchModel(version.clone()));
        }
        if let Some(reason) = self.needs(version)? {
            return Err(Error::WrongStage(format!("Version {version} {reason}; it stays.")));
        }
        // The log first: a version that is gone without a word is worse than one that is taken away twice.
        self.change(ModelAction::Removed, version, audit, now).await?;
        registry.remove(version)?;
        Ok(())
    }

    /// After a training: the oldest versions beyond those that are kept. Damaged ones are for a person to look at.
    pub(crate) async fn remove_oldest(&self, now: Timestamp) {
        let kept = self.options.models.keep_versions as usize;
        let all = match self.parts.registry.list() {
            Ok(all) if kept > 0 => all,
            _ => return,
        };
        let audit = Audit::itself(format!("the newest {kept} versions are kept"));
        for manifest in all.into_iter().skip(kept).rev() {
            match self.remove_model(&manifest.version, &audit, now).await {
                Ok(()) | Err(Error::WrongStage(_)) => {}
                Err(error) => tracing::warn!(version = %manifest.version, %error, "an old version cannot be removed"),
            }
        }
    }

    /// Why a version must stay; none where nothing needs it.
    fn needs(&self, version: &ModelVersion) -> Result<Option<String>, Error> {
        let (registry, snapshot) = (&self.parts.registry, self.snapshot());
        let (stages, world) = (&snapshot.stages, &snapshot.world);
        let canary = stages.canary.as_ref();
        let roles = [
            (stages.champion.clone(), "is the champion"),
            (world.models.version.clone(), "serves"),
            (canary.map(|stage| stage.version.clone()), "is tried on some customers"),
            (registry.alias(Alias::Candidate)?, "is the newest candidate"),
            (registry.newest()?, "is the newest, and its number must not be given twice"),
            (stages.earlier_champion().cloned(), "is where a roll-back leads"),
            (canary.and_then(|stage| stage.champion.clone()), "is what the canary is compared with"),
        ];
        if let Some((_, reason)) = roles.iter().find(|(role, _)| role.as_ref() == Some(version)) {
            return Ok(Some((*reason).to_owned()));
        }
        let compared = |other: &ModelVersion| {
            let manifest = registry.manifest(other).ok()?;
            [manifest.gate.champion, manifest.lineage.parent].contains(&Some(version.clone())).then(|| other.clone())
        };
        let other = roles.iter().filter_map(|(role, _)| role.as_ref()).find_map(compared);
        Ok(other.map(|other| format!("is what version {other}, which is needed, was compared with")))
    }

    /// What was made again; one that came out differently for want of a version that is gone since is none.
    pub(crate) fn or_gone<R, A>(&self, then: &Snapshot, replayed: Replayed<R, A>) -> Result<Replayed<R, A>, Error> {
        match self.gone_since(then) {
            Some(gone) if !replayed.is_identical => Err(gone),
            _ => Ok(replayed),
        }
    }

    /// A version that the log named then, and that is gone since: what was decided with it cannot be decided again.
    pub(crate) fn gone_since(&self, then: &Snapshot) -> Option<Error> {
        let (stages, world) = (&then.stages, &then.world);
        let champion = stages.champion.as_ref().filter(|named| world.models.version.as_ref() != Some(named));
        let canary = stages.canary.as_ref().filter(|_| world.canary.is_none()).map(|stage| &stage.version);
        let now = self.snapshot();
        let removed = |version: &&ModelVersion| {
            let removal = |change: &&Arc<Changed>| change.action == ModelAction::Removed && change.version == **version;
            now.stages.changes.iter().rev().find(removal).map(Arc::clone)
        };
        let change = [champion, canary].iter().flatten().find_map(removed)?;
        Some(Error::ModelGone { version: change.version.clone(), removed_at: change.at })
    }
}
