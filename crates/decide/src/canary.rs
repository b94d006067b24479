//! A model on trial: which customers it answers.
//!
//! The side depends on the customer and the version alone, never on the request or on chance: a customer sees one model
//! all the time, and another version is tried on other customers. Visitors of whom nothing is known, and customers who
//! object to personalization, stay with the champion and count on neither side.

use std::sync::Arc;

use mercer_schema::{Arm, DecideRequest, ModelVersion};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::Meanings;
use crate::world::{Models, World};

/// The models of a version that is tried on a share of the customers.
#[derive(Debug, Clone)]
pub struct Canary {
    pub version: ModelVersion,
    pub models: Arc<Models>,
    /// What the products mean by its words.
    pub meanings: Meanings,
    /// From 0 to 1.
    pub share: f64,
}

impl Canary {
    pub fn new(version: ModelVersion, models: Arc<Models>, share: f64) -> Self {
        let meanings = Meanings::of(&models);
        Self { version, models, meanings, share }
    }

    /// The side of a person. The way from name to side is part of the log's format: changing it breaks every replay.
    pub fn arm_of(&self, person: &str) -> Arm {
        let hash = xxh3_64_with_seed(person.as_bytes(), xxh3_64(self.version.as_str().as_bytes()));
        let place = (hash >> 11) as f64 / (1_u64 << 53) as f64;
        if place < self.share { Arm::Canary } else { Arm::Champion }
    }
}

/// The side of who asks, while a canary runs.
pub(crate) fn arm(world: &World, request: &DecideRequest, objects: bool) -> Option<Arm> {
    let canary = world.canary.as_ref().filter(|_| !objects)?;
    let person = world.profiles.person_key(&request.visitor())?;
    Some(canary.arm_of(&person))
}

/// The world with the canary's models in the champion's place.
pub(crate) fn world_of(world: &World, arm: Option<Arm>) -> Option<World> {
    let canary = world.canary.as_ref().filter(|_| arm == Some(Arm::Canary))?;
    Some(World { meanings: canary.meanings.clone(), ..world.answered_by(Arc::clone(&canary.models)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canary(version: &str, share: f64) -> Canary {
        Canary::new(ModelVersion::trusted(version), Arc::default(), share)
    }

    fn chosen(canary: &Canary) -> Vec<usize> {
        let is_chosen = |number: &usize| canary.arm_of(&format!("c{number}")) == Arm::Canary;
        (0..10_000).filter(is_chosen).collect()
    }

    #[test]
    fn a_share_of_the_customers_is_chosen_and_stays_chosen_when_it_grows() {
        let (small, large) = (chosen(&canary("000002", 0.1)), chosen(&canary("000002", 0.3)));
        assert!((900..1_100).contains(&small.len()), "{}", small.len());
        assert!((2_850..3_150).contains(&large.len()), "{}", large.len());
        assert!(small.iter().all(|number| large.contains(number)));
        assert!(chosen(&canary("000002", 0.0)).is_empty());
        assert_eq!(chosen(&canary("000002", 1.0)).len(), 10_000);
    }

    #[test]
    fn another_version_is_tried_on_others() {
        let (second, third) = (chosen(&canary("000002", 0.1)), chosen(&canary("000003", 0.1)));
        let both = second.iter().filter(|number| third.contains(number)).count();
        assert!((60..140).contains(&both), "{both} of 1,000 are chosen twice; chance has it at 100");
    }

    #[test]
    fn the_sides_are_part_of_the_log_format() {
        assert_eq!(chosen(&canary("000002", 0.001))[..3], [2_688, 2_900, 3_397]);
    }
}
