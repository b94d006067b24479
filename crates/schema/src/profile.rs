//! What Mercer knows of one customer: the read-only view that decisions and people look at.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    AnonymousId, Consent, Currency, CustomerId, Device, Preferences, ProductId, Properties, Timestamp, Whereabouts,
};

/// Folded from all events of a customer on all devices.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Profile {
    pub customer_id: Option<CustomerId>,
    pub anonymous_ids: BTreeSet<AnonymousId>,
    #[schema(value_type = Object)]
    pub traits: Properties,
    pub first_seen_at: Timestamp,
    pub last_seen_at: Timestamp,
    /// How often each kind of touch happened, also those older than `touches`.
    pub counts: BTreeMap<TouchKind, u64>,
    /// Orders that were not cancelled.
    #[schema(value_type = i64, minimum = 0, maximum = 4294967295_i64)]
    pub orders: u32,
    /// Minor units per currency over those orders, less refunds.
    #[schema(value_type = BTreeMap<String, i64>)]
    pub spend_minor: BTreeMap<Currency, i64>,
    /// The newest contacts with products, oldest first.
    pub touches: Vec<Touch>,
    #[schema(value_type = i64, minimum = 0, maximum = 4294967295_i64)]
    pub visits: u32,
    /// The visit that the newest event belongs to.
    pub last_visit: Option<Visit>,
    pub dismissed: BTreeSet<ProductId>,
    pub devices: BTreeMap<Device, u64>,
    /// What the newest event that says anything of it tells.
    #[serde(default)]
    pub whereabouts: Whereabouts,
    /// Events by hour of the day (UTC).
    pub hours: [u32; 24],
    /// The newest statement, if there was any.
    pub consent: Option<Consent>,
    /// What they said of how they want to be served.
    #[serde(default)]
    pub preferences: Option<Preferences>,
}

/// A contact between a customer and a product.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct Touch {
    pub at: Timestamp,
    pub product_id: ProductId,
    pub kind: TouchKind,
    #[schema(value_type = i64, minimum = 0, maximum = 4294967295_i64)]
    pub quantity: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TouchKind {
    Viewed,
    Clicked,
    AddedToCart,
    RemovedFromCart,
    AddedToWishlist,
    RemovedFromWishlist,
    Purchased,
    Returned,
    Shared,
    Reviewed,
}

impl TouchKind {
    /// How much one contact says about taste; a purchase is the unit.
    pub const fn weight(self) -> f64 {
        match self {
            Self::Viewed | Self::Clicked => 0.1,
            Self::AddedToCart | Self::AddedToWishlist => 0.4,
            Self::Shared | Self::Reviewed => 0.5,
            Self::Purchased => 1.0,
            Self::RemovedFromCart | Self::RemovedFromWishlist => -0.2,
            Self::Returned => -0.8,
        }
    }
}

/// Activity without a pause of more than 30 minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct Visit {
    pub started_at: Timestamp,
    pub last_at: Timestamp,
    #[schema(value_type = i64, minimum = 0, maximum = 4294967295_i64)]
    pub events: u32,
}
