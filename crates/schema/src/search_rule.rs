//! A rule of the merchandiser: for which searches it stands, when, and what it does there.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{ProductId, SearchRuleId, Timestamp};

/// Always told in the answers that it changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchRule {
    pub id: SearchRuleId,
    /// For people of the shop: "Mother's Day".
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    #[serde(default)]
    pub when: SearchWhen,
    /// In force from this moment on; absent: since ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<Timestamp>,
    /// No longer in force from this moment on; absent: for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Timestamp>,
    #[schema(min_items = 1, max_items = 20)]
    pub then: Vec<SearchAction>,
    #[serde(default = "default_true")]
    pub enabled: bool,
}

/// Which searches are meant: those that fit any of the lists, all of them where there is no list, and of these only those
/// for which `condition` is true.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchWhen {
    /// The query is one of these; capitals, accents and signs do not matter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 50)]
    pub is: Vec<String>,
    /// These words stand in the query, together and in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 50)]
    pub contains: Vec<String>,
    /// A walk through one of these categories: the name, or the path as `Home > Kitchen`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 50)]
    pub categories: Vec<String>,
    /// CEL over `page`, `customer` and `now`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2000)]
    pub condition: Option<String>,
}

/// What a rule does. `products` is CEL, true for the products that are meant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum SearchAction {
    /// A product stands at this place, found by the words or not, unless the customer narrowed it away.
    Pin {
        product_id: ProductId,
        /// From 1.
        #[schema(minimum = 1, maximum = 100)]
        position: usize,
    },
    /// The score counts so many times as much.
    Boost {
        #[schema(max_length = 2000)]
        products: String,
        #[schema(exclusive_minimum = 0, maximum = 100)]
        factor: f64,
    },
    /// After all others.
    Bury {
        #[schema(max_length = 2000)]
        products: String,
    },
    /// Not found at all.
    Hide {
        #[schema(max_length = 2000)]
        products: String,
    },
    /// The shop should go to this address instead of showing products.
    Redirect {
        /// With `https://` or `http://`, or from the shop's root with `/`.
        #[schema(min_length = 1, max_length = 1000)]
        url: String,
    },
    /// Another text is searched.
    Replace {
        #[schema(min_length = 1, max_length = 200)]
        query: String,
    },
    /// Values of a facet are chosen as if the customer had chosen them, until they take that away or choose for themselves.
    Preset {
        /// `brand`, `category`, `price`, or an attribute's name.
        #[schema(min_length = 1, max_length = 200)]
        field: String,
        /// As in `refine`; any of them.
        #[schema(min_items = 1, max_items = 50)]
        values: Vec<String>,
    },
    /// A line above the products.
    Banner {
        #[schema(min_length = 1, max_length = 500)]
        text: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(max_length = 1000)]
        url: Option<String>,
    },
}

/// What a rule did to an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AppliedRule {
    pub id: SearchRuleId,
    pub name: String,
    /// In words, one for each action.
    pub did: Vec<String>,
}

/// A line that the shop wants above the products.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Banner {
    pub rule: SearchRuleId,
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

const fn default_true() -> bool {
    true
}
