//! The model registry: versions with their metrics, training, promotion and roll-back.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use mercer_schema::ModelVersion;

use super::page::{Frame, failure, grouped, minute, render};
use super::session::{OwnForm, SignedIn};
use super::sign_in::Nothing;
use crate::problem::Problem;
use crate::state::{App, now};

#[derive(Template)]
#[template(path = "console/models.html")]
struct ModelsPage {
    frame: Frame,
    cards: Vec<Card>,
}

struct Card {
    version: String,
    created_at: String,
    code_version: String,
    is_champion: bool,
    is_candidate: bool,
    /// Records it learned from.
    data: String,
    bytes: String,
    metrics: Vec<(String, String)>,
}

pub(crate) async fn list(SignedIn(session): SignedIn, State(app): State<App>) -> Response {
    page(&app, Frame::new(&app, &session, "models"))
}

pub(crate) async fn train(State(app): State<App>, form: OwnForm<Nothing>) -> Response {
    let OwnForm(session, Nothing {}) = form;
    let notice = match app.train().await {
        Ok(trained) if trained.promoted => format!("Version {} is trained and serves now.", trained.version),
        Ok(trained) => format!("Version {} is trained; it is worse than the champion and waits.", trained.version),
        Err(error) => format!("Nothing was trained: {error}"),
    };
    page(&app, Frame::new(&app, &session, "models").with_notice(Some(notice)))
}

pub(crate) async fn promote(State(app): State<App>, Path(version): Path<String>, form: OwnForm<Nothing>) -> Response {
    let OwnForm(session, Nothing {}) = form;
    let notice = match app.engine.promote(&ModelVersion::trusted(version.as_str()), now()).await {
        Ok(()) => format!("Version {version} serves now."),
        Err(error) => error.to_string(),
    };
    page(&app, Frame::new(&app, &session, "models").with_notice(Some(notice)))
}

fn page(app: &App, frame: Frame) -> Response {
    let cards = match app.engine.models() {
        Ok(cards) => cards,
        Err(error) => return failure(&Problem::from(error)),
    };
    let card = |card: mercer_engine::ModelCard| {
        let manifest = card.manifest;
        let shown = |value: &serde_json::Value| match value.as_f64() {
            Some(number) if number.fract() != 0.0 => format!("{number:.4}"),
            _ => value.to_string().trim_matches('"').to_owned(),
        };
        Card {
            version: manifest.version.to_string(),
            created_at: minute(manifest.created_at),
            code_version: manifest.code_version,
            is_champion: card.is_champion,
            is_candidate: card.is_candidate,
            data: format!("records {} to {}", grouped(manifest.data.first.0), grouped(manifest.data.last.0)),
            bytes: grouped(manifest.files.values().map(|file| file.bytes).sum()),
            metrics: manifest.metrics.iter().map(|(name, value)| (name.clone(), shown(value))).collect(),
        }
    };
    render(&ModelsPage { frame, cards: cards.into_iter().map(card).collect() })
}
