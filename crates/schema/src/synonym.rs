//! Words for the same thing, as the shop says: what search looks for besides what was typed.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One line of the shop's list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SynonymRule {
    /// What is searched, which `to` answers too, but not the other way round. Absent: all of `to` mean the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 100)]
    pub from: Option<String>,
    /// Of words for the same thing at least two.
    #[schema(min_items = 1, max_items = 20)]
    pub to: Vec<String>,
    /// These words do *not* mean the same here: nothing that the catalog, the searches or the language say of them is used.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub refused: bool,
}
