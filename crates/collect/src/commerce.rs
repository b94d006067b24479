//! E-commerce properties become a [`Commerce`]: products, order, amounts, query, list.
//!
//! Invariant: a field that was interpreted is taken out of the properties, and no other is. What an action cannot
//! do without (the product of a view, the id of an order) is a fault when it is missing.

use mercer_schema::{Commerce, CommerceAction as Action, Currency, Line, Money, Order, OrderId, ProductId, Properties};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::amount::{Till, pieces, whole_number};
use crate::bad_row::{BadReason, Fault};
use crate::object::{Object, id_of, list_of, text_of};

/// In order of preference. Segment's `id` is the oldest name for it, and Segment's products may have it beside.
const PRODUCT_KEYS: [&str; 5] = ["product_id", "productId", "item_id", "sku", "id"];
const ORDER_KEYS: [&str; 4] = ["order_id", "orderId", "transaction_id", "id"];
const TOTAL_KEYS: [&str; 3] = ["total", "revenue", "value"];
const QUERY_KEYS: [&str; 3] = ["query", "search_term", "q"];
const LIST_KEYS: [&str; 6] = ["list", "category", "item_list_name", "list_name", "list_id", "item_list_id"];

/// What is read apart from the properties themselves.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    pub(crate) default_currency: Currency,
    pub(crate) property_levels: usize,
}

/// Reads the fields that belong to an action; the rest is the event's properties.
pub(crate) fn read(action: Action, mut from: Object<'_>, terms: Terms) -> Result<(Commerce, Properties), Fault> {
    let mut till = Till::of(&from, terms.default_currency);
    let mut leftovers = None;
    let mut lines = Vec::new();
    if let Some((key, list)) = product_list(&from)? {
        let mut rests = Vec::with_capacity(list.len());
        for (index, raw) in list.into_iter().enumerate() {
            let (line, rest) = listed_line(raw, &mut till, terms).map_err(|fault| outside(fault, key, index))?;
            lines.push(line);
            rests.push(Value::Object(rest));
        }
        from.remove(key);
        let is_worth_keeping = rests.iter().any(|rest| rest.as_object().is_some_and(|rest| !rest.is_empty()));
        leftovers = is_worth_keeping.then_some((key, rests));
    } else {
        lines.extend(flat_line(action, &mut from, &mut till)?);
    }
    if lines.is_empty() && needs_product(action) {
        let message = format!("{} needs a product_id, or a list of products", action.name());
        return Err(Fault::missing("product_id", message));
    }
    let order = order(action, &mut from, &mut till)?;
    if till.was_used() {
        from.remove("currency");
    }
    let query = if action == Action::ProductsSearched { first_text(&mut from, &QUERY_KEYS) } else { None };
    let list = match action {
        Action::ProductListViewed | Action::ProductListFiltered => first_text(&mut from, &LIST_KEYS),
        _ => None,
    };
    let mut properties = from.rest(terms.property_levels)?;
    if let Some((key, rests)) = leftovers {
        properties.insert(key.to_owned(), Value::Array(rests));
    }
    Ok((Commerce { action, lines, order, query, list }, properties))
}

/// The currency is named by the event, not by the product whose price could not be read.
fn outside(fault: Fault, key: &str, index: usize) -> Fault {
    if fault.field.as_deref() == Some("currency") { fault } else { fault.within(format_args!("{key}[{index}]")) }
}

const fn needs_product(action: Action) -> bool {
    matches!(
        action,
        Action::ProductClicked
            | Action::ProductViewed
            | Action::ProductAdded
            | Action::ProductRemoved
            | Action::ProductAddedToWishlist
            | Action::ProductRemovedFromWishlist
            | Action::WishlistProductAddedToCart
            | Action::ProductShared
            | Action::ProductReviewed
    )
}

const fn needs_order(action: Action) -> bool {
    matches!(action, Action::OrderCompleted | Action::OrderUpdated | Action::OrderRefunded | Action::OrderCancelled)
}

/// Before the order is placed the shop may have given it an id.
const fn may_have_order(action: Action) -> bool {
    matches!(
        action,
        Action::CheckoutStarted
            | Action::CheckoutStepViewed
            | Action::CheckoutStepCompleted
            | Action::PaymentInfoEntered
            | Action::CouponEntered
            | Action::CouponApplied
            | Action::CouponDenied
            | Action::CouponRemoved
    )
}

fn product_list<'a>(from: &Object<'a>) -> Result<Option<(&'static str, Vec<&'a RawValue>)>, Fault> {
    for key in ["products", "items"] {
        if let Some(raw) = from.peek(key)? {
            let list = list_of(raw).map_err(|fault| fault.within(key))?;
            if !list.is_empty() {
                return Ok(Some((key, list)));
            }
        }
    }
    Ok(None)
}

fn listed_line(raw: &RawValue, till: &mut Till, terms: Terms) -> Result<(Line, Properties), Fault> {
    let mut product = Object::parse(raw.get())?;
    match line(&mut product, &PRODUCT_KEYS, till)? {
        Some(line) => Ok((line, product.rest(terms.property_levels)?)),
        None => Err(Fault::missing("product_id", "the product has no product_id, sku or id")),
    }
}

