//! The catalog over HTTP: read it, search it, change it.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use mercer_schema::{Product, ProductId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::access::{MayAdmin, MayDecide};
use crate::body::{ApiList, ApiQuery, LONGEST_TEXT, at_most};
use crate::problem::Problem;
use crate::search::is_offset;
use crate::state::{App, now};

const PAGE: usize = 24;
const LARGEST_PAGE: usize = 200;
const MOST_PRODUCTS: usize = 1_000;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProductPage {
    pub total: usize,
    #[schema(value_type = Vec<Product>)]
    pub products: Vec<Arc<Product>>,
    /// Send it as `cursor` for the following products.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProductQuery {
    /// Only products of this category, at any level.
    #[param(max_length = 1000)]
    pub category: Option<String>,
    #[serde(default)]
    #[param(inline)]
    pub sort: ProductSort,
    /// Products a page, 1 to 200.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<usize>,
    /// The `next` of an earlier answer.
    #[param(pattern = "^[0-9]{1,9}$")]
    pub cursor: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ProductSort {
    /// Most wanted first.
    #[default]
    Popular,
    Newest,
    PriceUp,
    PriceDown,
    Title,
}

/// The catalog, page by page.
#[utoipa::path(
    get, path = "/v1/products", tag = "catalog", params(ProductQuery),
    responses(
        (status = 200, description = "Products", body = ProductPage),
        (status = 400, description = "A parameter is wrong", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn list(
    _caller: MayDecide,
    State(app): State<App>,
    ApiQuery(query): ApiQuery<ProductQuery>,
) -> Result<Json<ProductPage>, Problem> {
    let limit = page_size(query.limit)?;
    let offset = offset_of(query.cursor.as_deref())?;
    at_most("category", query.category.as_deref(), LONGEST_TEXT)?;
    let snapshot = app.engine.snapshot();
    let mut products: Vec<Arc<Product>> = match query.sort {
        ProductSort::Popular => {
            let popularity = &snapshot.world.popularity;
            let mut ranked: Vec<_> = snapshot.world.catalog.products().collect();
            ranked.sort_by(|(a, _), (b, _)| popularity.score(*b).total_cmp(&popularity.score(*a)).then(a.cmp(b)));
            ranked.into_iter().map(|(_, product)| Arc::clone(product)).collect()
        }
        ProductSort::Newest => {
            let catalog = &snapshot.world.catalog;
            catalog.newest().filter_map(|item| catalog.product(item).cloned()).collect()
        }
        _ => snapshot.world.catalog.products().map(|(_, product)| Arc::clone(product)).collect(),
    };
    if let Some(category) = &query.category {
        products.retain(|product| product.category.iter().any(|level| level == category));
    }
    let price = |product: &Product| product.price.map_or(i64::MAX, |price| price.minor);
    match query.sort {
        ProductSort::PriceUp => products.sort_by_key(|product| price(product)),
        ProductSort::PriceDown => {
            products.sort_by_key(|product| std::cmp::Reverse(product.price.map(|price| price.minor)));
        }
        ProductSort::Title => products.sort_by(|a, b| a.title.cmp(&b.title)),
        ProductSort::Popular | ProductSort::Newest => {}
    }
    // What can be bought comes first, in every order.
    products.sort_by_key(|product| !product.is_buyable());
    let total = products.len();
    let next = (offset + limit < total).then(|| (offset + limit).to_string());
    let products = products.into_iter().skip(offset).take(limit).collect();
    Ok(Json(ProductPage { total, products, next }))
}

/// One product.
#[utoipa::path(
    get, path = "/v1/products/{id}", tag = "catalog",
    params(("id" = inline(ProductId), Path, description = "The product's id")),
    responses(
        (status = 200, description = "The product", body = Product),
        (status = 400, description = "No id", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such product", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn find(
    _caller: MayDecide,
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<Arc<Product>>, Problem> {
    let id = product_id(&id)?;
    let snapshot = app.engine.snapshot();
    let product = snapshot.world.catalog.get(&id).ok_or_else(|| Problem::not_found("such product"))?;
    Ok(Json(Arc::clone(product)))
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SavedProducts {
    /// New or different from before.
    pub changed: usize,
    pub unchanged: usize,
}

/// Adds or updates up to 1,000 products; each replaces the one with its id.
#[utoipa::path(
    post, path = "/v1/products", tag = "catalog", request_body = Vec<Product>,
    responses(
        (status = 200, description = "Durable and in force", body = SavedProducts),
        (status = 400, description = "A field is wrong; nothing was saved", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "Not JSON", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn save(
    _caller: MayAdmin,
    State(app): State<App>,
    ApiList(products): ApiList<Product>,
) -> Result<Json<SavedProducts>, Problem> {
    if products.len() > MOST_PRODUCTS {
        return Err(Problem::too_large(format!("At most {MOST_PRODUCTS} products a call; send the rest in another.")));
    }
    let saved = app.engine.save_products(products, now()).await?;
    Ok(Json(SavedProducts { changed: saved.changed, unchanged: saved.unchanged }))
}

/// Takes a product out of the catalog. Its history stays.
#[utoipa::path(
    delete, path = "/v1/products/{id}", tag = "catalog",
    params(("id" = inline(ProductId), Path, description = "The product's id")),
    responses(
        (status = 204, description = "Gone"),
        (status = 400, description = "No id", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such product", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn remove(
    _caller: MayAdmin,
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<axum::http::StatusCode, Problem> {
    if app.engine.remove_product(&product_id(&id)?, now()).await? {
        Ok(axum::http::StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found("such product"))
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Categories {
    pub categories: Vec<Category>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Category {
    /// From the widest to the narrowest.
    pub path: Vec<String>,
    pub products: usize,
}

/// The categories that products are in, with how many each holds.
#[utoipa::path(
    get, path = "/v1/categories", tag = "catalog",
    responses(
        (status = 200, description = "Categories, in alphabetical order of their paths", body = Categories),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn categories(_caller: MayDecide, State(app): State<App>) -> Json<Categories> {
    let snapshot = app.engine.snapshot();
    let category = |counted: mercer_decide::CategoryCount| Category { path: counted.path, products: counted.products };
    Json(Categories { categories: snapshot.world.catalog.categories().map(category).collect() })
}

fn page_size(asked: Option<usize>) -> Result<usize, Problem> {
    match asked {
        None => Ok(PAGE),
        Some(limit @ 1..=LARGEST_PAGE) => Ok(limit),
        Some(_) => Err(Problem::invalid(Some("limit".into()), format!("A number from 1 to {LARGEST_PAGE}."))),
    }
}

fn offset_of(cursor: Option<&str>) -> Result<usize, Problem> {
    let wrong = || Problem::invalid(Some("cursor".into()), "Send the `next` of an earlier answer, or none.");
    let Some(cursor) = cursor else { return Ok(0) };
    // A sign in front would parse too.
    cursor.parse().ok().filter(|_| is_offset(cursor)).ok_or_else(wrong)
}

fn product_id(text: &str) -> Result<ProductId, Problem> {
    ProductId::parse(text).map_err(|error| Problem::invalid(Some("id".into()), error.to_string()))
}
