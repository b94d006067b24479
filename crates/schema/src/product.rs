//! A product as the shop describes it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Attributes, Money, ProductId};

/// One thing that can be shown and bought. A variant (a size, a colour) is a product of its own that
/// shares `group_id` with its siblings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Product {
    pub id: ProductId,
    pub title: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brand: Option<String>,
    /// From the widest to the narrowest: `["Home", "Kitchen", "Mugs"]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub category: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Money>,
    /// The price before a reduction, when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list_price: Option<Money>,
    #[serde(default)]
    pub availability: Availability,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_id: Option<String>,
    /// After how many days a buyer usually wants it again. `None`: learn it from the orders; 0: at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 4294967295_i64)]
    pub repurchase_days: Option<u32>,
    /// Everything else the feed says: colour, material, size.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    pub attributes: Attributes,
}

impl Product {
    /// A product of which only the id and a title are known.
    pub fn new(id: ProductId, title: impl Into<String>) -> Self {
        Self {
            id,
            title: title.into(),
            description: String::new(),
            brand: None,
            category: Vec::new(),
            price: None,
            list_price: None,
            availability: Availability::InStock,
            url: None,
            image_url: None,
            group_id: None,
            repurchase_days: None,
            attributes: Attributes::default(),
        }
    }

    /// The narrowest category, by which affinities and diversity count.
    pub fn leaf_category(&self) -> Option<&str> {
        self.category.last().map(String::as_str)
    }

    /// Order of magnitude of the price on a half-power-of-two scale: equal numbers are similar prices.
    pub fn price_band(&self) -> Option<u8> {
        let minor = self.price?.minor;
        (minor > 0).then(|| ((minor as f64).log2() * 2.0).floor() as u8)
    }

    pub fn is_buyable(&self) -> bool {
        !matches!(self.availability, Availability::OutOfStock)
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Availability {
    #[default]
    InStock,
    OutOfStock,
    Preorder,
    Backorder,
}
