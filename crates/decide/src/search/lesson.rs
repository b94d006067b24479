//! Lessons for the learned order: a search of the past as the ranker would have seen it.

use mercer_recommend::Item;
use mercer_recommend::boosting::BoostingSettings;
use mercer_recommend::guided::{Lessons, Rows};
use mercer_schema::{SearchRequest, Timestamp};

use super::chips::Wishes;
use super::features::{GUESS, PRIOR, names};
use super::learned::Order;
use super::narrow::Narrowed;
use super::personal::Preferred;
use super::{find, hits, order, page_request};
use crate::World;
use crate::gate::admit;
use crate::notes::Notes;
use crate::page::PageView;

/// The hits that a ranker would put in order, in the formula's order, and what it would see of them.
pub struct SearchLesson {
    pub items: Vec<Item>,
    pub rows: Rows<GUESS>,
}

impl std::fmt::Debug for SearchLesson {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SearchLesson").field("items", &self.items.len()).finish_non_exhaustive()
    }
}

/// Searches as the customer would have, in a world as it was. None where a ranker would have had no say: the customer is not
/// known or objects, a code was typed, or there is nothing to put in order.
pub fn search_lesson(world: &World, request: &SearchRequest, now: Timestamp) -> Option<SearchLesson> {
    let mut notes = Notes::default();
    let asked = page_request(request);
    let person = admit(world, &asked, now, &mut notes);
    let page = PageView::new(world, &person, &asked.page, now, request.explain);
    if world.search.is_code(&request.q) {
        return None;
    }
    let wishes = Wishes::read(world, request);
    let found = find(world, request, &wishes);
    let hits = hits(world, request, &wishes, &found);
    let mut narrowed = Narrowed::new(&page, request, &wishes, hits, &mut notes);
    let preferred = Preferred::ranked_by(&page, request, &world.search_settings, Some(Order::Taught));
    let ranked = order(&page, request, &wishes, &preferred, &mut narrowed.hits)?;
    Some(SearchLesson { items: ranked.items, rows: ranked.rows })
}

/// An empty book of lessons for the rows that searches have.
pub fn taught_order(held_out: usize, boosting: BoostingSettings) -> Lessons<GUESS> {
    Lessons::new(names().count(), PRIOR, held_out, boosting)
}
