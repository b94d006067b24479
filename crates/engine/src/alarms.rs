//! What is wrong with the models now, for the console, the log and the metrics.
//!
//! Looked at now and then, beside serving. A look also stops a canary that is clearly worse.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use mercer_decide::World;
use mercer_schema::{ModelAction, ModelVersion, Timestamp};
use serde::Serialize;

use crate::drift::{Counter, DriftReport, report};
use crate::models::unreadable;
use crate::progress::Outcome;
use crate::stages::Audit;
use crate::trial::verdict;
use crate::{Engine, Error, Snapshot};

/// A canary that was stopped by itself is told for so long.
const STOPPED_IS_NEWS_FOR: i64 = 3 * Timestamp::DAY;

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alarm {
    pub kind: AlarmKind,
    /// What happened, and what to do.
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AlarmKind {
    /// The champion of the log cannot be read.
    ChampionUnreadable,
    /// The canary of the log cannot be read.
    CanaryUnreadable,
    CanaryStopped,
    TrainingFailed,
    /// The champion's data are old.
    ChampionStale,
    Drift,
}

impl AlarmKind {
    pub const ALL: [Self; 6] = [
        Self::ChampionUnreadable,
        Self::CanaryUnreadable,
        Self::CanaryStopped,
        Self::TrainingFailed,
        Self::ChampionStale,
        Self::Drift,
    ];

    /// As it stands in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ChampionUnreadable => "champion_unreadable",
            Self::CanaryUnreadable => "canary_unreadable",
            Self::CanaryStopped => "canary_stopped",
            Self::TrainingFailed => "training_failed",
            Self::ChampionStale => "champion_stale",
            Self::Drift => "drift",
        }
    }
}

/// What the last look found.
pub(crate) struct Watch {
    alarms: ArcSwap<Vec<Alarm>>,
    drift: ArcSwap<DriftReport>,
    counter: Mutex<Counter>,
    /// The versions that metrics name: champion and canary.
    named: Mutex<[Option<ModelVersion>; 2]>,
}

impl Watch {
    pub(crate) fn new(counter: Counter) -> Self {
        Self {
            alarms: ArcSwap::default(),
            drift: ArcSwap::default(),
            counter: Mutex::new(counter),
            named: Mutex::default(),
        }
    }

    /// Names the versions that answer in metrics; one that no longer does goes to 0.
    pub(crate) fn name_versions(&self, world: &World) {
        let canary = world.canary.as_ref().map(|canary| canary.version.clone());
        let now = [("champion", world.models.version.clone()), ("canary", canary)];
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        for ((arm, version), before) in now.into_iter().zip(named.iter_mut()) {
            let series = |version: &ModelVersion| metrics::gauge!("mercer_model_info", "version" => version.to_string(), "arm" => arm);
            before.iter().filter(|before| version.as_ref() != Some(before)).for_each(|before| series(before).set(0.0));
            version.iter().for_each(|version| series(version).set(1.0));
            *before = version;
        }
    }

    fn publish(&self, alarms: Vec<Alarm>) {
        let known = self.alarms.load();
        for alarm in alarms.iter().filter(|alarm| !known.contains(alarm)) {
            tracing::warn!(alarm = alarm.kind.name(), "{}", alarm.text);
        }
        for kind in AlarmKind::ALL {
            let is_on = alarms.iter().any(|alarm| alarm.kind == kind);
            metrics::gauge!("mercer_model_alarm", "alarm" => kind.name()).set(f64::from(u8::from(is_on)));
        }
        self.alarms.store(Arc::new(alarms));
    }
}

impl Engine {
    /// What the last look found wrong.
    pub fn alarms(&self) -> Arc<Vec<Alarm>> {
        self.watch.alarms.load_full()
    }

    /// The days since the champion's data, as of the last look.
    pub fn drift(&self) -> Arc<DriftReport> {
        self.watch.drift.load_full()
    }

    /// Looks: counts days, compares them, stops a canary that is clearly worse, and says what is wrong.
    pub async fn look_after_models(self: &Arc<Self>, now: Timestamp) -> Result<(), Error> {
        let engine = Arc::clone(self);
        let looked = tokio::task::spawn_blocking(move || engine.look_for_drift(now)).await;
        looked.map_err(|broken| Error::TrainingBroke(broken.to_string()))??;
        self.stop_what_is_worse(now).await?;
        let snapshot = self.snapshot();
        self.measure(&snapshot, now);
        self.watch.name_versions(&snapshot.world);
        self.watch.publish(self.wrong(&snapshot, now));
        Ok(())
    }

