//! Factor models: customers and items as vectors, a score is their product.
//!
//! Only the items' vectors are kept. A customer's vector is worked out from what the customer has *now* ([`Folding`]),
//! so one of a minute ago is answered like any other, and there is nothing to store or to erase per customer.

mod folding;
mod ials;

use crate::linear::sources;
use crate::ranking::best_of_all;
use crate::{Item, Query, Recommender, Scored};

use folding::{Folded, Folding};
pub use ials::IalsSettings;

/// Items of a customer that are folded in, the weightiest first.
const MOST_SOURCES: usize = 500;

/// The vectors of the items, and how a customer's vector comes from them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Factors {
    /// Vector of item i: `vectors[i * dimensions..][..dimensions]`; zeros for one that nobody took.
    vectors: Vec<f32>,
    folding: Folding,
}

impl Factors {
    pub const fn dimensions(&self) -> usize {
        self.folding.dimensions()
    }

    /// One past the largest item number.
    pub fn size(&self) -> usize {
        self.vectors.len() / self.dimensions().max(1)
    }

    /// Items of like vectors are liked by like customers.
    pub fn vector(&self, item: Item) -> &[f32] {
        let (dimensions, start) = (self.dimensions(), item.index().saturating_mul(self.dimensions()));
        self.vectors.get(start..start + dimensions).unwrap_or_default()
    }

    fn fold_in(&self, sources: &[(Item, f32)]) -> Folded {
        let vectors: Vec<(&[f32], f32)> =
            sources.iter().map(|(item, weight)| (self.vector(*item), *weight)).collect();
        self.folding.fold_in(&vectors)
    }
}

/// What the seeds or, without seeds, the history calls for. What was asked with is not proposed.
impl Recommender for Factors {
    fn recommend(&self, query: &Query<'_>, limit: usize) -> Vec<Scored> {
        let mut sources = sources(query, MOST_SOURCES);
        sources.retain(|(item, _)| item.index() < self.size());
        if sources.is_empty() || limit == 0 {
            return Vec::new();
        }
        let folded = self.fold_in(&sources);
        let mut scores = crate::dense::products(&self.vectors, &folded.vector);
        let asked = if query.seeds.is_empty() { query.history } else { &[] };
        let excluded = query.seeds.iter().copied().chain(asked.iter().map(|(item, _)| *item));
        let mut found = best_of_all(&mut scores, limit, excluded);
        for scored in &mut found {
            let parts = self.folding.parts(&folded, self.vector(scored.item), |place| self.vector(sources[place].0));
            let best = |a: (usize, f32), b: (usize, f32)| if b.1 > a.1 { b } else { a };
            scored.because_of = parts.enumerate().reduce(best).filter(|(_, part)| *part > 0.0).map(|(place, _)| sources[place].0);
        }
        found
    }
}
