//! Queries for what was bought, where nobody logged any: one or two words of its title.
//!
//! What was typed follows from customer, product and order alone, so that the same log asks the same.

use mercer_decide::{World, search};
use mercer_schema::{
    Activity, CommerceAction, CustomerId, DecisionId, Event, Product, ProductId, SearchRequest, Timestamp, Visitor,
};
use mercer_search::common_form;
use xxhash_rust::xxh3::xxh3_64;

/// Products of one order that are asked for.
const LINES: usize = 3;
/// Places of an answer that are looked at.
const DEPTH: usize = 200;
const SHORTEST_WORD: usize = 3;

/// A product that a customer bought, and what they would have typed.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) customer: CustomerId,
    pub(crate) at: Timestamp,
    pub(crate) product: ProductId,
    pub(crate) text: String,
}

/// Which words a customer takes for a product that they look for again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wording {
    /// Others each time.
    Anew,
    /// The same as the time before, as people who look for what they know mostly do (Teevan et al., SIGIR 2007).
    Kept,
}

impl Wanted {
    pub(crate) fn visitor(&self) -> Visitor {
        Visitor { customer_id: Some(self.customer.clone()), anonymous_id: None }
    }

    /// The search for a text by this customer, without what only costs time.
    pub(crate) fn search_for(&self, text: &str, strength: f64) -> SearchRequest {
        SearchRequest {
            q: text.to_owned(),
            customer: Some(self.customer.clone()),
            strength: Some(strength),
            limit: Some(DEPTH),
            facets: Some(0),
            fields: vec!["id".to_owned()],
            ungrouped: true,
            ..SearchRequest::default()
        }
    }
}

/// What a customer finds for a text.
pub(crate) fn found(world: &World, wanted: &Wanted, text: &str, strength: f64) -> Vec<ProductId> {
    let answer = search(world, &wanted.search_for(text, strength), DecisionId::trusted("eval"), wanted.at);
    answer.items.into_iter().map(|item| item.product_id).collect()
}

/// One through the place at which a customer finds what they want; 0 where they do not.
pub(crate) fn reciprocal_rank(world: &World, wanted: &Wanted, strength: f64) -> f64 {
    let list = found(world, wanted, &wanted.text, strength);
    list.iter().position(|id| *id == wanted.product).map_or(0.0, |place| 1.0 / (place + 1) as f64)
}

/// Some of what an order holds, with what was typed for it.
pub(crate) fn wanted_in(world: &World, event: &Event, wording: Wording) -> Vec<Wanted> {
    let Activity::Commerce(commerce) = &event.activity else { return Vec::new() };
    let Some(customer) =
        event.visitor.customer_id.as_ref().filter(|_| commerce.action == CommerceAction::OrderCompleted)
    else {
        return Vec::new();
    };
    let hash = |id: &ProductId| xxh3_64(format!("{customer} {id} {}", event.occurred_at.0).as_bytes());
    let mut ids: Vec<&ProductId> = commerce.lines.iter().map(|line| &line.product_id).collect();
    ids.sort_by_key(|id| hash(id));
    ids.dedup();
    let wanted = ids.into_iter().take(LINES).filter_map(|id| {
        let words = match wording {
            Wording::Anew => hash(id),
            Wording::Kept => xxh3_64(format!("{customer} {id}").as_bytes()),
        };
        let text = typed_for(world.catalog.get(id)?, words)?;
        Some(Wanted { customer: customer.clone(), at: event.occurred_at, product: id.clone(), text })
    });
    wanted.collect()
}

/// One or two words of the title, the last of which stands last in it.
fn typed_for(product: &Product, hash: u64) -> Option<String> {
    let title = common_form(&product.title)?;
    let is_word = |word: &&str| word.len() >= SHORTEST_WORD && word.chars().all(char::is_alphabetic);
    let words: Vec<&str> = title.split(' ').filter(is_word).collect();
    let (last, before) = words.split_last()?;
    if before.is_empty() || hash.is_multiple_of(4) {
        return Some((*last).to_owned());
    }
    let other = before[(hash / 4) as usize % before.len()];
    Some(format!("{other} {last}"))
}
