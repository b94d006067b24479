//! `POST /v1/decide` and looking back at what was decided.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use mercer_engine::Replayed;
use mercer_schema::{DecideRequest, DecisionId, Device, PageDecision, Position, Timestamp, Visitor};
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::{MayDecide, MayRead, Scope};
use crate::body::{ApiJson, LONGEST_TEXT, at_most};
use crate::problem::Problem;
use crate::state::{App, new_decision_id, now};

const MOST_PLACEMENTS: usize = 32;
const MOST_PAGE_PRODUCTS: usize = 100;
const MOST_FIELDS: usize = 64;
const LONGEST_GROUP: usize = 200;
const LONGEST_TOKEN: usize = 4_096;
const LONGEST_LOCALE: usize = 64;

/// What should this customer see now?
///
/// One call for a whole page. Name the slots by `placements`, by `group`, or both. An unknown customer or a new
/// product is no error: the answer falls back to what sells.
#[utoipa::path(
    post, path = "/v1/decide", tag = "decide",
    request_body = DecideRequest,
    responses(
        (status = 200, description = "Items for each placement", body = PageDecision),
        (status = 400, description = "A field is wrong; `field` names it", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No key, or an unknown one", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "Not JSON", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Rate limit reached", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn decide(
    MayDecide(admitted): MayDecide,
    State(app): State<App>,
    headers: HeaderMap,
    ApiJson(mut request): ApiJson<DecideRequest>,
) -> Result<Response, Problem> {
    check(&request)?;
    if objects(&app, &headers) {
        request.no_personalization = true;
    }
    request.context.device = request.context.device.or_else(|| hinted_device(&headers));
    if let Some(token) = request.view_as.take() {
        let visitor = viewed_as(&app, &token)?;
        (request.customer, request.anonymous_id) = (visitor.customer_id, visitor.anonymous_id);
        request.dry_run = true;
    }
    if let Some(time) = request.as_of {
        if !admitted.caller.allows(Scope::Admin) {
            return Err(Problem::scope_missing(Scope::Admin.name()));
        }
        return decide_as_of(app, request, time).await;
    }
    let started = std::time::Instant::now();
    let answer = app.engine.decide(request, new_decision_id(), now());
    metrics::histogram!("mercer_decide_seconds").record(started.elapsed().as_secs_f64());
    Ok(json_response(answer.json))
}

/// A browser says by itself when it is one of a phone. When it says no, a tablet is as likely as a desk.
fn hinted_device(headers: &HeaderMap) -> Option<Device> {
    headers.get("sec-ch-ua-mobile").is_some_and(|value| value == "?1").then_some(Device::Mobile)
}

/// The browser says that its user objects to personalization.
pub(crate) fn objects(app: &App, headers: &HeaderMap) -> bool {
    app.settings.honour_gpc && headers.get("sec-gpc").is_some_and(|value| value == "1")
}

/// Whose eyes a token of the console lends.
pub(crate) fn viewed_as(app: &App, token: &str) -> Result<Visitor, Problem> {
    let detail = "This token is not genuine or has expired; make a new one in the console.";
    app.signer.verify(token, now()).ok_or_else(|| Problem::invalid(Some("view_as".into()), detail))
}

pub(crate) fn json_response(json: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], json).into_response()
}

async fn decide_as_of(app: App, mut request: DecideRequest, time: Timestamp) -> Result<Response, Problem> {
    request.dry_run = true;
    let decide = move || app.engine.decide_as_of(&request, new_decision_id(), time);
    let decided = tokio::task::spawn_blocking(decide).await.map_err(|error| Problem::internal(&error))?;
    Ok(Json(decided?).into_response())
}

