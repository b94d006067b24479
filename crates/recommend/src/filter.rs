//! Graph filters: a customer's taste as a signal on the graph of items, smoothed, without any training.
//!
//! GF-CF (Shen et al.: "How Powerful is Graph Convolution for Recommendation?", CIKM 2021) and Turbo-CF (Park, Shin, Shin:
//! "Turbo-CF: Matrix Decomposition-Free Graph Filtering for Fast Recommendation", SIGIR 2024). With R̃ = U^(−u) R I^(−i), U and
//! I being the numbers of interactions of each customer and item, the graph is P̃ = R̃ᵀR̃, and a customer's signal x is filtered to
//!
//! s = x P̃^(∘p) + ω x I^(−½) VVᵀ I^(½)
//!
//! where ∘p raises each entry (Turbo-CF, section 3.3) and V are the leading right singular vectors of R̃, the ideal
//! low-pass of GF-CF (equation 8).
//!
//! ```
//! use mercer_recommend::filter::{FilterSettings, GraphFilter};
//! use mercer_recommend::{Item, Query, Recommender};
//!
//! let customers = [[0, 1], [1, 2], [2, 3]].map(|items| items.map(|item| (Item(item), 1.0)).to_vec());
//! let model = GraphFilter::fit(&customers, &FilterSettings { dimensions: 2, ideal: 1.0, ..FilterSettings::default() });
//! let found = model.recommend(&Query { history: &[(Item(0), 1.0)], ..Query::default() }, 5);
//! assert_eq!(found[0].item, Item(1));
//! ```

use crate::asked::{asked_with, sources, strongest};
use crate::interactions::{Basket, Matrix, Products, map_in_order};
use crate::linear::Linear;
use crate::ranking::{best_of_all, keep_first};
use crate::spectrum;
use crate::wire::{self, Kind, Reader, Reason, Writer};
use crate::{Error, Item, Query, Recommender, Scored};

const KIND: Kind = Kind { name: "filter", version: 1 };
const MOST_SOURCES: usize = 1_000;
/// Items that one thread takes before it looks for more.
const ITEMS_AT_ONCE: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FilterSettings {
    /// u: how much a customer with many items counts less.
    pub customer_power: f32,
    /// i: how much an item of many customers does.
    pub item_power: f32,
    /// How much the item asked with counts less by its customers, beyond that.
    pub source_power: f32,
    /// p: above 1, strong likeness counts more.
    pub sharpness: f32,
    /// Entries kept per item.
    pub kept: usize,
    /// Singular vectors; 0 for none.
    pub dimensions: usize,
    /// ω: weight of the ideal low-pass.
    pub ideal: f32,
    pub seed: u64,
}

impl Default for FilterSettings {
    fn default() -> Self {
        Self {
            customer_power: 0.5,
            item_power: 0.5,
            source_power: 0.0,
            sharpness: 1.0,
            kept: 1_000,
            dimensions: 256,
            ideal: 0.3,
            seed: 1,
        }
    }
}

/// The graph of items and its leading singular vectors.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GraphFilter {
    graph: Linear,
    dimensions: usize,
    /// V, one item a row.
    vectors: Vec<f32>,
    /// √(customers of the item)
    roots: Vec<f32>,
    ideal: f32,
}

impl GraphFilter {
    /// From one basket a customer.
    pub fn fit(baskets: &[Basket], settings: &FilterSettings) -> Self {
        let (plain, order) = Matrix::of_baskets(baskets).gathered();
        let transposed = plain.transposed();
        let length = |matrix: &Matrix, row| (matrix.columns_of(row).len() as f32).max(1.0);
        let of_customers: Vec<f32> = (0..plain.height()).map(|row| length(&plain, row)).collect();
        let of_items: Vec<f32> = (0..plain.width()).map(|item| length(&transposed, item)).collect();
        let normal = plain.with_values(|row, item, value| {
            value * of_customers[row].powf(-settings.customer_power) * of_items[item].powf(-settings.item_power)
        });
        let columns = normal.transposed();
        let row = |products: &mut Products<'_>, item: usize| {
            let source = of_items[item].powf(-settings.source_power);
            let mut row: Vec<(Item, f32)> = Vec::new();
            products.row(item, |other, product| row.push((other, source * product.powf(settings.sharpness))));
            keep_first(&mut row, settings.kept, |a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            row.shrink_to_fit();
            row
        };
        let rows = map_in_order(&order, ITEMS_AT_ONCE, || Products::new(&normal, &columns), row);
        let mut filter = Self { graph: Linear::of_rows(rows), ..Self::default() };
        filter.roots = of_items.iter().map(|customers| customers.sqrt()).collect();
        if settings.dimensions > 0 && settings.ideal > 0.0 {
            let vectors = spectrum::leading_vectors(&normal, &columns, settings.dimensions, settings.seed);
            filter.dimensions = vectors.ncols();
            filter.vectors = (0..vectors.nrows()).flat_map(|row| vectors.row(row).iter().copied()).collect();
            // An item that nobody has with another resembles none: what its vector shares with theirs is rounding.
            for (item, vector) in (0..).map(Item).zip(filter.vectors.chunks_exact_mut(filter.dimensions.max(1))) {
                if filter.graph.of(item).is_empty() {
                    vector.fill(0.0);
                }
            }
            filter.ideal = settings.ideal;
        }
        filter
    }

