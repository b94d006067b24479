//! The newest visits that hold any of some items: postings merged from their newest ends.

use std::cell::RefCell;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use mercer_schema::Timestamp;

use super::index::SessionIndex;
use super::visits::Seen;
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

thread_local! {
    /// The scale last asked for, with its fadings of 0, 1, 2, …
    static FADINGS: RefCell<(f32, Vec<f32>)> = const { RefCell::new((0.0, Vec::new())) };
}

/// Asks `question` with the fadings of 0 to `count` − 1, which each thread remembers.
pub(super) fn with_fadings<R>(scale: f32, count: usize, question: impl FnOnce(&[f32]) -> R) -> R {
    FADINGS.with_borrow_mut(|(known, fadings)| {
        if known.to_bits() != scale.to_bits() {
            *known = scale;
            fadings.clear();
        }
        fadings.extend((fadings.len()..count).map(|x| fading(x as f32, scale)));
        question(fadings)
    })
}

/// The fading of a visit that ended then.
#[inline]
pub(super) fn age_fading(now: Timestamp, ended: Timestamp, days: f32) -> f32 {
    if days > 0.0 { fading(now.since(ended).max(0) as f32 / Timestamp::DAY as f32, days) } else { 1.0 }
}

/// A past visit with the weights of the shared items, and the place of the newest of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Match<'a> {
    pub(super) visit: Seen<'a>,
    pub(super) shared: f32,
    pub(super) newest: u32,
}

/// The newest `most` visits that hold any of the walked items (`MOST` of them at most), newest first, with the sum of
/// the weights of those, added up from the first place on.
pub(super) fn newest_matches<'a>(
    index: &'a SessionIndex,
    walked: &[Item],
    weights: &[f32],
    most: usize,
) -> Vec<Match<'a>> {
    let lists: Vec<&[u64]> = walked.iter().take(MOST).map(|item| index.posting(*item)).collect();
    let mut matches = Vec::with_capacity(lists.iter().map(|list| list.len()).sum::<usize>().min(most));
    let mut ends = Ends::new(lists);
    let Some((mut number, mut newest)) = ends.next().filter(|_| most > 0) else { return matches };
    let mut shared = weights[newest];
    loop {
        let next = ends.next();
        if let Some((same, place)) = next
            && same == number
        {
            shared += weights[place];
            continue;
        }
        let visit = index.visits.seen(number);
        matches.extend(visit.map(|visit| Match { visit, shared, newest: newest as u32 }));
        match next {
            Some((other, place)) if matches.len() < most => (number, newest, shared) = (other, place, weights[place]),
            _ => return matches,
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
        let mut ends = Self { few: Vec::with_capacity(lists.len()), lists, many: BinaryHeap::new() };
        for place in 0..ends.lists.len() {
            let key = ends.take(place);
            ends.few.extend(key);
        }
        if ends.few.len() > FEW {
            ends.many = std::mem::take(&mut ends.few).into();
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
            let found = newest_matches(&index, &asked, &weights, most);
            let met: Vec<_> = found.iter().map(|found| (found.visit.items().to_vec(), found.shared, found.newest as usize)).collect();
            let expected = visits.iter().rev().filter_map(|items| {
                let shared: Vec<usize> = (0..asked.len()).filter(|place| items.contains(&asked[*place].0)).collect();
                let own = items.iter().map(|item| Item(*item)).collect();
                Some((own, shared.iter().map(|place| weights[*place]).sum::<f32>(), *shared.first()?))
            });
            prop_assert_eq!(met, expected.take(most).collect::<Vec<_>>());
        }
    }
}
