//! What models learn from: the lake's product lines, gathered into orders and visits of resolved persons.
//!
//! Lines whose sender objected to personalization teach nothing. Returned and cancelled orders are not unlearned:
//! they still say what was wanted together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use mercer_decide::{Reformulation, World, context_of};
use mercer_recommend::interactions::{Basket, Customer, Order};
use mercer_recommend::latent::NamedVectors;
use mercer_recommend::{Context, Item};
use mercer_schema::{AnonymousId, CommerceAction, CustomerId, Position, ProductId, Timestamp, Visitor, Whereabouts};
use mercer_store::{DataRange, Lake, LineAction, LineRow};
use rustc_hash::FxHashMap;
use xxhash_rust::xxh3::Xxh3;

use crate::past_searches::Moment;
use crate::{Error, vectors};

/// A visit ends after half an hour without activity.
const VISIT_GAP: i64 = 30 * Timestamp::MINUTE;

/// Everything to learn from, in a deterministic order.
#[derive(Debug, Default)]
pub(crate) struct Lessons {
    pub(crate) orders: Vec<Order>,
    /// Products looked at, added or bought within one visit.
    pub(crate) visits: Vec<Basket>,
    /// When each of the visits began.
    pub(crate) visited_at: Vec<Timestamp>,
    /// Where each customer ordered from, by the time of the order; nothing of orders that do not say.
    pub(crate) whereabouts: BTreeMap<(Customer, Timestamp), Whereabouts>,
    /// Of products, from elsewhere: they know no time.
    pub(crate) vectors: Arc<NamedVectors>,
    /// What was searched next when nothing was found.
    pub(crate) reformulations: Vec<Reformulation>,
    /// The shop at earlier moments, with what was searched for from there on; the last is that of an exam.
    pub(crate) past: Vec<Moment>,
    pub(crate) data: DataRange,
    /// How much it is, for the manifest.
    pub(crate) counts: BTreeMap<String, u64>,
}

impl Lessons {
    pub(crate) fn is_empty(&self) -> bool {
        self.orders.is_empty() && self.visits.is_empty()
    }

    /// What was ordered together.
    pub(crate) fn baskets(&self) -> Vec<Basket> {
        self.orders.iter().map(|order| order.lines.clone()).collect()
    }

    /// Where an order was made, in the numbers of the ranker.
    pub(crate) fn context(&self, customer: Customer, at: Timestamp) -> Context {
        context_of(&self.whereabouts.get(&(customer, at)).copied().unwrap_or_default())
    }

    /// What was known at a moment.
    pub(crate) fn before(&self, moment: Timestamp) -> Self {
        let visits = self.visits.iter().zip(&self.visited_at).filter(|(_, at)| **at < moment);
        let (visits, visited_at) = visits.map(|(visit, at)| (visit.clone(), *at)).unzip();
        Self {
            orders: self.orders.iter().filter(|order| order.at < moment).cloned().collect(),
            visits,
            visited_at,
            whereabouts: self.whereabouts.clone(),
            vectors: Arc::clone(&self.vectors),
            reformulations: self.reformulations.clone(),
            past: Vec::new(),
            data: self.data,
            counts: BTreeMap::new(),
        }
    }

    /// XXH3-128 of all of it, in hexadecimal: equal lessons, equal digest.
    pub(crate) fn digest(&self) -> String {
        let mut hasher = Xxh3::new();
        let mut basket = |at: Timestamp, customer: Option<Customer>, lines: &Basket| {
            hasher.update(&at.0.to_le_bytes());
            hasher.update(&customer.map_or(u32::MAX, |customer| customer.0).to_le_bytes());
            hasher.update(&(lines.len() as u64).to_le_bytes());
            for (item, weight) in lines {
                hasher.update(&item.0.to_le_bytes());
                hasher.update(&weight.to_le_bytes());
            }
        };
        self.orders.iter().for_each(|order| basket(order.at, order.customer, &order.lines));
        self.visits.iter().zip(&self.visited_at).for_each(|(visit, at)| basket(*at, None, visit));
        for ((customer, at), whereabouts) in &self.whereabouts {
            let Context { device, place, channel } = context_of(whereabouts);
            hasher.update(&at.0.to_le_bytes());
            hasher.update(&customer.0.to_le_bytes());
            [device, place, channel].iter().for_each(|told| hasher.update(&told.unwrap_or(u16::MAX).to_le_bytes()));
        }
        for Reformulation { from, to, people, clicked } in &self.reformulations {
            hasher.update(format!("{from}\n{to}\n{people} {clicked}\n").as_bytes());
        }
        hasher.update(vectors::digest(&self.vectors).unwrap_or_default().as_bytes());
        format!("{:032x}", hasher.digest128())
    }
}

