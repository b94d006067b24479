//! Rules of the search: what the merchandiser wants for which searches, changed here and seen at once.
//!
//! A preview answers the same question without and with the edited rule, saved or not, as a chosen customer at a chosen
//! time; it counts and logs nothing.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use mercer_schema::{SearchAction, SearchRule, SearchRuleId, Timestamp};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::page::{Frame, failure, minute, render};
use super::placement_form::{Field, Values};
use super::placements::visitor;
use super::search_rule_form::{ACTIONS, ActionLine, RuleForm, local, moment};
use super::searched::{Question, Searched, ask};
use super::session::{OwnForm, SignedIn};
use super::sign_in::Nothing;
use crate::problem::Problem;
use crate::state::{App, now};

/// A rule can be tried before it has a name.
const UNNAMED: &str = "preview";
const SPARE: usize = 1;
const MORE_SPARE: usize = 4;

#[derive(Deserialize)]
pub(crate) struct Done {
    removed: Option<String>,
    saved: Option<String>,
}

#[derive(Template)]
#[template(path = "console/search_rules.html")]
struct RulesPage {
    frame: Frame,
    part: &'static str,
    rows: Vec<Listed>,
}

struct Listed {
    id: String,
    name: String,
    when: String,
    then: String,
    time: String,
    state: &'static str,
    is_good: bool,
}

pub(crate) async fn list(SignedIn(session): SignedIn, State(app): State<App>, Query(done): Query<Done>) -> Response {
    let notice = done.removed.map(|_| "The rule is removed.".to_owned());
    let frame = Frame::new(&app, &session, "search").with_notice(notice);
    let rows = app.engine.snapshot().world.search_rules.iter().map(|rule| listed(rule, now())).collect();
    render(&RulesPage { frame, part: "rules", rows })
}

fn listed(rule: &SearchRule, now: Timestamp) -> Listed {
    let when = &rule.when;
    let told = [
        (!when.is.is_empty()).then(|| format!("“{}”", when.is.join("”, “"))),
        (!when.contains.is_empty()).then(|| format!("with “{}”", when.contains.join("”, “"))),
        (!when.categories.is_empty()).then(|| format!("in {}", when.categories.join(", "))),
    ];
    let mut told = told.into_iter().flatten().collect::<Vec<_>>().join(" or ");
    if told.is_empty() {
        "every search".clone_into(&mut told);
    }
    if let Some(condition) = &when.condition {
        told = format!("{told} if {condition}");
    }
    let time = match (rule.starts_at, rule.ends_at) {
        (None, None) => String::new(),
        (Some(start), None) => format!("from {}", minute(start)),
        (None, Some(end)) => format!("until {}", minute(end)),
        (Some(start), Some(end)) => format!("{} to {}", minute(start), minute(end)),
    };
    let state = if !rule.enabled {
        "off"
    } else if rule.starts_at.is_some_and(|start| now < start) {
        "to come"
    } else if rule.ends_at.is_some_and(|end| end <= now) {
        "over"
    } else {
        "on"
    };
    Listed {
        id: rule.id.to_string(),
        name: rule.name.clone(),
        when: told,
        then: rule.then.iter().map(does).collect::<Vec<_>>().join(", "),
        time,
        state,
        is_good: state == "on",
    }
}

fn does(action: &SearchAction) -> String {
    match action {
        SearchAction::Pin { product_id, position } => format!("pin {product_id} at {position}"),
        SearchAction::Boost { products, factor } => format!("boost {products} × {factor}"),
        SearchAction::Bury { products } => format!("bury {products}"),
        SearchAction::Hide { products } => format!("hide {products}"),
        SearchAction::Redirect { url } => format!("go to {url}"),
        SearchAction::Replace { query } => format!("search “{query}”"),
        SearchAction::Preset { field, values } => format!("choose {field}: {}", values.join(", ")),
        SearchAction::Banner { text, .. } => format!("say “{text}”"),
    }
}

#[derive(Template)]
#[template(path = "console/search_rule.html")]
struct RulePage {
    frame: Frame,
    /// The rule that is changed; none while it is new.
    existing: Option<String>,
    form: RuleForm,
    lines: Vec<ActionLine>,
    actions: &'static [(&'static str, &'static str)],
    preview: Option<Preview>,
}

struct Preview {
    before: Searched,
    after: Searched,
    is_same: bool,
    notes: Vec<String>,
}

impl RulePage {
    fn field(&self, name: &str) -> Field {
        self.form.field(name)
    }
}

pub(crate) async fn new(SignedIn(session): SignedIn, State(app): State<App>) -> Response {
    let frame = Frame::new(&app, &session, "search");
    page(&app, frame, None, RuleForm::blank())
}

pub(crate) async fn edit(
    SignedIn(session): SignedIn,
    State(app): State<App>,
    Path(id): Path<String>,
    Query(done): Query<Done>,
) -> Response {
    let notice = done.saved.map(|_| "Saved. The next search uses it.".to_owned());
    let frame = Frame::new(&app, &session, "search").with_notice(notice);
    let snapshot = app.engine.snapshot();
    let Some(rule) = snapshot.world.search_rules.get(&SearchRuleId::trusted(id.as_str())) else {
        return failure(&Problem::not_found("such rule"));
    };
    let mut form = RuleForm::from_rule(rule);
    let example = rule.when.is.first().or(rule.when.contains.first());
    form.set("preview.q", example.cloned().unwrap_or_default());
    page(&app, frame, Some(id), form)
}

