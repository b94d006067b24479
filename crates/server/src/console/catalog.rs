//! The catalog as people of the shop look at it: find a product, see how it sells and what goes with it.
//!
//! Reads only; products change by feeds and by the API.

use std::cmp::Reverse;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use mercer_decide::Catalog;
use mercer_engine::Snapshot;
use mercer_schema::{Activity, Availability, CommerceAction, Fact, Product, ProductId, SearchRequest};
use serde::Deserialize;

use super::live::{self, Row};
use super::page::{Frame, failure, grouped, minute, render};
use super::session::SignedIn;
use crate::problem::Problem;
use crate::state::{App, new_decision_id, now};

const PAGE: usize = 50;
/// Pages that can be turned to; beyond them a search is the better way.
const LAST_PAGE: usize = 10_000;
const NEIGHBOURS: usize = 8;
const ORDERS: usize = 20;

/// A product in one line.
#[derive(Debug, Clone, Default)]
pub(crate) struct Card {
    pub id: String,
    pub title: String,
    pub picture: Option<String>,
    pub price: String,
    pub category: String,
    pub availability: &'static str,
    pub is_buyable: bool,
}

impl Card {
    pub(crate) fn of(product: &Product) -> Self {
        Self {
            id: product.id.to_string(),
            title: product.title.clone(),
            picture: product.image_url.clone().filter(|address| is_picture(address)),
            price: product.price.map(|price| price.to_string()).unwrap_or_default(),
            category: product.category.join(" › "),
            availability: availability(product.availability),
            is_buyable: product.is_buyable(),
        }
    }

    /// The product of an id, also of one that the catalog does not have.
    pub(crate) fn find(catalog: &Catalog, id: &ProductId) -> Self {
        let unknown = || Self {
            id: id.to_string(),
            title: id.to_string(),
            availability: "Not in the catalog",
            ..Self::default()
        };
        catalog.get(id).map_or_else(unknown, |product| Self::of(product))
    }
}

#[derive(Deserialize)]
pub(crate) struct CatalogQuery {
    #[serde(default)]
    q: String,
    #[serde(default)]
    category: String,
    #[serde(default)]
    sort: Sort,
    /// From 1.
    page: Option<usize>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Sort {
    #[default]
    Popular,
    Newest,
    Title,
}

impl Sort {
    const ALL: [(Self, &'static str, &'static str); 3] = [
        (Self::Popular, "popular", "Most wanted"),
        (Self::Newest, "newest", "Newest"),
        (Self::Title, "title", "Title"),
    ];

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(sort, _, _)| *sort == self).map_or("popular", |(_, name, _)| name)
    }
}

#[derive(Template)]
#[template(path = "console/catalog.html")]
struct CatalogPage {
    frame: Frame,
    query: String,
    category: String,
    categories: Vec<CategoryOption>,
    sort: &'static str,
    sorts: Vec<(&'static str, &'static str)>,
    rows: Vec<Listed>,
    is_empty: bool,
    total: String,
    page: usize,
    has_more: bool,
}

struct CategoryOption {
    name: String,
    /// Indented by its level.
    label: String,
}

struct Listed {
    card: Card,
    /// Demand in hundredths of the most wanted product's.
    demand: String,
}

pub(crate) async fn list(
    SignedIn(session): SignedIn,
    State(app): State<App>,
    Query(asked): Query<CatalogQuery>,
) -> Response {
    let frame = Frame::new(&app, &session, "catalog");
    let found = tokio::task::spawn_blocking(move || {
        let snapshot = app.engine.snapshot();
        let page = asked.page.unwrap_or(1).clamp(1, LAST_PAGE);
        let (rows, total) =
            if asked.q.trim().is_empty() { browse(&snapshot, &asked, page) } else { search(&snapshot, &asked, page) };
        CatalogPage {
            frame,
            categories: category_options(&snapshot.world.catalog),
            sort: asked.sort.name(),
            sorts: Sort::ALL.iter().map(|(_, name, label)| (*name, *label)).collect(),
            rows,
            is_empty: snapshot.world.catalog.is_empty(),
            total: grouped(total as u64),
            page,
            has_more: page * PAGE < total,
            query: asked.q,
            category: asked.category,
        }
    });
    match found.await {
        Ok(page) => render(&page),
        Err(error) => failure(&Problem::internal(&error)),
    }
}

/// As a customer of whom nothing is known would find it.
fn search(snapshot: &Snapshot, asked: &CatalogQuery, page: usize) -> (Vec<Listed>, usize) {
    let request = SearchRequest {
        q: asked.q.clone(),
        category: Some(asked.category.clone()).filter(|name| !name.is_empty()),
        limit: Some(PAGE),
        cursor: Some(((page - 1) * PAGE).to_string()),
        facets: Some(0),
        fields: vec!["id".to_owned()],
        ungrouped: true,
        dry_run: true,
        ..SearchRequest::default()
    };
    let found = mercer_decide::search(&snapshot.world, &request, new_decision_id(), now());
    let products = found.items.iter().filter_map(|item| snapshot.world.catalog.get(&item.product_id));
    (products.map(|product| listed(snapshot, product)).collect(), found.total)
}

