//! The products of the shop, with a dense number for each product id that the log ever mentioned.
//!
//! A number, once given, never changes and never names another product: models and indexes are built on it.
//! The maps are persistent: a clone costs nothing and stays as it is while the original goes on. Words are not
//! searched here; that is the search crate's.

mod index;
mod pieces;
mod shelves;

use std::sync::{Arc, OnceLock};

use imbl::shared_ptr::DefaultSharedPtr;
use imbl::{GenericHashMap, OrdSet};
use mercer_persistent::Pages;
use mercer_recommend::Item;
use mercer_schema::{Product, ProductId, Timestamp};
use rustc_hash::FxBuildHasher;

use index::Index;
pub(crate) use shelves::Shelf;

/// Products by id and by number, newest first, by category, brand and group.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    entries: Pages<Entry>,
    numbers: GenericHashMap<ProductId, Item, FxBuildHasher, DefaultSharedPtr>,
    index: Index,
    changed: OrdSet<Item>,
    /// Counted when somebody asks; another cell with each change, so that clones may share it.
    shelves: Arc<OnceLock<Arc<[Shelf]>>>,
}

/// What stands under one number.
#[derive(Debug, Clone)]
struct Entry {
    id: ProductId,
    /// When the product was first saved; kept when it is removed, so that a comeback does not make it new.
    since: Option<Timestamp>,
    product: Option<Arc<Product>>,
}

/// A category with everything below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CategoryCount {
    /// From the widest to this one.
    pub path: Vec<String>,
    pub products: usize,
}

impl Catalog {
    /// Puts a product in or replaces it. `now` counts as its birthday when it is new.
    pub fn save(&mut self, product: Arc<Product>, now: Timestamp) -> Item {
        let item = self.mention(&product.id);
        let Some(entry) = self.entries.get_mut(item.0 as usize) else { return item };
        let since = *entry.since.get_or_insert(now);
        if let Some(previous) = &entry.product {
            self.index.remove(item, previous, since);
        }
        self.index.insert(item, &product, since);
        entry.product = Some(product);
        self.shelves = Arc::default();
        self.changed.insert(item);
        item
    }

    /// Takes a product out; its number stays its own. `None` when it was not in.
    pub fn remove(&mut self, id: &ProductId) -> Option<Item> {
        let item = self.item(id)?;
        let entry = self.entries.get_mut(item.0 as usize)?;
        let product = entry.product.take()?;
        self.index.remove(item, &product, entry.since.unwrap_or_default());
        self.shelves = Arc::default();
        self.changed.insert(item);
        Some(item)
    }

    /// The number of an id, given now if it has none: events may name products before the catalog does.
    pub fn mention(&mut self, id: &ProductId) -> Item {
        if let Some(item) = self.numbers.get(id) {
            return *item;
        }
        let item = Item(self.entries.len() as u32);
        self.entries.push(Entry { id: id.clone(), since: None, product: None });
        self.numbers.insert(id.clone(), item);
        self.changed.insert(item);
        item
    }

    pub fn item(&self, id: &ProductId) -> Option<Item> {
        self.numbers.get(id).copied()
    }

    pub fn id(&self, item: Item) -> Option<&ProductId> {
        self.entries.get(item.0 as usize).map(|entry| &entry.id)
    }

    pub fn product(&self, item: Item) -> Option<&Arc<Product>> {
        self.entries.get(item.0 as usize)?.product.as_ref()
    }

    pub fn get(&self, id: &ProductId) -> Option<&Arc<Product>> {
        self.product(self.item(id)?)
    }

    /// When the product was first saved.
    pub fn since(&self, item: Item) -> Option<Timestamp> {
        self.entries.get(item.0 as usize)?.since
    }

