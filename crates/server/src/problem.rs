//! Every error that the API answers, in one place: status, stable code, words (RFC 9457 `application/problem+json`).
//!
//! Handlers return `Result<_, Problem>`; nothing else in the server writes an error body.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use mercer_collect::Refusal;
use serde::Serialize;
use utoipa::ToSchema;

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
    fn new(status: StatusCode, code: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        let detail: Box<str> = detail.into().into();
        Self {
            kind: format!("/docs/errors#{code}").into(),
            title,
            status: status.as_u16(),
            code,
            message: detail.clone(),
            detail,
            field: None,
            retry_after_seconds: None,
        }
    }

    pub fn key_missing() -> Self {
        let detail = "Send an API key: `Authorization: Bearer KEY`, Basic with the key as user name, or `X-Write-Key`.";
        Self::new(StatusCode::UNAUTHORIZED, "key_missing", "No API key", detail)
    }

    pub fn key_unknown() -> Self {
        let detail = "This API key does not exist or was revoked. Keys are made in the console under Settings.";
        Self::new(StatusCode::UNAUTHORIZED, "key_unknown", "Unknown API key", detail)
    }

    pub fn scope_missing(needed: &str) -> Self {
        let detail = format!("This API key may not do that: the scope `{needed}` is needed.");
        Self::new(StatusCode::FORBIDDEN, "scope_missing", "Scope missing", detail)
    }

    pub fn origin_refused(origin: &str) -> Self {
        let detail = format!("Pages of `{origin}` may not use this key. Add the origin to the key in the console.");
        Self::new(StatusCode::FORBIDDEN, "origin_refused", "Origin not allowed", detail)
    }

    pub fn too_many_requests(retry_after_seconds: u64) -> Self {
        let detail = format!("This key's rate limit is used up. Try again in {retry_after_seconds} s.");
        Self {
            retry_after_seconds: Some(retry_after_seconds),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", "Rate limit reached", detail)
        }
    }

    pub fn invalid(field: Option<String>, detail: impl Into<String>) -> Self {
        let field = field.map(String::into_boxed_str);
        Self { field, ..Self::new(StatusCode::BAD_REQUEST, "invalid_request", "Invalid request", detail) }
    }

    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "Not found", format!("There is no {what}."))
    }

    pub fn method_not_allowed() -> Self {
        let detail = "This path does not take that method; see the API pages for the ones it takes.";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "Method not allowed", detail)
    }

    pub fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "Too large", detail)
    }

    pub fn unsupported_media_type(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "Unsupported media type", detail)
    }

    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, "Conflict", detail)
    }

    pub fn not_ready(detail: impl Into<String>) -> Self {
        Self {
            retry_after_seconds: Some(1),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", "Not ready", detail)
        }
    }

    /// Our fault. What happened stands in the server's log, not in the answer.
    pub fn internal(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "a request failed");
        let detail = "Mercer could not answer. The server's log says why; nothing of this request was acknowledged.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Internal error", detail)
    }

    pub const fn status_code(&self) -> u16 {
        self.status
    }
}

impl From<mercer_engine::Error> for Problem {
    fn from(error: mercer_engine::Error) -> Self {
        use mercer_engine::Error;
        match error {
            Error::NotAppended(_) | Error::ShuttingDown => Self::not_ready(error.to_string()),
            Error::NoSuchDecision(_) => {
                Self::new(StatusCode::NOT_FOUND, "no_such_decision", "No such decision", error.to_string())
            }
            Error::AlreadyTraining => Self::conflict("already_training", error.to_string()),
            Error::NothingToLearn => Self::conflict("nothing_to_learn", error.to_string()),
            Error::Model { .. } => Self::conflict("model_unusable", error.to_string()),
            Error::Placement { field, message } => Self {
                field: Some(field.into()),
                ..Self::new(StatusCode::BAD_REQUEST, "invalid_placement", "Invalid placement", message)
            },
            Error::Store(error) => Self::from(error),
            Error::Cursor(_) => Self::invalid(Some("cursor".into()), error.to_string()),
            Error::LogTooShort { .. } | Error::TrainingBroke(_) | Error::Search(_) => Self::internal(&error),
        }
    }
}

impl From<mercer_store::Error> for Problem {
    /// A full or busy disk is no secret and passes; the caller may try again.
    fn from(error: mercer_store::Error) -> Self {
        if error.is_temporary() { Self::not_ready(error.to_string()) } else { Self::internal(&error) }
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
