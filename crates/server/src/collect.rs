//! The collectors: the addresses that stock trackers call, answered as those trackers expect.
//!
//! An event that is answered with `accepted` is on disk and already shapes the next decision. One bad event never
//! spoils its batch: it is kept as a bad row and named in the answer.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use mercer_collect::segment::Call;
use mercer_collect::{BadRow, Batch, Received, ga4, inflate, jitsu, segment};
use mercer_schema::{Channel, Event, MessageId};
use mercer_store::Appended;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::{Admitted, Scope, find_key};
use crate::problem::Problem;
use crate::state::{App, now};

/// What became of a request's events, in their order.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Collected {
    /// True when no event was rejected.
    pub success: bool,
    pub accepted: usize,
    pub duplicates: usize,
    pub rejected: usize,
    pub verdicts: Vec<Verdict>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Verdict {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub message_id: Option<MessageId>,
    pub status: VerdictStatus,
    /// Why it was rejected: a stable code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// The path of the field at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum VerdictStatus {
    /// Durable and in force.
    Accepted,
    /// Was here before; nothing changed.
    Duplicate,
    /// Kept as a bad row.
    Rejected,
}

/// How a batch is described; it is read by the collector, which knows more forms.
#[derive(ToSchema)]
#[schema(example = json!({ "batch": [{ "type": "track", "event": "Product Viewed", "messageId": "m-1", "anonymousId": "a-1", "properties": { "product_id": "mug-1" } }] }))]
pub(crate) struct EventBatch {
    /// Each with `type`, `messageId`, `anonymousId` or `userId`, `event`, `properties`, `timestamp`.
    #[schema(value_type = Vec<Object>, max_items = 2500)]
    #[allow(dead_code, reason = "only its description is used")]
    batch: Vec<serde_json::Value>,
}

/// Where a key may stand in an address.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KeyQuery {
    pub(crate) write_key: Option<String>,
    #[serde(rename = "api_secret")]
    api_secret: Option<String>,
}

