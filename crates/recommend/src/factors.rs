//! Factor models: customers and items as vectors, a score is their product.
//!
//! Only the items' vectors are kept. A customer's vector is worked out from what the customer has *now* (`folding.rs`),
//! so one of a minute ago is answered like any other, and there is nothing to store or to erase per customer.
//!
//! ```
//! use mercer_recommend::factors::{Factors, IalsSettings};
//! use mercer_recommend::{Item, Query, Recommender};
//!
//! let customers: Vec<_> = (0..60_u32)
//!     .map(|customer| (0..4).map(|step| (Item((customer / 2 + step) % 8 + 8 * (customer % 2)), 1.0)).collect())
//!     .collect();
//! let model = Factors::fit_ials(&customers, &IalsSettings { dimensions: 8, ..IalsSettings::default() });
//! // Somebody new, folded in by what there is of them.
//! let found = model.recommend(&Query { history: &[(Item(9), 1.0), (Item(11), 1.0)], ..Query::default() }, 3);
//! assert!(found.iter().all(|scored| scored.item.0 >= 8), "{found:?}");
//! ```

mod folding;
mod gradients;
mod ials;

use std::sync::Arc;

use rustc_hash::FxHashSet;

use crate::asked::{asked_with, sources};
use crate::dense::dot;
use crate::memory::room_of;
use crate::ranking::best_of;
use crate::scan::Sketch;
use crate::wire::{self, Kind, Reader, Reason, Writer};
use crate::{Error, Item, Query, Recommender, Scored};

use folding::Folding;
pub use ials::{IalsSettings, Solver};

const KIND: Kind = Kind { name: "factors", version: 1 };
/// Items of a customer that are folded in, the weightiest first.
const MOST_SOURCES: usize = 500;

/// An item that came after a fit, with factors from elsewhere.
pub type Newcomer = (Item, Arc<[f32]>);

/// The vectors of the items, and how a customer's vector comes from them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Factors {
    /// Vector of item i: `vectors[i * dimensions..][..dimensions]`; zeros for one that nobody took.
    vectors: Vec<f32>,
    sketch: Sketch,
    folding: Folding,
}

impl Factors {
    fn of(vectors: Vec<f32>, folding: Folding) -> Self {
        Self { sketch: Sketch::of(&vectors, folding.dimensions()), vectors, folding }
    }

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

    /// Gives an item other factors, also one that nobody took.
    pub fn set_vector(&mut self, item: Item, vector: &[f32]) {
        let (dimensions, start) = (self.dimensions(), item.index() * self.dimensions());
        self.vectors.resize(self.vectors.len().max(start + dimensions), 0.0);
        self.vectors[start..start + dimensions].copy_from_slice(&vector[..dimensions]);
        self.sketch.set(item.index(), &vector[..dimensions]);
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        room_of(&self.vectors) + self.sketch.heap_bytes() + room_of(&self.folding.spread)
    }

    /// Bytes for the registry. `name` gives an item's lasting name.
    pub fn encode<N: AsRef<str>>(&self, name: impl Fn(Item) -> N) -> Vec<u8> {
        let mut writer = Writer::model(KIND);
        let Folding { spread, unobserved, l2, frequency, others } = &self.folding;
        [unobserved, l2, frequency, others].into_iter().for_each(|value| writer.f32(*value));
        writer.count(spread.len());
        spread.iter().for_each(|value| writer.f32(*value));
        let is_known = |item: &Item| self.vector(*item).iter().any(|value| *value != 0.0);
        let known: Vec<Item> = (0..self.size() as u32).map(Item).filter(is_known).collect();
        writer.items(&known, name);
        known.iter().flat_map(|item| self.vector(*item)).for_each(|value| writer.f32(*value));
        writer.bytes
    }

    /// Reads a model. Items that `resolve` does not know are left out.
    pub fn decode(bytes: &[u8], resolve: impl Fn(&str) -> Option<Item>) -> Result<Self, Error> {
        wire::decode(KIND, bytes, |reader| Self::read(reader, resolve))
    }

