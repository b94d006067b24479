//! A model of what follows on what was taken, from a crate that deciding does not know.
//!
//! It keeps to the contract of every recommender: the same question gives the same answer, bit for bit.

use std::fmt;
use std::sync::Arc;

use mercer_recommend::{Query, Recommender, Scored};

/// Nothing, until somebody brings a model.
#[derive(Clone, Default)]
pub struct Sequence {
    model: Option<Arc<dyn Recommender>>,
    heap_bytes: usize,
}

impl Sequence {
    /// With the bytes that the model has on the heap.
    pub fn new(model: Arc<dyn Recommender>, heap_bytes: usize) -> Self {
        Self { model: Some(model), heap_bytes }
    }

    pub const fn is_empty(&self) -> bool {
        self.model.is_none()
    }

    pub const fn heap_bytes(&self) -> usize {
        self.heap_bytes
    }
}

impl Recommender for Sequence {
    fn recommend(&self, query: &Query<'_>, limit: usize) -> Vec<Scored> {
        self.model.as_ref().map_or_else(Vec::new, |model| model.recommend(query, limit))
    }
}

impl fmt::Debug for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sequence").field("is_empty", &self.is_empty()).finish_non_exhaustive()
    }
}
