//! Walks through categories over HTTP: where to go, and what stands there.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use mercer_schema::{AnonymousId, BrowseAnswer, BrowseRequest, BrowseTile, CustomerId, SearchAnswer, SearchRequest};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::access::MayDecide;
use crate::body::{ApiJson, ApiPath, ApiQuery, at_most};
use crate::decide::{objects, viewed_as};
use crate::problem::Problem;
use crate::search::{LONGEST_LOCALE, LONGEST_TOKEN, SearchQuery, admitted, check};
use crate::state::{App, new_decision_id, now};

const MOST_TILES: usize = 100;

/// Who asks where to go.
#[derive(Debug, Default, Deserialize, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct BrowseQuery {
    #[param(value_type = Option<String>)]
    pub customer: Option<CustomerId>,
    #[param(value_type = Option<String>)]
    pub anonymous_id: Option<AnonymousId>,
    /// Tiles to give; 12 by default.
    #[param(minimum = 0, maximum = 100)]
    #[schema(minimum = 0, maximum = 100)]
    pub tiles: Option<usize>,
    #[param(max_length = 64)]
    #[schema(max_length = 64)]
    pub locale: Option<String>,
    /// A signed token from the console: answer as that customer would see it.
    #[param(max_length = 4096)]
    #[schema(max_length = 4096)]
    pub view_as: Option<String>,
    /// The customer objects to personalization.
    #[serde(default)]
    pub no_personalization: bool,
}

/// Where to go: the tree of categories, and tiles in the order in which this customer is likely to want them.
///
/// Each tile says why it stands where it does. Nothing of it is logged.
#[utoipa::path(
    get, path = "/v1/browse", tag = "search", params(BrowseQuery),
    responses(
        (status = 200, description = "Categories", body = BrowseAnswer),
        (status = 400, description = "A parameter is wrong", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn tree(
    _caller: MayDecide,
    State(app): State<App>,
    headers: HeaderMap,
    ApiQuery(query): ApiQuery<BrowseQuery>,
) -> Result<Json<BrowseAnswer>, Problem> {
    where_to(&app, &headers, query)
}

/// The same, with the question as JSON.
#[utoipa::path(
    post, path = "/v1/browse", tag = "search", request_body = BrowseQuery,
    responses(
        (status = 200, description = "Categories", body = BrowseAnswer),
        (status = 400, description = "A field is wrong; `field` names it", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "Not JSON", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn tree_post(
    _caller: MayDecide,
    State(app): State<App>,
    headers: HeaderMap,
    ApiJson(query): ApiJson<BrowseQuery>,
) -> Result<Json<BrowseAnswer>, Problem> {
    where_to(&app, &headers, query)
}

fn where_to(app: &App, headers: &HeaderMap, query: BrowseQuery) -> Result<Json<BrowseAnswer>, Problem> {
    at_most("locale", query.locale.as_deref(), LONGEST_LOCALE)?;
    at_most("view_as", query.view_as.as_deref(), LONGEST_TOKEN)?;
    if query.tiles.is_some_and(|tiles| tiles > MOST_TILES) {
        return Err(Problem::invalid(Some("tiles".into()), format!("A number from 0 to {MOST_TILES}.")));
    }
    let mut request = BrowseRequest {
        customer: query.customer,
        anonymous_id: query.anonymous_id,
        tiles: query.tiles,
        locale: query.locale,
        no_personalization: query.no_personalization || objects(app, headers),
    };
    if let Some(token) = query.view_as {
        let visitor = viewed_as(app, &token)?;
        (request.customer, request.anonymous_id) = (visitor.customer_id, visitor.anonymous_id);
    }
    Ok(Json(app.engine.browse(&request, now())))
}

/// A category's products, and the categories right below it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BrowsedCategory {
    #[serde(flatten)]
    pub answer: SearchAnswer,
    /// In the order of this customer.
    pub children: Vec<BrowseTile>,
}

/// A category's products, in the order in which this customer is likely to want them.
#[utoipa::path(
    get, path = "/v1/browse/{category}", tag = "search",
    params(("category" = String, Path, description = "The name of a category at any level, or its path as `Home > Kitchen`"), SearchQuery),
    responses(
        (status = 200, description = "Products, and the categories below", body = BrowsedCategory),
        (status = 400, description = "A parameter is wrong", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No product is of such a category", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn category(
    _caller: MayDecide,
    State(app): State<App>,
    headers: HeaderMap,
    ApiPath(category): ApiPath,
    ApiQuery(query): ApiQuery<SearchQuery>,
) -> Result<Json<BrowsedCategory>, Problem> {
    walked(&app, &headers, &category, query.request()?)
}

/// The same, with the question as JSON.
#[utoipa::path(
    post, path = "/v1/browse/{category}", tag = "search",
    params(("category" = String, Path, description = "The name of a category at any level, or its path as `Home > Kitchen`")),
    request_body = SearchRequest,
    responses(
        (status = 200, description = "Products, and the categories below", body = BrowsedCategory),
        (status = 400, description = "A field is wrong; `field` names it", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No product is of such a category", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "Not JSON", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn category_post(
    _caller: MayDecide,
    State(app): State<App>,
    headers: HeaderMap,
    ApiPath(category): ApiPath,
    ApiJson(request): ApiJson<SearchRequest>,
) -> Result<Json<BrowsedCategory>, Problem> {
    walked(&app, &headers, &category, request)
}

fn walked(
    app: &App,
    headers: &HeaderMap,
    asked: &str,
    request: SearchRequest,
) -> Result<Json<BrowsedCategory>, Problem> {
    // Also what the address overrules is no nonsense.
    check(&request)?;
    let request = admitted(app, headers, SearchRequest { category: Some(asked.to_owned()), ..request })?;
    let category = mercer_decide::category_named(&app.engine.snapshot().world, asked)
        .ok_or_else(|| Problem::not_found("such category in the catalog"))?;
    let who = BrowseRequest {
        customer: request.customer.clone(),
        anonymous_id: request.anonymous_id.clone(),
        locale: request.locale.clone(),
        no_personalization: request.no_personalization,
        tiles: None,
    };
    let now = now();
    let started = std::time::Instant::now();
    let answer = app.engine.search(request, new_decision_id(), now).decision;
    let children = app.engine.children(&category, &who, now);
    metrics::histogram!("mercer_search_seconds").record(started.elapsed().as_secs_f64());
    Ok(Json(BrowsedCategory { answer, children }))
}
