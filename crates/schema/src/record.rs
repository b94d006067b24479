//! The log's content. Everything that shapes an answer is a record; the world is folded from them.

use serde::{Deserialize, Serialize};

use crate::{
    DecisionRecord, Event, ModelChange, ModelVersion, Placement, PlacementId, Position, Product, ProductId,
    SearchJudgment, SearchRecord, SearchRule, SearchRuleId, SearchSettings, SearchTrialChange, SynonymRule, Timestamp,
};

/// A fact at its place in the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub position: Position,
    pub recorded_at: Timestamp,
    pub fact: Fact,
}

/// What can be said. Only ever add variants: old logs must stay readable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    Event(Box<Event>),
    ProductSaved(Box<Product>),
    ProductRemoved(ProductId),
    PlacementSaved(Box<Placement>),
    PlacementRemoved(PlacementId),
    /// From here on this version is the champion. Written before changes named who made them; only read now.
    ModelPromoted(ModelVersion),
    ModelChanged(Box<ModelChange>),
    Decided(Box<DecisionRecord>),
    Searched(Box<SearchRecord>),
    /// The whole list, in the place of the one before.
    SynonymsSaved(Vec<SynonymRule>),
    SearchRuleSaved(Box<SearchRule>),
    SearchRuleRemoved(SearchRuleId),
    SearchSettingsSaved(SearchSettings),
    /// Of one product for one query, in the place of what was said before.
    SearchJudged(Box<SearchJudgment>),
    SearchTrialChanged(Box<SearchTrialChange>),
}

/// A fact on its way into the log.
#[derive(Debug, Clone)]
pub struct Draft {
    pub recorded_at: Timestamp,
    /// With a key, the fact is stored at most once and can be found by it.
    pub key: Option<RecordKey>,
    /// An event's key is forgotten after the deduplication window, unless it lasts: the same file may be imported
    /// again a year later. Keys of other facts always last.
    pub key_lasts: bool,
    pub fact: Fact,
}

/// 128 bits of a hash over what makes a record unique, for example source and message id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKey(pub [u8; 16]);
