//! `/v1/models`: training, versions, promoting and going back, canaries, drift. All of it needs `admin`.

pub mod views;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use mercer_engine::Audit;
use mercer_schema::ModelVersion;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use self::views::{CanaryReport, ChangeList, ModelDetails, ModelHealth, ModelList, TrainingProgress};
use crate::access::MayAdmin;
use crate::body::{ApiJson, ApiQuery, LONGEST_TEXT, OptionalJson, at_most};
use crate::problem::Problem;
use crate::state::{App, now};

/// Why something is changed, for the audit trail.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeReason {
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub why: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TrainRequest {
    /// Answer when the run has ended (the default), or at once; then `GET /v1/models/training` tells how far it is.
    #[serde(default = "yes")]
    pub wait: bool,
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub why: String,
}

const fn yes() -> bool {
    true
}

impl Default for TrainRequest {
    fn default() -> Self {
        Self { wait: true, why: String::new() }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StartCanary {
    pub version: ModelVersion,
    /// The share of the customers that it answers.
    #[schema(exclusive_minimum = 0, maximum = 1)]
    pub share: f64,
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub why: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ServingVersion {
    #[schema(value_type = String)]
    pub version: ModelVersion,
}

/// All model versions, newest first.
#[utoipa::path(
    get, path = "/v1/models", tag = "models",
    responses(
        (status = 200, description = "Models", body = ModelList),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn list(_caller: MayAdmin, State(app): State<App>) -> Result<Json<ModelList>, Problem> {
    Ok(Json(views::list(&app.engine)?))
}

/// The card of a version: what it learned from, how it was made, how it did against the champion, in the shadow and as a
/// canary.
#[utoipa::path(
    get, path = "/v1/models/{version}", tag = "models",
    params(("version" = inline(ModelVersion), Path, description = "A version in the registry")),
    responses(
        (status = 200, description = "The version", body = ModelDetails),
        (status = 400, description = "No version", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such version, or its manifest cannot be read", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn show(
    _caller: MayAdmin,
    State(app): State<App>,
    Path(version): Path<String>,
) -> Result<Json<ModelDetails>, Problem> {
    let version = parsed(&version)?;
    let found = views::details(&app.engine, &version)?;
    found.map(Json).ok_or_else(|| Problem::not_found("such model version"))
}

/// Why a version is removed, for the audit trail.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct RemovalReason {
    #[serde(default)]
    #[param(max_length = 1000)]
    pub why: String,
}

/// Takes a version away for good; decisions that it made cannot be made again afterwards.
///
/// What is needed stays: the champion, the canary, the newest version, the one that a roll-back leads to, and those that these
/// were compared with.
#[utoipa::path(
    delete, path = "/v1/models/{version}", tag = "models",
    params(("version" = inline(ModelVersion), Path, description = "A version in the registry"), RemovalReason),
    responses(
        (status = 204, description = "Gone"),
        (status = 400, description = "No version, or a parameter is wrong", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such version", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The version is needed: `detail` says for what", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn remove(
    MayAdmin(admitted): MayAdmin,
    State(app): State<App>,
    Path(version): Path<String>,
    ApiQuery(reason): ApiQuery<RemovalReason>,
) -> Result<StatusCode, Problem> {
    app.engine.remove_model(&parsed(&version)?, &audit(&admitted, reason.why)?, now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TrainedModel {
    #[schema(value_type = String)]
    pub version: ModelVersion,
    /// It serves now; otherwise it waits as candidate: `gate` says why.
    pub promoted: bool,
    /// It passed the gate and waits, as this version is being tried: promote it once the canary has ended.
    #[schema(value_type = Option<String>)]
    pub waits_for_canary: Option<ModelVersion>,
    #[schema(value_type = Object)]
    pub metrics: serde_json::Value,
    /// The comparison with the champion: each check with both figures, the interval of their difference and the verdict.
    #[schema(value_type = Object)]
    pub gate: mercer_engine::Gate,
}

/// Trains on everything in the log, and promotes the outcome when it does not lose to the champion.
///
/// A run that was cut off less than a day ago is gone on with when code, settings and data are the same.
#[utoipa::path(
    post, path = "/v1/models/train", tag = "models", request_body = Option<TrainRequest>,
    responses(
        (status = 200, description = "Trained", body = TrainedModel),
        (status = 202, description = "On its way, as `wait` is false", body = TrainingProgress),
        (status = 400, description = "A field is wrong", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Already training, nothing to learn from, or the first request with this Idempotency-Key is still running", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Mercer shuts down; the next start goes on with what was finished", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn train(
    MayAdmin(admitted): MayAdmin,
    State(app): State<App>,
    OptionalJson(request): OptionalJson<TrainRequest>,
) -> Result<Response, Problem> {
    let audit = audit(&admitted, request.why)?;
    if !request.wait {
        app.train_behind(audit)?;
        return Ok((StatusCode::ACCEPTED, Json(views::training(&app.engine))).into_response());
    }
    let trained = app.train(audit).await?;
    let trained = TrainedModel {
        version: trained.version,
        promoted: trained.promoted,
        waits_for_canary: trained.waits_for_canary,
        metrics: serde_json::Value::Object(trained.metrics),
        gate: trained.gate,
    };
    Ok(Json(trained).into_response())
}

/// How far the training is, or how the last one since the start ended.
#[utoipa::path(
    get, path = "/v1/models/training", tag = "models",
    responses(
        (status = 200, description = "The run", body = TrainingProgress),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn training(_caller: MayAdmin, State(app): State<App>) -> Json<TrainingProgress> {
    Json(views::training(&app.engine))
}

/// Makes a version the champion: forward to a candidate or back to an earlier one. A canary that runs ends.
#[utoipa::path(
    post, path = "/v1/models/{version}/promote", tag = "models", request_body = Option<ChangeReason>,
    params(("version" = inline(ModelVersion), Path, description = "A version in the registry")),
    responses(
        (status = 204, description = "It serves from now on"),
        (status = 400, description = "No version, or a field is wrong", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The version is the champion already, or cannot be loaded and the champion stays, or the first request with this Idempotency-Key is still running", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn promote(
    MayAdmin(admitted): MayAdmin,
    State(app): State<App>,
    Path(version): Path<String>,
    OptionalJson(reason): OptionalJson<ChangeReason>,
) -> Result<StatusCode, Problem> {
    app.engine.promote(&parsed(&version)?, &audit(&admitted, reason.why)?, now()).await?;
    app.look_after_models();
    Ok(StatusCode::NO_CONTENT)
}

/// Goes back to the champion before the present one was promoted.
#[utoipa::path(
    post, path = "/v1/models/rollback", tag = "models", request_body = Option<ChangeReason>,
    responses(
        (status = 200, description = "This version serves again", body = ServingVersion),
        (status = 400, description = "A field is wrong", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "There is no earlier champion, or it cannot be loaded and the present one stays, or the first request with this Idempotency-Key is still running", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn roll_back(
    MayAdmin(admitted): MayAdmin,
    State(app): State<App>,
    OptionalJson(reason): OptionalJson<ChangeReason>,
) -> Result<Json<ServingVersion>, Problem> {
    let version = app.engine.roll_back(&audit(&admitted, reason.why)?, now()).await?;
    app.look_after_models();
    Ok(Json(ServingVersion { version }))
}

/// The canary that runs, with what its customers and those of the champion did; and those that ended.
#[utoipa::path(
    get, path = "/v1/models/canary", tag = "models",
    responses(
        (status = 200, description = "Canaries", body = CanaryReport),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn canary(_caller: MayAdmin, State(app): State<App>) -> Json<CanaryReport> {
    Json(views::canary(&app.engine))
}

/// Lets a version answer a share of the customers.
///
/// A customer stays on one side. The canary is stopped by itself when its customers click or order clearly less.
#[utoipa::path(
    post, path = "/v1/models/canary", tag = "models", request_body = StartCanary,
    responses(
        (status = 204, description = "It answers its share from now on"),
        (status = 400, description = "A field is wrong", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "A canary runs already, the version is the champion or cannot be loaded, or the first request with this Idempotency-Key is still running", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "Not JSON", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn start_canary(
    MayAdmin(admitted): MayAdmin,
    State(app): State<App>,
    ApiJson(wanted): ApiJson<StartCanary>,
) -> Result<StatusCode, Problem> {
    let audit = audit(&admitted, wanted.why)?;
    app.engine.start_canary(&wanted.version, wanted.share, &audit, now()).await?;
    app.look_after_models();
    Ok(StatusCode::NO_CONTENT)
}

/// Ends the canary: the champion answers everybody again.
#[utoipa::path(
    post, path = "/v1/models/canary/stop", tag = "models", request_body = Option<ChangeReason>,
    responses(
        (status = 200, description = "This version was tried", body = ServingVersion),
        (status = 400, description = "A field is wrong", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "No canary runs, or the first request with this Idempotency-Key is still running", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn stop_canary(
    MayAdmin(admitted): MayAdmin,
    State(app): State<App>,
    OptionalJson(reason): OptionalJson<ChangeReason>,
) -> Result<Json<ServingVersion>, Problem> {
    let version = app.engine.stop_canary(&audit(&admitted, reason.why)?, now()).await?;
    app.look_after_models();
    Ok(Json(ServingVersion { version }))
}

/// The audit trail: who changed which models answer, when, from what to what, and why. Newest first.
#[utoipa::path(
    get, path = "/v1/models/changes", tag = "models",
    responses(
        (status = 200, description = "Changes", body = ChangeList),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn changes(_caller: MayAdmin, State(app): State<App>) -> Json<ChangeList> {
    Json(views::changes(&app.engine))
}

/// What is wrong with the models, and how the days since the champion's data differ from what it learned from.
#[utoipa::path(
    get, path = "/v1/models/health", tag = "models",
    responses(
        (status = 200, description = "Alarms and drift, as of the last look (once a minute)", body = ModelHealth),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn health(_caller: MayAdmin, State(app): State<App>) -> Json<ModelHealth> {
    Json(views::health(&app.engine))
}

fn parsed(version: &str) -> Result<ModelVersion, Problem> {
    ModelVersion::parse(version).map_err(|error| Problem::invalid(Some("version".into()), error.to_string()))
}

fn audit(admitted: &crate::access::Admitted, why: String) -> Result<Audit, Problem> {
    at_most("why", Some(&why), LONGEST_TEXT)?;
    Ok(Audit::new(format!("key {}", admitted.caller.key.name), why))
}
