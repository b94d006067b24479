//! Search analytics: what customers search for and what became of it, down to the searches behind each number.
//!
//! Figures come from a fold over the log; a row leads to the newest logged searches that it counts.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use mercer_engine::{QueryFigures, Snapshot};
use mercer_schema::{Fact, Position, SearchRecord};
use serde::Deserialize;

use super::page::{Frame, failure, grouped, minute, money, render};
use super::session::SignedIn;
use crate::problem::Problem;
use crate::state::{App, now};

const DAYS: [u32; 4] = [1, 7, 28, 92];
const ROWS: usize = 100;
/// Products named of a search.
const MOST_NAMED: usize = 4;

/// The views of the list: by what is chosen and put first.
const VIEWS: [(&str, &str); 5] = [
    ("top", "Most searched"),
    ("none", "Without results"),
    ("refined", "Searched again"),
    ("abandoned", "Abandoned"),
    ("revenue", "Most revenue"),
];

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Asked {
    days: Option<u32>,
    #[serde(default)]
    view: String,
}

#[derive(Template)]
#[template(path = "console/search_analytics.html")]
struct AnalyticsPage {
    frame: Frame,
    part: &'static str,
    days: u32,
    all_days: &'static [u32],
    view: String,
    views: &'static [(&'static str, &'static str)],
    total: Row,
    rows: Vec<Row>,
}

struct Row {
    query: String,
    searches: String,
    without_results: String,
    refined: String,
    abandoned: String,
    click_through: String,
    orders: String,
    revenue: String,
}

impl Row {
    fn new(query: &str, figures: &QueryFigures) -> Self {
        let revenue = figures.revenue.iter().map(|(currency, minor)| money(*minor, *currency));
        Self {
            query: query.to_owned(),
            searches: grouped(figures.searches),
            without_results: grouped(figures.without_results),
            refined: grouped(figures.refined),
            abandoned: grouped(figures.abandoned()),
            click_through: share(figures.clicked, figures.searches),
            orders: grouped(figures.ordered),
            revenue: revenue.collect::<Vec<_>>().join(", "),
        }
    }
}

fn share(part: u64, whole: u64) -> String {
    if whole == 0 { String::new() } else { format!("{:.0} %", part as f64 / whole as f64 * 100.0) }
}

pub(crate) async fn show(SignedIn(session): SignedIn, State(app): State<App>, Query(asked): Query<Asked>) -> Response {
    let frame = Frame::new(&app, &session, "search");
    let days = days_of(asked.days);
    let view = VIEWS.iter().find(|(name, _)| *name == asked.view).map_or("top", |(name, _)| *name);
    let snapshot = app.engine.snapshot();
    let mut all = snapshot.search_figures.of_days(days, now());
    let total = Row::new("", &QueryFigures::sum(all.iter().map(|(_, figures)| figures)));
    let worth = |figures: &QueryFigures| -> u64 {
        match view {
            "none" => figures.without_results,
            "refined" => figures.refined,
            "abandoned" => figures.abandoned(),
            "revenue" => figures.revenue.values().sum::<i64>().max(0).cast_unsigned(),
            _ => figures.searches,
        }
    };
    all.retain(|(_, figures)| worth(figures) > 0);
    all.sort_by_key(|(_, figures)| std::cmp::Reverse(worth(figures)));
    let rows = all.iter().take(ROWS).map(|(query, figures)| Row::new(query, figures)).collect();
    render(&AnalyticsPage {
        frame,
        part: "analytics",
        days,
        all_days: &DAYS,
        view: view.to_owned(),
        views: &VIEWS,
        total,
        rows,
    })
}

fn days_of(asked: Option<u32>) -> u32 {
    asked.filter(|days| DAYS.contains(days)).unwrap_or(7)
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct AskedOne {
    days: Option<u32>,
    #[serde(default)]
    q: String,
}

#[derive(Template)]
#[template(path = "console/search_analytics_query.html")]
struct QueryPage {
    frame: Frame,
    days: u32,
    row: Row,
    searches: Vec<Logged>,
}

/// A search as the log holds it.
struct Logged {
    id: String,
    at: String,
    typed: String,
    who: String,
    total: usize,
    corrected: String,
    products: String,
}

pub(crate) async fn query(
    SignedIn(session): SignedIn,
    State(app): State<App>,
    Query(asked): Query<AskedOne>,
) -> Response {
    let frame = Frame::new(&app, &session, "search");
    let days = days_of(asked.days);
    let snapshot = app.engine.snapshot();
    let found = snapshot.search_figures.of_days(days, now()).into_iter().find(|(query, _)| **query == *asked.q);
    let Some((query, figures)) = found else { return failure(&Problem::not_found("search for that in these days")) };
    let reading = Arc::clone(&snapshot);
    let positions: Vec<Position> = figures.samples.iter().rev().copied().collect();
    let read = tokio::task::spawn_blocking(move || -> Result<Vec<Logged>, mercer_engine::Error> {
        let mut searches = Vec::new();
        for position in positions {
            let records = app.engine.read(Position(position.0.saturating_sub(1)), 1)?;
            if let Some(Fact::Searched(search)) = records.into_iter().next().map(|record| record.fact) {
                searches.push(logged(&search, &reading));
            }
        }
        Ok(searches)
    });
    match read.await {
        Ok(Ok(searches)) => render(&QueryPage { frame, days, row: Row::new(&query, &figures), searches }),
        Ok(Err(error)) => failure(&Problem::from(error)),
        Err(error) => failure(&Problem::internal(&error)),
    }
}

fn logged(search: &SearchRecord, snapshot: &Snapshot) -> Logged {
    let request = &search.request;
    let who = request.customer.as_ref().map(ToString::to_string);
    let title = |id: &mercer_schema::ProductId| {
        snapshot.world.catalog.get(id).map_or_else(|| id.to_string(), |product| product.title.clone())
    };
    let mut products: Vec<String> = search.product_ids.iter().take(MOST_NAMED).map(title).collect();
    if search.total > products.len() {
        products.push(format!("and {} more", search.total - products.len()));
    }
    Logged {
        id: search.decision_id.to_string(),
        at: minute(search.decided_at),
        typed: request.q.clone(),
        who: who.or_else(|| request.anonymous_id.as_ref().map(ToString::to_string)).unwrap_or_default(),
        total: search.total,
        corrected: search.corrected.clone().unwrap_or_default(),
        products: products.join(", "),
    }
}
