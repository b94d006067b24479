//! The judging desk: how well products answer what customers search for, said by people of the shop.
//!
//! What is judged is pooled from two ways to search, in an order that says nothing of which found it. A judgment is a form of
//! its own; nothing is counted as a search.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use mercer_decide::World;
use mercer_engine::{
    Estimate, JudgmentList, Measured, QueryFigures, SearchVariant, Snapshot, best_ten, measured, pool,
};
use mercer_schema::{ProductId, SearchJudgment, Visitor};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::catalog::Card;
use super::page::{Frame, failure, grouped, render};
use super::session::{OwnForm, SignedIn};
use crate::body::LONGEST_TEXT;
use crate::problem::Problem;
use crate::state::{App, now};

/// Days of searches from which queries are proposed.
const DAYS: u32 = 30;
/// Queries that are looked at, and of them those that are shown.
const LOOKED_AT: usize = 300;
const ROWS: usize = 40;

/// Queries from which on resampling says something.
pub(super) const FEWEST: usize = 10;

/// What each grade says.
const GRADES: [(&str, &str); 4] =
    [("0", "Not relevant"), ("1", "A little"), ("2", "Good"), ("3", "Exactly what was meant")];

/// The other way to search, as forms and addresses carry it.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Way {
    #[serde(default)]
    pub(super) strength: String,
    #[serde(default)]
    pub(super) learn: String,
    #[serde(default)]
    pub(super) rules: String,
}

impl Way {
    /// What is not said is as now; but nothing said at all is the words alone, without clicks and rules.
    pub(super) fn variant(&self, world: &World) -> SearchVariant {
        let live = SearchVariant::live(world);
        if self.strength.is_empty() && self.learn.is_empty() && self.rules.is_empty() {
            return SearchVariant { learn_from_clicks: !live.learn_from_clicks, without_rules: true, ..live };
        }
        let strength = self.strength.trim().replace(',', ".").parse().ok().filter(|value| (0.0..=2.0).contains(value));
        SearchVariant {
            strength: strength.unwrap_or(live.strength),
            learn_from_clicks: match self.learn.as_str() {
                "yes" => true,
                "no" => false,
                _ => live.learn_from_clicks,
            },
            without_rules: self.rules == "no",
        }
    }

    /// It as it is understood, for forms and addresses.
    pub(super) fn told(variant: &SearchVariant) -> Self {
        let said = |is: bool| if is { "yes" } else { "no" }.to_owned();
        Self {
            strength: variant.strength.to_string(),
            learn: said(variant.learn_from_clicks),
            rules: said(!variant.without_rules),
        }
    }

    pub(super) fn address(&self) -> String {
        format!("strength={}&learn={}&rules={}", self.strength, self.learn, self.rules)
    }
}

/// How good a way to search is, in words.
pub(super) struct Told {
    pub(super) ndcg: String,
    pub(super) condensed: String,
    pub(super) judged: String,
}

impl Told {
    pub(super) fn new(measured: &Measured) -> Self {
        Self {
            ndcg: interval(&measured.ndcg, measured.queries),
            condensed: interval(&measured.condensed, measured.queries),
            judged: format!("{:.0} %", measured.judged * 100.0),
        }
    }
}

/// `0.812 [0.764, 0.858]`.
fn interval(estimate: &Estimate, queries: usize) -> String {
    if queries < FEWEST {
        return format!("{:.3}", estimate.mean);
    }
    format!("{:.3} [{:.3}, {:.3}]", estimate.mean, estimate.low, estimate.high)
}

#[derive(Template)]
#[template(path = "console/judging.html")]
struct JudgingPage {
    frame: Frame,
    part: &'static str,
    judgments: String,
    judged_queries: String,
    /// Queries with a relevant product; without one, nothing is measured.
    measured: usize,
    told: Told,
    rows: Vec<Row>,
    /// Lines to be imported that were refused, and why.
    text: String,
    fault: Option<String>,
}

