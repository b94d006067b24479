//! The `next` of a search: how many products were shown, and which.
//!
//! A click between two pages may change the order, so a page is not cut out of it by place alone: what earlier pages showed is left
//! out, and what moved up meanwhile is not lost. The text is the number of products shown and, behind a dot, what names them; the
//! number alone leads to a place, for addresses such as `?page=3`.

use mercer_recommend::Item;
use mercer_schema::SearchRequest;
use rustc_hash::FxHashSet;

use super::Hit;
use crate::World;
use crate::cursor::{Steps, opened, sealed};
use crate::notes::Notes;

const PAGE: usize = 24;
/// Products of a page at most.
pub const LARGEST_PAGE: usize = 200;
/// Products that a customer can page through, the best by words. Where nothing narrows a search, facets count these alone.
pub(super) const MOST_PAGED: usize = 4_000;

/// The hits of one page.
pub(super) struct Shown<'a> {
    pub(super) hits: Vec<Hit<'a>>,
    /// Where each of them stands in the order of all, from 0.
    pub(super) places: Vec<usize>,
    pub(super) next: Option<String>,
}

/// What earlier pages showed.
#[derive(Default)]
pub(super) struct Earlier {
    count: usize,
    /// Of them, those that are known: none where a page was reached by its place.
    named: Vec<Item>,
}

impl Earlier {
    pub(super) fn read(request: &SearchRequest, notes: &mut Notes) -> Self {
        let Some(cursor) = request.cursor.as_deref() else { return Self::default() };
        let (count, named) = cursor.split_once('.').map_or((cursor, None), |(count, named)| (count, Some(named)));
        let Ok(count) = count.parse::<usize>() else {
            notes.add("`cursor` is not the `next` of an earlier answer; this is the first page.");
            return Self::default();
        };
        let named = named.map_or(Some(Vec::new()), |named| opened::<Steps>(named)?.items());
        if named.is_none() {
            notes.add("`cursor` is damaged: products of earlier pages may stand here again.");
        }
        Self { count: count.min(MOST_PAGED), named: named.unwrap_or_default() }
    }

    /// How many first places have been filled for good.
    pub(super) const fn settled(&self) -> usize {
        if self.named.is_empty() { 0 } else { self.count }
    }

    /// What the page that is asked for shows of all hits, which are in order.
    pub(super) fn page<'a>(&self, world: &World, request: &SearchRequest, all: &[Hit<'a>]) -> Shown<'a> {
        let was_shown = self.shown_before(world, request, all);
        let unnamed = self.count.saturating_sub(self.named.len());
        let mut left = all.iter().enumerate().filter(|(_, hit)| !was_shown(hit)).skip(unnamed);
        let limit = request.limit.unwrap_or(PAGE).clamp(1, LARGEST_PAGE);
        let (places, hits): (Vec<usize>, Vec<Hit<'a>>) =
            left.by_ref().take(limit).map(|(place, hit)| (place, *hit)).unzip();
        let is_last = left.next().is_none() || self.count + hits.len() >= MOST_PAGED;
        let next = (!is_last).then(|| self.and(&hits));
        Shown { hits, places, next }
    }

    /// Whether a hit, or another product of its family, is known to have been shown. Of a family that has several places, as
    /// when its code was typed, each product counts by itself.
    fn shown_before(&self, world: &World, request: &SearchRequest, all: &[Hit<'_>]) -> impl Fn(&Hit<'_>) -> bool {
        let named: FxHashSet<Item> = self.named.iter().copied().collect();
        let standing: FxHashSet<Item> = all.iter().map(|hit| hit.item).filter(|item| named.contains(item)).collect();
        let gone = named.iter().filter(|item| !standing.contains(item));
        let products = gone.filter_map(|item| world.catalog.product(*item)).filter(|_| !request.ungrouped);
        let families: FxHashSet<String> = products.filter_map(|product| product.group_id.clone()).collect();
        move |hit| {
            let family = hit.product.group_id.as_ref();
            named.contains(&hit.item) || family.is_some_and(|family| families.contains(family))
        }
    }

    /// The `next` behind a page of these. Once they are too many to be named, they are counted only.
    fn and(&self, shown: &[Hit<'_>]) -> String {
        let count = self.count + shown.len();
        let items = self.named.iter().copied().chain(shown.iter().map(|hit| hit.item));
        match Steps::between(items).and_then(|steps| sealed(&steps)) {
            Some(named) => format!("{count}.{named}"),
            None => count.to_string(),
        }
    }
}
