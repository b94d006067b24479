//! A model of what follows on what was taken, from a crate that deciding does not know.
//!
//! It keeps to the contract of every recommender: the same question gives the same answer, bit for bit.

use std::fmt;
use std::sync::Arc;

use mercer_recommend::{Query, Recommender, Scored};

/// Nothing, until somebody brings a model.
#[derive(Clone, Default)]
pub struct Sequence(Option<Arc<dyn Recommender>>);

impl Sequence {
    pub fn new(model: Arc<dyn Recommender>) -> Self {
        Self(Some(model))
    }

    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

impl Recommender for Sequence {
    fn recommend(&self, query: &Query<'_>, limit: usize) -> Vec<Scored> {
        self.0.as_ref().map_or_else(Vec::new, |model| model.recommend(query, limit))
    }
}

impl fmt::Debug for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sequence").field("is_empty", &self.is_empty()).finish_non_exhaustive()
    }
}
