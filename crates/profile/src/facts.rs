//! What was seen under one identifier, whoever that turns out to be.
//!
//! Invariant: every part is a sum, an extremum or a bounded set that does not depend on the order of arrival. An event
//! that is offered again changes nothing as long as it is among the newest [`MOMENTS_KEPT`] of its identifier; older
//! ones would count twice in the plain counters (the log never delivers a message twice). Links are not known here.

use std::collections::BTreeMap;
use std::sync::Arc;

use imbl::{HashMap, Vector};
use mercer_schema::{Activity, Channel, Commerce, CommerceAction, Consent, Device, Event, Preferences, ProductId};
use mercer_schema::{Properties, Timestamp, TouchKind, Whereabouts};
use serde::{Deserialize, Serialize};

use crate::bounded::{Newest, Stamp, Stamped, insert_newest, offer};
use crate::orders::{Orders, is_about_order};
use crate::touches::{kind_of, lines_of};
use crate::visits::Visits;

/// The newest contacts with products that a profile has: this many of browsing and as many of buying, so that a
/// long evening of looking does not push out what was bought.
pub const TOUCHES_KEPT: usize = 256;
/// Events that are kept one by one, for telling duplicates and for dividing a shared device by time.
const MOMENTS_KEPT: usize = 256;
const TRAITS_KEPT: usize = 64;
const TRAIT_NAME_BYTES: usize = 128;
/// A longer value is not shown; it still replaces the older one.
const TRAIT_VALUE_BYTES: usize = 2_048;
const DISMISSALS_KEPT: usize = 512;

pub(crate) const DEVICES: [Device; 5] = [Device::Desktop, Device::Mobile, Device::Tablet, Device::Bot, Device::Other];
pub(crate) const KINDS: [TouchKind; 10] = [
    TouchKind::Viewed,
    TouchKind::Clicked,
    TouchKind::AddedToCart,
    TouchKind::RemovedFromCart,
    TouchKind::AddedToWishlist,
    TouchKind::RemovedFromWishlist,
    TouchKind::Purchased,
    TouchKind::Returned,
    TouchKind::Shared,
    TouchKind::Reviewed,
];

/// Numbers for products, so that histories are small and cheap to copy. Numbers follow the order of arrival and
/// therefore decide nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Products {
    numbers: HashMap<ProductId, u32>,
    names: Vector<ProductId>,
}

impl Products {
    pub(crate) fn number(&mut self, id: &ProductId) -> u32 {
        if let Some(number) = self.numbers.get(id) {
            return *number;
        }
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.numbers.insert(id.clone(), number);
        self.names.push_back(id.clone());
        number
    }

    pub(crate) fn name(&self, number: u32) -> Option<&ProductId> {
        self.names.get(number as usize)
    }

    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Facts {
    /// Both hold `Timestamp::default()` while there are no events.
    pub(crate) first_at: Timestamp,
    pub(crate) last_at: Timestamp,
    pub(crate) tally: Tally,
    /// Sorted by stamp.
    moments: Vec<Moment>,
    /// Sorted by [`TouchFact::key`].
    pub(crate) touches: Vec<TouchFact>,
    pub(crate) visits: Visits,
    pub(crate) orders: Orders,
    pub(crate) stated: Arc<Stated>,
    /// Of the newest event that says anything of it.
    pub(crate) whereabouts: Option<Stamped<Whereabouts>>,
}

/// Plain counters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Tally {
    pub(crate) events: u32,
    /// By [`KINDS`]. Purchases and returns are counted from the orders instead.
    pub(crate) kinds: [u32; 10],
    /// By [`DEVICES`].
    pub(crate) devices: [u32; 5],
    pub(crate) hours: [u32; 24],
}

/// One event, as far as the counters need it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Moment {
    stamp: Stamp,
    kind: Option<TouchKind>,
    touches: u16,
    device: Option<Device>,
    is_customers_doing: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct TouchFact {
    pub(crate) stamp: Stamp,
    /// Which line of its event it is.
    pub(crate) line: u32,
    pub(crate) product: u32,
    pub(crate) quantity: u32,
    pub(crate) kind: TouchKind,
}

impl TouchFact {
    pub(crate) const fn key(&self) -> (Stamp, u32) {
        (self.stamp, self.line)
    }
}

