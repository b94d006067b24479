//! Ways into the catalog: newest, category, brand, group, and counts of category paths.
//!
//! Holds exactly the products that are in; whoever changes a product removes its old form first.

use std::cmp::Reverse;

use imbl::shared_ptr::DefaultSharedPtr;
use imbl::{GenericHashMap, OrdMap, OrdSet};
use mercer_recommend::Item;
use mercer_schema::{Product, Timestamp};
use rustc_hash::FxBuildHasher;

type Groups = GenericHashMap<String, OrdSet<Item>, FxBuildHasher, DefaultSharedPtr>;

#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    newest: OrdSet<(Reverse<Timestamp>, Item)>,
    categories: Groups,
    brands: Groups,
    groups: Groups,
    paths: OrdMap<Vec<String>, usize>,
}

impl Index {
    pub(super) fn insert(&mut self, item: Item, product: &Product, since: Timestamp) {
        self.newest.insert((Reverse(since), item));
        for name in &product.category {
            enter(&mut self.categories, name, item);
        }
        if let Some(brand) = &product.brand {
            enter(&mut self.brands, brand, item);
        }
        if let Some(group) = &product.group_id {
            enter(&mut self.groups, group, item);
        }
        for path in prefixes(product) {
            *self.paths.entry(path.to_vec()).or_insert(0) += 1;
        }
    }

    pub(super) fn remove(&mut self, item: Item, product: &Product, since: Timestamp) {
        self.newest.remove(&(Reverse(since), item));
        for name in &product.category {
            leave(&mut self.categories, name, item);
        }
        if let Some(brand) = &product.brand {
            leave(&mut self.brands, brand, item);
        }
        if let Some(group) = &product.group_id {
            leave(&mut self.groups, group, item);
        }
        for path in prefixes(product) {
            match self.paths.get_mut(path) {
                Some(count) if *count > 1 => *count -= 1,
                _ => drop(self.paths.remove(path)),
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.newest.len()
    }

    pub(super) fn newest(&self) -> impl Iterator<Item = Item> {
        self.newest.iter().map(|(_, item)| *item)
    }

    pub(super) fn category(&self, name: &str) -> Option<&OrdSet<Item>> {
        self.categories.get(name)
    }

    pub(super) fn brand(&self, name: &str) -> Option<&OrdSet<Item>> {
        self.brands.get(name)
    }

    pub(super) fn group(&self, id: &str) -> Option<&OrdSet<Item>> {
        self.groups.get(id)
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = (&Vec<String>, &usize)> {
        self.paths.iter()
    }
}

/// `Home`, `Home > Kitchen`, `Home > Kitchen > Mugs`.
fn prefixes(product: &Product) -> impl Iterator<Item = &[String]> {
    (1..=product.category.len()).filter_map(|length| product.category.get(..length))
}

fn enter(groups: &mut Groups, name: &str, item: Item) {
    match groups.get_mut(name) {
        Some(members) => drop(members.insert(item)),
        None => drop(groups.insert(name.to_owned(), OrdSet::unit(item))),
    }
}

fn leave(groups: &mut Groups, name: &str, item: Item) {
    let Some(members) = groups.get_mut(name) else { return };
    members.remove(&item);
    if members.is_empty() {
        groups.remove(name);
    }
}
