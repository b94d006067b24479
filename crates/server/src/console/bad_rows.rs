//! Input that could not be taken: why, where, and the bytes; each can be read again.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use mercer_engine::KeptBadRow;
use serde::Deserialize;

use super::page::{Frame, failure, minute, render};
use super::session::{OwnForm, SignedIn};
use super::sign_in::Nothing;
use crate::problem::Problem;
use crate::state::{App, now};

const PAGE: usize = 50;
/// Bytes of a row shown at once.
const SHOWN_BYTES: usize = 4_000;

#[derive(Deserialize)]
pub(crate) struct BadRowQuery {
    before: Option<String>,
}

#[derive(Template)]
#[template(path = "console/bad_rows.html")]
struct BadRowsPage {
    frame: Frame,
    rows: Vec<Row>,
    older: Option<String>,
}

struct Row {
    id: String,
    at: String,
    source: String,
    line: Option<u64>,
    reason: &'static str,
    field: String,
    message: String,
    raw: String,
    replayed_at: Option<String>,
}

pub(crate) async fn list(
    SignedIn(session): SignedIn,
    State(app): State<App>,
    Query(query): Query<BadRowQuery>,
) -> Response {
    page(&app, Frame::new(&app, &session, "bad-rows"), query.before.as_deref())
}

pub(crate) async fn replay(State(app): State<App>, Path(id): Path<String>, form: OwnForm<Nothing>) -> Response {
    let OwnForm(session, Nothing {}) = form;
    let notice = match app.engine.replay_bad_row(&id, &app.settings.limits, now()).await {
        Ok(Some(Ok(()))) => "The row was taken.".to_owned(),
        Ok(Some(Err(row))) => format!("It is still bad: {}", row.message),
        Ok(None) => "There is no such row.".to_owned(),
        Err(error) => return failure(&Problem::from(error)),
    };
    page(&app, Frame::new(&app, &session, "bad-rows").with_notice(Some(notice)), None)
}

fn page(app: &App, frame: Frame, before: Option<&str>) -> Response {
    match app.engine.bad_rows(before, PAGE) {
        Ok(kept) => {
            let older = (kept.len() == PAGE).then(|| kept.last().map(|kept| kept.id.clone())).flatten();
            render(&BadRowsPage { frame, rows: kept.into_iter().map(row).collect(), older })
        }
        Err(error) => failure(&Problem::from(error)),
    }
}

fn row(kept: KeptBadRow) -> Row {
    let KeptBadRow { id, row, replayed_at } = kept;
    let shown = row.raw.get(..SHOWN_BYTES).unwrap_or(&row.raw);
    Row {
        id,
        at: minute(row.received_at),
        source: row.source.to_string(),
        line: row.line,
        reason: row.reason.code(),
        field: row.field.unwrap_or_default(),
        message: row.message,
        raw: String::from_utf8_lossy(shown).into_owned(),
        replayed_at: replayed_at.map(minute),
    }
}
