//! What people of one's taste take, new products included.
//!
//! [`Factors`] of who took what, in which products that nobody took yet have a place by what the shop says of them: their
//! [`Latent`] vector, [mapped](Mapping) among the factors. The map stays with the model, so that a product that comes after the
//! fit is [placed](Tastes::place) the same way and competes from its first minute.
//!
//! ```
//! use mercer_recommend::tastes::{TasteSettings, Tastes};
//! use mercer_recommend::{Item, Query};
//! use mercer_schema::{Product, ProductId};
//!
//! let product = |title: &str| Product::new(ProductId::trusted("p"), title);
//! let shop: Vec<Product> = ["tea mug", "garden bench"].into_iter().cycle().take(20).map(product).collect();
//! // Half of the customers drink tea, the others have a garden.
//! let basket = |customer: u32| (0..4).map(|step| (Item((customer + 2 * step * (customer % 5 + 1)) % 20), 1.0)).collect();
//! let customers: Vec<_> = (0..200).map(basket).collect();
//! let tastes = Tastes::fit(&customers, (0..).map(Item).zip(&shop), &TasteSettings::default());
//! // A tea pot arrived a moment ago.
//! let newcomer = (Item(20), tastes.place(&product("tea pot")).unwrap());
//! let query = Query { history: &[(Item(0), 1.0), (Item(4), 1.0), (Item(8), 1.0)], ..Query::default() };
//! let found = tastes.recommend_beside(&[newcomer], &query, 10);
//! assert!(found.iter().any(|scored| scored.item == Item(20)));
//! ```

use std::sync::Arc;

use mercer_schema::Product;

use crate::factors::{Factors, IalsSettings};
use crate::interactions::Basket;
use crate::latent::{Latent, LatentSettings};
use crate::mapping::{Mapping, MappingSettings};
use crate::wire::{self, Kind, Reader, Reason, Writer};
use crate::{Error, Item, Query, Recommender, Scored};

pub use crate::factors::Newcomer;

const KIND: Kind = Kind { name: "tastes", version: 1 };

#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct TasteSettings {
    pub factors: IalsSettings,
    pub content: LatentSettings,
    pub mapping: MappingSettings,
}

/// The fitted model.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tastes {
    factors: Factors,
    latent: Latent,
    mapping: Mapping,
    /// How long the factors of a newcomer are.
    standing: Option<f32>,
}

impl Tastes {
    /// Learns from what each customer took, and from the products of the catalog, in any order.
    pub fn fit<'a>(
        customers: &[Basket],
        products: impl Iterator<Item = (Item, &'a Product)> + Clone,
        settings: &TasteSettings,
    ) -> Self {
        let mut factors = Factors::fit_ials(customers, &settings.factors);
        let latent = Latent::fit(products.clone().map(|(_, product)| product), &settings.content);
        let content = latent.vectors(products);
        let mut takers = vec![0; factors.size()];
        for (item, _) in customers.iter().flatten() {
            if let Some(takers) = takers.get_mut(item.index()) {
                *takers += 1;
            }
        }
        let standing = Mapping::standing(&factors, &settings.mapping);
        let mapping = Mapping::fit(&content, &factors, &takers, &settings.mapping);
        if let Some(mapping) = &mapping {
            mapping.apply(&content, &takers, &settings.mapping, &mut factors);
        }
        Self { factors, latent, mapping: mapping.unwrap_or_default(), standing }
    }

    /// It has its place, learned or mapped when the model was fitted.
    pub fn knows(&self, item: Item) -> bool {
        self.factors.vector(item).iter().any(|value| *value != 0.0)
    }

    /// The factors of a product that came later; nothing where none of its words is known.
    pub fn place(&self, product: &Product) -> Option<Arc<[f32]>> {
        if self.mapping.is_empty() {
            return None;
        }
        let content = self.latent.vector(product);
        let is_told = content.iter().any(|value| *value != 0.0);
        is_told.then(|| self.mapping.place(&content, self.standing).into())
    }

    /// The answer among the known products and newcomers with their places, which stand in the order of their numbers.
    pub fn recommend_beside(&self, newcomers: &[Newcomer], query: &Query<'_>, limit: usize) -> Vec<Scored> {
        self.factors.recommend_beside(newcomers, query, limit)
    }

    /// Bytes for the registry. `name` gives an item's lasting name.
    pub fn encode<N: AsRef<str>>(&self, name: impl Fn(Item) -> N) -> Vec<u8> {
        let mut writer = Writer::model(KIND);
        writer.f32(self.standing.unwrap_or(0.0));
        writer.block(&self.factors.encode(name));
        writer.block(&self.latent.encode());
        writer.block(&self.mapping.encode());
        writer.bytes
    }

    /// Reads a model. Items that `resolve` does not know are left out.
    pub fn decode(bytes: &[u8], resolve: impl Fn(&str) -> Option<Item>) -> Result<Self, Error> {
        let (standing, [factors, latent, mapping]) = wire::decode(KIND, bytes, Self::parts)?;
        let (factors, latent) = (Factors::decode(factors, resolve)?, Latent::decode(latent)?);
        let mapping = Mapping::decode(mapping)?;
        if mapping.is_empty() || mapping.fits(latent.dimensions(), factors.dimensions()) {
            return Ok(Self { factors, latent, mapping, standing });
        }
        Err(Error::BrokenModel { model: KIND.name, reason: "its parts are not of one model" })
    }

    fn parts<'a>(reader: &mut Reader<'a>) -> Result<(Option<f32>, [&'a [u8]; 3]), Reason> {
        let standing = reader.f32()?;
        Ok((Some(standing).filter(|standing| *standing > 0.0), [reader.block()?, reader.block()?, reader.block()?]))
    }
}

/// What the seeds or, without seeds, the history calls for.
impl Recommender for Tastes {
    fn recommend(&self, query: &Query<'_>, limit: usize) -> Vec<Scored> {
        self.factors.recommend(query, limit)
    }
}