pub(crate) async fn create(State(app): State<App>, sent: OwnForm<Values>) -> Response {
    let OwnForm(session, values) = sent;
    let frame = Frame::new(&app, &session, "search");
    let mut form = RuleForm::from_values(values);
    let id = SearchRuleId::parse(form.text("id"));
    if id.is_ok_and(|id| app.engine.snapshot().world.search_rules.get(&id).is_some()) {
        form.refuse("id", "there is already a rule of this id; choose another");
    }
    answer(&app, frame, None, form).await
}

pub(crate) async fn save(State(app): State<App>, Path(id): Path<String>, sent: OwnForm<Values>) -> Response {
    let OwnForm(session, mut values) = sent;
    let frame = Frame::new(&app, &session, "search");
    values.insert("id".to_owned(), id.clone());
    answer(&app, frame, Some(id), RuleForm::from_values(values)).await
}

pub(crate) async fn remove(State(app): State<App>, Path(id): Path<String>, form: OwnForm<Nothing>) -> Response {
    let OwnForm(_, Nothing {}) = form;
    match app.engine.remove_search_rule(&SearchRuleId::trusted(id), now()).await {
        Ok(true) => Redirect::to("/console/search/rules?removed=1").into_response(),
        Ok(false) => failure(&Problem::not_found("such rule")),
        Err(error) => failure(&Problem::from(error)),
    }
}

/// Saves when that was asked for; shows the form with a preview otherwise, and when it cannot be saved.
async fn answer(app: &App, frame: Frame, existing: Option<String>, form: RuleForm) -> Response {
    if form.text("do") != "save" {
        return page(app, frame, existing, form);
    }
    let rule = form.clone().read().filter(|rule| app.engine.snapshot().world.search_rules.check(rule).is_ok());
    let Some(rule) = rule else {
        return (StatusCode::BAD_REQUEST, page(app, frame, existing, form)).into_response();
    };
    let id = utf8_percent_encode(rule.id.as_str(), NON_ALPHANUMERIC).to_string();
    match app.engine.save_search_rule(rule, now()).await {
        Ok(_) => Redirect::to(&format!("/console/search/rules/{id}?saved=1")).into_response(),
        Err(error) => failure(&Problem::from(error)),
    }
}

fn page(app: &App, frame: Frame, existing: Option<String>, mut form: RuleForm) -> Response {
    let snapshot = app.engine.snapshot();
    let is_saving = form.text("do") == "save";
    // A new rule can be tried before it has a name and an id.
    let blanks = ["id", "name"].map(|name| (name, !is_saving && form.text(name).is_empty()));
    for (name, _) in blanks.iter().filter(|(_, is_blank)| *is_blank) {
        form.set(name, UNNAMED);
    }
    let is_untouched = existing.is_none() && form.lines(0).is_empty() && !is_saving;
    let rule = form.read();
    for (name, _) in blanks.iter().filter(|(_, is_blank)| *is_blank) {
        form.set(name, "");
    }
    if let Some(rule) = rule.as_ref().filter(|_| !is_untouched)
        && let Err(error) = snapshot.world.search_rules.check(rule)
    {
        let hint = error.nearest.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
        form.refuse(&error.field, format!("{}{hint}", error.message));
    }
    let preview = match &rule {
        Some(rule) if form.faults().is_empty() && !is_untouched => preview(app, rule, &mut form),
        _ => None,
    };
    let spare = if form.text("do") == "rows.then" { MORE_SPARE } else { SPARE };
    render(&RulePage { frame, existing, lines: form.lines(spare), actions: &ACTIONS, preview, form })
}

fn preview(app: &App, rule: &SearchRule, form: &mut RuleForm) -> Option<Preview> {
    let q = form.text("preview.q").to_owned();
    let category = form.text("preview.category").to_owned();
    if q.is_empty() && category.is_empty() {
        return None;
    }
    let snapshot = app.engine.snapshot();
    let mut notes = Vec::new();
    let visitor = visitor(&snapshot, form.text("preview.customer"), &mut notes);
    let at = match form.text("preview.at") {
        "" => now(),
        text => {
            let Some(at) = moment(text) else {
                form.refuse("preview.at", "write a time as 2026-12-24 18:00, in UTC");
                return None;
            };
            at
        }
    };
    let question = Question { q, category, visitor, strength: 1.0, at };
    let world_with = |rules| {
        let mut world = snapshot.world.clone();
        world.search_rules = Arc::new(rules);
        world
    };
    let rules = &snapshot.world.search_rules;
    let without = world_with(rules.without(&rule.id));
    let with = world_with(rules.with(SearchRule { enabled: true, ..rule.clone() }));
    let before = Searched::new(&ask(&without, &question), &without);
    let answer = ask(&with, &question);
    if !answer.rules.iter().any(|applied| applied.id == rule.id) {
        notes.push(format!("The rule does not stand for this search at {}.", local(at).replace('T', " ")));
    }
    let after = Searched::new(&answer, &with).beside(&before);
    Some(Preview { is_same: after.is_like(&before), before, after, notes })
}
