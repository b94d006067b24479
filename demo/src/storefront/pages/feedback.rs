//! "Not for me", and taking that back. Obeyed by the very next page.

use axum::Form;
use axum::extract::State;
use axum::response::Response;
use mercer_schema::ProductId;
use serde::Deserialize;

use super::super::change::Notice;
use super::super::event::Story;
use super::super::shop::Shop;
use super::super::trouble::Trouble;
use super::super::visitor::Visitor;
use super::go_to;

#[derive(Debug, Deserialize)]
pub(in super::super) struct Said {
    product_id: String,
    #[serde(default)]
    back: String,
}

pub(in super::super) async fn dismiss(
    State(shop): State<Shop>,
    mut visitor: Visitor,
    Form(said): Form<Said>,
) -> Result<Response, Trouble> {
    let Ok(id) = ProductId::parse(&said.product_id) else { return Ok(go_to(&said.back, &visitor)) };
    let title = title(&shop, &id).await;
    let is_told = shop.tell_and_compare(&mut visitor, &Story::dismissed(&id, &title)).await;
    let notice = if is_told {
        Notice { text: format!("{title}: understood, not for you."), undo: Some(id.as_str().to_owned()) }
    } else {
        Notice::new("That could not be noted just now. Please try again.")
    };
    notice.keep(&mut visitor.jar);
    Ok(go_to(&said.back, &visitor))
}

pub(in super::super) async fn undo(
    State(shop): State<Shop>,
    mut visitor: Visitor,
    Form(said): Form<Said>,
) -> Result<Response, Trouble> {
    let Ok(id) = ProductId::parse(&said.product_id) else { return Ok(go_to(&said.back, &visitor)) };
    let title = title(&shop, &id).await;
    let is_told = shop.tell_and_compare(&mut visitor, &Story::dismissal_undone(&id, &title)).await;
    let text = if is_told {
        format!("{title} may be shown to you again.")
    } else {
        "That could not be noted just now. Please try again.".to_owned()
    };
    Notice::new(text).keep(&mut visitor.jar);
    Ok(go_to(&said.back, &visitor))
}

/// The product's title; its id where the catalog does not know it.
async fn title(shop: &Shop, id: &ProductId) -> String {
    let product = shop.pictured(id).await.ok().flatten();
    product.map_or_else(|| id.as_str().to_owned(), |product| product.title)
}
