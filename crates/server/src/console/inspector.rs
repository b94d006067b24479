//! The query inspector: what was made of some words, and of whom, two strengths side by side.
//!
//! Nothing that is asked here is counted or logged.

use std::time::Instant;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::page::{Frame, render};
use super::placements::visitor;
use super::searched::{Question, Searched, ask};
use super::session::SignedIn;
use crate::body::LONGEST_TEXT;
use crate::state::{App, now};

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default)]
    customer: String,
}

#[derive(Template)]
#[template(path = "console/inspector.html")]
struct InspectorPage {
    frame: Frame,
    part: &'static str,
    q: String,
    customer: String,
    looked: Option<Looked>,
}

/// The same words by themselves, and with all that is known.
struct Looked {
    impersonal: Searched,
    personal: Searched,
    is_same: bool,
    took: String,
    notes: Vec<String>,
}

pub(crate) async fn show(SignedIn(session): SignedIn, State(app): State<App>, Query(asked): Query<Asked>) -> Response {
    let frame = Frame::new(&app, &session, "search");
    let q: String = asked.q.chars().take(LONGEST_TEXT).collect();
    let looked = (!q.trim().is_empty()).then(|| look(&app, &q, asked.customer.trim()));
    render(&InspectorPage { frame, part: "inspector", q, customer: asked.customer, looked })
}

fn look(app: &App, q: &str, customer: &str) -> Looked {
    let snapshot = app.engine.snapshot();
    let mut notes = Vec::new();
    let visitor = visitor(&snapshot, customer, &mut notes);
    let question = |strength: f64| Question {
        q: q.to_owned(),
        visitor: visitor.clone(),
        strength,
        at: now(),
        ..Question::default()
    };
    let impersonal = ask(&snapshot.world, &question(0.0));
    let started = Instant::now();
    let personal = ask(&snapshot.world, &question(1.0));
    let took = format!("{:.2} ms", started.elapsed().as_secs_f64() * 1e3);
    let impersonal = Searched::new(&impersonal, &snapshot.world);
    let personal = Searched::new(&personal, &snapshot.world).beside(&impersonal);
    Looked { is_same: personal.is_like(&impersonal), impersonal, personal, took, notes }
}
