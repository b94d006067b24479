//! The live session index: every contact goes in at once, and old visits drop out by themselves.
//!
//! A visit is a run of contacts of one visitor without a pause of more than 30 minutes. Visits are numbered as
//! they begin, so a higher number is a newer visit. For each item the index keeps the newest `kept_per_item`
//! visits with it (its posting). **Memory is bounded**: a visit that has fallen out of every posting can never be
//! found again and is dropped, with its place as its visitor's running visit; so there are never more visits than
//! items × `kept_per_item`, never more items in one than `longest`, and never more contacts than four times that.
//!
//! Contacts come in log order. One that is late by more than the pause begins a visit, as if it were new. The
//! index is persistent: cloning is cheap, and a clone never changes.

use mercer_schema::Timestamp;

use super::table::Table;
use super::visits::{Visit, Visits};
use crate::Item;
use crate::folds::{Map, Set};

/// Contacts kept of a visit, as a multiple of its longest number of distinct items.
const CONTACTS_PER_ITEM: usize = 4;
/// Items whose counts share a page.
const COUNTS: usize = 32;

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
    pub(super) visits: Visits,
    /// The newest visits with each item, oldest first.
    pub(super) postings: Table<Vec<u64>>,
    /// Visits with each item, ever.
    pub(super) seen_in: Table<[u64; COUNTS]>,
    /// The running visit of each visitor.
    pub(super) running: Map<u64, u64>,
    /// The number of the next visit.
    pub(super) next: u64,
    /// Visits ever begun, less those removed.
    pub(super) begun: u64,
    /// One past the largest item number.
    pub(super) items: usize,
    pub(super) changed: Changed,
}

/// Keys whose pieces are to be written.
#[derive(Debug, Clone, Default)]
pub(super) struct Changed {
    pub(super) head: bool,
    pub(super) visits: Set<u64>,
    pub(super) items: Set<u32>,
    pub(super) visitors: Set<u64>,
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
        self.changed.head = true;
        self.changed.visits.insert(number);
        let most = self.settings.longest.saturating_mul(CONTACTS_PER_ITEM);
        if self.visits.take(number, item, at, most) == Some(true) {
            self.post(item, number);
        }
    }

    /// Visits that can still be found.
    pub fn len(&self) -> usize {
        self.visits.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Visits with the item, ever.
    #[inline]
    pub(super) fn seen_in(&self, item: Item) -> u64 {
        self.seen_in.get(item.index() / COUNTS).map_or(0, |counts| counts[item.index() % COUNTS])
    }

    pub(super) fn seen_in_mut(&mut self, item: Item) -> &mut u64 {
        &mut self.seen_in.entry(item.index() / COUNTS)[item.index() % COUNTS]
    }

    /// The newest visits with the item, oldest first.
    pub(super) fn posting(&self, item: Item) -> &[u64] {
        self.postings.get(item.index()).map_or(&[], Vec::as_slice)
    }

    /// The visitor's visit that a contact belongs to, if one is running and has room.
    fn running_visit(&self, visitor: u64, item: Item, at: Timestamp) -> Option<u64> {
        let number = *self.running.get(&visitor)?;
        let visit = self.visits.seen(number)?;
        self.settings.continues(visit.last_at(), visit.items(), item, at).then_some(number)
    }

    fn begin(&mut self, visitor: u64, at: Timestamp) -> u64 {
        let number = self.next;
        self.next += 1;
        self.begun += 1;
        self.visits.insert(number, &Visit::begun_by(visitor, at));
        self.running.insert(visitor, number);
        self.changed.visitors.insert(visitor);
        number
    }

    /// Enters a visit into the posting of an item; the oldest one there makes room.
    fn post(&mut self, item: Item, number: u64) {
        self.changed.items.insert(item.0);
        *self.seen_in_mut(item) += 1;
        let kept = self.settings.kept_per_item;
        let posting = self.postings.entry(item.index());
        let place = posting.partition_point(|held| *held < number);
        let dropped = if posting.len() < kept {
            if posting.len() == posting.capacity() {
                // Not twice as much: together the postings are most of the index.
                posting.reserve_exact((posting.len() / 8 + 1).min(kept - posting.len()));
            }
            posting.insert(place, number);
            None
        } else {
            Some(push_out(&mut posting[..place], number))
        };
        if dropped != Some(number) {
            self.visits.add_holders(number, 1);
        }
        if let Some(dropped) = dropped {
            self.release(dropped, dropped != number);
        }
    }

    /// A posting let a visit go (or, when it never held it, refused it): without a holder, the visit ends.
    pub(super) fn release(&mut self, number: u64, was_held: bool) {
        if self.visits.add_holders(number, -i32::from(was_held)) != Some(0) {
            return;
        }
        let Some(visit) = self.visits.remove(number) else { return };
        self.changed.visits.insert(number);
        if self.running.get(&visit.visitor) == Some(&number) {
            self.running.remove(&visit.visitor);
            self.changed.visitors.insert(visit.visitor);
        }
    }
}

/// Puts a number last, which pushes out the first; itself where there is no other.
fn push_out(numbers: &mut [u64], number: u64) -> u64 {
    numbers.rotate_left(usize::from(!numbers.is_empty()));
    numbers.last_mut().map_or(number, |last| std::mem::replace(last, number))
}

impl IndexSettings {
    /// Whether a contact belongs to a visit with these items: it is near in time and there is room.
    pub(super) fn continues(&self, last_at: Timestamp, items: &[Item], item: Item, at: Timestamp) -> bool {
        let pause = i64::from(self.pause_minutes) * Timestamp::MINUTE;
        let is_near = at.since(last_at).unsigned_abs() <= pause.unsigned_abs();
        is_near && (items.len() < self.longest || items.contains(&item))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(minutes: i64) -> Timestamp {
        Timestamp(minutes * Timestamp::MINUTE)
    }

    fn visits(index: &SessionIndex) -> Vec<Vec<u32>> {
        index.visits.iter().map(|(_, visit)| visit.items.iter().map(|item| item.0).collect()).collect()
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
        assert_eq!(index.seen_in(Item(1)), 100);
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
        assert_eq!(index.posting(Item(2)), [2, 3]);
    }
}