/// The product of an event that is about one and names it among its own properties.
fn flat_line(action: Action, from: &mut Object<'_>, till: &mut Till) -> Result<Option<Line>, Fault> {
    // A bare `id` is a product's only where the event is about one.
    let keys = if needs_product(action) { &PRODUCT_KEYS[..] } else { &PRODUCT_KEYS[..4] };
    line(from, keys, till)
}

fn line(from: &mut Object<'_>, id_keys: &[&'static str], till: &mut Till) -> Result<Option<Line>, Fault> {
    let Some((key, raw)) = first_filled(from, id_keys)? else { return Ok(None) };
    let Some(product_id) = id_of(raw).map_err(|fault| fault.within(key))? else { return Ok(None) };
    from.remove(key);
    let mut price = None;
    if let Some(raw) = from.peek("price")? {
        price = till.price(raw).map_err(|fault| named(fault, "price"))?;
        from.remove("price");
    }
    let mut quantity = None;
    if let Some(raw) = from.take("quantity")? {
        quantity = pieces(raw).map_err(|fault| fault.within("quantity"))?;
    }
    Ok(Some(Line { product_id, quantity: quantity.unwrap_or(1), price, position: position(from)? }))
}

/// Segment counts places from 1, GA4 from 0. A place that cannot be read stays among the properties.
fn position(from: &mut Object<'_>) -> Result<Option<u32>, Fault> {
    for (key, first) in [("position", 1), ("index", 0)] {
        let Some(raw) = from.peek(key)? else { continue };
        let number = text_of(raw).ok().flatten().and_then(|text| whole_number(&text));
        if let Some(place) = number.and_then(|number| number.checked_sub(first)?.checked_add(1)) {
            from.remove(key);
            return Ok(Some(place));
        }
    }
    Ok(None)
}

fn order(action: Action, from: &mut Object<'_>, till: &mut Till) -> Result<Option<Order>, Fault> {
    let keys = match action {
        _ if needs_order(action) => &ORDER_KEYS[..],
        _ if may_have_order(action) => &ORDER_KEYS[..3],
        _ => return Ok(None),
    };
    let Some((key, raw)) = first_filled(from, keys)? else {
        if needs_order(action) {
            return Err(Fault::missing("order_id", format!("{} needs an order_id", action.name())));
        }
        return Ok(None);
    };
    let id: Option<OrderId> = id_of(raw).map_err(|fault| fault.within(key))?;
    from.remove(key);
    let total = total(action, from, till)?;
    Ok(id.map(|id| Order { id, total }))
}

/// A refund may come with either sign: the action says which way the money went.
fn total(action: Action, from: &mut Object<'_>, till: &mut Till) -> Result<Option<Money>, Fault> {
    let Some((key, raw)) = first_filled(from, &TOTAL_KEYS)? else { return Ok(None) };
    let mut total = till.amount(raw).map_err(|fault| named(fault, key))?;
    if let Some(total) = total.as_mut().filter(|total| total.minor < 0) {
        if action != Action::OrderRefunded {
            let message = format!("`{total}` is negative; only a refund may be");
            return Err(Fault::at(BadReason::InvalidMoney, key, message));
        }
        total.minor = -total.minor;
    }
    from.remove(key);
    Ok(total)
}

/// An amount's fault, unless it is the currency's.
fn named(fault: Fault, key: &str) -> Fault {
    if fault.field.is_some() { fault } else { fault.within(key) }
}

/// The first of the keys with something in it.
fn first_filled<'a>(from: &Object<'a>, keys: &[&'static str]) -> Result<Option<(&'static str, &'a RawValue)>, Fault> {
    for key in keys {
        if let Some(raw) = from.peek(key)?
            && raw.get() != "\"\""
        {
            return Ok(Some((key, raw)));
        }
    }
    Ok(None)
}

fn first_text(from: &mut Object<'_>, keys: &[&str]) -> Option<String> {
    keys.iter().find_map(|key| from.describing_text(key))
}

/// Ids of products given as a list of ids, a list of products, or one id.
pub(crate) fn product_ids(from: &mut Object<'_>) -> Result<Vec<ProductId>, Fault> {
    for key in ["product_ids", "products"] {
        let Some(raw) = from.peek(key)? else { continue };
        let elements = list_of(raw).map_err(|fault| fault.within(key))?;
        let ids = elements
            .into_iter()
            .enumerate()
            .map(|(index, raw)| listed_id(raw).map_err(|fault| fault.within(format_args!("{key}[{index}]"))));
        let ids = ids.collect::<Result<Vec<_>, _>>()?;
        from.remove(key);
        return Ok(ids);
    }
    let id = one_product_id(from)?;
    id.map(|id| vec![id]).ok_or_else(|| Fault::missing("product_ids", "the products that were shown are needed"))
}

fn listed_id(raw: &RawValue) -> Result<ProductId, Fault> {
    let id = if raw.get().starts_with('{') { one_product_id(&mut Object::parse(raw.get())?)? } else { id_of(raw)? };
    id.ok_or_else(|| Fault::new(BadReason::InvalidId, "a product id is expected here"))
}

pub(crate) fn one_product_id(from: &mut Object<'_>) -> Result<Option<ProductId>, Fault> {
    let Some((key, raw)) = first_filled(from, &PRODUCT_KEYS)? else { return Ok(None) };
    let id = id_of(raw).map_err(|fault| fault.within(key))?;
    from.remove(key);
    Ok(id)
}
