//! Vectors from elsewhere, of sentences or pictures: a map of its own for the products that have one.
//!
//! It leads from what the shop says and the vector beside it to the factors. Products without a vector stay with the map of the
//! words alone: half of a description is not what this one was taught with. The vectors of products that were not in the catalog
//! yet stay with the model, so that they have their place when they come, whatever has become of the file.

use mercer_schema::Product;

use crate::factors::Factors;
use crate::latent::{ItemVectors, Latent, NamedVectors, VECTORS_WEIGHT, joined};
use crate::mapping::{Mapping, MappingSettings};
use crate::wire::{Reader, Reason, Writer};
use crate::{Error, Item};

/// Taken products with a vector below which there is no map: it would lead anywhere.
const LEAST_TAUGHT: usize = 20;

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Elsewhere {
    mapping: Mapping,
    /// Of products that the catalog did not have.
    to_come: NamedVectors,
}

impl Elsewhere {
    /// Learns from the products that have a vector, by item number in `content`; nothing where they are too few.
    pub(super) fn fit(
        content: &ItemVectors,
        factors: &Factors,
        takers: &[u32],
        settings: &MappingSettings,
    ) -> Option<Mapping> {
        let is_taken = |item: &u32| takers.get(*item as usize).is_some_and(|takers| *takers > 0);
        let taught = (0..content.size() as u32).filter(is_taken).filter(|item| content.of(Item(*item)).is_some());
        if taught.count() < LEAST_TAUGHT { None } else { Mapping::fit(content, factors, takers, settings) }
    }

    pub(super) const fn new(mapping: Mapping, to_come: NamedVectors) -> Self {
        Self { mapping, to_come }
    }

    /// The factors of a product that came later; nothing where it has no vector.
    pub(super) fn place(&self, product: &Product, latent: &Latent, standing: Option<f32>) -> Option<Vec<f32>> {
        let vector = self.to_come.of(product.id.as_str())?;
        Some(self.mapping.place(&content_of(product, latent, vector), standing))
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.mapping.heap_bytes() + self.to_come.heap_bytes()
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.mapping.is_empty()
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.block(&self.mapping.encode());
        self.to_come.write(writer);
    }

    pub(super) fn read<'a>(reader: &mut Reader<'a>) -> Result<(&'a [u8], NamedVectors), Reason> {
        Ok((reader.block()?, NamedVectors::read_written(reader)?))
    }

    pub(super) fn decode((mapping, to_come): (&[u8], NamedVectors)) -> Result<Self, Error> {
        Ok(Self { mapping: Mapping::decode(mapping)?, to_come })
    }

    /// It leads from such content to such factors.
    pub(super) const fn fits(&self, words: usize, factors: usize) -> bool {
        self.mapping.fits(words + self.to_come.dimensions(), factors)
    }
}

/// What the shop says of a product, and its vector beside.
pub(super) fn content_of(product: &Product, latent: &Latent, vector: &[f32]) -> Vec<f32> {
    joined((&latent.vector(product), 1.0), (vector, VECTORS_WEIGHT))
}
