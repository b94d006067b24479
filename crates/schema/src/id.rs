//! Typed identifiers: a product's id cannot be passed where a customer's is wanted.
//!
//! An id is 1 to 256 bytes of text without control characters and without outer white space.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// Longest id in bytes.
const MAX_BYTES: usize = 256;
/// No control character but white space around it, which is trimmed.
const PATTERN: &str = r"^[\t-\r \x85]*[^\x00-\x1f\x7f-\x9f]+[\t-\r \x85]*$";

/// What an [`Id`] names. Types of this module only; they are never built.
pub mod kind {
    #[derive(Debug)]
    pub enum Anonymous {}
    #[derive(Debug)]
    pub enum Customer {}
    #[derive(Debug)]
    pub enum Decision {}
    #[derive(Debug)]
    pub enum Message {}
    #[derive(Debug)]
    pub enum Model {}
    #[derive(Debug)]
    pub enum Order {}
    #[derive(Debug)]
    pub enum Placement {}
    #[derive(Debug)]
    pub enum Product {}
    #[derive(Debug)]
    pub enum SearchRule {}
    #[derive(Debug)]
    pub enum Session {}
    #[derive(Debug)]
    pub enum Source {}
}

/// A browser or device before anybody signed in.
pub type AnonymousId = Id<kind::Anonymous>;
/// The shop's own id of a signed-in customer (Segment's `userId`).
pub type CustomerId = Id<kind::Customer>;
/// One answer for one placement.
pub type DecisionId = Id<kind::Decision>;
/// The client's id of one event, unique per source.
pub type MessageId = Id<kind::Message>;
/// One training run in the model registry.
pub type ModelVersion = Id<kind::Model>;
pub type OrderId = Id<kind::Order>;
pub type PlacementId = Id<kind::Placement>;
pub type ProductId = Id<kind::Product>;
/// A rule of the merchandiser.
pub type SearchRuleId = Id<kind::SearchRule>;
/// A session as the client counts it.
pub type SessionId = Id<kind::Session>;
/// Where events come from: the name of a write key or of an import.
pub type SourceId = Id<kind::Source>;

/// Cheap-to-clone text that names one `Kind` of thing.
pub struct Id<Kind> {
    text: Arc<str>,
    kind: PhantomData<fn() -> Kind>,
}

impl<Kind> Id<Kind> {
    /// Reads an id from outside: trims it and refuses what could not be one.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(IdError::Empty);
        }
        if text.len() > MAX_BYTES {
            return Err(IdError::TooLong(text.len()));
        }
        if text.chars().any(char::is_control) {
            return Err(IdError::Control);
        }
        Ok(Self::trusted(text))
    }

    /// Takes text that Mercer made itself.
    pub fn trusted(text: impl Into<Arc<str>>) -> Self {
        Self { text: text.into(), kind: PhantomData }
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Why a text is no id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    #[error("the id is empty")]
    Empty,
    #[error("the id has {0} bytes; at most {MAX_BYTES} are allowed")]
    TooLong(usize),
    #[error("the id contains a control character")]
    Control,
}

impl<Kind> Clone for Id<Kind> {
    fn clone(&self) -> Self {
        Self { text: Arc::clone(&self.text), kind: PhantomData }
    }
}

impl<Kind> PartialEq for Id<Kind> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl<Kind> Eq for Id<Kind> {}

impl<Kind> PartialOrd for Id<Kind> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<Kind> Ord for Id<Kind> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

/// Hashes as its text does, so that maps keyed by id can be asked with a `&str`.
impl<Kind> Hash for Id<Kind> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl<Kind> Borrow<str> for Id<Kind> {
    fn borrow(&self) -> &str {
        &self.text
    }
}

impl<Kind> AsRef<str> for Id<Kind> {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl<Kind> fmt::Debug for Id<Kind> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.text, f)
    }
}

impl<Kind> fmt::Display for Id<Kind> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl<Kind> std::str::FromStr for Id<Kind> {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        Self::parse(text)
    }
}

impl<Kind> Serialize for Id<Kind> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de, Kind> Deserialize<'de> for Id<Kind> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl<Kind> PartialSchema for Id<Kind> {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(SchemaType::new(Type::String))
            .min_length(Some(1))
            .max_length(Some(MAX_BYTES))
            .pattern(Some(PATTERN))
            .into()
    }
}

impl<Kind> ToSchema for Id<Kind> {}

/// A place in the event log. The first record has position 1; 0 is "before everything".
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, ToSchema,
)]
#[serde(transparent)]
pub struct Position(pub u64);

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_no_id() {
        assert_eq!(ProductId::parse("  "), Err(IdError::Empty));
        assert_eq!(ProductId::parse("a\u{0}b"), Err(IdError::Control));
        assert_eq!(ProductId::parse(&"x".repeat(257)), Err(IdError::TooLong(257)));
        assert!(serde_json::from_str::<ProductId>("\"\"").is_err());
    }

    #[test]
    fn survives_json() {
        let id = ProductId::trusted("blå \"1\"");
        let json = serde_json::to_string(&id).unwrap_or_default();
        assert_eq!(serde_json::from_str::<ProductId>(&json).ok(), Some(id));
    }
}
