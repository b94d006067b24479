//! `/docs/errors`: every stable error code, for whoever follows the `type` of a problem.
//!
//! Written from the list that problems are made from, so the page cannot miss one. Readable without a key, a script
//! or a style of its own in the page.

use askama::Template;
use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use mercer_collect::BadReason;

use crate::console::page::render;
use crate::problem::codes::{Code, Entry};
use crate::state::App;

const STYLE: &str = include_str!("../assets/docs/docs.css");

pub(crate) fn routes() -> Router<App> {
    Router::new().route("/docs/errors", get(errors)).route("/docs/docs.css", get(style))
}

#[derive(Template)]
#[template(path = "docs/errors.html")]
struct ErrorsPage {
    entries: Vec<Shown>,
    verdicts: Vec<(&'static str, &'static str)>,
}

/// An entry with its words and code told apart.
struct Shown {
    name: &'static str,
    status: String,
    happened: Vec<Piece>,
    remedy: Vec<Piece>,
}

struct Piece {
    text: &'static str,
    is_code: bool,
}

async fn errors() -> Response {
    let entries = Code::ALL.into_iter().map(|code| shown(code.entry())).collect();
    let verdicts = BadReason::ALL.iter().map(|reason| (reason.code(), meaning(*reason))).collect();
    render(&ErrorsPage { entries, verdicts })
}

fn shown(Entry { name, status, title, happened, remedy }: Entry) -> Shown {
    let status = format!("{} {title}", status.as_u16());
    Shown { name, status, happened: pieces(happened), remedy: pieces(remedy) }
}

/// What stands between backticks is code.
fn pieces(text: &'static str) -> Vec<Piece> {
    text.split('`').enumerate().map(|(number, text)| Piece { text, is_code: number % 2 == 1 }).collect()
}

async fn style() -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8")),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300")),
    ];
    (headers, STYLE).into_response()
}

/// The code of a single event's verdict, in words.
const fn meaning(reason: BadReason) -> &'static str {
    match reason {
        BadReason::Malformed => "It is not readable as the format it claims to be.",
        BadReason::NotUtf8 => "Its bytes are no UTF-8 text.",
        BadReason::TooLarge => "It has more bytes than one event may have.",
        BadReason::TooDeep => "Objects or lists are nested too deeply.",
        BadReason::Duplicate => "A key or an id that may be there once is there twice.",
        BadReason::MissingField => "Something that is required is not there.",
        BadReason::WrongType => "A value is of the wrong type, for example an object where a text belongs.",
        BadReason::InvalidId => "An id is empty, too long, or has control characters.",
        BadReason::InvalidNumber => "It is no whole number in the allowed range.",
        BadReason::InvalidMoney => "It is no amount, or no currency.",
        BadReason::InvalidTime => "It is no point in time.",
        BadReason::UnknownValue => "It is not one of the values that are known for this field.",
        BadReason::NoVisitor => "Neither a customer nor a browser is named.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_page_has_an_anchor_for_every_code() {
        let body = axum::body::to_bytes(errors().await.into_body(), usize::MAX).await.unwrap();
        let page = String::from_utf8(body.to_vec()).unwrap();
        for code in Code::ALL {
            assert!(page.contains(&format!("id=\"{}\"", code.entry().name)), "{code:?}");
        }
        assert!(!page.contains('`'), "code is marked as code");
        assert!(!page.contains("style=") && !page.contains("<script"), "nothing that the policy would block");
    }
}
