//! Where in the log a visitor's records are, so that a person can read them one by one.
//!
//! Keeps the newest [`KEPT`] positions of each identifier; older ones are still in the log and the lake.

use std::sync::Arc;

use imbl::{HashMap, HashSet};
use mercer_recommend::Changes;
use mercer_schema::{Event, Position, Visitor};
use xxhash_rust::xxh3::xxh3_64;

const KEPT: usize = 200;

#[derive(Debug, Clone, Default)]
pub struct Timeline {
    positions: HashMap<u64, Arc<Vec<u64>>>,
    changed: HashSet<u64>,
}

impl PartialEq for Timeline {
    fn eq(&self, other: &Self) -> bool {
        self.positions == other.positions
    }
}

impl Timeline {
    pub(crate) fn apply(&mut self, position: Position, event: &Event) {
        for key in visitor_keys(&event.visitor) {
            let known = Arc::make_mut(self.positions.entry(key).or_default());
            if known.len() >= KEPT {
                known.remove(0);
            }
            known.push(position.0);
            self.changed.insert(key);
        }
    }

    /// Positions of the events of these visitors, newest first.
    pub fn of<'a>(&self, visitors: impl IntoIterator<Item = &'a Visitor>) -> Vec<Position> {
        let keys = visitors.into_iter().flat_map(visitor_keys);
        let mut found: Vec<u64> =
            keys.filter_map(|key| self.positions.get(&key)).flat_map(|known| known.iter().copied()).collect();
        found.sort_unstable_by(|a, b| b.cmp(a));
        found.dedup();
        found.into_iter().map(Position).collect()
    }

    pub(crate) fn drain_changes(&mut self) -> Result<Changes, postcard::Error> {
        let changed = std::mem::take(&mut self.changed);
        changed
            .iter()
            .filter_map(|key| self.positions.get(key).map(|known| (key, known)))
            .map(|(key, known)| Ok((key.to_be_bytes().to_vec(), Some(postcard::to_stdvec(known.as_ref())?))))
            .collect()
    }

    pub(crate) fn restore(pieces: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>) -> Option<Self> {
        let mut timeline = Self::default();
        for (key, value) in pieces {
            let known: Vec<u64> = postcard::from_bytes(&value).ok()?;
            timeline.positions.insert(u64::from_be_bytes(key.try_into().ok()?), Arc::new(known));
        }
        Some(timeline)
    }
}

/// One key an identifier; anonymous and known ids never share one.
fn visitor_keys(visitor: &Visitor) -> impl Iterator<Item = u64> {
    let anonymous = visitor.anonymous_id.as_ref().map(|id| xxh3_64(format!("a\0{id}").as_bytes()));
    let customer = visitor.customer_id.as_ref().map(|id| xxh3_64(format!("c\0{id}").as_bytes()));
    anonymous.into_iter().chain(customer)
}
