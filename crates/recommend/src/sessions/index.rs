//! The live session index: every contact goes in at once, and old visits drop out by themselves.
//!
//! A visit is a run of contacts of one visitor without a pause of more than 30 minutes. Visits are numbered as
//! they begin, so a higher number is a newer visit. For each item the index keeps the newest `kept_per_item`
//! visits with it (its posting). **Memory is bounded**: a visit that has fallen out of every posting can never be
//! found again and is dropped, with its place as its visitor's running visit; so there are never more visits than
//! items × `kept_per_item`, and never more items in one than `longest`.
//!
//! Contacts come in log order. One that is late by more than the pause begins a visit, as if it were new. The
//! index is persistent: cloning is cheap, and a clone never changes.

use std::sync::Arc;

use mercer_schema::Timestamp;

use crate::Item;
use crate::persistent::{Map, Set};

/// What the index keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexSettings {
    /// Newest visits kept per item (m in the paper).
    pub kept_per_item: usize,
    pub pause_minutes: u32,
    /// Distinct items in a visit; the next one begins another visit.
    pub longest: usize,
}

impl Default for IndexSettings {
    fn default() -> Self {
        Self { kept_per_item: 500, pause_minutes: 30, longest: 64 }
    }
}

/// All visits that any item still holds.
#[derive(Debug, Clone, Default)]
pub struct SessionIndex {
    pub(super) settings: IndexSettings,
    pub(super) visits: Map<u64, Arc<Visit>>,
    pub(super) postings: Map<u32, Arc<Posting>>,
    /// The running visit of each visitor.
    pub(super) running: Map<u64, u64>,
    /// Visits ever begun; also the number of the next one.
    pub(super) begun: u64,
    /// One past the largest item number.
    pub(super) items: usize,
    pub(super) changed: Changed,
}