/// A Segment-shaped batch of events.
///
/// The shape of Segment's HTTP tracking API, which RudderStack speaks too. At most 500 KB and 2,500 events, 32 KB
/// an event; gzip is welcome. The key may also stand in the body (`writeKey`), in `X-Write-Key` or in Basic.
#[utoipa::path(
    post, path = "/v1/batch", tag = "collect",
    request_body(content = EventBatch, description = "Events as Segment's libraries send them"),
    responses(
        (status = 200, description = "A verdict for each event", body = Collected),
        (status = 400, description = "Not readable as a batch", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No key, or an unknown one", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not write, or not from this page", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Rate limit reached", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn batch(
    State(app): State<App>,
    Query(query): Query<KeyQuery>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Collected>, Problem> {
    collect_segment(&app, Call::Batch, query, &headers, &body).await
}

/// One event by its own address: `/v1/track`, `/v1/t`, `/v1/page`, ...
pub(crate) async fn single(
    State(app): State<App>,
    uri: axum::http::Uri,
    Query(query): Query<KeyQuery>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Collected>, Problem> {
    let name = uri.path().rsplit('/').next().unwrap_or_default();
    let call = Call::parse(name).ok_or_else(|| Problem::not_found("such call"))?;
    collect_segment(&app, call, query, &headers, &body).await
}

async fn collect_segment(
    app: &App,
    call: Call,
    query: KeyQuery,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Json<Collected>, Problem> {
    let body = inflate(body, text_header(headers, header::CONTENT_ENCODING.as_str()), &app.settings.limits)?;
    let caller = admit(app, headers, query.write_key, &body)?;
    let batch = segment::read(call, &body, &received(app, &caller, headers), &app.settings.limits)?;
    keep(app, batch).await
}

/// Jitsu's `POST /api/s/{event}`.
pub(crate) async fn jitsu(
    State(app): State<App>,
    Path(event): Path<String>,
    Query(query): Query<KeyQuery>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Collected>, Problem> {
    let body = inflate(&body, text_header(&headers, header::CONTENT_ENCODING.as_str()), &app.settings.limits)?;
    let caller = admit(&app, &headers, query.write_key, &body)?;
    let batch = jitsu::read(&event, &body, &received(&app, &caller, &headers), &app.settings.limits)?;
    keep(&app, batch).await
}

/// The GA4 Measurement Protocol: `POST /mp/collect?api_secret=KEY`. Google answers 204; verdicts are better.
pub(crate) async fn ga4(
    State(app): State<App>,
    Query(query): Query<KeyQuery>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Collected>, Problem> {
    let body = inflate(&body, text_header(&headers, header::CONTENT_ENCODING.as_str()), &app.settings.limits)?;
    let caller = admit(&app, &headers, query.api_secret, &body)?;
    let batch = ga4::read(&body, &received(&app, &caller, &headers), &app.settings.limits)?;
    keep(&app, batch).await
}

/// The Measurement Protocol's validator: says what is wrong with a body and keeps nothing.
pub(crate) async fn ga4_validate(
    State(app): State<App>,
    Query(query): Query<KeyQuery>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let caller = admit(&app, &headers, query.api_secret, &body)?;
    let report = ga4::validate(&body, &received(&app, &caller, &headers), &app.settings.limits);
    Ok(Json(report).into_response())
}

/// Telemetry of the trackers about themselves: taken and dropped.
pub(crate) async fn tracker_metrics() -> Json<serde_json::Value> {
    Json(serde_json::json!({ "success": true }))
}

/// What `@segment/analytics-next` asks before it starts: where to send events.
pub(crate) async fn segment_settings(
    State(app): State<App>,
    Path(key): Path<String>,
    headers: HeaderMap,
) -> Result<Json<serde_json::Value>, Problem> {
    app.keys.admit(&key, Scope::Write, &headers)?;
    let (scheme, host) = host_of(&app, &headers);
    Ok(Json(serde_json::json!({
        "integrations": { "Segment.io": { "apiKey": key, "apiHost": format!("{host}/v1"), "protocol": scheme } },
    })))
}

/// What RudderStack's browser SDK asks before it starts.
pub(crate) async fn rudder_settings(
    State(app): State<App>,
    Query(query): Query<KeyQuery>,
    headers: HeaderMap,
) -> Result<Json<serde_json::Value>, Problem> {
    let key = find_key(query.write_key, &headers, || None).ok_or_else(Problem::key_missing)?;
    let admitted = app.keys.admit(&key, Scope::Write, &headers)?;
    let source = &admitted.caller.key.name;
    Ok(Json(serde_json::json!({
        "source": {
            "id": source, "name": source, "writeKey": key, "enabled": true, "workspaceId": "mercer",
            "config": { "statsCollection": { "errors": { "enabled": false }, "metrics": { "enabled": false } } },
            "destinations": [],
            "dataplanes": {},
        },
        "updatedAt": "2026-01-01T00:00:00.000Z",
    })))
}

fn admit(app: &App, headers: &HeaderMap, in_query: Option<String>, body: &[u8]) -> Result<Admitted, Problem> {
    let secret = find_key(in_query, headers, || segment::write_key(body)).ok_or_else(Problem::key_missing)?;
    app.keys.admit(&secret, Scope::Write, headers)
}

fn received(app: &App, admitted: &Admitted, headers: &HeaderMap) -> Received {
    let text = |name| text_header(headers, name).map(str::to_owned);
    Received {
        user_agent: text("user-agent"),
        gpc: text_header(headers, "sec-gpc") == Some("1"),
        anonymous_id: text("anonymousid"),
        sent_at: text("sentat"),
        channel: text_header(headers, "origin").map(|_| Channel::Web),
        ..Received::new(admitted.caller.key.name.clone(), now(), app.settings.currency)
    }
}

fn text_header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Scheme and host as the client sees them, for settings that send it back here.
fn host_of(app: &App, headers: &HeaderMap) -> (String, String) {
    let (scheme, host) = app.settings.public_url.split_once("://").unwrap_or(("http", "127.0.0.1"));
    let host = text_header(headers, "host").unwrap_or(host);
    (scheme.to_owned(), host.trim_end_matches('/').to_owned())
}

/// Makes the good events durable and the bad rows too, then answers for each.
async fn keep(app: &App, batch: Batch) -> Result<Json<Collected>, Problem> {
    let mut events: Vec<Event> = Vec::with_capacity(batch.verdicts.len());
    let mut bad_rows: Vec<BadRow> = Vec::new();
    let mut verdicts: Vec<Verdict> = Vec::with_capacity(batch.verdicts.len());
    for read in batch.verdicts {
        match read {
            Ok(event) => {
                verdicts.push(Verdict::accepted(event.message_id.clone()));
                events.push(event);
            }
            Err(bad_row) => {
                verdicts.push(Verdict::rejected(&bad_row));
                bad_rows.push(bad_row);
            }
        }
    }
    let rejected = bad_rows.len();
    if rejected > 0 {
        let engine = std::sync::Arc::clone(&app.engine);
        tokio::task::spawn_blocking(move || engine.keep_bad_rows(bad_rows))
            .await
            .map_err(|error| Problem::internal(&error))??;
    }
    let appended = app.engine.accept_events(events, now()).await?;
    let accepted = verdicts.iter_mut().filter(|verdict| verdict.status == VerdictStatus::Accepted);
    let mut duplicates = 0;
    for (verdict, appended) in accepted.zip(appended) {
        if matches!(appended, Appended::Duplicate(_)) {
            verdict.status = VerdictStatus::Duplicate;
            duplicates += 1;
        }
    }
    let accepted = verdicts.len() - duplicates - rejected;
    metrics::counter!("mercer_events_accepted_total").increment(accepted as u64);
    metrics::counter!("mercer_events_duplicate_total").increment(duplicates as u64);
    metrics::counter!("mercer_events_rejected_total").increment(rejected as u64);
    Ok(Json(Collected { success: rejected == 0, accepted, duplicates, rejected, verdicts }))
}

impl Verdict {
    const fn accepted(message_id: MessageId) -> Self {
        Self { message_id: Some(message_id), status: VerdictStatus::Accepted, code: None, field: None, message: None }
    }

    fn rejected(row: &BadRow) -> Self {
        Self {
            message_id: None,
            status: VerdictStatus::Rejected,
            code: Some(row.reason.code()),
            field: row.field.clone(),
            message: Some(row.message.clone()),
        }
    }
}
