//! A small Mercer to test the storefront against: the public API's shapes, with plain rules behind them.
//!
//! It checks the keys, remembers every event, and answers from the real catalog. It is no recommender.
#![allow(clippy::unwrap_used)]
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use mercer_schema::{DecideRequest, Product, SearchRequest};
use serde_json::{Value, json};

pub(crate) static CATALOG: LazyLock<Vec<Product>> = LazyLock::new(|| mercer_demo::gift_shop::catalog().unwrap());

#[derive(Clone, Default)]
pub(crate) struct FakeMercer {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    events: Mutex<Vec<Value>>,
    decisions: Mutex<Vec<DecideRequest>>,
    searches: Mutex<Vec<SearchRequest>>,
    is_down: AtomicBool,
    refuses_events: AtomicBool,
    extra: Mutex<Vec<Product>>,
}

impl FakeMercer {
    pub(crate) fn events(&self) -> Vec<Value> {
        self.inner.events.lock().unwrap().clone()
    }

    /// The names of the events so far.
    pub(crate) fn told(&self) -> Vec<String> {
        let name = |event: &Value| event["event"].as_str().or(event["type"].as_str()).unwrap().to_owned();
        self.events().iter().map(name).collect()
    }

    pub(crate) fn last_decision(&self) -> DecideRequest {
        self.inner.decisions.lock().unwrap().last().unwrap().clone()
    }

    pub(crate) fn last_search(&self) -> SearchRequest {
        self.inner.searches.lock().unwrap().last().unwrap().clone()
    }

    pub(crate) fn decisions(&self) -> usize {
        self.inner.decisions.lock().unwrap().len()
    }

    /// Everything answers 503 from now on.
    pub(crate) fn fall_down(&self) {
        self.inner.is_down.store(true, Ordering::Relaxed);
    }

    pub(crate) fn refuse_events(&self) {
        self.inner.refuses_events.store(true, Ordering::Relaxed);
    }

    pub(crate) fn add_product(&self, product: Product) {
        self.inner.extra.lock().unwrap().push(product);
    }

    fn product(&self, id: &str) -> Option<Product> {
        let extra = self.inner.extra.lock().unwrap();
        extra.iter().chain(CATALOG.iter()).find(|product| product.id.as_str() == id).cloned()
    }

    fn of_person(&self, id: &str) -> Vec<Value> {
        let ours = |event: &Value| event["userId"] == id || event["anonymousId"] == id;
        self.events().into_iter().filter(ours).collect()
    }

    /// The products to which this person has said "not for me" and not taken it back.
    fn dismissed_by(&self, person: &str) -> BTreeSet<String> {
        let mut dismissed = BTreeSet::new();
        for event in self.of_person(person) {
            let Some(product) = event["properties"]["product_id"].as_str() else { continue };
            match event["event"].as_str() {
                Some("Product Dismissed") => _ = dismissed.insert(product.to_owned()),
                Some("Product Dismissal Undone") => _ = dismissed.remove(product),
                _ => {}
            }
        }
        dismissed
    }

    pub(crate) fn router(&self) -> Router {
        Router::new()
            .route("/v1/batch", post(batch))
            .route("/v1/decide", post(decide))
            .route("/v1/browse", get(browse))
            .route("/v1/browse/{category}", get(below))
            .route("/v1/products/{id}", get(product))
            .route("/v1/categories", get(categories))
            .route("/v1/search", post(search))
            .route("/v1/customers/{id}", get(customer))
            .with_state(self.clone())
    }

    fn admit(&self, headers: &HeaderMap, key: &str) -> Result<(), StatusCode> {
        let given = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
        // Basic `demo-write:` as trackers send it.
        let wanted = if key == "demo-write" { "Basic ZGVtby13cml0ZTo=".to_owned() } else { format!("Bearer {key}") };
        match (self.inner.is_down.load(Ordering::Relaxed), given == wanted) {
            (true, _) => Err(StatusCode::SERVICE_UNAVAILABLE),
            (_, false) => Err(StatusCode::UNAUTHORIZED),
            _ => Ok(()),
        }
    }
}

type Answer = Result<Response, StatusCode>;

async fn batch(State(fake): State<FakeMercer>, headers: HeaderMap, Json(body): Json<Value>) -> Answer {
    fake.admit(&headers, "demo-write")?;
    if fake.inner.refuses_events.load(Ordering::Relaxed) {
        return Err(StatusCode::SERVICE_UNAVAILABLE);
    }
    let events = body["batch"].as_array().unwrap().clone();
    let accepted = events.len();
    fake.inner.events.lock().unwrap().extend(events);
    Ok(Json(json!({ "success": true, "accepted": accepted, "duplicates": 0, "rejected": 0, "verdicts": [] }))
        .into_response())
}

