//! From personas to one person's profile.
//!
//! Invariant: a person's profile is a join of its parts, whatever their order: a customer's own facts, and of each
//! linked anonymous id the facts from the times at which it was theirs. Nothing is stored.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use mercer_schema::{Profile, Properties, Timestamp, Touch, TouchKind, Visitor};

use crate::bounded::{Stamped, newer};
use crate::facts::{DEVICES, Facts, KINDS, TOUCHES_KEPT};
use crate::identity::Ownership;
use crate::orders::{OrderFacts, OrderKey};
use crate::persona::Identifier;
use crate::profiles::Profiles;
use crate::visits::{Visits, merge};

/// Persons by number, with the last time of each.
pub(crate) type Shares = BTreeMap<u32, Timestamp>;

/// What a touch is ordered by: time, its event or order, its line.
type TouchKey = (Timestamp, u64, u32);

impl Profiles {
    /// What is known of the visitor's person: of the customer if one is named, else of whom the anonymous id
    /// belongs to since its newest sign-in.
    pub fn view(&self, visitor: &Visitor) -> Option<Profile> {
        self.profile_of(self.resolve(visitor)?)
    }

    /// A stable name for the visitor's person: the customer id if it is known, else the anonymous id.
    pub fn person_key(&self, visitor: &Visitor) -> Option<String> {
        if let Some(persona) = self.resolve(visitor).and_then(|number| self.persona(number)) {
            return Some(persona.id.as_str().to_owned());
        }
        let customer = visitor.customer_id.as_ref().map(|id| id.as_str());
        let anonymous = visitor.anonymous_id.as_ref().map(|id| id.as_str());
        let usable = [customer, anonymous].into_iter().flatten().find(|id| !self.settings().is_blocked(id));
        usable.map(str::to_owned)
    }

    pub(crate) fn profile_of(&self, number: u32) -> Option<Profile> {
        let persona = self.persona(number)?;
        let parts = self.slices(number);
        if parts.is_empty() {
            return None;
        }
        let mut profile = self.join(&parts);
        match &persona.id {
            Identifier::Customer(id) => {
                profile.customer_id = Some(id.clone());
                profile.anonymous_ids =
                    self.anonymous_of(number).filter_map(|other| self.anonymous_id(other)).collect();
            }
            Identifier::Anonymous(id) => profile.anonymous_ids = BTreeSet::from([id.clone()]),
        }
        Some(profile)
    }

    fn anonymous_id(&self, number: u32) -> Option<mercer_schema::AnonymousId> {
        match &self.persona(number)?.id {
            Identifier::Anonymous(id) => Some(id.clone()),
            Identifier::Customer(_) => None,
        }
    }

