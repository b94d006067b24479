//! The fold: events in, personas, links and the list of people out.
//!
//! Invariant: after the same set of events, in any order and with repetitions, every question is answered the same.
//! Only numbers that stand for identifiers and products differ, and those decide nothing and are not shown.

use std::collections::BTreeSet;
use std::sync::Arc;

use imbl::{HashMap, OrdMap, Vector};
use mercer_schema::{Activity, AnonymousId, CustomerId, Event, Timestamp, Visitor};

use crate::bounded::Stamp;
use crate::facts::Products;
use crate::identity::{IdentitySettings, Ownership};
use crate::links::{Link, LinkedBy, REFUSED_KEPT, is_new_sign_in, is_news, offer, sign_in};
use crate::people::PeopleIndex;
use crate::persona::{Identifier, Persona};
use crate::view::Shares;

/// All customers and visitors. Cloning is cheap, and a clone never changes.
#[derive(Debug, Clone, Default)]
pub struct Profiles {
    settings: Arc<IdentitySettings>,
    // The maps from ids keep their randomly seeded hash: ids come from outside, and nothing walks these maps.
    anonymous: HashMap<AnonymousId, u32>,
    customers: HashMap<CustomerId, u32>,
    pub(crate) personas: OrdMap<u32, Arc<Persona>>,
    pub(crate) products: Products,
    people: PeopleIndex,
    pub(crate) nobodys_events: u64,
    pub(crate) changes: Changed,
}

/// What `drain_changes` has to write down.
#[derive(Debug, Clone, Default)]
pub(crate) struct Changed {
    /// Counts the drains; a persona that was written in this round is in `personas`.
    pub(crate) round: u32,
    pub(crate) personas: Vector<u32>,
    /// Products before this number are written down.
    pub(crate) products_from: usize,
    pub(crate) has_head: bool,
}

impl Profiles {
    pub fn new(settings: IdentitySettings) -> Self {
        Self { settings: Arc::new(settings), ..Self::default() }
    }

    /// Takes in one event. Late, repeated and unordered events are as good as any.
    pub fn apply(&mut self, event: &Event) {
        self.changes.has_head = true;
        let customer = event.visitor.customer_id.as_ref().and_then(|id| self.customer(id));
        let anonymous = event.visitor.anonymous_id.as_ref().and_then(|id| self.anonymous(id));
        let Some(subject) = customer.or(anonymous) else {
            self.nobodys_events = self.nobodys_events.saturating_add(1);
            return;
        };
        let stamp = Stamp::of(event);
        if self.persona(subject).is_none_or(|persona| persona.facts.knows(stamp)) {
            return;
        }
        self.observe(subject, event, stamp);
        let Some(customer) = customer else { return };
        if let Some(anonymous) = anonymous {
            self.tie(anonymous, customer, (stamp, LinkedBy::Seen));
        }
        if let Activity::Aliased { previous_id } = &event.activity {
            self.alias(customer, previous_id, stamp);
        }
    }

    /// Events that carried no id at all, or only blocked ones.
    pub const fn events_of_nobody(&self) -> u64 {
        self.nobodys_events
    }

    pub fn settings(&self) -> &IdentitySettings {
        &self.settings
    }

    fn customer(&mut self, id: &CustomerId) -> Option<u32> {
        if let Some(number) = self.customers.get(id) {
            return Some(*number);
        }
        if self.settings.is_blocked(id.as_str()) {
            return None;
        }
        let number = self.add(Persona::new(Identifier::Customer(id.clone())));
        // From now on an alias from this id was between two customers, and is refused.
        if let Some(anonymous) = self.anonymous.get(id.as_str()).copied() {
            let customers = self.neighbours(anonymous);
            let devices: Vec<u32> = customers.iter().flat_map(|customer| self.neighbours(*customer)).collect();
            self.relist(customers.into_iter().chain(devices).chain([anonymous]));
        }
        Some(number)
    }

