//! Taking contacts back: the index as if they had never been.
//!
//! **While no posting is full** this is exact: after [`SessionIndex::remove_visitor`], and after
//! [`SessionIndex::remove_contact`] of any contact whose absence would not have cut or joined visits or had its visit
//! begin later than another one, the index answers like one that never saw the contacts, and goes on like it. (Visits
//! keep their numbers, of which only the order counts.) A visit that loses a contact is never cut in two, joined with
//! another, or moved; it ends where its last contact left is.
//!
//! **Where a posting was full**, visits that made room for the removed ones and have dropped out are not there to come
//! back. What holds then: nothing of the removed contacts is left; every posting is the newest `kept_per_item` living
//! visits with its item, as always, so a visit that only this posting had let go does come back; and what a posting held
//! besides the removed visits stays, so that only the oldest places, as many as were freed, can differ.
//!
//! **The counts** (visits begun, visits with an item) lose exactly what the living visits gave. A visit of the visitor
//! that dropped out long ago is known no more, but its part of the counts is: with the visitor's `contacts` in log order,
//! where the caller still has them, that part goes, too. Then the counts are exact, unless one of the visits dropped out
//! while it was running.

use std::collections::{BTreeMap, BTreeSet};

use mercer_schema::Timestamp;

use super::index::SessionIndex;
use super::visits::Visit;
use crate::Item;

impl SessionIndex {
    /// Removes all visits of a visitor; how many there were. `contacts` are all that the visitor ever made, in the order
    /// in which they were observed, as far as they are known; only what has dropped out of the index needs them.
    pub fn remove_visitor(&mut self, visitor: u64, contacts: &[(Item, Timestamp)]) -> usize {
        let numbers: Vec<u64> = self.visits_of(visitor).collect();
        let mut lost: BTreeMap<Item, u64> = BTreeMap::new();
        let mut short = BTreeSet::new();
        for number in &numbers {
            let Some(visit) = self.visits.remove(*number) else { continue };
            self.changed.visits.insert(*number);
            for item in visit.items {
                *lost.entry(item).or_default() += 1;
                short.extend(self.unpost(item, *number).then_some(item));
            }
        }
        let mut told: BTreeMap<Item, u64> = BTreeMap::new();
        let visits = self.cut(contacts);
        visits.iter().flat_map(|visit| &visit.items).for_each(|item| *told.entry(*item).or_default() += 1);
        for (item, count) in told {
            lost.entry(item).and_modify(|living| *living = count.max(*living)).or_insert(count);
        }
        let removed = numbers.len().max(visits.len());
        self.uncount(removed as u64, &lost);
        self.refill(short);
        if self.running.remove(&visitor).is_some() {
            self.changed.visitors.insert(visitor);
        }
        removed
    }

    /// Removes one contact; says whether it was there. One that its visit has forgotten (see the index) or whose visit
    /// has dropped out is not.
    pub fn remove_contact(&mut self, visitor: u64, item: Item, at: Timestamp) -> bool {
        let holds = |number: &u64| {
            let visit = self.visits.get(*number);
            visit.is_some_and(|visit| visit.clicks.iter().zip(visit.times).any(|contact| contact == (&item, &at)))
        };
        let Some(number) = self.visits_of(visitor).filter(holds).last() else { return false };
        let Some((is_gone, is_empty)) = self.visits.update(number, |visit| visit.take_back(item, at)) else {
            return false;
        };
        self.changed.head = true;
        self.changed.visits.insert(number);
        let short = (is_gone && self.unpost(item, number)).then_some(item);
        let is_lost = self.visits.get(number).is_some_and(|visit| visit.holders == 0);
        if is_lost {
            self.visits.remove(number);
        }
        if is_lost && self.running.get(&visitor) == Some(&number) {
            // Had the visit never begun, the one before would be running.
            let before = self.visits_of(visitor).last().filter(|_| is_empty);
            match before {
                Some(before) => self.running.insert(visitor, before),
                None => self.running.remove(&visitor),
            };
            self.changed.visitors.insert(visitor);
        }
        self.uncount(u64::from(is_empty), &is_gone.then_some((item, 1)).into_iter().collect());
        self.refill(short.into_iter().collect());
        true
    }

