//! What visitors do, in the words of Segment's e-commerce specification, as `POST /v1/batch` takes it.

use mercer_schema::{Money, Product, ProductId, Timestamp};
use serde_json::{Map, Number, Value, json};

use super::visitor::Visitor;

/// One thing to tell Mercer, and how the panel speaks of it.
#[derive(Debug, Clone)]
pub(super) struct Story {
    call: Call,
    /// "You looked at Red Retrospot Mug".
    pub(super) words: String,
}

#[derive(Debug, Clone)]
enum Call {
    Track { name: &'static str, properties: Value },
    Page { name: &'static str },
    Identify,
}

impl Story {
    pub(super) fn page(name: &'static str) -> Self {
        Self { call: Call::Page { name }, words: format!("You opened the {} page", name.to_lowercase()) }
    }

    pub(super) fn identify(line: &str) -> Self {
        Self { call: Call::Identify, words: format!("You signed in: {line}") }
    }

    pub(super) fn product_viewed(product: &Product) -> Self {
        Self::track("Product Viewed", properties(product, None), format!("You looked at {}", product.title))
    }

    pub(super) fn product_added(product: &Product, pieces: u32) -> Self {
        Self::track(
            "Product Added",
            properties(product, Some(pieces)),
            format!("You put {} into the basket", product.title),
        )
    }

    pub(super) fn product_removed(product: &Product, pieces: u32) -> Self {
        let words = format!("You took {} out of the basket", product.title);
        Self::track("Product Removed", properties(product, Some(pieces)), words)
    }

    pub(super) fn list_viewed(category: &str, products: &[Product]) -> Self {
        let listed: Vec<Value> = products.iter().map(|product| json!({ "product_id": product.id })).collect();
        let properties = json!({ "list_id": category, "category": category, "products": listed });
        Self::track("Product List Viewed", properties, format!("You browsed {category}"))
    }

    pub(super) fn searched(query: &str) -> Self {
        Self::track("Products Searched", json!({ "query": query }), format!("You searched for “{query}”"))
    }

    pub(super) fn cart_viewed(lines: &[(Product, u32)]) -> Self {
        Self::track("Cart Viewed", json!({ "products": listed(lines) }), "You looked into your basket".to_owned())
    }

    pub(super) fn order_completed(order_id: &str, lines: &[(Product, u32)], total: Option<Money>) -> Self {
        let mut properties = Map::new();
        properties.insert("order_id".into(), order_id.into());
        if let Some(total) = total {
            properties.insert("total".into(), number(total));
            properties.insert("currency".into(), total.currency.code().into());
        }
        properties.insert("products".into(), listed(lines));
        Self::track("Order Completed", properties.into(), format!("You placed order {order_id}"))
    }

    pub(super) fn dismissed(product: &ProductId, title: &str) -> Self {
        Self::track("Product Dismissed", json!({ "product_id": product }), format!("You said “not for me” to {title}"))
    }

    pub(super) fn dismissal_undone(product: &ProductId, title: &str) -> Self {
        let words = format!("You took back your “not for me” to {title}");
        Self::track("Product Dismissal Undone", json!({ "product_id": product }), words)
    }

    pub(super) fn consent_stated(may_personalize: bool) -> Self {
        let state = if may_personalize { "on" } else { "off" };
        let properties = json!({ "personalization": may_personalize });
        Self::track("Consent Preference Updated", properties, format!("You switched personalization {state}"))
    }

    pub(super) fn search_preference(strength: f64, words: &str) -> Self {
        let properties = json!({ "search_strength": strength });
        Self::track("Search Preference Updated", properties, format!("You let search know you {words}"))
    }

    fn track(name: &'static str, properties: Value, words: String) -> Self {
        Self { call: Call::Track { name, properties }, words }
    }

    /// The body of `POST /v1/batch` with this one event.
    pub(super) fn to_batch(&self, visitor: &Visitor, message_id: &str, now: Timestamp) -> Value {
        let mut event = Map::new();
        let mut put = |key: &str, value: Value| _ = event.insert(key.to_owned(), value);
        match &self.call {
            Call::Track { name, properties } => {
                put("type", "track".into());
                put("event", (*name).into());
                put("properties", properties.clone());
            }
            Call::Page { name } => {
                put("type", "page".into());
                put("name", (*name).into());
            }
            Call::Identify => put("type", "identify".into()),
        }
        put("messageId", message_id.into());
        put("anonymousId", visitor.anonymous_id.as_str().into());
        if let Some(customer) = &visitor.customer {
            put("userId", customer.as_str().into());
        }
        put("timestamp", now.to_string().into());
        put("channel", "web".into());
        put("context", context(visitor));
        json!({ "batch": [event], "sentAt": now.to_string() })
    }
}

fn context(visitor: &Visitor) -> Value {
    json!({
        "userAgent": visitor.user_agent,
        "locale": visitor.locale,
        "page": {
            "url": format!("{}{}", visitor.origin, visitor.here),
            "path": visitor.here.split('?').next(),
            "referrer": visitor.referrer,
        },
        "consent": { "personalization": visitor.may_personalize(), "gpc": visitor.has_gpc },
        "library": { "name": "gift-shop-web", "version": env!("CARGO_PKG_VERSION") },
    })
}

fn listed(lines: &[(Product, u32)]) -> Value {
    lines.iter().map(|(product, pieces)| properties(product, Some(*pieces))).collect()
}

fn properties(product: &Product, pieces: Option<u32>) -> Value {
    let mut properties = Map::new();
    properties.insert("product_id".into(), product.id.as_str().into());
    properties.insert("name".into(), product.title.as_str().into());
    if let Some(category) = product.leaf_category() {
        properties.insert("category".into(), category.into());
    }
    if let Some(price) = product.price {
        properties.insert("price".into(), number(price));
        properties.insert("currency".into(), price.currency.code().into());
    }
    if let Some(pieces) = pieces {
        properties.insert("quantity".into(), pieces.into());
    }
    properties.into()
}

/// An amount as trackers send it: a decimal number.
fn number(money: Money) -> Value {
    money.amount().parse::<f64>().ok().and_then(Number::from_f64).map_or(Value::Null, Value::Number)
}
