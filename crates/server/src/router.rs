//! All routes. API routes are declared once, with their OpenAPI description beside the handler.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Document;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::App;
use crate::{
    admin, assets, browse, catalog, collect, console, customers, decide, docs, export, guard, health, idempotency,
    models, openapi, search, search_desk, search_judgments, search_trial, upload,
};

/// Bodies of the collectors: their own limit answers before this one.
const COLLECT_BODY_BYTES: usize = 1024 * 1024;
pub(crate) const API_BODY_BYTES: usize = 4 * 1024 * 1024;
/// Where files are uploaded to; these calls have a limit of their own.
pub(crate) const UPLOADS: &str = "/v1/import/";

/// The whole server: API, collectors, console, files.
pub fn router(app: App) -> Router {
    let (api, document) = api().split_for_parts();
    let repeatable = axum::middleware::from_fn_with_state(app.clone(), idempotency::layer);
    let api = api.layer(repeatable).layer(DefaultBodyLimit::max(API_BODY_BYTES));
    // Set before the layer around it: otherwise a browser's preflight would meet the fallback and not the layer.
    let called_from_pages =
        api.merge(collectors()).method_not_allowed_fallback(assets::method_not_allowed).layer(guard::cross_origin());
    Router::new()
        .merge(called_from_pages)
        .merge(openapi::pages(openapi::completed(document)))
        .merge(docs::routes())
        .merge(assets::routes())
        .merge(console::routes())
        .fallback(assets::not_found)
        .method_not_allowed_fallback(assets::method_not_allowed)
        .layer(CatchPanicLayer::custom(guard::panicked))
        .layer(axum::middleware::from_fn(guard::guard))
        .with_state(app)
}

/// The described API.
fn api() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(openapi::Api::openapi())
        .routes(routes!(collect::batch))
        .routes(routes!(decide::decide))
        .routes(routes!(decide::find))
        .routes(routes!(decide::replay))
        .routes(routes!(catalog::list, catalog::save))
        .routes(routes!(catalog::find, catalog::remove))
        .routes(routes!(catalog::categories))
        .routes(routes!(search::get, search::post))
        .routes(routes!(browse::tree, browse::tree_post))
        .routes(routes!(browse::category, browse::category_post))
        .routes(routes!(search::facets, search::facets_post))
        .routes(routes!(search::suggest, search::suggest_post))
        .routes(routes!(search_desk::synonyms, search_desk::save_synonyms))
        .routes(routes!(search_desk::rules))
        .routes(routes!(search_desk::settings, search_desk::save_settings))
        .routes(routes!(search_desk::analytics))
        .routes(routes!(search_judgments::list, search_judgments::save))
        .routes(routes!(search_trial::show, search_trial::start, search_trial::stop))
        .routes(routes!(search_desk::save_rule, search_desk::remove_rule))
        .routes(routes!(search::logged))
        .routes(routes!(search::replay))
        .routes(routes!(customers::find))
        .routes(routes!(customers::preferences, customers::save_preferences))
        .routes(routes!(admin::list_placements))
        .routes(routes!(admin::save_placement, admin::remove_placement))
        .routes(routes!(models::list))
        .routes(routes!(models::train))
        .routes(routes!(models::training))
        .routes(routes!(models::changes))
        .routes(routes!(models::health))
        .routes(routes!(models::roll_back))
        .routes(routes!(models::canary, models::start_canary))
        .routes(routes!(models::stop_canary))
        .routes(routes!(models::show, models::remove))
        .routes(routes!(models::promote))
        .routes(routes!(admin::list_bad_rows))
        .routes(routes!(admin::replay_bad_row))
        .routes(routes!(admin::list_keys, admin::create_key))
        .routes(routes!(admin::revoke_key))
        .routes(routes!(export::events))
        .routes(routes!(export::products))
        .routes(routes!(export::backup))
        .routes(routes!(upload::import))
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(health::metrics))
}

/// The API's description, for tests and for export.
pub fn document() -> Document {
    openapi::completed(api().into_openapi())
}

/// Addresses that stock trackers call. They are described in docs/connect-trackers.md, not in the OpenAPI.
fn collectors() -> Router<App> {
    let mut router = Router::new();
    for call in COLLECT_CALLS {
        router = router.route(call, post(collect::single));
    }
    router
        .route("/v1/b", post(collect::batch))
        .route("/v1/import", post(collect::batch))
        .route("/beacon/v1/batch", post(collect::batch))
        .route("/v1/m", post(collect::tracker_metrics))
        .route("/rsaMetrics", post(collect::tracker_metrics))
        .route("/v1/projects/{key}/settings", get(collect::segment_settings))
        .route("/sourceConfig/", get(collect::rudder_settings))
        .route("/sourceConfig", get(collect::rudder_settings))
        .route("/api/s/{event}", post(collect::jitsu))
        .route("/mp/collect", post(collect::ga4))
        .route("/debug/mp/collect", post(collect::ga4_validate))
        .layer(DefaultBodyLimit::max(COLLECT_BODY_BYTES))
}

/// Segment's single calls, long and short.
const COLLECT_CALLS: [&str; 12] = [
    "/v1/track",
    "/v1/t",
    "/v1/page",
    "/v1/p",
    "/v1/screen",
    "/v1/s",
    "/v1/identify",
    "/v1/i",
    "/v1/group",
    "/v1/g",
    "/v1/alias",
    "/v1/a",
];
