//! What the shop and the whole row want beside the ranking: objectives, unlike neighbours, the customer's own shares.
//!
//! Scores of a line are points (`w / r`), which fall steeply. Here a candidate that stands at the r-th part of the best
//! one's points is worth 1 / log2(1 + r), as a place is in discounted cumulative gain (Järvelin, Kekäläinen 2002), so
//! that the weights of the other aims mean the same down the row. Fallbacks stay behind the sources.

use std::collections::BTreeMap;

use mercer_recommend::arrange::{self, Calibration, Objective};
use mercer_recommend::{Item, Scored};
use mercer_schema::{Aim, Placement, Product, Rerank, RerankMethod};
use rustc_hash::FxHashMap;

use crate::arrange::Candidate;
use crate::page::PageView;

/// Puts candidates, best first, into the order of all aims together.
pub(crate) fn weigh_aims(page: &PageView<'_>, placement: &Placement, candidates: &mut Vec<Candidate<'_>>) {
    if placement.objectives.is_empty() {
        return;
    }
    let products: FxHashMap<Item, &Product> = products(candidates);
    let values: Vec<_> = placement
        .objectives
        .iter()
        .map(|objective| {
            let products = &products;
            (objective.weight, move |item: Item| value(page, objective.aim, item, products.get(&item)?))
        })
        .collect();
    let objectives: Vec<Objective<'_>> =
        values.iter().map(|(weight, value)| Objective { weight: *weight, value }).collect();
    let before: FxHashMap<Item, usize> =
        (0..).zip(&*candidates).map(|(place, candidate)| (candidate.ranked.item, place)).collect();
    in_tiers(candidates, |scored| arrange::blend(scored, 1.0, &objectives));
    for (place, candidate) in candidates.iter_mut().enumerate() {
        candidate.is_aimed_at = before.get(&candidate.ranked.item).is_some_and(|before| place < *before);
    }
}

/// Puts the first `places` so that they differ and come in the customer's own shares.
pub(crate) fn vary(page: &PageView<'_>, placement: &Placement, places: usize, candidates: &mut Vec<Candidate<'_>>) {
    let diversity = &placement.diversity;
    if let Some(rerank) = diversity.rerank.as_ref().filter(|rerank| rerank.strength > 0.0) {
        // Calibration chooses among them.
        let count = if diversity.calibration.is_some() { 2 * places } else { places };
        in_tiers(candidates, |scored| with_rest(unlike(page, rerank, scored, count), scored));
    }
    if let Some(strength) = diversity.calibration {
        let past = page.person.category_weights(&page.world.catalog, page.now);
        let names: BTreeMap<&str, u32> = (0..).zip(&past).map(|(number, (name, _))| (name.as_str(), number)).collect();
        let past: BTreeMap<u32, f64> = (0..).zip(&past).map(|(number, (_, weight))| (number, *weight)).collect();
        let products = products(candidates);
        let kinds = |item: Item| {
            let names_of = products.get(&item).into_iter().flat_map(|product| product.category.iter().rev());
            let weights = std::iter::successors(Some(1.0), |weight| Some(weight / 2.0));
            // What the past does not have is one kind more.
            names_of
                .zip(weights)
                .map(|(name, weight)| (*names.get(name.as_str()).unwrap_or(&u32::MAX), weight))
                .collect()
        };
        let calibration = Calibration { strength, past: &past };
        in_tiers(candidates, |scored| with_rest(arrange::calibrate(scored, places, calibration, kinds), scored));
    }
}

fn unlike(page: &PageView<'_>, rerank: &Rerank, scored: &[Scored], count: usize) -> Vec<Scored> {
    let likeness = |one: Item, other: Item| {
        if one == other { 1.0 } else { f64::from(page.world.content.likeness(one, other)) }
    };
    let strength = rerank.strength.clamp(0.0, 1.0);
    match rerank.method {
        RerankMethod::Mmr => arrange::mmr(scored, count, 1.0 - strength, likeness),
        RerankMethod::Dpp => arrange::dpp(scored, count, 1.0 - strength, likeness),
        RerankMethod::Spread => {
            // Likeness is summed over those that stand already, half of the row on average.
            let others = (count as f64 / 2.0).max(1.0);
            let price = strength / ((1.0 - strength).max(1e-9) * others);
            arrange::spread(scored, count, 1.0 / (1.0 + price), likeness)
        }
    }
}

/// What was not chosen follows in its order.
fn with_rest(mut chosen: Vec<Scored>, all: &[Scored]) -> Vec<Scored> {
    let held: rustc_hash::FxHashSet<Item> = chosen.iter().map(|scored| scored.item).collect();
    chosen.extend(all.iter().filter(|scored| !held.contains(&scored.item)));
    chosen
}

/// Reorders the candidates of each tier by themselves; those that are given another worth keep it.
fn in_tiers(candidates: &mut Vec<Candidate<'_>>, reorder: impl Fn(&[Scored]) -> Vec<Scored>) {
    let mut ordered = Vec::with_capacity(candidates.len());
    for tier in candidates.chunk_by(|one, other| one.ranked.tier == other.ranked.tier) {
        let best = tier.iter().map(|candidate| candidate.ranked.score).fold(0.0, f64::max);
        let scored: Vec<Scored> = tier
            .iter()
            .map(|Candidate { ranked, .. }| Scored {
                item: ranked.item,
                score: worth(ranked.score, best) as f32,
                because_of: None,
            })
            .collect();
        let places: FxHashMap<Item, usize> = (0..).zip(&scored).map(|(place, scored)| (scored.item, place)).collect();
        for found in reorder(&scored) {
            let Some(place) = places.get(&found.item) else { continue };
            let mut candidate = tier[*place];
            if found.score != scored[*place].score {
                candidate.ranked.score = points(f64::from(found.score), best);
            }
            ordered.push(candidate);
        }
    }
    *candidates = ordered;
}

fn worth(points: f64, best: f64) -> f64 {
    if points > 0.0 { 1.0 / (1.0 + best / points).log2() } else { 0.0 }
}

/// The points that are worth so much: [`worth`] backwards.
fn points(worth: f64, best: f64) -> f64 {
    if worth > 0.0 { best / ((1.0 / worth).exp2() - 1.0) } else { 0.0 }
}

fn products<'a>(candidates: &[Candidate<'a>]) -> FxHashMap<Item, &'a Product> {
    candidates.iter().map(|candidate| (candidate.ranked.item, candidate.product.as_ref())).collect()
}

/// How well a product serves an aim; in any unit, more is better.
fn value(page: &PageView<'_>, aim: Aim, item: Item, product: &Product) -> Option<f64> {
    let number = |name: &str| product.attributes.get(name)?.trim().parse::<f64>().ok();
    match aim {
        Aim::Margin => number("margin"),
        Aim::Stock => number("stock"),
        Aim::Freshness => page.world.catalog.since(item).map(|since| -(page.now.since(since) as f64)),
        Aim::Novelty => Some(1.0 - f64::from(page.world.popularity.score(item))),
        Aim::Discount => {
            let (price, list_price) = (product.price?, product.list_price?);
            (list_price.minor > 0).then(|| 1.0 - price.minor as f64 / list_price.minor as f64)
        }
    }
}
