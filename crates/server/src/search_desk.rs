//! The shop's own say in search over HTTP: synonyms and rules, and what customers search for. All of it needs `admin`.

use axum::Json;
use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use mercer_decide::ShopSynonyms;
use mercer_engine::QueryFigures;
use mercer_schema::{Money, SearchRule, SearchRuleId, SearchSettings, SynonymRule};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::access::MayAdmin;
use crate::body::{ApiJson, ApiPath, ApiQuery, names_one_of, text_of};
use crate::problem::Problem;
use crate::state::{App, now};

const PLAIN_TEXT: &str = "text/plain";

/// The whole list.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SynonymList {
    #[schema(max_items = 5000)]
    pub rules: Vec<SynonymRule>,
}

/// The shop's own synonyms; with `Accept: text/plain` as lines.
#[utoipa::path(
    get, path = "/v1/search/synonyms", tag = "admin",
    responses(
        (status = 200, description = "The list", content((SynonymList = "application/json"), (String = "text/plain"))),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn synonyms(_caller: MayAdmin, State(app): State<App>, headers: HeaderMap) -> Response {
    let snapshot = app.engine.snapshot();
    let rules = snapshot.world.synonyms.rules();
    if names_one_of(&headers, &header::ACCEPT, &[PLAIN_TEXT]) {
        return ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], ShopSynonyms::write(rules)).into_response();
    }
    Json(SynonymList { rules: rules.to_vec() }).into_response()
}

