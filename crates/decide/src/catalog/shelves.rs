//! The categories in which something can be bought, with what is there: counted when somebody asks, and kept until a product changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use mercer_recommend::Item;
use mercer_schema::Product;
use rustc_hash::FxHashSet;

use super::Catalog;

/// A category in which something can be bought, in and below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shelf {
    /// From the widest to this one.
    pub(crate) path: Vec<String>,
    /// What a walk through it finds, sold out or not; families count once.
    pub(crate) products: usize,
    /// The first of them with a picture, by number.
    pub(crate) pictured: Option<Item>,
}

#[derive(Default)]
struct Counting<'a> {
    products: usize,
    families: FxHashSet<&'a str>,
    /// Something of it can be bought.
    is_open: bool,
    pictured: Option<Item>,
}

impl Catalog {
    /// By path, parents before children.
    pub(crate) fn shelves(&self) -> Arc<[Shelf]> {
        Arc::clone(self.shelves.get_or_init(|| count(self.products())))
    }
}

fn count<'a>(products: impl Iterator<Item = (Item, &'a Arc<Product>)>) -> Arc<[Shelf]> {
    let mut counts: BTreeMap<&[String], Counting<'a>> = BTreeMap::new();
    for (item, product) in products {
        for path in (1..=product.category.len()).filter_map(|length| product.category.get(..length)) {
            let counting = counts.entry(path).or_default();
            let is_new = product.group_id.as_deref().is_none_or(|family| counting.families.insert(family));
            counting.products += usize::from(is_new);
            counting.is_open |= product.is_buyable();
            if product.image_url.is_some() && product.is_buyable() {
                counting.pictured.get_or_insert(item);
            }
        }
    }
    let shelf = |(path, counting): (&[String], Counting<'a>)| Shelf {
        path: path.to_vec(),
        products: counting.products,
        pictured: counting.pictured,
    };
    counts.into_iter().filter(|(_, counting)| counting.is_open).map(shelf).collect()
}