    fn anonymous(&mut self, id: &AnonymousId) -> Option<u32> {
        if let Some(number) = self.anonymous.get(id) {
            return Some(*number);
        }
        if self.settings.is_blocked(id.as_str()) {
            return None;
        }
        Some(self.add(Persona::new(Identifier::Anonymous(id.clone()))))
    }

    /// Takes in a persona under the next number.
    pub(crate) fn add(&mut self, persona: Persona) -> u32 {
        let number = u32::try_from(self.personas.len()).unwrap_or(u32::MAX);
        match &persona.id {
            Identifier::Anonymous(id) => self.anonymous.insert(id.clone(), number),
            Identifier::Customer(id) => self.customers.insert(id.clone(), number),
        };
        self.personas.insert(number, Arc::new(persona));
        edit(&mut self.personas, &mut self.changes, number);
        number
    }

    fn alias(&mut self, customer: u32, previous_id: &str, stamp: Stamp) {
        let Ok(previous) = AnonymousId::parse(previous_id) else { return };
        let is_self = self.persona(customer).is_some_and(|persona| persona.id.as_str() == previous.as_str());
        if is_self {
            return;
        }
        if let Some(anonymous) = self.anonymous(&previous) {
            self.tie(anonymous, customer, (stamp, LinkedBy::Alias));
        }
    }

    /// Remembers that the two belonged together at that time, on both sides.
    fn tie(&mut self, anonymous: u32, customer: u32, (stamp, by): (Stamp, LinkedBy)) {
        let (Some(device), Some(person)) = (self.persona(anonymous), self.persona(customer)) else { return };
        if self.is_severed(device, person) {
            return;
        }
        let to_customer = Link { first_at: stamp.at, tie: person.tie, other: customer };
        let to_device = Link { first_at: stamp.at, tie: device.tie, other: anonymous };
        let device_limit = self.settings.customers_per_anonymous_id + REFUSED_KEPT;
        let person_limit = self.settings.anonymous_ids_per_customer + REFUSED_KEPT;
        let has_one_customer = device.links.others().all(|other| other == customer);
        let is_known = device.links.list(by).iter().any(|link| link.other == customer);
        let device_changes = is_news(device.links.list(by), &to_customer, device_limit)
            || is_new_sign_in(&device.links.sign_ins, &to_customer, by);
        let person_changes = is_news(person.links.list(by), &to_device, person_limit);
        let is_crowded = person.links.others().count() >= self.settings.anonymous_ids_per_customer;
        // With one customer all events of the device are theirs already, whenever they were.
        let before = (device_changes && !(has_one_customer && is_known)).then(|| self.shares(anonymous));
        let mut crowd = if is_crowded && person_changes { self.neighbours(customer) } else { Vec::new() };
        if device_changes && let Some(device) = edit(&mut self.personas, &mut self.changes, anonymous) {
            let links = Arc::make_mut(&mut device.links);
            offer(links.list_mut(by), to_customer, device_limit);
            sign_in(&mut links.sign_ins, &to_customer, by);
        }
        if person_changes && let Some(person) = edit(&mut self.personas, &mut self.changes, customer) {
            offer(Arc::make_mut(&mut person.links).list_mut(by), to_device, person_limit);
        }
        if !crowd.is_empty() {
            crowd.extend(self.neighbours(anonymous));
            crowd.extend([anonymous, customer]);
            self.relist(crowd);
        } else if let Some(before) = before {
            self.relist_shares(anonymous, &before);
        }
    }

    fn is_severed(&self, device: &Persona, person: &Persona) -> bool {
        let severed = &self.settings.severed;
        let (Identifier::Anonymous(anonymous), Identifier::Customer(customer)) = (&device.id, &person.id) else {
            return true;
        };
        !severed.is_empty() && severed.contains(&(anonymous.clone(), customer.clone()))
    }