/// Puts a list in the place of the one before, for the next search.
///
/// As text, each line is `a, b, c`, which mean the same, or `a => b, c`, of which the right answers the left too. `!` before
/// it refuses it: these words do not mean the same here. `#` begins a remark. One line that is wrong keeps the list from
/// being saved; `field` names it.
#[utoipa::path(
    put, path = "/v1/search/synonyms", tag = "admin",
    request_body(content((SynonymList = "application/json"), (String = "text/plain"))),
    responses(
        (status = 200, description = "In force", body = SynonymList),
        (status = 400, description = "A rule is wrong; `field` names it", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "Neither JSON nor text", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn save_synonyms(
    _caller: MayAdmin,
    State(app): State<App>,
    request: Request,
) -> Result<Json<SynonymList>, Problem> {
    let rules = if names_one_of(request.headers(), &header::CONTENT_TYPE, &[PLAIN_TEXT]) {
        let text = text_of(request, &app).await?;
        ShopSynonyms::read(&text).map_err(|error| Problem::invalid(Some(error.field), error.message))?
    } else {
        let ApiJson(SynonymList { rules }) = ApiJson::from_request(request, &app).await?;
        rules
    };
    app.engine.save_synonyms(rules.clone(), now()).await?;
    Ok(Json(SynonymList { rules }))
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SearchRuleList {
    pub rules: Vec<SearchRule>,
}

/// All rules of the merchandiser, in the order in which they apply.
#[utoipa::path(
    get, path = "/v1/search/rules", tag = "admin",
    responses(
        (status = 200, description = "Rules", body = SearchRuleList),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn rules(_caller: MayAdmin, State(app): State<App>) -> Json<SearchRuleList> {
    Json(SearchRuleList { rules: app.engine.snapshot().world.search_rules.iter().cloned().collect() })
}

/// Checks a rule and puts it in force for the next search.
#[utoipa::path(
    put, path = "/v1/search/rules/{id}", tag = "admin", request_body = SearchRule,
    params(("id" = inline(SearchRuleId), Path, description = "The rule's id, as in the body")),
    responses(
        (status = 200, description = "In force", body = SearchRule),
        (status = 400, description = "A field or an expression is wrong; `field` names it", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "Not JSON", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn save_rule(
    _caller: MayAdmin,
    State(app): State<App>,
    ApiPath(id): ApiPath,
    ApiJson(rule): ApiJson<SearchRule>,
) -> Result<Json<SearchRule>, Problem> {
    if rule.id.as_str() != id {
        return Err(Problem::invalid(Some("id".into()), "The id in the path and the id in the body differ."));
    }
    app.engine.save_search_rule(rule.clone(), now()).await?;
    Ok(Json(rule))
}

#[utoipa::path(
    delete, path = "/v1/search/rules/{id}", tag = "admin",
    params(("id" = inline(SearchRuleId), Path, description = "The rule's id")),
    responses(
        (status = 204, description = "Gone"),
        (status = 400, description = "No id", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such rule", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn remove_rule(
    _caller: MayAdmin,
    State(app): State<App>,
    ApiPath(id): ApiPath,
) -> Result<StatusCode, Problem> {
    let id = SearchRuleId::parse(&id).map_err(|error| Problem::invalid(Some("id".into()), error.to_string()))?;
    if app.engine.remove_search_rule(&id, now()).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found("such rule"))
    }
}

/// How the search behaves.
#[utoipa::path(
    get, path = "/v1/search/settings", tag = "admin",
    responses(
        (status = 200, description = "The settings in force", body = SearchSettings),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn settings(_caller: MayAdmin, State(app): State<App>) -> Json<SearchSettings> {
    Json(app.engine.snapshot().world.search_settings)
}

/// Puts settings in force for the next search. What is left out gets its default.
#[utoipa::path(
    put, path = "/v1/search/settings", tag = "admin", request_body = SearchSettings,
    responses(
        (status = 200, description = "In force", body = SearchSettings),
        (status = 400, description = "A field is wrong; `field` names it", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "Not JSON", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn save_settings(
    _caller: MayAdmin,
    State(app): State<App>,
    ApiJson(settings): ApiJson<SearchSettings>,
) -> Result<Json<SearchSettings>, Problem> {
    app.engine.save_search_settings(settings, now()).await?;
    Ok(Json(settings))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnalyticsQuery {
    /// The newest days, today included; 7 by default.
    #[param(minimum = 1, maximum = 92)]
    pub days: Option<u32>,
    /// Queries to give, most searched first; 100 by default.
    #[param(minimum = 1, maximum = 2000)]
    pub limit: Option<usize>,
}

/// What became of the searches of some days.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Analytics {
    pub days: u32,
    /// Of all queries, also of those that are not listed.
    pub total: QueryAnalytics,
    pub queries: Vec<QueryAnalytics>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QueryAnalytics {
    /// Empty for queries that are kept under no name: with addresses or long numbers, or beyond 2,000 a day.
    pub query: String,
    pub searches: u64,
    pub without_results: u64,
    /// Another query followed within five minutes, without a click.
    pub refined: u64,
    /// Nothing of it was clicked or ordered.
    pub abandoned: u64,
    pub clicked: u64,
    pub ordered: u64,
    /// Of the products that were clicked there and ordered.
    pub revenue: Vec<Money>,
}

impl QueryAnalytics {
    fn new(query: &str, figures: &QueryFigures) -> Self {
        Self {
            query: query.to_owned(),
            searches: figures.searches,
            without_results: figures.without_results,
            refined: figures.refined,
            abandoned: figures.abandoned(),
            clicked: figures.clicked,
            ordered: figures.ordered,
            revenue: figures
                .revenue
                .iter()
                .map(|(currency, minor)| Money { minor: *minor, currency: *currency })
                .collect(),
        }
    }
}

/// What customers search for, and what became of it.
#[utoipa::path(
    get, path = "/v1/search/analytics", tag = "admin", params(AnalyticsQuery),
    responses(
        (status = 200, description = "Figures by query, most searched first", body = Analytics),
        (status = 400, description = "A parameter is wrong", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn analytics(
    _caller: MayAdmin,
    State(app): State<App>,
    ApiQuery(query): ApiQuery<AnalyticsQuery>,
) -> Result<Json<Analytics>, Problem> {
    let (days, limit) = (query.days.unwrap_or(7), query.limit.unwrap_or(100));
    if !(1..=92).contains(&days) {
        return Err(Problem::invalid(Some("days".into()), "A number from 1 to 92."));
    }
    if !(1..=2_000).contains(&limit) {
        return Err(Problem::invalid(Some("limit".into()), "A number from 1 to 2000."));
    }
    let all = app.engine.snapshot().search_figures.of_days(days, now());
    Ok(Json(Analytics {
        days,
        total: QueryAnalytics::new("", &QueryFigures::sum(all.iter().map(|(_, figures)| figures))),
        queries: all.iter().take(limit).map(|(query, figures)| QueryAnalytics::new(query, figures)).collect(),
    }))
}