/// What the customer said rather than did: the newest statement on each subject.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stated {
    /// Values as JSON text; empty for one that is too long to keep.
    pub(crate) traits: Newest<Arc<str>, Arc<str>>,
    /// By product number.
    pub(crate) dismissed: Newest<u32, bool>,
    pub(crate) consent: Option<Stamped<Consent>>,
    pub(crate) preferences: Option<Stamped<Preferences>>,
}

impl Facts {
    pub(crate) const fn is_empty(&self) -> bool {
        self.tally.events == 0
    }

    pub(crate) fn knows(&self, stamp: Stamp) -> bool {
        self.moments.binary_search_by_key(&stamp, |moment| moment.stamp).is_ok()
    }

    pub(crate) fn apply(&mut self, event: &Event, stamp: Stamp, products: &mut Products) {
        let moment = Moment::of(event, stamp);
        self.first_at = if self.is_empty() { stamp.at } else { self.first_at.min(stamp.at) };
        self.last_at = if self.is_empty() { stamp.at } else { self.last_at.max(stamp.at) };
        self.tally.add(&moment);
        insert_newest(&mut self.moments, moment, MOMENTS_KEPT, |held| held.stamp);
        if moment.is_customers_doing {
            self.visits.add(stamp.at);
        }
        match &event.activity {
            Activity::Commerce(commerce) if is_about_order(commerce.action) => {
                self.orders.apply(commerce, stamp, |line| products.number(&line.product_id));
            }
            Activity::Commerce(_) | Activity::Exposure(_) => self.touch(event, moment.kind, stamp, products),
            Activity::Identified { traits } => self.set_traits(traits, stamp),
            Activity::Feedback(feedback) => {
                let stamped = Stamped { stamp, value: feedback.dismissed };
                let product = products.number(&feedback.product_id);
                Arc::make_mut(&mut self.stated).dismissed.set(product, stamped, DISMISSALS_KEPT);
            }
            // One that is out of its bounds, in a log that somebody else wrote, says nothing.
            Activity::Preferred(preferences) if preferences.fault().is_none() => {
                offer(&mut Arc::make_mut(&mut self.stated).preferences, stamp, *preferences);
            }
            _ => {}
        }
        let whereabouts = Whereabouts::of(event);
        if !whereabouts.is_empty() {
            offer(&mut self.whereabouts, stamp, whereabouts);
        }
        if let Some(consent) = event.context.consent
            && self.stated.consent.as_ref().is_none_or(|held| held.stamp < stamp)
        {
            offer(&mut Arc::make_mut(&mut self.stated).consent, stamp, consent);
        }
    }

    fn touch(&mut self, event: &Event, kind: Option<TouchKind>, stamp: Stamp, products: &mut Products) {
        let Some(kind) = kind else { return };
        for (line, (product, quantity)) in (0..).zip(lines_of(&event.activity)) {
            let touch = TouchFact { stamp, line, product: products.number(product), quantity, kind };
            insert_newest(&mut self.touches, touch, TOUCHES_KEPT, TouchFact::key);
        }
    }

    fn set_traits(&mut self, traits: &Properties, stamp: Stamp) {
        let held = &mut Arc::make_mut(&mut self.stated).traits;
        for (name, value) in traits.iter().filter(|(name, _)| name.len() <= TRAIT_NAME_BYTES) {
            let text = value.to_string();
            let value = if text.len() > TRAIT_VALUE_BYTES { Arc::default() } else { Arc::from(text) };
            held.set(Arc::from(name.as_str()), Stamped { stamp, value }, TRAITS_KEPT);
        }
    }

    /// The part that falls on times that `owns` accepts; none when that is nothing.
    ///
    /// The newest events are divided one by one. Of the counters and visits before them only sums are kept: they go
    /// as a whole to whoever owned the first of them.
    pub(crate) fn at_times(&self, owns: &dyn Fn(Timestamp) -> bool) -> Option<Self> {
        let mut part = Self::default();
        let older = self.before_moments();
        if !older.is_empty() && owns(older.first_at) {
            part = older;
        }
        for moment in self.moments.iter().filter(|moment| owns(moment.stamp.at)) {
            let at = moment.stamp.at;
            part.first_at = if part.is_empty() { at } else { part.first_at.min(at) };
            part.last_at = if part.is_empty() { at } else { part.last_at.max(at) };
            part.tally.add(moment);
            if moment.is_customers_doing {
                part.visits.add(at);
            }
        }
        part.touches = self.touches.iter().filter(|touch| owns(touch.stamp.at)).copied().collect();
        part.orders = self.orders.at_times(owns);
        part.stated = Arc::new(Stated {
            traits: self.stated.traits.at_times(owns),
            dismissed: self.stated.dismissed.at_times(owns),
            consent: self.stated.consent.clone().filter(|consent| owns(consent.stamp.at)),
            preferences: self.stated.preferences.clone().filter(|stated| owns(stated.stamp.at)),
        });
        part.whereabouts = self.whereabouts.clone().filter(|whereabouts| owns(whereabouts.stamp.at));
        (!part.is_empty()).then_some(part)
    }

