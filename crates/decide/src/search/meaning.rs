//! Phase *mean*: where words find little, what is near to what they mean follows.
//!
//! What the words found keeps its order and stands before all that is only near: an order by meaning was measured and is worse
//! (docs/results.md). Who types a code, a model number or a brand gets no more than the words find, and nobody who is still
//! typing. What is not near enough to anything finds nothing.

use mercer_recommend::{Item, Scored};
use mercer_schema::SearchRequest;
use mercer_search::{Doc, Found, FoundWord};
use rustc_hash::FxHashSet;

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
    // The last by words: what is only near fits less.
    let last = hits.last().map_or(1.0, |hit| hit.relevance);
    for Scored { item, score, .. } in near(world, found) {
        let product = world.catalog.product(item).filter(|product| product.is_buyable());
        if let Some(product) = product.filter(|_| !known.contains(&item) && world.search.is_wanted(found, Doc(item.0)))
        {
            let cosine = f64::from(score);
            hits.push(Hit { relevance: last * cosine, meaning: Some(cosine), ..Hit::new(item, product) });
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
        && !world.meanings.is_empty()
        && found.matches.len() < ENOUGH
        && !is_named()
        && reads(&wishes.rest)
        && found.corrected.as_deref().is_none_or(reads)
}

fn near(world: &World, found: &Found) -> Vec<Scored> {
    let words = found.words.iter().flat_map(|word| meant(word, found.corrected.is_some()));
    let vector = world.meanings.of_words(words);
    world.meanings.prepared(&world.catalog).find(&vector, LOOKED_AT, LEAST)
}

/// A word as it was understood, and what means the same.
fn meant(word: &FoundWord, is_corrected: bool) -> impl Iterator<Item = (&str, f32)> {
    let as_how = |how: &'static str| word.also.iter().filter(move |(_, why)| *why == how).map(|(text, _)| &**text);
    let corrected = as_how("corrected").next().filter(|_| is_corrected);
    std::iter::once((corrected.unwrap_or(&word.typed), 1.0)).chain(as_how("synonym").map(|text| (text, SYNONYM)))
}
