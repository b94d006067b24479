//! Dice that depend on the decision's id and the placement's number on the page, and on nothing else.
//!
//! The same id always throws the same numbers, so a decision can be made again bit for bit. The way from id to
//! numbers is part of the log's format: changing it breaks every replay.

use mercer_schema::DecisionId;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use xxhash_rust::xxh3::xxh3_64_with_seed;

pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    /// `placement` is its number on the page.
    pub(crate) fn new(id: &DecisionId, placement: usize) -> Self {
        let mut seed = [0; 32];
        for (part, bytes) in (0_u64..).zip(seed.chunks_exact_mut(8)) {
            let hash = xxh3_64_with_seed(id.as_str().as_bytes(), ((placement as u64) << 2) | part);
            bytes.copy_from_slice(&hash.to_le_bytes());
        }
        Self(ChaCha8Rng::from_seed(seed))
    }

    /// Uniform from 0 (inclusive) to 1 (exclusive).
    pub(crate) fn share(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform from 0 (inclusive) to `below` (exclusive); 0 when `below` is 0.
    pub(crate) fn below(&mut self, below: usize) -> usize {
        // With 64 random bits the rounding error is under 2^-57 for any page.
        ((u128::from(self.0.next_u64()) * below as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn throws(id: &str, placement: usize) -> Vec<usize> {
        let mut dice = Dice::new(&DecisionId::trusted(id), placement);
        (0..8).map(|_| dice.below(1_000)).collect()
    }

    #[test]
    fn depends_on_id_and_placement_only() {
        assert_eq!(throws("a", 0), throws("a", 0));
        assert_ne!(throws("a", 0), throws("a", 1));
        assert_ne!(throws("a", 0), throws("b", 0));
    }

    #[test]
    fn the_numbers_are_part_of_the_log_format() {
        assert_eq!(throws("01J0000000000000000000000", 0), [131, 204, 209, 649, 555, 933, 514, 264]);
    }
}