/// Reads the lake up to a position. `world` says which ids are one person and numbers the items.
pub(crate) fn gather(lake: &Lake, world: &World, upto: Position) -> Result<Lessons, Error> {
    let mut gathering = Gathering {
        world,
        persons: FxHashMap::default(),
        orders: BTreeMap::new(),
        seen: BTreeMap::new(),
        data: DataRange::default(),
    };
    let mut lines = 0;
    lake.lines(Position(0), |row| {
        if row.position <= upto {
            lines += 1;
            gathering.take(row);
        }
    })?;
    let Gathering { orders, seen, data, persons, .. } = gathering;
    let mut whereabouts = BTreeMap::new();
    let order = |Ordered { customer, at, from, lines }| {
        if let Some(customer) = customer.filter(|_| !from.is_empty()) {
            whereabouts.insert((customer, at), from);
        }
        Order { customer, at, lines: merged(lines) }
    };
    let orders: Vec<Order> = orders.into_values().map(order).collect();
    let (visited_at, visits): (Vec<_>, Vec<_>) = seen.into_values().flat_map(visits_of).unzip();
    let products: BTreeSet<Item> = orders.iter().flat_map(|order| order.lines.iter().map(|(item, _)| *item)).collect();
    let counts = [
        ("lines", lines),
        ("orders", orders.len()),
        ("visits", visits.len()),
        ("customers and visitors", persons.len()),
        ("products ordered", products.len()),
    ];
    let counts = counts.map(|(name, count)| (name.to_owned(), count as u64)).into();
    Ok(Lessons { orders, visits, visited_at, whereabouts, data, counts, ..Lessons::default() })
}

struct Gathering<'a> {
    world: &'a World,
    /// Person keys to numbers, in the order of their first line.
    persons: FxHashMap<String, Customer>,
    orders: BTreeMap<String, Ordered>,
    seen: BTreeMap<Customer, Vec<(Timestamp, Item)>>,
    data: DataRange,
}

/// An order in the making.
struct Ordered {
    customer: Option<Customer>,
    at: Timestamp,
    from: Whereabouts,
    lines: Basket,
}

impl Gathering<'_> {
    fn take(&mut self, row: &LineRow<'_>) {
        if row.personalization == Some(false) {
            return;
        }
        self.note_range(row);
        let Some(item) = self.world.catalog.item(&ProductId::trusted(row.product_id)) else { return };
        let person = self.person(row);
        let LineAction::Commerce(action) = row.action else { return };
        match (action, row.order_id) {
            (CommerceAction::OrderCompleted, Some(order)) => {
                // A guest's order has nobody behind it who could come back.
                let customer = person.filter(|_| row.customer_id.is_some() || !is_order_guest(row));
                let (at, from) = (row.occurred_at, row.whereabouts);
                let fresh = || Ordered { customer, at, from, lines: Basket::new() };
                let ordered = self.orders.entry(order.to_owned()).or_insert_with(fresh);
                // The shop's server may report an order first, and the customer's browser say where it was made.
                ordered.from = ordered.from.or(from);
                ordered.lines.push((item, 1.0));
            }
            (CommerceAction::ProductViewed | CommerceAction::ProductClicked | CommerceAction::ProductAdded, _) => {
                if let Some(person) = person {
                    self.seen.entry(person).or_default().push((row.occurred_at, item));
                }
            }
            _ => {}
        }
    }

    fn note_range(&mut self, row: &LineRow<'_>) {
        if self.data.first.0 == 0 {
            (self.data.first, self.data.first_at) = (row.position, row.occurred_at);
        }
        self.data.last = row.position;
        self.data.first_at = self.data.first_at.min(row.occurred_at);
        self.data.last_at = self.data.last_at.max(row.occurred_at);
    }

    fn person(&mut self, row: &LineRow<'_>) -> Option<Customer> {
        let visitor = Visitor {
            customer_id: row.customer_id.map(CustomerId::trusted),
            anonymous_id: row.anonymous_id.map(AnonymousId::trusted),
        };
        let key = self.world.profiles.person_key(&visitor)?;
        let next = Customer(self.persons.len() as u32);
        Some(*self.persons.entry(key).or_insert(next))
    }
}

/// Importers name the buyer of an order without customer after the order itself.
fn is_order_guest(row: &LineRow<'_>) -> bool {
    row.anonymous_id.zip(row.order_id).is_some_and(|(anonymous, order)| anonymous.contains(order))
}

/// One line an item.
fn merged(lines: Basket) -> Basket {
    let mut items: BTreeMap<Item, f32> = BTreeMap::new();
    for (item, weight) in lines {
        items.insert(item, weight);
    }
    items.into_iter().collect()
}

fn visits_of(mut seen: Vec<(Timestamp, Item)>) -> Vec<(Timestamp, Basket)> {
    seen.sort_unstable();
    let visits = seen.chunk_by(|(earlier, _), (later, _)| later.since(*earlier) <= VISIT_GAP);
    visits
        .filter_map(|visit| Some((visit.first()?.0, merged(visit.iter().map(|(_, item)| (*item, 1.0)).collect()))))
        .filter(|(_, visit)| visit.len() > 1)
        .collect()
}