async fn decide(State(fake): State<FakeMercer>, headers: HeaderMap, Json(request): Json<DecideRequest>) -> Answer {
    fake.admit(&headers, "demo-decide")?;
    let group = request.group.clone().unwrap_or_default();
    let rows: &[(&str, &str, usize)] = match group.as_str() {
        "home" => &[
            ("home-for-you", "For you", 12),
            ("home-recently-viewed", "Pick up where you left off", 12),
            ("home-trending", "Trending now", 12),
            ("home-popular", "Popular in the shop", 12),
        ],
        "product" => {
            &[("product-bought-together", "Often bought together", 4), ("product-similar", "Similar products", 12)]
        }
        "category" => &[("category-popular", "Popular in this category", 12)],
        "cart" => &[("cart-goes-with", "Goes well with your basket", 8)],
        _ => &[("search-no-result", "You may like these instead", 12)],
    };
    let person = request
        .customer
        .as_ref()
        .map(|id| id.as_str())
        .or(request.anonymous_id.as_ref().map(|id| id.as_str()))
        .unwrap_or_default()
        .to_owned();
    let viewed: Vec<String> = fake
        .of_person(&person)
        .iter()
        .filter(|event| event["event"] == "Product Viewed")
        .filter_map(|event| event["properties"]["product_id"].as_str().map(str::to_owned))
        .collect();
    let leaf =
        viewed.last().and_then(|id| fake.product(id)).and_then(|product| product.leaf_category().map(str::to_owned));
    let category = request.page.category.clone().or(leaf);
    let extra = fake.inner.extra.lock().unwrap().clone();
    let dismissed = fake.dismissed_by(&person);
    let placements: Vec<Value> = rows.iter().enumerate().map(|(number, (id, title, size))| {
        let personal = number == 0 && !request.no_personalization;
        let pool: Vec<Product> = if id.contains("recent") {
            viewed.iter().rev().filter_map(|id| fake.product(id)).collect()
        } else {
            extra.iter().cloned().chain(CATALOG.iter().skip(number * 11).step_by(41 + number).filter(|&_| !personal || category.is_none()).cloned()).chain(CATALOG.iter().filter(|product| personal && product.leaf_category() == category.as_deref()).cloned()).collect()
        };
        let items: Vec<Value> = pool.iter().filter(|product| product.is_buyable() && !dismissed.contains(product.id.as_str()) && !request.page.product_ids.contains(&product.id)).take(*size).map(|product| json!({
            "product_id": product.id, "product": product, "score": 1.0, "propensity": 0.5, "source": "for_you",
            "reasons": [{ "code": "for_you", "text": if personal && category.is_some() { format!("You like {}", product.leaf_category().unwrap_or("such things")) } else { "Many people buy it these weeks".to_owned() } }],
        })).collect();
        json!({ "decision_id": format!("d{}.{number}", fake.decisions()), "placement": id, "title": title, "items": items })
    }).collect();
    fake.inner.decisions.lock().unwrap().push(request);
    Ok(Json(
        json!({ "decision_id": "d", "position": 1, "decided_at": "2026-11-24T00:00:00Z", "placements": placements }),
    )
    .into_response())
}

fn tile(path: &str, because: &str) -> Value {
    let name = path.rsplit(" > ").next().unwrap();
    json!({ "name": name, "category": path, "products": 7, "because": because, "why": "You looked here lately" })
}

/// Everybody has looked at mugs.
async fn browse(
    State(fake): State<FakeMercer>,
    headers: HeaderMap,
    Query(query): Query<BTreeMap<String, String>>,
) -> Answer {
    fake.admit(&headers, "demo-decide")?;
    let own = query.contains_key("anonymous_id").then(|| tile("Kitchen & Dining > Mugs & Cups", "looked"));
    let tiles: Vec<Value> =
        own.into_iter().chain(["Party", "Kitchen & Dining"].map(|name| tile(name, "shop"))).collect();
    Ok(Json(json!({ "position": 1, "decided_at": "2026-11-24T00:00:00Z", "categories": [], "tiles": tiles, "control": false }))
        .into_response())
}

async fn below(State(fake): State<FakeMercer>, headers: HeaderMap, Path(category): Path<String>) -> Answer {
    fake.admit(&headers, "demo-decide")?;
    let children = match category.as_str() {
        "Kitchen & Dining" => vec![tile("Kitchen & Dining > Mugs & Cups", "looked")],
        _ => Vec::new(),
    };
    Ok(Json(json!({ "children": children })).into_response())
}

async fn product(State(fake): State<FakeMercer>, headers: HeaderMap, Path(id): Path<String>) -> Answer {
    fake.admit(&headers, "demo-decide")?;
    fake.product(&id).map(|product| Json(product).into_response()).ok_or(StatusCode::NOT_FOUND)
}

