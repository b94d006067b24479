//! JSON bodies and query strings whose errors name the field at fault.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// The largest whole number that every JSON reader keeps exactly.
pub(crate) const LARGEST_NUMBER: u64 = 9_007_199_254_740_991;

/// The longest text that a person types or a catalog names, in letters.
pub(crate) const LONGEST_TEXT: usize = 1_000;

/// Refuses a text that has more letters than that.
pub(crate) fn at_most(field: &str, text: Option<&str>, letters: usize) -> Result<(), Problem> {
    if text.is_some_and(|text| text.len() > letters && text.chars().count() > letters) {
        return Err(Problem::invalid(Some(field.to_owned()), format!("At most {letters} letters.")));
    }
    Ok(())
}

async fn bytes_of(request: Request, state: &(impl Send + Sync)) -> Result<Bytes, Problem> {
    let bytes = Bytes::from_request(request, state).await;
    bytes.map_err(|error| Problem::too_large(format!("The body could not be read: {error}")))
}

/// A body that is text.
pub(crate) async fn text_of(request: Request, state: &(impl Send + Sync)) -> Result<String, Problem> {
    let bytes = bytes_of(request, state).await?;
    String::from_utf8(bytes.into()).map_err(|_| Problem::invalid(None, "The text is not UTF-8."))
}

/// Whether a header names one of these kinds of content.
pub(crate) fn names_one_of(headers: &HeaderMap, name: &HeaderName, kinds: &[&str]) -> bool {
    let told = headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().trim_start();
    kinds.iter().any(|kind| told.starts_with(kind))
}

/// A JSON body. Unlike axum's own, its errors are problems with the path of the field.
pub(crate) struct ApiJson<T>(pub T);

impl<T, S> FromRequest<S> for ApiJson<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_json = content_type.is_none_or(|kind| kind.contains("json") || kind.starts_with("text/plain"));
        if !is_json {
            let detail = "Send the body as JSON with `Content-Type: application/json`.";
            return Err(Problem::unsupported_media_type(detail));
        }
        let bytes = bytes_of(request, state).await?;
        let mut reader = serde_json::Deserializer::from_slice(&bytes);
        let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let field = error.path().to_string();
            let field = (field != ".").then_some(field);
            Problem::invalid(field, format!("The body is not what this call takes: {}", error.inner()))
        })?;
        reader.end().map_err(|error| Problem::invalid(None, format!("After the JSON value comes more: {error}")))?;
        Ok(Self(value))
    }
}

/// A JSON body that may be left out: then everything in it is as by default.
pub(crate) struct OptionalJson<T>(pub T);

impl<T, S> FromRequest<S> for OptionalJson<T>
where
    T: DeserializeOwned + Default,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = bytes_of(Request::from_parts(parts.clone(), body), state).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        let request = Request::from_parts(parts, bytes.into());
        ApiJson::from_request(request, state).await.map(|ApiJson(value)| Self(value))
    }
}

/// A part of the path. What is no text in it is a problem like any other.
pub(crate) struct ApiPath(pub String);

impl<S> FromRequestParts<S> for ApiPath
where
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = axum::extract::Path::<String>::from_request_parts(parts, state).await;
        path.map(|path| Self(path.0)).map_err(|error| Problem::invalid(None, error.body_text()))
    }
}

/// Query parameters.
pub(crate) struct ApiQuery<T>(pub T);

impl<T, S> FromRequestParts<S> for ApiQuery<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = axum::extract::Query::<T>::from_request_parts(parts, state).await;
        query.map(|query| Self(query.0)).map_err(|error| Problem::invalid(None, error.body_text()))
    }
}
