//! Points in time, in UTC microseconds. Nobody here reads a clock: the time comes in as an argument.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// Microseconds since 1970-01-01T00:00:00Z. As text it is RFC 3339 with six decimals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    pub const SECOND: i64 = 1_000_000;
    pub const MINUTE: i64 = 60 * Self::SECOND;
    pub const HOUR: i64 = 60 * Self::MINUTE;
    pub const DAY: i64 = 24 * Self::HOUR;

    /// Reads RFC 3339 (`2011-12-09T12:50:00Z`, any offset), or a date and time without offset, taken as UTC.
    pub fn parse(text: &str) -> Result<Self, TimestampError> {
        let text = text.trim();
        let parsed = text.parse::<jiff::Timestamp>().or_else(|error| {
            text.parse::<jiff::civil::DateTime>()
                .and_then(|civil| jiff::tz::TimeZone::UTC.to_timestamp(civil))
                .map_err(|_| error)
        });
        match parsed {
            Ok(timestamp) => Ok(Self(timestamp.as_microsecond())),
            Err(_) => Err(TimestampError(text.chars().take(64).collect())),
        }
    }

    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds * Self::SECOND)
    }

    pub const fn from_millis(millis: i64) -> Self {
        Self(millis * 1_000)
    }

    /// Whole days since 1970-01-01, rounded down.
    pub const fn day(self) -> i64 {
        self.0.div_euclid(Self::DAY)
    }

    /// Hour of the day in UTC, 0 to 23.
    pub const fn hour(self) -> u8 {
        (self.0.rem_euclid(Self::DAY) / Self::HOUR) as u8
    }

    /// Microseconds from `earlier` to here; negative when `earlier` is later.
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    #[must_use]
    pub const fn plus(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }
}

/// A text that is no point in time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no RFC 3339 time such as 2011-12-09T12:50:00Z")]
pub struct TimestampError(String);

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(timestamp) => write!(f, "{timestamp:.6}"),
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { serializer.collect_str(self) } else { serializer.serialize_i64(self.0) }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
            Self::parse(&text).map_err(serde::de::Error::custom)
        } else {
            i64::deserialize(deserializer).map(Self)
        }
    }
}

impl PartialSchema for Timestamp {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(SchemaType::new(Type::String))
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .into()
    }
}

impl ToSchema for Timestamp {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_offsets_and_bare_times() {
        let utc = Timestamp::parse("2011-12-09T12:50:00Z");
        assert_eq!(utc, Timestamp::parse("2011-12-09T13:50:00+01:00"));
        assert_eq!(utc, Timestamp::parse("2011-12-09 12:50:00"));
        assert!(Timestamp::parse("yesterday").is_err());
    }

    #[test]
    fn days_and_hours_round_down_before_1970() {
        let before = Timestamp(-1);
        assert_eq!((before.day(), before.hour()), (-1, 23));
    }
}
