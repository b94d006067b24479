//! What people of one's taste take, new products included.
//!
//! [`Factors`] of who took what, in which products that nobody took yet have a place by what the shop says of them: their
//! [`Latent`] vector, [mapped](Mapping) among the factors. The map stays with the model, so that a product that comes after the
//! fit is [placed](Tastes::place) the same way and competes from its first minute. Vectors of sentences or pictures, where there
//! are some, stand beside the words ([`Tastes::fit_beside`]).
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

mod elsewhere;

use std::sync::Arc;

use mercer_schema::Product;
use rustc_hash::FxHashSet;

use crate::factors::{Factors, IalsSettings};
use crate::interactions::Basket;
use crate::latent::{ItemVectors, Latent, LatentSettings, NamedVectors};
use crate::mapping::{Mapping, MappingSettings};
use crate::wire::{self, Kind, Reader, Reason, Writer};
use crate::{Error, Item, Query, Recommender, Scored};

use elsewhere::Elsewhere;

pub use crate::factors::Newcomer;

/// Version 2 may have a map from vectors behind what version 1 has.
const KIND: Kind = Kind { name: "tastes", version: 2 };

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
    latent: Arc<Latent>,
    mapping: Mapping,
    /// How long the factors of a newcomer are.
    standing: Option<f32>,
    /// For products with a vector from elsewhere.
    elsewhere: Elsewhere,
}

impl Tastes {
    /// Learns from what each customer took, and from the products of the catalog, in any order.
    pub fn fit<'a>(
        customers: &[Basket],
        products: impl Iterator<Item = (Item, &'a Product)> + Clone,
        settings: &TasteSettings,
    ) -> Self {
        Self::fit_beside(customers, products, &NamedVectors::default(), settings)
    }

    /// The same with vectors from elsewhere, by the products' ids, beside what the shop says of them.
    pub fn fit_beside<'a>(
        customers: &[Basket],
        products: impl Iterator<Item = (Item, &'a Product)> + Clone,
        vectors: &NamedVectors,
        settings: &TasteSettings,
    ) -> Self {
        let mut factors = Factors::fit_ials(customers, &settings.factors);
        let latent = Latent::fit(products.clone().map(|(_, product)| product), &settings.content);
        let mut takers = vec![0; factors.size()];
        for (item, _) in customers.iter().flatten() {
            if let Some(takers) = takers.get_mut(item.index()) {
                *takers += 1;
            }
        }
        let mut seen = ItemVectors::new(latent.dimensions() + vectors.dimensions());
        for (item, product) in products.clone() {
            if let Some(vector) = vectors.of(product.id.as_str()) {
                seen.set(item, &elsewhere::content_of(product, &latent, vector));
            }
        }
        let by_vector = Elsewhere::fit(&seen, &factors, &takers, &settings.mapping);
        let mut words = latent.vectors(products.clone());
        let mapping = Mapping::fit(&words, &factors, &takers, &settings.mapping);
        let standing = Mapping::standing(&factors, &settings.mapping);
        let mut places = Vec::new();
        if let Some(by_vector) = &by_vector {
            places = by_vector.places(&seen, &takers, &settings.mapping, &factors);
            let nothing = vec![0.0; words.dimensions()];
            for (item, _) in &places {
                if words.of(*item).is_some() {
                    words.set(*item, &nothing);
                }
            }
        }
        if let Some(mapping) = &mapping {
            places.extend(mapping.places(&words, &takers, &settings.mapping, &factors));
        }
        places.iter().for_each(|(item, place)| factors.set_vector(*item, place));
        let elsewhere = by_vector.map(|by_vector| {
            let known: FxHashSet<&str> = products.map(|(_, product)| product.id.as_str()).collect();
            Elsewhere::new(by_vector, vectors.only(|name| !known.contains(name)))
        });
        Self {
            factors,
            latent: Arc::new(latent),
            mapping: mapping.unwrap_or_default(),
            standing,
            elsewhere: elsewhere.unwrap_or_default(),
        }
    }

    /// What the words of the catalog mean.
    pub const fn latent(&self) -> &Arc<Latent> {
        &self.latent
    }

    /// It has its place, learned or mapped when the model was fitted.
    pub fn knows(&self, item: Item) -> bool {
        self.factors.vector(item).iter().any(|value| *value != 0.0)
    }

