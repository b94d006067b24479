//! Placements: what each slot of the shop is filled with, changed here and seen at once.
//!
//! A preview decides the edited placement, saved or not, in today's world; it counts and logs nothing.

use std::sync::Arc;
use std::time::Instant;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use mercer_decide::Placements;
use mercer_engine::Snapshot;
use mercer_schema::{CustomerId, DecideRequest, DecisionId, Explain, Page, PageType, Placement, PlacementId, Visitor};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::catalog;
use super::decided::{Decided, source_label};
use super::page::{Frame, failure, render};
use super::page_type;
use super::placement_form::{Field, Form, METHODS, SOURCES, Values};
use super::session::{OwnForm, SignedIn};
use super::sign_in::Nothing;
use crate::problem::Problem;
use crate::state::{App, now};

/// Previews share an id, and with it their chance: only a change of the form changes the outcome.
const PREVIEW: &str = "preview";
/// Nobody is told off for a form that they have only just opened.
const UNTITLED: &str = "Without a title yet";
/// Empty rows that a list of the form ends with; more on request.
const SPARE: usize = 1;
const MORE_SPARE: usize = 4;

/// All but the characters that are never special in a path.
const PATH_PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

#[derive(Deserialize)]
pub(crate) struct Done {
    #[serde(default)]
    removed: Option<String>,
    #[serde(default)]
    saved: Option<String>,
    /// The placement that a new one is to be like.
    #[serde(default)]
    like: Option<String>,
}

#[derive(Template)]
#[template(path = "console/placements.html")]
struct PlacementsPage {
    frame: Frame,
    rows: Vec<Listed>,
}

struct Listed {
    id: String,
    title: String,
    groups: Vec<String>,
    sources: Vec<String>,
    fallback: Vec<&'static str>,
    size: usize,
    /// Filters, boosts, pins in a few words.
    rules: String,
    is_enabled: bool,
}

pub(crate) async fn list(SignedIn(session): SignedIn, State(app): State<App>, Query(done): Query<Done>) -> Response {
    let notice = done.removed.map(|_| "The placement is removed. Pages that ask for it get nothing for it.".to_owned());
    let snapshot = app.engine.snapshot();
    let rows = snapshot.world.placements.iter().map(listed).collect();
    render(&PlacementsPage { frame: Frame::new(&app, &session, "placements").with_notice(notice), rows })
}

fn listed(placement: &Placement) -> Listed {
    let source = |source: &mercer_schema::Source| match placement.sources.len() {
        1 => source_label(source.kind).to_owned(),
        _ => format!("{} {}", source_label(source.kind), source.weight),
    };
    let counted = |count: usize, one: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        count => Some(format!("{count} {one}s")),
    };
    let rules = [
        counted(usize::from(placement.filter.is_some()), "filter"),
        counted(placement.boosts.len(), "boost"),
        counted(placement.objectives.len(), "aim"),
        counted(placement.quotas.len(), "quota"),
        counted(placement.pins.len(), "pin"),
        (placement.exploration > 0.0).then(|| format!("{:.0} % exploration", placement.exploration * 100.0)),
    ];
    Listed {
        id: placement.id.to_string(),
        title: placement.title.clone(),
        groups: placement.groups.clone(),
        sources: placement.sources.iter().map(source).collect(),
        fallback: placement.fallback.iter().map(|kind| source_label(*kind)).collect(),
        size: placement.size,
        rules: rules.into_iter().flatten().collect::<Vec<_>>().join(", "),
        is_enabled: placement.enabled,
    }
}

#[derive(Template)]
#[template(path = "console/placement.html")]
struct PlacementPage {
    frame: Frame,
    /// The placement that is changed; none while it is new.
    existing: Option<String>,
    form: Form,
    /// Empty rows at the end of the list that rows were asked for.
    spare: Spare,
    preview: Preview,
    source_options: Vec<(&'static str, &'static str)>,
    method_options: Vec<(&'static str, &'static str)>,
    page_options: Vec<(&'static str, &'static str)>,
    /// As the API takes it.
    json: Option<String>,
}

struct Spare {
    fallback: usize,
    boosts: usize,
    quotas: usize,
    pins: usize,
}

