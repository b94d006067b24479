//! How many products a walk without words leads to, without making the search: for who tells of many of them at once.
//!
//! It is the `total` of that search: a family counts once, and what is hidden or was turned down not at all.

use mercer_recommend::Item;
use mercer_schema::{Product, SearchRequest};
use mercer_search::{LEVEL_SEPARATOR, leaf_of};
use rustc_hash::FxHashSet;

use super::hidden::Hidden;
use super::narrow::is_in_category;
use crate::page::PageView;

/// Of more products, families are not told apart: suggestions must not wait for that.
const MOST_TOLD_APART: usize = 20_000;

/// Where a walk leads.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Walk<'a> {
    /// By its path, or the name of any level.
    Category(&'a str),
    Brand(&'a str),
}

impl Walk<'_> {
    /// How many products it leads to; `request` has what else is asked for: its filter, and whether families stand together.
    pub(crate) fn total(self, page: &PageView<'_>, request: &SearchRequest) -> usize {
        let category = match self {
            Self::Category(category) => Some(category.to_owned()),
            Self::Brand(_) => None,
        };
        let asked =
            SearchRequest { q: String::new(), category, filter: request.filter.clone(), ..SearchRequest::default() };
        let mut hidden = Hidden::from(page, &asked);
        let all = self.members(page);
        if hidden.is_empty() && all > MOST_TOLD_APART {
            return all;
        }
        let catalog = &page.world.catalog;
        let mut families: FxHashSet<&str> = FxHashSet::default();
        let mut counts = |item: &Item| {
            catalog.product(*item).is_some_and(|product| {
                self.has(product)
                    && !page.person.dismissed.contains(item)
                    && !hidden.has(*item, product)
                    && (request.ungrouped || product.group_id.as_deref().is_none_or(|family| families.insert(family)))
            })
        };
        match self {
            Self::Category(category) => catalog.in_category(leaf_of(category)).filter(&mut counts).count(),
            Self::Brand(brand) => catalog.of_brand(brand).filter(&mut counts).count(),
        }
    }

    /// How many products are there at most.
    pub(crate) fn members(self, page: &PageView<'_>) -> usize {
        let catalog = &page.world.catalog;
        let members = match self {
            Self::Category(category) => catalog.category_members(leaf_of(category)),
            Self::Brand(brand) => catalog.brand_members(brand),
        };
        members.map_or(0, |members| members.len())
    }

    fn has(self, product: &Product) -> bool {
        match self {
            Self::Category(category) => !category.contains(LEVEL_SEPARATOR) || is_in_category(product, category),
            Self::Brand(_) => true,
        }
    }
}
