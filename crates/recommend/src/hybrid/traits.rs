//! What the shop says about its items, as numbers.

use std::collections::BTreeMap;

use mercer_schema::Product;

use crate::Item;

/// One item; whatever is not known is left out.
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
    pub is_buyable: Option<bool>,
}

/// The traits of all items, by item number.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Catalog {
    items: Vec<Traits>,
}

impl Catalog {
    pub const fn new(items: Vec<Traits>) -> Self {
        Self { items }
    }

    /// Names get numbers by first mention.
    pub fn of_products<'a>(products: impl IntoIterator<Item = (Item, &'a Product)>) -> Self {
        let (mut catalog, mut names) = (Self::default(), BTreeMap::new());
        for (item, product) in products {
            let mut number = |kind: &'static str, name: &str| {
                let next = names.len() as u32;
                *names.entry((kind, name.to_lowercase())).or_insert(next)
            };
            let traits = Traits {
                price: product.price.map(|price| price.minor as f32),
                list_price: product.list_price.map(|price| price.minor as f32),
                category: product.leaf_category().map(|name| number("category", name)),
                department: product.category.first().map(|name| number("category", name)),
                brand: product.brand.as_deref().map(|name| number("brand", name)),
                attributes: product
                    .attributes
                    .iter()
                    .map(|(name, value)| number("attribute", &format!("{name}={value}")))
                    .collect(),
                is_buyable: Some(product.is_buyable()),
            };
            if item.index() >= catalog.items.len() {
                catalog.items.resize(item.index() + 1, Traits::default());
            }
            catalog.items[item.index()] = traits;
        }
        catalog
    }

    /// Where stock is not that of the moment asked about, it is better not known.
    #[must_use]
    pub fn without_stock(mut self) -> Self {
        self.items.iter_mut().for_each(|traits| traits.is_buyable = None);
        self
    }

    pub(super) fn of(&self, item: Item) -> Option<&Traits> {
        self.items.get(item.index())
    }
}
