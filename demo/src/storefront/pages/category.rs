//! A department or category: what is below it, and its products with facets, orders and pages.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use mercer_schema::{DecidedItem, Page, PageType, Product};

use super::super::asked::Asked;
use super::super::event::Story;
use super::super::mercer::Category;
use super::super::results::Results;
use super::super::shop::{Scene, Shop};
use super::super::trouble::Trouble;
use super::super::view::{Frame, Link, Row, Tile, below, rows, slug};
use super::super::visitor::Visitor;
use super::{page, page_with_status};

/// Tiles of a row that a desktop shows at once.
const IN_VIEW: usize = 6;

#[derive(Template)]
#[template(path = "category.html")]
struct CategoryPage {
    frame: Frame,
    name: String,
    parent: Option<Link>,
    narrower: Vec<Link>,
    results: Results,
    rows: Vec<Row>,
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
    Query(pairs): Query<Vec<(String, String)>>,
    mut visitor: Visitor,
) -> Result<Response, Trouble> {
    let categories = shop.categories().await?;
    let Some((name, parent)) = find(&categories, &slug(&wanted)) else {
        return missing(&shop, &visitor).await;
    };
    // Of what the address says the words and the category are the page's own.
    let asked = Asked { q: String::new(), category: String::new(), ..Asked::read(&pairs) };
    let path = parent.as_ref().map_or_else(|| name.clone(), |parent| format!("{parent} > {name}"));
    let (answer, before) = tokio::join!(Results::ask(&shop, &visitor, &asked, Some(&path)), shop.known(&visitor));
    let answer = answer?;
    let products: Vec<Product> = answer.items.iter().filter_map(DecidedItem::whole_product).collect();
    let story = Story::list_viewed(&name, &products);
    shop.tell(&visitor, &story).await;
    let about = Page { kind: PageType::Category, category: Some(name.clone()), ..Page::default() };
    let is_first = asked.is_fresh();
    let decide = async { if is_first { shop.decide(&visitor, "category", about).await } else { None } };
    let (decision, narrower, after) =
        tokio::join!(decide, narrower(&shop, &visitor, &categories, &path), shop.known(&visitor));
    let scene = shop.scene(&mut visitor, &story, before.as_ref(), after);
    let mut frame = Frame::build(&shop, &visitor, &name, scene).await?;
    let department = parent.as_deref().unwrap_or(&name);
    frame.departments.iter_mut().for_each(|link| link.is_current = link.name == department);
    let template = CategoryPage {
        frame,
        parent: parent.map(|name| Link::to(&name, 0)),
        narrower,
        results: Results::new(&shop, &Link::to(&name, 0).url, &asked, Some(&path), &answer),
        rows: rows(&shop, decision).into_iter().filter(|row| !repeats(row, &products)).collect(),
        name,
    };
    page(&template, &visitor)
}

/// What is below a category, in the order of this visitor; without an answer the largest first.
async fn narrower(shop: &Shop, visitor: &Visitor, categories: &[Category], path: &str) -> Vec<Link> {
    match shop.mercer().below(visitor, path).await {
        Ok(tiles) => tiles.iter().map(Link::of).collect(),
        Err(trouble) => {
            tracing::warn!(error = %trouble, "a category stands in everybody's order");
            below(categories, path)
        }
    }
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
