//! The one question that every model answers, and the contract of the answer.
//!
//! Items are dense numbers that the caller hands out (0, 1, 2, …): models keep tables indexed by them, so memory
//! grows with the largest. What an item *is* stays with the caller.

use mercer_schema::Timestamp;

/// A product, as a dense number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Item(pub u32);

impl Item {
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// An item that a model proposes. Scores compare within one answer only.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    pub item: Item,
    pub score: f32,
    /// The item of the query that contributed most.
    pub because_of: Option<Item>,
}

/// What is known about the moment. Each model takes what it understands and ignores the rest.
#[derive(Debug, Clone, Copy, Default)]
pub struct Query<'a> {
    /// The items at hand: of a product page, of a cart.
    pub seeds: &'a [Item],
    /// The running visit, oldest first.
    pub session: &'a [Item],
    /// Longer-standing taste; a higher weight counts more, one that is not above zero counts nothing.
    pub history: &'a [(Item, f32)],
    /// What the customer ordered when, in any order; lines of one moment are one order.
    pub ordered: &'a [(Timestamp, Item)],
    pub now: Timestamp,
    pub context: Context,
}

/// Where the customer is, in numbers that the caller hands out and keeps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Context {
    pub device: Option<u16>,
    /// Country or region.
    pub place: Option<u16>,
    pub channel: Option<u16>,
}

/// A model that can be asked.
///
/// Every implementation keeps to this, and the conformance suite checks it:
/// - best first; equal scores stand in the order of their item numbers;
/// - at most `limit` items, none twice, every score finite;
/// - never one of the seeds;
/// - the same model and the same query give the same bits, also after encoding or restoring the model;
/// - unknown items, odd weights and empty queries are answered, if only by an empty list.
pub trait Recommender: Send + Sync {
    fn recommend(&self, query: &Query<'_>, limit: usize) -> Vec<Scored>;
}

impl<Model: Recommender + ?Sized> Recommender for &Model {
    fn recommend(&self, query: &Query<'_>, limit: usize) -> Vec<Scored> {
        (**self).recommend(query, limit)
    }
}
