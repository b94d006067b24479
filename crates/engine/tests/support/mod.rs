//! A whole engine on a data folder of its own, and a small shop to run on it.
#![allow(dead_code, reason = "each test file uses its part")]

use std::path::Path;
use std::sync::Arc;

use mercer_engine::{Audit, Engine, Language, ModelOptions, Options, Parts, default_placements};
use mercer_schema::{
    Activity, AnonymousId, Channel, Commerce, CommerceAction, Context, CustomerId, DecideRequest, DecisionId, Event,
    Line, MessageId, Money, Order, OrderId, Page, Product, ProductId, Properties, SourceId, Timestamp, Visitor,
};
use mercer_store::{DataFolder, EventLog, Tables};

pub(crate) const PRODUCTS: u64 = 200;

/// The engine with what keeps its folder locked.
pub(crate) struct Shop {
    pub engine: Arc<Engine>,
    _folder: DataFolder,
}

impl Shop {
    pub(crate) fn open(path: &Path) -> Self {
        Self::open_with(path, ModelOptions::default())
    }

    pub(crate) fn open_with(path: &Path, models: ModelOptions) -> Self {
        Self::open_as(path, "test", models)
    }

    pub(crate) fn open_as(path: &Path, code_version: &str, models: ModelOptions) -> Self {
        let folder = DataFolder::open(path).unwrap();
        let parts = Parts {
            log: Arc::new(folder.log().unwrap()) as Arc<dyn EventLog>,
            tables: Arc::new(folder.tables().unwrap()) as Arc<dyn Tables>,
            registry: Arc::new(folder.registry().unwrap()),
            lake: Arc::new(folder.lake().unwrap()),
        };
        let options =
            Options { code_version: code_version.into(), rebuild: false, models, language: Language::English };
        Self { engine: Arc::new(Engine::open(parts, options).unwrap()), _folder: folder }
    }

    /// Products, the default placements, and a month of orders.
    pub(crate) async fn stock(&self) {
        let products = (0..PRODUCTS).map(product).collect();
        self.engine.save_products(products, at(0)).await.unwrap();
        for placement in default_placements() {
            self.engine.save_placement(placement, at(0)).await.unwrap();
        }
        let orders = (0..600).map(|number| order(number, at(number * 4_000), number % 60)).collect();
        self.engine.accept_events(orders, at(3_000_000)).await.unwrap();
    }
}

/// A change that a test wants.
pub(crate) fn tester() -> Audit {
    Audit::new("tester", "a test")
}

/// Seconds after the shop opened.
pub(crate) fn at(second: u64) -> Timestamp {
    Timestamp::from_seconds(1_760_000_000 + second as i64)
}

pub(crate) fn product(number: u64) -> Product {
    let mut product =
        Product::new(id(number), format!("Thing {number} in {}", ["red", "blue", "oak"][number as usize % 3]));
    product.category = vec!["All".into(), format!("Kind {}", number % 12)];
    product.price = Some(money(100 + number as i64));
    product
}

/// Three products that go together, and one that does not.
pub(crate) fn order(number: u64, at: Timestamp, customer: u64) -> Event {
    let first = (customer * 3 + number / 60) % PRODUCTS;
    let numbers = [first, (first + 1) % PRODUCTS, (first + 2) % PRODUCTS, number * 31 % PRODUCTS];
    let line = |number| Line { product_id: id(number), quantity: 1, price: Some(money(150)), position: None };
    let order = Order { id: OrderId::trusted(format!("o{number}")), total: Some(money(600)) };
    let commerce = Commerce {
        action: CommerceAction::OrderCompleted,
        lines: numbers.map(line).to_vec(),
        order: Some(order),
        query: None,
        list: None,
    };
    let visitor = Visitor { customer_id: Some(CustomerId::trusted(format!("c{customer}"))), anonymous_id: None };
    event(&format!("order-{number}"), visitor, at, Activity::Commerce(commerce))
}

/// A visitor looks at a product.
pub(crate) fn view(number: u64, at: Timestamp) -> Event {
    let line = Line { product_id: id(number * 7 % PRODUCTS), quantity: 1, price: None, position: None };
    let commerce =
        Commerce { action: CommerceAction::ProductViewed, lines: vec![line], order: None, query: None, list: None };
    event(&format!("view-{number}"), visitor(number), at, Activity::Commerce(commerce))
}

pub(crate) fn event(message: &str, visitor: Visitor, at: Timestamp, activity: Activity) -> Event {
    Event {
        message_id: MessageId::trusted(message),
        source: SourceId::trusted("test"),
        visitor,
        session: None,
        occurred_at: at,
        received_at: at,
        channel: Channel::Web,
        context: Context::default(),
        activity,
        properties: Properties::default(),
    }
}

/// A home page or a product page of a customer, a visitor or a stranger.
pub(crate) fn request(number: u64) -> DecideRequest {
    let asked = |group: &str, page: Page| DecideRequest { group: Some(group.into()), page, ..DecideRequest::default() };
    let mut request = if number.is_multiple_of(2) {
        asked("home", Page::default())
    } else {
        let page = Page {
            kind: mercer_schema::PageType::Product,
            product_ids: vec![id(number % PRODUCTS)],
            ..Page::default()
        };
        asked("product", page)
    };
    match number % 3 {
        0 => request.customer = Some(CustomerId::trusted(format!("c{}", number % 60))),
        1 => request.anonymous_id = visitor(number).anonymous_id,
        _ => {}
    }
    request
}

pub(crate) fn decision_id(number: u64) -> DecisionId {
    DecisionId::trusted(format!("d{number}"))
}

pub(crate) fn visitor(number: u64) -> Visitor {
    Visitor { anonymous_id: Some(AnonymousId::trusted(format!("a{}", number % 90))), customer_id: None }
}

fn id(number: u64) -> ProductId {
    ProductId::trusted(format!("p{number}"))
}

fn money(minor: i64) -> Money {
    Money { minor, currency: mercer_schema::Currency::parse("EUR").unwrap() }
}
