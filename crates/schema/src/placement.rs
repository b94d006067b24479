//! A placement: a named slot of a page, and how it is filled. Configuration, not code.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{PlacementId, ProductId};

/// Saved as JSON by the console, as TOML by hand; the expressions are CEL and are checked when saved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Placement {
    pub id: PlacementId,
    /// The heading that a customer reads.
    #[schema(min_length = 1, max_length = 200)]
    pub title: String,
    /// Groups that a page may ask for by name: `home`, `product`.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub groups: Vec<String>,
    /// How many items to show.
    #[serde(default = "default_size")]
    #[schema(minimum = 1, maximum = 100)]
    pub size: usize,
    /// Where candidates come from, with weights.
    #[schema(max_items = 10)]
    pub sources: Vec<Source>,
    /// Sources to fill up from when `sources` give too few, in this order.
    #[serde(default)]
    #[schema(max_items = 10)]
    pub fallback: Vec<SourceKind>,
    /// CEL, true for a product that may be shown. Variables: `product`, `page`, `customer`, `now`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    #[serde(default)]
    #[schema(max_items = 20)]
    pub boosts: Vec<Boost>,
    #[serde(default)]
    #[schema(max_items = 50)]
    pub pins: Vec<Pin>,
    #[serde(default)]
    pub diversity: Diversity,
    /// Share of places given to a product drawn at random from the candidates that ranking left out, 0 to 1.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1)]
    pub exploration: f64,
    #[serde(default = "default_true")]
    pub enabled: bool,
}

/// Multiplies the score of products for which `when` is true.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Boost {
    /// What people see as the reason: "Summer week".
    #[schema(min_length = 1, max_length = 200)]
    pub label: String,
    pub when: String,
    #[schema(exclusive_minimum = 0, maximum = 100)]
    pub factor: f64,
}

/// A product that stands at a fixed place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    pub product_id: ProductId,
    /// From 1.
    #[schema(minimum = 1, maximum = 100)]
    pub position: usize,
    /// CEL without `product`; absent means always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Diversity {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 9007199254740991_i64)]
    pub max_per_category: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 9007199254740991_i64)]
    pub max_per_brand: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    pub kind: SourceKind,
    #[serde(default = "default_weight")]
    #[schema(exclusive_minimum = 0, maximum = 100)]
    pub weight: f64,
}

/// A way to find candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// Most wanted over the last months, recent weeks counting more.
    Popular,
    /// Wanted now more than usual.
    Trending,
    /// Newest in the catalog.
    Newest,
    /// What the visitor looked at.
    RecentlyViewed,
    /// Bought before and due again.
    BuyAgain,
    /// Seen by people who saw the page's products.
    AlsoViewed,
    /// Bought in one order with the page's products.
    BoughtTogether,
    /// Like the page's products in words and attributes.
    Similar,
    /// What visits like the running one went on to (VMIS-kNN).
    SessionNext,
    /// What the customer orders next: the usual, what goes with it and with what was looked at.
    ForYou,
}

const fn default_size() -> usize {
    12
}

const fn default_true() -> bool {
    true
}

const fn default_weight() -> f64 {
    1.0
}
