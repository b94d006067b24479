//! What is counted for facets: every product that matches, where those of a family count as one.
//!
//! A family stands in the list as one product, yet choosing a value finds it when any of its products has that value. So each
//! family counts once for each value, and the count of a value is what choosing it leads to.

use std::collections::hash_map::Entry;

use mercer_schema::{Money, Product};
use mercer_search::{Doc, FacetField, Facets, FieldCounts};
use rustc_hash::{FxHashMap, FxHashSet};

use super::Hit;
use super::narrow::Other;

/// Products that match, and which of them count as one.
pub(super) struct Matching<'a> {
    products: Vec<One<'a>>,
    /// Families of which several products match.
    families: Vec<Vec<Doc>>,
}

struct One<'a> {
    doc: Doc,
    product: &'a Product,
    /// The place of its family among those of which several match.
    family: Option<usize>,
}

/// What was met of a family: one product at this place, or several, and then its number.
#[derive(Clone, Copy)]
enum Met {
    Once(usize),
    Often(usize),
}

impl<'a> Matching<'a> {
    /// Of hits, one of each family, and of the others that match; none counts with others where all stand by themselves.
    pub(super) fn new(hits: &[Hit<'a>], others: &[&[Other<'a>]], is_ungrouped: bool) -> Self {
        let others = others.iter().copied().flatten();
        let mut matching = Self { products: Vec::with_capacity(hits.len()), families: Vec::new() };
        let mut met = FxHashMap::default();
        let may_meet = !is_ungrouped && others.clone().next().is_some();
        let hits = hits.iter().map(|hit| Other { item: hit.item, product: hit.product, is_coded: hit.is_coded });
        for other in hits.chain(others.copied()) {
            // A product of which the code was typed has a place of its own.
            let family = other.product.group_id.as_deref().filter(|_| may_meet && !other.is_coded);
            matching.add(other, family, &mut met);
        }
        matching
    }

    fn add(&mut self, other: Other<'a>, family: Option<&'a str>, met: &mut FxHashMap<&'a str, Met>) {
        let place = self.products.len();
        let doc = Doc(other.item.0);
        let family = family.and_then(|name| match met.entry(name) {
            Entry::Vacant(free) => {
                free.insert(Met::Once(place));
                None
            }
            Entry::Occupied(mut known) => {
                let number = match *known.get() {
                    Met::Once(first) => self.family_of(first),
                    Met::Often(number) => number,
                };
                known.insert(Met::Often(number));
                self.families[number].push(doc);
                Some(number)
            }
        });
        self.products.push(One { doc, product: other.product, family });
    }

    /// A new family, of which this product is the first.
    fn family_of(&mut self, first: usize) -> usize {
        let number = self.families.len();
        self.families.push(vec![self.products[first].doc]);
        self.products[first].family = Some(number);
        number
    }

    /// How many they are, families counted once.
    pub(super) fn len(&self) -> usize {
        self.products.len() - self.families.iter().map(|docs| docs.len() - 1).sum::<usize>()
    }

    /// The prices of those that have one, with the family that counts once.
    pub(super) fn prices(&self) -> Vec<(Money, Option<usize>)> {
        self.products.iter().filter_map(|one| Some((one.product.price?, one.family))).collect()
    }

    /// The values of fields that at least this share of them has and that are meant, families counted once for each value.
    pub(super) fn values<'f>(
        &self,
        facets: &'f Facets,
        share: f64,
        is_meant: impl Fn(&FacetField) -> bool,
    ) -> Vec<FieldCounts<'f>> {
        let alone: Vec<Doc> = self.products.iter().filter(|one| one.family.is_none()).map(|one| one.doc).collect();
        let least = share * self.len() as f64;
        let is_common = |products: u32| products > 0 && f64::from(products) >= least;
        facets.count(&alone, &self.families, |field, products| is_common(products) && is_meant(field))
    }
}

/// How many products these are, each told by its family, of which several count as one.
pub(super) fn distinct(products: impl Iterator<Item = Option<usize>>) -> usize {
    let mut families = FxHashSet::default();
    products.filter(|family| family.is_none_or(|family| families.insert(family))).count()
}
