//! Orders by their id: what was bought, paid, returned and cancelled.
//!
//! Invariant: an order's facts are a join of what its statements say (earliest time, newest contents, set of refunds,
//! cancelled or not), so reports from browser and server count once and arrive in any order. A cancellation is final.
//! Which orders are kept when there are too many depends on a hash of their ids only. It knows no catalog.

use std::sync::Arc;

use mercer_schema::{Commerce, CommerceAction, Currency, Line, Money, OrderId, Timestamp};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::bounded::{Stamp, Stamped, newer, offer};

/// Orders per identifier.
const ORDERS_KEPT: usize = 1_024;
/// Lines per order or refund; all lines count, but only the first ones become touches.
const LINES_KEPT: usize = 256;
/// Refunds per order.
const REFUNDS_KEPT: usize = 8;

/// Sorted by key.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Orders(Arc<Vec<(OrderKey, Arc<OrderFacts>)>>);

/// Ordered by the hash first: the orders that are kept are those with the smallest keys.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct OrderKey {
    pub(crate) hash: u64,
    id: OrderId,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct OrderFacts {
    /// The earliest report that it was placed. An order of which only a refund is known has none.
    placed_at: Option<Timestamp>,
    total: Option<Stamped<Money>>,
    lines: Option<Stamped<Arc<Lines>>>,
    /// Sorted by stamp hash; those with the smallest are kept.
    refunds: Vec<Refund>,
    is_cancelled: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Lines {
    kept: Vec<OrderLine>,
    count: u32,
    /// Sum of price times pieces over all lines.
    sum: Vec<Money>,
}

/// A product by its number in `Products`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct OrderLine {
    pub(crate) product: u32,
    pub(crate) quantity: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Refund {
    stamp: Stamp,
    /// None when the refund names neither total nor prices: then it is the whole order.
    amounts: Option<Vec<Money>>,
    lines: Lines,
}

/// Does the action report something about an order as a whole?
pub(crate) const fn is_about_order(action: CommerceAction) -> bool {
    use CommerceAction::{OrderCancelled, OrderCompleted, OrderRefunded, OrderUpdated};
    matches!(action, OrderCompleted | OrderUpdated | OrderRefunded | OrderCancelled)
}

impl Orders {
    pub(crate) fn apply(&mut self, commerce: &Commerce, stamp: Stamp, number_of: impl FnMut(&Line) -> u32) {
        let key = OrderKey::of(commerce, stamp);
        let list = Arc::make_mut(&mut self.0);
        let index = match list.binary_search_by(|(held, _)| held.cmp(&key)) {
            Ok(index) => index,
            Err(index) if index >= ORDERS_KEPT => return,
            Err(index) => {
                list.insert(index, (key, Arc::default()));
                list.truncate(ORDERS_KEPT);
                index
            }
        };
        Arc::make_mut(&mut list[index].1).apply(commerce, stamp, number_of);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &(OrderKey, Arc<OrderFacts>)> {
        self.0.iter()
    }

    pub(crate) fn at_times(&self, owns: &dyn Fn(Timestamp) -> bool) -> Self {
        let is_owned = |facts: &OrderFacts| facts.happened_at().is_some_and(owns);
        Self(Arc::new(self.0.iter().filter(|(_, facts)| is_owned(facts)).cloned().collect()))
    }

    /// The highest product number in use, to check that a restored piece fits.
    pub(crate) fn greatest_product(&self) -> Option<u32> {
        let all = self.0.iter().flat_map(|(_, facts)| {
            let bought = facts.lines.iter().flat_map(|lines| lines.value.kept.iter());
            bought.chain(facts.refunds.iter().flat_map(|refund| refund.lines.kept.iter()))
        });
        all.map(|line| line.product).max()
    }
}

impl OrderKey {
    /// An order without an id is known by the message that reported it, so it meets no other report.
    fn of(commerce: &Commerce, stamp: Stamp) -> Self {
        let id = match &commerce.order {
            Some(order) => order.id.clone(),
            None => OrderId::trusted(format!("~{:016x}", stamp.tie)),
        };
        Self { hash: xxh3_64(id.as_str().as_bytes()), id }
    }
}

impl OrderFacts {
    fn apply(&mut self, commerce: &Commerce, stamp: Stamp, number_of: impl FnMut(&Line) -> u32) {
        let total = commerce.order.as_ref().and_then(|order| order.total);
        match commerce.action {
            CommerceAction::OrderCompleted | CommerceAction::OrderUpdated => {
                self.placed_at = Some(self.placed_at.map_or(stamp.at, |placed| placed.min(stamp.at)));
                if let Some(total) = total {
                    offer(&mut self.total, stamp, total);
                }
                if !commerce.lines.is_empty() {
                    offer(&mut self.lines, stamp, Arc::new(Lines::of(&commerce.lines, number_of)));
                }
            }
            CommerceAction::OrderRefunded => {
                let lines = Lines::of(&commerce.lines, number_of);
                let priced = (!lines.sum.is_empty()).then(|| lines.sum.clone());
                let amounts = total.map(|total| vec![total]).or(priced);
                self.add_refund(Refund { stamp, amounts, lines });
            }
            CommerceAction::OrderCancelled => self.is_cancelled = true,
            _ => {}
        }
    }

    fn add_refund(&mut self, refund: Refund) {
        let key = |refund: &Refund| (refund.stamp.tie, refund.stamp.at);
        if let Err(index) = self.refunds.binary_search_by_key(&key(&refund), key) {
            self.refunds.insert(index, refund);
            self.refunds.truncate(REFUNDS_KEPT);
        }
    }

    /// What two identifiers of one person know of the same order, together.
    pub(crate) fn join(&mut self, other: &Self) {
        self.placed_at = match (self.placed_at, other.placed_at) {
            (Some(left), Some(right)) => Some(left.min(right)),
            (left, right) => left.or(right),
        };
        self.total = newer(self.total.take(), other.total.clone());
        self.lines = newer(self.lines.take(), other.lines.clone());
        self.is_cancelled |= other.is_cancelled;
        other.refunds.iter().for_each(|refund| self.add_refund(refund.clone()));
    }

    /// Bought and not cancelled, so that it counts as an order.
    pub(crate) const fn counts(&self) -> bool {
        self.placed_at.is_some() && !self.is_cancelled
    }

    fn happened_at(&self) -> Option<Timestamp> {
        self.placed_at.or_else(|| self.refunds.iter().map(|refund| refund.stamp.at).min())
    }

    /// What was paid, less what was given back, per currency. A known order's refunds never exceed what was paid in
    /// that currency; refunds of an order that was never reported count in full.
    pub(crate) fn net(&self) -> Vec<Money> {
        if self.is_cancelled {
            return Vec::new();
        }
        let paid = self.paid();
        let mut refunded = Vec::new();
        for refund in &self.refunds {
            let amounts = refund.amounts.as_deref().unwrap_or(&paid);
            amounts.iter().for_each(|amount| add(&mut refunded, *amount));
        }
        let mut net = paid;
        for back in refunded {
            let limit = net.iter().find(|held| held.currency == back.currency).map(|held| held.minor.max(0));
            let minor = limit.map_or(back.minor, |limit| back.minor.min(limit));
            add(&mut net, Money { minor: minor.saturating_neg(), currency: back.currency });
        }
        net
    }

    /// The total as stated, or the sum of the lines when they are newer or no total was stated.
    fn paid(&self) -> Vec<Money> {
        match (&self.total, &self.lines) {
            (Some(total), Some(lines)) if lines.stamp > total.stamp && !lines.value.sum.is_empty() => {
                lines.value.sum.clone()
            }
            (Some(total), _) => vec![total.value],
            (None, Some(lines)) => lines.value.sum.clone(),
            (None, None) => Vec::new(),
        }
    }

    /// When and what was bought, and how many lines that was.
    pub(crate) fn purchases(&self) -> Option<(Timestamp, &[OrderLine], u32)> {
        let lines = &self.lines.as_ref()?.value;
        let placed_at = self.placed_at.filter(|_| !self.is_cancelled)?;
        Some((placed_at, &lines.kept, lines.count))
    }

    /// The same for each refund that names products.
    pub(crate) fn returns(&self) -> impl Iterator<Item = (Stamp, &[OrderLine], u32)> {
        let refunds = if self.is_cancelled { &[] } else { self.refunds.as_slice() };
        refunds.iter().map(|refund| (refund.stamp, refund.lines.kept.as_slice(), refund.lines.count))
    }
}

impl Lines {
    fn of(lines: &[Line], mut number_of: impl FnMut(&Line) -> u32) -> Self {
        let kept = lines.iter().take(LINES_KEPT);
        let kept = kept.map(|line| OrderLine { product: number_of(line), quantity: line.quantity }).collect();
        let mut sum = Vec::new();
        for line in lines {
            if let Some(Money { minor, currency }) = line.price {
                add(&mut sum, Money { minor: minor.saturating_mul(i64::from(line.quantity)), currency });
            }
        }
        Self { kept, count: u32::try_from(lines.len()).unwrap_or(u32::MAX), sum }
    }
}

/// Adds an amount to its currency's; the list is sorted by currency.
fn add(amounts: &mut Vec<Money>, amount: Money) {
    let currency_of = |held: &Money| -> Currency { held.currency };
    match amounts.binary_search_by_key(&amount.currency, currency_of) {
        Ok(index) => amounts[index].minor = amounts[index].minor.saturating_add(amount.minor),
        Err(index) => amounts.insert(index, amount),
    }
}
