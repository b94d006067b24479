//! Files of the storefront: stylesheet, script, and the drawn pictures. All may be kept by browsers for long.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use mercer_schema::{Product, ProductId};

use super::shop::Shop;
use super::trouble::Trouble;
use super::view::slug;
use crate::tile_svg;

/// One file for the browser; rules for narrow screens stand at the end of the last part.
const STYLESHEET: &str = concat!(
    include_str!("../../assets/base.css"),
    include_str!("../../assets/products.css"),
    include_str!("../../assets/pages.css"),
);
const SCRIPT: &str = include_str!("../../assets/shop.js");
const SIGN: &str = include_str!("../../assets/sign.svg");

const FOREVER: &str = "public, max-age=31536000, immutable";
const A_WEEK: &str = "public, max-age=604800";

/// The address changes with the content, so that browsers may keep it forever.
static VERSIONS: LazyLock<[String; 2]> = LazyLock::new(|| [STYLESHEET, SCRIPT].map(fingerprint));

pub(super) fn stylesheet_url() -> String {
    format!("/shop/assets/shop.css?v={}", VERSIONS[0])
}

pub(super) fn script_url() -> String {
    format!("/shop/assets/shop.js?v={}", VERSIONS[1])
}

pub(super) fn routes() -> Router<Shop> {
    Router::new()
        .route("/shop/assets/shop.css", get(|| async { file("text/css; charset=utf-8", FOREVER, STYLESHEET) }))
        .route("/shop/assets/shop.js", get(|| async { file("text/javascript; charset=utf-8", FOREVER, SCRIPT) }))
        .route("/shop/assets/sign.svg", get(|| async { file("image/svg+xml", A_WEEK, SIGN) }))
        .route("/shop/tile/{file}", get(product_picture))
        .route("/shop/department/{file}", get(department_picture))
}

async fn product_picture(State(shop): State<Shop>, Path(file): Path<String>) -> Result<Response, Trouble> {
    let id = file.strip_suffix(".svg").and_then(|id| ProductId::parse(id).ok());
    let Some(id) = id else { return Ok(StatusCode::NOT_FOUND.into_response()) };
    Ok(match shop.pictured(&id).await? {
        Some(product) => picture(&product),
        None => StatusCode::NOT_FOUND.into_response(),
    })
}

/// A category is drawn as itself, a department as the largest of its categories.
async fn department_picture(State(shop): State<Shop>, Path(file): Path<String>) -> Result<Response, Trouble> {
    let wanted = file.strip_suffix(".svg").unwrap_or_default();
    let categories = shop.categories().await?;
    let is_it = |name: Option<&String>| name.is_some_and(|name| slug(name) == wanted);
    let inside = categories.iter().filter(|category| is_it(category.path.first()) || is_it(category.path.last()));
    Ok(match inside.max_by_key(|category| (category.path.len() > 1, category.products)) {
        Some(category) => {
            let mut product = Product::new(ProductId::trusted(wanted), "");
            product.category.clone_from(&category.path);
            picture(&product)
        }
        None => StatusCode::NOT_FOUND.into_response(),
    })
}

fn picture(product: &Product) -> Response {
    file("image/svg+xml", A_WEEK, tile_svg(product))
}

fn file(kind: &'static str, cache: &'static str, content: impl IntoResponse) -> Response {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, cache)], content).into_response()
}

/// FNV-1a in hexadecimal.
fn fingerprint(content: &str) -> String {
    let hash = content
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}
