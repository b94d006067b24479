//! A small made-up shop for tests: products, a few customers, what they did, and placements.
//!
//! It folds events into a world as the engine does, so that tests speak of what happened and not of the state
//! that it leaves behind. Nothing here is random, and nothing here is for production.

use std::hash::Hasher;
use std::sync::Arc;

use mercer_profile::touches_of;
use mercer_recommend::interactions::{Basket, Order as PastOrder};
use mercer_recommend::neighbours::{Neighbours, Settings};
use mercer_recommend::next_order::{self, NextOrder};
use mercer_recommend::tastes::{TasteSettings, Tastes};
use mercer_schema::{
    Activity, AnonymousId, Boost, Channel, Commerce, CommerceAction, Consent, Context, Currency, DecideRequest,
    DecisionId, Diversity, Event, Feedback, Line, MessageId, ModelVersion, Money, Order, OrderId, PageDecision, Pin,
    Placement, PlacementId, Product, ProductId, Source, SourceId, SourceKind, Timestamp, Visitor,
};
use rustc_hash::FxHasher;

use crate::{Models, Placements, World, decide};

/// A shop with its clock.
#[derive(Debug, Clone)]
pub struct Shop {
    pub world: World,
    /// When decisions are made.
    pub now: Timestamp,
    events: u64,
    orders: Vec<Basket>,
}

impl Default for Shop {
    fn default() -> Self {
        Self { world: World::default(), now: Timestamp::from_seconds(1_772_443_800), events: 0, orders: Vec::new() }
    }
}

impl Shop {
    /// A shop with products `p0` to `p{count - 1}`, first saved in that order, a minute apart.
    pub fn with_products(count: usize) -> Self {
        let mut shop = Self::default();
        for number in 0..count {
            let at = shop.now.plus(-100 * Timestamp::DAY + number as i64 * Timestamp::MINUTE);
            shop.world.catalog.save(Arc::new(product(&format!("p{number}"))), at);
        }
        shop
    }

    /// Saves a product now, or a change to one.
    pub fn save(&mut self, product: Product) -> &mut Self {
        self.world.save_product(&Arc::new(product), self.now);
        self
    }

    /// Changes a product that is there.
    pub fn change(&mut self, id: &str, change: impl FnOnce(&mut Product)) -> &mut Self {
        let known = self.world.catalog.get(&ProductId::trusted(id)).map(|known| known.as_ref().clone());
        let mut product = known.unwrap_or_else(|| product(id));
        change(&mut product);
        self.save(product)
    }

    /// `who` looks at a product, `ago` before now.
    pub fn views(&mut self, who: &str, id: &str, ago: i64) -> &mut Self {
        self.acts(who, CommerceAction::ProductViewed, &[id], ago)
    }

    /// `who` buys these products in one order.
    pub fn buys(&mut self, who: &str, ids: &[&str], ago: i64) -> &mut Self {
        let items = ids.iter().map(|id| (self.world.catalog.mention(&ProductId::trusted(*id)), 1.0));
        self.orders.push(items.collect());
        self.acts(who, CommerceAction::OrderCompleted, ids, ago)
    }

    pub fn acts(&mut self, who: &str, action: CommerceAction, ids: &[&str], ago: i64) -> &mut Self {
        let line = |id: &&str| Line { product_id: ProductId::trusted(*id), quantity: 1, price: None, position: None };
        let order = (action == CommerceAction::OrderCompleted)
            .then(|| Order { id: OrderId::trusted(format!("o{}", self.events)), total: None });
        let lines = ids.iter().map(line).collect();
        self.happens(who, Activity::Commerce(Commerce { action, lines, order, query: None, list: None }), ago)
    }

    /// "Not for me."
    pub fn dismisses(&mut self, who: &str, id: &str) -> &mut Self {
        let feedback = Feedback { product_id: ProductId::trusted(id), dismissed: true };
        self.happens(who, Activity::Feedback(feedback), 0)
    }

    /// States whether behaviour may shape what `who` sees.
    pub fn consents(&mut self, who: &str, personalization: bool) -> &mut Self {
        let mut event = self.event(who, Activity::PageViewed { name: None }, 0);
        event.context.consent = Some(Consent { personalization, gpc: false });
        self.fold(&event);
        self
    }

    pub fn happens(&mut self, who: &str, activity: Activity, ago: i64) -> &mut Self {
        let event = self.event(who, activity, ago);
        self.fold(&event);
        self
    }

    /// `who` searches for something.
    pub fn searches(&mut self, who: &str, text: &str, ago: i64) -> &mut Self {
        let at = self.now.plus(-ago);
        self.world.count_search(text, &visitor(who), at);
        self
    }

