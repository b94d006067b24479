//! What models of a taste have in common: what they start from, what they leave out, and whom they name.

use crate::ranking::keep_first;
use crate::{Item, Query};

/// The seeds, or the history where there are none: distinct, the weightiest `most`, in a fixed order.
pub(crate) fn sources(query: &Query<'_>, most: usize) -> Vec<(Item, f32)> {
    let mut sources: Vec<(Item, f32)> = if query.seeds.is_empty() {
        let is_usable = |(_, weight): &&(Item, f32)| *weight > 0.0 && weight.is_finite();
        query.history.iter().filter(is_usable).copied().collect()
    } else {
        query.seeds.iter().map(|seed| (*seed, 1.0)).collect()
    };
    sources.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
    sources.dedup_by_key(|(item, _)| *item);
    keep_first(&mut sources, most, |a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    sources
}

/// What was asked with is not proposed: the seeds, or the history where there are none.
pub(crate) fn asked_with<'a>(query: &Query<'a>) -> impl Iterator<Item = Item> + 'a {
    let history = if query.seeds.is_empty() { query.history } else { &[] };
    query.seeds.iter().copied().chain(history.iter().map(|(item, _)| *item))
}

/// The item that gives most, of equal ones the lowest; nobody where none gives anything.
pub(crate) fn strongest(parts: impl Iterator<Item = (Item, f32)>) -> Option<Item> {
    let best = |a: (Item, f32), b: (Item, f32)| if b.1 > a.1 || (b.1 == a.1 && b.0 < a.0) { b } else { a };
    parts.filter(|(_, part)| *part > 0.0).reduce(best).map(|(item, _)| item)
}
