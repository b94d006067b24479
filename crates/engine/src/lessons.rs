//! What models learn from: the lake's product lines, gathered into orders and visits of resolved persons.
//!
//! Lines whose sender objected to personalization teach nothing. Returned and cancelled orders are not unlearned:
//! they still say what was wanted together.

use std::collections::BTreeMap;

use mercer_decide::World;
use mercer_recommend::Item;
use mercer_recommend::interactions::{Basket, Customer, Order};
use mercer_schema::{AnonymousId, CommerceAction, CustomerId, Position, ProductId, Timestamp, Visitor};
use mercer_store::{DataRange, Lake, LineAction, LineRow};
use rustc_hash::FxHashMap;

use crate::Error;

/// A visit ends after half an hour without activity.
const VISIT_GAP: i64 = 30 * Timestamp::MINUTE;

/// Everything to learn from, in a deterministic order.
#[derive(Debug, Default)]
pub(crate) struct Lessons {
    pub(crate) orders: Vec<Order>,
    /// Products looked at, added or bought within one visit.
    pub(crate) visits: Vec<Basket>,
    pub(crate) data: DataRange,
}

/// Reads the lake up to where it reaches. `world` says which ids are one person and numbers the items.
pub(crate) fn gather(lake: &Lake, world: &World) -> Result<Lessons, Error> {
    let mut gathering = Gathering {
        world,
        persons: FxHashMap::default(),
        orders: BTreeMap::new(),
        seen: BTreeMap::new(),
        data: DataRange::default(),
    };
    lake.lines(Position(0), |row| gathering.take(row))?;
    let Gathering { orders, seen, data, .. } = gathering;
    let orders =
        orders.into_values().map(|(customer, at, lines)| Order { customer, at, lines: merged(lines) }).collect();
    let visits = seen.into_values().flat_map(visits_of).collect();
    Ok(Lessons { orders, visits, data })
}

struct Gathering<'a> {
    world: &'a World,
    /// Person keys to numbers, in the order of their first line.
    persons: FxHashMap<String, Customer>,
    orders: BTreeMap<String, (Option<Customer>, Timestamp, Basket)>,
    seen: BTreeMap<Customer, Vec<(Timestamp, Item)>>,
    data: DataRange,
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
                let entry = self.orders.entry(order.to_owned()).or_insert((customer, row.occurred_at, Basket::new()));
                entry.2.push((item, 1.0));
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

fn visits_of(mut seen: Vec<(Timestamp, Item)>) -> Vec<Basket> {
    seen.sort_unstable();
    let visits = seen.chunk_by(|(earlier, _), (later, _)| later.since(*earlier) <= VISIT_GAP);
    visits
        .map(|visit| merged(visit.iter().map(|(_, item)| (*item, 1.0)).collect()))
        .filter(|visit| visit.len() > 1)
        .collect()
}
