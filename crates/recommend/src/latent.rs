//! Products as short dense vectors: what their words and features mean by the company they keep in the catalog.
//!
//! Latent semantic analysis (Deerwester, Dumais, Furnas, Landauer, Harshman: "Indexing by Latent Semantic Analysis", JASIS
//! 1990). With the products in the rows of D, weighted tf·idf and of length one, D ≈ U Σ Vᵀ, and a product's vector is its row
//! times V: also that of a product that came later. Words are those that [`content`] knows; features may be
//! numbers, too ([`Latent::fit_attributes`]).
//!
//! Vectors from elsewhere, of pictures or of a sentence encoder, are [`ItemVectors`] like any other: [`NamedVectors::read`] takes
//! them from a file, [`ItemVectors::beside`] puts several together.

mod vectors;

use mercer_schema::Product;
use rustc_hash::FxHashMap;

use crate::content::{self, Document, Term};
use crate::interactions::{Basket, Matrix};
use crate::memory::room_of;
use crate::spectrum::leading_vectors;
use crate::wire::{self, Kind, Reader, Reason, Writer};
use crate::{Error, Item};

pub(crate) use vectors::joined;
pub use vectors::{ItemVectors, NamedVectors};

/// Length of vectors from elsewhere; those of the shop's words have 1.
pub(crate) const VECTORS_WEIGHT: f32 = 1.0;

const KIND: Kind = Kind { name: "latent", version: 1 };

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LatentSettings {
    pub dimensions: usize,
    /// Words of fewer products are left out: they compare nothing.
    pub least_products: u32,
    pub seed: u64,
}

impl Default for LatentSettings {
    fn default() -> Self {
        Self { dimensions: 128, least_products: 2, seed: 1 }
    }
}

/// V, with what each term weighs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Latent {
    dimensions: usize,
    /// In the order of the terms: the term, and its inverse document frequency.
    terms: Vec<(Term, f32)>,
    /// One term a row.
    rows: Vec<f32>,
}

impl Latent {
    /// From all products of a catalog, in any order.
    pub fn fit<'a>(products: impl IntoIterator<Item = &'a Product>, settings: &LatentSettings) -> Self {
        let mut documents: Vec<Vec<(Term, f32)>> =
            products.into_iter().map(|product| Document::of(product).terms).collect();
        documents.sort_unstable_by(|a, b| {
            let key = |terms: &[(Term, f32)]| -> Vec<(Term, u32)> {
                terms.iter().map(|(term, share)| (*term, share.to_bits())).collect()
            };
            key(a).cmp(&key(b))
        });
        Self::of(&documents, settings)
    }

    /// From the attributes of items, given as numbers.
    pub fn fit_attributes(items: &[Vec<u32>], settings: &LatentSettings) -> Self {
        Self::of(&items.iter().map(|attributes| terms_of(attributes)).collect::<Vec<_>>(), settings)
    }

    fn of(documents: &[Vec<(Term, f32)>], settings: &LatentSettings) -> Self {
        let mut counts: FxHashMap<Term, u32> = FxHashMap::default();
        for (term, _) in documents.iter().flatten() {
            *counts.entry(*term).or_default() += 1;
        }
        let rarity = |count: u32| (documents.len() as f32 / count as f32).ln_1p();
        let known = counts.into_iter().filter(|(_, count)| *count >= settings.least_products);
        let mut terms: Vec<(Term, f32)> = known.map(|(term, count)| (term, rarity(count))).collect();
        terms.sort_unstable_by_key(|(term, _)| *term);
        let mut latent = Self { dimensions: 0, terms, rows: Vec::new() };
        let baskets: Vec<Basket> = documents.iter().map(|document| latent.weighted(document)).collect();
        let matrix = Matrix::of_baskets(&baskets);
        let vectors = leading_vectors(&matrix, &matrix.transposed(), settings.dimensions, settings.seed);
        latent.dimensions = vectors.ncols();
        latent.rows =
            (0..vectors.nrows()).flat_map(|row| vectors.row(row).iter().copied().collect::<Vec<_>>()).collect();
        // The last terms may be in no document.
        latent.rows.resize(latent.terms.len() * latent.dimensions, 0.0);
        latent
    }

    pub const fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// The vector of a product; zeros when none of its words is known.
    pub fn vector(&self, product: &Product) -> Vec<f32> {
        self.folded(&Document::of(product).terms)
    }

    /// The vector of words that count so much each; zeros when none is known. A text may be several words.
    pub fn vector_of_words<'a>(&self, words: impl IntoIterator<Item = (&'a str, f32)>) -> Vec<f32> {
        self.folded(&content::terms_of_words(words))
    }

    /// The vectors of products.
    pub fn vectors<'a>(&self, products: impl IntoIterator<Item = (Item, &'a Product)>) -> ItemVectors {
        let mut vectors = ItemVectors::new(self.dimensions);
        products.into_iter().for_each(|(item, product)| vectors.set(item, &self.vector(product)));
        vectors
    }

    /// The vectors of items with these attributes.
    pub fn vectors_of_attributes(&self, items: &[Vec<u32>]) -> ItemVectors {
        let mut vectors = ItemVectors::new(self.dimensions);
        for (item, attributes) in (0..).map(Item).zip(items) {
            vectors.set(item, &self.folded(&terms_of(attributes)));
        }
        vectors
    }

    /// The known terms by their places, tf·idf, of length one.
    fn weighted(&self, document: &[(Term, f32)]) -> Basket {
        let weighted = |(term, share): &(Term, f32)| {
            let place = self.terms.binary_search_by_key(term, |(known, _)| *known).ok()?;
            Some((Item(place as u32), share * self.terms[place].1))
        };
        let mut basket: Basket = document.iter().filter_map(weighted).collect();
        let length = basket.iter().map(|(_, weight)| weight * weight).sum::<f32>().sqrt();
        basket.iter_mut().for_each(|(_, weight)| *weight /= length);
        basket
    }

    fn folded(&self, document: &[(Term, f32)]) -> Vec<f32> {
        let mut vector = vec![0.0; self.dimensions];
        for (term, weight) in self.weighted(document) {
            let row = &self.rows[term.index() * self.dimensions..(term.index() + 1) * self.dimensions];
            crate::dense::add_scaled(&mut vector, weight, row);
        }
        vector
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        room_of(&self.terms) + room_of(&self.rows)
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::model(KIND);
        writer.count(self.dimensions);
        writer.count(self.terms.len());
        for (term, rarity) in &self.terms {
            writer.u64(*term);
            writer.f32(*rarity);
        }
        self.rows.iter().for_each(|value| writer.f32(*value));
        writer.bytes
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        wire::decode(KIND, bytes, Self::read)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Reason> {
        let dimensions = reader.count(0)?;
        let mut terms: Vec<(Term, f32)> = Vec::new();
        for _ in 0..reader.count(12)? {
            let term = reader.u64()?;
            if terms.last().is_some_and(|(last, _)| *last >= term) {
                return Err("terms are out of order");
            }
            terms.push((term, reader.f32()?));
        }
        let numbers = terms.len().checked_mul(dimensions).ok_or("it has too many dimensions")?;
        if terms.is_empty() && dimensions > 0 {
            return Err("it has dimensions and no terms");
        }
        Ok(Self { dimensions, rows: reader.f32s(numbers)?, terms })
    }
}