    fn visits_of(&self, visitor: u64) -> impl Iterator<Item = u64> {
        self.visits.iter().filter(move |(_, visit)| visit.visitor == visitor).map(|(number, _)| number)
    }

    /// The visits that these contacts of one visitor made.
    fn cut(&self, contacts: &[(Item, Timestamp)]) -> Vec<Visit> {
        let mut visits: Vec<Visit> = Vec::new();
        for (item, at) in contacts {
            let continues = |visit: &Visit| self.settings.continues(visit.last_at, &visit.items, *item, *at);
            if !visits.last().is_some_and(continues) {
                visits.push(Visit::begun_by(0, *at));
            }
            if let Some(visit) = visits.last_mut() {
                visit.take(*item, *at, usize::MAX);
            }
        }
        visits
    }

    /// Takes a visit out of a posting; says whether that was full.
    fn unpost(&mut self, item: Item, number: u64) -> bool {
        let was_full = self.posting(item).len() >= self.settings.kept_per_item;
        if let Some(posting) = self.postings.get_mut(item.index())
            && let Ok(place) = posting.binary_search(&number)
        {
            posting.remove(place);
            self.visits.add_holders(number, -1);
        }
        was_full
    }

    /// Lowers the counts, never below what is living.
    fn uncount(&mut self, begun: u64, lost: &BTreeMap<Item, u64>) {
        self.changed.head |= begun > 0 || !lost.is_empty();
        self.begun = self.begun.saturating_sub(begun).max(self.visits.len() as u64);
        let end = self.items;
        for (item, count) in lost.iter().filter(|(item, _)| item.index() < end) {
            self.changed.items.insert(item.0);
            let least = self.posting(*item).len() as u64;
            let seen_in = self.seen_in_mut(*item);
            *seen_in = seen_in.saturating_sub(*count).max(least);
            if *seen_in == 0 {
                self.postings.remove(item.index());
            }
        }
        self.items = self.postings.end();
    }

    /// Makes postings that were full the newest living visits with their items again.
    fn refill(&mut self, short: BTreeSet<Item>) {
        if short.is_empty() {
            return;
        }
        let mut living: BTreeMap<Item, Vec<u64>> = short.into_iter().map(|item| (item, Vec::new())).collect();
        for (number, visit) in self.visits.iter() {
            for item in visit.items {
                if let Some(visits) = living.get_mut(item) {
                    visits.push(number);
                }
            }
        }
        for (item, mut visits) in living {
            let kept = visits.split_off(visits.len().saturating_sub(self.settings.kept_per_item));
            let is_new = |number: &&u64| self.posting(item).binary_search(number).is_err();
            let back: Vec<u64> = kept.iter().filter(is_new).copied().collect();
            if back.is_empty() {
                continue;
            }
            for number in back {
                self.visits.add_holders(number, 1);
            }
            *self.postings.entry(item.index()) = kept;
        }
    }
}

