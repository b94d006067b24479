//! What the products of the catalog mean, as vectors by the words that a version of the models knows.
//!
//! A fold like the index: made from the catalog when a version begins to serve, and followed with every saved product, so that
//! one that came after the training is near to what it is like from its first minute. A product's vector follows from product
//! and version alone.

use std::sync::{Arc, OnceLock};

use mercer_recommend::Item;
use mercer_recommend::latent::Latent;
use mercer_recommend::nearest::Nearest;
use mercer_schema::Product;

use crate::{Catalog, Models};

/// Nothing, until a version serves.
#[derive(Debug, Clone, Default)]
pub struct Meanings {
    latent: Arc<Latent>,
    /// Worked out when it is first asked for: of most versions that the log names nobody asks it.
    nearest: OnceLock<Nearest>,
}

impl Meanings {
    /// By the words that these models know.
    pub fn of(models: &Models) -> Self {
        Self { latent: Arc::clone(models.tastes.latent()), nearest: OnceLock::new() }
    }

    pub fn is_empty(&self) -> bool {
        self.latent.dimensions() == 0
    }

    /// The vectors of all products of the catalog.
    pub(crate) fn prepared(&self, catalog: &Catalog) -> &Nearest {
        self.nearest.get_or_init(|| {
            let products: Vec<(Item, &Arc<Product>)> = catalog.products().collect();
            let items = if self.is_empty() { &[][..] } else { &products };
            Nearest::of_items(self.latent.dimensions(), items, |product| self.latent.vector(product))
        })
    }

    pub(crate) fn put(&mut self, item: Item, product: &Product) {
        if let Some(nearest) = self.nearest.get_mut().filter(|nearest| nearest.dimensions() > 0) {
            nearest.set(item, &self.latent.vector(product));
        }
    }

    pub(crate) fn remove(&mut self, item: Item) {
        if let Some(nearest) = self.nearest.get_mut() {
            nearest.remove(item);
        }
    }

    /// What words mean that count so much each; zeros when none is known.
    pub(crate) fn of_words<'a>(&self, words: impl IntoIterator<Item = (&'a str, f32)>) -> Vec<f32> {
        self.latent.vector_of_words(words)
    }
}