fn browse(snapshot: &Snapshot, asked: &CatalogQuery, page: usize) -> (Vec<Listed>, usize) {
    let (catalog, popularity) = (&snapshot.world.catalog, &snapshot.world.popularity);
    let mut items: Vec<_> = match (asked.category.as_str(), asked.sort) {
        ("", Sort::Newest) => catalog.newest().collect(),
        ("", _) => catalog.products().map(|(item, _)| item).collect(),
        (category, _) => catalog.in_category(category).collect(),
    };
    match asked.sort {
        Sort::Popular => items.sort_by_cached_key(|item| Reverse((popularity.score(*item) * 1e6) as u32)),
        Sort::Newest => items.sort_by_cached_key(|item| Reverse(catalog.since(*item))),
        Sort::Title => {
            items.sort_by_cached_key(|item| catalog.product(*item).map(|product| product.title.to_lowercase()));
        }
    }
    let shown = items.iter().skip((page - 1) * PAGE).take(PAGE).filter_map(|item| catalog.product(*item));
    (shown.map(|product| listed(snapshot, product)).collect(), items.len())
}

fn listed(snapshot: &Snapshot, product: &Product) -> Listed {
    Listed { card: Card::of(product), demand: demand(snapshot, &product.id) }
}

/// Demand in hundredths of the most wanted product's, which is as wide as a bar is drawn.
fn demand(snapshot: &Snapshot, id: &ProductId) -> String {
    let score = snapshot.world.catalog.item(id).map_or(0.0, |item| snapshot.world.popularity.score(item));
    format!("{:.1}", f64::from(score) * 100.0)
}

fn category_options(catalog: &Catalog) -> Vec<CategoryOption> {
    let option = |found: mercer_decide::CategoryCount| {
        let name = found.path.last()?.clone();
        let label = format!("{}{name} ({})", "\u{2003}".repeat(found.path.len() - 1), grouped(found.products as u64));
        Some(CategoryOption { name, label })
    };
    catalog.categories().filter_map(option).collect()
}