/// A query to be judged.
struct Row {
    query: String,
    searches: String,
    judged: usize,
    shown: usize,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Done {
    imported: Option<usize>,
}

pub(crate) async fn show(SignedIn(session): SignedIn, State(app): State<App>, Query(done): Query<Done>) -> Response {
    let notice = done.imported.map(|changed| format!("Imported: {changed} new or changed."));
    let frame = Frame::new(&app, &session, "search").with_notice(notice);
    overview(&app, frame, String::new(), None).await
}

#[derive(Debug, Deserialize)]
pub(crate) struct ImportForm {
    #[serde(default)]
    text: String,
}

pub(crate) async fn import(State(app): State<App>, sent: OwnForm<ImportForm>) -> Response {
    let OwnForm(session, ImportForm { text }) = sent;
    let mut list = JudgmentList::by(session.user.as_str());
    list.add_lines(&text);
    match app.engine.save_judgments(list, now()).await {
        Ok(saved) => Redirect::to(&format!("/console/search/judging?imported={}", saved.changed)).into_response(),
        Err(error) => {
            let problem = Problem::from(error);
            let frame = Frame::new(&app, &session, "search");
            (status_of(&problem), overview(&app, frame, text, Some(problem.detail().to_owned())).await).into_response()
        }
    }
}

/// All judgments, as a file.
pub(crate) async fn export(SignedIn(_): SignedIn, State(app): State<App>) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/tab-separated-values; charset=utf-8")];
    (kind, app.engine.snapshot().judgments.write()).into_response()
}