async fn categories(State(fake): State<FakeMercer>, headers: HeaderMap) -> Answer {
    fake.admit(&headers, "demo-decide")?;
    let mut counts: BTreeMap<&[String], usize> = BTreeMap::new();
    for product in CATALOG.iter() {
        for depth in 1..=product.category.len() {
            *counts.entry(&product.category[..depth]).or_default() += 1;
        }
    }
    let listed: Vec<Value> =
        counts.into_iter().map(|(path, products)| json!({ "path": path, "products": products })).collect();
    Ok(Json(json!({ "categories": listed })).into_response())
}

async fn search(State(fake): State<FakeMercer>, headers: HeaderMap, Json(request): Json<SearchRequest>) -> Answer {
    fake.admit(&headers, "demo-decide")?;
    let words = request.q.to_lowercase();
    let fits = |product: &&Product| {
        product.title.to_lowercase().contains(&words) || product.id.as_str().to_lowercase().starts_with(&words)
    };
    let leaf = request.category.as_deref().map(|path| path.rsplit(" > ").next().unwrap().to_owned());
    let is_in = |product: &&Product| leaf.as_ref().is_none_or(|leaf| product.category.contains(leaf));
    let mut found: Vec<&Product> = CATALOG.iter().filter(fits).filter(is_in).collect();
    found.sort_by_key(|product| !product.is_buyable());
    let start: usize = request.cursor.as_deref().map_or(0, |cursor| cursor.parse().unwrap());
    let item =
        |product: &&Product| json!({ "product_id": product.id, "product": product, "score": 1.0, "propensity": 1.0 });
    let items: Vec<Value> = found.iter().skip(start).take(24).map(item).collect();
    let answer = json!({
        "decision_id": "d-search", "position": 1, "decided_at": "2026-01-01T00:00:00Z",
        "query": { "text": request.q }, "total": found.len(), "items": items,
        "facets": [{ "field": "colour", "name": "Colour", "why": "a colour", "values": [
            { "value": "Red", "label": "Red", "count": 3, "is_chosen": !request.refine.is_empty() },
        ] }],
        "next": (start + items.len() < found.len()).then(|| (start + items.len()).to_string()),
        "redirect": match words.as_str() {
            "basket" => Some("/cart"),
            "elsewhere" => Some("https://example.com/"),
            _ => None,
        },
        "banners": [
            { "rule": "one", "text": "Free <today>", "url": "/delivery" },
            { "rule": "two", "text": "No & way", "url": "javascript:alert(1)" },
        ],
    });
    fake.inner.searches.lock().unwrap().push(request);
    Ok(Json(answer).into_response())
}

async fn customer(State(fake): State<FakeMercer>, headers: HeaderMap, Path(id): Path<String>) -> Answer {
    fake.admit(&headers, "demo-read")?;
    let events = fake.of_person(&id);
    if events.is_empty() {
        return Err(StatusCode::NOT_FOUND);
    }
    let mut shares: BTreeMap<String, f64> = BTreeMap::new();
    let mut touches = Vec::new();
    for event in &events {
        let Some(product) = event["properties"]["product_id"].as_str().and_then(|id| fake.product(id)) else {
            continue;
        };
        let kind = match event["event"].as_str() {
            Some("Product Viewed") => ("viewed", 0.1),
            Some("Product Added") => ("added_to_cart", 0.4),
            _ => continue,
        };
        for name in &product.category {
            *shares.entry(name.clone()).or_default() += kind.1;
        }
        touches.push(json!({ "at": "2026-11-24T00:00:00Z", "product_id": product.id, "kind": kind.0, "quantity": 1 }));
    }
    let sum: f64 = shares.values().sum();
    let mut categories: Vec<(String, f64)> = shares.into_iter().map(|(name, weight)| (name, weight / sum)).collect();
    categories.sort_by(|a, b| b.1.total_cmp(&a.1));
    let dismissed = fake.dismissed_by(&id);
    let stated = events.iter().rev().find(|event| event["event"] == "Search Preference Updated");
    let preferences = stated.map(|event| event["properties"].clone());
    Ok(Json(json!({
        "person": id,
        "profile": {
            "customer_id": null, "anonymous_ids": [], "traits": {}, "first_seen_at": "2026-11-20T00:00:00Z", "last_seen_at": "2026-11-24T00:00:00Z",
            "counts": { "viewed": touches.len() }, "orders": 0, "spend_minor": { "GBP": 12_345 }, "touches": touches, "visits": 3,
            "last_visit": { "started_at": "2026-11-24T00:00:00Z", "last_at": "2026-11-24T00:00:00Z", "events": events.len() },
            "dismissed": dismissed, "devices": {}, "hours": vec![0; 24], "consent": null, "preferences": preferences,
        },
        "affinities": { "categories": categories, "brands": [], "price_bands": [[14, 0.6], [16, 0.4]] },
    })).into_response())
}
