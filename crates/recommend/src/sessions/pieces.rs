//! The session index as keyed pieces, and back, exactly.
//!
//! Written are the visits, how often each item was seen, and who is in which visit. Postings are not: an item's
//! posting is always the newest `kept_per_item` living visits with that item, so they are made again from those.

use mercer_schema::Timestamp;

use super::index::{IndexSettings, SessionIndex};
use super::visits::{Visit, VisitView};
use crate::wire::{Reader, Reason, Writer};
use crate::{Changes, Error, Item};

const FOLD: &str = "sessions";
const FORMAT: u16 = 2;
/// Visit numbers from here on are refused: no index gets there, and the tables would become huge.
const NUMBERS: u64 = 1 << 40;
const HEAD_KEY: &[u8] = b"head";
const VISIT: u8 = b'v';
const ITEM: u8 = b'i';
const RUNNING: u8 = b'r';

impl SessionIndex {
    /// What changed since the last call.
    pub fn drain_changes(&mut self) -> Changes {
        let changed = std::mem::take(&mut self.changed);
        if !changed.head {
            return Changes::new();
        }
        let mut changes = vec![(HEAD_KEY.to_vec(), Some(self.head()))];
        for number in &changed.visits {
            changes.push((key(VISIT, &number.to_be_bytes()), self.visits.get(*number).map(visit_bytes)));
        }
        for item in &changed.items {
            let seen_in = self.seen_in(Item(*item));
            changes.push((key(ITEM, &item.to_be_bytes()), (seen_in > 0).then(|| seen_in.to_le_bytes().to_vec())));
        }
        for visitor in &changed.visitors {
            let running = self.running.get(visitor).map(|number| number.to_le_bytes().to_vec());
            changes.push((key(RUNNING, &visitor.to_be_bytes()), running));
        }
        changes
    }

    /// Builds the index from all its pieces, exactly as it was.
    pub fn restore(pieces: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>) -> Result<Self, Error> {
        let mut has_head = false;
        let mut index = Self::default();
        let mut visits: Vec<(u64, Visit)> = Vec::new();
        for (key, value) in pieces {
            if key == HEAD_KEY {
                has_head = true;
                index.take_head(&value)?;
                continue;
            }
            index.take_piece(&key, &value, &mut visits).map_err(broken)?;
        }
        if !has_head && (index.items > 0 || !index.running.is_empty() || !visits.is_empty()) {
            return Err(broken("the head is missing"));
        }
        index.post_all(visits).map_err(broken)?;
        Ok(index)
    }

    fn take_piece(&mut self, key: &[u8], value: &[u8], visits: &mut Vec<(u64, Visit)>) -> Result<(), Reason> {
        const NO_KEY: Reason = "a key is unknown";
        let (kind, rest) = key.split_first().ok_or(NO_KEY)?;
        let mut reader = Reader::new(value);
        match *kind {
            VISIT => {
                let number = u64::from_be_bytes(rest.try_into().map_err(|_| NO_KEY)?);
                visits.push((number, read_visit(&mut reader)?));
            }
            ITEM => {
                let item = Item(u32::from_be_bytes(rest.try_into().map_err(|_| NO_KEY)?));
                *self.seen_in_mut(item) = reader.u64()?;
                self.postings.entry(item.index());
                self.items = self.items.max(item.index() + 1);
            }
            RUNNING => {
                let visitor = u64::from_be_bytes(rest.try_into().map_err(|_| NO_KEY)?);
                self.running.insert(visitor, reader.u64()?);
            }
            _ => return Err(NO_KEY),
        }
        reader.end()
    }

    /// Makes the postings from the visits: the newest ones of each item.
    fn post_all(&mut self, mut visits: Vec<(u64, Visit)>) -> Result<(), Reason> {
        visits.sort_unstable_by_key(|(number, _)| std::cmp::Reverse(*number));
        if visits.first().is_some_and(|(number, _)| *number >= self.next) {
            return Err("a visit is numbered too high");
        }
        if visits.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err("a visit is there twice");
        }
        for (number, visit) in &mut visits {
            for item in &visit.items {
                let posting = self.postings.get_mut(item.index()).ok_or("an item is missing")?;
                if posting.len() < self.settings.kept_per_item {
                    posting.push(*number);
                    visit.holders += 1;
                }
            }
        }
        visits.iter().rev().for_each(|(number, visit)| self.visits.insert(*number, visit));
        let items: Vec<usize> = self.postings.iter().map(|(item, _)| item).collect();
        for item in items {
            if let Some(posting) = self.postings.get_mut(item) {
                posting.reverse();
            }
        }
        Ok(())
    }

    fn head(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.u16(FORMAT);
        writer.count(self.settings.kept_per_item);
        writer.u32(self.settings.pause_minutes);
        writer.count(self.settings.longest);
        writer.u64(self.next);
        writer.u64(self.begun);
        writer.bytes
    }

    fn take_head(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let mut reader = Reader::new(bytes);
        let found = reader.u16().map_err(broken)?;
        if found != FORMAT {
            return Err(Error::OtherFold { fold: FOLD, found, known: FORMAT });
        }
        let mut read = || -> Result<(), Reason> {
            let kept_per_item = reader.u32()? as usize;
            let pause_minutes = reader.u32()?;
            let longest = reader.u32()? as usize;
            self.settings = IndexSettings { kept_per_item, pause_minutes, longest };
            (self.next, self.begun) = (reader.u64()?, reader.u64()?);
            if self.next > NUMBERS { Err("a visit is numbered too high") } else { reader.end() }
        };
        read().map_err(broken)
    }
}

