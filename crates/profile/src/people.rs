//! The list of people, newest first: for the console, page by page.
//!
//! Invariant: every person stands in it exactly once, at the time of the newest event that belongs to them. People
//! who were last seen at the same time are ordered by a hash of their id, so the order of arrival does not show.

use std::fmt;
use std::str::FromStr;

use imbl::{OrdSet, Vector};
use mercer_schema::{Profile, Timestamp, Visitor};

use crate::persona::Identifier;
use crate::profiles::Profiles;

/// One person of the list.
#[derive(Debug, Clone, PartialEq)]
pub struct Person {
    /// The customer id if it is known, else the anonymous id.
    pub key: String,
    /// Continues the list after this person.
    pub cursor: Cursor,
    pub profile: Profile,
}

/// A place in the list. As text it is safe in a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    last_seen_at: Timestamp,
    tie: u64,
    number: u32,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:x}.{}", self.last_seen_at.0, self.tie, self.number)
    }
}

/// A text that is no cursor of the list of people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no cursor of the list of people; take the one that came with the last page, or start without")]
pub struct CursorError(String);

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let read = || {
            let (last_seen_at, rest) = text.split_once('.')?;
            let (tie, number) = rest.split_once('.')?;
            Some(Self {
                last_seen_at: Timestamp(last_seen_at.parse().ok()?),
                tie: u64::from_str_radix(tie, 16).ok()?,
                number: number.parse().ok()?,
            })
        };
        read().ok_or_else(|| CursorError(text.chars().take(64).collect()))
    }
}

/// Who was seen when. Folded along with the personas, and rebuilt from them on restore.
#[derive(Debug, Clone, Default)]
pub(crate) struct PeopleIndex {
    /// By persona number; `NOT_LISTED` for those that are no person of their own.
    listed_at: Vector<Timestamp>,
    order: OrdSet<Cursor>,
}

const NOT_LISTED: Timestamp = Timestamp(i64::MIN);

impl PeopleIndex {
    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    /// Lists a person at a time, or no longer.
    pub(crate) fn list(&mut self, number: u32, tie: u64, last_seen_at: Option<Timestamp>) {
        while self.listed_at.len() <= number as usize {
            self.listed_at.push_back(NOT_LISTED);
        }
        let (old, new) = (self.listed_at[number as usize], last_seen_at.unwrap_or(NOT_LISTED));
        if old == new {
            return;
        }
        self.listed_at.set(number as usize, new);
        if old != NOT_LISTED {
            self.order.remove(&Cursor { last_seen_at: old, tie, number });
        }
        if new != NOT_LISTED {
            self.order.insert(Cursor { last_seen_at: new, tie, number });
        }
    }

    /// Lists a person at a time unless they were seen later.
    pub(crate) fn seen(&mut self, number: u32, tie: u64, at: Timestamp) {
        let held = self.listed_at.get(number as usize).copied().unwrap_or(NOT_LISTED);
        self.list(number, tie, Some(held.max(at)));
    }

    fn newest_first(&self, after: Option<Cursor>) -> impl Iterator<Item = Cursor> {
        let end = after.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        self.order.range((std::ops::Bound::Unbounded, end)).rev().copied()
    }
}

impl Profiles {
    /// How many people there are.
    pub fn len(&self) -> usize {
        self.people_index().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Everybody, those seen last first.
    pub fn people(&self) -> impl Iterator<Item = Person> {
        self.people_after(None)
    }

    /// Those who follow after a cursor.
    pub fn people_after(&self, after: Option<Cursor>) -> impl Iterator<Item = Person> {
        self.people_index().newest_first(after).filter_map(|cursor| self.person(cursor))
    }

    /// People whose customer id, one of whose anonymous ids or whose `email` trait begins with `prefix`, in any
    /// case. Looks at one person after the other, so take only as many as are shown.
    pub fn search(&self, prefix: &str, after: Option<Cursor>) -> impl Iterator<Item = Person> {
        let prefix = prefix.trim().to_lowercase();
        let matching = self.people_index().newest_first(after).filter(move |cursor| self.matches(*cursor, &prefix));
        matching.filter_map(|cursor| self.person(cursor))
    }

    /// The visitor that a key of the list stands for: a customer's id, else an anonymous id.
    pub fn find(&self, key: &str) -> Option<Visitor> {
        let number = self.customer_number(key).or_else(|| self.anonymous_number(key))?;
        Some(match self.persona(number)?.id.clone() {
            Identifier::Customer(id) => Visitor { anonymous_id: None, customer_id: Some(id) },
            Identifier::Anonymous(id) => Visitor { anonymous_id: Some(id), customer_id: None },
        })
    }

    fn person(&self, cursor: Cursor) -> Option<Person> {
        let key = self.persona(cursor.number)?.id.as_str().to_owned();
        Some(Person { key, cursor, profile: self.profile_of(cursor.number)? })
    }

    fn matches(&self, cursor: Cursor, prefix: &str) -> bool {
        let begins = |text: &str| text.to_lowercase().starts_with(prefix);
        let members = std::iter::once(cursor.number).chain(self.anonymous_of(cursor.number));
        members.filter_map(|number| self.persona(number)).any(|persona| {
            let email = persona.facts.stated.traits.get("email");
            begins(persona.id.as_str()) || email.is_some_and(|json| begins(json.trim_start_matches('"')))
        })
    }
}