    fn look_for_drift(&self, now: Timestamp) -> Result<(), Error> {
        let snapshot = self.snapshot();
        let mut counter = self.watch.counter.lock().unwrap_or_else(PoisonError::into_inner);
        let days = counter.catch_up(&snapshot.world.catalog, snapshot.position())?;
        let serving = snapshot.world.models.version.as_ref();
        let found = match serving.and_then(|version| self.parts.registry.manifest(version).ok()) {
            Some(manifest) => report(days, &manifest, promoted_at(&snapshot), now),
            None => DriftReport::default(),
        };
        for input in found.days.first().into_iter().flat_map(|day| &day.inputs) {
            metrics::gauge!("mercer_drift_distance", "input" => input.title).set(input.distance);
        }
        self.watch.drift.store(Arc::new(found));
        Ok(())
    }

    async fn stop_what_is_worse(&self, now: Timestamp) -> Result<(), Error> {
        let snapshot = self.snapshot();
        let [champion, canary] = snapshot.trial.arms();
        if snapshot.stages.canary.is_none() {
            return Ok(());
        }
        if let Some(worse) = verdict(&champion, &canary) {
            self.stop_canary(&Audit::itself(format!("clearly worse: {worse}")), now).await?;
        }
        Ok(())
    }

    fn measure(&self, snapshot: &Snapshot, now: Timestamp) {
        let serving = snapshot.world.models.version.as_ref();
        if let Some(manifest) = serving.and_then(|version| self.parts.registry.manifest(version).ok()) {
            let age = now.since(manifest.created_at).max(0) as f64 / 1e6;
            metrics::gauge!("mercer_champion_age_seconds").set(age);
        }
        let share = snapshot.stages.canary.as_ref().map_or(0.0, |stage| stage.share);
        metrics::gauge!("mercer_canary_share").set(share);
        for (arm, counts) in ["champion", "canary"].into_iter().zip(snapshot.trial.arms()) {
            metrics::gauge!("mercer_canary_customers", "arm" => arm).set(counts.people as f64);
            metrics::gauge!("mercer_canary_customers_clicked", "arm" => arm).set(counts.clickers as f64);
            metrics::gauge!("mercer_canary_customers_ordered", "arm" => arm).set(counts.buyers as f64);
        }
    }

    fn wrong(&self, snapshot: &Snapshot, now: Timestamp) -> Vec<Alarm> {
        let mut alarms = Vec::new();
        let mut alarm = |kind, text: String| alarms.push(Alarm { kind, text });
        let (stages, world) = (&snapshot.stages, &snapshot.world);
        if let Some(text) = unreadable(snapshot) {
            alarm(AlarmKind::ChampionUnreadable, text);
        }
        if let Some(stage) = stages.canary.as_ref().filter(|_| world.canary.is_none()) {
            let text = format!(
                "The canary, version {}, cannot be read; the champion answers everybody. Stop the canary.",
                stage.version
            );
            alarm(AlarmKind::CanaryUnreadable, text);
        }
        let last = stages.changes.iter().rev().find(|change| change.action != ModelAction::Removed);
        let stopped = last.filter(|change| {
            change.action == ModelAction::CanaryStopped
                && change.by == "Mercer"
                && now.since(change.at) < STOPPED_IS_NEWS_FOR
        });
        if let Some(stopped) = stopped {
            let text = format!("The canary, version {}, was stopped: {}.", stopped.version, stopped.why);
            alarm(AlarmKind::CanaryStopped, text);
        }
        if let Some(Outcome::Failed { error }) = self.training().outcome {
            alarm(AlarmKind::TrainingFailed, format!("The last training failed: {error}."));
        }
        let stale_days = i64::from(self.options.models.stale_days);
        let data = world.models.version.as_ref().and_then(|version| self.parts.registry.manifest(version).ok());
        let age = data.map(|manifest| now.since(manifest.created_at) / Timestamp::DAY);
        if let Some(age) = age.filter(|age| stale_days > 0 && *age >= stale_days) {
            alarm(
                AlarmKind::ChampionStale,
                format!("The champion was trained {age} days ago. Train again, or see why newer versions do not pass."),
            );
        }
        let drift = self.drift();
        let drifted: Vec<String> =
            drift.drifted().map(|(_, input)| format!("{} ({})", input.title, input.words)).collect();
        if let Some(day) = drift.days.first().filter(|_| !drifted.is_empty()) {
            let day = day.day.to_string();
            let day = day.get(..10).unwrap_or(&day);
            let text = format!(
                "{day} looks different from what the champion learned from: {}. See whether that is meant; if it stays so, train again.",
                drifted.join("; ")
            );
            alarm(AlarmKind::Drift, text);
        }
        alarms
    }
}

fn promoted_at(snapshot: &Snapshot) -> Option<Timestamp> {
    let serving = snapshot.world.models.version.as_ref()?;
    let made_it = |change: &&Arc<crate::stages::Changed>| {
        matches!(change.action, ModelAction::Promoted | ModelAction::RolledBack) && change.version == *serving
    };
    snapshot.stages.changes.iter().rev().find(made_it).map(|change| change.at)
}
