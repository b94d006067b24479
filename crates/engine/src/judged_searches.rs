//! How good searches are by what people judged, as the shop's settings stand and as they could be.
//!
//! Asked as a customer sees it: one product of each family, rules and synonyms of the shop, without chance. Nothing here is
//! counted or logged.

use std::collections::BTreeSet;
use std::sync::Arc;

use mercer_decide::World;
use mercer_recommend::evaluate::mean_interval;
use mercer_schema::{DecisionId, ProductId, SearchAnswer, SearchRequest, Timestamp, Visitor};
use mercer_search::evaluate::{DEPTH, Judgments as Judged, evaluate};
use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use crate::fold::Snapshot;
use crate::statistics::Estimate;

/// Products of a list that are judged, and measured.
const TOP: usize = 10;
const ROUNDS: usize = 2_000;
const SEED: u64 = 1;

/// A way to search, to be compared with the one in force.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SearchVariant {
    pub strength: f64,
    pub learn_from_clicks: bool,
    /// As if the shop had no rules.
    pub without_rules: bool,
}

impl SearchVariant {
    /// As customers search now.
    pub const fn live(world: &World) -> Self {
        let settings = world.search_settings;
        Self { strength: settings.strength, learn_from_clicks: settings.learn_from_clicks, without_rules: false }
    }

    /// The same world, searched this way.
    #[must_use]
    pub fn of(&self, world: &World) -> World {
        let mut world = world.clone();
        world.search_settings.strength = self.strength.clamp(0.0, 2.0);
        world.search_settings.learn_from_clicks = self.learn_from_clicks;
        if self.without_rules {
            world.search_rules = Arc::default();
        }
        world
    }
}

/// The first ten, as this visitor sees them.
pub fn best_ten(world: &World, q: &str, visitor: &Visitor, now: Timestamp) -> SearchAnswer {
    answer(world, q, visitor, TOP, now)
}

fn answer(world: &World, q: &str, visitor: &Visitor, limit: usize, now: Timestamp) -> SearchAnswer {
    let request = SearchRequest {
        q: q.to_owned(),
        customer: visitor.customer_id.clone(),
        anonymous_id: visitor.anonymous_id.clone(),
        limit: Some(limit),
        facets: Some(0),
        fields: vec!["id".to_owned()],
        dry_run: true,
        ..SearchRequest::default()
    };
    mercer_decide::search(world, &request, DecisionId::trusted("judged"), now)
}

/// What is to be judged for a query: the first ten of every way to search together (pooling, as TREC does), in an order that
/// says nothing of which way found them, and that is another one for another judge.
pub fn pool(ways: &[&World], q: &str, by: &str, now: Timestamp) -> Vec<ProductId> {
    let nobody = Visitor::default();
    let found: BTreeSet<ProductId> =
        ways.iter().flat_map(|world| best_ten(world, q, &nobody, now).items).map(|item| item.product_id).collect();
    let mut shuffled: Vec<ProductId> = found.into_iter().collect();
    shuffled.sort_by_cached_key(|id| xxh3_64(format!("{q}\n{by}\n{id}").as_bytes()));
    shuffled
}

/// How good one way to search is, over all queries of which a product was judged relevant.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Measured {
    pub queries: usize,
    /// nDCG@10, with what nobody judged as not relevant.
    pub ndcg: Estimate,
    /// nDCG@10 of the list without what nobody judged.
    pub condensed: Estimate,
    /// The mean share of the first ten that was judged.
    pub judged: f64,
}

/// A query, and its nDCG@10 both ways.
#[derive(Debug, Clone, PartialEq)]
pub struct Gain {
    pub query: String,
    pub a: f64,
    pub b: f64,
}

/// Two ways to search, measured by the same queries.
#[derive(Debug, Clone, PartialEq)]
pub struct QualityCompared {
    pub a: Measured,
    pub b: Measured,
    /// nDCG@10 of b less that of a, by query.
    pub difference: Estimate,
    pub condensed_difference: Estimate,
    /// Of all queries, what gains most from b first.
    pub gains: Vec<Gain>,
}

/// One way to search, measured for a visitor.
pub fn measured(snapshot: &Snapshot, world: &World, visitor: &Visitor, now: Timestamp) -> Measured {
    Lists::new(&snapshot.judgments.as_judged(), world, visitor, now).measured()
}

impl QualityCompared {
    /// The way in force and another one.
    pub fn new(snapshot: &Snapshot, other: &SearchVariant, visitor: &Visitor, now: Timestamp) -> Self {
        let judgments = snapshot.judgments.as_judged();
        let a = Lists::new(&judgments, &snapshot.world, visitor, now);
        let b = Lists::new(&judgments, &other.of(&snapshot.world), visitor, now);
        let paired = |a: &[f64], b: &[f64]| {
            let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| b - a).collect();
            interval(&differences)
        };
        let values = a.queries.iter().zip(a.ndcg.iter().zip(&b.ndcg));
        let mut gains: Vec<Gain> = values.map(|(query, (a, b))| Gain { query: query.clone(), a: *a, b: *b }).collect();
        gains.sort_by(|one, other| (other.b - other.a).total_cmp(&(one.b - one.a)).then(one.query.cmp(&other.query)));
        Self {
            difference: paired(&a.ndcg, &b.ndcg),
            condensed_difference: paired(&a.condensed, &b.condensed),
            a: a.measured(),
            b: b.measured(),
            gains,
        }
    }
}

/// What one way to search found for every judged query with a relevant product, and what that is worth.
struct Lists {
    queries: Vec<String>,
    ndcg: Vec<f64>,
    condensed: Vec<f64>,
    judged: f64,
}

impl Lists {
    fn new(judgments: &Judged, world: &World, visitor: &Visitor, now: Timestamp) -> Self {
        let is_worth = |query: &&String| judgments[*query].values().any(|grade| *grade > 0);
        let queries: Vec<String> = judgments.keys().filter(is_worth).cloned().collect();
        let ids = |query: &String| -> Vec<String> {
            let found = answer(world, query, visitor, DEPTH, now).items;
            found.into_iter().map(|item| item.product_id.to_string()).collect()
        };
        let lists: Vec<Vec<String>> = queries.par_iter().map(ids).collect();
        let share = |(query, list): (&String, &Vec<String>)| {
            let top = &list[..list.len().min(TOP)];
            let known = top.iter().filter(|id| judgments[query].contains_key(*id)).count();
            known as f64 / top.len().max(1) as f64
        };
        let judged = queries.iter().zip(&lists).map(share).sum::<f64>() / queries.len().max(1) as f64;
        let mut lists = lists.into_iter();
        // It asks for the same queries in the same order.
        let quality = evaluate(judgments, |query| Some(query.to_owned()), |_| lists.next().unwrap_or_default());
        Self { queries, ndcg: quality.ndcg, condensed: quality.condensed_ndcg, judged }
    }

    fn measured(&self) -> Measured {
        Measured {
            queries: self.queries.len(),
            ndcg: interval(&self.ndcg),
            condensed: interval(&self.condensed),
            judged: self.judged,
        }
    }
}

/// Over resampled queries, 95 %.
fn interval(values: &[f64]) -> Estimate {
    let found = mean_interval(values, ROUNDS, SEED);
    Estimate { mean: found.mean, low: found.low, high: found.high }
}