#[derive(Template)]
#[template(path = "console/product.html")]
struct ProductPage {
    frame: Frame,
    card: Card,
    facts: Vec<(&'static str, String)>,
    attributes: Vec<(String, String)>,
    description: String,
    /// The shop's own page of it.
    address: Option<String>,
    /// Place among all by demand, if anybody ever wanted it.
    rank: Option<String>,
    products: String,
    demand: String,
    related: Vec<Related>,
    orders: Vec<Row>,
}

/// Products that go with one, by one way of finding them.
struct Related {
    title: &'static str,
    about: &'static str,
    cards: Vec<(Card, String)>,
}

pub(crate) async fn show(SignedIn(session): SignedIn, State(app): State<App>, Path(id): Path<String>) -> Response {
    let frame = Frame::new(&app, &session, "catalog");
    let made = tokio::task::spawn_blocking(move || product_page(&app, frame, &id));
    match made.await {
        Ok(Ok(page)) => render(&page),
        Ok(Err(problem)) => failure(&problem),
        Err(error) => failure(&Problem::internal(&error)),
    }
}

fn product_page(app: &App, frame: Frame, id: &str) -> Result<ProductPage, Problem> {
    let id = ProductId::parse(id).map_err(|error| Problem::invalid(Some("id".into()), error.to_string()))?;
    let snapshot = app.engine.snapshot();
    let world = &snapshot.world;
    let product = world.catalog.get(&id).ok_or_else(|| Problem::not_found("such product in the catalog"))?;
    let item = world.catalog.item(&id);
    let rank = world.popularity.ranked().position(|(ranked, _)| Some(ranked) == item);
    let (orders, _) =
        live::newest(&app.engine, snapshot.position().0, ORDERS, |record| is_order_of(&record.fact, &id))?;
    Ok(ProductPage {
        frame,
        card: Card::of(product),
        facts: facts(&snapshot, product),
        attributes: product.attributes.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        description: product.description.clone(),
        address: product.url.clone().filter(|address| is_web_address(address)),
        rank: rank.map(|rank| grouped(rank as u64 + 1)),
        products: grouped(world.catalog.len() as u64),
        demand: demand(&snapshot, &id),
        related: related(&snapshot, product),
        orders,
    })
}

fn facts(snapshot: &Snapshot, product: &Product) -> Vec<(&'static str, String)> {
    let catalog = &snapshot.world.catalog;
    let since = catalog.item(&product.id).and_then(|item| catalog.since(item));
    let days = product.repurchase_days.map(|days| format!("after {days} days, says the feed"));
    let all = [
        ("Id", Some(product.id.to_string())),
        ("Brand", product.brand.clone()),
        ("Category", (!product.category.is_empty()).then(|| product.category.join(" › "))),
        ("Price", product.price.map(|price| price.to_string())),
        ("Price before", product.list_price.map(|price| price.to_string())),
        ("Availability", Some(availability(product.availability).to_owned())),
        ("Variant of", product.group_id.clone()),
        ("Wanted again", days),
        ("In the catalog since", since.map(minute)),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

fn related(snapshot: &Snapshot, product: &Product) -> Vec<Related> {
    let world = &snapshot.world;
    let Some(item) = world.catalog.item(&product.id) else { return Vec::new() };
    let (bought, viewed) = (&world.models.bought_together, &world.models.also_viewed);
    let bought_near = bought.of(item).iter().map(|near| (near.item, together(near.together, bought.lift(item, near))));
    let viewed_near = viewed.of(item).iter().map(|near| (near.item, together(near.together, viewed.lift(item, near))));
    let similar = world.content.similar(&[item], NEIGHBOURS).into_iter();
    let similar = similar.map(|near| (near.item, format!("likeness {:.2}", near.score)));
    let siblings = product.group_id.iter().flat_map(|group| world.catalog.siblings(group));
    let siblings = siblings.filter(|other| *other != item).map(|other| (other, String::new()));
    let all = [
        (
            "Bought together",
            "In the same orders, more often than chance. Learned in training.",
            cards(bought_near.map(|(item, why)| (world.catalog.product(item), why))),
        ),
        (
            "Also viewed",
            "By the same people, more often than chance. Learned in training.",
            cards(viewed_near.map(|(item, why)| (world.catalog.product(item), why))),
        ),
        ("Similar", "By words and attributes.", cards(similar.map(|(item, why)| (world.catalog.product(item), why)))),
        ("Variants", "Share the same group.", cards(siblings.map(|(item, why)| (world.catalog.product(item), why)))),
    ];
    let related = all.into_iter().map(|(title, about, cards)| Related { title, about, cards });
    related.filter(|related| !related.cards.is_empty()).collect()
}

fn cards<'a>(near: impl Iterator<Item = (Option<&'a Arc<Product>>, String)>) -> Vec<(Card, String)> {
    near.filter_map(|(product, why)| Some((Card::of(product?), why))).take(NEIGHBOURS).collect()
}

fn together(times: u32, lift: f64) -> String {
    format!("{} times, {lift:.1} × chance", grouped(u64::from(times)))
}

fn is_order_of(fact: &Fact, id: &ProductId) -> bool {
    let Fact::Event(event) = fact else { return false };
    let Activity::Commerce(commerce) = &event.activity else { return false };
    commerce.action == CommerceAction::OrderCompleted && commerce.lines.iter().any(|line| line.product_id == *id)
}

const fn availability(availability: Availability) -> &'static str {
    match availability {
        Availability::InStock => "In stock",
        Availability::OutOfStock => "Out of stock",
        Availability::Preorder => "Preorder",
        Availability::Backorder => "Backorder",
    }
}

/// Feeds come from outside: only addresses that cannot run anything become links.
fn is_web_address(address: &str) -> bool {
    address.starts_with("https://") || address.starts_with("http://") || address.starts_with('/')
}

fn is_picture(address: &str) -> bool {
    is_web_address(address) || address.starts_with("data:image/")
}

/// Products by what was typed: ids divided by commas or lines.
pub(crate) fn product_ids(typed: &str) -> Result<Vec<ProductId>, mercer_schema::IdError> {
    let ids = typed.split([',', '\n']).map(str::trim).filter(|id| !id.is_empty());
    ids.map(ProductId::parse).collect()
}

/// The most wanted product that can be bought: an example for pages that need one.
pub(crate) fn example(snapshot: &Snapshot) -> Option<Arc<Product>> {
    let catalog = &snapshot.world.catalog;
    let mut ranked = snapshot.world.popularity.ranked().map(|(item, _)| item).chain(catalog.newest());
    ranked.find_map(|item| catalog.product(item).filter(|product| product.is_buyable()).cloned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_could_run_are_no_links() {
        assert!(is_web_address("https://shop.example/p") && is_web_address("/p"));
        for address in ["javascript:alert(1)", " javascript:alert(1)", "data:text/html,x", "vbscript:x", ""] {
            assert!(!is_web_address(address) && !is_picture(address), "{address}");
        }
        assert!(is_picture("data:image/svg+xml,x") && !is_web_address("data:image/svg+xml,x"));
    }

    #[test]
    fn a_product_that_left_the_catalog_still_has_a_card() {
        let card = Card::find(&Catalog::default(), &ProductId::trusted("gone"));
        assert_eq!((card.title.as_str(), card.availability, card.is_buyable), ("gone", "Not in the catalog", false));
    }

    #[test]
    fn typed_ids_are_divided_by_commas_and_lines() {
        let ids = product_ids(" 85123A, mug with a space\n, x").unwrap();
        assert_eq!(ids.iter().map(|id| id.as_str()).collect::<Vec<_>>(), ["85123A", "mug with a space", "x"]);
    }
}
