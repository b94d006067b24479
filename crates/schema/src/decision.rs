//! The question "what should this customer see now?" and its answer.

use std::fmt;

use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::{
    AnonymousId, Arm, CustomerId, DecisionId, Money, PlacementId, Position, Product, ProductId, SessionId, SourceKind,
    Timestamp, Visitor, Whereabouts,
};

/// One call for one page. Names its slots by `placements`, by `group`, or both.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecideRequest {
    /// The shop's id of a signed-in customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<CustomerId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anonymous_id: Option<AnonymousId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    #[serde(default)]
    pub page: Page,
    /// Where the customer is and what with: the order of what is recommended may hang on it. What is left out is taken from
    /// the region of the page's locale, and from the customer's newest event.
    #[serde(default, skip_serializing_if = "Whereabouts::is_empty")]
    pub context: Whereabouts,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 32)]
    pub placements: Vec<PlacementId>,
    /// Every enabled placement of this group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200)]
    pub group: Option<String>,
    /// Product fields to return (`title`, `price`, ... or an attribute's name); empty means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 64)]
    pub fields: Vec<String>,
    /// The `next` of an earlier answer: the following items of that placement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 4096)]
    pub next: Option<String>,
    /// Counts nothing and is not logged.
    #[serde(default)]
    pub dry_run: bool,
    /// Answer as of an earlier time. Implies `dry_run`; needs an admin key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Timestamp>,
    /// A signed token from the console: answer as that customer would see it. Implies `dry_run`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 4096)]
    pub view_as: Option<String>,
    #[serde(default)]
    pub explain: Explain,
    /// The customer objects to personalization (set by the server on `Sec-GPC: 1`).
    #[serde(default)]
    pub no_personalization: bool,
}

impl DecideRequest {
    pub fn visitor(&self) -> Visitor {
        Visitor { anonymous_id: self.anonymous_id.clone(), customer_id: self.customer.clone() }
    }
}

/// The page that is being put together.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Page {
    #[serde(default, rename = "type")]
    pub kind: PageType,
    /// The product of a product page, the contents of a cart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 100)]
    pub product_ids: Vec<ProductId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1000)]
    pub category: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1000)]
    pub query: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64)]
    pub locale: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PageType {
    Home,
    Category,
    Product,
    Cart,
    Checkout,
    Search,
    #[default]
    Other,
}

/// How much an answer says of itself. `true` is read as `full` and `false` as `none`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Explain {
    None,
    /// Reasons in words that a customer may read.
    #[default]
    Reasons,
    /// And what was left out, and why.
    Full,
}

impl<'de> Deserialize<'de> for Explain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ExplainWord)
    }
}

/// Reads a word of [`Explain`]. An address has `true` as a text, a body as such.
struct ExplainWord;

impl de::Visitor<'_> for ExplainWord {
    type Value = Explain;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("none, reasons, full, true or false")
    }

    fn visit_bool<E: de::Error>(self, is_full: bool) -> Result<Explain, E> {
        Ok(if is_full { Explain::Full } else { Explain::None })
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<Explain, E> {
        match word {
            "none" | "false" => Ok(Explain::None),
            "reasons" => Ok(Explain::Reasons),
            "full" | "true" => Ok(Explain::Full),
            _ => Err(E::unknown_variant(word, &["none", "reasons", "full", "true", "false"])),
        }
    }

    fn visit_unit<E: de::Error>(self) -> Result<Explain, E> {
        Ok(Explain::default())
    }
}

impl PartialSchema for Explain {
    fn schema() -> RefOr<Schema> {
        let words = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["none", "reasons", "full"]));
        let told = "`none`, `reasons` (words that a customer may read) or `full` (and what was left out, and why); `true` is `full`, \
                    `false` is `none`.";
        let whether = ObjectBuilder::new().schema_type(Type::Boolean);
        OneOfBuilder::new().item(words).item(whether).description(Some(told)).into()
    }
}

impl ToSchema for Explain {}

/// The answer for a whole page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PageDecision {
    pub decision_id: DecisionId,
    /// The answer is a pure function of the log up to here, the request, the time and the seed in the id.
    pub position: Position,
    pub decided_at: Timestamp,
    pub placements: Vec<PlacementDecision>,
    /// Only while a model is tried on a share of the customers: whether this one is among them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arm: Option<Arm>,
    /// What the caller should know: an unknown placement, a consent that was obeyed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlacementDecision {
    /// The page's decision id, a dot, and the number of the placement on the page.
    pub decision_id: DecisionId,
    pub placement: PlacementId,
    pub title: String,
    pub items: Vec<DecidedItem>,
    /// Filled with `explain: full`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suppressed: Vec<Suppressed>,
    /// Send it back as `next` for the following items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// The answer was made without the customer's behaviour.
    #[serde(default)]
    pub control: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DecidedItem {
    pub product_id: ProductId,
    /// The product's fields that the request asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub product: Option<serde_json::Value>,
    pub score: f64,
    /// Probability with which this product was put at this place, 0 to 1.
    pub propensity: f64,
    /// The source that brought it in; none for a pin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceKind>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Reason>,
}

/// Why an item is there. `text` is fit for the customer; `code` is stable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Reason {
    pub code: ReasonCode,
    pub text: String,
    /// The product that led here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because_of: Option<ProductId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReasonCode {
    Popular,
    Trending,
    Newest,
    RecentlyViewed,
    BuyAgain,
    AlsoViewed,
    BoughtTogether,
    Similar,
    SessionNext,
    ForYou,
    /// Put there by the shop.
    Pinned,
    /// Lifted by a boost of the shop.
    Boosted,
    /// Shown to learn about it.
    Explored,
    /// Completes what is on the page.
    Complements,
    /// Belongs to a set with what is on the page.
    Bundle,
    /// People of the customer's taste take it, or what is like it.
    Taste,
    /// It usually follows on what the customer took.
    Sequence,
}

/// A candidate that was not shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Suppressed {
    pub product_id: ProductId,
    pub because: SuppressedBecause,
    /// The rule, in words or as it is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SuppressedBecause {
    NotInCatalog,
    OutOfStock,
    /// It is the page's own product, or in the cart.
    OnThisPage,
    /// An earlier placement of the page shows it, or a sibling of its group.
    AlreadyShown,
    JustBought,
    Dismissed,
    Filtered,
    /// Enough of its category or brand stand there.
    Diversity,
    /// The placement was full.
    RankedLower,
}

/// What the log keeps of a decision: enough to make it again and to judge other policies by it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DecisionRecord {
    pub decision_id: DecisionId,
    pub position: Position,
    pub decided_at: Timestamp,
    pub request: DecideRequest,
    pub placements: Vec<RecordedPlacement>,
    /// The side of the canary that answered, while one ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arm: Option<Arm>,
    /// XXH3-128 of the whole answer's JSON, in hexadecimal: replay must meet it.
    pub digest: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordedPlacement {
    pub placement: PlacementId,
    pub product_ids: Vec<ProductId>,
    pub propensities: Vec<f64>,
    /// Score of the best product that was ranked: by it one sees whether scores drift.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_score: Option<f64>,
}

impl DecidedItem {
    /// The price among the returned fields, for those who render it.
    pub fn price(&self) -> Option<Money> {
        let product = self.product.as_ref()?;
        serde_json::from_value(product.get("price")?.clone()).ok()
    }

    /// The whole product, when every field was asked for.
    pub fn whole_product(&self) -> Option<Product> {
        serde_json::from_value(self.product.clone()?).ok()
    }
}
