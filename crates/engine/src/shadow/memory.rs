//! The last pages that were compared, so that what follows can be told of them.

use std::collections::{HashMap, HashSet, VecDeque};

use mercer_schema::{
    Activity, Commerce, CommerceAction, DecideRequest, DecisionId, Exposure, Fact, PageDecision, ProductId, Record,
    Timestamp, Visitor,
};

use super::figures::Told;

/// Pages that are remembered; the oldest go first.
const MOST_PAGES: usize = 20_000;
/// An order within this time is told of a page.
const WITHIN: i64 = Timestamp::DAY;

/// What stood on a page, and what would have.
#[derive(Debug, Default)]
struct Page {
    at: Timestamp,
    names: Vec<String>,
    served: HashSet<ProductId>,
    shown: HashSet<ProductId>,
}

#[derive(Debug, Default)]
pub(super) struct Memory {
    pages: HashMap<DecisionId, Page>,
    /// Oldest first.
    order: VecDeque<DecisionId>,
    /// The pages of a customer or visitor, by each id.
    of_visitor: HashMap<String, Vec<DecisionId>>,
}

impl Memory {
    pub(super) fn remember(&mut self, request: &DecideRequest, served: &PageDecision, shown: &PageDecision) {
        if self.pages.len() >= MOST_PAGES
            && let Some(oldest) = self.order.pop_front()
        {
            self.forget(&oldest);
        }
        let products = |page: &PageDecision| -> HashSet<ProductId> {
            page.placements.iter().flat_map(|placement| &placement.items).map(|item| item.product_id.clone()).collect()
        };
        let (id, names) = (served.decision_id.clone(), names(&request.visitor()));
        for name in &names {
            self.of_visitor.entry(name.clone()).or_default().push(id.clone());
        }
        let page = Page { at: served.decided_at, names, served: products(served), shown: products(shown) };
        self.order.push_back(id.clone());
        self.pages.insert(id, page);
    }

    /// What a record says of the pages that are remembered.
    pub(super) fn hear(&mut self, record: &Record) -> Told {
        let Fact::Event(event) = &record.fact else { return Told::default() };
        match &event.activity {
            Activity::Exposure(exposure) if exposure.clicked => self.clicked(exposure),
            Activity::Commerce(commerce) if commerce.action == CommerceAction::OrderCompleted => {
                self.ordered(&event.visitor, commerce, event.occurred_at)
            }
            _ => Told::default(),
        }
    }

    fn clicked(&self, exposure: &Exposure) -> Told {
        let page = exposure.decision_id.as_str().split('.').next().unwrap_or_default();
        let Some(page) = self.pages.get(&DecisionId::trusted(page)) else { return Told::default() };
        let is_shown = exposure.product_ids.iter().any(|product| page.shown.contains(product));
        Told { clicks: 1, clicks_shown: u64::from(is_shown), ..Told::default() }
    }

    fn ordered(&self, visitor: &Visitor, commerce: &Commerce, at: Timestamp) -> Told {
        let ids = names(visitor).into_iter().filter_map(|name| self.of_visitor.get(&name)).flatten();
        let pages: Vec<&Page> =
            ids.filter_map(|id| self.pages.get(id)).filter(|page| (0..=WITHIN).contains(&at.since(page.at))).collect();
        if pages.is_empty() {
            return Told::default();
        }
        let on_any = |products: fn(&Page) -> &HashSet<ProductId>| {
            let stood = |product: &ProductId| pages.iter().any(|page| products(page).contains(product));
            commerce.lines.iter().filter(|line| stood(&line.product_id)).count() as u64
        };
        Told {
            ordered: commerce.lines.len() as u64,
            ordered_served: on_any(|page| &page.served),
            ordered_shown: on_any(|page| &page.shown),
            ..Told::default()
        }
    }

    fn forget(&mut self, id: &DecisionId) {
        let Some(page) = self.pages.remove(id) else { return };
        for name in page.names {
            if let Some(pages) = self.of_visitor.get_mut(&name) {
                pages.retain(|known| known != id);
                if pages.is_empty() {
                    self.of_visitor.remove(&name);
                }
            }
        }
    }
}

fn names(visitor: &Visitor) -> Vec<String> {
    let customer = visitor.customer_id.as_ref().map(ToString::to_string);
    customer.into_iter().chain(visitor.anonymous_id.as_ref().map(ToString::to_string)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded() {
        let mut memory = Memory::default();
        let request =
            DecideRequest { customer: Some(mercer_schema::CustomerId::trusted("ann")), ..DecideRequest::default() };
        for number in 0..MOST_PAGES + 10 {
            let page = PageDecision {
                decision_id: DecisionId::trusted(format!("d{number}")),
                position: mercer_schema::Position(1),
                decided_at: Timestamp(1),
                placements: Vec::new(),
                arm: None,
                notes: Vec::new(),
            };
            memory.remember(&request, &page, &page);
        }
        assert_eq!((memory.pages.len(), memory.order.len()), (MOST_PAGES, MOST_PAGES));
        assert_eq!(memory.of_visitor["ann"].len(), MOST_PAGES);
    }
}
