//! When Mercer does not answer as hoped: the fault, and the friendly page for the visitor.

use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

/// Why a call to Mercer gave nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error("Mercer cannot be reached: {0}")]
    Unreachable(#[from] reqwest::Error),
    #[error("Mercer answered {status} to {call}")]
    Refused { call: &'static str, status: u16 },
    #[error("a page cannot be rendered: {0}")]
    Template(#[from] askama::Error),
}

#[derive(Template)]
#[template(path = "trouble.html")]
struct TroublePage<'a> {
    heading: &'a str,
    text: &'a str,
    stylesheet: String,
}

/// A small page of its own: it needs nothing that could fail too.
pub(super) fn plain_page(status: StatusCode, heading: &str, text: &str) -> Response {
    let page = TroublePage { heading, text, stylesheet: super::asset::stylesheet_url() };
    match page.render() {
        Ok(html) => (status, [(header::CACHE_CONTROL, "no-store")], Html(html)).into_response(),
        Err(_) => (status, heading.to_owned()).into_response(),
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        tracing::warn!(error = %self, "the shop could not make a page");
        let text = "The shelves are there, but the person who knows where everything stands has stepped out. \
                    Please try again in a moment; your basket is safe.";
        plain_page(StatusCode::SERVICE_UNAVAILABLE, "We will be right back", text)
    }
}
