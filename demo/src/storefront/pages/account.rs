//! Who the visitor is to the shop: sign-in as a sample customer, what is known, the switch, and starting afresh.

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::response::Response;
use mercer_schema::{CustomerId, ProductId};
use serde::Deserialize;

use super::super::change::Notice;
use super::super::cookie;
use super::super::event::Story;
use super::super::panel::SearchKnows;
use super::super::shop::{Scene, Shop};
use super::super::trouble::Trouble;
use super::super::view::{Frame, Tile};
use super::super::visitor::Visitor;
use super::{go_to, page};
use crate::gift_shop::SampleCustomer;

/// Newest contacts and dismissed products that the page lists.
const MOST_LISTED: usize = 12;

#[derive(Template)]
#[template(path = "me.html")]
struct Me {
    frame: Frame,
    recent: Vec<Tile>,
    dismissed: Vec<Tile>,
    has_gpc: bool,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct Choose {
    frame: Frame,
    customers: Vec<SampleCustomer>,
}

#[derive(Debug, Deserialize)]
pub(in super::super) struct SignIn {
    customer: String,
}

#[derive(Debug, Deserialize)]
pub(in super::super) struct Switch {
    #[serde(default)]
    to: String,
    #[serde(default)]
    back: String,
}

pub(in super::super) async fn show(State(shop): State<Shop>, visitor: Visitor) -> Result<Response, Trouble> {
    let known = shop.known(&visitor).await;
    let (mut recent, mut dismissed): (Vec<ProductId>, Vec<ProductId>) = (Vec::new(), Vec::new());
    if let Some(known) = &known {
        for touch in known.profile.touches.iter().rev() {
            if recent.len() < MOST_LISTED && !recent.contains(&touch.product_id) {
                recent.push(touch.product_id.clone());
            }
        }
        dismissed = known.profile.dismissed.iter().take(MOST_LISTED).cloned().collect();
    }
    let (recent, dismissed) = (listed(&shop, &recent).await?, listed(&shop, &dismissed).await?);
    let scene = Scene { known, change: visitor.change.clone() };
    let mut frame = Frame::build(&shop, &visitor, "What Mercer knows of you", scene).await?;
    frame.has_panel = false;
    page(&Me { frame, recent, dismissed, has_gpc: visitor.has_gpc }, &visitor)
}

pub(in super::super) async fn choose(State(shop): State<Shop>, visitor: Visitor) -> Result<Response, Trouble> {
    let scene = Scene { known: shop.known(&visitor).await, change: visitor.change.clone() };
    let frame = Frame::build(&shop, &visitor, "Who are you today?", scene).await?;
    let customers = shop.settings().customers.clone();
    page(&Choose { frame, customers }, &visitor)
}

pub(in super::super) async fn sign_in(
    State(shop): State<Shop>,
    mut visitor: Visitor,
    Form(form): Form<SignIn>,
) -> Result<Response, Trouble> {
    let customers = &shop.settings().customers;
    let Some(chosen) = customers.iter().find(|customer| customer.id == form.customer).cloned() else {
        return Ok(go_to("/sign-in", &visitor));
    };
    // Two customers who use one browser one after the other are not one person.
    if visitor.customer.as_ref().is_some_and(|customer| customer.as_str() != chosen.id) {
        visitor.renew(shop.fresh_id());
    }
    visitor.customer = Some(CustomerId::trusted(chosen.id.as_str()));
    visitor.jar.keep(cookie::CUSTOMER, &chosen.id);
    shop.tell_and_compare(&mut visitor, &Story::identify(&chosen.line)).await;
    Notice::new(format!("Welcome back, customer {}.", chosen.id)).keep(&mut visitor.jar);
    Ok(go_to("/", &visitor))
}

pub(in super::super) async fn sign_out(State(shop): State<Shop>, mut visitor: Visitor) -> Result<Response, Trouble> {
    visitor.renew(shop.fresh_id());
    Notice::new("You are signed out. From here on you are a new visitor.").keep(&mut visitor.jar);
    Ok(go_to("/", &visitor))
}

pub(in super::super) async fn switch(
    State(shop): State<Shop>,
    mut visitor: Visitor,
    Form(form): Form<Switch>,
) -> Result<Response, Trouble> {
    visitor.is_switched_off = form.to == "off";
    let text = if visitor.is_switched_off {
        visitor.jar.keep(cookie::PERSONALIZATION, "off");
        "Personalization is off. You see what everybody sees."
    } else {
        visitor.jar.drop(cookie::PERSONALIZATION);
        "Personalization is on again."
    };
    let story = Story::consent_stated(visitor.may_personalize());
    shop.tell_and_compare(&mut visitor, &story).await;
    Notice::new(text).keep(&mut visitor.jar);
    Ok(go_to(&form.back, &visitor))
}

pub(in super::super) async fn let_search_know(
    State(shop): State<Shop>,
    mut visitor: Visitor,
    Form(form): Form<Switch>,
) -> Result<Response, Trouble> {
    if let Some(choice) = SearchKnows::ALL.into_iter().find(|choice| choice.value == form.to) {
        shop.tell_and_compare(&mut visitor, &Story::search_preference(choice.strength, choice.words)).await;
        Notice::new(format!("From here on search knows you {}.", choice.words)).keep(&mut visitor.jar);
    }
    Ok(go_to(&form.back, &visitor))
}

pub(in super::super) async fn reset(State(shop): State<Shop>, mut visitor: Visitor) -> Result<Response, Trouble> {
    visitor.renew(shop.fresh_id());
    visitor.jar.drop(cookie::PERSONALIZATION);
    Notice::new("A fresh start: nothing ties you to what was before.").keep(&mut visitor.jar);
    Ok(go_to("/", &visitor))
}

async fn listed(shop: &Shop, ids: &[ProductId]) -> Result<Vec<Tile>, Trouble> {
    let mut tiles = Vec::with_capacity(ids.len());
    for id in ids {
        if let Some(product) = shop.mercer().product(id).await? {
            shop.saw(&product);
            tiles.push(Tile::of(&product));
        }
    }
    Ok(tiles)
}
