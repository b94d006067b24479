//! A persona: one identifier with what was seen under it and what it was tied to.
//!
//! Invariant: a persona never changes its identifier and never takes in another persona's facts.

use std::sync::Arc;

use mercer_schema::{AnonymousId, CustomerId};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::facts::Facts;
use crate::links::Links;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Identifier {
    Anonymous(AnonymousId),
    Customer(CustomerId),
}

impl Identifier {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Anonymous(id) => id.as_str(),
            Self::Customer(id) => id.as_str(),
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Persona {
    pub(crate) id: Identifier,
    /// A hash of the identifier, for an order that does not depend on arrival.
    pub(crate) tie: u64,
    pub(crate) facts: Arc<Facts>,
    pub(crate) links: Arc<Links>,
    /// The round of changes in which it was last written; see `Profiles::drain_changes`.
    pub(crate) changed_in: u32,
}

impl Persona {
    pub(crate) fn new(id: Identifier) -> Self {
        Self::with(id, Facts::default(), Links::default())
    }

    pub(crate) fn with(id: Identifier, facts: Facts, links: Links) -> Self {
        let kind = match id {
            Identifier::Anonymous(_) => 1,
            Identifier::Customer(_) => 2,
        };
        let tie = xxh3_64_with_seed(id.as_str().as_bytes(), kind);
        Self { id, tie, facts: Arc::new(facts), links: Arc::new(links), changed_in: 0 }
    }
}
