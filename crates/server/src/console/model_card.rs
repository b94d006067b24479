//! The card of a version: what it is for, what it learned from, how good it is and for whom, what became of it.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use mercer_engine::{Check, Manifest};
use mercer_schema::ModelVersion;

use super::model_parts::{CanaryView, DriftView, gate_line, percent, size};
use super::models::waits;
use super::page::{Frame, failure, grouped, minute, render};
use super::session::SignedIn;
use crate::models::views::{self, Shadow};
use crate::problem::Problem;
use crate::state::App;

#[derive(Template)]
#[template(path = "console/model.html")]
struct CardPage {
    frame: Frame,
    version: String,
    created_at: String,
    is_champion: bool,
    is_candidate: bool,
    canary_share: Option<String>,
    /// Another version is tried: only one can be.
    is_canary_busy: bool,
    has_champion: bool,
    earlier: Option<String>,
    /// What it waits for, in words.
    waits: String,
    lineage: Vec<(&'static str, String)>,
    counts: Vec<(String, String)>,
    fitted: Vec<Fitted>,
    /// How well each way of choosing foretells the orders that were held back, best first.
    scores: Vec<Score>,
    has_passed: bool,
    gate: String,
    protocol: String,
    checks: Vec<CheckView>,
    shadow: Option<Vec<(&'static str, String)>>,
    canaries: Vec<CanaryView>,
    /// Of the champion: the days since its data.
    drift: Option<DriftView>,
    metrics: Vec<(String, String)>,
}

struct Fitted {
    file: String,
    bytes: String,
    seed: String,
    settings: String,
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

struct CheckView {
    name: String,
    slice: String,
    cases: String,
    candidate: String,
    champion: String,
    difference: String,
    has_passed: bool,
    words: String,
}

const RECALL: &str = "_recall_at_20";

pub(crate) async fn show(SignedIn(session): SignedIn, State(app): State<App>, Path(version): Path<String>) -> Response {
    let version = ModelVersion::trusted(version);
    match page(&app, Frame::new(&app, &session, "models"), &version) {
        Ok(Some(page)) => render(&page),
        Ok(None) => failure(&Problem::not_found("such model version")),
        Err(error) => failure(&Problem::from(error)),
    }
}

fn page(app: &App, frame: Frame, version: &ModelVersion) -> Result<Option<CardPage>, mercer_engine::Error> {
    let found = app.engine.models()?.into_iter().find(|card| card.manifest.version == *version);
    let (Some(card), Some(details)) = (found, views::details(&app.engine, version)?) else { return Ok(None) };
    let snapshot = app.engine.snapshot();
    let manifest = &card.manifest;
    let value = |name: &str| manifest.metrics.get(name).and_then(serde_json::Value::as_f64);
    Ok(Some(CardPage {
        frame,
        version: version.to_string(),
        created_at: minute(manifest.created_at),
        is_champion: card.is_champion,
        is_candidate: card.is_candidate,
        canary_share: card.canary_share.map(percent),
        is_canary_busy: snapshot.stages.canary.is_some(),
        has_champion: snapshot.stages.champion.is_some(),
        earlier: snapshot.stages.earlier_champion().map(ToString::to_string),
        waits: waits(&card, &snapshot.stages).unwrap_or_default(),
        lineage: lineage(manifest),
        counts: manifest.lineage.counts.iter().map(|(name, count)| (name.clone(), grouped(*count))).collect(),
        fitted: fitted(manifest),
        scores: scores(value, manifest.metrics.keys()),
        has_passed: manifest.gate.passed,
        gate: gate_line(&manifest.gate),
        protocol: manifest.gate.protocol.clone(),
        checks: manifest.gate.checks.iter().map(check).collect(),
        shadow: details.shadow.as_ref().map(shadow),
        canaries: details.canaries.iter().map(CanaryView::new).collect(),
        drift: card.is_champion.then(|| DriftView::new(&app.engine.drift())),
        metrics: manifest.metrics.iter().map(|(name, value)| (name.clone(), shown(value))).collect(),
    }))
}

fn lineage(manifest: &Manifest) -> Vec<(&'static str, String)> {
    let (lineage, data) = (&manifest.lineage, &manifest.data);
    let or_unknown = |text: &str| if text.is_empty() { "not recorded".to_owned() } else { text.to_owned() };
    let mut facts = vec![
        ("Asked for by", or_unknown(&lineage.requested_by)),
        ("Parent", lineage.parent.as_ref().map_or_else(|| "none".into(), |parent| format!("version {parent}"))),
        ("Records", format!("{} to {}", grouped(data.first.0), grouped(data.last.0))),
        ("From", format!("{} to {} UTC", minute(data.first_at), minute(data.last_at))),
        ("Digest", or_unknown(&lineage.digest)),
        ("Mercer", manifest.code_version.clone()),
    ];
    if !lineage.why.is_empty() {
        facts.insert(1, ("Why", lineage.why.clone()));
    }
    if lineage.resumed > 0 {
        facts.push(("Resumed", format!("{} pieces of work came from a run that was cut off", lineage.resumed)));
    }
    facts
}

fn fitted(manifest: &Manifest) -> Vec<Fitted> {
    let file = |(name, entry): (&String, &mercer_engine::FileEntry)| {
        let model = manifest.lineage.models.get(name);
        Fitted {
            file: name.clone(),
            bytes: size(entry.bytes),
            seed: model.and_then(|model| model.seed).map_or_else(|| "none".to_owned(), |seed| seed.to_string()),
            settings: model.map_or_else(|| "not recorded".to_owned(), |model| model.settings.clone()),
        }
    };
    manifest.files.iter().map(file).collect()
}

fn check(check: &Check) -> CheckView {
    let figure = |value: f64| match value {
        value if value.fract() == 0.0 => grouped(value.max(0.0) as u64),
        value if value >= 10.0 => format!("{value:.0}"),
        value => format!("{value:.4}"),
    };
    let signed = |value: f64| format!("{value:+.4}");
    CheckView {
        name: check.name.clone(),
        slice: check.slice.clone(),
        cases: grouped(check.cases as u64),
        candidate: figure(check.candidate),
        champion: check.champion.map_or_else(|| "–".to_owned(), figure),
        difference: check.difference.map_or_else(
            || "–".to_owned(),
            |found| format!("{} ({} to {})", signed(found.mean), signed(found.low), signed(found.high)),
        ),
        has_passed: check.passed,
        words: check.words.clone(),
    }
}

fn shadow(shadow: &Shadow) -> Vec<(&'static str, String)> {
    let micros = |champion: u64, candidate: u64| format!("{candidate} µs, champion {champion} µs");
    vec![
        ("Pages looked at", grouped(shadow.pages)),
        ("Same products", percent(shadow.overlap)),
        ("Scores", format!("{:+.1} %", shadow.score_shift * 100.0)),
        ("Half of the pages within", micros(shadow.champion_micros_p50, shadow.candidate_micros_p50)),
        ("99 of 100 within", micros(shadow.champion_micros_p99, shadow.candidate_micros_p99)),
        ("Failures", grouped(shadow.failures)),
        ("Clicks it would have had", format!("{} of {}", grouped(shadow.clicks_shown), grouped(shadow.clicks))),
        (
            "Ordered within a day",
            format!(
                "{} products, of which it would have shown {} and the champion showed {}",
                grouped(shadow.ordered),
                grouped(shadow.ordered_shown),
                grouped(shadow.ordered_served)
            ),
        ),
    ]
}

fn shown(value: &serde_json::Value) -> String {
    match value.as_f64() {
        Some(number) if number.fract() != 0.0 => format!("{number:.4}"),
        _ => value.to_string().trim_matches('"').to_owned(),
    }
}

/// The ways of choosing that the metrics speak of, by the names of their metrics.
fn scores<'a>(value: impl Fn(&str) -> Option<f64>, names: impl Iterator<Item = &'a String>) -> Vec<Score> {
    let score = |name: &'a String| {
        let way = name.strip_suffix(RECALL)?;
        let recall = value(name)?;
        let ends = value(&format!("{name}_lower")).zip(value(&format!("{name}_upper")));
        let ends = ends.map_or_else(String::new, |(low, high)| format!(" ({:.1} to {:.1})", low * 100.0, high * 100.0));
        let ndcg = value(&format!("{way}_ndcg_at_20"));
        let words = way.replace('_', " ");
        let mut letters = words.chars();
        let name = letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default();
        let shown_ndcg = ndcg.map_or_else(|| "–".to_owned(), |ndcg| format!("{ndcg:.3}"));
        Some(Score { name, recall, shown_recall: format!("{:.1} %{ends}", recall * 100.0), shown_ndcg })
    };
    let mut scores: Vec<Score> = names.filter_map(score).collect();
    scores.sort_by(|a, b| b.recall.total_cmp(&a.recall));
    scores
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
            ("popularity_recall_at_20_lower", 0.08),
            ("popularity_recall_at_20_upper", 0.12),
            ("next_order_recall_at_20", 0.27),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        let scores = scores(|name| metrics.get(name).copied(), metrics.keys());
        let read: Vec<_> = scores.iter().map(|score| [&score.name, &score.shown_recall, &score.shown_ndcg]).collect();
        assert_eq!(read, [["Next order", "27.0 %", "–"], ["Popularity", "10.0 % (8.0 to 12.0)", "0.080"]]);
    }
}
