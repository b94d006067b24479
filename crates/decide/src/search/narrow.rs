//! Phase *narrow*: which of the hits may be shown.

use mercer_recommend::Item;
use mercer_schema::{Product, Refinement, SearchRequest};
use mercer_search::{Doc, FacetField, LEVEL_SEPARATOR, Value};
use rustc_hash::FxHashSet;

use super::Hit;
use super::chips::Wishes;
use crate::World;
use crate::filter::AskedRule;
use crate::notes::Notes;
use crate::page::PageView;
use crate::rule::{Rule, Subject};

/// A field in which values were chosen.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    pub(super) field: String,
    pub(super) values: Vec<String>,
    wanted: Wanted,
}

#[derive(Debug, Clone)]
enum Wanted {
    Values(Vec<Value>),
    /// Ranges in minor units.
    Prices(Vec<(i64, i64)>),
}

/// The hits that are left, and those that only one choice removed: the counts of its own facet take them in.
#[derive(Debug, Default)]
pub(super) struct Narrowed<'a> {
    pub(super) hits: Vec<Hit<'a>>,
    pub(super) choices: Vec<Choice>,
    /// By the place of the choice.
    pub(super) but_for: Vec<Vec<Other<'a>>>,
    /// What another product of their family stands for.
    pub(super) siblings: Vec<Other<'a>>,
}

/// A product that matches and has no place of its own in the list; facets count it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Other<'a> {
    pub(super) item: Item,
    pub(super) product: &'a Product,
    pub(super) is_coded: bool,
}

impl<'a> Narrowed<'a> {
    pub(super) fn new(
        page: &PageView<'_>,
        request: &SearchRequest,
        wishes: &Wishes,
        mut hits: Vec<Hit<'a>>,
        notes: &mut Notes,
    ) -> Self {
        let world = page.world;
        let choices: Vec<Choice> =
            request.refine.iter().filter_map(|refinement| choice(world, refinement, notes)).collect();
        let mut rule = own_rule(page, request, notes);
        let category = request.category.as_deref().filter(|_| {
            !wishes.rest.trim().is_empty()
                || request.category.as_deref().is_some_and(|path| path.contains(LEVEL_SEPARATOR))
        });
        let mut but_for = vec![Vec::new(); choices.len()];
        hits.retain(|hit| {
            let Hit { item, product, is_coded, .. } = *hit;
            let is_meant = category.is_none_or(|category| is_in_category(product, category))
                && !page.person.dismissed.contains(&item)
                && wishes.allow(world, item, product)
                && rule.as_mut().is_none_or(|rule| rule.holds(page, item, product));
            if !is_meant {
                return false;
            }
            let mut failed = (0..choices.len()).filter(|place| !choices[*place].allows(world, item, product));
            match (failed.next(), failed.next()) {
                (None, _) => return true,
                (Some(place), None) => but_for[place].push(Other { item, product, is_coded }),
                _ => {}
            }
            false
        });
        if let Some(fault) = rule.and_then(|rule| rule.fault) {
            notes.add(format!("`filter` failed for a product, which is then left out: {fault}."));
        }
        Self { hits, choices, but_for, siblings: Vec::new() }
    }

    /// Of products of one family the first stays; none beside one that has a place of its own.
    pub(super) fn keep_one_of_each_family(&mut self, placed: &[Hit<'a>]) {
        let mut met: FxHashSet<&str> = placed.iter().filter_map(|hit| hit.product.group_id.as_deref()).collect();
        let siblings = &mut self.siblings;
        self.hits.retain(|hit| {
            let Hit { item, product, is_coded, .. } = *hit;
            let stays = is_coded || product.group_id.as_deref().is_none_or(|family| met.insert(family));
            if !stays {
                siblings.push(Other { item, product, is_coded });
            }
            stays
        });
    }
}

impl Choice {
    fn allows(&self, world: &World, item: Item, product: &Product) -> bool {
        match &self.wanted {
            Wanted::Values(values) => world.search.facets().has_any(Doc(item.0), values),
            Wanted::Prices(ranges) => product
                .price
                .is_some_and(|price| ranges.iter().any(|(least, most)| (*least..=*most).contains(&price.minor))),
        }
    }
}

/// By the name of any level, or by the path from the widest.
pub(super) fn is_in_category(product: &Product, category: &str) -> bool {
    if category.contains(LEVEL_SEPARATOR) {
        let mut levels = product.category.iter();
        return category.split(LEVEL_SEPARATOR).all(|name| levels.next().is_some_and(|level| level == name));
    }
    product.category.iter().any(|level| level == category)
}

fn choice(world: &World, refinement: &Refinement, notes: &mut Notes) -> Option<Choice> {
    let Refinement { field, values } = refinement;
    if values.is_empty() {
        return None;
    }
    let wanted = if field == "price" {
        let ranges: Vec<(i64, i64)> = values.iter().filter_map(|value| price_range(value)).collect();
        if ranges.len() < values.len() {
            notes.add("A price is a range of minor units, as `1000..1999`, `..999` or `5000..`; others are left out.");
        }
        Wanted::Prices(ranges)
    } else {
        let named = FacetField::parse(field);
        let mut known: Vec<Value> =
            values.iter().filter_map(|value| world.search.facets().value(&named, value)).collect();
        known.sort_unstable();
        if world.search.facets().totals(&named).products == 0 {
            notes.add(format!("No product has the field `{field}`, so nothing is left of a choice in it."));
        }
        Wanted::Values(known)
    };
    Some(Choice { field: field.clone(), values: values.clone(), wanted })
}

/// `1000..1999`, `..999`, `5000..`; both ends belong to it.
pub(crate) fn price_range(text: &str) -> Option<(i64, i64)> {
    let (least, most) = text.split_once("..")?;
    let bound = |text: &str, open: i64| if text.is_empty() { Some(open) } else { text.parse().ok() };
    Some((bound(least, 0)?, bound(most, i64::MAX)?))
}

/// The request's own rule.
pub(super) fn own_rule(page: &PageView<'_>, request: &SearchRequest, notes: &mut Notes) -> Option<AskedRule> {
    match Rule::compile(request.filter.as_deref()?, Subject::Product) {
        Ok(rule) => Some(AskedRule::new(rule.on_page(&page.scope))),
        Err(error) => {
            notes.add(format!("`filter` was left aside: {}.", error.message));
            None
        }
    }
}
