//! Is it alive, is it ready, what does it count: for balancers and Prometheus. No key needed, nothing told.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::Problem;
use crate::state::App;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    pub status: &'static str,
    pub version: String,
}

/// The process answers.
#[utoipa::path(
    get, path = "/healthz", tag = "operations", security(()),
    responses((status = 200, description = "Alive", body = Health))
)]
pub(crate) async fn healthz(State(app): State<App>) -> Json<Health> {
    Json(Health { status: "ok", version: app.settings.code_version.clone() })
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Readiness {
    pub status: &'static str,
    /// How far the log is folded.
    pub position: u64,
    pub products: usize,
    pub placements: usize,
    /// The champion; none before the first training.
    pub model: Option<String>,
}

/// May traffic come here? Not while shutting down.
#[utoipa::path(
    get, path = "/readyz", tag = "operations", security(()),
    responses(
        (status = 200, description = "Ready", body = Readiness),
        (status = 503, description = "Draining", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn readyz(State(app): State<App>) -> Result<Json<Readiness>, Problem> {
    if app.is_draining() {
        return Err(Problem::not_ready("Mercer is shutting down; send traffic elsewhere."));
    }
    if !app.engine.is_taking() {
        return Err(Problem::not_ready(
            "Mercer takes no more events: a part of it broke. Start it again; its log says why.",
        ));
    }
    let snapshot = app.engine.snapshot();
    let world = &snapshot.world;
    Ok(Json(Readiness {
        status: "ready",
        position: world.position.0,
        products: world.catalog.len(),
        placements: world.placements.iter().count(),
        model: world.models.version.as_ref().map(ToString::to_string),
    }))
}

/// Counters and timings in Prometheus' text format.
#[utoipa::path(
    get, path = "/metrics", tag = "operations", security(()),
    responses((status = 200, description = "Metrics", body = String, content_type = "text/plain"))
)]
pub(crate) async fn metrics(State(app): State<App>) -> Response {
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    (StatusCode::OK, [(header::CONTENT_TYPE, kind)], app.metrics.render()).into_response()
}
