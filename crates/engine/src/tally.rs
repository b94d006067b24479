//! Counts per hour for the overview: events, visits' page views, orders, revenue, decisions.
//!
//! A fold like the others: every number in it can be found again in the log.

use std::collections::BTreeMap;

use imbl::OrdMap;
use mercer_recommend::Changes;
use mercer_schema::{Activity, CommerceAction, Currency, DecisionRecord, Event, Money, Timestamp};
use serde::{Deserialize, Serialize};

use crate::orders::News;

/// What happened in one hour, by the time it happened.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HourTally {
    pub events: u64,
    pub page_views: u64,
    pub product_views: u64,
    pub carts: u64,
    pub orders: u64,
    pub revenue_minor: BTreeMap<Currency, i64>,
    pub decisions: u64,
    pub items_shown: u64,
    pub items_clicked: u64,
}

impl HourTally {
    /// Adds what happened in another hour.
    pub fn add(&mut self, other: &Self) {
        self.events += other.events;
        self.page_views += other.page_views;
        self.product_views += other.product_views;
        self.carts += other.carts;
        self.orders += other.orders;
        for (currency, minor) in &other.revenue_minor {
            let sum = self.revenue_minor.entry(*currency).or_default();
            *sum = sum.saturating_add(*minor);
        }
        self.decisions += other.decisions;
        self.items_shown += other.items_shown;
        self.items_clicked += other.items_clicked;
    }
}

/// Hours since 1970 with what happened in them.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    hours: OrdMap<i64, HourTally>,
    changed: imbl::OrdSet<i64>,
}

impl PartialEq for Tally {
    fn eq(&self, other: &Self) -> bool {
        self.hours == other.hours
    }
}

impl Tally {
    /// The hours from `from` (inclusive) to `until` (exclusive) in which anything happened.
    pub fn between(&self, from: Timestamp, until: Timestamp) -> impl Iterator<Item = (Timestamp, &HourTally)> {
        let hours = from.0.div_euclid(Timestamp::HOUR)..until.0.div_euclid(Timestamp::HOUR);
        self.hours.range(hours).map(|(hour, tally)| (Timestamp(hour * Timestamp::HOUR), tally))
    }

    /// The last hour in which anything happened.
    pub fn last_hour(&self) -> Option<Timestamp> {
        self.hours.get_max().map(|(hour, _)| Timestamp(hour * Timestamp::HOUR))
    }

    /// Events of all time.
    pub fn events(&self) -> u64 {
        self.hours.values().map(|hour| hour.events).sum()
    }

    pub(crate) fn drain_changes(&mut self) -> Result<Changes, postcard::Error> {
        let changed = std::mem::take(&mut self.changed);
        changed
            .iter()
            .filter_map(|hour| self.hours.get(hour).map(|tally| (hour, tally)))
            .map(|(hour, tally)| Ok((hour.to_be_bytes().to_vec(), Some(postcard::to_stdvec(tally)?))))
            .collect()
    }

    pub(crate) fn restore(pieces: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>) -> Option<Self> {
        let mut tally = Self::default();
        for (key, value) in pieces {
            let hour = i64::from_be_bytes(key.try_into().ok()?);
            // An hour that has no time was never counted.
            hour.checked_mul(Timestamp::HOUR)?;
            tally.hours.insert(hour, postcard::from_bytes(&value).ok()?);
        }
        Some(tally)
    }

    fn at(&mut self, time: Timestamp) -> &mut HourTally {
        let hour = time.0.div_euclid(Timestamp::HOUR);
        self.changed.insert(hour);
        self.hours.entry(hour).or_default()
    }

    pub(crate) fn count_decision(&mut self, decision: &DecisionRecord) {
        self.at(decision.decided_at).decisions += 1;
    }

    /// `news` is what the event says of an order that was not known before.
    pub(crate) fn count_event(&mut self, event: &Event, news: News) {
        let hour = self.at(event.occurred_at);
        hour.events += 1;
        match &event.activity {
            Activity::PageViewed { .. } => hour.page_views += 1,
            Activity::Exposure(exposure) if exposure.clicked => hour.items_clicked += 1,
            Activity::Exposure(exposure) => hour.items_shown += exposure.product_ids.len() as u64,
            Activity::Commerce(commerce) => match commerce.action {
                CommerceAction::ProductViewed => hour.product_views += 1,
                CommerceAction::ProductAdded => hour.carts += 1,
                CommerceAction::OrderCompleted => {
                    hour.orders += u64::from(news.is_new);
                    let value = if news.has_new_value { order_value(commerce) } else { Vec::new() };
                    for Money { minor, currency } in value {
                        let sum = hour.revenue_minor.entry(currency).or_default();
                        *sum = sum.saturating_add(minor);
                    }
                }
                _ => {}
            },
            _ => {}
        }
    }
}

/// The order's total, else the sum of its priced lines.
pub(crate) fn order_value(commerce: &mercer_schema::Commerce) -> Vec<Money> {
    if let Some(total) = commerce.order.as_ref().and_then(|order| order.total) {
        return vec![total];
    }
    let priced = |line: &mercer_schema::Line| {
        let price = line.price?;
        Some(Money { minor: price.minor.saturating_mul(i64::from(line.quantity)), ..price })
    };
    commerce.lines.iter().filter_map(priced).collect()
}