const fn broken(reason: Reason) -> Error {
    Error::BrokenPiece { fold: FOLD, reason }
}

fn key(kind: u8, rest: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(1 + rest.len());
    key.push(kind);
    key.extend(rest);
    key
}

fn visit_bytes(visit: VisitView<'_>) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.u64(visit.visitor);
    writer.i64(visit.last_at.0);
    writer.count(visit.clicks.len());
    for (item, at) in visit.clicks.iter().zip(visit.times) {
        writer.u32(item.0);
        writer.i64(at.0);
    }
    writer.bytes
}

fn read_visit(reader: &mut Reader<'_>) -> Result<Visit, Reason> {
    let mut visit = Visit::begun_by(reader.u64()?, Timestamp(reader.i64()?));
    let count = reader.count(12)?;
    for _ in 0..count {
        visit.contacts.push((Item(reader.u32()?), Timestamp(reader.i64()?)));
    }
    visit.count_again();
    Ok(visit)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// Everything the index knows, in an order that does not depend on its maps.
    fn state(index: &SessionIndex) -> impl PartialEq + std::fmt::Debug {
        let visits: BTreeMap<_, _> = index.visits.iter().map(|(number, visit)| (number, visit.to_visit())).collect();
        let posting = |(item, posting): (usize, &Vec<u64>)| (item, posting.clone(), index.seen_in(Item(item as u32)));
        let postings: Vec<_> = index.postings.iter().map(posting).collect();
        let running: BTreeMap<_, _> = index.running.iter().map(|(visitor, number)| (*visitor, *number)).collect();
        (visits, postings, running, (index.next, index.begun), index.items, index.settings)
    }

    proptest! {
        #[test]
        fn pieces_give_the_same_index_and_it_goes_on_the_same(
            seen in proptest::collection::vec((0_u64..6, 0_u32..5, 0_i64..400), 1..120),
            cut in 0_usize..120,
        ) {
            let mut index = SessionIndex::new(IndexSettings { kept_per_item: 3, pause_minutes: 30, longest: 3 });
            let mut pieces = BTreeMap::new();
            let cut = cut.min(seen.len());
            for (step, (visitor, item, at)) in seen[..cut].iter().enumerate() {
                index.observe(*visitor, Item(*item), Timestamp(at * Timestamp::MINUTE));
                if step % 7 == 0 {
                    pieces.extend(index.drain_changes());
                }
            }
            pieces.extend(index.drain_changes());
            let pieces = pieces.into_iter().filter_map(|(key, value)| Some((key, value?)));
            let mut restored = if cut == 0 { index.clone() } else { SessionIndex::restore(pieces).unwrap() };
            prop_assert_eq!(state(&restored), state(&index));
            for (visitor, item, at) in &seen[cut..] {
                index.observe(*visitor, Item(*item), Timestamp(at * Timestamp::MINUTE));
                restored.observe(*visitor, Item(*item), Timestamp(at * Timestamp::MINUTE));
            }
            prop_assert_eq!(state(&restored), state(&index));
            // Bounded: no posting is over-full and every visit has a holder.
            prop_assert!(index.postings.iter().all(|(_, posting)| posting.len() <= 3));
            prop_assert!(index.visits.iter().all(|(_, visit)| visit.holders > 0));
            prop_assert!(index.running.iter().all(|(_, number)| index.visits.get(*number).is_some()));
        }

        #[test]
        fn broken_pieces_are_refused_without_panic(
            pieces in proptest::collection::vec(
                (proptest::collection::vec(any::<u8>(), 0..10), proptest::collection::vec(any::<u8>(), 0..40)), 1..5),
        ) {
            prop_assert!(SessionIndex::restore(pieces).is_err());
        }
    }
}
