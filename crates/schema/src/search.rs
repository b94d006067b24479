//! The question "what fits these words?" and its answer: products, what was understood, and ways to narrow it down.

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::{
    AnonymousId, AppliedRule, Arm, Banner, CustomerId, DecidedItem, DecisionId, Explain, Position, ProductId,
    SearchTeam, SessionId, Timestamp, Visitor,
};

/// A search, or with no words a walk through a category.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchRequest {
    /// What the customer typed.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    #[schema(max_length = 1000)]
    pub q: String,
    /// The shop's id of a signed-in customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<CustomerId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anonymous_id: Option<AnonymousId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// Only products of this category: the name of any level, or the path as `Home > Kitchen`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1000)]
    pub category: Option<String>,
    /// A rule (CEL) that must hold for each product, as in placements: `product.price < 20.0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2000)]
    pub filter: Option<String>,
    /// Values that were chosen from facets: any of a field's values, of every field.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 16)]
    pub refine: Vec<Refinement>,
    /// Ids of `query.chips` that the customer took away: they are not understood again. `corrected`: the words are meant as
    /// they were typed, and no slip is looked for.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 16)]
    pub ignore: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub sort: SearchSort,
    /// Products a page, 1 to 200; 24 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 200)]
    pub limit: Option<usize>,
    /// The `next` of an earlier answer to the same question: the products that follow, of the first 1,000 none twice, even when the order
    /// changed meanwhile. A number alone leads to the place behind so many products.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 8000)]
    pub cursor: Option<String>,
    /// How many facets to give, 0 to 30; 8 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 30)]
    pub facets: Option<usize>,
    /// Product fields to return (`title`, `price`, ... or an attribute's name); empty means all.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 64)]
    pub fields: Vec<String>,
    /// Show every size and colour by itself, not one product of each family.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "std::ops::Not::not")]
    pub ungrouped: bool,
    /// The customer is still typing: the last word may be only begun, and nothing is logged.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "std::ops::Not::not")]
    pub typing: bool,
    /// How much what is known of the customer may change the order: 0 not at all, 1 as the shop set it, at most 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 2)]
    pub strength: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64)]
    pub locale: Option<String>,
    #[serde(default)]
    pub explain: Explain,
    /// Counts nothing and is not logged.
    #[serde(default, deserialize_with = "or_default")]
    pub dry_run: bool,
    /// A signed token from the console: answer as that customer would see it. Implies `dry_run`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 4096)]
    pub view_as: Option<String>,
    /// The customer objects to personalization (set by the server on `Sec-GPC: 1`).
    #[serde(default, deserialize_with = "or_default")]
    pub no_personalization: bool,
}

/// Takes `null` for what was left out.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

impl SearchRequest {
    pub fn visitor(&self) -> Visitor {
        Visitor { anonymous_id: self.anonymous_id.clone(), customer_id: self.customer.clone() }
    }
}

/// Values of one field, any of which a product must have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Refinement {
    /// `brand`, `category`, `price`, or an attribute's name.
    #[schema(max_length = 200)]
    pub field: String,
    /// Of `price`: ranges of minor units, `1000..1999`, `..999` or `5000..`.
    #[schema(max_items = 50)]
    pub values: Vec<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SearchSort {
    /// What fits best, and this customer most.
    #[default]
    Relevance,
    Popular,
    Newest,
    PriceUp,
    PriceDown,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SearchAnswer {
    /// Send it with the customer's clicks: by it the search learns.
    pub decision_id: DecisionId,
    /// The answer is a pure function of the log up to here, the request, the time and the seed in the id.
    pub position: Position,
    pub decided_at: Timestamp,
    pub query: Understood,
    /// Products on all pages; families count once, and no more than 4,000 are paged through.
    pub total: usize,
    /// As in `/v1/decide`.
    pub items: Vec<DecidedItem>,
    /// Which of the items, from 0, chance put there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explored: Option<usize>,
    /// Of a search on which settings are tried: whose choice each item is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub teams: Vec<SearchTeam>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facets: Vec<Facet>,
    /// Send it as `cursor` for the following products.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Where to go on when little or nothing was found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ways_on: Vec<WayOn>,
    /// With `explain: full`: why each item stands where it does, in the order of the items.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub explanations: Vec<Explanation>,
    /// Rules of the shop that were in force for this search, each with what it did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<AppliedRule>,
    /// Where the shop wants customers to go who search for this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect: Option<String>,
    /// What the shop wants to say above the products.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub banners: Vec<Banner>,
    /// The answer was made without the customer's behaviour.
    #[serde(default)]
    pub control: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arm: Option<Arm>,
    /// What the caller should know: a rule that failed, a consent that was obeyed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// What was made of the words.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Understood {
    pub text: String,
    /// What was looked for instead, when a word was typed wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrected: Option<String>,
    /// Wishes that were understood; show them so that the customer can take each away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chips: Vec<Chip>,
    /// Words that were left aside, since no product has all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<String>,
    /// Words that nothing shown may have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unwanted: Vec<String>,
    /// Products on all pages that have too few of the words and are there since they are near to what the words mean. They
    /// stand behind all others.
    #[serde(default, skip_serializing_if = "is_none")]
    pub by_meaning: usize,
    /// All of it is the code of a product, and was taken as it is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_code: bool,
    /// With `explain: full`: each word with what else it was looked for as.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<UnderstoodWord>,
}

/// Whether there are none.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_none(count: &usize) -> bool {
    *count == 0
}