    /// The facts that belong to the person of a persona; none when it is no person of its own.
    pub(crate) fn slices(&self, number: u32) -> Vec<Cow<'_, Facts>> {
        let Some(persona) = self.persona(number) else { return Vec::new() };
        let mut slices = Vec::new();
        match persona.id {
            Identifier::Customer(_) => {
                slices.push(Cow::Borrowed(persona.facts.as_ref()));
                slices.extend(self.anonymous_of(number).filter_map(|other| self.slice(other, Some(number))));
            }
            Identifier::Anonymous(_) => slices.extend(self.slice(number, None)),
        }
        slices.retain(|facts| !facts.is_empty());
        slices
    }

    /// The facts of an anonymous id from the times at which it belonged to `owner`.
    fn slice(&self, anonymous: u32, owner: Option<u32>) -> Option<Cow<'_, Facts>> {
        let facts = self.persona(anonymous)?.facts.as_ref();
        match self.ownership(anonymous) {
            Ownership::Always(always) => (always == owner).then_some(Cow::Borrowed(facts)),
            changing => facts.at_times(&|at| changing.at(at) == owner).map(Cow::Owned),
        }
    }

    /// When the person of a persona was last seen; none when it is no person of its own.
    pub(crate) fn last_seen_at(&self, number: u32) -> Option<Timestamp> {
        let persona = self.persona(number)?;
        match persona.id {
            Identifier::Customer(_) => {
                let own = (!persona.facts.is_empty()).then_some(persona.facts.last_at);
                let shares = self.anonymous_of(number).filter_map(|other| self.shares(other).get(&number).copied());
                own.into_iter().chain(shares).max()
            }
            Identifier::Anonymous(_) => self.shares(number).get(&number).copied(),
        }
    }

    /// When each person was last active under an anonymous id alone; its own number stands for nobody else.
    pub(crate) fn shares(&self, anonymous: u32) -> Shares {
        let Some(facts) = self.persona(anonymous).map(|persona| persona.facts.as_ref()) else { return Shares::new() };
        if facts.is_empty() {
            return Shares::new();
        }
        match self.ownership(anonymous) {
            Ownership::Always(owner) => Shares::from([(owner.unwrap_or(anonymous), facts.last_at)]),
            changing => facts.last_times(|at| changing.at(at).unwrap_or(anonymous)),
        }
    }

    fn join(&self, parts: &[Cow<'_, Facts>]) -> Profile {
        let orders = joined_orders(parts);
        let (visits, last_visit) = merge(parts.iter().map(|facts| -> &Visits { &facts.visits }));
        let mut profile = Profile {
            first_seen_at: parts.iter().map(|facts| facts.first_at).min().unwrap_or_default(),
            last_seen_at: parts.iter().map(|facts| facts.last_at).max().unwrap_or_default(),
            traits: joined_traits(parts),
            visits,
            last_visit,
            dismissed: self.joined_dismissals(parts),
            consent: parts
                .iter()
                .fold(None, |held, facts| newer(held, facts.stated.consent.clone()))
                .map(|stamped| stamped.value),
            preferences: parts
                .iter()
                .fold(None, |held, facts| newer(held, facts.stated.preferences.clone()))
                .map(|stamped| stamped.value),
            whereabouts: parts
                .iter()
                .fold(None, |held, facts| newer(held, facts.whereabouts.clone()))
                .map(|stamped| stamped.value)
                .unwrap_or_default(),
            touches: self.joined_touches(parts, &orders),
            ..Profile::default()
        };
        parts.iter().for_each(|facts| count(&mut profile, facts));
        orders.iter().for_each(|(_, order)| count_order(&mut profile, order));
        profile
    }

    fn joined_dismissals(&self, parts: &[Cow<'_, Facts>]) -> BTreeSet<mercer_schema::ProductId> {
        let mut newest: BTreeMap<u32, &Stamped<bool>> = BTreeMap::new();
        for (product, stamped) in parts.iter().flat_map(|facts| facts.stated.dismissed.iter()) {
            let held = newest.entry(*product).or_insert(stamped);
            if held.stamp < stamped.stamp {
                *held = stamped;
            }
        }
        let dismissed = newest.into_iter().filter(|(_, stamped)| stamped.value);
        dismissed.filter_map(|(product, _)| self.products.name(product).cloned()).collect()
    }

    fn joined_touches(&self, parts: &[Cow<'_, Facts>], orders: &Orders<'_>) -> Vec<Touch> {
        let browsed = parts.iter().flat_map(|facts| facts.touches.iter()).map(|touch| {
            let key = (touch.stamp.at, touch.stamp.tie, touch.line);
            (key, touch.kind, touch.product, touch.quantity)
        });
        let mut touches = newest(browsed.collect());
        touches.extend(newest(orders.iter().flat_map(|(key, order)| order_touches(key, order)).collect()));
        touches.sort_unstable_by_key(|(key, kind, ..)| (*key, *kind));
        let named = touches.into_iter().filter_map(|((at, ..), kind, product, quantity)| {
            Some(Touch { at, product_id: self.products.name(product)?.clone(), kind, quantity })
        });
        named.collect()
    }
}

type RawTouch = (TouchKey, TouchKind, u32, u32);

fn newest(mut touches: Vec<RawTouch>) -> Vec<RawTouch> {
    if touches.len() > TOUCHES_KEPT {
        let cut = touches.len() - TOUCHES_KEPT;
        touches.select_nth_unstable_by_key(cut, |(key, kind, ..)| (*key, *kind));
        touches.drain(..cut);
    }
    touches
}

fn order_touches(key: &OrderKey, order: &OrderFacts) -> Vec<RawTouch> {
    let mut touches = Vec::new();
    if let Some((placed_at, lines, _)) = order.purchases() {
        for (index, line) in (0..).zip(lines) {
            touches.push(((placed_at, key.hash, index), TouchKind::Purchased, line.product, line.quantity));
        }
    }
    for (stamp, lines, _) in order.returns() {
        for (index, line) in (0..).zip(lines) {
            touches.push(((stamp.at, stamp.tie, index), TouchKind::Returned, line.product, line.quantity));
        }
    }
    touches
}

type Orders<'a> = Vec<(&'a OrderKey, Cow<'a, OrderFacts>)>;

/// Every order once, also when several identifiers know of it.
fn joined_orders<'a>(parts: &'a [Cow<'_, Facts>]) -> Orders<'a> {
    let mut all: Vec<(&OrderKey, &OrderFacts)> =
        parts.iter().flat_map(|facts| facts.orders.iter()).map(|(key, order)| (key, order.as_ref())).collect();
    all.sort_by_key(|(key, _)| *key);
    let mut joined: Orders<'a> = Vec::with_capacity(all.len());
    for (key, order) in all {
        match joined.last_mut() {
            Some((held, facts)) if *held == key => facts.to_mut().join(order),
            _ => joined.push((key, Cow::Borrowed(order))),
        }
    }
    joined
}

fn joined_traits(parts: &[Cow<'_, Facts>]) -> Properties {
    let mut newest: BTreeMap<&str, &Stamped<Arc<str>>> = BTreeMap::new();
    for (name, stamped) in parts.iter().flat_map(|facts| facts.stated.traits.iter()) {
        let held = newest.entry(name).or_insert(stamped);
        if held.stamp < stamped.stamp {
            *held = stamped;
        }
    }
    let parsed = newest
        .into_iter()
        .filter_map(|(name, stamped)| serde_json::from_str(&stamped.value).ok().map(|value| (name.to_owned(), value)));
    parsed.collect()
}

fn count(profile: &mut Profile, facts: &Facts) {
    let tally = &facts.tally;
    for (kind, times) in KINDS.into_iter().zip(tally.kinds).filter(|(_, times)| *times > 0) {
        *profile.counts.entry(kind).or_default() += u64::from(times);
    }
    for (device, times) in DEVICES.into_iter().zip(tally.devices).filter(|(_, times)| *times > 0) {
        *profile.devices.entry(device).or_default() += u64::from(times);
    }
    for (hour, times) in profile.hours.iter_mut().zip(tally.hours) {
        *hour = hour.saturating_add(times);
    }
}

fn count_order(profile: &mut Profile, order: &OrderFacts) {
    profile.orders = profile.orders.saturating_add(u32::from(order.counts()));
    for money in order.net() {
        let spend = profile.spend_minor.entry(money.currency).or_default();
        *spend = spend.saturating_add(money.minor);
    }
    let bought = order.purchases().map_or(0, |(.., lines)| lines);
    let returned: u64 = order.returns().map(|(.., lines)| u64::from(lines)).sum();
    for (kind, times) in [(TouchKind::Purchased, u64::from(bought)), (TouchKind::Returned, returned)] {
        if times > 0 {
            *profile.counts.entry(kind).or_default() += times;
        }
    }
}