    /// When the part that [`Facts::at_times`] gives to each owner was last active.
    pub(crate) fn last_times(&self, owner_at: impl Fn(Timestamp) -> u32) -> BTreeMap<u32, Timestamp> {
        let mut last_times = BTreeMap::new();
        for moment in self.moments.iter().rev() {
            last_times.entry(owner_at(moment.stamp.at)).or_insert(moment.stamp.at);
        }
        if self.tally.events as usize > self.moments.len() {
            // Nothing before the moments is newer than the oldest of them.
            last_times.entry(owner_at(self.first_at)).or_insert_with(|| self.before_moments().last_at);
        }
        last_times
    }

    /// Counters and visits of the events that are no longer kept one by one.
    fn before_moments(&self) -> Self {
        let mut tally = self.tally;
        self.moments.iter().for_each(|moment| tally.subtract(moment));
        if tally.events == 0 {
            return Self::default();
        }
        let points = self.moments.iter().filter(|moment| moment.is_customers_doing);
        let visits = self.visits.without(points.map(|moment| moment.stamp.at));
        let last_at = visits.last_at().unwrap_or(self.first_at).max(self.first_at);
        Self { first_at: self.first_at, last_at, tally, visits, ..Self::default() }
    }

    /// The highest product number in use, to check that a restored piece fits.
    pub(crate) fn greatest_product(&self) -> Option<u32> {
        let touched = self.touches.iter().map(|touch| touch.product);
        let dismissed = self.stated.dismissed.iter().map(|(product, _)| *product);
        touched.chain(dismissed).chain(self.orders.greatest_product()).max()
    }
}

impl Moment {
    fn of(event: &Event, stamp: Stamp) -> Self {
        let is_order = matches!(&event.activity, Activity::Commerce(commerce) if is_about_order(commerce.action));
        let kind = kind_of(&event.activity).filter(|_| !is_order);
        let touches = if kind.is_some() { lines_of(&event.activity).count() } else { 0 };
        Self {
            stamp,
            kind,
            touches: u16::try_from(touches).unwrap_or(u16::MAX),
            device: event.context.device,
            is_customers_doing: is_customers_doing(event),
        }
    }
}

/// A refund or a change of an order that the shop's server reports is no visit of the customer.
const fn is_customers_doing(event: &Event) -> bool {
    use CommerceAction::{OrderCancelled, OrderRefunded, OrderUpdated};
    let by_shop = matches!(
        &event.activity,
        Activity::Commerce(Commerce { action: OrderUpdated | OrderRefunded | OrderCancelled, .. })
    );
    !(by_shop && matches!(event.channel, Channel::Server))
}

impl Tally {
    fn add(&mut self, moment: &Moment) {
        self.change(moment, u32::saturating_add);
    }

    fn subtract(&mut self, moment: &Moment) {
        self.change(moment, u32::saturating_sub);
    }

    fn change(&mut self, moment: &Moment, change: fn(u32, u32) -> u32) {
        self.events = change(self.events, 1);
        if let Some(kind) = moment.kind {
            let counter = &mut self.kinds[kind as usize];
            *counter = change(*counter, u32::from(moment.touches));
        }
        if let Some(device) = moment.device {
            let counter = &mut self.devices[device as usize];
            *counter = change(*counter, 1);
        }
        if moment.is_customers_doing {
            let counter = &mut self.hours[usize::from(moment.stamp.at.hour())];
            *counter = change(*counter, 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_in_the_order_of_their_enums() {
        for (index, kind) in KINDS.into_iter().enumerate() {
            assert_eq!(kind as usize, index);
        }
        for (index, device) in DEVICES.into_iter().enumerate() {
            assert_eq!(device as usize, index);
        }
    }
}
