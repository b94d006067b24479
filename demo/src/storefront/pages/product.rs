//! One product: what it is, what it costs, and what goes with it.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use mercer_schema::{DecidedItem, Page, PageType, Product, ProductId, SearchRequest};

use super::super::event::Story;
use super::super::shop::{Scene, Shop};
use super::super::trouble::Trouble;
use super::super::view::{Frame, Link, Row, Tile, rows, tiles};
use super::super::visitor::Visitor;
use super::category::Nothing;
use super::{page, page_with_status};

const MOST_VARIANTS: usize = 12;

#[derive(Template)]
#[template(path = "product.html")]
struct ProductPage {
    frame: Frame,
    tile: Tile,
    description: String,
    path: Vec<Link>,
    details: Vec<(String, String)>,
    variants: Vec<Tile>,
    rows: Vec<Row>,
}

pub(in super::super) async fn show(
    State(shop): State<Shop>,
    Path(id): Path<String>,
    mut visitor: Visitor,
) -> Result<Response, Trouble> {
    let Ok(id) = ProductId::parse(&id) else { return missing(&shop, &visitor).await };
    let (product, before) = tokio::join!(shop.mercer().product(&id), shop.known(&visitor));
    let Some(product) = product? else { return missing(&shop, &visitor).await };
    shop.saw(&product);
    let story = Story::product_viewed(&product);
    shop.tell(&visitor, &story).await;
    let about = Page {
        kind: PageType::Product,
        product_ids: vec![product.id.clone()],
        category: product.leaf_category().map(str::to_owned),
        ..Page::default()
    };
    let (decision, after, variants) =
        tokio::join!(shop.decide(&visitor, "product", about), shop.known(&visitor), variants(&shop, &product));
    let scene = shop.scene(&mut visitor, &story, before.as_ref(), after);
    let mut frame = Frame::build(&shop, &visitor, &product.title, scene).await?;
    frame.departments.iter_mut().for_each(|link| link.is_current = product.category.first() == Some(&link.name));
    let template = ProductPage {
        frame,
        tile: Tile::of(&product),
        path: product.category.iter().map(|name| Link::to(name, 0)).collect(),
        details: details(&product),
        variants: tiles(&shop, &variants),
        rows: rows(&shop, decision),
        description: product.description,
    };
    page(&template, &visitor)
}

fn details(product: &Product) -> Vec<(String, String)> {
    let mut details: Vec<(String, String)> = Vec::new();
    for (name, value) in product.attributes.iter() {
        let mut letters = name.chars();
        let name = letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default();
        details.push((name, value.to_owned()));
    }
    details.push(("Stock code".to_owned(), product.id.as_str().to_owned()));
    details
}

/// The other colours and sizes: products of the same group, whose id finds them all.
async fn variants(shop: &Shop, product: &Product) -> Vec<Product> {
    let Some(group) = &product.group_id else { return Vec::new() };
    let request =
        SearchRequest { q: group.clone(), ungrouped: true, dry_run: true, facets: Some(0), ..SearchRequest::default() };
    let found = shop.mercer().search(&request).await.map(|found| found.items).unwrap_or_default();
    let is_sibling = |other: &Product| other.group_id.as_ref() == Some(group) && other.id != product.id;
    found.iter().filter_map(DecidedItem::whole_product).filter(is_sibling).take(MOST_VARIANTS).collect()
}

async fn missing(shop: &Shop, visitor: &Visitor) -> Result<Response, Trouble> {
    let frame = Frame::build(shop, visitor, "Not on our shelves", Scene::default()).await?;
    let text = "We have no such product, or no longer. Perhaps the search finds something like it.";
    page_with_status(StatusCode::NOT_FOUND, &Nothing { frame, heading: "Not on our shelves", text }, visitor)
}
