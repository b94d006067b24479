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

/// Refuses a text with characters that nobody types. Tabs and line ends count as spaces.
pub(crate) fn without_controls(field: &str, text: &str) -> Result<(), Problem> {
    let is_control = |letter: &char| letter.is_control() && !matches!(letter, '\t' | '\n' | '\r');
    let Some(letter) = text.chars().find(is_control) else { return Ok(()) };
    let detail = format!("The text has the control character U+{:04X}; leave it out.", u32::from(letter));
    Err(Problem::invalid(Some(field.to_owned()), detail))
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
        refuse_other_than_json(request.headers())?;
        let bytes = bytes_of(request, state).await?;
        // Fields without their names, in some order, would be read as well: nobody means that.
        if first_byte(&bytes) == Some(b'[') {
            return Err(Problem::invalid(None, "The body is not what this call takes: it is a list, not an object."));
        }
        read_json(&bytes).map(Self)
    }
}

/// A JSON body that is a list.
pub(crate) struct ApiList<T>(pub Vec<T>);

impl<T, S> FromRequest<S> for ApiList<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        refuse_other_than_json(request.headers())?;
        read_json(&bytes_of(request, state).await?).map(Self)
    }
}

fn refuse_other_than_json(headers: &HeaderMap) -> Result<(), Problem> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if content_type.is_none_or(|kind| kind.contains("json") || kind.starts_with("text/plain")) {
        return Ok(());
    }
    Err(Problem::unsupported_media_type("Send the body as JSON with `Content-Type: application/json`."))
}

fn first_byte(bytes: &[u8]) -> Option<u8> {
    bytes.iter().copied().find(|byte| !byte.is_ascii_whitespace())
}

fn read_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let detail = in_plain_words(&error.inner().to_string());
        Problem::invalid(field_at(&error.path().to_string()), format!("The body is not what this call takes: {detail}"))
    })?;
    reader.end().map_err(|error| Problem::invalid(None, format!("After the JSON value comes more: {error}")))?;
    Ok(value)
}

/// A path as a caller may read it: none where nothing is known of it.
fn field_at(path: &str) -> Option<String> {
    let known = path.split('?').next().unwrap_or_default().trim_end_matches('.');
    (!known.is_empty()).then(|| known.to_owned())
}

/// What the reader found and what it wanted, without the names of our types.
fn in_plain_words(told: &str) -> String {
    let found = told.strip_prefix("invalid type: ").or_else(|| told.strip_prefix("invalid value: "));
    let Some((found, wanted)) = found.and_then(|rest| rest.rsplit_once(", expected ")) else {
        return told.to_owned();
    };
    let (wanted, place) = match wanted.find(" at line ") {
        Some(at) => wanted.split_at(at),
        None => (wanted, ""),
    };
    format!("{} was sent, but {} belongs there{place}", plain_found(found), plain_wanted(wanted))
}

fn plain_wanted(wanted: &str) -> &str {
    match wanted {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number from 0 up",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a string" | "a borrowed string" => "a text",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "unit" => "null",
        _ if ["struct ", "a map", "tuple ", "internally tagged ", "adjacently tagged "]
            .iter()
            .any(|kind| wanted.starts_with(kind)) =>
        {
            "an object"
        }
        _ if wanted.starts_with("enum ") || wanted.starts_with("variant ") => "one of the words that are listed for it",
        _ => wanted,
    }
}

fn plain_found(found: &str) -> String {
    const LONGEST_SHOWN: usize = 80;
    let found = match found {
        "sequence" => "a list",
        "map" => "an object",
        "unit value" => "null",
        _ => found,
    };
    let named = [("string ", "the text "), ("integer ", "the number "), ("floating point ", "the number ")];
    let named = named.into_iter().find_map(|(ours, plain)| Some((plain, found.strip_prefix(ours)?)));
    let (kind, shown) = named.unwrap_or(("", found.strip_prefix("boolean ").unwrap_or(found)));
    let dots = if shown.chars().count() > LONGEST_SHOWN { "…" } else { "" };
    let shown: String = shown.chars().take(LONGEST_SHOWN).collect();
    format!("{kind}{shown}{dots}")
}

/// What is wrong with a query string, from how it is told in words: `limit: invalid digit found in string`.
fn query_problem(told: &str) -> Problem {
    let told = told.strip_prefix("Failed to deserialize query string: ").unwrap_or(told);
    let is_name = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.[]".contains(&byte));
    let (field, told) = match told.split_once(": ") {
        Some((field, rest)) if !field.is_empty() && is_name(field) => (field_at(field), rest),
        _ => (None, told),
    };
    let quoted = || told.split('`').nth(1).map(str::to_owned);
    let is_about_a_name =
        ["unknown field `", "missing field `", "duplicate field `"].iter().any(|start| told.starts_with(start));
    let field = field.or_else(|| quoted().filter(|_| is_about_a_name));
    let detail = match told {
        "invalid digit found in string" | "cannot parse integer from empty string" => {
            "A whole number from 0 up belongs there."
        }
        "invalid float literal" | "cannot parse float from empty string" => "A number belongs there.",
        "number too large to fit in target type" => "The number is too large.",
        "number too small to fit in target type" => "The number is too small.",
        "provided string was not `true` or `false`" => "`true` or `false` belongs there.",
        _ => return Problem::invalid(field, format!("A parameter is wrong: {}", in_plain_words(told))),
    };
    Problem::invalid(field, detail)
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
        query.map(|query| Self(query.0)).map_err(|error| query_problem(&error.body_text()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_speak_of_no_types_of_ours() {
        for (told, plain) in [
            (
                "invalid type: string \"x\", expected usize at line 1 column 12",
                "the text \"x\" was sent, but a whole number from 0 up belongs there at line 1 column 12",
            ),
            ("invalid type: integer `7`, expected a string", "the number `7` was sent, but a text belongs there"),
            ("invalid type: sequence, expected struct SearchRequest", "a list was sent, but an object belongs there"),
            ("invalid type: boolean `true`, expected f64", "`true` was sent, but a number belongs there"),
            ("missing field `id` at line 1 column 2", "missing field `id` at line 1 column 2"),
        ] {
            assert_eq!(in_plain_words(told), plain);
        }
        assert_eq!(field_at("refine[0].?").as_deref(), Some("refine[0]"));
        assert_eq!((field_at("?"), field_at(".")), (None, None));
    }

    #[test]
    fn what_is_wrong_with_an_address_names_the_parameter() {
        for (told, field, detail) in [
            ("limit: invalid digit found in string", Some("limit"), "A whole number from 0 up belongs there."),
            (
                "unknown field `colour`, expected one of `q`",
                Some("colour"),
                "A parameter is wrong: unknown field `colour`, expected one of `q`",
            ),
            ("it is odd", None, "A parameter is wrong: it is odd"),
        ] {
            let problem = query_problem(&format!("Failed to deserialize query string: {told}"));
            assert_eq!((problem.field.as_deref(), problem.detail()), (field, detail));
        }
    }
}
