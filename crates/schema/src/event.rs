//! One thing that a customer did, validated and with its times corrected: what the log holds.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    AnonymousId, Commerce, CustomerId, DecisionId, MessageId, OrderId, ProductId, Properties, SessionId, SourceId,
    Timestamp,
};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    pub message_id: MessageId,
    pub source: SourceId,
    pub visitor: Visitor,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// When it happened, the client's clock corrected by the server's.
    pub occurred_at: Timestamp,
    pub received_at: Timestamp,
    pub channel: Channel,
    #[serde(default)]
    pub context: Context,
    pub activity: Activity,
    /// Fields that Mercer does not interpret, as they came.
    #[serde(default, skip_serializing_if = "Properties::is_empty")]
    pub properties: Properties,
}

/// Who did it: at least one of the two is there in every accepted event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Visitor {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anonymous_id: Option<AnonymousId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<CustomerId>,
}

impl Visitor {
    pub fn is_nobody(&self) -> bool {
        self.anonymous_id.is_none() && self.customer_id.is_none()
    }
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    /// The visitor is this customer from now on, with these traits.
    Identified {
        traits: Properties,
    },
    /// `previous_id` (an anonymous id or an earlier customer id) is the event's customer.
    Aliased {
        previous_id: String,
    },
    Grouped {
        group_id: String,
        #[serde(default)]
        traits: Properties,
    },
    /// A page, or a screen of an app.
    PageViewed {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    Commerce(Commerce),
    Feedback(Feedback),
    Exposure(Exposure),
    /// Anything else the shop tracks.
    Custom {
        name: String,
    },
    Preferred(Preferences),
}

/// A customer's word on how they want to be served.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Preferences {
    /// How much what is known of them may change what they find: 0 not at all, 1 as usual, at most 2.
    #[schema(minimum = 0, maximum = 2)]
    pub search_strength: f64,
}

impl Preferences {
    /// The field that is out of its bounds, with what it may be.
    pub fn fault(&self) -> Option<(&'static str, &'static str)> {
        (!(0.0..=2.0).contains(&self.search_strength)).then_some(("search_strength", "A number from 0 to 2."))
    }
}

impl Default for Preferences {
    fn default() -> Self {
        Self { search_strength: 1.0 }
    }
}

/// A customer's word on a product: "not for me".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feedback {
    pub product_id: ProductId,
    /// `true` hides the product, `false` takes that back.
    pub dismissed: bool,
}

/// A slot came into view (an impression) or an item of it was clicked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exposure {
    pub decision_id: DecisionId,
    pub product_ids: Vec<ProductId>,
    pub clicked: bool,
    /// For a conversion that the client itself ties to the decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    #[default]
    Web,
    App,
    Email,
    /// The till in a shop of stone.
    Store,
    /// A server of the shop, or an import.
    Server,
}

/// Where and how. The network address is not kept: nothing here needs it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Context {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referrer: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Device>,
    /// `utm_campaign` and its kin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<Consent>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Device {
    Desktop,
    Mobile,
    Tablet,
    Bot,
    Other,
}

/// What the customer allowed, as the client stated it with the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Consent {
    /// May behaviour shape what this customer sees?
    pub personalization: bool,
    /// Global Privacy Control was on (`Sec-GPC: 1`).
    #[serde(default)]
    pub gpc: bool,
}
