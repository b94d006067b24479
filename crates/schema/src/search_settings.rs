//! How the shop's search behaves, for everybody.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What the shop sets of its search. A field that is not there has its default.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SearchSettings {
    /// How much what is known of a customer may change the order of results: 0 not at all, 1 as measured best, 2 twice as
    /// much. A search's own `strength` multiplies it.
    #[schema(minimum = 0, maximum = 2)]
    pub strength: f64,
    /// What customers click for a query changes its order.
    pub learn_from_clicks: bool,
    /// The share of first pages on which chance gives one of the first ten places to a product from further down, so that
    /// what is new or unknown is tried and clicks can be freed of where products stood. 0: none.
    #[schema(minimum = 0, maximum = 0.5)]
    pub exploration: f64,
    /// Where words find little, what is near to what they mean follows; never for codes, model numbers and brands.
    pub meaning: bool,
}

impl SearchSettings {
    /// The field that is out of its bounds, with what it may be.
    pub fn fault(&self) -> Option<(&'static str, &'static str)> {
        if !(0.0..=2.0).contains(&self.strength) {
            return Some(("strength", "A number from 0 to 2."));
        }
        if !(0.0..=0.5).contains(&self.exploration) {
            return Some(("exploration", "A share from 0 to 0.5."));
        }
        None
    }
}

impl Default for SearchSettings {
    fn default() -> Self {
        Self { strength: 1.0, learn_from_clicks: true, exploration: 0.05, meaning: true }
    }
}
