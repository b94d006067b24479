//! Every error that the API answers, in one place: status, stable code, words (RFC 9457 `application/problem+json`).
//!
//! Handlers return `Result<_, Problem>`; nothing else in the server writes an error body. What each code means stands in
//! `codes.rs`, from which `/docs/errors` is written too.

pub(crate) mod codes;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use mercer_collect::Refusal;
use serde::Serialize;
use utoipa::ToSchema;

use self::codes::Code;

/// Seconds after which a job that runs elsewhere is worth another try.
const JOB_RETRY_SECONDS: u64 = 5;

/// An error answer. `code` never changes its meaning; `detail` says what happened, where, and what to do.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// A page that explains the code.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    pub kind: Box<str>,
    pub title: &'static str,
    pub status: u16,
    pub code: &'static str,
    #[schema(value_type = String)]
    pub detail: Box<str>,
    /// The same as `detail`, under the name that older trackers read.
    #[schema(value_type = String)]
    pub message: Box<str>,
    /// The field at fault, if one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub field: Option<Box<str>>,
    #[serde(skip)]
    retry_after_seconds: Option<u64>,
}

impl Problem {
    fn new(code: Code, detail: impl Into<String>) -> Self {
        let (detail, entry): (Box<str>, _) = (detail.into().into(), code.entry());
        Self {
            kind: format!("/docs/errors#{}", entry.name).into(),
            title: entry.title,
            status: entry.status.as_u16(),
            code: entry.name,
            message: detail.clone(),
            detail,
            field: None,
            retry_after_seconds: None,
        }
    }

    fn retry_after(self, seconds: u64) -> Self {
        Self { retry_after_seconds: Some(seconds), ..self }
    }

    pub fn key_missing() -> Self {
        let detail = "Send an API key: `Authorization: Bearer KEY`, Basic with the key as user name, or `X-Write-Key`.";
        Self::new(Code::KeyMissing, detail)
    }

    pub fn key_unknown() -> Self {
        let detail = "This API key does not exist or was revoked. Keys are made in the console under Settings.";
        Self::new(Code::KeyUnknown, detail)
    }

    pub fn scope_missing(needed: &str) -> Self {
        Self::new(Code::ScopeMissing, format!("This API key may not do that: the scope `{needed}` is needed."))
    }

    pub fn origin_refused(origin: &str) -> Self {
        let detail = format!("Pages of `{origin}` may not use this key. Make a key that lists this origin.");
        Self::new(Code::OriginRefused, detail)
    }

    pub fn too_many_requests(retry_after_seconds: u64) -> Self {
        let detail = format!("This key's rate limit is used up. Try again in {retry_after_seconds} s.");
        Self::new(Code::TooManyRequests, detail).retry_after(retry_after_seconds)
    }

    pub fn invalid(field: Option<String>, detail: impl Into<String>) -> Self {
        Self { field: field.map(String::into_boxed_str), ..Self::new(Code::InvalidRequest, detail) }
    }

    pub fn import_refused(detail: impl Into<String>) -> Self {
        Self::new(Code::ImportRefused, detail)
    }

    pub fn not_found(what: &str) -> Self {
        Self::new(Code::NotFound, format!("There is no {what}."))
    }

    pub fn method_not_allowed() -> Self {
        Self::new(
            Code::MethodNotAllowed,
            "This path does not take that method; see the API pages for the ones it takes.",
        )
    }

    pub fn too_large(detail: impl Into<String>) -> Self {
        Self::new(Code::TooLarge, detail)
    }

    pub fn unsupported_media_type(detail: impl Into<String>) -> Self {
        Self::new(Code::UnsupportedMediaType, detail)
    }

    /// As many of these jobs as may run at a time are running.
    pub fn already_running(what: &str) -> Self {
        Self::new(Code::AlreadyRunning, format!("{what} under way; ask again in a moment."))
            .retry_after(JOB_RETRY_SECONDS)
    }

    pub fn idempotency_in_progress() -> Self {
        let detail = "The first request with this Idempotency-Key is still running; send it again in a second.";
        Self::new(Code::IdempotencyInProgress, detail).retry_after(1)
    }

    pub fn idempotency_key_reused() -> Self {
        let detail = "This Idempotency-Key was sent with another request before: method, path, query or body differ. \
                      Make a new key for every new request.";
        Self::new(Code::IdempotencyKeyReused, detail)
    }

    pub fn not_ready(detail: impl Into<String>) -> Self {
        Self::new(Code::NotReady, detail).retry_after(1)
    }

    /// Our fault. What happened stands in the server's log, not in the answer.
    pub fn internal(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "a request failed");
        let detail = "Mercer could not answer. The server's log says why; nothing of this request was acknowledged.";
        Self::new(Code::Internal, detail)
    }

    pub fn detail(&self) -> &str {
        &self.detail
    }

    pub const fn status_code(&self) -> u16 {
        self.status
    }
}

impl From<mercer_engine::Error> for Problem {
    fn from(error: mercer_engine::Error) -> Self {
        use mercer_engine::Error;
        match error {
            Error::NotAppended(_) | Error::ShuttingDown | Error::TrainingStopped => Self::not_ready(error.to_string()),
            Error::NoSuchDecision(_) => Self::new(Code::NoSuchDecision, error.to_string()),
            Error::AlreadyTraining => {
                Self::new(Code::AlreadyTraining, error.to_string()).retry_after(JOB_RETRY_SECONDS)
            }
            Error::NothingToLearn => Self::new(Code::NothingToLearn, error.to_string()),
            Error::NoSuchModel(_) => Self::not_found("such model version"),
            Error::Model { .. } | Error::ModelGone { .. } => Self::new(Code::ModelUnusable, error.to_string()),
            Error::WrongStage(detail) => Self::new(Code::WrongStage, detail),
            Error::BadShare(_) => Self::invalid(Some("share".into()), error.to_string()),
            Error::Placement { field, message } => {
                Self { field: Some(field.into()), ..Self::new(Code::InvalidPlacement, message) }
            }
            Error::Refused { field, message } => Self::invalid(Some(field), message),
            Error::Cursor(_) => Self::invalid(Some("cursor".into()), error.to_string()),
            Error::Store(store) => store.into(),
            Error::LogTooShort { .. } | Error::TrainingBroke(_) | Error::Encoder(_) => Self::internal(&error),
        }
    }
}

impl From<mercer_store::Error> for Problem {
    /// A full or busy disk is no secret and passes; the caller may try again.
    fn from(error: mercer_store::Error) -> Self {
        if error.is_temporary() { Self::not_ready(error.to_string()) } else { Self::internal(&error) }
    }
}

impl From<std::io::Error> for Problem {
    fn from(error: std::io::Error) -> Self {
        use std::io::ErrorKind::{QuotaExceeded, StorageFull};
        if matches!(error.kind(), StorageFull | QuotaExceeded) {
            return Self::not_ready("The disk of the data folder is full; make room and send the request again.");
        }
        Self::internal(&error)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let (detail, is_too_large) = (refusal.to_string(), refusal.is_too_large());
        if is_too_large { Self::too_large(detail) } else { Self::invalid(None, detail) }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after = self.retry_after_seconds;
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"mercer\""));
        }
        response
    }
}