    /// Bytes for the registry. `name` gives an item's lasting name.
    pub fn encode<N: AsRef<str>>(&self, name: impl Fn(Item) -> N) -> Vec<u8> {
        let mut writer = Writer::model(KIND);
        writer.f32(self.ideal);
        writer.count(self.dimensions);
        let known: Vec<Item> =
            (0..self.size() as u32).map(Item).filter(|item| !self.graph.of(*item).is_empty()).collect();
        writer.items(&known, &name);
        for item in known {
            writer.f32(self.roots[item.index()]);
            self.vector(item).iter().for_each(|value| writer.f32(*value));
        }
        writer.block(&self.graph.encode(name));
        writer.bytes
    }

    /// Reads a model. Items that `resolve` does not know are left out.
    pub fn decode(bytes: &[u8], resolve: impl Fn(&str) -> Option<Item>) -> Result<Self, Error> {
        let (mut filter, graph) = wire::decode(KIND, bytes, |reader| Self::read(reader, &resolve))?;
        filter.graph = Linear::decode(graph, resolve)?;
        // One that has no head of its own has no vector.
        filter.roots.resize(filter.size(), 1.0);
        filter.vectors.resize(filter.size() * filter.dimensions, 0.0);
        Ok(filter)
    }

    fn read<'a>(reader: &mut Reader<'a>, resolve: impl Fn(&str) -> Option<Item>) -> Result<(Self, &'a [u8]), Reason> {
        let (ideal, dimensions) = (reader.f32()?, reader.count(0)?);
        let items = reader.items(resolve)?;
        let mut heads = Vec::with_capacity(items.len());
        for item in &items {
            let root = reader.f32()?;
            if root < 1.0 {
                return Err("an item has no customers");
            }
            heads.push((*item, root, reader.f32s(dimensions)?));
        }
        let size = wire::size(&items);
        let numbers = size.checked_mul(dimensions).ok_or("it has too many dimensions")?;
        let (mut roots, mut vectors) = (vec![1.0; size], vec![0.0; numbers]);
        for (item, root, vector) in heads {
            if let Some(item) = item {
                roots[item.index()] = root;
                vectors[item.index() * dimensions..(item.index() + 1) * dimensions].copy_from_slice(&vector);
            }
        }
        Ok((Self { roots, vectors, dimensions, ideal, ..Self::default() }, reader.block()?))
    }

    pub const fn size(&self) -> usize {
        self.graph.size()
    }

    fn vector(&self, item: Item) -> &[f32] {
        &self.vectors[item.index() * self.dimensions..(item.index() + 1) * self.dimensions]
    }

    /// The source that adds most to an item.
    fn cause(&self, sources: &[(Item, f32)], item: Item) -> Option<Item> {
        strongest(sources.iter().map(|(source, weight)| {
            let near = self.graph.weight(*source, item).unwrap_or_default();
            let smooth = crate::dense::dot(self.vector(*source), self.vector(item)) * self.roots[item.index()];
            (*source, weight * (near + self.ideal * smooth / self.roots[source.index()]))
        }))
    }

    fn ideal(&self, sources: &[(Item, f32)], scores: &mut [f32]) {
        let mut signal = vec![0.0; self.dimensions];
        for (source, weight) in sources {
            let factor = self.ideal * weight / self.roots[source.index()];
            signal.iter_mut().zip(self.vector(*source)).for_each(|(sum, value)| *sum += factor * value);
        }
        let smoothed = crate::dense::products(&self.vectors, &signal);
        scores.iter_mut().zip(smoothed).zip(&self.roots).for_each(|((score, smooth), root)| *score += smooth * root);
    }
}

/// What the seeds or, without seeds, the history leads to. What was asked with is not proposed.
impl Recommender for GraphFilter {
    fn recommend(&self, query: &Query<'_>, limit: usize) -> Vec<Scored> {
        let mut sources = sources(query, MOST_SOURCES);
        sources.retain(|(item, _)| item.index() < self.size());
        if sources.is_empty() || limit == 0 {
            return Vec::new();
        }
        let mut scores = self.graph.scores(&sources);
        if self.dimensions > 0 {
            self.ideal(&sources, &mut scores);
        }
        let mut found = best_of_all(&mut scores, limit, asked_with(query));
        found.iter_mut().for_each(|scored| scored.because_of = self.cause(&sources, scored.item));
        found
    }
}
