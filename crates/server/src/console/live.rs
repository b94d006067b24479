//! What is coming in: the newest records, and a stream of those that follow.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use askama::Template;
use axum::extract::{Query, State};
use axum::response::sse::{Event as Message, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use mercer_decide::Catalog;
use mercer_schema::{Activity, CommerceAction, Fact, Position, ProductId, Record};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

use super::page::{Frame, failure, minute, render};
use super::session::SignedIn;
use crate::problem::Problem;
use crate::state::App;

const PAGE: usize = 100;
/// Records looked through for one page of a filtered list.
const LOOKED_THROUGH: u64 = 20_000;
/// Products of an event that are named; the others are counted.
const MOST_NAMED: usize = 3;
/// Rows a second of the live stream.
const ROWS_A_SECOND: usize = 50;

#[derive(Deserialize)]
pub(crate) struct EventQuery {
    #[serde(default)]
    kind: Kind,
    before: Option<u64>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    #[default]
    All,
    Orders,
    Views,
    Clicks,
    Decisions,
    Changes,
}

impl Kind {
    const ALL: [(Self, &'static str, &'static str); 6] = [
        (Self::All, "all", "Everything"),
        (Self::Orders, "orders", "Orders"),
        (Self::Views, "views", "Product views"),
        (Self::Clicks, "clicks", "Clicks"),
        (Self::Decisions, "decisions", "Decisions"),
        (Self::Changes, "changes", "Changes"),
    ];

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _, _)| *kind == self).map_or("all", |(_, name, _)| name)
    }

    fn holds(self, fact: &Fact) -> bool {
        let action = |wanted: CommerceAction| matches!(fact, Fact::Event(event) if matches!(&event.activity, Activity::Commerce(commerce) if commerce.action == wanted));
        match self {
            Self::All => true,
            Self::Orders => action(CommerceAction::OrderCompleted),
            Self::Views => action(CommerceAction::ProductViewed),
            Self::Clicks => {
                matches!(fact, Fact::Event(event) if matches!(&event.activity, Activity::Exposure(exposure) if exposure.clicked))
            }
            Self::Decisions => matches!(fact, Fact::Decided(_) | Fact::Searched(_)),
            Self::Changes => !matches!(fact, Fact::Event(_) | Fact::Decided(_) | Fact::Searched(_)),
        }
    }
}

#[derive(Template)]
#[template(path = "console/events.html")]
struct EventsPage {
    frame: Frame,
    kind: &'static str,
    kinds: Vec<(&'static str, &'static str)>,
    is_newest: bool,
    /// No tracker has sent anything yet: what is listed are the shop's own settings.
    is_fresh: bool,
    rows: Vec<Row>,
    older: Option<u64>,
}

/// A record in words.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub position: u64,
    pub at: String,
    pub what: String,
    /// The person it is about: the id under which the console shows them.
    pub who: Option<String>,
    pub about: String,
    pub source: String,
}

pub(crate) async fn show(
    SignedIn(session): SignedIn,
    State(app): State<App>,
    Query(query): Query<EventQuery>,
) -> Response {
    let frame = Frame::new(&app, &session, "events");
    let engine = std::sync::Arc::clone(&app.engine);
    let is_fresh = engine.snapshot().tally.last_hour().is_none();
    let (before, kind) = (query.before, query.kind);
    let found = tokio::task::spawn_blocking(move || {
        let until = before.map_or(engine.snapshot().position().0, |before| before.saturating_sub(1));
        newest(&engine, until, PAGE, |record| kind.holds(&record.fact))
    });
    let (rows, older) = match found.await {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => return failure(&Problem::from(error)),
        Err(error) => return failure(&Problem::internal(&error)),
    };
    let kinds = Kind::ALL.iter().map(|(_, name, title)| (*name, *title)).collect();
    render(&EventsPage {
        frame,
        kind: query.kind.name(),
        kinds,
        is_newest: query.before.is_none(),
        is_fresh,
        rows,
        older,
    })
}

