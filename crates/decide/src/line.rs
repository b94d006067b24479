//! The line in which a placement's candidates wait: its sources blended, then its fallbacks one by one.
//!
//! Blending: a source of weight `w` gives its `r`-th proposal the points `w / r`, and a product's score is the sum
//! of its points. So only ranks count, never the scales of different models, as in reciprocal rank fusion
//! (Cormack, Clarke & Büttcher 2009, there with `1 / (60 + r)`); and with `w / r` the weights are shares: of two
//! sources that know different products, weights 2 and 1 fill two places of three and one of three. For that, only
//! what this customer may see takes a rank. A boost by `f` moves a product from rank `r` to where rank `r / f` stands.

use std::collections::hash_map::Entry;
use std::rc::Rc;

use imbl::OrdSet;
use mercer_recommend::Item;
use mercer_schema::{Source, SourceKind};
use rustc_hash::FxHashMap;

use crate::candidates::{Depth, Proposals, Sources};

/// A candidate with its place in the line: first by `tier`, then by `score`, then by number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Ranked {
    pub(crate) item: Item,
    /// 0 for the sources, then one for each fallback.
    pub(crate) tier: usize,
    pub(crate) score: f64,
    /// The source that gave most points.
    pub(crate) source: SourceKind,
    pub(crate) because_of: Option<Item>,
}

impl Ranked {
    pub(crate) fn order(&self, other: &Self) -> std::cmp::Ordering {
        let by_score = || other.score.total_cmp(&self.score);
        self.tier.cmp(&other.tier).then_with(by_score).then_with(|| self.item.cmp(&other.item))
    }
}

/// Gives the line in batches, so that only as many sources are asked as the placement needs.
pub(crate) struct Line<'p> {
    sources: &'p [Source],
    fallback: &'p [SourceKind],
    /// Products that the placement's rule can be true for, when these are known.
    within: Option<&'p OrdSet<Item>>,
    tier: usize,
    depth: Depth,
}

impl<'p> Line<'p> {
    pub(crate) const fn of(
        sources: &'p [Source],
        fallback: &'p [SourceKind],
        within: Option<&'p OrdSet<Item>>,
    ) -> Self {
        Self { sources, fallback, within, tier: 0, depth: Depth::Few }
    }

    /// The next candidates in order. A deeper batch repeats what the one before it held.
    pub(crate) fn next_batch(&mut self, sources: &mut Sources<'_>) -> Option<Vec<Ranked>> {
        loop {
            let single;
            let asked: &[Source] = match self.tier {
                0 => self.sources,
                tier => {
                    single = [Source { kind: *self.fallback.get(tier - 1)?, weight: 1.0 }];
                    &single
                }
            };
            let (tier, depth) = (self.tier, self.depth);
            let lists: Vec<_> = asked.iter().map(|source| sources.ask(source.kind, depth, self.within)).collect();
            let goes_deeper = depth == Depth::Few && lists.iter().any(|list| list.has_more);
            (self.tier, self.depth) = if goes_deeper { (tier, Depth::Many) } else { (tier + 1, Depth::Few) };
            let batch = blend(asked, &lists, tier);
            if !batch.is_empty() {
                return Some(batch);
            }
        }
    }
}

fn blend(asked: &[Source], lists: &[Rc<Proposals>], tier: usize) -> Vec<Ranked> {
    let most = lists.iter().map(|list| list.best_first.len()).sum();
    let mut batch: Vec<Ranked> = Vec::with_capacity(most);
    let mut places: FxHashMap<Item, (usize, f64)> = FxHashMap::default();
    if asked.len() > 1 {
        places.reserve(most);
    }
    for (source, list) in asked.iter().zip(lists) {
        let mut rank = 1_u32;
        for proposal in &list.best_first {
            let points = source.weight / f64::from(rank);
            rank += u32::from(proposal.has_rank);
            let fresh = Ranked {
                item: proposal.item,
                tier,
                score: points,
                source: source.kind,
                because_of: proposal.because_of,
            };
            if asked.len() == 1 {
                batch.push(fresh);
                continue;
            }
            match places.entry(proposal.item) {
                Entry::Vacant(entry) => {
                    entry.insert((batch.len(), points));
                    batch.push(fresh);
                }
                Entry::Occupied(mut entry) => {
                    let (place, most_points) = entry.get_mut();
                    let Some(known) = batch.get_mut(*place) else { continue };
                    known.score += points;
                    if points > *most_points {
                        *most_points = points;
                        (known.source, known.because_of) = (fresh.source, fresh.because_of);
                    }
                }
            }
        }
    }
    if asked.len() > 1 {
        batch.sort_unstable_by(Ranked::order);
    }
    batch
}
