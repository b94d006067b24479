//! What clicks say of the hits of a search, beside its words; and what a search teaches.
//!
//! Who searches *light* and clicks fairy lights wants a kind of thing: a category that is clicked more often than its words say
//! speaks for all of its hits, within bounds, until they have clicks of their own.

use std::sync::Arc;

use mercer_schema::{ProductId, SearchRecord, SearchSettings, SearchSort, Timestamp};
use mercer_search::{Learned, Placed, common_form};
use rustc_hash::FxHashMap;

use super::Hit;
use crate::World;

/// Expected clicks on a category that what the words say weighs as much as, and how much it may change at most.
const CATEGORY_DOUBT: f64 = 10.0;
const CATEGORY_AT_MOST: f64 = 1.5;

/// What is known of the query; nothing where nobody searched for it yet or the shop does not want it.
pub(super) struct Clicked<'a>(Option<OfQuery<'a>>);

struct OfQuery<'a> {
    products: Learned<'a>,
    /// How much better the hits of a category are than their words say.
    categories: FxHashMap<&'a str, f64>,
}

impl<'a> Clicked<'a> {
    /// Of hits that know how well they fit.
    pub(super) fn new(world: &'a World, settings: &SearchSettings, query: &str, hits: &[Hit<'a>]) -> Self {
        let query = common_form(query).filter(|_| settings.learn_from_clicks);
        let learned = query.and_then(|query| world.clicks.of(&query));
        Self(learned.map(|learned| {
            let fits: FxHashMap<u32, f64> = hits.iter().map(|hit| (hit.item.0, hit.fit)).collect();
            let products = learned.scaled(|item| fits.get(&item).copied());
            OfQuery { products, categories: by_category(products, hits) }
        }))
    }

    /// How good a hit is, and how unsure that is.
    pub(super) fn relevance(&self, hit: &Hit<'_>) -> (f64, f64) {
        let Some(OfQuery { products, categories }) = &self.0 else { return (hit.fit, 0.0) };
        let category = hit.product.leaf_category().and_then(|category| categories.get(category));
        products.relevance(hit.item.0, hit.fit * category.copied().unwrap_or(1.0))
    }
}

/// Clicks over expected clicks of all hits of a category.
fn by_category<'a>(products: Learned<'_>, hits: &[Hit<'a>]) -> FxHashMap<&'a str, f64> {
    let mut sums: FxHashMap<&str, (f64, f64)> = FxHashMap::default();
    for hit in hits {
        if let Some(category) = hit.product.leaf_category()
            && let Some((clicks, expected)) = products.clicks_and_expected(hit.item.0, hit.fit)
        {
            let sum = sums.entry(category).or_default();
            *sum = (sum.0 + clicks, sum.1 + expected);
        }
    }
    let ratio = |(clicks, expected): (f64, f64)| (clicks + CATEGORY_DOUBT) / (expected + CATEGORY_DOUBT);
    let within = |ratio: f64| ratio.clamp(1.0 / CATEGORY_AT_MOST, CATEGORY_AT_MOST);
    sums.into_iter().map(|(category, sum)| (category, within(ratio(sum)))).collect()
}

impl World {
    /// Learns what the first page of a search showed, before anything of it can be clicked.
    pub fn learn_what_was_shown(&mut self, search: &SearchRecord) {
        if search.request.sort != SearchSort::Relevance {
            return;
        }
        let Some(query) = common_form(&search.request.q) else { return };
        let catalog = &self.catalog;
        let page = search.product_ids.iter().enumerate().filter_map(|(number, id)| {
            let is_by_chance = search.explored == Some(number);
            Some(Placed { item: catalog.item(id)?.0, place: number + 1, is_by_chance })
        });
        self.clicks.shown(&Arc::from(query), page, search.decided_at);
    }

    /// Learns that a product was clicked which the first page of a search showed at a place, from 1.
    pub fn learn_what_was_clicked(
        &mut self,
        query: &Arc<str>,
        (id, place): (&ProductId, usize),
        is_by_chance: bool,
        at: Timestamp,
    ) {
        if let Some(item) = self.catalog.item(id) {
            self.clicks.clicked(query, Placed { item: item.0, place, is_by_chance }, at);
        }
    }
}
