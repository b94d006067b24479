//! What is told of models: the same to the API, the command line and the console.

use std::sync::Arc;

use mercer_engine::{
    Alarm, ArmCounts, CanaryStage, Changed, Compared, DamagedVersion, DriftReport, EndedCanary, Engine, Error,
    ModelCard, Outcome, ShadowFigures, compared,
};
use mercer_schema::{ModelAction, ModelVersion, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::state::now;

#[derive(Debug, Serialize, ToSchema)]
pub struct ModelList {
    pub models: Vec<Model>,
    /// Versions of which the manifest cannot be read, newest first; they are in no other list.
    pub damaged: Vec<DamagedModel>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct DamagedModel {
    #[schema(value_type = String)]
    pub version: ModelVersion,
    /// What is wrong with which file, and what to do.
    pub cause: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Model {
    #[schema(value_type = String)]
    pub version: ModelVersion,
    pub created_at: Timestamp,
    /// It answers everybody, but for the customers of a canary.
    pub champion: bool,
    /// The newest that was trained.
    pub candidate: bool,
    /// It answers this share of the customers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary_share: Option<f64>,
    /// It did not lose to the champion of its time.
    pub passed_gate: bool,
    #[schema(value_type = Object)]
    pub metrics: serde_json::Value,
}

/// All versions, newest first.
pub fn list(engine: &Engine) -> Result<ModelList, Error> {
    Ok(ModelList { models: engine.models()?.into_iter().map(model).collect(), damaged: damaged(engine)? })
}

/// Versions of which the manifest cannot be read, newest first.
pub fn damaged(engine: &Engine) -> Result<Vec<DamagedModel>, Error> {
    let told = |damaged: DamagedVersion| DamagedModel { cause: damaged.cause.to_string(), version: damaged.version };
    Ok(engine.damaged_models()?.into_iter().map(told).collect())
}

fn model(card: ModelCard) -> Model {
    Model {
        version: card.manifest.version,
        created_at: card.manifest.created_at,
        champion: card.is_champion,
        candidate: card.is_candidate,
        canary_share: card.canary_share,
        passed_gate: card.manifest.gate.passed,
        metrics: serde_json::Value::Object(card.manifest.metrics),
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ModelDetails {
    #[serde(flatten)]
    pub model: Model,
    pub code_version: String,
    /// The records that it learned from.
    #[schema(value_type = Object)]
    pub data: mercer_engine::DataRange,
    /// Parent, who asked for it and why, counts and digest of the data, settings and seed of each model.
    #[schema(value_type = Object)]
    pub lineage: mercer_engine::Lineage,
    /// The comparison with the champion of its time.
    #[schema(value_type = Object)]
    pub gate: mercer_engine::Gate,
    pub bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shadow: Option<Shadow>,
    /// Every canary in which it was tried, newest first.
    pub canaries: Vec<Canary>,
}

/// The card of a version; nothing of one that is not there or cannot be read.
pub fn details(engine: &Engine, version: &ModelVersion) -> Result<Option<ModelDetails>, Error> {
    let Some(card) = engine.models()?.into_iter().find(|card| card.manifest.version == *version) else {
        return Ok(None);
    };
    let manifest = card.manifest.clone();
    let CanaryReport { running, ended } = canary(engine);
    let own = |canary: &Canary| canary.version == *version;
    Ok(Some(ModelDetails {
        model: model(card),
        code_version: manifest.code_version,
        data: manifest.data,
        lineage: manifest.lineage,
        gate: manifest.gate,
        bytes: manifest.files.values().map(|file| file.bytes).sum(),
        shadow: engine.shadow_figures(version).map(|figures| Shadow::new(&figures)),
        canaries: running.into_iter().chain(ended).filter(own).collect(),
    }))
}

/// What the candidate would have shown on pages that the champion served.
#[derive(Debug, Serialize, ToSchema)]
pub struct Shadow {
    pub pages: u64,
    /// Mean share of the served products that it would have shown too.
    pub overlap: f64,
    /// How much higher its scores are: 0.1 is a tenth.
    pub score_shift: f64,
    pub champion_micros_p50: u64,
    pub champion_micros_p99: u64,
    pub candidate_micros_p50: u64,
    pub candidate_micros_p99: u64,
    pub failures: u64,
    /// Clicks on such pages, and those on products that it would have shown too.
    pub clicks: u64,
    pub clicks_shown: u64,
    /// Products ordered within a day by customers who saw such pages; those that were served, and those that it would
    /// have shown.
    pub ordered: u64,
    pub ordered_served: u64,
    pub ordered_shown: u64,
}

impl Shadow {
    fn new(figures: &ShadowFigures) -> Self {
        let (p50, p99) = (figures.micros(0.5), figures.micros(0.99));
        let told = figures.told;
        Self {
            pages: figures.pages,
            overlap: figures.overlap(),
            score_shift: figures.score_shift(),
            champion_micros_p50: p50.0,
            champion_micros_p99: p99.0,
            candidate_micros_p50: p50.1,
            candidate_micros_p99: p99.1,
            failures: figures.failures,
            clicks: told.clicks,
            clicks_shown: told.clicks_shown,
            ordered: told.ordered,
            ordered_served: told.ordered_served,
            ordered_shown: told.ordered_shown,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct CanaryReport {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub running: Option<Canary>,
    /// Newest first.
    pub ended: Vec<Canary>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Canary {
    #[schema(value_type = String)]
    pub version: ModelVersion,
    #[schema(value_type = Option<String>)]
    pub champion: Option<ModelVersion>,
    pub share: f64,
    pub started_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Customers, decisions, clicks and orders of each side.
    #[schema(value_type = Object)]
    pub champion_counts: ArmCounts,
    #[schema(value_type = Object)]
    pub canary_counts: ArmCounts,
    /// The share of customers who clicked, and who ordered, each with a 95 % interval, and the difference. Nothing `is_better`
    /// before the canary has run for `models.canary_hours`.
    #[schema(value_type = Vec<Object>)]
    pub compared: [Compared; 2],
}

pub fn canary(engine: &Engine) -> CanaryReport {
    let snapshot = engine.snapshot();
    let told = |stage: &CanaryStage, ended_at: Option<Timestamp>, [champion, canary]: [ArmCounts; 2]| Canary {
        version: stage.version.clone(),
        champion: stage.champion.clone(),
        share: stage.share,
        started_at: stage.started_at,
        ended_at,
        champion_counts: champion,
        canary_counts: canary,
        compared: compared(
            &champion,
            &canary,
            engine.has_run_long_enough(stage.started_at, ended_at.unwrap_or_else(now)),
        ),
    };
    let ended = |canary: &EndedCanary| told(&canary.stage, Some(canary.ended_at), [canary.champion, canary.canary]);
    CanaryReport {
        running: snapshot.stages.canary.as_ref().map(|stage| told(stage, None, snapshot.trial.arms())),
        ended: snapshot.stages.ended.iter().rev().map(ended).collect(),
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ChangeList {
    pub changes: Vec<Change>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Change {
    pub at: Timestamp,
    pub action: ChangeAction,
    #[schema(value_type = String)]
    pub version: ModelVersion,
    /// The champion until then.
    #[schema(value_type = Option<String>)]
    pub before: Option<ModelVersion>,
    /// Of a canary that started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    pub by: String,
    pub why: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeAction {
    Promoted,
    RolledBack,
    CanaryStarted,
    CanaryStopped,
    Removed,
}

pub fn changes(engine: &Engine) -> ChangeList {
    let told = |change: &Arc<Changed>| {
        let (action, share) = match change.action {
            ModelAction::Promoted => (ChangeAction::Promoted, None),
            ModelAction::RolledBack => (ChangeAction::RolledBack, None),
            ModelAction::CanaryStarted { share } => (ChangeAction::CanaryStarted, Some(share)),
            ModelAction::CanaryStopped => (ChangeAction::CanaryStopped, None),
            ModelAction::Removed => (ChangeAction::Removed, None),
        };
        let Changed { at, version, before, by, why, .. } = Changed::clone(change);
        Change { at, action, version, before, share, by, why }
    };
    ChangeList { changes: engine.snapshot().stages.changes.iter().rev().map(told).collect() }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct TrainingProgress {
    pub running: bool,
    pub started_at: Option<Timestamp>,
    pub requested_by: String,
    pub why: String,
    /// Steps done, of how many.
    pub done: usize,
    pub steps: usize,
    /// What is being done, in words.
    pub doing: String,
    /// Pieces of work that a run which was cut off had left.
    pub resumed: usize,
    /// The version that came of it.
    #[schema(value_type = Option<String>)]
    pub version: Option<ModelVersion>,
    pub promoted: Option<bool>,
    /// It passed the gate and waits, as this version is being tried: promote it once the canary has ended.
    #[schema(value_type = Option<String>)]
    pub waits_for_canary: Option<ModelVersion>,
    /// Why nothing came of it.
    pub error: Option<String>,
}

pub fn training(engine: &Engine) -> TrainingProgress {
    let progress = engine.training();
    let (version, promoted, waits_for_canary, error) = match progress.outcome {
        None => (None, None, None, None),
        Some(Outcome::Trained { version, promoted, waits_for_canary }) => {
            (Some(version), Some(promoted), waits_for_canary, None)
        }
        Some(Outcome::NothingToLearn) => (None, None, None, Some(Error::NothingToLearn.to_string())),
        Some(Outcome::Stopped) => (None, None, None, Some(Error::TrainingStopped.to_string())),
        Some(Outcome::Failed { error }) => (None, None, None, Some(error)),
    };
    TrainingProgress {
        running: progress.running,
        started_at: progress.started_at,
        requested_by: progress.requested_by,
        why: progress.why,
        done: progress.done,
        steps: progress.steps,
        doing: progress.doing,
        resumed: progress.resumed,
        version,
        promoted,
        waits_for_canary,
        error,
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ModelHealth {
    #[schema(value_type = Vec<Object>)]
    pub alarms: Vec<Alarm>,
    /// The newest days first; each input with its distance (0 to 1), the corrected probability and the verdict.
    #[schema(value_type = Object)]
    pub drift: DriftReport,
}

pub fn health(engine: &Engine) -> ModelHealth {
    ModelHealth { alarms: engine.alarms().to_vec(), drift: (*engine.drift()).clone() }
}
