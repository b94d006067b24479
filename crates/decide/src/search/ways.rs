//! Where to go on when little was found: nobody should stand before an empty page.

use mercer_recommend::Item;
use mercer_schema::{SearchRequest, WayOn, WayOnKind};
use mercer_search::{Found, leaf_of};
use rustc_hash::FxHashMap;

use super::chips::Wishes;
use super::walk::Walk;
use super::{Hit, total};
use crate::page::PageView;
use crate::words::{fill, words};

/// Fewer products than this are few.
const FEW: usize = 3;
/// Categories that are offered.
const MOST_CATEGORIES: usize = 4;

pub(super) fn on(
    page: &PageView<'_>,
    request: &SearchRequest,
    (wishes, found): (&Wishes, &Found),
    shown: &[Hit<'_>],
) -> Vec<WayOn> {
    // What is only near is no reason to stay.
    let (near, shown) = shown.iter().partition::<Vec<_>, _>(|hit| hit.is_near());
    let shown = shown.len();
    if shown >= FEW {
        return Vec::new();
    }
    let mut ways = Vec::new();
    ways.extend(without_filters(page, request, wishes, shown));
    let typed: Vec<&str> = found.words.iter().map(|word| word.typed.as_str()).collect();
    if typed.len() > 1 && !found.dropped.is_empty() {
        let kept: Vec<&str> =
            typed.into_iter().filter(|word| !found.dropped.iter().any(|dropped| dropped == word)).collect();
        if !kept.is_empty() {
            let q = kept.join(" ");
            let total = total(page, &SearchRequest { q: q.clone(), ..request.clone() });
            let text = fill(&words(page.language).ways.fewer_words, &[&q]);
            ways.push(WayOn { kind: WayOnKind::FewerWords, text, q: Some(q), category: None, total });
        }
    }
    ways.extend(categories(page, request, found, (&near, shown)));
    ways
}

/// The same words without all that they were narrowed down by, where more is found so.
fn without_filters(page: &PageView<'_>, request: &SearchRequest, wishes: &Wishes, shown: usize) -> Option<WayOn> {
    let is_narrowed =
        request.category.is_some() || request.filter.is_some() || !request.refine.is_empty() || wishes.narrow();
    if !is_narrowed {
        return None;
    }
    let presets = wishes.preset.iter().map(|chip| chip.id.clone());
    let wide = SearchRequest {
        q: wishes.rest.clone(),
        category: None,
        filter: None,
        refine: Vec::new(),
        ignore: request.ignore.iter().cloned().chain(presets).collect(),
        ..request.clone()
    };
    let total = total(page, &wide);
    let text = fill(&words(page.language).ways.without_filters, &[&total.to_string()]);
    let way = WayOn { kind: WayOnKind::WithoutFilters, text, q: Some(wide.q), category: None, total };
    (total > shown).then_some(way)
}

/// The categories of what was found before it was narrowed down, or else of what is near; of nothing, the largest of the shop.
fn categories(
    page: &PageView<'_>,
    request: &SearchRequest,
    found: &Found,
    (near, shown): (&[&Hit<'_>], usize),
) -> Vec<WayOn> {
    let catalog = &page.world.catalog;
    let mut counts: FxHashMap<&str, usize> = FxHashMap::default();
    let by_words =
        found.matches.iter().filter_map(|found| catalog.product(Item(found.doc.0)).map(|product| &**product));
    let near = near.iter().map(|hit| hit.product).filter(|_| found.matches.is_empty());
    for product in by_words.chain(near) {
        if let Some(category) = product.leaf_category() {
            *counts.entry(category).or_default() += 1;
        }
    }
    let mut ranked: Vec<(String, usize)> = if counts.is_empty() {
        let top = catalog.categories().filter(|category| category.path.len() == 1);
        top.filter_map(|category| Some((category.path.into_iter().next()?, category.products))).collect()
    } else {
        counts.keys().map(|name| ((*name).to_owned(), Walk::Category(name).members(page))).collect()
    };
    ranked.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    ranked.truncate(MOST_CATEGORIES);
    let way = |(name, _): (String, usize)| WayOn {
        kind: WayOnKind::Category,
        total: Walk::Category(&name).total(page, request),
        text: fill(&words(page.language).ways.category, &[&name]),
        q: None,
        category: Some(name),
    };
    let here = request.category.as_deref().map(leaf_of);
    let leads_on = |way: &WayOn| way.total > 0 && (way.total > shown || way.category.as_deref() != here);
    ranked.into_iter().map(way).filter(leads_on).collect()
}
