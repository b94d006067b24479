//! What the products of the catalog mean, as vectors by the words that a version of the models knows.
//!
//! A fold like the index: made from the catalog when a version begins to serve, and followed with every saved product, so that
//! one that came after the training is near to what it is like from its first minute. A product's vector follows from product
//! and version alone. So those of a whole catalog can be made beside the fold, before the version is named in the log
//! ([`Models::get_ready`]), and the fold makes those alone that changed meanwhile.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use mercer_recommend::Item;
use mercer_recommend::latent::Latent;
use mercer_recommend::nearest::Nearest;
use mercer_schema::Product;

use crate::{Catalog, Models};

/// Nothing, until a version serves.
#[derive(Debug, Clone, Default)]
pub struct Meanings {
    latent: Arc<Latent>,
    ready: Ready,
    /// Worked out when it is first asked for: of most versions that the log names nobody asks it.
    nearest: OnceLock<Nearest>,
}

/// The vectors of a catalog as it was, until the world that serves takes them over.
#[derive(Debug, Clone, Default)]
pub struct Ready(Arc<Mutex<Option<(Catalog, Nearest)>>>);

impl Ready {
    fn put(&self, catalog: &Catalog, nearest: Nearest) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((catalog.clone(), nearest));
    }

    fn take(&self) -> Option<(Catalog, Nearest)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Models {
    /// Makes what products mean by these models, so that the fold need not once they serve.
    pub fn get_ready(&self, catalog: &Catalog) {
        let latent = self.tastes.latent();
        self.ready.put(catalog, vectors(latent, catalog));
    }
}

impl Meanings {
    /// By the words that these models know.
    pub fn of(models: &Models) -> Self {
        Self { latent: Arc::clone(models.tastes.latent()), ready: models.ready.clone(), nearest: OnceLock::new() }
    }

    pub fn is_empty(&self) -> bool {
        self.latent.dimensions() == 0
    }

    /// The vectors of all products of the catalog.
    pub(crate) fn prepared(&self, catalog: &Catalog) -> &Nearest {
        self.nearest.get_or_init(|| match self.ready.take() {
            Some((known, mut nearest)) if !self.is_empty() => {
                for (item, product) in catalog.products() {
                    if known.product(item).is_none_or(|known| !Arc::ptr_eq(known, product)) {
                        nearest.set(item, &self.latent.vector(product));
                    }
                }
                let gone = known.products().filter(|(item, _)| catalog.product(*item).is_none());
                gone.for_each(|(item, _)| nearest.remove(item));
                nearest
            }
            _ => vectors(&self.latent, catalog),
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

fn vectors(latent: &Latent, catalog: &Catalog) -> Nearest {
    let products: Vec<(Item, &Arc<Product>)> = catalog.products().collect();
    let items = if latent.dimensions() == 0 { &[][..] } else { &products };
    Nearest::of_items(latent.dimensions(), items, |product| latent.vector(product))
}
