//! "View the shop as": a console's signed token lets a shopkeeper walk the shop in a customer's shoes, leaving no
//! trace.

use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::super::change::Notice;
use super::super::cookie;
use super::super::shop::Shop;
use super::super::visitor::Visitor;
use super::go_to;

const LONGEST_TOKEN: usize = 2_000;

#[derive(Debug, Deserialize)]
pub(in super::super) struct Token {
    #[serde(default)]
    token: String,
}

/// Mercer itself checks the token with every decision; here it is only kept.
pub(in super::super) async fn start(
    State(_): State<Shop>,
    Query(asked): Query<Token>,
    mut visitor: Visitor,
) -> Response {
    let is_token = asked.token.len() <= LONGEST_TOKEN && asked.token.bytes().all(|byte| byte.is_ascii_graphic());
    if is_token && !asked.token.is_empty() {
        visitor.jar.keep_for_visit(cookie::VIEW_AS, &asked.token);
    }
    go_to("/", &visitor)
}

pub(in super::super) async fn stop(State(_): State<Shop>, mut visitor: Visitor) -> Response {
    visitor.jar.drop(cookie::VIEW_AS);
    Notice::new("You are yourself again.").keep(&mut visitor.jar);
    go_to("/", &visitor)
}
