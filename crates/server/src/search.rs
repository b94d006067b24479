//! Search and suggestions over HTTP.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use mercer_decide::LARGEST_PAGE;
use mercer_engine::{Answer, Replayed};
use mercer_schema::{
    AnonymousId, CustomerId, DecisionId, Explain, Refinement, SearchAnswer, SearchRecord, SearchRequest, SearchSort,
    SessionId, SuggestAnswer, SuggestRequest,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::access::{MayDecide, MayRead};
use crate::body::{ApiJson, ApiPath, ApiQuery, LONGEST_TEXT, at_most, without_controls};
use crate::decide::{decision_id, json_response, objects, viewed_as};
use crate::problem::Problem;
use crate::state::{App, new_decision_id, now};

const MOST_FACETS: usize = 30;
const MOST_SUGGESTED: usize = 20;
const MOST_CHOICES: usize = 16;
const MOST_CHOSEN: usize = 50;
const MOST_FIELDS: usize = 64;
const LONGEST_RULE: usize = 2_000;
const LONGEST_FIELD: usize = 200;
pub(crate) const LONGEST_TOKEN: usize = 4_096;
pub(crate) const LONGEST_LOCALE: usize = 64;
const LONGEST_CURSOR: usize = 8_000;
const STRONGEST: f64 = 2.0;

/// A search in an address. What is a list stands in it separated by commas; `refine` is JSON.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct SearchQuery {
    /// What the customer typed.
    #[serde(default)]
    #[param(max_length = 1000)]
    pub q: String,
    #[param(value_type = Option<String>)]
    pub customer: Option<CustomerId>,
    #[param(value_type = Option<String>)]
    pub anonymous_id: Option<AnonymousId>,
    #[param(value_type = Option<String>)]
    pub session: Option<SessionId>,
    /// Only products of this category: the name of any level, or the path as `Home > Kitchen`.
    #[param(max_length = 1000)]
    pub category: Option<String>,
    /// A rule (CEL) that must hold for each product: `product.price < 20.0`.
    #[param(max_length = 2000)]
    pub filter: Option<String>,
    /// Values that were chosen from facets, as JSON: `[{"field":"brand","values":["Acme"]}]`.
    #[param(max_length = 4096)]
    pub refine: Option<String>,
    /// Ids of chips that the customer took away, separated by commas.
    #[param(max_length = 1000)]
    pub ignore: Option<String>,
    #[serde(default)]
    #[param(inline)]
    pub sort: SearchSort,
    /// Products a page; 24 by default.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<usize>,
    /// The `next` of an earlier answer to the same question.
    #[param(max_length = 8000, pattern = r"^[0-9]{1,9}(\.[A-Za-z0-9_-]+)?$")]
    pub cursor: Option<String>,
    /// How many facets to give; 8 by default.
    #[param(minimum = 0, maximum = 30)]
    pub facets: Option<usize>,
    /// Product fields to return, separated by commas; all by default.
    #[param(max_length = 1000)]
    pub fields: Option<String>,
    /// Show every size and colour by itself.
    #[serde(default)]
    pub ungrouped: bool,
    /// The last word may be only begun, and nothing is logged.
    #[serde(default)]
    pub typing: bool,
    /// How much what is known of the customer may change the order: 0 not at all, 1 as the shop set it.
    #[param(minimum = 0, maximum = 2)]
    pub strength: Option<f64>,
    #[param(max_length = 64)]
    pub locale: Option<String>,
    #[serde(default)]
    #[param(inline)]
    pub explain: Explain,
    /// Counts nothing and is not logged.
    #[serde(default)]
    pub dry_run: bool,
}

