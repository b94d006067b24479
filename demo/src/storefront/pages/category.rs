//! A department or category: its products, sorted and page by page.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use mercer_schema::{Page, PageType, Product};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::super::event::Story;
use super::super::mercer::Category;
use super::super::shop::{Scene, Shop};
use super::super::trouble::Trouble;
use super::super::view::{Frame, Link, Row, Tile, below, rows, slug, tiles};
use super::super::visitor::Visitor;
use super::{page, page_with_status};

/// The orders that Mercer knows, and how people call them.
const SORTS: [(&str, &str); 5] = [
    ("popular", "Most wanted"),
    ("newest", "New in"),
    ("price_up", "Price, low to high"),
    ("price_down", "Price, high to low"),
    ("title", "Name"),
];

/// Tiles of a row that a desktop shows at once.
const IN_VIEW: usize = 6;

#[derive(Debug, Default, Deserialize)]
pub(in super::super) struct Asked {
    #[serde(default)]
    sort: String,
    #[serde(default)]
    cursor: String,
}

#[derive(Template)]
#[template(path = "category.html")]
struct CategoryPage {
    frame: Frame,
    name: String,
    url: String,
    parent: Option<Link>,
    narrower: Vec<Link>,
    sorts: Vec<Choice>,
    tiles: Vec<Tile>,
    total: usize,
    /// The address of the next page of products.
    next: Option<String>,
    is_first: bool,
    rows: Vec<Row>,
}

struct Choice {
    value: &'static str,
    name: &'static str,
    is_chosen: bool,
}

#[derive(Template)]
#[template(path = "nothing.html")]
pub(super) struct Nothing {
    pub(super) frame: Frame,
    pub(super) heading: &'static str,
    pub(super) text: &'static str,
}

pub(in super::super) async fn show(
    State(shop): State<Shop>,
    Path(wanted): Path<String>,
    Query(asked): Query<Asked>,
    mut visitor: Visitor,
) -> Result<Response, Trouble> {
    let categories = shop.categories().await?;
    let Some((name, parent)) = find(&categories, &slug(&wanted)) else {
        return missing(&shop, &visitor).await;
    };
    let sort = SORTS.iter().map(|(value, _)| *value).find(|value| *value == asked.sort).unwrap_or(SORTS[0].0);
    let cursor: String = asked.cursor.chars().take(200).collect();
    let (listed, before) = tokio::join!(shop.mercer().products(&name, sort, &cursor), shop.known(&visitor));
    let listed = listed?;
    let story = Story::list_viewed(&name, &listed.products);
    shop.tell(&visitor, &story).await;
    let about = Page { kind: PageType::Category, category: Some(name.clone()), ..Page::default() };
    let is_first = cursor.is_empty();
    let decide = async { if is_first { shop.decide(&visitor, "category", about).await } else { None } };
    let (decision, after) = tokio::join!(decide, shop.known(&visitor));
    let scene = shop.scene(&mut visitor, &story, before.as_ref(), after);
    let url = Link::to(&name, 0).url;
    let mut frame = Frame::build(&shop, &visitor, &name, scene).await?;
    let department = parent.as_deref().unwrap_or(&name);
    frame.departments.iter_mut().for_each(|link| link.is_current = link.name == department);
    let next = listed
        .next
        .as_deref()
        .map(|next| format!("{url}?sort={sort}&cursor={}", utf8_percent_encode(next, NON_ALPHANUMERIC)));
    let parent = parent.map(|name| Link::to(&name, 0));
    let narrower = if parent.is_none() { below(&categories, &name) } else { Vec::new() };
    let template = CategoryPage {
        frame,
        url,
        parent,
        narrower,
        sorts: SORTS.iter().map(|(value, name)| Choice { value, name, is_chosen: *value == sort }).collect(),
        tiles: tiles(&shop, &listed.products),
        total: listed.total,
        next,
        is_first,
        rows: rows(&shop, decision).into_iter().filter(|row| !repeats(row, &listed.products)).collect(),
        name,
    };
    page(&template, &visitor)
}

/// A row that says what the list below it says first would only push that list down.
fn repeats(row: &Row, listed: &[Product]) -> bool {
    let is_listed = |tile: &&Tile| listed.iter().take(IN_VIEW * 2).any(|product| product.id.as_str() == tile.id);
    let seen = row.tiles.iter().take(IN_VIEW);
    seen.filter(is_listed).count() * 2 >= IN_VIEW.min(row.tiles.len())
}

/// The category of an address and the department it belongs to; none for a department.
fn find(categories: &[Category], wanted: &str) -> Option<(String, Option<String>)> {
    let mut departments = categories.iter().filter_map(|category| category.path.first());
    if let Some(department) = departments.find(|name| slug(name) == wanted) {
        return Some((department.clone(), None));
    }
    let mut narrower = categories.iter().filter_map(|category| Some((category.path.get(1)?, category.path.first()?)));
    narrower.find(|(name, _)| slug(name) == wanted).map(|(name, parent)| (name.clone(), Some(parent.clone())))
}

async fn missing(shop: &Shop, visitor: &Visitor) -> Result<Response, Trouble> {
    let frame = Frame::build(shop, visitor, "Not on our shelves", Scene::default()).await?;
    let text = "We have no such category. The departments above lead to everything there is.";
    page_with_status(StatusCode::NOT_FOUND, &Nothing { frame, heading: "Not on our shelves", text }, visitor)
}