pub(super) fn status_of(problem: &Problem) -> StatusCode {
    StatusCode::from_u16(problem.status_code()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Many searches are made for it.
async fn overview(app: &App, frame: Frame, text: String, fault: Option<String>) -> Response {
    let snapshot = app.engine.snapshot();
    let read = tokio::task::spawn_blocking(move || {
        let measured = measured(&snapshot, &snapshot.world, &Visitor::default(), now());
        JudgingPage {
            frame,
            part: "judging",
            judgments: grouped(snapshot.judgments.len() as u64),
            judged_queries: grouped(snapshot.judgments.queries() as u64),
            measured: measured.queries,
            told: Told::new(&measured),
            rows: rows(&snapshot),
            text,
            fault,
        }
    });
    match read.await {
        Ok(page) => render(&page),
        Err(error) => failure(&Problem::internal(&error)),
    }
}

/// What is searched most and was not judged comes first, what is judged throughout last.
fn rows(snapshot: &Snapshot) -> Vec<Row> {
    let searched = snapshot.search_figures.of_days(DAYS, now());
    let mut named: Vec<_> = searched.iter().filter(|(query, _)| !query.is_empty()).take(LOOKED_AT).collect();
    named.sort_by_key(|(query, _)| snapshot.judgments.of(query).is_some());
    let row = |(query, figures): &(Arc<str>, QueryFigures)| {
        let found = best_ten(&snapshot.world, query, &Visitor::default(), now()).items;
        let is_judged = |id: &ProductId| snapshot.judgments.grade(query, id).is_some();
        Row {
            query: query.to_string(),
            searches: grouped(figures.searches),
            judged: found.iter().filter(|item| is_judged(&item.product_id)).count(),
            shown: found.len(),
        }
    };
    let mut rows: Vec<Row> = named.into_iter().take(ROWS).map(row).collect();
    // What was judged and is not searched can be found again.
    let none = QueryFigures::default();
    let is_known = |query: &str| searched.iter().any(|(known, _)| **known == *query);
    let others = snapshot.judgments.of_queries().filter(|query| !is_known(query)).take(ROWS - rows.len().min(ROWS));
    let others: Vec<Row> = others.map(|query| row(&(query.into(), none.clone()))).collect();
    rows.extend(others);
    rows.sort_by_key(|row| (row.judged > 0, row.judged >= row.shown));
    rows
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    q: String,
    #[serde(flatten)]
    way: Way,
}

#[derive(Template)]
#[template(path = "console/judging_query.html")]
struct QueryPage {
    frame: Frame,
    q: String,
    way: Way,
    grades: &'static [(&'static str, &'static str)],
    items: Vec<Judged>,
    judged: usize,
    /// The number of the first that is not judged.
    next: Option<usize>,
    /// Judged, and not among what both ways find first.
    others: Vec<Judged>,
    fault: Option<String>,
}

/// A product to be judged.
struct Judged {
    card: Card,
    brand: String,
    grade: String,
}

impl Judged {
    fn new(snapshot: &Snapshot, query: &str, id: &ProductId) -> Self {
        let brand = snapshot.world.catalog.get(id).and_then(|product| product.brand.clone());
        Self {
            card: Card::find(&snapshot.world.catalog, id),
            brand: brand.unwrap_or_default(),
            grade: snapshot.judgments.grade(query, id).map(|grade| grade.to_string()).unwrap_or_default(),
        }
    }

    fn is(&self, grade: &str) -> bool {
        self.grade == grade
    }
}

pub(crate) async fn query(SignedIn(session): SignedIn, State(app): State<App>, Query(asked): Query<Asked>) -> Response {
    let frame = Frame::new(&app, &session, "search");
    if asked.q.trim().is_empty() {
        return Redirect::to("/console/search/judging").into_response();
    }
    page(&app, frame, &asked, None)
}

fn page(app: &App, frame: Frame, asked: &Asked, fault: Option<String>) -> Response {
    let typed: String = asked.q.chars().take(LONGEST_TEXT).collect();
    let snapshot = app.engine.snapshot();
    let q = JudgmentList::query(&typed).unwrap_or(typed);
    let variant = asked.way.variant(&snapshot.world);
    let ids = pool(&[&snapshot.world, &variant.of(&snapshot.world)], &q, &frame.user, now());
    let items: Vec<Judged> = ids.iter().map(|id| Judged::new(&snapshot, &q, id)).collect();
    let known = snapshot.judgments.of(&q);
    let others = known.into_iter().flatten().map(|(id, _)| id).filter(|id| !ids.contains(id));
    let others = others.map(|id| Judged::new(&snapshot, &q, id)).collect();
    render(&QueryPage {
        frame,
        way: Way::told(&variant),
        grades: &GRADES,
        judged: items.iter().filter(|item| !item.grade.is_empty()).count(),
        next: items.iter().position(|item| item.grade.is_empty()).map(|place| place + 1),
        items,
        others,
        fault,
        q,
    })
}

#[derive(Debug, Deserialize)]
pub(crate) struct JudgeForm {
    q: String,
    product_id: String,
    /// From 0 to 3; anything else takes the judgment back.
    grade: String,
    /// Where the page goes on.
    #[serde(default)]
    next: String,
    #[serde(flatten)]
    way: Way,
}

pub(crate) async fn judge(State(app): State<App>, sent: OwnForm<JudgeForm>) -> Response {
    let OwnForm(session, form) = sent;
    let grade = form.grade.parse::<i64>().ok().filter(|grade| (0..=i64::from(SearchJudgment::BEST)).contains(grade));
    let mut list = JudgmentList::by(session.user.as_str());
    list.add("The judgment", &form.q, &form.product_id, grade);
    if let Err(error) = app.engine.save_judgments(list, now()).await {
        let problem = Problem::from(error);
        let frame = Frame::new(&app, &session, "search");
        let asked = Asked { q: form.q, way: form.way };
        return (status_of(&problem), page(&app, frame, &asked, Some(problem.detail().to_owned()))).into_response();
    }
    let q = utf8_percent_encode(&form.q, NON_ALPHANUMERIC);
    let variant = form.way.variant(&app.engine.snapshot().world);
    let next: String = form.next.chars().filter(char::is_ascii_digit).take(3).collect();
    let address = format!("/console/search/judging/query?q={q}&{}#product-{next}", Way::told(&variant).address());
    Redirect::to(&address).into_response()
}