    /// Products that are in.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    pub fn is_empty(&self) -> bool {
        self.index.len() == 0
    }

    /// Numbers given so far, also to products that are not in.
    pub fn mentioned(&self) -> usize {
        self.entries.len()
    }

    /// Every product that is in, by number.
    pub fn products(&self) -> impl Iterator<Item = (Item, &Arc<Product>)> + Clone {
        self.entries
            .iter()
            .enumerate()
            .filter_map(|(number, entry)| Some((Item(number as u32), entry.product.as_ref()?)))
    }

    /// Newest first; of products saved at the same moment, the one mentioned first.
    pub fn newest(&self) -> impl Iterator<Item = Item> {
        self.index.newest()
    }

    /// The products that share a group, by number.
    pub fn siblings(&self, group_id: &str) -> impl Iterator<Item = Item> {
        self.index.group(group_id).into_iter().flatten().copied()
    }

    /// The products that name this category at any level, by number.
    pub fn in_category(&self, name: &str) -> impl Iterator<Item = Item> {
        self.index.category(name).into_iter().flatten().copied()
    }

    /// The products of a brand, by number.
    pub fn of_brand(&self, name: &str) -> impl Iterator<Item = Item> {
        self.index.brand(name).into_iter().flatten().copied()
    }

    /// Every category path with the products in and below it, parents before children.
    pub fn categories(&self) -> impl Iterator<Item = CategoryCount> {
        self.index.paths().map(|(path, products)| CategoryCount { path: path.clone(), products: *products })
    }

    pub(crate) fn category_members(&self, name: &str) -> Option<&OrdSet<Item>> {
        self.index.category(name)
    }

    pub(crate) fn brand_members(&self, name: &str) -> Option<&OrdSet<Item>> {
        self.index.brand(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn product(id: &str, path: &[&str]) -> Arc<Product> {
        let mut product = Product::new(ProductId::trusted(id), id);
        product.category = path.iter().map(|name| (*name).to_owned()).collect();
        Arc::new(product)
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_seconds(second)
    }

    #[test]
    fn numbers_follow_first_mention_and_never_move() {
        let mut catalog = Catalog::default();
        assert_eq!(catalog.mention(&ProductId::trusted("seen")), Item(0));
        assert_eq!(catalog.save(product("new", &[]), at(1)), Item(1));
        assert_eq!(catalog.save(product("seen", &[]), at(2)), Item(0));
        assert_eq!(catalog.remove(&ProductId::trusted("new")), Some(Item(1)));
        assert_eq!(catalog.remove(&ProductId::trusted("new")), None);
        assert_eq!(catalog.save(product("new", &[]), at(9)), Item(1));
        assert_eq!(catalog.since(Item(1)), Some(at(1)), "a comeback is not new");
        assert_eq!(catalog.newest().collect::<Vec<_>>(), [Item(0), Item(1)]);
    }

    #[test]
    fn categories_count_what_is_in_and_below_them() {
        let mut catalog = Catalog::default();
        catalog.save(product("a", &["Home", "Kitchen"]), at(1));
        catalog.save(product("b", &["Home", "Garden"]), at(1));
        catalog.save(product("c", &["Home"]), at(1));
        catalog.save(product("b", &["Home", "Kitchen"]), at(2));
        catalog.remove(&ProductId::trusted("c"));
        let counts: Vec<_> = catalog.categories().map(|count| (count.path.join(" > "), count.products)).collect();
        assert_eq!(counts, [("Home".to_owned(), 2), ("Home > Kitchen".to_owned(), 2)]);
        assert_eq!(catalog.in_category("Kitchen").collect::<Vec<_>>(), [Item(0), Item(1)]);
        assert_eq!(catalog.in_category("Garden").count(), 0);
    }

    /// A random change to a catalog of a dozen products.
    #[derive(Debug, Clone)]
    enum Change {
        Save { product: u8, category: u8, group: u8 },
        Remove(u8),
        Mention(u8),
        Drain,
    }

    fn change() -> impl Strategy<Value = Change> {
        prop_oneof![
            4 => (0..12_u8, 0..4_u8, 0..3_u8).prop_map(|(product, category, group)| Change::Save { product, category, group }),
            2 => (0..12_u8).prop_map(Change::Remove),
            1 => (0..12_u8).prop_map(Change::Mention),
            1 => Just(Change::Drain),
        ]
    }

    fn describe(catalog: &Catalog) -> String {
        let entries: Vec<_> =
            (0..catalog.mentioned() as u32).map(Item).map(|item| (catalog.id(item), catalog.since(item))).collect();
        let groups: Vec<Vec<Item>> = ["g0", "g1"].map(|group| catalog.siblings(group).collect()).to_vec();
        let categories: Vec<Vec<Item>> =
            (0..4).map(|name| catalog.in_category(&format!("c{name}")).collect()).collect();
        let brands: Vec<Item> = catalog.of_brand("b1").collect();
        let (newest, paths): (Vec<_>, Vec<_>) = (catalog.newest().collect(), catalog.categories().collect());
        let products: Vec<_> = catalog.products().collect();
        format!("{entries:?} {groups:?} {categories:?} {brands:?} {newest:?} {paths:?} {products:?} {}", catalog.len())
    }

    proptest! {
        #[test]
        fn pieces_restore_exactly_and_clones_stay(changes in prop::collection::vec(change(), 0..60)) {
            let mut catalog = Catalog::default();
            let mut disk = std::collections::BTreeMap::new();
            let mut drain = |catalog: &mut Catalog| {
                for (key, value) in catalog.drain_changes() {
                    match value {
                        Some(value) => disk.insert(key, value),
                        None => disk.remove(&key),
                    };
                }
            };
            for (second, change) in changes.into_iter().enumerate() {
                let before = (catalog.clone(), describe(&catalog));
                match change {
                    Change::Save { product: number, category, group } => {
                        let mut saved = product(&format!("p{number}"), &["top", &format!("c{category}")]).as_ref().clone();
                        saved.group_id = (group > 0).then(|| format!("g{}", group - 1));
                        saved.brand = Some(format!("b{group}"));
                        catalog.save(Arc::new(saved), at(second as i64 / 3));
                    }
                    Change::Remove(number) => drop(catalog.remove(&ProductId::trusted(format!("p{number}")))),
                    Change::Mention(number) => drop(catalog.mention(&ProductId::trusted(format!("p{number}")))),
                    Change::Drain => drain(&mut catalog),
                }
                prop_assert_eq!(describe(&before.0), before.1);
            }
            drain(&mut catalog);
            prop_assert!(catalog.drain_changes().is_empty());
            let restored = Catalog::restore(disk).unwrap();
            prop_assert_eq!(describe(&restored), describe(&catalog));
        }
    }
}
