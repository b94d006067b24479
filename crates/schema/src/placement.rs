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
    /// What counts beside relevance, which has weight 1.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 10)]
    pub objectives: Vec<Objective>,
    /// At least and at most so many of a kind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 10)]
    pub quotas: Vec<Quota>,
    /// Views and orders of a customer at which personal sources and the first fallback count the same: with fewer, the
    /// fallback counts more. Absent: personal sources count whatever is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(exclusive_minimum = 0, maximum = 1000)]
    pub half_confident_at: Option<f64>,
    /// The sources' weights are those that training found for this placement; the written ones hold until then.
    #[serde(default, skip_serializing_if = "is_false")]
    pub learned_weights: bool,
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
    /// Puts unlike products next to each other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rerank: Option<Rerank>,
    /// 0 to 1: how strongly categories come in the shares that the customer's own past has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 1)]
    pub calibration: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rerank {
    pub method: RerankMethod,
    /// 0 leaves the ranking as it is, 1 looks at nothing but difference.
    #[schema(minimum = 0, maximum = 1)]
    pub strength: f64,
}

/// How a row of unlike products is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RerankMethod {
    /// Maximal marginal relevance: unlike the nearest that stands already.
    Mmr,
    /// Determinantal point process: the row as a whole covers much.
    Dpp,
    /// Unlike those that stand already on average.
    Spread,
}

/// An aim beside relevance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Objective {
    pub aim: Aim,
    /// Relevance has weight 1.
    #[schema(exclusive_minimum = 0, maximum = 100)]
    pub weight: f64,
}

/// What a shop may want beside what the customer wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Aim {
    /// The product's attribute `margin`, a number.
    Margin,
    /// The product's attribute `stock`, a number of pieces.
    Stock,
    /// New in the catalog.
    Freshness,
    /// Little wanted by others so far.
    Novelty,
    /// Far below the list price.
    Discount,
}

/// How many of a kind stand in a placement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// CEL, true for the products that are counted.
    pub when: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 100)]
    pub at_least: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 100)]
    pub at_most: Option<usize>,
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
    /// What visits like the running one went on to.
    SessionNext,
    /// What the customer orders next: the usual, what goes with it and with what was looked at.
    ForYou,
    /// What completes the page's products and is no substitute for them.
    Complements,
    /// The rest of the sets in which the page's products are bought.
    Bundle,
    /// What people of the customer's taste take, products that nobody took yet included.
    Taste,
    /// What usually follows on what the customer took, by the transformer, where one is trained.
    Sequence,
}

const fn default_size() -> usize {
    12
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
const fn is_false(value: &bool) -> bool {
    !*value
}

const fn default_true() -> bool {
    true
}

const fn default_weight() -> f64 {
    1.0
}
