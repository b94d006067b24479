//! Numbers given to texts, as a value that takes little room.
//!
//! A tree of hashes: a trie by hash, as `imbl` has it, takes seven times the room, since most of its nodes are nearly empty.
//! Who gives the numbers keeps the texts, and is asked which number is whose: two texts of one hash stay apart.

use std::hash::{Hash, Hasher};

use imbl::OrdMap;
use rustc_hash::FxHasher;

#[derive(Debug, Clone, Default)]
pub(crate) struct Numbers {
    by_hash: OrdMap<u64, u32>,
}

impl Numbers {
    /// The number of a key. `is_its` tells whether a number that may be it belongs to it.
    pub(crate) fn find(&self, key: &impl Hash, is_its: impl Fn(u32) -> bool) -> Option<u32> {
        self.place(key, is_its).ok()
    }

    /// The number of a key; `next` becomes it when it had none.
    pub(crate) fn number(&mut self, key: &impl Hash, next: u32, is_its: impl Fn(u32) -> bool) -> u32 {
        self.place(key, is_its).unwrap_or_else(|free| {
            self.by_hash.insert(free, next);
            next
        })
    }

    /// The key's number, or the first free place from its hash on.
    fn place(&self, key: &impl Hash, is_its: impl Fn(u32) -> bool) -> Result<u32, u64> {
        let mut hasher = FxHasher::default();
        key.hash(&mut hasher);
        let mut hash = hasher.finish();
        while let Some(number) = self.by_hash.get(&hash) {
            if is_its(*number) {
                return Ok(*number);
            }
            hash = hash.wrapping_add(1);
        }
        Err(hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All of one hash.
    struct Alike;

    impl Hash for Alike {
        fn hash<H: Hasher>(&self, state: &mut H) {
            state.write_u32(7);
        }
    }

    #[test]
    fn keys_of_one_hash_stay_apart() {
        let mut numbers = Numbers::default();
        for key in 0..5 {
            assert_eq!(numbers.find(&Alike, |number| number == key), None);
            assert_eq!(numbers.number(&Alike, key, |number| number == key), key);
        }
        assert_eq!(numbers.number(&Alike, 9, |number| number == 3), 3);
        assert!((0..5).all(|key| numbers.find(&Alike, |number| number == key) == Some(key)));
    }
}
