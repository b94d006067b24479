//! The nouns of Mercer: ids, time, money, products, events, profiles, placements, decisions.
//!
//! Plain data only. Nothing here reads a clock, touches a disk or knows a protocol; every other crate
//! speaks in these types. JSON is the form in which they are logged and served.
//!
//! ```
//! use mercer_schema::{Currency, Money, ProductId, Timestamp};
//!
//! let price = Money::parse("12.50", Currency::parse("GBP")?)?;
//! assert_eq!(price.minor, 1250);
//! assert_eq!(price.to_string(), "12.50 GBP");
//! assert_eq!(ProductId::parse(" 85123A ")?.as_str(), "85123A");
//! assert_eq!(Timestamp::parse("2011-12-09T12:50:00Z")?.to_string(), "2011-12-09T12:50:00.000000Z");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod attributes;
mod browse;
mod commerce;
mod decision;
mod event;
mod id;
mod model;
mod money;
mod placement;
mod product;
mod profile;
mod record;
mod search;
mod search_judgment;
mod search_rule;
mod search_settings;
mod search_trial;
mod synonym;
mod time;
mod whereabouts;

pub use attributes::Attributes;
pub use browse::{BrowseAnswer, BrowseBecause, BrowseCategory, BrowseRequest, BrowseTile};
pub use commerce::{Commerce, CommerceAction, Line, Order};
pub use decision::{
    DecideRequest, DecidedItem, DecisionRecord, Explain, Page, PageDecision, PageType, PlacementDecision, Reason,
    ReasonCode, RecordedPlacement, Suppressed, SuppressedBecause,
};
pub use event::{Activity, Channel, Consent, Context, Device, Event, Exposure, Feedback, Preferences, Visitor};
pub use id::kind;
pub use id::{
    AnonymousId, CustomerId, DecisionId, Id, IdError, MessageId, ModelVersion, OrderId, PlacementId, Position,
    ProductId, SearchRuleId, SessionId, SourceId,
};
pub use model::{Arm, ModelAction, ModelChange};
pub use money::{Currency, Money, MoneyError};
pub use placement::{
    Aim, Boost, Diversity, Objective, Pin, Placement, Quota, Rerank, RerankMethod, Source, SourceKind,
};
pub use product::{Availability, Product};
pub use profile::{Profile, Touch, TouchKind, Visit};
pub use record::{Draft, Fact, Record, RecordKey};
pub use search::{
    Chip, Explanation, Facet, FacetValue, OtherWord, Refinement, ScorePart, SearchAnswer, SearchRecord, SearchRequest,
    SearchSort, SuggestAnswer, SuggestRequest, SuggestedBecause, SuggestedPlace, SuggestedQuery, Understood,
    UnderstoodWord, WayOn, WayOnKind,
};
pub use search_judgment::SearchJudgment;
pub use search_rule::{AppliedRule, Banner, SearchAction, SearchRule, SearchWhen};
pub use search_settings::SearchSettings;
pub use search_trial::{SearchTeam, SearchTrial, SearchTrialChange};
pub use synonym::SynonymRule;
pub use time::{Timestamp, TimestampError};
pub use whereabouts::{Country, CountryError, Whereabouts};

/// Free-form JSON fields that Mercer keeps but does not interpret.
pub type Properties = serde_json::Map<String, serde_json::Value>;
