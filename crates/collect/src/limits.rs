//! How much one request and one event may be, and what a request is told that is refused as a whole.
//!
//! Invariant: every limit is checked before memory in proportion to the input is spent on it.
//! An event that breaks a limit of its own is a [`BadRow`](crate::BadRow), not a refusal.

/// Sizes in bytes unless the name says otherwise. The defaults are Segment's and GA4's published limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    pub event_bytes: usize,
    pub batch_bytes: usize,
    pub batch_events: usize,
    pub ga4_batch_bytes: usize,
    pub ga4_batch_events: usize,
    pub message_id_characters: usize,
    /// How far a compressed body may unfold.
    pub inflated_bytes: usize,
    /// Levels of objects and lists below one property. The log wraps properties in a few more levels, and
    /// JSON readers commonly stop at 128.
    pub property_levels: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            event_bytes: 32 * 1024,
            batch_bytes: 500 * 1024,
            batch_events: 2_500,
            ga4_batch_bytes: 130 * 1024,
            ga4_batch_events: 25,
            message_id_characters: 100,
            inflated_bytes: 2 * 1024 * 1024,
            property_levels: 32,
        }
    }
}

/// Why a request as a whole is refused. No event of it was taken; every message says what to change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    #[error("the body has {bytes} bytes; at most {limit} are allowed: send smaller batches")]
    TooLarge { bytes: usize, limit: usize },
    #[error("the compressed body unfolds to more than {limit} bytes: send smaller batches")]
    InflatesTooFar { limit: usize },
    #[error("the batch has {events} events; at most {limit} are allowed: split it")]
    TooManyEvents { events: usize, limit: usize },
    #[error("the content encoding `{0}` is not known: use gzip, deflate or none")]
    UnknownEncoding(String),
    #[error("the body is labelled {encoding} but cannot be unpacked: {message}")]
    BrokenEncoding { encoding: &'static str, message: String },
    #[error("the body is not readable JSON: {message}")]
    Malformed { message: String },
    #[error("the body is not a JSON object with {expected}")]
    WrongShape { expected: &'static str },
}

impl Refusal {
    /// A stable code for machines.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } | Self::InflatesTooFar { .. } => "too_large",
            Self::TooManyEvents { .. } => "too_many_events",
            Self::UnknownEncoding(_) => "unknown_encoding",
            Self::BrokenEncoding { .. } => "broken_encoding",
            Self::Malformed { .. } => "malformed",
            Self::WrongShape { .. } => "wrong_shape",
        }
    }

    /// Would the same events pass in smaller requests? Then the answer is 413, otherwise 400.
    pub const fn is_too_large(&self) -> bool {
        matches!(self, Self::TooLarge { .. } | Self::InflatesTooFar { .. } | Self::TooManyEvents { .. })
    }
}
