//! Trying settings of the search on customers, over HTTP. All of it needs `admin`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use mercer_engine::{Estimate, SearchTrialRun};
use mercer_schema::{SearchSettings, SearchTeam, SearchTrial, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::MayAdmin;
use crate::body::ApiJson;
use crate::problem::Problem;
use crate::state::{App, now};

/// A trial that runs, or the last one that did.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SearchTrialReport {
    pub trial: SearchTrial,
    /// A: what was in force when it began.
    pub live: SearchSettings,
    pub is_running: bool,
    pub started_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Who started it.
    pub by: String,
    /// Searches whose list both made together.
    pub searches: u64,
    /// Of them, those of which more was clicked that A chose, that B chose, and as much of both.
    pub wins_a: u64,
    pub wins_b: u64,
    pub ties: u64,
    /// Of the searches with a winner, the share that B won; with what it could be (95 %).
    pub share_of_b: ShareOfB,
    /// How probable a difference as large would be if both were equally good.
    pub p: f64,
    /// Who is clearly better; none as long as looking often could explain the difference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub winner: Option<SearchTeam>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ShareOfB {
    pub mean: f64,
    pub low: f64,
    pub high: f64,
}

impl SearchTrialReport {
    fn new(run: &SearchTrialRun) -> Self {
        let verdict = run.verdict();
        let Estimate { mean, low, high } = verdict.share_of_b;
        Self {
            trial: run.trial,
            live: run.live,
            is_running: run.ended_at.is_none(),
            started_at: run.started_at,
            ended_at: run.ended_at,
            by: run.by.clone(),
            searches: run.searches,
            wins_a: run.wins_a,
            wins_b: run.wins_b,
            ties: run.ties,
            share_of_b: ShareOfB { mean, low, high },
            p: verdict.p,
            winner: verdict.winner,
        }
    }
}

fn newest(app: &App) -> Result<Json<SearchTrialReport>, Problem> {
    let snapshot = app.engine.snapshot();
    let newest = snapshot.search_trials.runs().last().map(SearchTrialReport::new);
    newest.map(Json).ok_or_else(|| Problem::not_found("trial of search settings"))
}

/// The trial that runs, or the last one: what customers clicked of what each side chose.
#[utoipa::path(
    get, path = "/v1/search/trial", tag = "admin",
    responses(
        (status = 200, description = "How it stands", body = SearchTrialReport),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "None was ever started", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn show(_caller: MayAdmin, State(app): State<App>) -> Result<Json<SearchTrialReport>, Problem> {
    newest(&app)
}

/// Tries settings beside those in force, on a share of the searches, from the next one on.
///
/// Both make one list together, choosing in turns (team draft), and a click counts for the side that chose the product. A trial
/// that runs is ended by another one, and by a change of the settings in force.
#[utoipa::path(
    put, path = "/v1/search/trial", tag = "admin", request_body = SearchTrial,
    responses(
        (status = 200, description = "It runs", body = SearchTrialReport),
        (status = 400, description = "A field is wrong, or these settings are in force; `field` names it", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "It was ended again at once", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "Not JSON", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn start(
    caller: MayAdmin,
    State(app): State<App>,
    ApiJson(trial): ApiJson<SearchTrial>,
) -> Result<Json<SearchTrialReport>, Problem> {
    app.engine.start_search_trial(trial, &format!("key {}", caller.0.caller.key.name), now()).await?;
    newest(&app)
}

/// Ends the trial: every search is answered by the settings in force.
#[utoipa::path(
    delete, path = "/v1/search/trial", tag = "admin",
    responses(
        (status = 204, description = "Ended"),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "None runs", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn stop(caller: MayAdmin, State(app): State<App>) -> Result<StatusCode, Problem> {
    if app.engine.stop_search_trial(&format!("key {}", caller.0.caller.key.name), now()).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found("trial that runs"))
    }
}
