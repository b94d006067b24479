//! The models: training with its progress, versions, the canary that runs, the audit trail, drift.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use mercer_engine::{AlarmKind, Audit, ModelCard, Stages};
use mercer_schema::ModelVersion;
use serde::Deserialize;

use super::model_parts::{CanaryView, DriftView, gate_line, percent, size};
use super::page::{Frame, failure, grouped, minute, render};
use super::session::{OwnForm, SignedIn};
use super::sign_in::Nothing;
use crate::models::views::{self, DamagedModel};
use crate::problem::Problem;
use crate::state::{App, now};

/// Changes that are listed; `mercer models changes` lists all.
const LISTED_CHANGES: usize = 20;
/// Reasons are kept for good: not longer than a person reads.
const LONGEST_REASON: usize = 500;

#[derive(Template)]
#[template(path = "console/models.html")]
struct ModelsPage {
    frame: Frame,
    training: Option<TrainingView>,
    canary: Option<CanaryView>,
    versions: Vec<Version>,
    damaged: Vec<DamagedModel>,
    /// Where a roll-back leads.
    earlier: Option<String>,
    changes: Vec<ChangeView>,
    drift: DriftView,
}

/// A run under way, or one that failed.
struct TrainingView {
    is_running: bool,
    done: usize,
    steps: usize,
    doing: String,
    who: String,
    error: String,
    resumed: usize,
}

struct Version {
    version: String,
    created_at: String,
    is_champion: bool,
    is_candidate: bool,
    canary: Option<String>,
    data: String,
    bytes: String,
    /// How much of the next order it finds, beside what popularity finds.
    finds: String,
    has_passed: bool,
    gate: String,
    waits: String,
}

struct ChangeView {
    at: String,
    what: &'static str,
    version: String,
    before: String,
    by: String,
    why: String,
}

#[derive(Deserialize)]
pub(crate) struct Reason {
    #[serde(default)]
    why: String,
}

#[derive(Deserialize)]
pub(crate) struct CanaryForm {
    #[serde(default)]
    why: String,
    percent: String,
}

pub(crate) async fn list(SignedIn(session): SignedIn, State(app): State<App>) -> Response {
    page(&app, Frame::new(&app, &session, "models"))
}

pub(crate) async fn train(State(app): State<App>, form: OwnForm<Nothing>) -> Response {
    let OwnForm(session, Nothing {}) = form;
    let notice = match app.train_behind(Audit::new(session.user.as_str(), "")) {
        Ok(()) => "The training has begun. You may leave this page.".to_owned(),
        Err(error) => format!("Nothing was trained: {error}"),
    };
    page(&app, Frame::new(&app, &session, "models").with_notice(Some(notice)))
}

pub(crate) async fn promote(State(app): State<App>, Path(version): Path<String>, form: OwnForm<Reason>) -> Response {
    let OwnForm(session, reason) = form;
    let audit = audit(&session.user, &reason.why);
    let notice = match app.engine.promote(&ModelVersion::trusted(version.as_str()), &audit, now()).await {
        Ok(()) => format!("Version {version} serves now."),
        Err(error) => error.to_string(),
    };
    changed(&app, Frame::new(&app, &session, "models").with_notice(Some(notice)))
}

pub(crate) async fn roll_back(State(app): State<App>, form: OwnForm<Reason>) -> Response {
    let OwnForm(session, reason) = form;
    let notice = match app.engine.roll_back(&audit(&session.user, &reason.why), now()).await {
        Ok(version) => format!("Version {version} serves again."),
        Err(error) => error.to_string(),
    };
    changed(&app, Frame::new(&app, &session, "models").with_notice(Some(notice)))
}

pub(crate) async fn start_canary(
    State(app): State<App>,
    Path(version): Path<String>,
    form: OwnForm<CanaryForm>,
) -> Response {
    let OwnForm(session, form) = form;
    // Not a number is no share either: the engine says so.
    let share = form.percent.trim().parse().map_or(f64::NAN, |percent: f64| percent / 100.0);
    let audit = audit(&session.user, &form.why);
    let started = app.engine.start_canary(&ModelVersion::trusted(version.as_str()), share, &audit, now()).await;
    let notice = match started {
        Ok(()) => format!("Version {version} answers {} of the customers now.", percent(share)),
        Err(mercer_engine::Error::BadShare(_)) => "Name a share above 0 and at most 100 percent.".to_owned(),
        Err(error) => error.to_string(),
    };
    changed(&app, Frame::new(&app, &session, "models").with_notice(Some(notice)))
}

pub(crate) async fn stop_canary(State(app): State<App>, form: OwnForm<Reason>) -> Response {
    let OwnForm(session, reason) = form;
    let notice = match app.engine.stop_canary(&audit(&session.user, &reason.why), now()).await {
        Ok(version) => format!("Version {version} is not tried any more; the champion answers everybody."),
        Err(error) => error.to_string(),
    };
    changed(&app, Frame::new(&app, &session, "models").with_notice(Some(notice)))
}

