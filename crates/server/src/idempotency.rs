//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): a request sent again gets the first one's answer.
//!
//! Invariant: while an answer is kept, its request runs once, also when the client goes away in between. Answers are kept
//! in memory, for a day at most and up to a fixed number of bytes, the longest unused ones going first; a restart
//! forgets them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Query, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use mercer_collect::{Limits, inflate, segment};
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use sha2::{Digest, Sha256};

use crate::access::find_key;
use crate::collect::KeyQuery;
use crate::guard::RateCell;
use crate::problem::Problem;
use crate::router::{API_BODY_BYTES, UPLOADS};
use crate::state::App;

pub(crate) const HEADER: &str = "idempotency-key";
pub(crate) const LONGEST_KEY: usize = 255;
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const KEPT_FOR: Duration = Duration::from_secs(24 * 60 * 60);
const KEPT_BYTES: u64 = 64 * 1024 * 1024;
/// What an entry takes beside its body.
const ENTRY_BYTES: usize = 256;

/// SHA-256 of an API key with an idempotency key.
type Slot = [u8; 32];
/// SHA-256 of what makes a request the same one.
type Fingerprint = [u8; 32];

/// The answers that are kept, and the requests that run.
pub struct Idempotency {
    kept: Cache<Slot, Arc<Kept>>,
    running: Mutex<HashMap<Slot, Fingerprint>>,
}

struct Kept {
    fingerprint: Fingerprint,
    status: StatusCode,
    content_type: Option<HeaderValue>,
    body: Bytes,
}

/// What is known of a request when it comes in.
enum Begun {
    First(Ticket),
    Running,
    Answered(Arc<Kept>),
    Reused,
}

impl Idempotency {
    fn with_room_for(bytes: u64) -> Self {
        let weigh = |_: &Slot, kept: &Arc<Kept>| u32::try_from(kept.body.len() + ENTRY_BYTES).unwrap_or(u32::MAX);
        let kept = Cache::builder()
            .weigher(weigh)
            .max_capacity(bytes)
            .time_to_live(KEPT_FOR)
            // The default policy may turn a new answer away; a new one is what will be asked for.
            .eviction_policy(EvictionPolicy::lru())
            .build();
        Self { kept, running: Mutex::default() }
    }

    fn begin(self: &Arc<Self>, slot: Slot, fingerprint: Fingerprint) -> Begun {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(first) = running.get(&slot) {
            return if *first == fingerprint { Begun::Running } else { Begun::Reused };
        }
        if let Some(kept) = self.kept.get(&slot) {
            return if kept.fingerprint == fingerprint { Begun::Answered(kept) } else { Begun::Reused };
        }
        running.insert(slot, fingerprint);
        Begun::First(Ticket { of: Arc::clone(self), slot, fingerprint })
    }
}

impl Default for Idempotency {
    fn default() -> Self {
        Self::with_room_for(KEPT_BYTES)
    }
}

impl std::fmt::Debug for Idempotency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Idempotency").field("kept", &self.kept.entry_count()).finish_non_exhaustive()
    }
}

/// Held while the first request runs.
struct Ticket {
    of: Arc<Idempotency>,
    slot: Slot,
    fingerprint: Fingerprint,
}

impl Ticket {
    /// Keeps the answer, if it is one that stays true, and passes it on.
    async fn finish(self, response: Response) -> Response {
        if !stays_true(&response) {
            return response;
        }
        let (parts, body) = response.into_parts();
        let body = match to_bytes(body, usize::MAX).await {
            Ok(body) => body,
            Err(error) => return Problem::internal(&error).into_response(),
        };
        let kept = Kept {
            fingerprint: self.fingerprint,
            status: parts.status,
            content_type: parts.headers.get(header::CONTENT_TYPE).cloned(),
            body: body.clone(),
        };
        self.of.kept.insert(self.slot, Arc::new(kept));
        Response::from_parts(parts, Body::from(body))
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.of.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.slot);
    }
}

/// Another try may be answered otherwise: after a failure, a refusal of the key, or when the answer says so itself.
fn stays_true(response: &Response) -> bool {
    let status = response.status();
    !status.is_server_error()
        && !matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS)
        && !response.headers().contains_key(header::RETRY_AFTER)
}

/// The layer around the described API.
pub(crate) async fn layer(State(app): State<App>, request: Request, next: Next) -> Response {
    let changes = matches!(*request.method(), Method::POST | Method::PUT | Method::DELETE);
    // Uploads are streamed, and importing a file again changes nothing by itself.
    if !changes || !request.headers().contains_key(HEADER) || request.uri().path().starts_with(UPLOADS) {
        return next.run(request).await;
    }
    match answer(&app, request, next).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn answer(app: &App, request: Request, next: Next) -> Result<Response, Problem> {
    let key = idempotency_key(request.headers())?;
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, API_BODY_BYTES)
        .await
        .map_err(|error| Problem::too_large(format!("The body could not be read: {error}")))?;
    let Some(secret) = secret(&parts, &body, &app.settings.limits).filter(|secret| app.keys.is_known(secret)) else {
        return Ok(next.run(Request::from_parts(parts, Body::from(body))).await);
    };
    let slot = digest(&[secret.as_bytes(), key.as_bytes()]);
    let begun = app.idempotency.begin(slot, fingerprint(&parts, &body));
    let Begun::First(ticket) = begun else {
        // What is not run again still counts, and a key's list of origins still holds.
        let admitted = app.keys.admit_again(&secret, &parts.headers)?;
        if let Some(rate) = parts.extensions.get::<RateCell>() {
            rate.fill(admitted.quotient);
        }
        return match begun {
            Begun::Answered(kept) => Ok(replayed(&kept)),
            Begun::Running => Err(Problem::idempotency_in_progress()),
            Begun::First(_) | Begun::Reused => Err(Problem::idempotency_key_reused()),
        };
    };
    // On a task of its own: a client that goes away and asks again finds the answer.
    let run = async move { ticket.finish(next.run(Request::from_parts(parts, Body::from(body))).await).await };
    tokio::spawn(run).await.map_err(|error| Problem::internal(&error))
}

