//! Where to go on when little was found: nobody should stand before an empty page.

use mercer_recommend::Item;
use mercer_schema::{SearchRequest, WayOn, WayOnKind};
use mercer_search::Found;
use rustc_hash::FxHashMap;

use super::Hit;
use super::chips::Wishes;
use crate::page::PageView;
use crate::words::Language;

/// Fewer products than this are few.
const FEW: usize = 3;
/// Categories that are offered.
const MOST_CATEGORIES: usize = 4;

pub(super) fn on(
    page: &PageView<'_>,
    request: &SearchRequest,
    wishes: &Wishes,
    found: &Found,
    shown: &[Hit<'_>],
) -> Vec<WayOn> {
    // What is only near is no reason to stay.
    let (near, shown) = shown.iter().partition::<Vec<_>, _>(|hit| hit.is_near());
    let shown = shown.len();
    if shown >= FEW {
        return Vec::new();
    }
    let mut ways = Vec::new();
    let is_german = page.language == Language::German;
    let all = found.matches.len();
    let is_narrowed =
        request.category.is_some() || request.filter.is_some() || !request.refine.is_empty() || wishes.narrow();
    if is_narrowed && all > shown {
        let text = if is_german {
            format!("Alle {all} Treffer ohne Einschränkung")
        } else {
            format!("All {all} results, not narrowed down")
        };
        ways.push(WayOn {
            kind: WayOnKind::WithoutFilters,
            text,
            q: Some(wishes.rest.clone()),
            category: None,
            total: all,
        });
    }
    let words: Vec<&str> = found.words.iter().map(|word| word.typed.as_str()).collect();
    if words.len() > 1 && !found.dropped.is_empty() {
        let kept: Vec<&str> =
            words.into_iter().filter(|word| !found.dropped.iter().any(|dropped| dropped == word)).collect();
        if !kept.is_empty() {
            let q = kept.join(" ");
            let total = page.world.search.find(&page.world.lexicon(), &q, false).matches.len();
            let text =
                if is_german { format!("Nur nach „{q}“ suchen") } else { format!("Search for “{q}” only") };
            ways.push(WayOn { kind: WayOnKind::FewerWords, text, q: Some(q), category: None, total });
        }
    }
    ways.extend(categories(page, found, &near));
    ways
}

/// The categories of what was found before it was narrowed down, or else of what is near; of nothing, the largest of the shop.
fn categories(page: &PageView<'_>, found: &Found, near: &[&Hit<'_>]) -> Vec<WayOn> {
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
        counts.keys().map(|name| ((*name).to_owned(), catalog.in_category(name).count())).collect()
    };
    ranked.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    ranked.truncate(MOST_CATEGORIES);
    let way = |(name, total): (String, usize)| WayOn {
        kind: WayOnKind::Category,
        text: if page.language == Language::German {
            format!("Alles unter {name}")
        } else {
            format!("Everything in {name}")
        },
        q: None,
        category: Some(name),
        total,
    };
    ranked.into_iter().map(way).collect()
}
