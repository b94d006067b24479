//! Tables that live as long as the process: for tests and dry runs.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{PoisonError, RwLock};

use super::{Entry, Scan, Tables, Write};
use crate::Error;

type Entries = BTreeMap<Vec<u8>, Vec<u8>>;

#[derive(Debug, Default)]
pub struct MemoryTables {
    tables: RwLock<BTreeMap<String, Entries>>,
}

impl Tables for MemoryTables {
    fn get(&self, table: &str, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        Ok(tables.get(table).and_then(|entries| entries.get(key)).cloned())
    }

    fn scan(&self, table: &str, range: Scan, limit: usize) -> Result<Vec<Entry>, Error> {
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        let (Some(entries), Some((from, until))) = (tables.get(table), range.bounds()) else {
            return Ok(Vec::new());
        };
        let until = until.map_or(Bound::Unbounded, Bound::Excluded);
        let found = entries.range((Bound::Included(from), until)).map(|(key, value)| (key.clone(), value.clone()));
        Ok(if range.is_backward { found.rev().take(limit).collect() } else { found.take(limit).collect() })
    }

    fn write(&self, batch: &[Write]) -> Result<(), Error> {
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        for write in batch.iter().cloned() {
            match write {
                Write::Put { table, key, value } => {
                    tables.entry(table).or_default().insert(key, value);
                }
                Write::Delete { table, key } => {
                    tables.entry(table).or_default().remove(&key);
                }
                Write::Clear { table } => {
                    tables.remove(&table);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conforms() {
        crate::conformance::tables(MemoryTables::default);
    }
}
