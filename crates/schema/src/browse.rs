//! The question "where can I go in this shop?" and its answer: the tree of categories, and some of them as tiles in the
//! order in which this customer is likely to want them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{AnonymousId, CustomerId, Position, Timestamp};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BrowseRequest {
    pub customer: Option<CustomerId>,
    pub anonymous_id: Option<AnonymousId>,
    /// Tiles to give; 12 by default.
    pub tiles: Option<usize>,
    pub locale: Option<String>,
    /// The customer objects to personalization (set by the server on `Sec-GPC: 1`).
    pub no_personalization: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BrowseAnswer {
    /// The answer is a pure function of the log up to here, the request and the time.
    pub position: Position,
    pub decided_at: Timestamp,
    /// All categories in which something can be bought, the widest with what is below them, by name.
    pub categories: Vec<BrowseCategory>,
    /// Best first: the narrow categories that are this customer's, then the widest.
    pub tiles: Vec<BrowseTile>,
    /// The answer was made without the customer's behaviour.
    pub control: bool,
    /// What the caller should know: a consent that was obeyed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A category with what is below it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BrowseCategory {
    pub name: String,
    /// What to send as `category`: the path from the widest, as `Home > Kitchen`.
    pub category: String,
    /// What can be bought in and below it; families count once.
    pub products: usize,
    /// The picture of its most popular product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_url: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(no_recursion)]
    pub children: Vec<BrowseCategory>,
}

/// A category to go to, and why it stands where it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BrowseTile {
    pub name: String,
    /// What to send as `category`: the path from the widest, as `Home > Kitchen`.
    pub category: String,
    /// What can be bought in and below it; families count once.
    pub products: usize,
    /// The picture of its most popular product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_url: Option<String>,
    pub because: BrowseBecause,
    /// The same for the customer to read, in their language: "You looked here lately".
    pub why: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BrowseBecause {
    /// The customer looked at something there in the last weeks.
    Looked,
    /// The customer bought something there.
    Bought,
    /// It is to the customer's taste.
    Liked,
    /// Many people buy there.
    Popular,
    /// It is a part of the shop.
    Shop,
}
