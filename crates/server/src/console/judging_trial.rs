//! Trying settings of the search on customers: start, stop, what came of it, and taking over what won.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use mercer_engine::SearchTrialRun;
use mercer_schema::{SearchSettings, SearchTeam, SearchTrial};
use serde::Deserialize;

use super::judging::{Way, status_of};
use super::page::{Frame, failure, grouped, minute, render};
use super::session::{OwnForm, SignedIn};
use crate::problem::Problem;
use crate::state::{App, now};

/// Proposed in the form.
const SHARE: &str = "0.5";

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    done: String,
    #[serde(flatten)]
    way: Way,
}

#[derive(Debug, Deserialize)]
pub(crate) struct TrialForm {
    #[serde(rename = "do")]
    action: String,
    #[serde(default)]
    share: String,
    #[serde(flatten)]
    way: Way,
}

#[derive(Template)]
#[template(path = "console/judging_trial.html")]
struct TrialPage {
    frame: Frame,
    part: &'static str,
    live: String,
    way: Way,
    share: String,
    running: Option<Run>,
    earlier: Vec<Run>,
    fault: Option<String>,
}

/// A trial in words.
struct Run {
    a: String,
    b: String,
    share: String,
    started_at: String,
    ended_at: String,
    by: String,
    searches: String,
    wins_a: String,
    wins_b: String,
    ties: String,
    /// Of the searches with a winner.
    share_of_b: String,
    p: String,
    verdict: &'static str,
    is_clear: bool,
    wins_of_b: bool,
}

impl Run {
    fn new(run: &SearchTrialRun) -> Self {
        let verdict = run.verdict();
        let decided = run.wins_a + run.wins_b;
        let percent = |share: f64| format!("{:.0}", share * 100.0);
        let share = &verdict.share_of_b;
        Self {
            a: settings(&run.live),
            b: settings(&run.trial.settings),
            share: format!("{} %", percent(run.trial.share)),
            started_at: minute(run.started_at),
            ended_at: run.ended_at.map(minute).unwrap_or_default(),
            by: run.by.clone(),
            searches: grouped(run.searches),
            wins_a: grouped(run.wins_a),
            wins_b: grouped(run.wins_b),
            ties: grouped(run.ties),
            share_of_b: if decided == 0 {
                "–".to_owned()
            } else {
                format!("{} % [{}, {}]", percent(share.mean), percent(share.low), percent(share.high))
            },
            p: if verdict.p < 0.001 { "< 0.001".to_owned() } else { format!("{:.3}", verdict.p) },
            verdict: match verdict.winner {
                Some(SearchTeam::A) => "A is clearly better",
                Some(SearchTeam::B) => "B is clearly better",
                Some(SearchTeam::Both) | None => "Not clear yet",
            },
            is_clear: verdict.winner.is_some(),
            wins_of_b: verdict.winner == Some(SearchTeam::B),
        }
    }
}

fn settings(settings: &SearchSettings) -> String {
    let learns = if settings.learn_from_clicks { "learns from clicks" } else { "does not learn from clicks" };
    format!("strength {}, {learns}", settings.strength)
}

pub(crate) async fn show(SignedIn(session): SignedIn, State(app): State<App>, Query(asked): Query<Asked>) -> Response {
    let notice = match asked.done.as_str() {
        "started" => Some("The trial runs from the next search on."),
        "stopped" => Some("The trial is over."),
        "adopted" => Some("B is in force for the next search, and the trial is over."),
        _ => None,
    };
    let frame = Frame::new(&app, &session, "search").with_notice(notice.map(str::to_owned));
    render(&page(&app, frame, &asked.way, SHARE, None))
}

fn page(app: &App, frame: Frame, way: &Way, share: &str, fault: Option<String>) -> TrialPage {
    let snapshot = app.engine.snapshot();
    let runs = snapshot.search_trials.runs();
    TrialPage {
        frame,
        part: "judging",
        live: settings(&snapshot.world.search_settings),
        way: Way::told(&way.variant(&snapshot.world)),
        share: share.to_owned(),
        running: snapshot.search_trials.running().map(Run::new),
        earlier: runs.iter().rev().filter(|run| run.ended_at.is_some()).map(Run::new).collect(),
        fault,
    }
}

pub(crate) async fn change(State(app): State<App>, sent: OwnForm<TrialForm>) -> Response {
    let OwnForm(session, form) = sent;
    let snapshot = app.engine.snapshot();
    let live = snapshot.world.search_settings;
    let outcome = match (form.action.as_str(), snapshot.search_trials.running()) {
        ("stop", _) => app.engine.stop_search_trial(&session.user, now()).await.map(|_| "stopped"),
        ("adopt", Some(run)) => {
            let settings = SearchSettings { exploration: live.exploration, ..run.trial.settings };
            app.engine.save_search_settings(settings, now()).await.map(|_| "adopted")
        }
        ("adopt", None) => return failure(&Problem::not_found("trial that runs")),
        _ => {
            let variant = form.way.variant(&snapshot.world);
            let settings =
                SearchSettings { strength: variant.strength, learn_from_clicks: variant.learn_from_clicks, ..live };
            let share = form.share.trim().replace(',', ".").parse().unwrap_or(0.0);
            app.engine
                .start_search_trial(SearchTrial { settings, share }, &session.user, now())
                .await
                .map(|_| "started")
        }
    };
    match outcome {
        Ok(done) => Redirect::to(&format!("/console/search/judging/trial?done={done}")).into_response(),
        Err(error) => {
            let problem = Problem::from(error);
            let frame = Frame::new(&app, &session, "search");
            let page = page(&app, frame, &form.way, &form.share, Some(problem.detail().to_owned()));
            (status_of(&problem), render(&page)).into_response()
        }
    }
}
