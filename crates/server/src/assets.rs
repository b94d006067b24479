//! Files that are part of the binary: the web SDK and the pages for what is not there.

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rust_embed::RustEmbed;

use crate::problem::Problem;
use crate::state::App;

/// The SDK as it stands in the repository: no build step.
#[derive(RustEmbed)]
#[folder = "../../sdk/web/"]
#[include = "*.js"]
#[include = "*.css"]
#[exclude = "test/*"]
#[exclude = "tools/*"]
#[exclude = "node_modules/*"]
struct Sdk;

pub(crate) fn routes() -> Router<App> {
    Router::new().route("/sdk/{*file}", get(sdk))
}

async fn sdk(Path(file): Path<String>) -> Response {
    let Some(found) = Sdk::get(&file) else { return Problem::not_found("such file").into_response() };
    let is_style = file.ends_with(".css");
    let kind = if is_style { "text/css; charset=utf-8" } else { "text/javascript; charset=utf-8" };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300, stale-while-revalidate=86400")),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
        (header::HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("cross-origin")),
    ];
    (StatusCode::OK, headers, found.data).into_response()
}

pub(crate) async fn not_found() -> Problem {
    Problem::not_found("such page or call; the API is described at /docs/api/")
}

pub(crate) async fn method_not_allowed() -> Problem {
    Problem::method_not_allowed()
}
