//! Taking everything away while Mercer serves: events, catalog, a whole backup. Streamed, never held whole.

use std::io::{self, Write};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use mercer_schema::{Fact, Position};
use mercer_store::{EventLog, RecordKind};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use crate::access::{MayAdmin, MayRead};
use crate::body::ApiQuery;
use crate::problem::Problem;
use crate::state::{App, now};
use crate::written::written;

/// Records read at a time.
const PAGE: usize = 1_000;
/// The folder inside the archive.
const ARCHIVED_AS: &str = "mercer-data";
const POSITION: HeaderName = HeaderName::from_static("mercer-position");

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventsQuery {
    /// Only events after this place in the log: the `Mercer-Position` of an earlier export.
    #[param(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    pub after: Option<u64>,
}

/// All events, oldest first, one JSON object a line.
///
/// Ends where the log ended when the export began; the header `Mercer-Position` names that place, and `after` goes on
/// from there another time.
#[utoipa::path(
    get, path = "/v1/export/events", tag = "data", params(EventsQuery),
    responses(
        (status = 200, description = "One event a line", body = String, content_type = "application/jsonl",
            headers(("Mercer-Position" = u64, description = "Send it as `after` for what comes later"))),
        (status = 400, description = "A parameter is wrong", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not read", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn events(
    _caller: MayRead,
    State(app): State<App>,
    ApiQuery(query): ApiQuery<EventsQuery>,
) -> Result<Response, Problem> {
    let after = query.after.unwrap_or(0);
    if after > crate::body::LARGEST_NUMBER {
        return Err(Problem::invalid(
            Some("after".into()),
            "Send the `Mercer-Position` of an earlier export, or none.",
        ));
    }
    let until = app.engine.snapshot().position();
    let log = Arc::clone(&app.stores.log);
    let body = written(move |out| write_events(&*log, Position(after), until, out));
    let mut response = lines(body);
    response.headers_mut().insert(POSITION, HeaderValue::from(until.0));
    Ok(response)
}

fn write_events(log: &dyn EventLog, after: Position, until: Position, out: &mut dyn Write) -> io::Result<()> {
    let mut position = after;
    while position < until {
        let page = log.read_kinds(position, &[RecordKind::Event], PAGE).map_err(io::Error::other)?;
        let Some(last) = page.last() else { break };
        position = last.position;
        for record in &page {
            if let Fact::Event(event) = &record.fact
                && record.position <= until
            {
                write_line(out, event)?;
            }
        }
    }
    Ok(())
}

/// The catalog, one JSON object a line: what `mercer import catalog` reads again.
#[utoipa::path(
    get, path = "/v1/export/products", tag = "data",
    responses(
        (status = 200, description = "One product a line", body = String, content_type = "application/jsonl"),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not read", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn products(_caller: MayRead, State(app): State<App>) -> Response {
    let snapshot = app.engine.snapshot();
    lines(written(move |out| {
        snapshot.world.catalog.products().try_for_each(|(_, product)| write_line(out, product.as_ref()))
    }))
}

/// A consistent copy of the whole data folder, as a tar archive.
///
/// Made while Mercer serves; holds log, tables (also hashes of keys and passwords) and models. The lake is left out: it
/// is written again from the log. A copy is first made beside the data folder, so the disk needs that much room.
#[utoipa::path(
    get, path = "/v1/backup", tag = "data",
    responses(
        (status = 200, description = "The archive; unpacked it is a data folder", body = Vec<u8>, content_type = "application/x-tar"),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Another backup is under way", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn backup(_caller: MayAdmin, State(app): State<App>) -> Result<Response, Problem> {
    let permit = Arc::clone(&app.stores.backups).try_acquire_owned();
    let permit = permit.map_err(|_| Problem::already_running("Another backup is"))?;
    let copied = tokio::task::spawn_blocking(move || {
        let folder = tempfile::Builder::new().prefix("backup-").tempdir_in(app.stores.scratch())?;
        app.stores.back_up(&folder.path().join(ARCHIVED_AS))?;
        Ok::<_, Problem>(folder)
    });
    let folder = copied.await.map_err(|error| Problem::internal(&error))??;
    let body = written(move |out| {
        let _held_until_sent = permit;
        let mut archive = tar::Builder::new(out);
        archive.append_dir_all(ARCHIVED_AS, folder.path().join(ARCHIVED_AS))?;
        archive.finish()
    });
    let name = format!("attachment; filename=\"mercer-backup-{}.tar\"", &now().to_string()[..10]);
    let name = HeaderValue::from_str(&name).map_err(|error| Problem::internal(&error))?;
    let headers =
        [(header::CONTENT_TYPE, HeaderValue::from_static("application/x-tar")), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, not_stored(), body).into_response())
}

fn lines(body: Body) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/jsonl"))], not_stored(), body).into_response()
}

const fn not_stored() -> [(HeaderName, HeaderValue); 1] {
    [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))]
}

fn write_line(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}
