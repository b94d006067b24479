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
    /// How well each way of choosing foretells the orders that were held back, best first.
    scores: Vec<Score>,
    metrics: Vec<(String, String)>,
}

/// One way of choosing, judged on orders that it had not seen.
#[derive(Debug, PartialEq)]
struct Score {
    name: String,
    /// The share of what was bought that stood among the first places.
    recall: f64,
    shown_recall: String,
    /// The same, where higher places count more.
    shown_ndcg: String,
}

const RECALL: &str = "_recall_at_20";

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
            bytes: size(manifest.files.values().map(|file| file.bytes).sum()),
            scores: scores(
                |name| manifest.metrics.get(name).and_then(serde_json::Value::as_f64),
                manifest.metrics.keys(),
            ),
            metrics: manifest.metrics.iter().map(|(name, value)| (name.clone(), shown(value))).collect(),
        }
    };
    render(&ModelsPage { frame, cards: cards.into_iter().map(card).collect() })
}

/// The ways of choosing that the metrics speak of, by the names of their metrics.
fn scores<'a>(value: impl Fn(&str) -> Option<f64>, names: impl Iterator<Item = &'a String>) -> Vec<Score> {
    let score = |name: &'a String| {
        let way = name.strip_suffix(RECALL)?;
        let recall = value(name)?;
        let ndcg = value(&format!("{way}_ndcg_at_20"));
        let words = way.replace('_', " ");
        let mut letters = words.chars();
        let name = letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default();
        let shown_ndcg = ndcg.map_or_else(|| "–".to_owned(), |ndcg| format!("{ndcg:.3}"));
        Some(Score { name, recall, shown_recall: format!("{:.1} %", recall * 100.0), shown_ndcg })
    };
    let mut scores: Vec<Score> = names.filter_map(score).collect();
    scores.sort_by(|a, b| b.recall.total_cmp(&a.recall));
    scores
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} kB", bytes.div_ceil(1_000)),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn ways_of_choosing_are_listed_best_first() {
        let metrics: BTreeMap<String, f64> = [
            ("orders", 100.0),
            ("popularity_ndcg_at_20", 0.08),
            ("popularity_recall_at_20", 0.1),
            ("popularity_recall_at_20_upper", 0.12),
            ("next_order_recall_at_20", 0.27),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        let scores = scores(|name| metrics.get(name).copied(), metrics.keys());
        let read: Vec<_> = scores.iter().map(|score| [&score.name, &score.shown_recall, &score.shown_ndcg]).collect();
        assert_eq!(read, [["Next order", "27.0 %", "–"], ["Popularity", "10.0 %", "0.080"]]);
    }

    #[test]
    fn sizes_read_well() {
        assert_eq!((size(0), size(1), size(11_006_278)), ("0 kB".into(), "1 kB".into(), "11.0 MB".into()));
    }
}
