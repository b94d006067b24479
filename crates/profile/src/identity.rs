//! Which identifiers are one person: rules and limits, decided when somebody looks.
//!
//! Invariants: a person has at most one customer id, so no event can merge two known customers; the answer depends on
//! the set of links and not on the order in which they came. Nothing is guessed: no likeness of names, addresses or
//! devices ever links.

use std::collections::BTreeSet;

use mercer_schema::{AnonymousId, CustomerId, Timestamp, Visitor};
use serde::{Deserialize, Serialize};

use crate::links::Link;
pub use crate::links::LinkedBy;
use crate::persona::{Identifier, Persona};
use crate::profiles::Profiles;

/// Change these only together with a rebuild from the log: facts that were folded under other rules stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentitySettings {
    /// Customers that an anonymous id is obeyed for; the earliest count.
    pub customers_per_anonymous_id: usize,
    /// Anonymous ids that are counted to a customer; the earliest count.
    pub anonymous_ids_per_customer: usize,
    /// More values that are no identifiers, in lower case; the well-known ones are always blocked.
    pub blocked: BTreeSet<String>,
    /// Links that were found to be wrong and are to be treated as never said.
    pub severed: BTreeSet<(AnonymousId, CustomerId)>,
}

impl Default for IdentitySettings {
    fn default() -> Self {
        Self {
            customers_per_anonymous_id: 5,
            anonymous_ids_per_customer: 100,
            blocked: BTreeSet::new(),
            severed: BTreeSet::new(),
        }
    }
}

impl IdentitySettings {
    pub(crate) fn is_blocked(&self, id: &str) -> bool {
        is_blocked(id) || !self.blocked.is_empty() && self.blocked.contains(&id.to_lowercase())
    }
}

/// What programs send when they have no id. Strangers who share such a value are not one person.
const NO_IDS: [&str; 20] = [
    "-1",
    "null",
    "nil",
    "none",
    "undefined",
    "anonymous",
    "unknown",
    "guest",
    "n/a",
    "na",
    "nan",
    "true",
    "false",
    "id",
    "user",
    "userid",
    "user_id",
    "anonymousid",
    "not_authenticated",
    "[object object]",
];

/// Is the text no identifier: empty, made of zeros and hyphens only (as the nil UUID is), or a word for "nobody"?
pub fn is_blocked(id: &str) -> bool {
    let id = id.trim();
    id.bytes().all(|byte| byte == b'0' || byte == b'-') || NO_IDS.iter().any(|word| id.eq_ignore_ascii_case(word))
}

/// A tie between two identifiers, as people and the API see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IdentityLink {
    pub anonymous_id: AnonymousId,
    pub customer_id: CustomerId,
    pub first_at: Timestamp,
    pub by: LinkedBy,
    pub verdict: Verdict,
}

/// Is the link obeyed, and if not, why?
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Linked,
    /// The anonymous id was tied to as many other customers as are allowed, earlier.
    TooManyCustomers,
    /// The customer was tied to as many other anonymous ids as are allowed, earlier.
    TooManyAnonymousIds,
    /// An alias named a customer as the previous id; two known customers are never merged.
    BothKnown,
}

/// Whom the events of an anonymous id belong to over time; `None` is the anonymous id itself.
#[derive(Debug)]
pub(crate) enum Ownership {
    Always(Option<u32>),
    /// By beginning, sorted; the first begins before everything.
    Changing(Vec<(Timestamp, Option<u32>)>),
}

impl Ownership {
    pub(crate) fn at(&self, at: Timestamp) -> Option<u32> {
        match self {
            Self::Always(owner) => *owner,
            Self::Changing(spans) => {
                let after = spans.partition_point(|(from, _)| *from <= at);
                after.checked_sub(1).and_then(|index| spans[index].1)
            }
        }
    }

    /// Who the anonymous id belongs to after the newest sign-in.
    pub(crate) fn now(&self) -> Option<u32> {
        match self {
            Self::Always(owner) => *owner,
            Self::Changing(spans) => spans.last().and_then(|(_, owner)| *owner),
        }
    }
}

impl Profiles {
    /// Every link of the visitor's person, obeyed or refused, earliest first. Of refused links at most 16 are
    /// remembered beyond each limit.
    pub fn links(&self, visitor: &Visitor) -> Vec<IdentityLink> {
        let Some((number, persona)) = self.resolve(visitor).and_then(|number| Some((number, self.persona(number)?)))
        else {
            return Vec::new();
        };
        let mut links: Vec<IdentityLink> = [LinkedBy::Seen, LinkedBy::Alias]
            .into_iter()
            .flat_map(|by| persona.links.list(by).iter().map(move |link| (by, link)))
            .filter_map(|(by, link)| self.describe(number, link, by))
            .collect();
        links.sort_by(|left, right| {
            let key = |link: &IdentityLink| (link.first_at, link.by);
            key(left).cmp(&key(right)).then_with(|| left.anonymous_id.cmp(&right.anonymous_id))
        });
        links
    }