fn terms_of(attributes: &[u32]) -> Vec<(Term, f32)> {
    let mut terms: Vec<(Term, f32)> = attributes.iter().map(|attribute| (Term::from(*attribute), 1.0)).collect();
    terms.sort_unstable_by_key(|(term, _)| *term);
    terms.dedup();
    terms
}

#[cfg(test)]
mod tests {
    use mercer_schema::ProductId;

    use super::*;

    const TITLES: [&str; 8] = [
        "red tea mug",
        "blue tea mug",
        "tea cup",
        "coffee cup",
        "garden lantern",
        "lantern candle",
        "candle garden",
        "red garden bench",
    ];

    fn products() -> Vec<Product> {
        TITLES.iter().map(|title| Product::new(ProductId::trusted("p"), *title)).collect()
    }

    fn cosine(a: &[f32], b: &[f32]) -> f32 {
        let dot = |a: &[f32], b: &[f32]| -> f32 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
        dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
    }

    #[test]
    fn products_without_a_common_word_are_near_through_others() {
        let settings = LatentSettings { dimensions: 2, least_products: 1, seed: 1 };
        let latent = Latent::fit(&products(), &settings);
        let of = |title: &str| latent.vector(&Product::new(ProductId::trusted("q"), title));
        assert!(cosine(&of("coffee"), &of("mug")) > 0.8, "both go with tea and cups");
        assert!(cosine(&of("coffee"), &of("candle")) < 0.5);
        assert_eq!(of("zeppelin"), [0.0, 0.0]);
    }

    #[test]
    fn the_order_of_products_is_no_matter_and_bytes_give_the_same() {
        let settings = LatentSettings { dimensions: 3, ..LatentSettings::default() };
        let latent = Latent::fit(&products(), &settings);
        assert_eq!(Latent::fit(products().iter().rev(), &settings), latent);
        let bytes = latent.encode();
        assert_eq!(Latent::decode(&bytes).as_ref(), Ok(&latent));
        for cut in 0..bytes.len() {
            assert!(Latent::decode(&bytes[..cut]).is_err(), "{cut}");
        }
        assert_eq!(Latent::fit(&[], &settings).dimensions(), 0);
    }
}
