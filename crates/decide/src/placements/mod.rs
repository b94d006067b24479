//! The shop's placements with their expressions compiled.
//!
//! Compiling never fails: a log may hold a placement whose expression this version cannot read. Such a filter
//! lets nothing through, such a boost or pin does nothing, and every decision that meets it says so.

mod check;
mod defaults;
mod idle;

use std::sync::Arc;

use mercer_schema::{Boost, Pin, Placement, PlacementId, Quota};

use crate::rule::{Rule, Subject};

pub use check::PlacementError;
pub(crate) use check::{check_rule, refuse};
pub use defaults::default_placements;
pub use idle::{idle_pins, idle_settings};

/// Most places that a placement may have.
pub(crate) const MOST_SIZE: usize = 100;

/// All placements, in the order in which they were first saved.
#[derive(Debug, Clone, Default)]
pub struct Placements {
    compiled: Vec<Arc<Compiled>>,
}

/// A placement that is ready to be decided.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) placement: Placement,
    pub(crate) filter: Option<Readable>,
    /// One for each boost.
    pub(crate) boosts: Vec<Readable>,
    /// One for each quota.
    pub(crate) quotas: Vec<Readable>,
    /// One for each pin.
    pub(crate) pins: Vec<Option<Readable>>,
}

/// A rule, or why it cannot be read.
pub(crate) type Readable = Result<Rule, String>;

impl Placements {
    /// Compiles what has been saved.
    pub fn compile(placements: Vec<Placement>) -> Self {
        Self { compiled: placements.into_iter().map(|placement| Arc::new(compile(placement))).collect() }
    }

    /// Says whether a placement can be saved, and if not what to do about it.
    pub fn check(placement: &Placement) -> Result<(), PlacementError> {
        check::check(placement)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Placement> {
        self.compiled.iter().map(|compiled| &compiled.placement)
    }

    pub fn get(&self, id: &PlacementId) -> Option<&Placement> {
        self.iter().find(|placement| placement.id == *id)
    }

    /// The enabled placements of a group, in order.
    pub fn in_group(&self, group: &str) -> impl Iterator<Item = &Placement> {
        self.iter().filter(move |placement| is_in(placement, group))
    }

    pub(crate) fn compiled(&self, id: &PlacementId) -> Option<&Arc<Compiled>> {
        self.compiled.iter().find(|compiled| compiled.placement.id == *id)
    }

    pub(crate) fn compiled_group(&self, group: &str) -> impl Iterator<Item = &Arc<Compiled>> {
        self.compiled.iter().filter(move |compiled| is_in(&compiled.placement, group))
    }
}

impl Compiled {
    pub(crate) fn size(&self) -> usize {
        self.placement.size.min(MOST_SIZE)
    }

    /// Does any rule want to know what the customer likes?
    pub(crate) fn reads_tastes(&self) -> bool {
        let pins = self.pins.iter().flatten();
        self.filter.iter().chain(&self.boosts).chain(&self.quotas).chain(pins).flatten().any(|rule| rule.reads().tastes)
    }
}

fn is_in(placement: &Placement, group: &str) -> bool {
    placement.enabled && placement.groups.iter().any(|name| name == group)
}

fn compile(placement: Placement) -> Compiled {
    let read = |text: &String, subject| Rule::compile(text, subject).map_err(|error| error.message);
    Compiled {
        filter: placement.filter.as_ref().map(|text| read(text, Subject::Product)),
        boosts: placement.boosts.iter().map(|Boost { when, .. }| read(when, Subject::Product)).collect(),
        quotas: placement.quotas.iter().map(|Quota { when, .. }| read(when, Subject::Product)).collect(),
        pins: placement
            .pins
            .iter()
            .map(|Pin { when, .. }| when.as_ref().map(|text| read(text, Subject::Page)))
            .collect(),
        placement,
    }
}
