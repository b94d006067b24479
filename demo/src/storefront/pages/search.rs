//! Search: words in, products out, what was understood, and ways on when there is little.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use mercer_schema::{DecidedItem, Page, PageType, SearchRequest};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::super::event::Story;
use super::super::shop::{Scene, Shop};
use super::super::trouble::Trouble;
use super::super::view::{Frame, Row, Tile, rows, tiles};
use super::super::visitor::Visitor;
use super::page;

const LONGEST_QUERY: usize = 120;
const PAGE: usize = 24;
const FARTHEST: usize = 2_400;

#[derive(Debug, Default, Deserialize)]
pub(in super::super) struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default)]
    from: usize,
}

#[derive(Template)]
#[template(path = "search.html")]
struct SearchPage {
    frame: Frame,
    query: String,
    /// What was looked for instead of a slip.
    corrected: Option<String>,
    tiles: Vec<Tile>,
    total: usize,
    next: Option<String>,
    rows: Vec<Row>,
}

pub(in super::super) async fn show(
    State(shop): State<Shop>,
    Query(asked): Query<Asked>,
    mut visitor: Visitor,
) -> Result<Response, Trouble> {
    let words: String = asked.q.trim().chars().take(LONGEST_QUERY).collect();
    let from = asked.from.min(FARTHEST);
    let found = match words.is_empty() {
        true => None,
        false => Some(shop.mercer().search(&request(&visitor, &words, from)).await?),
    };
    let products =
        found.iter().flat_map(|found| &found.items).filter_map(DecidedItem::whole_product).collect::<Vec<_>>();
    let total = found.as_ref().map_or(0, |found| found.total);
    let before = shop.known(&visitor).await;
    let about = Page { kind: PageType::Search, query: (!words.is_empty()).then(|| words.clone()), ..Page::default() };
    let needs_rows = products.is_empty();
    let decide = async { if needs_rows { shop.decide(&visitor, "search", about).await } else { None } };
    let (decision, scene) = if words.is_empty() {
        (decide.await, Scene { known: before, change: visitor.change.clone() })
    } else {
        let story = Story::searched(&words);
        // Further pages of the same search are no new search.
        if from == 0 {
            shop.tell(&visitor, &story).await;
        }
        let (decision, after) = tokio::join!(decide, shop.known(&visitor));
        (decision, shop.scene(&mut visitor, &story, before.as_ref(), after))
    };
    let mut frame = Frame::build(&shop, &visitor, "Search", scene).await?;
    frame.query.clone_from(&words);
    let next = (from + PAGE < total && !products.is_empty())
        .then(|| format!("/search?q={}&from={}", utf8_percent_encode(&words, NON_ALPHANUMERIC), from + PAGE));
    let template = SearchPage {
        frame,
        query: words,
        corrected: found.and_then(|found| found.query.corrected),
        tiles: tiles(&shop, &products),
        total,
        next,
        rows: rows(&shop, decision),
    };
    page(&template, &visitor)
}

fn request(visitor: &Visitor, words: &str, from: usize) -> SearchRequest {
    SearchRequest {
        q: words.to_owned(),
        customer: visitor.customer.clone(),
        anonymous_id: Some(visitor.anonymous_id.clone()),
        limit: Some(PAGE),
        cursor: (from > 0).then(|| from.to_string()),
        facets: Some(0),
        ..SearchRequest::default()
    }
}