/// New records as they are folded, one JSON object a message; of one kind when it is named.
pub(crate) async fn stream(_: SignedIn, State(app): State<App>, Query(query): Query<EventQuery>) -> Response {
    let (rows, received) = mpsc::channel(ROWS_A_SECOND);
    tokio::spawn(forward(app, query.kind, rows));
    let messages = ReceiverStream::new(received);
    let messages = messages.filter_map(|row| Message::default().json_data(row).ok().map(Ok::<_, Infallible>));
    Sse::new(messages).keep_alive(KeepAlive::default()).into_response()
}

/// Passes on as many records as a person can watch, until nobody watches or the server stops. What is left out
/// here is in the log all the same.
async fn forward(app: App, kind: Kind, rows: mpsc::Sender<Row>) {
    let mut news = app.engine.listen();
    let (mut second, mut passed) = (Instant::now(), 0);
    while !app.is_draining() && !rows.is_closed() {
        let Ok(heard) = tokio::time::timeout(Duration::from_secs(1), news.recv()).await else { continue };
        let record = match heard {
            Ok(record) if kind.holds(&record.fact) => record,
            Ok(_) | Err(RecvError::Lagged(_)) => continue,
            Err(RecvError::Closed) => return,
        };
        if second.elapsed() >= Duration::from_secs(1) {
            (second, passed) = (Instant::now(), 0);
        }
        passed += 1;
        if passed <= ROWS_A_SECOND {
            // A full channel is a slow reader, who misses a row.
            let _ = rows.try_send(row(&record, &app.engine.snapshot().world.catalog));
        }
    }
}

/// The newest records up to a position that are wanted, at most `limit`, and where older ones begin.
pub(crate) fn newest(
    engine: &mercer_engine::Engine,
    until: u64,
    limit: usize,
    holds: impl Fn(&Record) -> bool,
) -> Result<(Vec<Row>, Option<u64>), mercer_engine::Error> {
    let snapshot = engine.snapshot();
    let (mut rows, mut end, mut looked) = (Vec::new(), until, 0);
    while end > 0 && rows.len() < limit && looked < LOOKED_THROUGH {
        let start = end.saturating_sub(500);
        let page = engine.read(Position(start), (end - start) as usize)?;
        for record in page.iter().rev().filter(|record| holds(record)) {
            rows.push(row(record, &snapshot.world.catalog));
            if rows.len() == limit {
                return Ok((rows, Some(record.position.0)));
            }
        }
        (looked, end) = (looked + (end - start), start);
    }
    Ok((rows, (end > 0).then_some(end + 1)))
}

/// A record in words; products are called by the titles that they have now.
/// A change of models in words.
pub(crate) const fn changed(action: mercer_schema::ModelAction) -> &'static str {
    use mercer_schema::ModelAction;
    match action {
        ModelAction::Promoted => "Model promoted",
        ModelAction::RolledBack => "Model rolled back",
        ModelAction::CanaryStarted { .. } => "Canary started",
        ModelAction::CanaryStopped => "Canary stopped",
        ModelAction::Removed => "Model removed",
    }
}

