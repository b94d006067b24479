//! Last-writer-wins values with a limit that does not depend on the order of arrival.
//!
//! Invariant: [`Newest`] holds, of all keys ever offered, those with the greatest newest stamps, each with its newest
//! value. A key that was pushed out had a newest stamp below the threshold; the threshold only rises; so when
//! the key comes back it is with a stamp above everything that was forgotten about it. Nothing here knows events.

use mercer_schema::{Event, Timestamp};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// When something was said, and by which message, so that two statements never tie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Stamp {
    pub(crate) at: Timestamp,
    /// A hash of source and message id.
    pub(crate) tie: u64,
}

impl Stamp {
    pub(crate) fn of(event: &Event) -> Self {
        let source = xxh3_64(event.source.as_str().as_bytes());
        Self { at: event.occurred_at, tie: xxh3_64_with_seed(event.message_id.as_str().as_bytes(), source) }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stamped<V> {
    pub(crate) stamp: Stamp,
    pub(crate) value: V,
}

/// Keeps the newer of what is there and what is offered.
pub(crate) fn offer<V>(slot: &mut Option<Stamped<V>>, stamp: Stamp, value: V) {
    if slot.as_ref().is_none_or(|held| held.stamp < stamp) {
        *slot = Some(Stamped { stamp, value });
    }
}

/// The newer of two.
pub(crate) fn newer<V>(left: Option<Stamped<V>>, right: Option<Stamped<V>>) -> Option<Stamped<V>> {
    match (left, right) {
        (Some(left), Some(right)) => Some(if left.stamp < right.stamp { right } else { left }),
        (left, right) => left.or(right),
    }
}

/// Values by key, sorted by key; the keys that were set most recently.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Newest<K, V> {
    entries: Vec<(K, Stamped<V>)>,
}

impl<K, V> Default for Newest<K, V> {
    fn default() -> Self {
        Self { entries: Vec::new() }
    }
}

impl<K: Ord, V> Newest<K, V> {
    pub(crate) fn set(&mut self, key: K, stamped: Stamped<V>, limit: usize) {
        match self.entries.binary_search_by(|(held, _)| held.cmp(&key)) {
            Ok(index) if self.entries[index].1.stamp < stamped.stamp => self.entries[index].1 = stamped,
            Ok(_) => {}
            Err(index) => {
                self.entries.insert(index, (key, stamped));
                if self.entries.len() > limit {
                    self.drop_oldest();
                }
            }
        }
    }

    fn drop_oldest(&mut self) {
        let oldest = self
            .entries
            .iter()
            .enumerate()
            .min_by(|(_, left), (_, right)| (left.1.stamp, &left.0).cmp(&(right.1.stamp, &right.0)));
        if let Some((index, _)) = oldest {
            self.entries.remove(index);
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &(K, Stamped<V>)> {
        self.entries.iter()
    }

    pub(crate) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: std::borrow::Borrow<Q>,
    {
        let index = self.entries.binary_search_by(|(held, _)| held.borrow().cmp(key)).ok()?;
        Some(&self.entries[index].1.value)
    }

    /// Those that were said at times that `owns` accepts.
    pub(crate) fn at_times(&self, owns: &dyn Fn(Timestamp) -> bool) -> Self
    where
        K: Clone,
        V: Clone,
    {
        Self { entries: self.entries.iter().filter(|(_, stamped)| owns(stamped.stamp.at)).cloned().collect() }
    }
}

/// Puts `item` into a list that is sorted by `key`, unless it is there, and keeps the `limit` greatest.
pub(crate) fn insert_newest<T, K: Ord>(list: &mut Vec<T>, item: T, limit: usize, key: impl Fn(&T) -> K) {
    let wanted = key(&item);
    let index = list.partition_point(|held| key(held) < wanted);
    if list.get(index).is_some_and(|held| key(held) == wanted) {
        return;
    }
    if list.len() < limit {
        list.insert(index, item);
    } else if let Some(place) = index.checked_sub(1) {
        list[..=place].rotate_left(1);
        list[place] = item;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn folded(statements: &[(u8, i64)], limit: usize) -> Newest<u8, i64> {
        let mut newest = Newest::default();
        for (key, at) in statements {
            let stamp = Stamp { at: Timestamp(*at), tie: u64::from(*key) };
            newest.set(*key, Stamped { stamp, value: at * 2 }, limit);
        }
        newest
    }

    proptest! {
        #[test]
        fn the_newest_keys_stay_whatever_the_order(
            statements in prop::collection::vec((0_u8..12, 0_i64..40), 0..60), limit in 1_usize..8,
        ) {
            let mut sorted = statements.clone();
            sorted.sort_by_key(|(key, at)| (*at, *key));
            let mut reversed = sorted.clone();
            reversed.reverse();
            let expected = folded(&statements, limit);
            prop_assert_eq!(&folded(&sorted, limit), &expected);
            prop_assert_eq!(&folded(&reversed, limit), &expected);
        }

        #[test]
        fn a_full_list_is_the_greatest_of_the_set(items in prop::collection::vec(0_u32..50, 0..60), limit in 1_usize..9) {
            let mut list = Vec::new();
            for item in &items {
                insert_newest(&mut list, *item, limit, |held| *held);
            }
            let mut expected: Vec<u32> = items;
            expected.sort_unstable();
            expected.dedup();
            let expected = expected.split_off(expected.len().saturating_sub(limit));
            prop_assert_eq!(list, expected);
        }
    }
}
