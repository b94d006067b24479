//! Vectors learned by contrast: what a customer took against many things that were not taken.
//!
//! SimpleX (Mao et al.: "SimpleX: A Simple and Strong Baseline for Collaborative Filtering", CIKM 2021) with the customer
//! being nothing but what the customer has, so that one of a minute ago is answered like any other: a customer's vector is
//! u = V · mean of the items' vectors (equation 9 with g = 0), a score is cos(u, e), and the loss is the cosine
//! contrastive one of equation 5,
//!
//! L = (1 − cos(u, e⁺)) + (w / |N|) Σ over N of max(0, cos(u, e⁻) − m).
//!
//! ```
//! use mercer_recommend::contrast::{Contrast, ContrastSettings};
//! use mercer_recommend::{Item, Query, Recommender};
//!
//! let customers: Vec<_> = (0..200_u32)
//!     .map(|customer| (0..4).map(|step| (Item((customer / 2 + step) % 8 + 8 * (customer % 2)), 1.0)).collect())
//!     .collect();
//! let model = Contrast::fit(&customers, &ContrastSettings { dimensions: 8, ..ContrastSettings::default() });
//! let found = model.recommend(&Query { history: &[(Item(9), 1.0)], ..Query::default() }, 1);
//! assert!(found[0].item.0 >= 8, "{found:?}");
//! ```

mod fit;

use crate::asked::{asked_with, sources, strongest};
use crate::dense::{add_scaled, dot, products};
use crate::scan::Sketch;
use crate::wire::{self, Kind, Reader, Reason, Writer};
use crate::{Error, Item, Query, Recommender, Scored};

pub use fit::ContrastSettings;

const KIND: Kind = Kind { name: "contrast", version: 1 };
/// Items of a customer that are averaged, the weightiest first.
const MOST_SOURCES: usize = 1_000;

/// The items' vectors and the map V.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Contrast {
    dimensions: usize,
    /// As they are averaged.
    vectors: Vec<f32>,
    /// V e of each item.
    mapped: Vec<f32>,
    /// The same vectors with length 1, as they are scored; zeros for an item that nobody took.
    directions: Vec<f32>,
    sketch: Sketch,
}

impl Contrast {
    pub const fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// One past the largest item number.
    pub fn size(&self) -> usize {
        self.vectors.len() / self.dimensions.max(1)
    }

    /// Two items whose directions are near are liked by like customers.
    pub fn direction(&self, item: Item) -> &[f32] {
        self.directions.get(self.place(item)).unwrap_or_default()
    }

    const fn place(&self, item: Item) -> std::ops::Range<usize> {
        let start = item.index().saturating_mul(self.dimensions);
        start..start.saturating_add(self.dimensions)
    }

    /// `map` is V, row after row.
    fn of(dimensions: usize, vectors: Vec<f32>, map: &[f32]) -> Self {
        let (mut mapped, mut directions) = (Vec::with_capacity(vectors.len()), Vec::with_capacity(vectors.len()));
        for vector in vectors.chunks_exact(dimensions.max(1)) {
            mapped.extend(products(map, vector));
            let length = dot(vector, vector).sqrt();
            directions.extend(vector.iter().map(|value| if length > 0.0 { value / length } else { 0.0 }));
        }
        Self { dimensions, vectors, mapped, sketch: Sketch::of(&directions, dimensions), directions }
    }

    /// Bytes for the registry. `name` gives an item's lasting name.
    pub fn encode<N: AsRef<str>>(&self, name: impl Fn(Item) -> N) -> Vec<u8> {
        let mut writer = Writer::model(KIND);
        let is_known = |item: &Item| self.direction(*item).iter().any(|value| *value != 0.0);
        let known: Vec<Item> = (0..self.size() as u32).map(Item).filter(is_known).collect();
        writer.count(self.dimensions);
        writer.items(&known, name);
        for item in known {
            self.vectors[self.place(item)].iter().for_each(|value| writer.f32(*value));
            self.mapped[self.place(item)].iter().for_each(|value| writer.f32(*value));
        }
        writer.bytes
    }

    /// Reads a model. Items that `resolve` does not know are left out.
    pub fn decode(bytes: &[u8], resolve: impl Fn(&str) -> Option<Item>) -> Result<Self, Error> {
        wire::decode(KIND, bytes, |reader| Self::read(reader, resolve))
    }

    fn read(reader: &mut Reader<'_>, resolve: impl Fn(&str) -> Option<Item>) -> Result<Self, Reason> {
        let dimensions = reader.count(0)?;
        let items = reader.items(resolve)?;
        let rows = items.iter().map(|item| Ok((*item, reader.f32s(dimensions)?, reader.f32s(dimensions)?)));
        let rows = rows.collect::<Result<Vec<_>, Reason>>()?;
        let size = wire::size(&items).checked_mul(dimensions).ok_or("it has too many dimensions")?;
        let (mut vectors, mut mapped) = (vec![0.0; size], vec![0.0; size]);
        for (item, vector, image) in rows {
            if let Some(item) = item {
                let place = item.index() * dimensions..(item.index() + 1) * dimensions;
                vectors[place.clone()].copy_from_slice(&vector);
                mapped[place].copy_from_slice(&image);
            }
        }
        Ok(Self { mapped, ..Self::of(dimensions, vectors, &[]) })
    }
}

/// What the seeds or, without seeds, the history calls for. What was asked with is not proposed.
impl Recommender for Contrast {
    fn recommend(&self, query: &Query<'_>, limit: usize) -> Vec<Scored> {
        let mut sources = sources(query, MOST_SOURCES);
        sources.retain(|(item, _)| item.index() < self.size());
        let mut customer = vec![0.0; self.dimensions];
        sources.iter().for_each(|(item, weight)| add_scaled(&mut customer, *weight, &self.mapped[self.place(*item)]));
        let length = dot(&customer, &customer).sqrt();
        if limit == 0 || !(length > 0.0 && length.is_finite()) {
            return Vec::new();
        }
        customer.iter_mut().for_each(|value| *value /= length);
        let mut found = self.sketch.best(&self.directions, &customer, limit, asked_with(query));
        for scored in &mut found {
            let direction = self.direction(scored.item);
            let part = |(item, weight): &(Item, f32)| (*item, weight * dot(&self.mapped[self.place(*item)], direction));
            scored.because_of = strongest(sources.iter().map(part));
        }
        found
    }
}