impl Visit {
    /// Takes back the last such contact; says whether its item is gone, and whether nothing is left.
    fn take_back(&mut self, item: Item, at: Timestamp) -> (bool, bool) {
        if let Some(place) = self.contacts.iter().rposition(|contact| *contact == (item, at)) {
            self.contacts.remove(place);
        }
        self.count_again();
        self.last_at = self.contacts.iter().map(|(_, at)| *at).max().unwrap_or(self.last_at);
        (!self.items.contains(&item), self.contacts.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sessions::IndexSettings;

    type Contact = (u64, u32, i64);

    fn index_of(settings: IndexSettings, contacts: &[Contact]) -> SessionIndex {
        let mut index = SessionIndex::new(settings);
        observe(&mut index, contacts);
        index
    }

    fn observe(index: &mut SessionIndex, contacts: &[Contact]) {
        for (visitor, item, seconds) in contacts {
            index.observe(*visitor, Item(*item), Timestamp(seconds * Timestamp::SECOND));
        }
    }

    /// Everything the index knows, the visits by their order instead of their numbers.
    fn state(index: &SessionIndex) -> impl PartialEq + std::fmt::Debug + use<> {
        let numbers: Vec<u64> = index.visits.iter().map(|(number, _)| number).collect();
        let order = |number: &u64| numbers.binary_search(number).unwrap();
        let visits: Vec<_> = index.visits.iter().map(|(_, visit)| visit.to_visit()).collect();
        let posting = |(item, posting): (usize, &Vec<u64>)| {
            (item, posting.iter().map(order).collect::<Vec<_>>(), index.seen_in(Item(item as u32)))
        };
        let postings: Vec<_> = index.postings.iter().map(posting).collect();
        let running: BTreeMap<_, _> = index.running.iter().map(|(visitor, number)| (*visitor, order(number))).collect();
        (visits, postings, running, index.begun, index.items)
    }

    /// The index from its pieces, as a disk would hold them after writes before and after the removal.
    fn through_pieces(mut before: SessionIndex, remove: impl Fn(&mut SessionIndex)) -> (SessionIndex, SessionIndex) {
        let mut disk: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
        let mut write = |index: &mut SessionIndex| {
            for (key, value) in index.drain_changes() {
                match value {
                    Some(value) => drop(disk.insert(key, value)),
                    None => drop(disk.remove(&key)),
                }
            }
        };
        write(&mut before);
        remove(&mut before);
        write(&mut before);
        let restored = SessionIndex::restore(disk).unwrap();
        (before, restored)
    }

    /// At least one: where nothing was ever written, an index restored has no settings of its own.
    fn contacts(seconds: i64) -> impl Strategy<Value = Vec<Contact>> {
        proptest::collection::vec((0_u64..5, 0_u32..6, 0..seconds), 1..60)
    }

    /// Small enough for what is tested: 3 items a visit.
    const ROOMY: IndexSettings = IndexSettings { kept_per_item: 1_000, pause_minutes: 30, longest: 3 };

    proptest! {
        #[test]
        fn a_removed_visitor_never_was(seen in contacts(20_000), later in contacts(20_000), visitor in 0_u64..5, tells in any::<bool>()) {
            let own = seen.iter().filter(|contact| contact.0 == visitor);
            let own: Vec<_> = own.map(|(_, item, at)| (Item(*item), Timestamp(at * Timestamp::SECOND))).collect();
            let told = if tells { &own[..] } else { &[] };
            let (mut index, mut restored) =
                through_pieces(index_of(ROOMY, &seen), |index| _ = index.remove_visitor(visitor, told));
            let others: Vec<Contact> = seen.into_iter().filter(|contact| contact.0 != visitor).collect();
            let mut never = index_of(ROOMY, &others);
            prop_assert_eq!(state(&index), state(&never));
            prop_assert_eq!(state(&restored), state(&never));
            for index in [&mut index, &mut restored, &mut never] {
                observe(index, &later);
            }
            prop_assert_eq!(state(&index), state(&never));
            prop_assert_eq!(state(&restored), state(&never));
        }

        #[test]
        fn a_removed_contact_never_was(seen in contacts(1), later in contacts(1), which in any::<prop::sample::Index>()) {
            // One visit a visitor, and every contact at its own time.
            let settings = IndexSettings { longest: 10, ..ROOMY };
            let number = |contacts: Vec<Contact>, from: i64| -> Vec<Contact> {
                contacts.into_iter().zip(from..).map(|((visitor, item, _), at)| (visitor, item, at)).collect()
            };
            let (mut seen, later) = (number(seen, 0), number(later, 100));
            // Without its first contact a visit would begin later: the visitor's last one instead, which may be the only one.
            let visitor = seen[which.index(seen.len())].0;
            let begins = seen.iter().position(|contact| contact.0 == visitor).unwrap();
            let place = Some(which.index(seen.len())).filter(|place| *place != begins);
            let place = place.unwrap_or_else(|| seen.iter().rposition(|contact| contact.0 == visitor).unwrap());
            let removed = seen[place];
            let at = Timestamp(removed.2 * Timestamp::SECOND);
            let (mut index, mut restored) = through_pieces(index_of(settings, &seen), |index| {
                assert!(index.remove_contact(removed.0, Item(removed.1), at));
                assert!(!index.remove_contact(removed.0, Item(removed.1), at));
            });
            seen.remove(place);
            let mut never = index_of(settings, &seen);
            prop_assert_eq!(state(&index), state(&never));
            prop_assert_eq!(state(&restored), state(&never));
            for index in [&mut index, &mut restored, &mut never] {
                observe(index, &later);
            }
            prop_assert_eq!(state(&index), state(&never));
            prop_assert_eq!(state(&restored), state(&never));
        }

        #[test]
        fn of_full_postings_the_newest_places_and_the_counts_are_exact(
            visits in proptest::collection::vec((0_u64..4, proptest::collection::btree_set(0_u32..5, 1..4)), 0..40),
        ) {
            let settings = IndexSettings { kept_per_item: 3, ..ROOMY };
            let contacts = |(visit, hour): (&(u64, BTreeSet<u32>), i64)| -> Vec<Contact> {
                visit.1.iter().map(|item| (visit.0, *item, hour * 3_600)).collect()
            };
            let seen: Vec<Contact> = visits.iter().zip(0..).flat_map(contacts).collect();
            let own: Vec<_> = seen.iter().filter(|contact| contact.0 == 0).collect();
            let own: Vec<_> = own.iter().map(|(_, item, at)| (Item(*item), Timestamp(at * Timestamp::SECOND))).collect();
            let before = index_of(settings, &seen);
            let (index, restored) = through_pieces(before.clone(), |index| _ = index.remove_visitor(0, &own));
            prop_assert_eq!(state(&restored), state(&index));
            prop_assert!(index.visits_of(0).next().is_none() && !index.running.contains_key(&0));

            let others: Vec<Contact> = seen.into_iter().filter(|contact| contact.0 != 0).collect();
            let never = index_of(settings, &others);
            prop_assert_eq!((index.begun, index.items), (never.begun, never.items));
            let ends = |index: &SessionIndex, item| -> Vec<Timestamp> {
                let visits = index.posting(Item(item)).iter().rev().map(|number| index.visits.get(*number).unwrap());
                visits.map(|visit| visit.last_at).collect()
            };
            for item in 0..5 {
                prop_assert_eq!(index.seen_in(Item(item)), never.seen_in(Item(item)));
                let kept = before.posting(Item(item)).iter().filter(|number| before.visits.get(**number).unwrap().visitor != 0);
                let kept = kept.count();
                let (ours, theirs) = (ends(&index, item), ends(&never, item));
                prop_assert_eq!(&ours[..kept], &theirs[..kept]);
                prop_assert!(ours.len() <= theirs.len());
                let living = index.visits.iter().filter(|(_, visit)| visit.items.contains(&Item(item))).count();
                prop_assert_eq!(ours.len(), living.min(3));
            }
        }
    }

    #[test]
    fn a_visit_that_only_a_full_posting_let_go_comes_back() {
        let settings = IndexSettings { kept_per_item: 1, ..ROOMY };
        let mut index = index_of(settings, &[(1, 0, 0), (1, 1, 0), (2, 0, 1)]);
        assert_eq!(index.posting(Item(0)), [1]);
        assert_eq!(index.remove_visitor(2, &[]), 1);
        assert_eq!(index.posting(Item(0)), [0]);
        assert_eq!((index.begun, index.seen_in(Item(0))), (1, 1));
        assert_eq!(index.remove_visitor(2, &[]), 0);
    }
}
