//! The basket, and a checkout that only pretends: it sends *Order Completed* and charges nobody.

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use mercer_schema::{Money, Page, PageType, Product, ProductId};
use serde::{Deserialize, Serialize};

use super::super::change::Notice;
use super::super::cookie;
use super::super::event::Story;
use super::super::shop::{Scene, Shop};
use super::super::trouble::Trouble;
use super::super::view::{Frame, Row, Tile, price_text, rows};
use super::super::visitor::Visitor;
use super::{go_to, page};

#[derive(Template)]
#[template(path = "cart.html")]
struct CartPage {
    frame: Frame,
    lines: Vec<CartLine>,
    total: String,
    rows: Vec<Row>,
}

struct CartLine {
    tile: Tile,
    pieces: u32,
    sum: String,
}

#[derive(Template)]
#[template(path = "order.html")]
struct OrderPage {
    frame: Frame,
    order: Option<Placed>,
    rows: Vec<Row>,
}

/// The last order, for the page that says thank you.
#[derive(Debug, Serialize, Deserialize)]
struct Placed {
    id: String,
    total: String,
    pieces: u32,
    titles: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(in super::super) struct Change {
    product_id: String,
    #[serde(default = "one")]
    quantity: u32,
}

const fn one() -> u32 {
    1
}

pub(in super::super) async fn show(State(shop): State<Shop>, mut visitor: Visitor) -> Result<Response, Trouble> {
    let lines = products(&shop, &visitor).await?;
    let before = shop.known(&visitor).await;
    let story = if lines.is_empty() { Story::page("Basket") } else { Story::cart_viewed(&lines) };
    shop.tell(&visitor, &story).await;
    let ids = lines.iter().map(|(product, _)| product.id.clone()).collect();
    let about = Page { kind: PageType::Cart, product_ids: ids, ..Page::default() };
    // Nothing goes well with an empty basket: the front page's rows say where to begin.
    let group = if lines.is_empty() { "home" } else { "cart" };
    let (decision, after) = tokio::join!(shop.decide(&visitor, group, about), shop.known(&visitor));
    let scene = shop.scene(&mut visitor, &story, before.as_ref(), after);
    let frame = Frame::build(&shop, &visitor, "Your basket", scene).await?;
    let mut rows = rows(&shop, decision);
    rows.truncate(2);
    let total = total(&lines).map(price_text).unwrap_or_default();
    let lines = lines.iter().map(|(product, pieces)| CartLine {
        tile: Tile::of(product),
        pieces: *pieces,
        sum: sum(product, *pieces).map(price_text).unwrap_or_default(),
    });
    page(&CartPage { frame, lines: lines.collect(), total, rows }, &visitor)
}

pub(in super::super) async fn add(
    State(shop): State<Shop>,
    mut visitor: Visitor,
    Form(form): Form<Change>,
) -> Result<Response, Trouble> {
    let Some(product) = find(&shop, &form.product_id).await? else { return Ok(go_to("/cart", &visitor)) };
    let pieces = form.quantity.clamp(1, 99);
    let notice = if !product.is_buyable() {
        Notice::new(format!("{} is sold out.", product.title))
    } else if !visitor.cart.add(product.id.clone(), pieces) {
        Notice::new("Your basket is full. Take something out to make room.")
    } else {
        visitor.keep_cart();
        shop.tell_and_compare(&mut visitor, &Story::product_added(&product, pieces)).await;
        Notice::new(format!("{} is in your basket.", product.title))
    };
    notice.keep(&mut visitor.jar);
    Ok(go_to("/cart", &visitor))
}

pub(in super::super) async fn set(
    State(shop): State<Shop>,
    mut visitor: Visitor,
    Form(form): Form<Change>,
) -> Result<Response, Trouble> {
    let Ok(id) = ProductId::parse(&form.product_id) else { return Ok(go_to("/cart", &visitor)) };
    let before = visitor.cart.set(&id, form.quantity);
    let after = visitor.cart.lines().iter().find(|(held, _)| *held == id).map_or(0, |(_, pieces)| *pieces);
    visitor.keep_cart();
    if before != after
        && let Some(product) = shop.mercer().product(&id).await?
    {
        let story = if after > before {
            Story::product_added(&product, after - before)
        } else {
            Story::product_removed(&product, before - after)
        };
        shop.tell_and_compare(&mut visitor, &story).await;
        if after == 0 {
            Notice::new(format!("{} is no longer in your basket.", product.title)).keep(&mut visitor.jar);
        }
    }
    Ok(go_to("/cart", &visitor))
}

pub(in super::super) async fn check_out(State(shop): State<Shop>, mut visitor: Visitor) -> Result<Response, Trouble> {
    let mut lines = products(&shop, &visitor).await?;
    lines.retain(|(product, _)| product.is_buyable());
    if lines.is_empty() {
        return Ok(go_to("/cart", &visitor));
    }
    let total = total(&lines);
    let order_id = format!("WR-{}", shop.fresh_id()[..10].to_uppercase());
    let story = Story::order_completed(&order_id, &lines, total);
    if !shop.tell_and_compare(&mut visitor, &story).await {
        Notice::new("The order could not be placed just now. Your basket is as it was; please try again.")
            .keep(&mut visitor.jar);
        return Ok(go_to("/cart", &visitor));
    }
    let placed = Placed {
        id: order_id,
        total: total.map(price_text).unwrap_or_default(),
        pieces: lines.iter().map(|(_, pieces)| pieces).sum(),
        titles: lines.iter().take(12).map(|(product, _)| product.title.clone()).collect(),
    };
    visitor.cart = super::super::cart::Cart::default();
    visitor.keep_cart();
    if let Ok(text) = serde_json::to_string(&placed) {
        visitor.jar.keep_for_visit(cookie::ORDER, &text);
    }
    Ok(go_to("/order", &visitor))
}

pub(in super::super) async fn thank(
    State(shop): State<Shop>,
    headers: HeaderMap,
    visitor: Visitor,
) -> Result<Response, Trouble> {
    let order = cookie::get(&headers, cookie::ORDER).and_then(|text| serde_json::from_str(&text).ok());
    let about = Page { kind: PageType::Checkout, ..Page::default() };
    let (decision, known) = tokio::join!(shop.decide(&visitor, "home", about), shop.known(&visitor));
    let scene = Scene { known, change: visitor.change.clone() };
    let frame = Frame::build(&shop, &visitor, "Thank you", scene).await?;
    let rows = rows(&shop, decision).into_iter().take(1).collect();
    page(&OrderPage { frame, order, rows }, &visitor)
}

async fn find(shop: &Shop, id: &str) -> Result<Option<Product>, Trouble> {
    match ProductId::parse(id) {
        Ok(id) => shop.mercer().product(&id).await,
        Err(_) => Ok(None),
    }
}

/// The basket's products as the catalog has them now; what it no longer has falls out.
async fn products(shop: &Shop, visitor: &Visitor) -> Result<Vec<(Product, u32)>, Trouble> {
    let mut lines = Vec::with_capacity(visitor.cart.lines().len());
    for (id, pieces) in visitor.cart.lines() {
        if let Some(product) = shop.mercer().product(id).await? {
            shop.saw(&product);
            lines.push((product, *pieces));
        }
    }
    Ok(lines)
}

fn sum(product: &Product, pieces: u32) -> Option<Money> {
    let price = product.price?;
    Some(Money { minor: price.minor.checked_mul(pieces.into())?, ..price })
}

/// None when there is nothing, or the currencies differ.
fn total(lines: &[(Product, u32)]) -> Option<Money> {
    let mut sums = lines.iter().map(|(product, pieces)| sum(product, *pieces));
    let first = sums.next()??;
    sums.try_fold(first, |total, sum| {
        let sum = sum.filter(|sum| sum.currency == total.currency)?;
        Some(Money { minor: total.minor.checked_add(sum.minor)?, ..total })
    })
}