/// The header's text; the draft's quotes around it do not count.
fn idempotency_key(headers: &HeaderMap) -> Result<String, Problem> {
    let text = headers.get(HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default().trim();
    let key = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    if (1..=LONGEST_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(key.to_owned());
    }
    let detail =
        format!("An Idempotency-Key has 1 to {LONGEST_KEY} visible ASCII characters, for example a random UUID.");
    Err(Problem::invalid(Some("Idempotency-Key".into()), detail))
}

/// The API key, wherever a call may carry it.
fn secret(parts: &Parts, body: &[u8], limits: &Limits) -> Option<String> {
    let in_query = Query::<KeyQuery>::try_from_uri(&parts.uri).ok().and_then(|query| query.0.write_key);
    let in_body = || {
        let encoding = parts.headers.get(header::CONTENT_ENCODING).and_then(|value| value.to_str().ok());
        segment::write_key(&inflate(body, encoding, limits).ok()?)
    };
    find_key(in_query, &parts.headers, in_body)
}

/// Everything that shapes an answer: the call, the body, and the headers that a handler reads beside them.
fn fingerprint(parts: &Parts, body: &[u8]) -> Fingerprint {
    let header = |name: &str| parts.headers.get(name).map_or(&b""[..], HeaderValue::as_bytes);
    let call = parts.uri.path_and_query().map_or("", |path| path.as_str());
    digest(&[
        parts.method.as_str().as_bytes(),
        call.as_bytes(),
        header("content-encoding"),
        header("content-type"),
        header("sec-gpc"),
        header("sec-ch-ua-mobile"),
        body,
    ])
}

/// A hash in which the parts cannot run together.
fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

fn replayed(kept: &Kept) -> Response {
    let mut response = (kept.status, kept.body.clone()).into_response();
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    if let Some(kind) = &kept.content_type {
        headers.insert(header::CONTENT_TYPE, kind.clone());
    }
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket(begun: Begun) -> Ticket {
        match begun {
            Begun::First(ticket) => ticket,
            _ => panic!("it was taken already"),
        }
    }

    #[tokio::test]
    async fn memory_is_bounded_and_new_answers_win() {
        let kept = Arc::new(Idempotency::with_room_for(10_000));
        for slot in 0..100_u8 {
            let answer = (StatusCode::OK, vec![0_u8; 1_000]).into_response();
            ticket(kept.begin([slot; 32], [0; 32])).finish(answer).await;
            kept.kept.run_pending_tasks();
        }
        assert!(kept.kept.weighted_size() <= 10_000);
        assert!(matches!(kept.begin([99; 32], [0; 32]), Begun::Answered(_)), "the newest is there");
        assert!(matches!(kept.begin([0; 32], [0; 32]), Begun::First(_)), "the oldest is not");
    }

    #[tokio::test]
    async fn failures_are_not_kept() {
        let kept = Arc::new(Idempotency::default());
        for (number, problem) in
            [Problem::internal(&"x"), Problem::too_many_requests(1), Problem::key_missing(), Problem::not_ready("x")]
                .into_iter()
                .enumerate()
        {
            let slot = [number as u8; 32];
            ticket(kept.begin(slot, [0; 32])).finish(problem.into_response()).await;
            ticket(kept.begin(slot, [0; 32])).finish(Problem::not_found("x").into_response()).await;
            assert!(matches!(kept.begin(slot, [0; 32]), Begun::Answered(_)), "an answer of the handler stays true");
        }
    }

    #[test]
    fn a_request_that_broke_off_may_be_sent_again() {
        let kept = Arc::new(Idempotency::default());
        let first = ticket(kept.begin([1; 32], [1; 32]));
        assert!(matches!(kept.begin([1; 32], [1; 32]), Begun::Running));
        assert!(matches!(kept.begin([1; 32], [2; 32]), Begun::Reused));
        drop(first);
        assert!(matches!(kept.begin([1; 32], [2; 32]), Begun::First(_)));
    }

    #[test]
    fn keys_are_read_with_and_without_quotes() {
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(HEADER, HeaderValue::from_str(text).unwrap());
            idempotency_key(&headers)
        };
        assert_eq!(read("\"a-1\"").unwrap(), "a-1");
        assert_eq!(read("a-1").unwrap(), "a-1");
        for wrong in ["", "\"\"", "a b", &"x".repeat(256)] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
