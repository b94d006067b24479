//! What the server knows of a request apart from its body: the caller, the clock and a few headers.
//!
//! Invariant: the network address is not among it. No HTTP type either: the server copies values in.

use serde::{Deserialize, Serialize};

use mercer_schema::{Channel, Currency, SourceId, Timestamp};

/// The circumstances under which a body came in.
#[derive(Debug, Clone, PartialEq)]
pub struct Received {
    /// The name of the write key, or of the import.
    pub source: SourceId,
    pub received_at: Timestamp,
    /// The currency of amounts that name none.
    pub default_currency: Currency,
    /// `User-Agent`.
    pub user_agent: Option<String>,
    /// `Sec-GPC: 1`.
    pub gpc: bool,
    /// RudderStack's `AnonymousId`, as it came (base64).
    pub anonymous_id: Option<String>,
    /// RudderStack's `SentAt`, as it came.
    pub sent_at: Option<String>,
    /// The channel of events that say nothing of it; `None` means the web.
    pub channel: Option<Channel>,
}

impl Received {
    /// A request without any of the optional headers.
    pub const fn new(source: SourceId, received_at: Timestamp, default_currency: Currency) -> Self {
        Self {
            source,
            received_at,
            default_currency,
            user_agent: None,
            gpc: false,
            anonymous_id: None,
            sent_at: None,
            channel: None,
        }
    }
}

/// What shaped the reading of an event from outside it; kept with a bad row so that it reads the same again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Surroundings {
    /// The call or path the event came by: `track`, `batch`.
    pub call: String,
    /// Place in the batch, from 0.
    pub position: usize,
    /// The fields of the batch around its events, as a JSON object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub envelope: Option<String>,
    pub default_currency: Currency,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    #[serde(default)]
    pub gpc: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anonymous_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
}