    /// The factors of a product that came later; nothing where it has no vector and none of its words is known.
    pub fn place(&self, product: &Product) -> Option<Arc<[f32]>> {
        if let Some(place) = self.elsewhere.place(product, &self.latent, self.standing) {
            return Some(place.into());
        }
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

    /// How well each of these items suits, newcomers among them; nothing of one without a place. Compares within one answer only.
    pub fn suit(&self, newcomers: &[Newcomer], query: &Query<'_>, items: &[Item]) -> Vec<Option<f32>> {
        self.factors.suit(newcomers, query, items)
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        let parts = self.factors.heap_bytes() + self.latent.heap_bytes() + self.mapping.heap_bytes();
        parts + self.elsewhere.heap_bytes()
    }

    /// Bytes for the registry. `name` gives an item's lasting name.
    pub fn encode<N: AsRef<str>>(&self, name: impl Fn(Item) -> N) -> Vec<u8> {
        let mut writer = Writer::model(KIND);
        writer.f32(self.standing.unwrap_or(0.0));
        writer.block(&self.factors.encode(name));
        writer.block(&self.latent.encode());
        writer.block(&self.mapping.encode());
        if !self.elsewhere.is_empty() {
            self.elsewhere.write(&mut writer);
        }
        writer.bytes
    }

    /// Reads a model. Items that `resolve` does not know are left out.
    pub fn decode(bytes: &[u8], resolve: impl Fn(&str) -> Option<Item>) -> Result<Self, Error> {
        let Parts { standing, factors, latent, mapping, elsewhere } = wire::decode(KIND, bytes, Parts::read)?;
        let (factors, latent) = (Factors::decode(factors, resolve)?, Latent::decode(latent)?);
        let mapping = Mapping::decode(mapping)?;
        let elsewhere = elsewhere.map(Elsewhere::decode).transpose()?.unwrap_or_default();
        let (words, dimensions) = (latent.dimensions(), factors.dimensions());
        if (mapping.is_empty() || mapping.fits(words, dimensions))
            && (elsewhere.is_empty() || elsewhere.fits(words, dimensions))
        {
            return Ok(Self { factors, latent: Arc::new(latent), mapping, standing, elsewhere });
        }
        Err(Error::BrokenModel { model: KIND.name, reason: "its parts are not of one model" })
    }
}

/// A model's bytes, taken apart.
struct Parts<'a> {
    standing: Option<f32>,
    factors: &'a [u8],
    latent: &'a [u8],
    mapping: &'a [u8],
    elsewhere: Option<(&'a [u8], NamedVectors)>,
}

impl<'a> Parts<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Reason> {
        let standing = Some(reader.f32()?).filter(|standing| *standing > 0.0);
        let (factors, latent, mapping) = (reader.block()?, reader.block()?, reader.block()?);
        let elsewhere = if reader.is_at_end() { None } else { Some(Elsewhere::read(reader)?) };
        Ok(Self { standing, factors, latent, mapping, elsewhere })
    }
}

/// What the seeds or, without seeds, the history calls for.
impl Recommender for Tastes {
    fn recommend(&self, query: &Query<'_>, limit: usize) -> Vec<Scored> {
        self.factors.recommend(query, limit)
    }
}

#[cfg(test)]
mod tests {
    use mercer_schema::ProductId;

    use super::*;

    fn product(name: &str) -> Product {
        Product::new(ProductId::trusted(name), format!("word{name}"))
    }

    /// Two tastes, items of even and of odd numbers. No word is in two titles; the vectors tell the tastes apart.
    fn shop() -> (Vec<Basket>, Vec<Product>, NamedVectors) {
        let basket = |customer: u32| {
            (0..6).map(|step| (Item((customer % 2 + 2 * (customer / 2 + step * 7)) % 60), 1.0)).collect()
        };
        let products: Vec<Product> = (0..62).map(|number| product(&number.to_string())).collect();
        // 60 and 61 are new in the catalog; 62 and 63 are not in it yet.
        let vector = |number: u32| format!("\"{number}\": [{}, {}]", 1 - number % 2, number % 2);
        let text = format!("{{{}}}", (0..64).map(vector).collect::<Vec<_>>().join(", "));
        ((0..120).map(basket).collect(), products, NamedVectors::read(&text).unwrap())
    }

    fn fitted(vectors: &NamedVectors) -> Tastes {
        let (baskets, products, _) = shop();
        let settings = TasteSettings {
            factors: IalsSettings { dimensions: 8, ..IalsSettings::default() },
            content: LatentSettings { least_products: 1, dimensions: 16, ..LatentSettings::default() },
            ..TasteSettings::default()
        };
        Tastes::fit_beside(&baskets, (0..).map(Item).zip(&products), vectors, &settings)
    }

    /// The items that are proposed to who likes even ones.
    fn even(tastes: &Tastes, newcomers: &[Newcomer]) -> Vec<u32> {
        let query = Query { history: &[(Item(0), 1.0), (Item(2), 1.0), (Item(4), 1.0)], ..Query::default() };
        tastes.recommend_beside(newcomers, &query, 30).into_iter().map(|scored| scored.item.0).collect()
    }

    #[test]
    fn a_vector_gives_a_product_without_sales_its_place() {
        let (_, _, vectors) = shop();
        let tastes = fitted(&vectors);
        let found = even(&tastes, &[]);
        assert!(found.contains(&60) && !found.contains(&61), "{found:?}");
        let newcomers: Vec<Newcomer> =
            [62, 63].map(|number| (Item(number), tastes.place(&product(&number.to_string())).unwrap())).into();
        let found = even(&tastes, &newcomers);
        assert!(found.contains(&62) && !found.contains(&63), "{found:?}");
        let stranger = Product::new(ProductId::trusted("64"), "zeppelin");
        assert_eq!(tastes.place(&stranger), None, "neither its words nor a vector are known");
    }

    #[test]
    fn bytes_hold_the_vectors_of_what_is_to_come_and_older_ones_are_read() {
        let (_, _, vectors) = shop();
        let name = |item: Item| item.0.to_string();
        let resolve = |name: &str| name.parse().ok().map(Item);
        for vectors in [vectors, NamedVectors::default()] {
            let tastes = fitted(&vectors);
            let bytes = tastes.encode(name);
            assert_eq!(Tastes::decode(&bytes, resolve).as_ref(), Ok(&tastes));
            for cut in (0..bytes.len()).step_by(7) {
                let without_vectors = Tastes::decode(&bytes[..cut], resolve);
                assert!(without_vectors.is_err() || !vectors.is_empty(), "{cut}");
            }
        }
        // What version 1 wrote ends where the map of the words does.
        let mut older = fitted(&NamedVectors::default()).encode(name);
        let version = 4 + 4 + KIND.name.len();
        older[version] = 1;
        assert!(Tastes::decode(&older, resolve).is_ok());
    }

    #[test]
    fn too_few_vectors_are_as_good_as_none() {
        let (_, _, vectors) = shop();
        let few = vectors.only(|name| name.len() < 2);
        assert_eq!(fitted(&few), fitted(&NamedVectors::default()));
    }
}