    fn read(reader: &mut Reader<'_>, resolve: impl Fn(&str) -> Option<Item>) -> Result<Self, Reason> {
        let [unobserved, l2, frequency, others] = [reader.f32()?, reader.f32()?, reader.f32()?, reader.f32()?];
        let dimensions = reader.count(4)?;
        let folding = Folding { spread: reader.f32s(dimensions)?, unobserved, l2, frequency, others };
        if !folding.is_sound() {
            return Err("its regularization is not above zero");
        }
        let items = reader.items(resolve)?;
        let mut vectors = vec![0.0; wire::size(&items) * dimensions];
        for item in items {
            let vector = reader.f32s(dimensions)?;
            if let Some(item) = item {
                vectors[item.index() * dimensions..(item.index() + 1) * dimensions].copy_from_slice(&vector);
            }
        }
        Ok(Self::of(vectors, folding))
    }

    /// How well each of these items goes with what the query calls for; nothing of one without factors, nor where the query
    /// calls for nothing that is known.
    pub(crate) fn suit(&self, newcomers: &[Newcomer], query: &Query<'_>, items: &[Item]) -> Vec<Option<f32>> {
        let vector = |item: Item| match newcomers.binary_search_by_key(&item, |(newcomer, _)| *newcomer) {
            Ok(place) => &*newcomers[place].1,
            Err(_) => self.vector(item),
        };
        let is_whole = |vector: &[f32]| vector.len() == self.dimensions() && vector.iter().any(|value| *value != 0.0);
        let sources = sources(query, MOST_SOURCES);
        let known: Vec<(&[f32], f32)> =
            sources.iter().map(|(item, weight)| (vector(*item), *weight)).filter(|(own, _)| is_whole(own)).collect();
        if known.is_empty() {
            return vec![None; items.len()];
        }
        let folded = self.folding.fold_in(&known);
        items
            .iter()
            .map(|item| Some(vector(*item)).filter(|own| is_whole(own)).map(|own| dot(&folded.vector, own)))
            .collect()
    }

    /// The answer with items that have come since the fit, with their factors, in the order of their numbers.
    pub(crate) fn recommend_beside(&self, newcomers: &[Newcomer], query: &Query<'_>, limit: usize) -> Vec<Scored> {
        let is_newcomer = |item: Item| newcomers.binary_search_by_key(&item, |(newcomer, _)| *newcomer);
        let vector = |item: Item| is_newcomer(item).map_or_else(|_| self.vector(item), |place| &newcomers[place].1);
        let mut sources = sources(query, MOST_SOURCES);
        sources.retain(|(item, _)| vector(*item).len() == self.dimensions());
        if sources.is_empty() || limit == 0 || self.dimensions() == 0 {
            return Vec::new();
        }
        let vectors: Vec<(&[f32], f32)> = sources.iter().map(|(item, weight)| (vector(*item), *weight)).collect();
        let folded = self.folding.fold_in(&vectors);
        let mut found = self.sketch.best(&self.vectors, &folded.vector, limit, asked_with(query));
        if !newcomers.is_empty() {
            let known: FxHashSet<Item> = asked_with(query).collect();
            found.retain(|scored| is_newcomer(scored.item).is_err());
            let new = newcomers.iter().filter(|(item, own)| own.len() == self.dimensions() && !known.contains(item));
            found.extend(new.map(|(item, own)| Scored {
                item: *item,
                score: dot(&folded.vector, own),
                because_of: None,
            }));
            found = best_of(found, limit);
        }
        let targets: Vec<&[f32]> = found.iter().map(|scored| vector(scored.item)).collect();
        for (scored, strongest) in found.iter_mut().zip(folded.strongest(&vectors, &targets)) {
            scored.because_of = strongest.map(|place| sources[place].0);
        }
        found
    }
}

/// What the seeds or, without seeds, the history calls for. What was asked with is not proposed.
impl Recommender for Factors {
    fn recommend(&self, query: &Query<'_>, limit: usize) -> Vec<Scored> {
        self.recommend_beside(&[], query, limit)
    }
}
