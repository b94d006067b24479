//! Phase *mean*: where words find little, what is near to what they mean follows.
//!
//! What the words found keeps its order and stands before all that is only near: an order by meaning was measured and is worse
//! (docs/results.md). Who types a code, a model number or a brand gets no more than the words find, and nobody who is still
//! typing. What is not near enough to anything finds nothing.

use mercer_recommend::{Item, Scored};
use mercer_schema::SearchRequest;
use mercer_search::{Doc, Found, FoundWord};
use rustc_hash::{FxHashMap, FxHashSet};

use super::Hit;
use super::chips::Wishes;
use crate::World;

/// With so many products, a page, the words found enough.
const ENOUGH: usize = 24;
/// Products that are there by their meaning, at most.
const MOST: usize = 50;
/// Of them, so many are looked at before what may be shown is known.
const LOOKED_AT: usize = 4 * MOST;
/// A smaller cosine is chance.
const LEAST: f32 = 0.5;
/// How little the first ranks differ where two lists become one.
const FIRST: f64 = 60.0;
/// What a synonym counts beside a word that was typed.
const SYNONYM: f32 = 0.5;

/// Adds what is near to what the words mean, the nearest first.
pub(super) fn join<'a>(
    world: &'a World,
    request: &SearchRequest,
    wishes: &Wishes,
    found: &Found,
    hits: &mut Vec<Hit<'a>>,
) {
    if !takes_part(world, request, wishes, found) {
        return;
    }
    let known: FxHashSet<Item> = hits.iter().map(|hit| hit.item).collect();
    // Less than what fits least by words; what is pinned has none.
    let last = hits.iter().map(|hit| hit.relevance).filter(|fit| *fit > 0.0).fold(1.0, f64::min);
    for Near { item, fit, cosine } in near(world, wishes, found) {
        let product = world.catalog.product(item).filter(|product| product.is_buyable());
        if let Some(product) = product.filter(|_| !known.contains(&item) && world.search.is_wanted(found, Doc(item.0)))
        {
            hits.push(Hit { relevance: last * fit, meaning: Some(cosine), ..Hit::new(item, product) });
        }
    }
}

/// Keeps so many as are shown.
pub(super) fn keep_nearest(hits: &mut Vec<Hit<'_>>) {
    let mut room = MOST;
    hits.retain(|hit| {
        let stays = !hit.is_near() || room > 0;
        room -= usize::from(hit.is_near() && stays);
        stays
    });
}

/// Takes out what is there by its meaning where settings do not want it.
pub(super) fn keep_if(is_wanted: bool, hits: &mut Vec<Hit<'_>>) {
    hits.retain(|hit| is_wanted || !hit.is_near());
}

fn takes_part(world: &World, request: &SearchRequest, wishes: &Wishes, found: &Found) -> bool {
    let is_on = world.search_settings.meaning || world.search_trial.is_some_and(|tried| tried.trial.settings.meaning);
    let is_named = || found.is_code || found.matches.iter().any(|found| found.is_coded);
    let reads = |text: &str| !text.trim().is_empty() && !world.search.is_naming(text);
    is_on
        && !request.typing
        && (!world.meanings.is_empty() || world.models.texts.is_asked())
        && found.matches.len() < ENOUGH
        && !is_named()
        && reads(&wishes.rest)
        && found.corrected.as_deref().is_none_or(reads)
}

/// A product that is near.
struct Near {
    item: Item,
    /// From 0 to 1: the nearest of all that is asked.
    fit: f64,
    cosine: f64,
}

/// What is near by the words of the catalog, by the shop's encoder, or by both, whose ranks then count.
fn near(world: &World, wishes: &Wishes, found: &Found) -> Vec<Near> {
    let words = found.words.iter().flat_map(|word| meant(word, found.corrected.is_some()));
    let by_words = if world.meanings.is_empty() {
        Vec::new()
    } else {
        let vector = world.meanings.of_words(words);
        world.meanings.prepared(&world.catalog).find(&vector, LOOKED_AT, LEAST)
    };
    let by_text = world.models.texts.near(&wanted(found.corrected.as_deref().unwrap_or(&wishes.rest)), LOOKED_AT);
    if by_text.is_empty() {
        let alone = |Scored { item, score, .. }| Near { item, fit: f64::from(score), cosine: f64::from(score) };
        return by_words.into_iter().map(alone).collect();
    }
    fused(&[by_words, by_text])
}

/// Reciprocal rank fusion (Cormack, Clarke and Buettcher, SIGIR 2009): what both find comes first.
fn fused(lists: &[Vec<Scored>]) -> Vec<Near> {
    let mut all: FxHashMap<Item, Near> = FxHashMap::default();
    for list in lists {
        for (place, Scored { item, score, .. }) in list.iter().enumerate() {
            let near = all.entry(*item).or_insert(Near { item: *item, fit: 0.0, cosine: 0.0 });
            near.fit += FIRST / (FIRST + place as f64) / lists.len() as f64;
            near.cosine = near.cosine.max(f64::from(*score));
        }
    }
    let mut near: Vec<Near> = all.into_values().collect();
    near.sort_by(|a, b| b.fit.total_cmp(&a.fit).then(a.item.cmp(&b.item)));
    near
}

/// A text without what was typed with a minus.
fn wanted(text: &str) -> String {
    text.split_whitespace().filter(|word| !word.starts_with('-')).collect::<Vec<_>>().join(" ")
}

/// A word as it was understood, and what means the same.
fn meant(word: &FoundWord, is_corrected: bool) -> impl Iterator<Item = (&str, f32)> {
    let as_how = |how: &'static str| word.also.iter().filter(move |(_, why)| *why == how).map(|(text, _)| &**text);
    let corrected = as_how("corrected").next().filter(|_| is_corrected);
    std::iter::once((corrected.unwrap_or(&word.typed), 1.0)).chain(as_how("synonym").map(|text| (text, SYNONYM)))
}