impl Spare {
    /// By the button that was pressed.
    fn of(action: &str) -> Self {
        let rows = |list: &str| if action == list { MORE_SPARE } else { SPARE };
        Self {
            fallback: rows("rows.fallback"),
            boosts: rows("rows.boosts"),
            quotas: rows("rows.quotas"),
            pins: rows("rows.pins"),
        }
    }
}

impl PlacementPage {
    fn field(&self, name: &str) -> Field {
        self.form.field(name)
    }
}

/// The placement as it would be decided, or why it cannot be.
struct Preview {
    decided: Option<Decided>,
    notes: Vec<String>,
    took: String,
}

pub(crate) async fn new(SignedIn(session): SignedIn, State(app): State<App>, Query(done): Query<Done>) -> Response {
    let frame = Frame::new(&app, &session, "placements");
    let snapshot = app.engine.snapshot();
    let like = done.like.and_then(|id| snapshot.world.placements.get(&PlacementId::trusted(id)).cloned());
    let mut form = like.as_ref().map_or_else(Form::blank, Form::from_placement);
    form.set("id", "");
    start_preview(&mut form, &snapshot);
    page(&app, frame, (None, form))
}

pub(crate) async fn edit(
    SignedIn(session): SignedIn,
    State(app): State<App>,
    Path(id): Path<String>,
    Query(done): Query<Done>,
) -> Response {
    let notice = done.saved.map(|_| "Saved. The next decision uses it.".to_owned());
    let frame = Frame::new(&app, &session, "placements").with_notice(notice);
    let snapshot = app.engine.snapshot();
    let Some(placement) = snapshot.world.placements.get(&PlacementId::trusted(id.as_str())) else {
        return failure(&Problem::not_found("such placement"));
    };
    let mut form = Form::from_placement(placement);
    start_preview(&mut form, &snapshot);
    page(&app, frame, (Some(id), form))
}

pub(crate) async fn create(State(app): State<App>, sent: OwnForm<Values>) -> Response {
    let OwnForm(session, values) = sent;
    let frame = Frame::new(&app, &session, "placements");
    let mut form = Form::from_values(values);
    let is_taken =
        PlacementId::parse(form.text("id")).is_ok_and(|id| app.engine.snapshot().world.placements.get(&id).is_some());
    if is_taken {
        form.refuse("id", "there is already a placement of this id; choose another");
    }
    answer(&app, frame, (None, form)).await
}

pub(crate) async fn save(State(app): State<App>, Path(id): Path<String>, sent: OwnForm<Values>) -> Response {
    let OwnForm(session, mut values) = sent;
    let frame = Frame::new(&app, &session, "placements");
    values.insert("id".to_owned(), id.clone());
    answer(&app, frame, (Some(id), Form::from_values(values))).await
}

pub(crate) async fn remove(State(app): State<App>, Path(id): Path<String>, form: OwnForm<Nothing>) -> Response {
    let OwnForm(_, Nothing {}) = form;
    match app.engine.remove_placement(&PlacementId::trusted(id), now()).await {
        Ok(true) => Redirect::to("/console/placements?removed=1").into_response(),
        Ok(false) => failure(&Problem::not_found("such placement")),
        Err(error) => failure(&Problem::from(error)),
    }
}

/// Saves when that was asked for; shows the form with a preview otherwise, and when it cannot be saved.
async fn answer(app: &App, frame: Frame, (existing, mut form): (Option<String>, Form)) -> Response {
    if form.text("do") != "save" {
        return page(app, frame, (existing, form));
    }
    let Some(placement) = form.clone().read() else {
        return (StatusCode::BAD_REQUEST, page(app, frame, (existing, form))).into_response();
    };
    let id = utf8_percent_encode(placement.id.as_str(), PATH_PART).to_string();
    match app.engine.save_placement(placement, now()).await {
        Ok(_) => Redirect::to(&format!("/console/placements/{id}?saved=1")).into_response(),
        Err(mercer_engine::Error::Placement { .. }) => {
            // The page checks again and puts the fault at its field.
            form.set("do", "");
            (StatusCode::BAD_REQUEST, page(app, frame, (existing, form))).into_response()
        }
        Err(error) => failure(&Problem::from(error)),
    }
}