    fn describe(&self, number: u32, link: &Link, by: LinkedBy) -> Option<IdentityLink> {
        let (anonymous, customer) = match self.persona(number)?.id {
            Identifier::Anonymous(_) => (number, link.other),
            Identifier::Customer(_) => (link.other, number),
        };
        let (Identifier::Anonymous(anonymous_id), Identifier::Customer(customer_id)) =
            (&self.persona(anonymous)?.id, &self.persona(customer)?.id)
        else {
            return None;
        };
        let verdict = if by == LinkedBy::Alias && self.is_customer(anonymous_id.as_str()) {
            Verdict::BothKnown
        } else if !self.is_counted(customer, anonymous) {
            Verdict::TooManyAnonymousIds
        } else if !self.known_customers(anonymous).is_some_and(|known| known.obeyed().contains(&customer)) {
            Verdict::TooManyCustomers
        } else {
            Verdict::Linked
        };
        let (anonymous_id, customer_id) = (anonymous_id.clone(), customer_id.clone());
        Some(IdentityLink { anonymous_id, customer_id, first_at: link.first_at, by, verdict })
    }

    /// The anonymous ids whose events belong to a customer, at least for some time.
    pub(crate) fn anonymous_of(&self, customer: u32) -> impl Iterator<Item = u32> {
        self.counted(customer).into_iter().filter(move |anonymous| {
            self.known_customers(*anonymous).is_some_and(|known| known.obeyed().contains(&customer))
        })
    }

    /// Whom the events of an anonymous id belong to.
    pub(crate) fn ownership(&self, anonymous: u32) -> Ownership {
        let Some(known) = self.known_customers(anonymous) else { return Ownership::Always(None) };
        let owner_of = |customer: u32| {
            let is_obeyed = known.obeyed().contains(&customer) && self.is_counted(customer, anonymous);
            is_obeyed.then_some(customer)
        };
        let Some((first, others)) = known.customers.split_first() else { return Ownership::Always(None) };
        if others.is_empty() {
            return Ownership::Always(owner_of(*first));
        }
        let mut spans = vec![(Timestamp(i64::MIN), owner_of(*first))];
        for (at, _, customer) in self.sign_in_points(anonymous) {
            let owner = owner_of(customer);
            if spans.last().is_some_and(|(_, held)| *held != owner) {
                spans.push((at, owner));
            }
        }
        Ownership::Changing(spans)
    }

    /// Times at which it is known who was signed in, in order.
    fn sign_in_points(&self, anonymous: u32) -> Vec<(Timestamp, u64, u32)> {
        let Some(persona) = self.persona(anonymous) else { return Vec::new() };
        let obeys_alias = !self.is_customer(persona.id.as_str());
        let is_obeyed = |by: LinkedBy| by == LinkedBy::Seen || obeys_alias;
        let recent = persona
            .links
            .sign_ins
            .iter()
            .filter(|sign_in| is_obeyed(sign_in.by))
            .flat_map(|sign_in| [sign_in.first_at, sign_in.last_at].map(|at| (at, sign_in.tie, sign_in.customer)));
        let first = [LinkedBy::Seen, LinkedBy::Alias]
            .into_iter()
            .filter(|by| is_obeyed(*by))
            .flat_map(|by| persona.links.list(by).iter().map(|link| (link.first_at, link.tie, link.other)));
        let mut points: Vec<(Timestamp, u64, u32)> = recent.chain(first).collect();
        points.sort_unstable();
        points
    }

    /// The customers that an anonymous id was tied to; none when there are none.
    fn known_customers(&self, anonymous: u32) -> Option<KnownCustomers> {
        let persona = self.persona(anonymous)?;
        if persona.links.seen.is_empty() && persona.links.aliased.is_empty() {
            return None;
        }
        let customers = earliest(persona, |_| !self.is_customer(persona.id.as_str()));
        Some(KnownCustomers { customers, limit: self.settings().customers_per_anonymous_id })
    }

    /// Is the anonymous id among the earliest that are counted to the customer?
    fn is_counted(&self, customer: u32, anonymous: u32) -> bool {
        let Some(persona) = self.persona(customer) else { return false };
        let links = &persona.links;
        // Whether an alias is obeyed is judged by the caller; here it only takes a place.
        if links.seen.len() + links.aliased.len() <= self.settings().anonymous_ids_per_customer {
            return links.others().any(|other| other == anonymous);
        }
        self.counted(customer).contains(&anonymous)
    }

    fn counted(&self, customer: u32) -> Vec<u32> {
        let Some(persona) = self.persona(customer) else { return Vec::new() };
        let is_anonymous = |other: u32| self.persona(other).is_some_and(|other| !self.is_customer(other.id.as_str()));
        let mut counted = earliest(persona, |link| is_anonymous(link.other));
        counted.truncate(self.settings().anonymous_ids_per_customer);
        counted
    }
}

struct KnownCustomers {
    /// Earliest first.
    customers: Vec<u32>,
    limit: usize,
}

impl KnownCustomers {
    fn obeyed(&self) -> &[u32] {
        &self.customers[..self.customers.len().min(self.limit)]
    }
}

/// The other identifiers by the first time they were tied, each once.
fn earliest(persona: &Persona, obeys_alias: impl Fn(&Link) -> bool) -> Vec<u32> {
    let aliased = persona.links.aliased.iter().filter(|link| obeys_alias(link));
    let mut links: Vec<&Link> = persona.links.seen.iter().chain(aliased).collect();
    links.sort_unstable_by_key(|link| link.key());
    let mut others: Vec<u32> = Vec::with_capacity(links.len());
    for link in links {
        if !others.contains(&link.other) {
            others.push(link.other);
        }
    }
    others
}
