//! Back to what was looked at before in this visit: the newest first.
//!
//! The session popularity of the published tables, by nearness instead of by count: the item at place p, 0 for the
//! newest, scores exp(−p / `order`), and the newest itself `newest` of that. For blends; alone it finds nothing new.

use super::Repeats;
use super::walk::{fading, last_distinct};
use crate::ranking::best_of;
use crate::{Query, Recommender, Scored};

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Revisit {
    /// Places after which an item counts 1/e.
    pub order: f32,
    /// Factor of the item that is looked at now.
    pub newest: f32,
    pub repeats: Repeats,
}

impl Default for Revisit {
    fn default() -> Self {
        Self { order: 1.0, newest: 1.0, repeats: Repeats::Earlier }
    }
}

impl Recommender for Revisit {
    fn recommend(&self, query: &Query<'_>, limit: usize) -> Vec<Scored> {
        let excluded: Vec<_> = self.repeats.excluded(query).collect();
        let score = |(place, item)| {
            let factor = if place == 0 { self.newest } else { 1.0 };
            Scored { item, score: fading(place as f32, self.order) * factor, because_of: Some(item) }
        };
        let seen = last_distinct(query.session, super::walk::MOST).into_iter().enumerate();
        best_of(seen.map(score).filter(|scored| !excluded.contains(&scored.item)).collect(), limit)
    }
}
