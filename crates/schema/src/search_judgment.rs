//! What people of the shop say of the products that a query finds.

use serde::{Deserialize, Serialize};

use crate::ProductId;

/// How well a product answers a query, as somebody judged it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchJudgment {
    /// In the form in which queries are counted.
    pub query: String,
    pub product_id: ProductId,
    /// 0, not relevant, to 3, exactly what was meant; none takes the judgment back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grade: Option<u8>,
    /// A person's name, or the name of a key.
    pub by: String,
}

impl SearchJudgment {
    /// The best grade.
    pub const BEST: u8 = 3;
}
