//! Two ways to search beside each other: what they show for a query, and how good they are by what was judged.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use mercer_engine::{Estimate, Gain, QualityCompared, SearchVariant};
use serde::Deserialize;

use super::judging::{FEWEST, Told, Way};
use super::page::{Frame, failure, render};
use super::placements::visitor;
use super::searched::{Question, Searched, ask};
use super::session::SignedIn;
use crate::body::LONGEST_TEXT;
use crate::problem::Problem;
use crate::state::{App, now};

/// Queries that win most, and that lose most.
const MOST_NAMED: usize = 10;

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default)]
    customer: String,
    #[serde(flatten)]
    way: Way,
}

#[derive(Template)]
#[template(path = "console/judging_compare.html")]
struct ComparePage {
    frame: Frame,
    part: &'static str,
    q: String,
    customer: String,
    way: Way,
    live: Way,
    notes: Vec<String>,
    lists: Option<Lists>,
    /// None where no query has a product that was judged relevant.
    compared: Option<Compared>,
}

struct Lists {
    a: Searched,
    b: Searched,
    is_same: bool,
}

struct Compared {
    queries: usize,
    is_enough: bool,
    a: Told,
    b: Told,
    difference: String,
    condensed_difference: String,
    verdict: &'static str,
    wins: Vec<Line>,
    losses: Vec<Line>,
    same: usize,
}

/// A query that one way answers better.
struct Line {
    query: String,
    a: String,
    b: String,
    difference: String,
}

impl Line {
    fn new(gain: &Gain) -> Self {
        Self {
            query: gain.query.clone(),
            a: format!("{:.3}", gain.a),
            b: format!("{:.3}", gain.b),
            difference: format!("{:+.3}", gain.b - gain.a),
        }
    }
}

pub(crate) async fn show(SignedIn(session): SignedIn, State(app): State<App>, Query(asked): Query<Asked>) -> Response {
    let frame = Frame::new(&app, &session, "search");
    match tokio::task::spawn_blocking(move || page(&app, frame, asked)).await {
        Ok(page) => render(&page),
        Err(error) => failure(&Problem::internal(&error)),
    }
}

fn page(app: &App, frame: Frame, asked: Asked) -> ComparePage {
    let snapshot = app.engine.snapshot();
    let world = &snapshot.world;
    let q: String = asked.q.chars().take(LONGEST_TEXT).collect();
    let variant = asked.way.variant(world);
    let mut notes = Vec::new();
    let visitor = visitor(&snapshot, asked.customer.trim(), &mut notes);
    if variant.strength != world.search_settings.strength && asked.customer.trim().is_empty() {
        notes.push("A strength changes nothing for nobody in particular: name a customer.".to_owned());
    }
    let at = now();
    let lists = (!q.trim().is_empty()).then(|| {
        let question = Question { q: q.clone(), visitor: visitor.clone(), strength: 1.0, at, ..Question::default() };
        let other = variant.of(world);
        let a = Searched::new(&ask(world, &question), world);
        let b = Searched::new(&ask(&other, &question), &other).beside(&a);
        Lists { is_same: b.is_like(&a), a, b }
    });
    let found = QualityCompared::new(&snapshot, &variant, &visitor, at);
    ComparePage {
        frame,
        part: "judging",
        q,
        customer: asked.customer,
        way: Way::told(&variant),
        live: Way::told(&SearchVariant::live(world)),
        notes,
        lists,
        compared: (found.a.queries > 0).then(|| Compared::new(&found)),
    }
}

impl Compared {
    fn new(found: &QualityCompared) -> Self {
        let wins = found.gains.iter().filter(|gain| gain.b > gain.a);
        let losses = found.gains.iter().rev().filter(|gain| gain.b < gain.a);
        Self {
            queries: found.a.queries,
            is_enough: found.a.queries >= FEWEST,
            a: Told::new(&found.a),
            b: Told::new(&found.b),
            difference: signed(&found.difference, found.a.queries),
            condensed_difference: signed(&found.condensed_difference, found.a.queries),
            verdict: verdict(&found.difference, found.a.queries),
            same: found.gains.iter().filter(|gain| gain.a == gain.b).count(),
            wins: wins.take(MOST_NAMED).map(Line::new).collect(),
            losses: losses.take(MOST_NAMED).map(Line::new).collect(),
        }
    }
}

/// `+0.012 [-0.004, +0.031]`.
fn signed(estimate: &Estimate, queries: usize) -> String {
    if queries < FEWEST {
        return format!("{:+.3}", estimate.mean);
    }
    format!("{:+.3} [{:+.3}, {:+.3}]", estimate.mean, estimate.low, estimate.high)
}

const fn verdict(difference: &Estimate, queries: usize) -> &'static str {
    if queries < FEWEST {
        "Too few queries"
    } else if difference.low > 0.0 {
        "B is better"
    } else if difference.high < 0.0 {
        "A is better"
    } else {
        "No clear difference"
    }
}