    /// Learns from the orders so far.
    pub fn train(&mut self) -> &mut Self {
        let settings = Settings { significance: 0.0, least_together: 1, ..Settings::default() };
        // Beside other trade, so that what meets at all meets more often than chance has it.
        let other = self.world.catalog.mention(&ProductId::trusted("other trade"));
        let others = std::iter::repeat_n(vec![(other, 1.0)], 10 * self.orders.len());
        let baskets: Vec<Basket> = self.orders.iter().cloned().chain(others).collect();
        let fit = || Neighbours::fit(&baskets, &settings);
        let past = baskets.iter().map(|lines| PastOrder { customer: None, at: self.now, lines: lines.clone() });
        let next_order = next_order::Settings { neighbours: settings, ..next_order::Settings::default() };
        self.world.serve(Arc::new(Models {
            version: Some(ModelVersion::trusted("v1")),
            also_viewed: fit(),
            bought_together: fit(),
            for_you: NextOrder::fit(&past.collect::<Vec<_>>(), &next_order),
            tastes: self.tastes(),
            ..Models::default()
        }));
        self
    }

    /// Each order is somebody's taste.
    fn tastes(&self) -> Tastes {
        let products = self.world.catalog.products().map(|(item, product)| (item, &**product));
        let mut settings = TasteSettings::default();
        (settings.factors.dimensions, settings.factors.sweeps, settings.content.dimensions) = (4, 4, 4);
        Tastes::fit(&self.orders, products, &settings)
    }

    pub fn places(&mut self, placements: impl IntoIterator<Item = Placement>) -> &mut Self {
        self.world.placements = Arc::new(Placements::compile(placements.into_iter().collect()));
        self
    }

    /// The answer to a request, with a decision id of the caller's.
    pub fn decides(&self, request: &DecideRequest, id: &str) -> PageDecision {
        decide(&self.world, request, DecisionId::trusted(id), self.now)
    }

    /// What `who` sees on these placements of some page.
    pub fn asks(&self, who: &str, placements: &[&str]) -> PageDecision {
        self.decides(&request(who, placements), "d")
    }

    fn event(&mut self, who: &str, activity: Activity, ago: i64) -> Event {
        self.events += 1;
        let at = self.now.plus(-ago);
        Event {
            message_id: MessageId::trusted(format!("m{}", self.events)),
            source: SourceId::trusted("test"),
            visitor: visitor(who),
            session: None,
            occurred_at: at,
            received_at: at,
            channel: Channel::Web,
            context: Context::default(),
            activity,
            properties: serde_json::Map::default(),
        }
    }

    fn fold(&mut self, event: &Event) {
        self.world.position.0 += 1;
        self.world.profiles.apply(event);
        let mut hasher = FxHasher::default();
        hasher.write(event.visitor.anonymous_id.as_ref().map_or("", |id| id.as_str()).as_bytes());
        for touch in touches_of(event) {
            let item = self.world.catalog.mention(&touch.product_id);
            self.world.popularity.observe(item, touch.kind.weight() as f32, touch.at);
            self.world.sessions.observe(hasher.finish(), item, touch.at);
        }
    }
}

/// A product with a price and nothing else.
pub fn product(id: &str) -> Product {
    let price = Currency::parse("EUR").ok().map(|currency| Money { minor: 1_000, currency });
    Product { price, ..Product::new(ProductId::trusted(id), id.to_uppercase()) }
}

fn visitor(who: &str) -> Visitor {
    Visitor { anonymous_id: Some(AnonymousId::trusted(who)), customer_id: None }
}

/// A request of a visitor for placements by id.
pub fn request(who: &str, placements: &[&str]) -> DecideRequest {
    DecideRequest {
        anonymous_id: Some(AnonymousId::trusted(who)),
        placements: placements.iter().map(|id| PlacementId::trusted(*id)).collect(),
        ..DecideRequest::default()
    }
}

/// A placement that shows `size` products of one source.
pub fn placement(id: &str, kind: SourceKind, size: usize) -> Placement {
    Placement {
        id: PlacementId::trusted(id),
        title: id.to_owned(),
        groups: vec!["all".to_owned()],
        size,
        sources: vec![Source { kind, weight: 1.0 }],
        fallback: Vec::new(),
        filter: None,
        boosts: Vec::new(),
        pins: Vec::new(),
        diversity: Diversity::default(),
        objectives: Vec::new(),
        quotas: Vec::new(),
        half_confident_at: None,
        learned_weights: false,
        exploration: 0.0,
        enabled: true,
    }
}

pub fn pin(id: &str, position: usize) -> Pin {
    Pin { product_id: ProductId::trusted(id), position, when: None }
}

pub fn boost(label: &str, when: &str, factor: f64) -> Boost {
    Boost { label: label.to_owned(), when: when.to_owned(), factor }
}

/// The ids that a placement of the answer shows, in order.
pub fn shown(decision: &PageDecision, placement: usize) -> Vec<&str> {
    let items = decision.placements.get(placement).map(|placement| placement.items.as_slice()).unwrap_or_default();
    items.iter().map(|item| item.product_id.as_str()).collect()
}
