//! Running the shop's Mercer over HTTP: placements, bad rows, keys. All of it needs `admin`.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use mercer_schema::{Placement, PlacementId, SourceId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::access::{ApiKey, MayAdmin, NewKey};
use crate::body::{ApiJson, ApiQuery, LONGEST_TEXT, at_most};
use crate::problem::Problem;
use crate::state::{App, now};

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlacementList {
    pub placements: Vec<Placement>,
}

/// All placements.
#[utoipa::path(
    get, path = "/v1/placements", tag = "admin",
    responses(
        (status = 200, description = "Placements", body = PlacementList),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn list_placements(_caller: MayAdmin, State(app): State<App>) -> Json<PlacementList> {
    let snapshot = app.engine.snapshot();
    Json(PlacementList { placements: snapshot.world.placements.iter().cloned().collect() })
}

/// A placement that is in force now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SavedPlacement {
    #[serde(flatten)]
    pub placement: Placement,
    /// Settings that do nothing in this shop, as it is now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Checks a placement and puts it in force for the next decision.
///
/// `notes` tell what does nothing in this shop as it is now, such as a pin of a product that the catalog does not have.
#[utoipa::path(
    put, path = "/v1/placements/{id}", tag = "admin", request_body = Placement,
    params(("id" = inline(PlacementId), Path, description = "The placement's id, as in the body")),
    responses(
        (status = 200, description = "In force", body = SavedPlacement),
        (status = 400, description = "A field or an expression is wrong; `field` names it", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "Not JSON", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn save_placement(
    _caller: MayAdmin,
    State(app): State<App>,
    Path(id): Path<String>,
    ApiJson(placement): ApiJson<Placement>,
) -> Result<Json<SavedPlacement>, Problem> {
    if placement.id.as_str() != id {
        return Err(Problem::invalid(Some("id".into()), "The id in the path and the id in the body differ."));
    }
    app.engine.save_placement(placement.clone(), now()).await?;
    let snapshot = app.engine.snapshot();
    let mut notes = mercer_decide::idle_settings(&snapshot.world, &placement);
    notes.extend(mercer_decide::idle_pins(&snapshot.world, &placement));
    Ok(Json(SavedPlacement { placement, notes }))
}

#[utoipa::path(
    delete, path = "/v1/placements/{id}", tag = "admin",
    params(("id" = inline(PlacementId), Path, description = "The placement's id")),
    responses(
        (status = 204, description = "Gone"),
        (status = 400, description = "No id", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such placement", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn remove_placement(
    _caller: MayAdmin,
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let id = PlacementId::parse(&id).map_err(|error| Problem::invalid(Some("id".into()), error.to_string()))?;
    if app.engine.remove_placement(&id, now()).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found("such placement"))
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct BadRowQuery {
    /// The `next` of an earlier answer.
    #[param(max_length = 1000)]
    pub cursor: Option<String>,
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<usize>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BadRowPage {
    /// Each with `id`, `row` (reason, field, message, raw bytes) and `replayed_at`.
    #[schema(value_type = Vec<Object>)]
    pub bad_rows: Vec<mercer_engine::KeptBadRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Input that could not be taken, newest first.
#[utoipa::path(
    get, path = "/v1/bad-rows", tag = "admin", params(BadRowQuery),
    responses(
        (status = 200, description = "Bad rows", body = BadRowPage),
        (status = 400, description = "A parameter is wrong", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn list_bad_rows(
    _caller: MayAdmin,
    State(app): State<App>,
    ApiQuery(query): ApiQuery<BadRowQuery>,
) -> Result<Json<BadRowPage>, Problem> {
    let limit = query.limit.unwrap_or(50);
    if !(1..=200).contains(&limit) {
        return Err(Problem::invalid(Some("limit".into()), "A number from 1 to 200."));
    }
    at_most("cursor", query.cursor.as_deref(), LONGEST_TEXT)?;
    let bad_rows = app.engine.bad_rows(query.cursor.as_deref(), limit)?;
    let next = (bad_rows.len() == limit).then(|| bad_rows.last().map(|kept| kept.id.clone())).flatten();
    Ok(Json(BadRowPage { bad_rows, next }))
}

/// Reads a bad row again, after the cause is mended.
#[utoipa::path(
    post, path = "/v1/bad-rows/{id}/replay", tag = "admin",
    params(("id" = String, Path, description = "The bad row's id")),
    responses(
        (status = 204, description = "Taken now"),
        (status = 400, description = "It is still bad; `detail` says why", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such bad row", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn replay_bad_row(
    _caller: MayAdmin,
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let limits = &app.settings.limits;
    match app.engine.replay_bad_row(&id, limits, now()).await? {
        None => Err(Problem::not_found("such bad row")),
        Some(Ok(())) => Ok(StatusCode::NO_CONTENT),
        Some(Err(row)) => Err(Problem::invalid(row.field, row.message)),
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeyList {
    pub keys: Vec<ApiKey>,
}

/// All API keys, without their secrets.
#[utoipa::path(
    get, path = "/v1/keys", tag = "admin",
    responses(
        (status = 200, description = "Keys", body = KeyList),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn list_keys(_caller: MayAdmin, State(app): State<App>) -> Result<Json<KeyList>, Problem> {
    Ok(Json(KeyList { keys: app.keys.list()? }))
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CreatedKey {
    /// Shown once; Mercer keeps only a hash of it.
    pub secret: String,
    pub key: ApiKey,
}

/// Makes an API key.
#[utoipa::path(
    post, path = "/v1/keys", tag = "admin", request_body = NewKey,
    responses(
        (status = 200, description = "The key with its secret", body = CreatedKey),
        (status = 400, description = "A field is wrong", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "Not JSON", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn create_key(
    _caller: MayAdmin,
    State(app): State<App>,
    ApiJson(new): ApiJson<NewKey>,
) -> Result<Json<CreatedKey>, Problem> {
    let key = new.into_key(now())?;
    let secret = app.keys.create(&key, rand::random())?;
    Ok(Json(CreatedKey { secret, key }))
}

/// Revokes a key at once.
#[utoipa::path(
    delete, path = "/v1/keys/{name}", tag = "admin",
    params(("name" = inline(SourceId), Path, description = "The key's name")),
    responses(
        (status = 204, description = "Revoked"),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such key", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn revoke_key(
    _caller: MayAdmin,
    State(app): State<App>,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    let name = SourceId::parse(&name).map_err(|error| Problem::invalid(Some("name".into()), error.to_string()))?;
    match app.keys.revoke(name.as_str(), now()) {
        Ok(true) => Ok(StatusCode::NO_CONTENT),
        Ok(false) => Err(Problem::not_found("such key")),
        Err(error) => Err(error.into()),
    }
}
