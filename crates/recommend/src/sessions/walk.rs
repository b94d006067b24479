//! The newest visits that hold any of some items: postings merged from their newest ends.

use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use mercer_schema::Timestamp;

use super::index::SessionIndex;
use crate::Item;

/// Items that are walked at most.
pub(super) const MOST: usize = 64;
/// Up to so many postings, looking at all their ends is faster than a heap.
const FEW: usize = 16;

/// The last `count` distinct items of a visit, newest first.
pub(super) fn last_distinct(session: &[Item], count: usize) -> Vec<Item> {
    let mut distinct: Vec<Item> = Vec::with_capacity(count.min(session.len()));
    for item in session.iter().rev() {
        if distinct.len() == count {
            break;
        }
        if !distinct.contains(item) {
            distinct.push(*item);
        }
    }
    distinct
}

/// exp(−x / scale); 1 where the scale is 0.
pub(super) fn fading(x: f32, scale: f32) -> f32 {
    if scale > 0.0 { (-x / scale).exp() } else { 1.0 }
}

/// The fading of a visit that ended then.
#[inline]
pub(super) fn age_fading(now: Timestamp, ended: Timestamp, days: f32) -> f32 {
    if days > 0.0 { fading(now.since(ended).max(0) as f32 / Timestamp::DAY as f32, days) } else { 1.0 }
}

/// The newest `most` visits that hold any of the walked items (`MOST` of them at most), with the sum of the weights of
/// those, added up from the first place on, and the first place.
pub(super) fn walk_newest(
    index: &SessionIndex,
    walked: &[Item],
    weights: &[f32],
    most: usize,
    mut meet: impl FnMut(u64, f32, usize),
) {
    let mut ends = Ends::new(walked.iter().take(MOST).map(|item| index.posting(*item)).collect());
    let mut left = most;
    let Some((mut number, mut first)) = ends.next() else { return };
    let mut sum = weights[first];
    while left > 0 {
        match ends.next() {
            Some((same, place)) if same == number => sum += weights[place],
            Some((other, place)) => {
                meet(number, sum, first);
                left -= 1;
                (number, first, sum) = (other, place, weights[place]);
            }
            None => return meet(number, sum, first),
        }
    }
}

/// The ends of postings not yet taken, as one number each: the visit's number above the place, lower places first.
struct Ends<'a> {
    lists: Vec<&'a [u64]>,
    few: Vec<u64>,
    many: BinaryHeap<u64>,
}

const PLACE: u64 = 0xff;

impl<'a> Ends<'a> {
    fn new(lists: Vec<&'a [u64]>) -> Self {
        let mut ends = Self { lists, few: Vec::new(), many: BinaryHeap::new() };
        let keys: Vec<u64> = (0..ends.lists.len()).filter_map(|place| ends.take(place)).collect();
        if keys.len() > FEW {
            ends.many = keys.into();
        } else {
            ends.few = keys;
        }
        ends
    }

    /// The key of a posting's newest visit, which is taken off.
    #[inline]
    fn take(&mut self, place: usize) -> Option<u64> {
        let (last, rest) = self.lists[place].split_last()?;
        self.lists[place] = rest;
        Some(last << 8 | (PLACE - place as u64))
    }

    /// The next visit, with the place of a posting that holds it.
    #[inline]
    fn next(&mut self) -> Option<(u64, usize)> {
        let apart = |key: u64| (key >> 8, (PLACE - (key & PLACE)) as usize);
        if !self.few.is_empty() {
            let (mut at, mut newest) = (0, self.few[0]);
            for (index, key) in self.few.iter().enumerate().skip(1) {
                if *key > newest {
                    (at, newest) = (index, *key);
                }
            }
            let (number, place) = apart(newest);
            match self.take(place) {
                Some(key) => self.few[at] = key,
                None => drop(self.few.swap_remove(at)),
            }
            return Some((number, place));
        }
        let (number, place) = apart(*self.many.peek()?);
        let next = self.take(place);
        let mut top = self.many.peek_mut()?;
        match next {
            Some(key) => *top = key,
            None => drop(PeekMut::pop(top)),
        }
        Some((number, place))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn meets_the_newest_with_their_weights(
            visits in proptest::collection::vec(proptest::collection::btree_set(0_u32..30, 1..8), 0..60),
            asked in proptest::collection::btree_set(0_u32..33, 0..30),
            most in 0_usize..40,
        ) {
            let mut index = SessionIndex::default();
            for (visitor, items) in (0_u64..).zip(&visits) {
                items.iter().for_each(|item| index.observe(visitor, Item(*item), Timestamp(0)));
            }
            let asked: Vec<Item> = asked.into_iter().map(Item).collect();
            let weights: Vec<f32> = (0..asked.len()).map(|place| (1 << place.min(20)) as f32).collect();
            let mut met = Vec::new();
            walk_newest(&index, &asked, &weights, most, |number, sum, first| met.push((number, sum, first)));
            let expected = visits.iter().enumerate().rev().filter_map(|(number, items)| {
                let shared: Vec<usize> = (0..asked.len()).filter(|place| items.contains(&asked[*place].0)).collect();
                Some((number as u64, shared.iter().map(|place| weights[*place]).sum::<f32>(), *shared.first()?))
            });
            prop_assert_eq!(met, expected.take(most).collect::<Vec<_>>());
        }
    }
}