/// A wish that was read from the words: *under 80* is a price.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Chip {
    /// Send it in `ignore` to take the wish away.
    pub id: String,
    /// `price`, `brand`, `category`, or an attribute's name.
    pub field: String,
    /// As a person would say it.
    pub label: String,
    /// The words that it was read from.
    pub from: String,
    /// Products without it are left out; otherwise those with it are put first.
    pub is_filter: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UnderstoodWord {
    pub typed: String,
    pub also: Vec<OtherWord>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OtherWord {
    pub text: String,
    /// `corrected`, `joined`, `split`, `synonym`, `completed` or `compound`.
    pub how: String,
}

/// A field by which the answer can be narrowed down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Facet {
    /// `brand`, `category`, `price`, or an attribute's name.
    pub field: String,
    pub name: String,
    /// Why it stands where it does.
    pub why: String,
    /// Best first.
    pub values: Vec<FacetValue>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FacetValue {
    /// Send it in `refine`.
    pub value: String,
    pub label: String,
    /// Products among those found, as if nothing of this field were chosen.
    pub count: usize,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_chosen: bool,
}

/// Somewhere to go when little was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WayOn {
    pub kind: WayOnKind,
    /// What to say.
    pub text: String,
    /// A text to search instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub q: Option<String>,
    /// A category to walk through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Products that are found there.
    pub total: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WayOnKind {
    /// The same words without what they were narrowed down by.
    WithoutFilters,
    /// Fewer of the words.
    FewerWords,
    Category,
}

/// Why an item stands where it does: parts of its score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Explanation {
    pub product_id: ProductId,
    /// How well the words fit, 0 to 1 of the best; 0 for what is there by its meaning alone.
    pub relevance: f64,
    /// The share of the words, by rarity, that the product has.
    pub coverage: f64,
    /// Its place by the words alone, from 1; 0 for what is there by its meaning alone.
    pub place_by_words: usize,
    /// What was added for other reasons. `meaning` is the cosine of what is there by its meaning alone.
    pub parts: Vec<ScorePart>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ScorePart {
    pub name: String,
    pub value: f64,
}

/// What the log keeps of a search: enough to make it again, and to learn from clicks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SearchRecord {
    pub decision_id: DecisionId,
    pub position: Position,
    pub decided_at: Timestamp,
    pub request: SearchRequest,
    /// Products on all pages.
    pub total: usize,
    /// Of them, those that are there by their meaning alone.
    #[serde(default, skip_serializing_if = "is_none")]
    pub by_meaning: usize,
    pub product_ids: Vec<ProductId>,
    pub propensities: Vec<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explored: Option<usize>,
    /// Whose choice each product is, where settings are tried.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub teams: Vec<SearchTeam>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrected: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arm: Option<Arm>,
    /// XXH3-128 of the whole answer's JSON, in hexadecimal: replay must meet it.
    pub digest: String,
}

/// What somebody is typing into a search box; with no words, what to offer before the first letter.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SuggestRequest {
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    #[schema(max_length = 1000)]
    pub q: String,
    /// The shop's id of a signed-in customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<CustomerId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anonymous_id: Option<AnonymousId>,
    /// Queries to give, 0 to 20; 6 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 20)]
    pub queries: Option<usize>,
    /// Categories and brands to give, each 0 to 20; 3 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 20)]
    pub places: Option<usize>,
    /// Products to give, 0 to 20; 4 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 20)]
    pub products: Option<usize>,
    /// A rule (CEL) that must hold for each product: what does not is suggested in no form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2000)]
    pub filter: Option<String>,
    /// Product fields to return; empty means title, price and picture.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 64)]
    pub fields: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64)]
    pub locale: Option<String>,
    /// The customer objects to personalization (set by the server on `Sec-GPC: 1`).
    #[serde(default, deserialize_with = "or_default")]
    pub no_personalization: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SuggestAnswer {
    pub queries: Vec<SuggestedQuery>,
    pub categories: Vec<SuggestedPlace>,
    pub brands: Vec<SuggestedPlace>,
    /// As in `/v1/decide`. Before the first letter: what this customer is likely to want, else what is popular, with reasons.
    pub items: Vec<DecidedItem>,
    /// Where the shop wants customers to go who search for just this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect: Option<String>,
}

/// A text to search for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SuggestedQuery {
    pub text: String,
    pub why: SuggestedBecause,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SuggestedBecause {
    /// This customer searched for it.
    Recent,
    /// Several others did.
    Popular,
    /// Products are called so.
    Catalog,
}

/// A category or a brand to go to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SuggestedPlace {
    /// What to send as `category`, or as a value of the field `brand`.
    pub value: String,
    pub label: String,
    pub products: usize,
    /// What asks for it behind the address of a page with results: `?category=…` or `?refine.brand=…`.
    #[serde(default)]
    pub url: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_said_is_nothing_asked() {
        let said = r#"{"q":null,"refine":null,"sort":null,"fields":null,"explain":null,"dry_run":null,"limit":null}"#;
        assert_eq!(serde_json::from_str::<SearchRequest>(said).unwrap(), SearchRequest::default());
        let said = r#"{"q":null,"fields":null,"no_personalization":null}"#;
        assert_eq!(serde_json::from_str::<SuggestRequest>(said).unwrap(), SuggestRequest::default());
    }

    #[test]
    fn explaining_is_a_word_or_whether() {
        for (said, meant) in [
            ("true", Explain::Full),
            ("false", Explain::None),
            ("\"true\"", Explain::Full),
            ("\"false\"", Explain::None),
            ("\"full\"", Explain::Full),
            ("\"reasons\"", Explain::Reasons),
            ("\"none\"", Explain::None),
        ] {
            assert_eq!(serde_json::from_str::<Explain>(said).unwrap(), meant, "{said}");
        }
        assert!(serde_json::from_str::<Explain>("\"all\"").is_err());
        assert_eq!(serde_json::to_string(&Explain::Full).unwrap(), "\"full\"");
    }
}