fn check(request: &DecideRequest) -> Result<(), Problem> {
    let too_many = |field: &str, most: usize| {
        Err(Problem::invalid(Some(field.to_owned()), format!("At most {most} entries are allowed in `{field}`.")))
    };
    if request.placements.len() > MOST_PLACEMENTS {
        return too_many("placements", MOST_PLACEMENTS);
    }
    if request.page.product_ids.len() > MOST_PAGE_PRODUCTS {
        return too_many("page.product_ids", MOST_PAGE_PRODUCTS);
    }
    if request.fields.len() > MOST_FIELDS {
        return too_many("fields", MOST_FIELDS);
    }
    check_texts(request)?;
    if request.placements.is_empty() && request.group.is_none() && request.next.is_none() {
        let detail =
            "Name the slots: `placements` (ids), `group` (a group's name), or `next` (from an earlier answer).";
        return Err(Problem::invalid(Some("placements".into()), detail));
    }
    Ok(())
}

/// What is logged with every decision must not be of any length.
fn check_texts(request: &DecideRequest) -> Result<(), Problem> {
    let page = &request.page;
    at_most("group", request.group.as_deref(), LONGEST_GROUP)?;
    at_most("next", request.next.as_deref(), LONGEST_TOKEN)?;
    at_most("view_as", request.view_as.as_deref(), LONGEST_TOKEN)?;
    at_most("page.category", page.category.as_deref(), LONGEST_TEXT)?;
    at_most("page.query", page.query.as_deref(), LONGEST_TEXT)?;
    at_most("page.locale", page.locale.as_deref(), LONGEST_LOCALE)?;
    request.fields.iter().try_for_each(|field| at_most("fields", Some(field), LONGEST_TEXT))
}

/// A logged decision: who asked for what, and what was shown with which probability.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LoggedDecision {
    pub decision_id: DecisionId,
    pub position: Position,
    pub decided_at: Timestamp,
    pub request: DecideRequest,
    pub placements: Vec<LoggedPlacement>,
    /// XXH3-128 of the whole answer.
    pub digest: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LoggedPlacement {
    #[schema(value_type = String)]
    pub placement: mercer_schema::PlacementId,
    #[schema(value_type = Vec<String>)]
    pub product_ids: Vec<mercer_schema::ProductId>,
    pub propensities: Vec<f64>,
}

/// What was decided under an id, as the log holds it.
#[utoipa::path(
    get, path = "/v1/decisions/{id}", tag = "decide",
    params(("id" = inline(DecisionId), Path, description = "A page's or a placement's decision id")),
    responses(
        (status = 200, description = "The decision", body = LoggedDecision),
        (status = 400, description = "No id", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not read", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such decision", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn find(
    _caller: MayRead,
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<LoggedDecision>, Problem> {
    let id = decision_id(&id)?;
    let found = tokio::task::spawn_blocking(move || app.engine.find_decision(&id)).await;
    let record = found.map_err(|error| Problem::internal(&error))??;
    let placements = record.placements.into_iter().map(|placement| LoggedPlacement {
        placement: placement.placement,
        product_ids: placement.product_ids,
        propensities: placement.propensities,
    });
    Ok(Json(LoggedDecision {
        decision_id: record.decision_id,
        position: record.position,
        decided_at: record.decided_at,
        placements: placements.collect(),
        request: record.request,
        digest: record.digest,
    }))
}

/// A decision made again from the log and the models that were live then.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReplayedDecision {
    /// The new answer is bit for bit the logged one.
    pub identical: bool,
    pub decision: PageDecision,
}

/// Makes a logged decision again, bit for bit, with its reasons.
#[utoipa::path(
    get, path = "/v1/decisions/{id}/replay", tag = "decide",
    params(("id" = inline(DecisionId), Path, description = "A page's or a placement's decision id")),
    responses(
        (status = 200, description = "The decision, made again", body = ReplayedDecision),
        (status = 400, description = "No id", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not read", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such decision", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "A model version that was in force then was removed", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn replay(
    _caller: MayRead,
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<ReplayedDecision>, Problem> {
    let id = decision_id(&id)?;
    let replayed = tokio::task::spawn_blocking(move || app.engine.replay(&id)).await;
    let Replayed { answer, is_identical, .. } = replayed.map_err(|error| Problem::internal(&error))??;
    Ok(Json(ReplayedDecision { identical: is_identical, decision: answer }))
}

pub(crate) fn decision_id(text: &str) -> Result<DecisionId, Problem> {
    DecisionId::parse(text).map_err(|error| Problem::invalid(Some("id".into()), error.to_string()))
}
