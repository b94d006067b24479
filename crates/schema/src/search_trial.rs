//! Settings of the search that are tried beside those in force.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::SearchSettings;

/// Settings to be tried, and on how many searches.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchTrial {
    /// What is tried, as B, beside what is in force, A. `exploration` has no part in it: on these searches chance does nothing.
    pub settings: SearchSettings,
    /// The share of the searches whose list both make together, above 0.
    #[schema(minimum = 0, maximum = 1)]
    pub share: f64,
}

impl SearchTrial {
    /// The field that is out of its bounds, with what it may be.
    pub fn fault(&self) -> Option<(&'static str, &'static str)> {
        if !(self.share > 0.0 && self.share <= 1.0) {
            return Some(("share", "A share above 0 and at most 1."));
        }
        self.settings.fault().map(|(field, message)| {
            let field = if field == "strength" { "settings.strength" } else { "settings.exploration" };
            (field, message)
        })
    }
}

/// A trial that begins, in the place of one that runs; none ends it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SearchTrialChange {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<SearchTrial>,
    /// A person's name, or the name of a key.
    pub by: String,
}

/// Whose choice a product in an interleaved list is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SearchTeam {
    /// Of the settings in force.
    A,
    /// Of those that are tried.
    B,
    /// Both lists begin with it: it counts for neither.
    Both,
}
