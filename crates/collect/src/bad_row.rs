//! Input that could not become an event or a product: why, where in it, and the bytes themselves.
//!
//! Invariant: a bad row carries all that is needed to read it again, so that nothing a client sent is lost.
//! It is not for requests that are refused as a whole; those are a [`Refusal`](crate::Refusal).

use std::borrow::Cow;
use std::fmt;

use mercer_schema::{SourceId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::received::{Received, Surroundings};

/// One event, product or line that was not accepted. It is stored, shown, and can be replayed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BadRow {
    pub reason: BadReason,
    /// Path of the field at fault: `properties.products[2].quantity`, or a column's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What is wrong and what to do, for a person.
    pub message: String,
    /// The bytes of this one event or line, as they came.
    #[serde(with = "raw_bytes")]
    pub raw: Vec<u8>,
    pub protocol: Protocol,
    pub source: SourceId,
    pub received_at: Timestamp,
    /// Line in the imported file, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// What the request said around the event; only rows that came over the wire have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub surroundings: Option<Box<Surroundings>>,
}

impl BadRow {
    pub fn new(fault: Fault, raw: impl Into<Vec<u8>>, protocol: Protocol, received: &Received) -> Self {
        Self {
            reason: fault.reason,
            field: fault.field,
            message: fault.message,
            raw: raw.into(),
            protocol,
            source: received.source.clone(),
            received_at: received.received_at,
            line: None,
            surroundings: None,
        }
    }

    #[must_use]
    pub fn at_line(mut self, line: u64) -> Self {
        self.line = Some(line);
        self
    }
}

/// What is wrong with a piece of input, before it is known which row the piece belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub reason: BadReason,
    pub field: Option<String>,
    pub message: String,
}

impl Fault {
    pub fn new(reason: BadReason, message: impl Into<String>) -> Self {
        Self { reason, field: None, message: message.into() }
    }

    pub fn at(reason: BadReason, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { reason, field: Some(field.into()), message: message.into() }
    }

    pub fn missing(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::at(BadReason::MissingField, field, message)
    }

    /// The same fault seen from outside: `quantity` within `properties.products[2]`.
    #[must_use]
    pub fn within(mut self, parent: impl fmt::Display) -> Self {
        self.field = Some(match self.field {
            Some(field) if field.starts_with('[') => format!("{parent}{field}"),
            Some(field) => format!("{parent}.{field}"),
            None => parent.to_string(),
        });
        self
    }
}

/// Input as a message may show it: not longer than a line.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(64) {
        None => Cow::Borrowed(text),
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
    }
}

/// How the input was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// Segment's tracking API, which RudderStack speaks too.
    Segment,
    Jitsu,
    /// The GA4 Measurement Protocol.
    Ga4,
    /// A file.
    Import,
}

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $variant:ident = $code:literal,)+) => {
        /// Why a row is bad. The codes are stable: people filter by them and count them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum BadReason { $($(#[doc = $doc])+ $variant,)+ }

        impl BadReason {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }
        }
    };
}

reasons! {
    /// Not readable as the format it claims to be.
    Malformed = "malformed",
    /// Bytes that are no UTF-8 text.
    NotUtf8 = "not_utf8",
    /// More bytes than one event may have.
    TooLarge = "too_large",
    /// Objects or lists nested too deeply.
    TooDeep = "too_deep",
    /// A key or an id that may be there once is there twice.
    Duplicate = "duplicate",
    /// Something that is required is not there.
    MissingField = "missing_field",
    /// For example an object where a text belongs.
    WrongType = "wrong_type",
    /// Empty, too long, or with control characters.
    InvalidId = "invalid_id",
    /// No number in the allowed range.
    InvalidNumber = "invalid_number",
    /// No amount or no currency.
    InvalidMoney = "invalid_money",
    /// No point in time.
    InvalidTime = "invalid_time",
    /// Not one of the values that are known for this field.
    UnknownValue = "unknown_value",
    /// Neither a customer nor a browser is named.
    NoVisitor = "no_visitor",
}

impl fmt::Display for BadReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

/// Raw bytes as text where they are text, so that people can read a stored row; otherwise as base64.
mod raw_bytes {
    use std::borrow::Cow;

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Written<'a> {
        Text(Cow<'a, str>),
        Base64(String),
    }

    pub(super) fn serialize<S: Serializer>(raw: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(raw) {
            Ok(text) => Written::Text(Cow::Borrowed(text)),
            Err(_) => Written::Base64(STANDARD.encode(raw)),
        }
        .serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        match Written::deserialize(deserializer)? {
            Written::Text(text) => Ok(text.into_owned().into_bytes()),
            Written::Base64(text) => STANDARD.decode(text).map_err(serde::de::Error::custom),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_what_json_says() {
        for reason in BadReason::ALL {
            assert_eq!(serde_json::to_string(reason).unwrap(), format!("\"{}\"", reason.code()));
        }
    }

    #[test]
    fn a_path_grows_from_the_inside_out() {
        let fault = Fault::missing("product_id", "?").within("[2]").within("products").within("properties");
        assert_eq!(fault.field.as_deref(), Some("properties.products[2].product_id"));
    }
}
