//! Search: words in, products out, what was understood, and ways on when there is little.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use mercer_schema::{Page, PageType};

use super::super::asked::Asked;
use super::super::event::Story;
use super::super::results::Results;
use super::super::shop::{Scene, Shop};
use super::super::trouble::Trouble;
use super::super::view::{Frame, Row, rows};
use super::super::visitor::Visitor;
use super::{go_to, own_path, page};

const PATH: &str = "/search";

#[derive(Template)]
#[template(path = "search.html")]
struct SearchPage {
    frame: Frame,
    heading: String,
    /// None before anything was asked.
    results: Option<Results>,
    rows: Vec<Row>,
}

pub(in super::super) async fn show(
    State(shop): State<Shop>,
    Query(pairs): Query<Vec<(String, String)>>,
    mut visitor: Visitor,
) -> Result<Response, Trouble> {
    let asked = Asked::read(&pairs);
    let answer = if asked.is_empty() { None } else { Some(Results::ask(&shop, &visitor, &asked, None).await?) };
    let before = shop.known(&visitor).await;
    let about =
        Page { kind: PageType::Search, query: (!asked.q.is_empty()).then(|| asked.q.clone()), ..Page::default() };
    let needs_rows = answer.as_ref().is_none_or(|answer| answer.items.is_empty());
    let decide = async { if needs_rows { shop.decide(&visitor, "search", about).await } else { None } };
    let (decision, scene) = if asked.q.is_empty() {
        (decide.await, Scene { known: before, change: visitor.change.clone() })
    } else {
        let story = Story::searched(&asked.q);
        // Further pages of the same search, and choices in it, are no new search.
        if asked.is_fresh() {
            shop.tell(&visitor, &story).await;
        }
        let (decision, after) = tokio::join!(decide, shop.known(&visitor));
        (decision, shop.scene(&mut visitor, &story, before.as_ref(), after))
    };
    // Other sites are left to the script: no form of ours leads there.
    let elsewhere = answer.as_ref().and_then(|answer| answer.redirect.as_deref());
    if let Some(path) = elsewhere.filter(|path| own_path(path) == *path && **path != *visitor.here) {
        return Ok(go_to(path, &visitor));
    }
    let heading = match (asked.q.as_str(), asked.category.rsplit('>').next().map(str::trim)) {
        ("", Some(category)) if !category.is_empty() => category.to_owned(),
        ("", _) => "Search".to_owned(),
        (words, _) => format!("“{words}”"),
    };
    let mut frame = Frame::build(&shop, &visitor, heading.trim_matches(['“', '”']), scene).await?;
    frame.query.clone_from(&asked.q);
    let results = answer.map(|answer| Results::new(&shop, PATH, &asked, None, &answer));
    page(&SearchPage { frame, heading, results, rows: rows(&shop, decision) }, &visitor)
}
