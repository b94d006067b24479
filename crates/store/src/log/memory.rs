//! A log that lives as long as the process: for tests and dry runs. Behaves as the one on disk, less durability.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use mercer_schema::{Draft, Position, Record, RecordKey, Timestamp};

use super::{Appended, EventLog, RecordKind, body};
use crate::Error;

#[derive(Debug, Default)]
pub struct MemoryLog {
    state: RwLock<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The record at position `n` is at `n - 1`, with the key that it may lose.
    records: Vec<(Record, Option<RecordKey>)>,
    positions: HashMap<RecordKey, Position>,
    /// The keys of all records up to here were looked at for expiry.
    expired_upto: usize,
}

impl MemoryLog {
    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EventLog for MemoryLog {
    fn append(&self, drafts: &[Draft]) -> Result<Vec<Appended>, Error> {
        for (index, draft) in drafts.iter().enumerate() {
            body(index, &draft.fact)?;
        }
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        Ok(drafts.iter().map(|draft| state.append(draft)).collect())
    }

    fn read(&self, after: Position, limit: usize) -> Result<Vec<Record>, Error> {
        Ok(self.state().after(after).take(limit).cloned().collect())
    }

    fn read_kinds(&self, after: Position, kinds: &[RecordKind], limit: usize) -> Result<Vec<Record>, Error> {
        let wanted = |record: &&Record| kinds.contains(&RecordKind::of(&record.fact));
        Ok(self.state().after(after).filter(wanted).take(limit).cloned().collect())
    }

    fn head(&self) -> Result<Position, Error> {
        Ok(Position(self.state().records.len() as u64))
    }

    fn find(&self, key: RecordKey) -> Result<Option<Record>, Error> {
        let state = self.state();
        let Some(position) = state.positions.get(&key) else { return Ok(None) };
        Ok(state.after(Position(position.0 - 1)).next().cloned())
    }

    fn expire_keys(&self, recorded_before: Timestamp) -> Result<u64, Error> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let State { records, positions, expired_upto } = &mut *state;
        let mut removed = 0;
        while let Some((record, key)) = records.get(*expired_upto)
            && record.recorded_at < recorded_before
        {
            *expired_upto += 1;
            if let Some(key) = key
                && RecordKind::of(&record.fact) == RecordKind::Event
                && positions.get(key) == Some(&record.position)
            {
                positions.remove(key);
                removed += 1;
            }
        }
        Ok(removed)
    }
}

impl State {
    fn append(&mut self, draft: &Draft) -> Appended {
        if let Some(known) = draft.key.and_then(|key| self.positions.get(&key)) {
            return Appended::Duplicate(*known);
        }
        let position = Position(self.records.len() as u64 + 1);
        if let Some(key) = draft.key {
            self.positions.insert(key, position);
        }
        let record = Record { position, recorded_at: draft.recorded_at, fact: draft.fact.clone() };
        self.records.push((record, draft.key.filter(|_| !draft.key_lasts)));
        Appended::Stored(position)
    }

    fn after(&self, position: Position) -> impl Iterator<Item = &Record> {
        let skipped = usize::try_from(position.0).unwrap_or(usize::MAX);
        self.records.get(skipped..).unwrap_or_default().iter().map(|(record, _)| record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conforms() {
        crate::conformance::event_log(MemoryLog::default);
    }
}
