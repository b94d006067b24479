//! What people judged of the search, over HTTP: taken away as a file, and brought in from one. All of it needs `admin`.

use axum::Json;
use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use mercer_engine::JudgmentList;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::MayAdmin;
use crate::body::{ApiJson, names_one_of, text_of};
use crate::problem::Problem;
use crate::state::{App, now};

const TAB_SEPARATED: &str = "text/tab-separated-values";
const TEXTS: [&str; 3] = [TAB_SEPARATED, "text/csv", "text/plain"];

/// How well products answer queries, as people judged it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Judgments {
    #[schema(max_items = 100_000)]
    pub judgments: Vec<Judgment>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Judgment {
    /// Capitals, accents and signs make no other query.
    #[schema(max_length = 1000)]
    pub query: String,
    #[schema(max_length = 200)]
    pub product_id: String,
    /// 0, not relevant, to 3, exactly what was meant; `null` takes the judgment back.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 3)]
    pub grade: Option<i64>,
}

/// What became of a list of judgments.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JudgmentsTaken {
    pub changed: usize,
    pub unchanged: usize,
    /// Of products that the catalog does not have; they are kept.
    pub unknown_products: usize,
    /// All that are kept now, and of how many queries.
    pub judgments: usize,
    pub queries: usize,
}

/// All judgments; with `Accept: text/tab-separated-values` as lines of a query, a product id and a grade.
#[utoipa::path(
    get, path = "/v1/search/judgments", tag = "admin",
    responses(
        (status = 200, description = "By query and product", content((Judgments = "application/json"), (String = "text/tab-separated-values"))),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn list(_caller: MayAdmin, State(app): State<App>, headers: HeaderMap) -> Response {
    let snapshot = app.engine.snapshot();
    if names_one_of(&headers, &header::ACCEPT, &[TAB_SEPARATED]) {
        let kind = [(header::CONTENT_TYPE, "text/tab-separated-values; charset=utf-8")];
        return (kind, snapshot.judgments.write()).into_response();
    }
    let judgment = |(query, product, grade): (&str, &mercer_schema::ProductId, u8)| Judgment {
        query: query.to_owned(),
        product_id: product.to_string(),
        grade: Some(i64::from(grade)),
    };
    Json(Judgments { judgments: snapshot.judgments.iter().map(judgment).collect() }).into_response()
}

/// Adds judgments, each in the place of what was said of the same query and product before.
///
/// As text, each line is a query, a product id and a grade from 0 to 3, with tabs or commas between them; a first line
/// without a grade is a head. One that is wrong keeps all from being saved; `detail` names every one, `field` the first. There
/// is room for 100,000 judgments of 5,000 queries.
#[utoipa::path(
    post, path = "/v1/search/judgments", tag = "admin",
    request_body(content((Judgments = "application/json"), (String = "text/tab-separated-values"), (String = "text/csv"))),
    responses(
        (status = 200, description = "Saved", body = JudgmentsTaken),
        (status = 400, description = "A judgment is wrong, or there is no room; nothing was saved", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "Neither JSON nor text", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn save(
    caller: MayAdmin,
    State(app): State<App>,
    request: Request,
) -> Result<Json<JudgmentsTaken>, Problem> {
    let mut list = JudgmentList::by(format!("key {}", caller.0.caller.key.name));
    if names_one_of(request.headers(), &header::CONTENT_TYPE, &TEXTS) {
        list.add_lines(&text_of(request, &app).await?);
    } else {
        let ApiJson(Judgments { judgments }) = ApiJson::from_request(request, &app).await?;
        for (number, Judgment { query, product_id, grade }) in judgments.iter().enumerate() {
            list.add(&format!("judgments[{number}]"), query, product_id, *grade);
        }
    }
    let saved = app.engine.save_judgments(list, now()).await?;
    let snapshot = app.engine.snapshot();
    Ok(Json(JudgmentsTaken {
        changed: saved.changed,
        unchanged: saved.unchanged,
        unknown_products: saved.unknown_products,
        judgments: snapshot.judgments.len(),
        queries: snapshot.judgments.queries(),
    }))
}
