//! "View the shop as this customer": every group of placements decided for them, and a token that does the same
//! in the shop.
//!
//! Nothing that is shown here is counted or logged.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use mercer_schema::{DecideRequest, Explain, Page, PageType, ProductId, Visitor};
use serde::Deserialize;

use super::catalog::{self, Card};
use super::decided::Decided;
use super::page::{Frame, failure, render};
use super::page_type;
use super::session::OwnForm;
use crate::problem::Problem;
use crate::state::{App, new_decision_id, now};

#[derive(Deserialize)]
pub(crate) struct ViewAsForm {
    /// The product whose page is looked at; empty means the one that the customer saw last.
    #[serde(default)]
    product: String,
}

#[derive(Template)]
#[template(path = "console/view_as.html")]
struct ViewAsPage {
    frame: Frame,
    key: String,
    /// The product of product pages and of the basket.
    product: Option<Card>,
    pages: Vec<GroupPage>,
    token: String,
    public_url: String,
}

/// What the placements of one group show.
struct GroupPage {
    group: String,
    about: String,
    rows: Vec<Decided>,
    notes: Vec<String>,
}

pub(crate) async fn show(State(app): State<App>, Path(key): Path<String>, form: OwnForm<ViewAsForm>) -> Response {
    let OwnForm(session, form) = form;
    let frame = Frame::new(&app, &session, "customers");
    let made = tokio::task::spawn_blocking(move || view_as_page(&app, frame, key, &form));
    match made.await {
        Ok(Ok(page)) => render(&page),
        Ok(Err(problem)) => failure(&problem),
        Err(error) => failure(&Problem::internal(&error)),
    }
}

fn view_as_page(app: &App, frame: Frame, key: String, form: &ViewAsForm) -> Result<ViewAsPage, Problem> {
    let snapshot = app.engine.snapshot();
    let world = &snapshot.world;
    let visitor = world.profiles.find(&key).ok_or_else(|| Problem::not_found("customer or visitor of this id"))?;
    let product = match form.product.trim() {
        "" => last_seen(app, &visitor).or_else(|| catalog::example(&snapshot).map(|product| product.id.clone())),
        typed => {
            Some(ProductId::parse(typed).map_err(|error| Problem::invalid(Some("product".into()), error.to_string()))?)
        }
    };
    let pages = groups(app).into_iter().map(|group| group_page(app, group, &visitor, product.as_ref())).collect();
    Ok(ViewAsPage {
        frame,
        key,
        product: product.map(|id| Card::find(&world.catalog, &id)),
        pages,
        token: app.signer.sign(visitor, now()),
        public_url: app.settings.public_url.clone(),
    })
}

fn group_page(app: &App, group: String, visitor: &Visitor, product: Option<&ProductId>) -> GroupPage {
    let kind = page_type::of_group(&group);
    let needs_product = matches!(kind, PageType::Product | PageType::Cart | PageType::Checkout);
    let known = product.and_then(|id| app.engine.snapshot().world.catalog.get(id).cloned());
    let category = known.as_ref().and_then(|product| product.leaf_category().map(str::to_owned));
    let about = match (kind, &known, &category) {
        (PageType::Product, Some(product), _) => format!("The page of {}.", product.title),
        (PageType::Cart | PageType::Checkout, Some(product), _) => format!("With {} in the basket.", product.title),
        (PageType::Category, _, Some(category)) => format!("The page of the category {category}."),
        _ => String::new(),
    };
    let request = DecideRequest {
        customer: visitor.customer_id.clone(),
        anonymous_id: visitor.anonymous_id.clone(),
        page: Page {
            kind,
            product_ids: product.filter(|_| needs_product).cloned().into_iter().collect(),
            category: category.filter(|_| kind == PageType::Category),
            ..Page::default()
        },
        group: Some(group.clone()),
        fields: vec!["title".to_owned()],
        dry_run: true,
        explain: Explain::Full,
        ..DecideRequest::default()
    };
    let decision = app.engine.decide(request, new_decision_id(), now()).decision;
    let snapshot = app.engine.snapshot();
    let rows = decision.placements.iter().map(|placement| Decided::new(placement, &snapshot.world.catalog)).collect();
    GroupPage { group, about, rows, notes: decision.notes }
}

/// Groups of enabled placements, each once, in the order of the placements.
fn groups(app: &App) -> Vec<String> {
    let snapshot = app.engine.snapshot();
    let mut groups: Vec<String> = Vec::new();
    for group in
        snapshot.world.placements.iter().filter(|placement| placement.enabled).flat_map(|placement| &placement.groups)
    {
        if !groups.contains(group) {
            groups.push(group.clone());
        }
    }
    groups
}

/// The product of the newest contact that the catalog still has.
fn last_seen(app: &App, visitor: &Visitor) -> Option<ProductId> {
    let snapshot = app.engine.snapshot();
    let profile = snapshot.world.profiles.view(visitor)?;
    let known = profile.touches.iter().rev().find(|touch| snapshot.world.catalog.get(&touch.product_id).is_some());
    known.map(|touch| touch.product_id.clone())
}
