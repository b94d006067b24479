//! Synonyms: the shop's own list as text, and what the catalog and the searches propose.
//!
//! A proposal is approved or refused by a line in the shop's list; nothing else remembers it.

use std::collections::BTreeSet;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use mercer_decide::{ShopSynonyms, World, line_of};
use mercer_schema::{SynonymRule, Visitor};
use serde::Deserialize;

use super::page::{Frame, failure, render};
use super::searched::{Question, Searched, ask};
use super::session::{OwnForm, SignedIn};
use crate::problem::Problem;
use crate::state::{App, now};

/// Proposals of a kind on the page.
const MOST_PROPOSED: usize = 100;

#[derive(Deserialize)]
pub(crate) struct Done {
    saved: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct ListForm {
    #[serde(default)]
    text: String,
    #[serde(default)]
    q: String,
    #[serde(default, rename = "do")]
    action: String,
}

#[derive(Deserialize)]
pub(crate) struct ProposalForm {
    line: String,
    #[serde(rename = "do")]
    action: String,
}

#[derive(Template)]
#[template(path = "console/synonyms.html")]
struct SynonymsPage {
    frame: Frame,
    part: &'static str,
    text: String,
    rules: usize,
    q: String,
    fault: Option<String>,
    preview: Option<Preview>,
    from_catalog: Vec<Proposal>,
    from_searches: Vec<Proposal>,
}

/// What the list as it stands in the form would change.
struct Preview {
    before: Searched,
    after: Searched,
    is_same: bool,
}

struct Proposal {
    line: String,
    about: String,
}

pub(crate) async fn show(SignedIn(session): SignedIn, State(app): State<App>, Query(done): Query<Done>) -> Response {
    let notice = done.saved.map(|_| "Saved. The next search uses it.".to_owned());
    let frame = Frame::new(&app, &session, "search").with_notice(notice);
    let text = ShopSynonyms::write(app.engine.snapshot().world.synonyms.rules());
    page(&app, frame, text, String::new(), None)
}

pub(crate) async fn save(State(app): State<App>, sent: OwnForm<ListForm>) -> Response {
    let OwnForm(session, ListForm { text, q, action }) = sent;
    let frame = Frame::new(&app, &session, "search");
    let rules = match ShopSynonyms::read(&text) {
        Ok(rules) => rules,
        Err(error) => {
            let refused = page(&app, frame, text, q, Some(error.to_string()));
            return (StatusCode::BAD_REQUEST, refused).into_response();
        }
    };
    if action != "save" {
        return page(&app, frame, text, q, None);
    }
    saved(&app, rules).await
}

/// Approves or refuses a proposal: one more line.
pub(crate) async fn settle(State(app): State<App>, sent: OwnForm<ProposalForm>) -> Response {
    let OwnForm(_, ProposalForm { line, action }) = sent;
    let is_refused = action == "refuse";
    let proposed = match ShopSynonyms::read(&line) {
        Ok(proposed) => proposed,
        Err(error) => return failure(&Problem::invalid(Some(error.field), error.message)),
    };
    let mut rules = app.engine.snapshot().world.synonyms.rules().to_vec();
    for rule in proposed {
        let rule = SynonymRule { refused: is_refused, ..rule };
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    }
    saved(&app, rules).await
}

async fn saved(app: &App, rules: Vec<SynonymRule>) -> Response {
    match app.engine.save_synonyms(rules, now()).await {
        Ok(_) => Redirect::to("/console/search/synonyms?saved=1").into_response(),
        Err(error) => failure(&Problem::from(error)),
    }
}

fn page(app: &App, frame: Frame, text: String, q: String, fault: Option<String>) -> Response {
    let snapshot = app.engine.snapshot();
    let world = &snapshot.world;
    let preview =
        ShopSynonyms::read(&text).ok().filter(|_| !q.trim().is_empty()).map(|rules| preview(world, rules, &q));
    let known: BTreeSet<BTreeSet<&str>> = world.synonyms.rules().iter().map(texts).collect();
    let is_open =
        |rule: &SynonymRule| !known.contains(&texts(rule)) && ShopSynonyms::check(std::slice::from_ref(rule)).is_ok();
    let catalog = world.models.lexicon.synonyms().iter().map(|found| SynonymRule {
        from: found.from.clone(),
        to: found.to.clone(),
        refused: false,
    });
    let from_catalog = catalog
        .filter(is_open)
        .map(|rule| Proposal { line: line_of(&rule), about: "in use until it is refused".to_owned() });
    let searches = world.models.reformulations.iter().map(|found| {
        let rule = SynonymRule { from: Some(found.from.clone()), to: vec![found.to.clone()], refused: false };
        let people = if found.people == 1 { "person" } else { "people" };
        (rule, format!("{} {people} went on so, {} of them clicked", found.people, found.clicked))
    });
    let from_searches =
        searches.filter(|(rule, _)| is_open(rule)).map(|(rule, about)| Proposal { line: line_of(&rule), about });
    render(&SynonymsPage {
        frame,
        part: "synonyms",
        text,
        rules: world.synonyms.rules().len(),
        q,
        fault,
        preview,
        from_catalog: from_catalog.take(MOST_PROPOSED).collect(),
        from_searches: from_searches.take(MOST_PROPOSED).collect(),
    })
}

/// The texts of a rule, whichever way round.
fn texts(rule: &SynonymRule) -> BTreeSet<&str> {
    rule.from.iter().chain(&rule.to).map(String::as_str).collect()
}

fn preview(world: &World, rules: Vec<SynonymRule>, q: &str) -> Preview {
    let mut edited = world.clone();
    edited.synonyms = Arc::new(ShopSynonyms::compile(rules));
    let question = Question {
        q: q.trim().to_owned(),
        visitor: Visitor::default(),
        strength: 0.0,
        at: now(),
        ..Question::default()
    };
    let before = Searched::new(&ask(world, &question), world);
    let after = Searched::new(&ask(&edited, &question), world).beside(&before);
    Preview { is_same: after.is_like(&before), before, after }
}