pub(crate) fn row(record: &Record, catalog: &Catalog) -> Row {
    let (what, who, about, source) = match &record.fact {
        Fact::Event(event) => {
            let who = event.visitor.customer_id.as_ref().map(ToString::to_string);
            let who = who.or_else(|| event.visitor.anonymous_id.as_ref().map(ToString::to_string));
            let (what, about) = activity(&event.activity, catalog);
            (what, who, about, event.source.to_string())
        }
        Fact::ProductSaved(product) => ("Product saved".to_owned(), None, product.title.clone(), String::new()),
        Fact::ProductRemoved(id) => ("Product removed".to_owned(), None, id.to_string(), String::new()),
        Fact::PlacementSaved(placement) => ("Placement saved".to_owned(), None, placement.title.clone(), String::new()),
        Fact::PlacementRemoved(id) => ("Placement removed".to_owned(), None, id.to_string(), String::new()),
        Fact::SynonymsSaved(rules) => {
            ("Synonyms saved".to_owned(), None, format!("{} rules", rules.len()), String::new())
        }
        Fact::SearchRuleSaved(rule) => ("Search rule saved".to_owned(), None, rule.name.clone(), String::new()),
        Fact::SearchRuleRemoved(id) => ("Search rule removed".to_owned(), None, id.to_string(), String::new()),
        Fact::SearchSettingsSaved(_) => ("Search settings saved".to_owned(), None, String::new(), String::new()),
        Fact::SearchJudged(judgment) => {
            let grade = judgment.grade.map_or("taken back".to_owned(), |grade| grade.to_string());
            let about = format!("{} for “{}”: {grade}", judgment.product_id, judgment.query);
            ("Search judged".to_owned(), None, about, judgment.by.clone())
        }
        Fact::SearchTrialChanged(change) => {
            let what = if change.trial.is_some() { "Search trial started" } else { "Search trial ended" };
            (what.to_owned(), None, String::new(), change.by.clone())
        }
        Fact::ModelPromoted(version) => ("Model promoted".to_owned(), None, version.to_string(), String::new()),
        Fact::ModelChanged(change) => {
            (changed(change.action).to_owned(), None, change.version.to_string(), change.by.clone())
        }
        Fact::Decided(decision) => {
            let request = &decision.request;
            let who = request.customer.as_ref().map(ToString::to_string);
            let who = who.or_else(|| request.anonymous_id.as_ref().map(ToString::to_string));
            let placements: Vec<&str> =
                decision.placements.iter().map(|placement| placement.placement.as_str()).collect();
            ("Page decided".to_owned(), who, placements.join(", "), String::new())
        }
        Fact::Searched(search) => {
            let request = &search.request;
            let who = request.customer.as_ref().map(ToString::to_string);
            let who = who.or_else(|| request.anonymous_id.as_ref().map(ToString::to_string));
            let asked = if request.q.is_empty() { request.category.as_deref().unwrap_or_default() } else { &request.q };
            ("Search answered".to_owned(), who, format!("{asked} ({} found)", search.total), String::new())
        }
    };
    let at = match &record.fact {
        Fact::Event(event) => event.occurred_at,
        _ => record.recorded_at,
    };
    Row { position: record.position.0, at: minute(at), what, who, about, source }
}

fn activity(activity: &Activity, catalog: &Catalog) -> (String, String) {
    let listed = |ids: Vec<&ProductId>| {
        let named: Vec<&str> = ids.iter().take(MOST_NAMED).map(|id| title(catalog, id)).collect();
        match ids.len() - named.len() {
            0 => named.join(", "),
            more => format!("{} and {more} more", named.join(", ")),
        }
    };
    match activity {
        Activity::Identified { .. } => ("Identified".to_owned(), String::new()),
        Activity::Aliased { previous_id } => ("Aliased".to_owned(), format!("from {previous_id}")),
        Activity::Grouped { group_id, .. } => ("Grouped".to_owned(), group_id.clone()),
        Activity::PageViewed { name } => ("Page viewed".to_owned(), name.clone().unwrap_or_default()),
        Activity::Commerce(commerce) => {
            let products = listed(commerce.lines.iter().map(|line| &line.product_id).collect());
            let about = commerce.query.clone().or_else(|| commerce.list.clone()).unwrap_or(products);
            (commerce.action.name().to_owned(), about)
        }
        Activity::Feedback(feedback) => {
            let what = if feedback.dismissed { "Not for me" } else { "Not for me, taken back" };
            (what.to_owned(), title(catalog, &feedback.product_id).to_owned())
        }
        Activity::Exposure(exposure) => {
            let what = if exposure.clicked { "Recommendation clicked" } else { "Recommendations seen" };
            (what.to_owned(), listed(exposure.product_ids.iter().collect()))
        }
        Activity::Custom { name } => (name.clone(), String::new()),
        Activity::Preferred(preferences) => {
            ("How much search may know".to_owned(), preferences.search_strength.to_string())
        }
    }
}

fn title<'a>(catalog: &'a Catalog, id: &'a ProductId) -> &'a str {
    catalog.get(id).map_or(id.as_str(), |product| product.title.as_str())
}
