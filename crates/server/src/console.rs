//! The console: pages that people of the shop work with. Rendered on the server, usable without JavaScript.
//!
//! Every page but the sign-in needs a session; every form carries the session's token. All text goes through
//! askama's escaping; the pages have no inline script or style.

pub(crate) mod accounts;
mod bad_rows;
mod catalog;
mod chart;
mod customers;
mod decided;
mod inspector;
mod interests;
mod judging;
mod judging_compare;
mod judging_trial;
mod live;
mod model_card;
mod model_parts;
mod models;
mod overview;
pub(crate) mod page;
mod page_type;
mod placement_form;
mod placements;
mod search_analytics;
mod search_rule_form;
mod search_rules;
mod searched;
mod session;
mod settings;
mod sign_in;
mod synonyms;
mod view_as;

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use rust_embed::RustEmbed;
use tower_http::compression::CompressionLayer;

use crate::problem::Problem;
use crate::state::App;

#[derive(RustEmbed)]
#[folder = "assets/console/"]
struct Assets;

pub(crate) fn routes() -> Router<App> {
    let pages = Router::new()
        .route("/console", get(|| async { Redirect::permanent("/console/") }))
        .route("/console/", get(overview::show))
        .route("/console/sign-in", get(sign_in::form).post(sign_in::submit))
        .route("/console/welcome", get(sign_in::welcome).post(sign_in::claim))
        .route("/console/sign-out", post(sign_in::sign_out))
        .route("/console/events", get(live::show))
        .route("/console/bad-rows", get(bad_rows::list))
        .route("/console/bad-rows/{id}/replay", post(bad_rows::replay))
        .route("/console/customers", get(customers::list))
        .route("/console/customers/{id}", get(customers::show))
        .route("/console/customers/{id}/view-as", post(view_as::show))
        .route("/console/catalog", get(catalog::list))
        .route("/console/catalog/{id}", get(catalog::show))
        .route("/console/placements", get(placements::list))
        .route("/console/new-placement", get(placements::new).post(placements::create))
        .route("/console/placements/{id}", get(placements::edit).post(placements::save))
        .route("/console/placements/{id}/remove", post(placements::remove))
        .route("/console/search", get(inspector::show))
        .route("/console/search/analytics", get(search_analytics::show))
        .route("/console/search/analytics/query", get(search_analytics::query))
        .route("/console/search/judging", get(judging::show))
        .route("/console/search/judging/import", post(judging::import))
        .route("/console/search/judging/judgments.tsv", get(judging::export))
        .route("/console/search/judging/query", get(judging::query).post(judging::judge))
        .route("/console/search/judging/compare", get(judging_compare::show))
        .route("/console/search/judging/trial", get(judging_trial::show).post(judging_trial::change))
        .route("/console/search/synonyms", get(synonyms::show).post(synonyms::save))
        .route("/console/search/synonyms/settle", post(synonyms::settle))
        .route("/console/search/rules", get(search_rules::list))
        .route("/console/search/new-rule", get(search_rules::new).post(search_rules::create))
        .route("/console/search/rules/{id}", get(search_rules::edit).post(search_rules::save))
        .route("/console/search/rules/{id}/remove", post(search_rules::remove))
        .route("/console/models", get(models::list))
        .route("/console/models/train", post(models::train))
        .route("/console/models/rollback", post(models::roll_back))
        .route("/console/models/stop-canary", post(models::stop_canary))
        .route("/console/models/{version}", get(model_card::show))
        .route("/console/models/{version}/promote", post(models::promote))
        .route("/console/models/{version}/canary", post(models::start_canary))
        .route("/console/settings", get(settings::show))
        .route("/console/settings/keys", post(settings::create_key))
        .route("/console/settings/keys/{name}/revoke", post(settings::revoke_key))
        .layer(CompressionLayer::new());
    // The live stream must not wait in a compressor's buffer.
    pages.route("/console/live", get(live::stream)).route("/console/assets/{file}", get(asset))
}

async fn asset(Path(file): Path<String>) -> Response {
    let Some(found) = Assets::get(&file) else { return Problem::not_found("such file").into_response() };
    let kind = match file.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    };
    let cached = HeaderValue::from_static("public, max-age=300");
    ([(header::CONTENT_TYPE, HeaderValue::from_static(kind)), (header::CACHE_CONTROL, cached)], found.data)
        .into_response()
}