/// For whom and for which page a placement is previewed at first.
fn start_preview(form: &mut Form, snapshot: &Snapshot) {
    let group = form.text("groups").split(',').next().unwrap_or_default().trim().to_owned();
    let kind = page_type::of_group(&group);
    form.set("preview.page", page_type::name(kind));
    let Some(example) = catalog::example(snapshot) else { return };
    match kind {
        PageType::Product | PageType::Cart | PageType::Checkout => form.set("preview.product_ids", example.id.as_str()),
        PageType::Category => form.set("preview.category", example.leaf_category().unwrap_or_default()),
        _ => {}
    }
}

fn page(app: &App, frame: Frame, (existing, mut form): (Option<String>, Form)) -> Response {
    // A new placement can be tried before it has a name.
    let is_unnamed = existing.is_none() && form.text("id").is_empty() && form.text("do") != "save";
    let is_untitled = is_unnamed && form.text("title").is_empty();
    if is_unnamed {
        form.set("id", PREVIEW);
    }
    if is_untitled {
        form.set("title", UNTITLED);
    }
    let placement = form.read();
    if is_unnamed {
        form.set("id", "");
    }
    if is_untitled {
        form.set("title", "");
    }
    if let Some(Err(error)) = placement.as_ref().map(Placements::check) {
        let hint = error.nearest.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
        form.refuse(error.field, format!("{}{hint}", error.message));
    }
    let preview = match &placement {
        Some(placement) if form.faults().is_empty() => preview(&app.engine.snapshot(), placement, &mut form),
        _ => Preview { decided: None, notes: Vec::new(), took: String::new() },
    };
    render(&PlacementPage {
        frame,
        existing,
        spare: Spare::of(form.text("do")),
        preview,
        source_options: SOURCES.iter().map(|(kind, name, _)| (*name, source_label(*kind))).collect(),
        method_options: METHODS.iter().map(|(_, name, about)| (*name, *about)).collect(),
        page_options: page_type::ALL.iter().map(|(_, name, label)| (*name, *label)).collect(),
        json: placement.filter(|_| !is_unnamed).and_then(|placement| serde_json::to_string_pretty(&placement).ok()),
        form,
    })
}

fn preview(snapshot: &Snapshot, placement: &Placement, form: &mut Form) -> Preview {
    let mut notes = Vec::new();
    let visitor = visitor(snapshot, form.text("preview.customer"), &mut notes);
    let product_ids = catalog::product_ids(form.text("preview.product_ids")).unwrap_or_else(|error| {
        form.refuse("preview.product_ids", error.to_string());
        Vec::new()
    });
    for id in product_ids.iter().filter(|id| snapshot.world.catalog.get(id).is_none()) {
        notes.push(format!("The product {id} is not in the catalog."));
    }
    let text = |name: &str| Some(form.text(name).to_owned()).filter(|text| !text.is_empty());
    let request = DecideRequest {
        customer: visitor.customer_id,
        anonymous_id: visitor.anonymous_id,
        page: Page {
            kind: page_type::of_name(form.text("preview.page")),
            product_ids,
            category: text("preview.category"),
            query: text("preview.query"),
            locale: None,
        },
        placements: vec![placement.id.clone()],
        fields: vec!["title".to_owned()],
        dry_run: true,
        explain: Explain::Full,
        ..DecideRequest::default()
    };
    // The edited placement alone, switched on: what others on the page show is not known here.
    let edited = Placement { enabled: true, ..placement.clone() };
    let mut world = snapshot.world.clone();
    world.placements = Arc::new(Placements::compile(vec![edited]));
    let started = Instant::now();
    let decision = mercer_decide::decide(&world, &request, DecisionId::trusted(PREVIEW), now());
    let took = format!("{:.2} ms", started.elapsed().as_secs_f64() * 1e3);
    notes.extend(decision.notes);
    notes.extend(mercer_decide::idle_settings(&snapshot.world, placement));
    let decided = decision.placements.first().map(|decided| Decided::new(decided, &world.catalog));
    Preview { decided, notes, took }
}

/// Who was named; somebody unknown is decided for as a new visitor is.
pub(super) fn visitor(snapshot: &Snapshot, typed: &str, notes: &mut Vec<String>) -> Visitor {
    if typed.is_empty() {
        return Visitor::default();
    }
    snapshot.world.profiles.find(typed).unwrap_or_else(|| {
        notes.push(format!("Nobody of the id {typed} is known; this is what a new visitor would see."));
        Visitor { customer_id: CustomerId::parse(typed).ok(), anonymous_id: None }
    })
}
