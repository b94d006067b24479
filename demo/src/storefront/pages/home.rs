//! The front page: what the shop is, and rows for this visitor.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use mercer_schema::{Page, PageType};

use super::super::event::Story;
use super::super::shop::Shop;
use super::super::trouble::Trouble;
use super::super::view::{Frame, Row, rows};
use super::super::visitor::Visitor;
use super::page;

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    frame: Frame,
    rows: Vec<Row>,
    /// The sample customer's sentence, when signed in as one.
    line: Option<String>,
}

pub(in super::super) async fn show(State(shop): State<Shop>, mut visitor: Visitor) -> Result<Response, Trouble> {
    let story = Story::page("Home");
    let before = shop.known(&visitor).await;
    shop.tell(&visitor, &story).await;
    let about = Page { kind: PageType::Home, ..Page::default() };
    let (decision, after) = tokio::join!(shop.decide(&visitor, "home", about), shop.known(&visitor));
    let scene = shop.scene(&mut visitor, &story, before.as_ref(), after);
    let customers = &shop.settings().customers;
    let line = visitor.customer.as_ref().and_then(|id| customers.iter().find(|known| known.id == id.as_str()));
    let line = line.map(|known| known.line.clone());
    let rows = rows(&shop, decision);
    let frame = Frame::build(&shop, &visitor, "Gifts and small comforts", scene).await?;
    page(&Home { frame, rows, line }, &visitor)
}
