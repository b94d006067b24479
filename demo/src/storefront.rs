//! The storefront: a gift shop's site, rendered on the server, that knows Mercer only through its public HTTP API.
//!
//! Invariant: every page works without script and without Mercer's recommendations; what Mercer adds is on top.
//! State lives in the visitor's cookies; here are only caches that may be lost at any time.

mod asked;
mod asset;
mod cart;
mod change;
mod cookie;
mod event;
mod mercer;
mod pages;
mod panel;
mod results;
mod same_origin;
mod settings;
mod shop;
mod trouble;
mod view;
mod visitor;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::middleware::{from_fn, map_response};
use axum::response::Response;

use crate::Error;
pub use settings::ShopSettings;
use shop::Shop;

/// Only our own files: no inline script or style, no frames but our own, forms only to ourselves.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; font-src 'self'; form-action 'self'; frame-ancestors 'self'; base-uri 'none'";

/// The shop's routes under `/` and `/shop`. It has no fallback, so that it can be merged into a larger router.
pub fn storefront(settings: ShopSettings) -> Result<Router, Error> {
    let shop = Shop::open(settings)?;
    let routes = pages::routes().merge(asset::routes()).with_state(shop);
    Ok(routes.layer(from_fn(same_origin::require)).layer(map_response(secure)))
}

async fn secure(mut response: Response) -> Response {
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
    ];
    for (name, value) in fixed {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}