/// Keys whose pieces are to be written.
#[derive(Debug, Clone, Default)]
pub(super) struct Changed {
    pub(super) visits: Set<u64>,
    pub(super) items: Set<u32>,
    pub(super) visitors: Set<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Visit {
    pub(super) visitor: u64,
    pub(super) last_at: Timestamp,
    /// Distinct, in the order of the last contact with each.
    pub(super) items: Vec<Item>,
    /// Postings that hold this visit.
    pub(super) holders: u32,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Posting {
    /// Visits with the item, ever.
    pub(super) seen_in: u64,
    /// The newest of them, oldest first.
    pub(super) visits: Vec<u64>,
}

impl SessionIndex {
    pub fn new(settings: IndexSettings) -> Self {
        Self { settings, ..Self::default() }
    }

    /// Takes one contact of a visitor with an item.
    pub fn observe(&mut self, visitor: u64, item: Item, at: Timestamp) {
        let number = match self.running_visit(visitor, item, at) {
            Some(number) => number,
            None => self.begin(visitor, at),
        };
        self.items = self.items.max(item.index() + 1);
        self.changed.visits.insert(number);
        let Some(visit) = self.visits.get_mut(&number).map(Arc::make_mut) else { return };
        visit.last_at = visit.last_at.max(at);
        let known = visit.items.iter().position(|known| *known == item);
        if let Some(place) = known {
            visit.items.remove(place);
        }
        visit.items.push(item);
        if known.is_none() {
            self.post(item, number);
        }
    }

    /// Visits that can still be found.
    pub fn len(&self) -> usize {
        self.visits.len()
    }

    pub fn is_empty(&self) -> bool {
        self.visits.is_empty()
    }

    /// ln(1 + visits / visits with the item), over all visits ever begun.
    pub(super) fn rarity(&self, item: Item) -> f32 {
        self.visits_per_visit_with(item).ln_1p() as f32
    }

    /// ln(visits / visits with the item), over all visits ever begun; 0 for an item of every visit.
    pub(super) fn log_share(&self, item: Item) -> f32 {
        self.visits_per_visit_with(item).ln().max(0.0) as f32
    }

    fn visits_per_visit_with(&self, item: Item) -> f64 {
        let seen_in = self.postings.get(&item.0).map_or(1, |posting| posting.seen_in.max(1));
        self.begun as f64 / seen_in as f64
    }

    /// The visitor's visit that a contact belongs to, if one is running and has room.
    fn running_visit(&self, visitor: u64, item: Item, at: Timestamp) -> Option<u64> {
        let number = *self.running.get(&visitor)?;
        let visit = self.visits.get(&number)?;
        let pause = i64::from(self.settings.pause_minutes) * Timestamp::MINUTE;
        let is_near = at.since(visit.last_at).unsigned_abs() <= pause.unsigned_abs();
        let has_room = visit.items.len() < self.settings.longest || visit.items.contains(&item);
        (is_near && has_room).then_some(number)
    }

    fn begin(&mut self, visitor: u64, at: Timestamp) -> u64 {
        let number = self.begun;
        self.begun += 1;
        self.visits.insert(number, Arc::new(Visit { visitor, last_at: at, items: Vec::new(), holders: 0 }));
        self.running.insert(visitor, number);
        self.changed.visitors.insert(visitor);
        number
    }

    /// Enters a visit into the posting of an item; the oldest one there makes room.
    fn post(&mut self, item: Item, number: u64) {
        self.changed.items.insert(item.0);
        let posting = Arc::make_mut(self.postings.entry(item.0).or_default());
        posting.seen_in += 1;
        let place = posting.visits.partition_point(|held| *held < number);
        posting.visits.insert(place, number);
        let dropped = (posting.visits.len() > self.settings.kept_per_item).then(|| posting.visits.remove(0));
        if dropped != Some(number)
            && let Some(visit) = self.visits.get_mut(&number)
        {
            Arc::make_mut(visit).holders += 1;
        }
        if let Some(dropped) = dropped {
            self.release(dropped, dropped != number);
        }
    }

    /// A posting let a visit go (or, when it never held it, refused it): without a holder, the visit ends.
    fn release(&mut self, number: u64, was_held: bool) {
        let Some(visit) = self.visits.get_mut(&number).map(Arc::make_mut) else { return };
        visit.holders -= u32::from(was_held);
        if visit.holders > 0 {
            return;
        }
        let visitor = visit.visitor;
        self.visits.remove(&number);
        self.changed.visits.insert(number);
        if self.running.get(&visitor) == Some(&number) {
            self.running.remove(&visitor);
            self.changed.visitors.insert(visitor);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(minutes: i64) -> Timestamp {
        Timestamp(minutes * Timestamp::MINUTE)
    }

    fn visits(index: &SessionIndex) -> Vec<Vec<u32>> {
        let mut visits: Vec<_> = index.visits.iter().collect();
        visits.sort_by_key(|(number, _)| **number);
        visits.into_iter().map(|(_, visit)| visit.items.iter().map(|item| item.0).collect()).collect()
    }

    #[test]
    fn a_pause_of_more_than_thirty_minutes_begins_a_visit() {
        let mut index = SessionIndex::default();
        for (item, at) in [(1, 0), (2, 30), (1, 31), (3, 62), (4, 40), (5, -60)] {
            index.observe(7, Item(item), minute(at));
        }
        index.observe(8, Item(9), minute(31));
        assert_eq!(visits(&index), [vec![2, 1], vec![3, 4], vec![5], vec![9]]);
    }

    #[test]
    fn a_long_visit_is_cut() {
        let mut index = SessionIndex::new(IndexSettings { longest: 3, ..IndexSettings::default() });
        for item in [0, 1, 2, 1, 3, 4] {
            index.observe(7, Item(item), minute(0));
        }
        assert_eq!(visits(&index), [vec![0, 2, 1], vec![3, 4]]);
    }

    #[test]
    fn visits_that_no_item_holds_are_gone() {
        let mut index = SessionIndex::new(IndexSettings { kept_per_item: 2, ..IndexSettings::default() });
        for visitor in 0..100 {
            index.observe(visitor, Item(1), minute(visitor as i64));
            if visitor == 0 {
                index.observe(visitor, Item(2), minute(0));
            }
        }
        // Item 1 holds the last two; item 2 still holds the first.
        assert_eq!(visits(&index), [vec![1, 2], vec![1], vec![1]]);
        assert_eq!((index.len(), index.running.len()), (3, 3));
        assert_eq!(index.postings.get(&1).map(|posting| posting.seen_in), Some(100));
    }

    #[test]
    fn an_old_visit_that_comes_back_is_refused_by_a_full_posting_but_kept_by_others() {
        let mut index = SessionIndex::new(IndexSettings { kept_per_item: 2, ..IndexSettings::default() });
        index.observe(0, Item(1), minute(0));
        for visitor in 1..=3 {
            index.observe(visitor, Item(2), minute(1));
        }
        index.observe(0, Item(2), minute(2));
        assert_eq!(visits(&index), [vec![1, 2], vec![2], vec![2]]);
        assert_eq!(index.postings.get(&2).map(|posting| posting.visits.clone()), Some(vec![2, 3]));
    }
}