    fn neighbours(&self, number: u32) -> Vec<u32> {
        self.persona(number).map(|persona| persona.links.others().collect()).unwrap_or_default()
    }

    /// Notes an event under its identifier, and moves its person up in the list.
    fn observe(&mut self, subject: u32, event: &Event, stamp: Stamp) {
        let ownership = match self.persona(subject).map(|persona| &persona.id) {
            Some(Identifier::Anonymous(_)) => self.ownership(subject),
            _ => Ownership::Always(None),
        };
        // On a shared device an event can move the border up to which events are known one by one.
        let before = matches!(ownership, Ownership::Changing(_)).then(|| self.shares(subject));
        if let Some(persona) = edit(&mut self.personas, &mut self.changes, subject) {
            Arc::make_mut(&mut persona.facts).apply(event, stamp, &mut self.products);
        }
        match (ownership, before) {
            (Ownership::Always(owner), _) => self.list_seen(owner.unwrap_or(subject), stamp.at),
            (Ownership::Changing(_), before) => self.relist_shares(subject, &before.unwrap_or_default()),
        }
    }

    fn list_seen(&mut self, number: u32, at: Timestamp) {
        if let Some(tie) = self.persona(number).map(|persona| persona.tie) {
            self.people.seen(number, tie, at);
        }
    }

    /// Finds anew when each of these was last seen as a person.
    pub(crate) fn relist(&mut self, numbers: impl IntoIterator<Item = u32>) {
        for number in BTreeSet::from_iter(numbers) {
            if let Some(tie) = self.persona(number).map(|persona| persona.tie) {
                self.people.list(number, tie, self.last_seen_at(number));
            }
        }
    }

    /// The same for those whose share of a device is no longer what it was.
    fn relist_shares(&mut self, anonymous: u32, before: &Shares) {
        let after = self.shares(anonymous);
        for (person, at) in &after {
            if before.get(person) < Some(at) {
                self.list_seen(*person, *at);
            }
        }
        let shrunk = before.iter().filter(|(person, at)| after.get(person) < Some(at));
        self.relist(shrunk.map(|(person, _)| *person));
    }

    pub(crate) fn persona(&self, number: u32) -> Option<&Persona> {
        self.personas.get(&number).map(Arc::as_ref)
    }

    pub(crate) fn customer_number(&self, id: &str) -> Option<u32> {
        self.customers.get(id).copied()
    }

    pub(crate) fn anonymous_number(&self, id: &str) -> Option<u32> {
        self.anonymous.get(id).copied()
    }

    pub(crate) fn is_customer(&self, id: &str) -> bool {
        self.customers.contains_key(id)
    }

    pub(crate) const fn people_index(&self) -> &PeopleIndex {
        &self.people
    }

    /// The persona number of the person that a visitor is.
    ///
    /// A customer id that was never seen is nobody yet, and takes an anonymous profile along only when that belongs
    /// to no other customer: this is what its first event will make of it.
    pub(crate) fn resolve(&self, visitor: &Visitor) -> Option<u32> {
        let anonymous = visitor.anonymous_id.as_ref().and_then(|id| self.anonymous_number(id.as_str()));
        match &visitor.customer_id {
            Some(id) => self
                .customer_number(id.as_str())
                .or_else(|| anonymous.filter(|number| matches!(self.ownership(*number), Ownership::Always(None)))),
            None => anonymous.map(|number| self.ownership(number).now().unwrap_or(number)),
        }
    }
}

/// A persona to change, noted as changed.
fn edit<'a>(
    personas: &'a mut OrdMap<u32, Arc<Persona>>,
    changes: &mut Changed,
    number: u32,
) -> Option<&'a mut Persona> {
    let persona = Arc::make_mut(personas.get_mut(&number)?);
    if persona.changed_in != changes.round + 1 {
        persona.changed_in = changes.round + 1;
        changes.personas.push_back(number);
    }
    Some(persona)
}
