//! What clicks say of the hits of a search, beside its words; and what a search teaches.

use std::sync::Arc;

use mercer_schema::{ProductId, SearchRecord, SearchSettings, SearchSort, Timestamp};
use mercer_search::{Learned, Placed, common_form};
use rustc_hash::FxHashMap;

use super::Hit;
use crate::World;

/// What is known of the query; nothing where nobody searched for it yet or the shop does not want it.
pub(super) struct Clicked<'a>(Option<Learned<'a>>);

impl<'a> Clicked<'a> {
    /// Of hits that know how well they fit.
    pub(super) fn new(world: &'a World, settings: &SearchSettings, query: &str, hits: &[Hit<'_>]) -> Self {
        let query = common_form(query).filter(|_| settings.learn_from_clicks);
        let learned = query.and_then(|query| world.clicks.of(&query));
        Self(learned.map(|learned| {
            let fits: FxHashMap<u32, f64> = hits.iter().map(|hit| (hit.item.0, hit.fit)).collect();
            learned.scaled(|item| fits.get(&item).copied())
        }))
    }

    /// How good a hit is, and how unsure that is.
    pub(super) fn relevance(&self, hit: &Hit<'_>) -> (f64, f64) {
        self.0.map_or((hit.fit, 0.0), |learned| learned.relevance(hit.item.0, hit.fit))
    }
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