impl SearchQuery {
    pub(crate) fn request(self) -> Result<SearchRequest, Problem> {
        let list = |text: Option<String>| -> Vec<String> {
            text.iter().flat_map(|text| text.split(',')).filter(|name| !name.is_empty()).map(str::to_owned).collect()
        };
        let refine: Vec<Refinement> = match &self.refine {
            None => Vec::new(),
            Some(text) => serde_json::from_str(text).map_err(|error| {
                let detail = format!("It is JSON: `[{{\"field\":\"brand\",\"values\":[\"Acme\"]}}]`; {error}.");
                Problem::invalid(Some("refine".into()), detail)
            })?,
        };
        Ok(SearchRequest {
            q: self.q,
            customer: self.customer,
            anonymous_id: self.anonymous_id,
            session: self.session,
            category: self.category,
            filter: self.filter,
            refine,
            ignore: list(self.ignore),
            sort: self.sort,
            limit: self.limit,
            cursor: self.cursor,
            facets: self.facets,
            fields: list(self.fields),
            ungrouped: self.ungrouped,
            typing: self.typing,
            strength: self.strength,
            locale: self.locale,
            explain: self.explain,
            dry_run: self.dry_run,
            ..SearchRequest::default()
        })
    }
}

/// Finds products by what a customer typed.
///
/// Forgives slips, joins and splits words, knows synonyms, never touches a code. Wishes such as *under 80* or *size 42* are
/// understood and told as `query.chips`. Relevance comes first; of what fits, what this customer is likely to want stands
/// higher. An unknown customer, an empty `q` or a word nobody knows is no error.
#[utoipa::path(
    get, path = "/v1/search", tag = "search", params(SearchQuery),
    responses(
        (status = 200, description = "Products, best first", body = SearchAnswer),
        (status = 400, description = "A parameter is wrong", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn get(
    _caller: MayDecide,
    State(app): State<App>,
    headers: HeaderMap,
    ApiQuery(query): ApiQuery<SearchQuery>,
) -> Result<Response, Problem> {
    answer(&app, &headers, query.request()?).await
}

/// The same, with the question as JSON.
#[utoipa::path(
    post, path = "/v1/search", tag = "search", request_body = SearchRequest,
    responses(
        (status = 200, description = "Products, best first", body = SearchAnswer),
        (status = 400, description = "A field is wrong; `field` names it", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "Not JSON", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn post(
    _caller: MayDecide,
    State(app): State<App>,
    headers: HeaderMap,
    ApiJson(request): ApiJson<SearchRequest>,
) -> Result<Response, Problem> {
    answer(&app, &headers, request).await
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FacetsAnswer {
    pub total: usize,
    pub facets: Vec<mercer_schema::Facet>,
}

/// By what the products of a search or a category can be narrowed down.
#[utoipa::path(
    get, path = "/v1/facets", tag = "search", params(SearchQuery),
    responses(
        (status = 200, description = "Fields with their values, the most useful first", body = FacetsAnswer),
        (status = 400, description = "A parameter is wrong", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn facets(
    _caller: MayDecide,
    State(app): State<App>,
    headers: HeaderMap,
    ApiQuery(query): ApiQuery<SearchQuery>,
) -> Result<Json<FacetsAnswer>, Problem> {
    narrowed_by(&app, &headers, query.request()?).await
}

/// The same, with the question as JSON.
#[utoipa::path(
    post, path = "/v1/facets", tag = "search", request_body = SearchRequest,
    responses(
        (status = 200, description = "Fields with their values, the most useful first", body = FacetsAnswer),
        (status = 400, description = "A field is wrong; `field` names it", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "Not JSON", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn facets_post(
    _caller: MayDecide,
    State(app): State<App>,
    headers: HeaderMap,
    ApiJson(request): ApiJson<SearchRequest>,
) -> Result<Json<FacetsAnswer>, Problem> {
    narrowed_by(&app, &headers, request).await
}

async fn narrowed_by(app: &App, headers: &HeaderMap, request: SearchRequest) -> Result<Json<FacetsAnswer>, Problem> {
    let request = SearchRequest { dry_run: true, ..admitted(app, headers, request)? };
    let SearchAnswer { total, facets, .. } = searched(app, request).await?.decision;
    Ok(Json(FacetsAnswer { total, facets }))
}

async fn answer(app: &App, headers: &HeaderMap, request: SearchRequest) -> Result<Response, Problem> {
    let request = admitted(app, headers, request)?;
    let started = std::time::Instant::now();
    let answer = searched(app, request).await?;
    metrics::histogram!("mercer_search_seconds").record(started.elapsed().as_secs_f64());
    Ok(json_response(answer.json))
}

/// On a thread of its own where a sentence encoder may be asked: the others go on answering.
async fn searched(app: &App, request: SearchRequest) -> Result<Answer<SearchAnswer>, Problem> {
    let engine = Arc::clone(&app.engine);
    let search = move || engine.search(request, new_decision_id(), now());
    if !app.engine.search_takes_time() {
        return Ok(search());
    }
    tokio::task::spawn_blocking(search).await.map_err(|error| Problem::internal(&error))
}

/// The request once it is checked, and its visitor settled.
pub(crate) fn admitted(app: &App, headers: &HeaderMap, mut request: SearchRequest) -> Result<SearchRequest, Problem> {
    check(&request)?;
    if objects(app, headers) {
        request.no_personalization = true;
    }
    if let Some(token) = request.view_as.take() {
        let visitor = viewed_as(app, &token)?;
        (request.customer, request.anonymous_id) = (visitor.customer_id, visitor.anonymous_id);
        request.dry_run = true;
    }
    Ok(request)
}

pub(crate) fn check(request: &SearchRequest) -> Result<(), Problem> {
    let invalid = |field: &str, detail: String| Err(Problem::invalid(Some(field.to_owned()), detail));
    at_most("q", Some(&request.q), LONGEST_TEXT)?;
    without_controls("q", &request.q)?;
    at_most("category", request.category.as_deref(), LONGEST_TEXT)?;
    at_most("filter", request.filter.as_deref(), LONGEST_RULE)?;
    at_most("locale", request.locale.as_deref(), LONGEST_LOCALE)?;
    at_most("view_as", request.view_as.as_deref(), LONGEST_TOKEN)?;
    at_most("cursor", request.cursor.as_deref(), LONGEST_CURSOR)?;
    if request.limit.is_some_and(|limit| !(1..=LARGEST_PAGE).contains(&limit)) {
        return invalid("limit", format!("A number from 1 to {LARGEST_PAGE}."));
    }
    if request.facets.is_some_and(|facets| facets > MOST_FACETS) {
        return invalid("facets", format!("A number from 0 to {MOST_FACETS}."));
    }
    if request.strength.is_some_and(|strength| !(0.0..=STRONGEST).contains(&strength)) {
        return invalid("strength", format!("A number from 0 to {STRONGEST}."));
    }
    if request.cursor.as_deref().is_some_and(|cursor| !is_cursor(cursor)) {
        return invalid("cursor", "Send the `next` of an earlier answer, or none.".to_owned());
    }
    check_lists(request)?;
    check_rule(request.filter.as_deref())
}

/// The number of products shown, and what names them behind a dot.
fn is_cursor(text: &str) -> bool {
    let (count, named) = text.split_once('.').unwrap_or((text, "A"));
    let is_named = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    is_offset(count) && !named.is_empty() && named.bytes().all(is_named)
}

/// A place in a list, as a cursor has it.
pub(crate) fn is_offset(text: &str) -> bool {
    (1..=9).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn check_rule(filter: Option<&str>) -> Result<(), Problem> {
    let fault = filter.map_or(Ok(()), mercer_decide::check_filter);
    fault.map_err(|error| Problem::invalid(Some("filter".into()), error.to_string()))
}

fn check_lists(request: &SearchRequest) -> Result<(), Problem> {
    let lists = [
        ("refine", request.refine.len(), MOST_CHOICES),
        ("ignore", request.ignore.len(), MOST_CHOICES),
        ("fields", request.fields.len(), MOST_FIELDS),
    ];
    if let Some((field, _, most)) = lists.into_iter().find(|(_, length, most)| length > most) {
        return Err(Problem::invalid(Some(field.to_owned()), format!("At most {most} entries are allowed.")));
    }
    request.fields.iter().try_for_each(|field| at_most("fields", Some(field), LONGEST_TEXT))?;
    request.ignore.iter().try_for_each(|chip| at_most("ignore", Some(chip), LONGEST_TEXT))?;
    for refinement in &request.refine {
        at_most("refine.field", Some(&refinement.field), LONGEST_FIELD)?;
        if refinement.values.len() > MOST_CHOSEN {
            let detail = format!("At most {MOST_CHOSEN} values of a field.");
            return Err(Problem::invalid(Some("refine.values".into()), detail));
        }
        refinement.values.iter().try_for_each(|value| at_most("refine.values", Some(value), LONGEST_TEXT))?;
    }
    Ok(())
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct SuggestQuery {
    /// What the customer has typed so far; nothing yet gives what to offer before the first letter.
    #[serde(default)]
    #[param(max_length = 1000)]
    pub q: String,
    #[param(value_type = Option<String>)]
    pub customer: Option<CustomerId>,
    #[param(value_type = Option<String>)]
    pub anonymous_id: Option<AnonymousId>,
    /// Queries to give; 6 by default.
    #[param(minimum = 0, maximum = 20)]
    pub queries: Option<usize>,
    /// Categories and brands to give of each; 3 by default.
    #[param(minimum = 0, maximum = 20)]
    pub places: Option<usize>,
    /// Products to give; 4 by default.
    #[param(minimum = 0, maximum = 20)]
    pub products: Option<usize>,
    /// A rule (CEL) that must hold for each product.
    #[param(max_length = 2000)]
    pub filter: Option<String>,
    #[param(max_length = 64)]
    pub locale: Option<String>,
}

/// Carries on what is being typed: queries, categories, brands and products in one answer.
#[utoipa::path(
    get, path = "/v1/suggest", tag = "search", params(SuggestQuery),
    responses(
        (status = 200, description = "Suggestions, best first of each kind", body = SuggestAnswer),
        (status = 400, description = "A parameter is wrong", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn suggest(
    _caller: MayDecide,
    State(app): State<App>,
    headers: HeaderMap,
    ApiQuery(query): ApiQuery<SuggestQuery>,
) -> Result<Json<SuggestAnswer>, Problem> {
    let request = SuggestRequest {
        q: query.q,
        customer: query.customer,
        anonymous_id: query.anonymous_id,
        queries: query.queries,
        places: query.places,
        products: query.products,
        filter: query.filter,
        locale: query.locale,
        ..SuggestRequest::default()
    };
    suggested(&app, &headers, request)
}

/// The same, with the question as JSON.
#[utoipa::path(
    post, path = "/v1/suggest", tag = "search", request_body = SuggestRequest,
    responses(
        (status = 200, description = "Suggestions, best first of each kind", body = SuggestAnswer),
        (status = 400, description = "A field is wrong; `field` names it", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "Not JSON", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn suggest_post(
    _caller: MayDecide,
    State(app): State<App>,
    headers: HeaderMap,
    ApiJson(request): ApiJson<SuggestRequest>,
) -> Result<Json<SuggestAnswer>, Problem> {
    suggested(&app, &headers, request)
}

fn suggested(app: &App, headers: &HeaderMap, mut request: SuggestRequest) -> Result<Json<SuggestAnswer>, Problem> {
    at_most("q", Some(&request.q), LONGEST_TEXT)?;
    without_controls("q", &request.q)?;
    at_most("locale", request.locale.as_deref(), LONGEST_LOCALE)?;
    at_most("filter", request.filter.as_deref(), LONGEST_RULE)?;
    check_rule(request.filter.as_deref())?;
    let counts = [("queries", request.queries), ("places", request.places), ("products", request.products)];
    if let Some((field, _)) = counts.into_iter().find(|(_, count)| count.is_some_and(|count| count > MOST_SUGGESTED)) {
        return Err(Problem::invalid(Some(field.to_owned()), format!("A number from 0 to {MOST_SUGGESTED}.")));
    }
    if request.fields.len() > MOST_FIELDS {
        return Err(Problem::invalid(Some("fields".into()), format!("At most {MOST_FIELDS} entries are allowed.")));
    }
    request.fields.iter().try_for_each(|field| at_most("fields", Some(field), LONGEST_TEXT))?;
    if objects(app, headers) {
        request.no_personalization = true;
    }
    let started = std::time::Instant::now();
    let answer = app.engine.suggest(&request, now());
    metrics::histogram!("mercer_suggest_seconds").record(started.elapsed().as_secs_f64());
    Ok(Json(answer))
}

/// A logged search: who asked what, and what was shown.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LoggedSearch {
    pub decision_id: DecisionId,
    pub position: mercer_schema::Position,
    pub decided_at: mercer_schema::Timestamp,
    pub request: SearchRequest,
    pub total: usize,
    #[schema(value_type = Vec<String>)]
    pub product_ids: Vec<mercer_schema::ProductId>,
    pub propensities: Vec<f64>,
    /// XXH3-128 of the whole answer.
    pub digest: String,
}

/// What was answered under an id, as the log holds it.
#[utoipa::path(
    get, path = "/v1/searches/{id}", tag = "search",
    params(("id" = inline(DecisionId), Path, description = "The `decision_id` of a search")),
    responses(
        (status = 200, description = "The search", body = LoggedSearch),
        (status = 400, description = "No id", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not read", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such search", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn logged(
    _caller: MayRead,
    State(app): State<App>,
    ApiPath(id): ApiPath,
) -> Result<Json<LoggedSearch>, Problem> {
    let record = find_soon(&app, &decision_id(&id)?).await?;
    Ok(Json(LoggedSearch {
        decision_id: record.decision_id,
        position: record.position,
        decided_at: record.decided_at,
        request: record.request,
        total: record.total,
        product_ids: record.product_ids,
        propensities: record.propensities,
        digest: record.digest,
    }))
}

/// Answers are logged some together, a moment after they are given: one that is not there yet is waited for.
async fn find_soon(app: &App, id: &DecisionId) -> Result<SearchRecord, Problem> {
    const TRIES: usize = 15;
    const PAUSE: std::time::Duration = std::time::Duration::from_millis(20);
    let mut tries = 0;
    loop {
        let (app, id) = (app.clone(), id.clone());
        let found = tokio::task::spawn_blocking(move || app.engine.find_search(&id)).await;
        match found.map_err(|error| Problem::internal(&error))? {
            Err(mercer_engine::Error::NoSuchDecision(_)) if tries < TRIES => tries += 1,
            found => return Ok(found?),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// A search answered again from the log and the models that were live then.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReplayedSearch {
    /// The new answer is bit for bit the logged one.
    pub identical: bool,
    pub answer: SearchAnswer,
}

/// Answers a logged search again, bit for bit, with its reasons.
#[utoipa::path(
    get, path = "/v1/searches/{id}/replay", tag = "search",
    params(("id" = inline(DecisionId), Path, description = "The `decision_id` of a search")),
    responses(
        (status = 200, description = "The answer, made again", body = ReplayedSearch),
        (status = 400, description = "No id", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not read", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such search", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "A model version that was in force then was removed", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn replay(
    _caller: MayRead,
    State(app): State<App>,
    ApiPath(id): ApiPath,
) -> Result<Json<ReplayedSearch>, Problem> {
    let id = decision_id(&id)?;
    find_soon(&app, &id).await?;
    let replayed = tokio::task::spawn_blocking(move || app.engine.replay_search(&id)).await;
    let Replayed { answer, is_identical, .. } = replayed.map_err(|error| Problem::internal(&error))??;
    Ok(Json(ReplayedSearch { identical: is_identical, answer }))
}
