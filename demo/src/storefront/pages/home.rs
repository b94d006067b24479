//! The front page: what the shop is, and rows for this visitor.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use mercer_schema::{Page, PageType};

use super::super::event::Story;
use super::super::shop::Shop;
use super::super::trouble::Trouble;
use super::super::view::{Frame, Link, Row, rows};
use super::super::visitor::Visitor;
use super::page;

const PICTURES: usize = 6;

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    frame: Frame,
    rows: Vec<Row>,
    /// In the order of this visitor: six to show at once, and every department.
    pictures: Vec<Link>,
    departments: Vec<Link>,
    /// The sample customer's sentence, when signed in as one.
    line: Option<String>,
}

pub(in super::super) async fn show(State(shop): State<Shop>, mut visitor: Visitor) -> Result<Response, Trouble> {
    let story = Story::page("Home");
    let before = shop.known(&visitor).await;
    shop.tell(&visitor, &story).await;
    let about = Page { kind: PageType::Home, ..Page::default() };
    let decide = shop.decide(&visitor, "home", about);
    let (decision, after, browsed) = tokio::join!(decide, shop.known(&visitor), shop.mercer().browse(&visitor));
    let scene = shop.scene(&mut visitor, &story, before.as_ref(), after);
    let customers = &shop.settings().customers;
    let line = visitor.customer.as_ref().and_then(|id| customers.iter().find(|known| known.id == id.as_str()));
    let line = line.map(|known| known.line.clone());
    let rows = rows(&shop, decision);
    let frame = Frame::build(&shop, &visitor, "Gifts and small comforts", scene).await?;
    let (pictures, departments) = match browsed {
        Ok(browsed) => (
            browsed.tiles.iter().take(PICTURES).map(Link::of).collect(),
            browsed.tiles.iter().filter(|tile| tile.category == tile.name).map(Link::of).collect(),
        ),
        Err(trouble) => {
            tracing::warn!(error = %trouble, "the departments stand in everybody's order");
            (frame.departments.iter().take(PICTURES).cloned().collect(), frame.departments.clone())
        }
    };
    page(&Home { frame, rows, line, pictures, departments }, &visitor)
}
