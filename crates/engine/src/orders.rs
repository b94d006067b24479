//! Which orders have been counted: a shop may report one order from the browser, its server and a later import.
//!
//! Invariant: each part of an order (that it was placed, what was in it, what it was worth) is counted from the first
//! report that names it, and never again. Profiles join the reports by themselves; this is for the counts of the whole
//! shop. Orders are known by a hash of their id: nine bytes each, for good.

use imbl::{OrdMap, OrdSet};
use mercer_recommend::Changes;
use mercer_schema::{Activity, Commerce, CommerceAction, Event};
use xxhash_rust::xxh3::xxh3_64;

use crate::tally::order_value;

/// What a report brings that no earlier one of the same order did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct News {
    pub(crate) is_new: bool,
    pub(crate) has_new_lines: bool,
    pub(crate) has_new_value: bool,
}

impl News {
    /// Of an event that is no order, or one without an id: it cannot be told from another.
    const ALL: Self = Self { is_new: true, has_new_lines: true, has_new_value: true };
}

/// The orders that have been reported, by the hash of their id, with the parts that were named.
#[derive(Debug, Clone, Default)]
pub struct OrdersCounted {
    parts: OrdMap<u64, u8>,
    changed: OrdSet<u64>,
}

const LINES: u8 = 1;
const VALUE: u8 = 2;

impl PartialEq for OrdersCounted {
    fn eq(&self, other: &Self) -> bool {
        self.parts == other.parts
    }
}

impl OrdersCounted {
    pub(crate) fn report(&mut self, event: &Event) -> News {
        let Some((id, parts)) = named_in(event) else { return News::ALL };
        let hash = xxh3_64(id.as_bytes());
        let known = self.parts.get(&hash).copied();
        let all = known.unwrap_or_default() | parts;
        if known != Some(all) {
            self.parts.insert(hash, all);
            self.changed.insert(hash);
        }
        let is_new = |part: u8| parts & part != 0 && known.unwrap_or_default() & part == 0;
        News { is_new: known.is_none(), has_new_lines: is_new(LINES), has_new_value: is_new(VALUE) }
    }

    /// Orders that are known.
    pub fn len(&self) -> usize {
        self.parts.len()
    }

    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    pub(crate) fn drain_changes(&mut self) -> Changes {
        let changed = std::mem::take(&mut self.changed);
        let piece = |hash: &u64| (hash.to_be_bytes().to_vec(), self.parts.get(hash).map(|parts| vec![*parts]));
        changed.iter().map(piece).collect()
    }

    pub(crate) fn restore(pieces: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>) -> Option<Self> {
        let mut orders = Self::default();
        for (hash, parts) in pieces {
            let [parts] = parts.try_into().ok()?;
            orders.parts.insert(u64::from_be_bytes(hash.try_into().ok()?), parts);
        }
        Some(orders)
    }
}

/// The id of a placed order and the parts that its report names.
fn named_in(event: &Event) -> Option<(&str, u8)> {
    let Activity::Commerce(commerce @ Commerce { action: CommerceAction::OrderCompleted, lines, order, .. }) =
        &event.activity
    else {
        return None;
    };
    let order = order.as_ref()?;
    let has_value = !order_value(commerce).is_empty();
    let parts = if lines.is_empty() { 0 } else { LINES } | if has_value { VALUE } else { 0 };
    Some((order.id.as_str(), parts))
}

#[cfg(test)]
mod tests {
    use mercer_schema::{
        AnonymousId, Channel, Context, Line, MessageId, Money, Order, OrderId, ProductId, Properties, SourceId,
        Timestamp, Visitor,
    };

    use super::*;

    fn report(order: Option<&str>, lines: u32, total: Option<i64>) -> Event {
        let money = |minor| Money { minor, currency: mercer_schema::Currency::parse("EUR").unwrap() };
        let line = |number| Line {
            product_id: ProductId::trusted(format!("p{number}")),
            quantity: 1,
            price: None,
            position: None,
        };
        let order = order.map(|id| Order { id: OrderId::trusted(id), total: total.map(money) });
        let commerce = Commerce {
            action: CommerceAction::OrderCompleted,
            lines: (0..lines).map(line).collect(),
            order,
            query: None,
            list: None,
        };
        Event {
            message_id: MessageId::trusted("m"),
            source: SourceId::trusted("s"),
            visitor: Visitor { anonymous_id: Some(AnonymousId::trusted("a")), customer_id: None },
            session: None,
            occurred_at: Timestamp(1),
            received_at: Timestamp(1),
            channel: Channel::Web,
            context: Context::default(),
            activity: Activity::Commerce(commerce),
            properties: Properties::default(),
        }
    }

    #[test]
    fn each_part_counts_from_the_first_report_that_names_it() {
        let mut orders = OrdersCounted::default();
        let mut news = |event: &Event| {
            let News { is_new, has_new_lines, has_new_value } = orders.report(event);
            (is_new, has_new_lines, has_new_value)
        };
        assert_eq!(
            news(&report(Some("1"), 0, None)),
            (true, false, false),
            "the browser only knows that it was placed"
        );
        assert_eq!(news(&report(Some("1"), 2, Some(500))), (false, true, true), "the shop's server knows all of it");
        assert_eq!(news(&report(Some("1"), 2, Some(500))), (false, false, false), "an import says it once more");
        assert_eq!(news(&report(Some("2"), 2, None)), (true, true, false));
        assert_eq!(news(&report(None, 2, None)), (true, true, true), "without an id every report is an order");
        assert_eq!(news(&report(None, 2, None)), (true, true, true));
    }

    #[test]
    fn pieces_restore_what_was_counted() {
        let mut orders = OrdersCounted::default();
        orders.report(&report(Some("1"), 2, None));
        let pieces: Vec<_> =
            orders.drain_changes().into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
        assert!(orders.drain_changes().is_empty());
        assert_eq!(OrdersCounted::restore(pieces), Some(orders));
        assert_eq!(OrdersCounted::restore([(vec![1], vec![2])]), None);
    }
}
