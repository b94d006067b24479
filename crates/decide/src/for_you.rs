//! The sources that speak of one customer's taste: what is ordered next, what people of that taste take, what follows.
//!
//! *Next* is two stages where a ranker was taught: the next-order model and the tastes propose, and the ranker puts the head of
//! the row in order by everything that is known of products, customer and moment; behind it the next-order model goes on, and
//! behind that the tastes. Without a ranker, and for somebody who has not ordered yet, the next-order model answers alone.

use std::sync::{Arc, PoisonError, RwLock};

use mercer_recommend::hybrid::{self, Hybrid};
use mercer_recommend::interactions::in_sequence;
use mercer_recommend::tastes::{Newcomer, Tastes};
use mercer_recommend::{Context, Item, Query, Recommender, Scored};
use mercer_schema::{Country, Product, Whereabouts};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::{Catalog, Models, World};

/// What the ranker's sources are called, in their order.
pub const RANKED_SOURCES: [&str; 2] = ["next_order", "tastes"];
/// What the ranker sees of where a customer is. The numbers are part of every ranker that was taught: changing them breaks it.
pub fn context_of(whereabouts: &Whereabouts) -> Context {
    Context {
        device: whereabouts.device.map(|device| device as u16),
        place: whereabouts.country.map(Country::number),
        channel: whereabouts.channel.map(|channel| channel as u16),
    }
}

/// Newest products that are looked through for such that came after the fit.
const MOST_NEWCOMERS: usize = 500;
/// So many newest products in a row that a model knows, and the older ones are not looked at.
const KNOWN_IN_A_ROW: usize = 50;

impl World {
    /// What the customer orders next, best first. The query holds what was ordered, and the taste that it shows.
    pub fn orders_next(&self, query: &Query<'_>, limit: usize) -> Vec<Scored> {
        let Models { for_you, tastes, ranker, facts, .. } = &*self.models;
        let depth = ranker.depth().each;
        let is_ranked = ranker.sources() == RANKED_SOURCES && !query.ordered.is_empty();
        let next_order = for_you.recommend(query, if is_ranked { limit.max(depth) } else { limit });
        if !is_ranked {
            return next_order;
        }
        let newcomers = self.models.newcomers.of(tastes, &self.catalog);
        let head = {
            let sources: [&dyn Recommender; 2] = [&Answered(&next_order), &Beside { tastes, newcomers: &newcomers }];
            let sources = hybrid::Sources { models: &sources, facts, catalog: &self.traits };
            Hybrid { sources, ranker }.recommend(query, limit)
        };
        let mut found = head;
        append(&mut found, next_order, limit);
        if found.len() < limit {
            let suiting = tastes.recommend_beside(&newcomers, query, limit);
            append(&mut found, suiting, limit);
        }
        found
    }

    /// The first stage alone: what the next-order model says.
    pub(crate) fn usual(&self, query: &Query<'_>, limit: usize) -> Vec<Scored> {
        self.models.for_you.recommend(query, limit)
    }

    /// How well each of these products suits people of this taste, also such that came after the fit.
    pub(crate) fn suiting(&self, query: &Query<'_>, items: &[Item]) -> Vec<Option<f32>> {
        let newcomers = self.models.newcomers.of(&self.models.tastes, &self.catalog);
        self.models.tastes.suit(&newcomers, query, items)
    }

    /// What usually follows on what the customer ordered; the visit goes for it where nothing was ordered.
    pub fn follows(&self, query: &Query<'_>, limit: usize) -> Vec<Scored> {
        let ordered = in_sequence(query.ordered);
        let session = if ordered.is_empty() { query.session } else { &ordered };
        self.models.sequence.recommend(&Query { session, now: query.now, ..Query::default() }, limit)
    }

    /// What people of this taste take, products that came after the fit included. The query holds the taste.
    pub fn suits(&self, query: &Query<'_>, limit: usize) -> Vec<Scored> {
        let newcomers = self.models.newcomers.of(&self.models.tastes, &self.catalog);
        self.models.tastes.recommend_beside(&newcomers, query, limit)
    }
}

/// Puts behind an answer what another has beside.
fn append(found: &mut Vec<Scored>, others: Vec<Scored>, limit: usize) {
    let known: FxHashSet<Item> = found.iter().map(|scored| scored.item).collect();
    found.extend(others.into_iter().filter(|scored| !known.contains(&scored.item)));
    found.truncate(limit);
}

/// An answer that is known already.
struct Answered<'a>(&'a [Scored]);

impl Recommender for Answered<'_> {
    fn recommend(&self, _: &Query<'_>, limit: usize) -> Vec<Scored> {
        self.0.iter().take(limit).copied().collect()
    }
}

struct Beside<'a> {
    tastes: &'a Tastes,
    newcomers: &'a [Newcomer],
}

impl Recommender for Beside<'_> {
    fn recommend(&self, query: &Query<'_>, limit: usize) -> Vec<Scored> {
        self.tastes.recommend_beside(self.newcomers, query, limit)
    }
}

/// Places of products that came after the fit: worked out from product and model alone, and kept for the next question.
#[derive(Debug, Default)]
pub struct Newcomers(RwLock<FxHashMap<Item, Placed>>);

/// A product with its place, if its words are known.
type Placed = (Arc<Product>, Option<Arc<[f32]>>);

impl Newcomers {
    /// In the order of their numbers.
    fn of(&self, tastes: &Tastes, catalog: &Catalog) -> Vec<Newcomer> {
        let mut known_in_a_row = 0;
        let mut new: Vec<(Item, &Arc<Product>)> = Vec::new();
        for item in catalog.newest().take(MOST_NEWCOMERS) {
            if tastes.knows(item) {
                known_in_a_row += 1;
                if known_in_a_row == KNOWN_IN_A_ROW {
                    break;
                }
            } else {
                known_in_a_row = 0;
                new.extend(catalog.product(item).map(|product| (item, product)));
            }
        }
        new.sort_unstable_by_key(|(item, _)| *item);
        let placed = new.into_iter().map(|(item, product)| (item, self.place(tastes, item, product)));
        placed.filter_map(|(item, place)| Some((item, place?))).collect()
    }

    fn place(&self, tastes: &Tastes, item: Item, product: &Arc<Product>) -> Option<Arc<[f32]>> {
        if let Some((of, place)) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&item)
            && Arc::ptr_eq(of, product)
        {
            return place.clone();
        }
        let place = tastes.place(product);
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.insert(item, (Arc::clone(product), place.clone()));
        place
    }
}
