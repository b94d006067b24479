//! Changing which models answer: promote, roll back, try on a share of the customers, stop.
//!
//! Each is one record in the log, so it is made or not. A version is loaded before it is named: a broken one changes
//! nothing, and the previous champion keeps serving.

use std::sync::Arc;

use mercer_schema::{Draft, Fact, ModelAction, ModelChange, ModelVersion, Timestamp};
use mercer_store::{Alias, DamagedVersion};

use crate::models::{ModelCard, cards};
use crate::stages::Audit;
use crate::{Engine, Error, background};

impl Engine {
    /// All model versions that can be read, newest first.
    pub fn models(&self) -> Result<Vec<ModelCard>, Error> {
        cards(&self.parts.registry, &self.snapshot())
    }

    /// The versions of which the manifest cannot be read, newest first.
    pub fn damaged_models(&self) -> Result<Vec<DamagedVersion>, Error> {
        Ok(self.parts.registry.damaged()?)
    }

    /// Makes a version the champion. A canary that runs ends.
    pub async fn promote(&self, version: &ModelVersion, audit: &Audit, now: Timestamp) -> Result<(), Error> {
        let snapshot = self.snapshot();
        // A champion whose files were put back, or one that stands in for it, may be promoted to settle the matter.
        let is_champion = snapshot.stages.champion.as_ref() == Some(version);
        if is_champion && snapshot.world.models.version.as_ref() == Some(version) {
            return Err(Error::WrongStage(format!("Version {version} is the champion already; nothing was changed.")));
        }
        self.make_champion(ModelAction::Promoted, version, audit, now).await
    }

    /// Makes the earlier champion serve again; returns which one that is.
    pub async fn roll_back(&self, audit: &Audit, now: Timestamp) -> Result<ModelVersion, Error> {
        let snapshot = self.snapshot();
        let earlier = snapshot.stages.earlier_champion().ok_or_else(|| {
            Error::WrongStage("There is no earlier champion to go back to; promote a version by its number.".into())
        })?;
        self.make_champion(ModelAction::RolledBack, earlier, audit, now).await?;
        Ok(earlier.clone())
    }

    /// Lets a version answer a share of the customers, from above 0 to 1.
    pub async fn start_canary(
        &self,
        version: &ModelVersion,
        share: f64,
        audit: &Audit,
        now: Timestamp,
    ) -> Result<(), Error> {
        if !(share > 0.0 && share <= 1.0) {
            return Err(Error::BadShare(share));
        }
        let snapshot = self.snapshot();
        if let Some(stage) = &snapshot.stages.canary {
            let running = format!("Version {} is tried already; stop that canary first.", stage.version);
            return Err(Error::WrongStage(running));
        }
        if snapshot.stages.champion.as_ref() == Some(version) {
            return Err(Error::WrongStage(format!("Version {version} is the champion: it answers everybody.")));
        }
        let _changing = self.changing_models.lock().await;
        self.get_ready(version).await?;
        self.change(ModelAction::CanaryStarted { share }, version, audit, now).await
    }

    /// A canary that ran between these moments has run for as long as it takes to be called better.
    pub fn has_run_long_enough(&self, started_at: Timestamp, until: Timestamp) -> bool {
        until.since(started_at) >= i64::from(self.options.models.canary_hours) * Timestamp::HOUR
    }

    /// Ends the canary; returns the version that was tried.
    pub async fn stop_canary(&self, audit: &Audit, now: Timestamp) -> Result<ModelVersion, Error> {
        let stage = self.snapshot().stages.canary.clone();
        let stage = stage.ok_or_else(|| Error::WrongStage("No canary runs.".into()))?;
        self.change(ModelAction::CanaryStopped, &stage.version, audit, now).await?;
        Ok(stage.version)
    }

    async fn make_champion(
        &self,
        action: ModelAction,
        version: &ModelVersion,
        audit: &Audit,
        now: Timestamp,
    ) -> Result<(), Error> {
        let _changing = self.changing_models.lock().await;
        self.get_ready(version).await?;
        // The log first: it is what a start believes. An alias that lags behind is put right there.
        self.change(action, version, audit, now).await?;
        self.parts.registry.set_alias(Alias::Champion, version)?;
        Ok(())
    }

    /// Loads a version and makes what it would else make while events wait. What is broken is told here.
    async fn get_ready(&self, version: &ModelVersion) -> Result<(), Error> {
        let (models, catalog) = (Arc::clone(&self.models), self.snapshot().world.catalog.clone());
        let broken = |version: &ModelVersion, reason: String| Error::Model { version: version.clone(), reason };
        // What is still in memory may be gone from the disk.
        self.parts.registry.manifest(version).map_err(|error| broken(version, error.to_string()))?;
        let asked = version.clone();
        let readied = tokio::task::spawn_blocking(move || {
            let loaded = models.load(&asked, &catalog)?;
            let threads = background::threads().map_err(|error| broken(&asked, error.to_string()))?;
            threads.install(|| loaded.get_ready(&catalog));
            Ok(())
        });
        readied.await.unwrap_or_else(|panicked| Err(broken(version, panicked.to_string())))
    }

    pub(crate) async fn change(
        &self,
        action: ModelAction,
        version: &ModelVersion,
        audit: &Audit,
        now: Timestamp,
    ) -> Result<(), Error> {
        let Audit { by, why } = audit.clone();
        let change = ModelChange { action, version: version.clone(), by, why };
        tracing::info!(?action, %version, by = change.by, why = change.why, "models");
        let fact = Fact::ModelChanged(Box::new(change));
        self.accept(vec![Draft { recorded_at: now, key: None, key_lasts: false, fact }]).await?;
        self.watch_candidate();
        self.watch.name_versions(&self.snapshot().world);
        Ok(())
    }
}