fn audit(user: &str, why: &str) -> Audit {
    Audit::new(user, why.trim().chars().take(LONGEST_REASON).collect::<String>())
}

fn changed(app: &App, frame: Frame) -> Response {
    app.look_after_models();
    page(app, frame)
}

fn page(app: &App, mut frame: Frame) -> Response {
    // The page has a box for it.
    frame.alarms.retain(|alarm| alarm.kind != AlarmKind::TrainingFailed);
    let (cards, damaged) = match app.engine.models().and_then(|cards| Ok((cards, views::damaged(&app.engine)?))) {
        Ok(found) => found,
        Err(error) => return failure(&Problem::from(error)),
    };
    let snapshot = app.engine.snapshot();
    let changes = views::changes(&app.engine).changes;
    render(&ModelsPage {
        frame,
        training: training(app),
        canary: views::canary(&app.engine).running.as_ref().map(CanaryView::new),
        versions: cards.into_iter().map(|card| version(card, &snapshot.stages)).collect(),
        damaged,
        earlier: snapshot.stages.earlier_champion().map(ToString::to_string),
        changes: changes.into_iter().take(LISTED_CHANGES).map(change).collect(),
        drift: DriftView::new(&app.engine.drift()),
    })
}

fn training(app: &App) -> Option<TrainingView> {
    let progress = views::training(&app.engine);
    let error = progress.error.unwrap_or_default();
    if !progress.running && error.is_empty() {
        return None;
    }
    let who = progress.started_at.map_or_else(String::new, |at| {
        let why = if progress.why.is_empty() { String::new() } else { format!(" ({})", progress.why) };
        format!("Asked for by {}{why}, {} UTC", progress.requested_by, minute(at))
    });
    Some(TrainingView {
        is_running: progress.running,
        done: progress.done,
        steps: progress.steps.max(1),
        doing: progress.doing,
        who,
        error,
        resumed: progress.resumed,
    })
}

fn version(card: ModelCard, stages: &Stages) -> Version {
    let waits = waits(&card, stages).unwrap_or_default();
    let manifest = card.manifest;
    Version {
        version: manifest.version.to_string(),
        created_at: minute(manifest.created_at),
        is_champion: card.is_champion,
        is_candidate: card.is_candidate,
        canary: card.canary_share.map(percent),
        data: format!("records {} to {}", grouped(manifest.data.first.0), grouped(manifest.data.last.0)),
        bytes: size(manifest.files.values().map(|file| file.bytes).sum()),
        finds: finds(&manifest.metrics).unwrap_or_default(),
        has_passed: manifest.gate.passed,
        gate: gate_line(&manifest.gate),
        waits,
    }
}

/// What the newest version waits for, when it passed the gate and was never let serve.
pub(super) fn waits(card: &ModelCard, stages: &Stages) -> Option<String> {
    let own = &card.manifest.version;
    let was_named = stages.changes.iter().any(|change| change.version == *own);
    if !card.is_candidate || !card.manifest.gate.passed || was_named {
        return None;
    }
    Some(match &stages.canary {
        Some(canary) => format!(
            "It waits: version {} is tried on some customers, and a new champion would end that. Once the canary has ended, serve this one.",
            canary.version
        ),
        None => "It waits for a person to let it serve.".to_owned(),
    })
}

fn finds(metrics: &mercer_schema::Properties) -> Option<String> {
    let recall = |way: &str| metrics.get(&format!("{way}_recall_at_20"))?.as_f64();
    let (found, popular) = (recall("next_order")?, recall("popularity")?);
    let (found, popular) = (percent(found), percent(popular));
    Some(format!(
        "Of what was in each customer’s last order, {found} stood among its first 20; {popular} among what is popular."
    ))
}

fn change(change: views::Change) -> ChangeView {
    let what = match change.action {
        views::ChangeAction::Promoted => "Promoted",
        views::ChangeAction::RolledBack => "Rolled back to",
        views::ChangeAction::CanaryStarted => "Canary started",
        views::ChangeAction::CanaryStopped => "Canary stopped",
        views::ChangeAction::Removed => "Removed",
    };
    let share = change.share.map(|share| format!("on {} of the customers", percent(share)));
    let why: Vec<String> = share.into_iter().chain((!change.why.is_empty()).then_some(change.why)).collect();
    ChangeView {
        at: minute(change.at),
        what,
        version: change.version.to_string(),
        before: change.before.map_or_else(|| "–".to_owned(), |before| before.to_string()),
        by: if change.by.is_empty() { "–".to_owned() } else { change.by },
        why: why.join(": "),
    }
}
