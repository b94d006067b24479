//! The session index as keyed pieces, and back, exactly.
//!
//! Written are the visits, how often each item was seen, and who is in which visit. Postings are not: an item's
//! posting is always the newest `kept_per_item` living visits with that item, so they are made again from those.

use std::sync::Arc;

use mercer_schema::Timestamp;

use super::index::{IndexSettings, Posting, SessionIndex, Visit};
use crate::wire::{Reader, Reason, Writer};
use crate::{Changes, Error, Item};

const FOLD: &str = "sessions";
const FORMAT: u16 = 1;
const HEAD_KEY: &[u8] = b"head";
const VISIT: u8 = b'v';
const ITEM: u8 = b'i';
const RUNNING: u8 = b'r';

impl SessionIndex {
    /// What changed since the last call.
    pub fn drain_changes(&mut self) -> Changes {
        let changed = std::mem::take(&mut self.changed);
        if changed.visits.is_empty() {
            return Changes::new();
        }
        let mut changes = vec![(HEAD_KEY.to_vec(), Some(self.head()))];
        for number in &changed.visits {
            changes.push((key(VISIT, &number.to_be_bytes()), self.visits.get(number).map(|visit| visit_bytes(visit))));
        }
        for item in &changed.items {
            let seen_in = self.postings.get(item).map(|posting| posting.seen_in.to_le_bytes().to_vec());
            changes.push((key(ITEM, &item.to_be_bytes()), seen_in));
        }
        for visitor in &changed.visitors {
            let running = self.running.get(visitor).map(|number| number.to_le_bytes().to_vec());
            changes.push((key(RUNNING, &visitor.to_be_bytes()), running));
        }
        changes
    }

    /// Builds the index from all its pieces, exactly as it was.
    pub fn restore(pieces: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>) -> Result<Self, Error> {
        let mut head = None;
        let mut index = Self::default();
        let mut visits: Vec<(u64, Visit)> = Vec::new();
        for (key, value) in pieces {
            if key == HEAD_KEY {
                head = Some(read_head(&value)?);
                continue;
            }
            index.take_piece(&key, &value, &mut visits).map_err(broken)?;
        }
        match head {
            Some((settings, begun)) => {
                index.settings = settings;
                index.begun = begun;
            }
            None if index.postings.is_empty() && index.running.is_empty() && visits.is_empty() => return Ok(index),
            None => return Err(broken("the head is missing")),
        }
        index.post_all(visits)?;
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
                let item = u32::from_be_bytes(rest.try_into().map_err(|_| NO_KEY)?);
                let posting = Posting { seen_in: reader.u64()?, visits: Vec::new() };
                self.postings.insert(item, Arc::new(posting));
                self.items = self.items.max(item as usize + 1);
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
    fn post_all(&mut self, mut visits: Vec<(u64, Visit)>) -> Result<(), Error> {
        visits.sort_unstable_by_key(|(number, _)| std::cmp::Reverse(*number));
        for (number, mut visit) in visits {
            for item in &visit.items {
                let posting = self.postings.get_mut(&item.0).ok_or_else(|| broken("an item is missing"))?;
                if posting.visits.len() < self.settings.kept_per_item {
                    Arc::make_mut(posting).visits.push(number);
                    visit.holders += 1;
                }
            }
            self.visits.insert(number, Arc::new(visit));
        }
        let items: Vec<u32> = self.postings.keys().copied().collect();
        for item in items {
            if let Some(posting) = self.postings.get_mut(&item) {
                Arc::make_mut(posting).visits.reverse();
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
        writer.u64(self.begun);
        writer.bytes
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

fn read_head(bytes: &[u8]) -> Result<(IndexSettings, u64), Error> {
    let mut reader = Reader::new(bytes);
    let found = reader.u16().map_err(broken)?;
    if found != FORMAT {
        return Err(Error::OtherFold { fold: FOLD, found, known: FORMAT });
    }
    let mut read = || -> Result<(IndexSettings, u64), Reason> {
        let kept_per_item = reader.u32()? as usize;
        let pause_minutes = reader.u32()?;
        let longest = reader.u32()? as usize;
        Ok((IndexSettings { kept_per_item, pause_minutes, longest }, reader.u64()?))
    };
    let head = read().map_err(broken)?;
    reader.end().map_err(broken)?;
    Ok(head)
}

fn visit_bytes(visit: &Visit) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.u64(visit.visitor);
    writer.i64(visit.last_at.0);
    writer.count(visit.items.len());
    visit.items.iter().for_each(|item| writer.u32(item.0));
    writer.bytes
}

fn read_visit(reader: &mut Reader<'_>) -> Result<Visit, Reason> {
    let visitor = reader.u64()?;
    let last_at = Timestamp(reader.i64()?);
    let count = reader.count(4)?;
    let items = (0..count).map(|_| reader.u32().map(Item)).collect::<Result<_, Reason>>()?;
    Ok(Visit { visitor, last_at, items, holders: 0 })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// Everything the index knows, in an order that does not depend on its maps.
    fn state(index: &SessionIndex) -> impl PartialEq + std::fmt::Debug {
        let visits: BTreeMap<_, _> = index.visits.iter().map(|(number, visit)| (*number, visit.clone())).collect();
        let postings: BTreeMap<_, _> = index.postings.iter().map(|(item, posting)| (*item, posting.clone())).collect();
        let running: BTreeMap<_, _> = index.running.iter().map(|(visitor, number)| (*visitor, *number)).collect();
        (visits, postings, running, index.begun, index.items, index.settings)
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
            prop_assert!(index.postings.iter().all(|(_, posting)| posting.visits.len() <= 3));
            prop_assert!(index.visits.iter().all(|(_, visit)| visit.holders > 0));
            prop_assert!(index.running.iter().all(|(_, number)| index.visits.contains_key(number)));
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
