//! What the shop says about its items, as numbers.

use std::sync::Arc;

use mercer_schema::Product;

use crate::Item;
use crate::content::hash;
use crate::folds::Map;

/// One item; whatever is not known is left out. Names are hashed, so that the same name is the same number everywhere.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Traits {
    /// In any unit, the same for all items.
    pub price: Option<f32>,
    /// The price before a reduction.
    pub list_price: Option<f32>,
    /// Narrowest and widest category.
    pub category: Option<u32>,
    pub department: Option<u32>,
    pub brand: Option<u32>,
    pub attributes: Vec<u32>,
}

impl Traits {
    /// Stock is not among them: what is in stock now says what was sold lately, which no lesson may know.
    pub fn of(product: &Product) -> Self {
        let number = |kind: &str, name: &str| hash(&[kind, &name.trim().to_lowercase()]) as u32;
        let category = |name: &str| number("category", name);
        Self {
            price: product.price.map(|price| price.minor as f32),
            list_price: product.list_price.map(|price| price.minor as f32),
            category: product.leaf_category().map(category),
            department: product.category.first().map(|name| category(name)),
            brand: product.brand.as_deref().map(|name| number("brand", name)),
            attributes: product.attributes.iter().map(|(name, value)| number(name, value)).collect(),
        }
    }
}

/// The traits of all items. Cloning is cheap, and a clone never changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Catalog {
    items: Map<u32, Arc<Traits>>,
}

impl Catalog {
    /// By item number.
    pub fn new(items: Vec<Traits>) -> Self {
        Self { items: (0..).zip(items.into_iter().map(Arc::new)).collect() }
    }

    pub fn of_products<'a>(products: impl IntoIterator<Item = (Item, &'a Product)>) -> Self {
        let mut catalog = Self::default();
        products.into_iter().for_each(|(item, product)| catalog.upsert(item, product));
        catalog
    }

    /// Puts a product in, or in the place of what the item was before.
    pub fn upsert(&mut self, item: Item, product: &Product) {
        self.items.insert(item.0, Arc::new(Traits::of(product)));
    }

    /// Takes a product out; one that is not there is no matter.
    pub fn remove(&mut self, item: Item) {
        self.items.remove(&item.0);
    }

    pub(super) fn of(&self, item: Item) -> Option<&Traits> {
        self.items.get(&item.0).map(|traits| &**traits)
    }
}
