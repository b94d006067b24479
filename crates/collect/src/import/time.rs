//! Points in time as files write them: RFC 3339, a named pattern, seconds since 1970, local times of a named zone.
//!
//! Invariant: the time zone database is the one that is compiled in, so a file reads the same on every machine.

use jiff::civil::DateTime;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use mercer_schema::Timestamp;

use super::value::whole_number;

/// One way to write a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TimeFormat {
    /// `strftime` conversions, for example `%d/%m/%Y %H:%M`.
    Pattern(String),
    UnixSeconds,
    UnixMillis,
    UnixMicros,
}

impl TimeFormat {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match text {
            "unix_seconds" => Ok(Self::UnixSeconds),
            "unix_millis" => Ok(Self::UnixMillis),
            "unix_micros" => Ok(Self::UnixMicros),
            pattern if pattern.contains('%') => Ok(Self::Pattern(pattern.to_owned())),
            other => Err(format!(
                "`{other}` is no time format; write a pattern such as `%d/%m/%Y %H:%M`, or unix_seconds, unix_millis, unix_micros"
            )),
        }
    }
}

pub(super) fn zone(name: &str) -> Result<TimeZone, String> {
    if name.eq_ignore_ascii_case("utc") {
        return Ok(TimeZone::UTC);
    }
    TimeZoneDatabase::bundled()
        .get(name)
        .map_err(|_| format!("there is no time zone `{name}`; write a name such as Europe/London"))
}

/// The years 1000 to 9998. What is outside is no time that a shop means, and the log could not date it.
const DATED: std::ops::Range<i64> = -30_610_224_000_000_000..253_370_764_800_000_000;

/// Reads the times of one column. Rows of an order share their time, so the last answer is kept.
#[derive(Debug, Clone)]
pub(super) struct Clock {
    zone: TimeZone,
    formats: Vec<TimeFormat>,
    last: Option<(String, Timestamp)>,
}

impl Clock {
    pub(super) const fn new(zone: TimeZone, formats: Vec<TimeFormat>) -> Self {
        Self { zone, formats, last: None }
    }

    pub(super) fn read(&mut self, text: &str) -> Result<Timestamp, String> {
        if let Some((last, timestamp)) = &self.last
            && last == text
        {
            return Ok(*timestamp);
        }
        let timestamp = if self.formats.is_empty() {
            self.standard(text)
        } else {
            self.formats.iter().find_map(|format| self.formatted(text, format))
        };
        match timestamp.filter(|time| DATED.contains(&time.0)) {
            Some(timestamp) => {
                self.last = Some((text.to_owned(), timestamp));
                Ok(timestamp)
            }
            None => Err(self.expected()),
        }
    }

    fn standard(&self, text: &str) -> Option<Timestamp> {
        match text.parse::<jiff::Timestamp>() {
            Ok(time) => Some(Timestamp(time.as_microsecond())),
            // Ruby, and so Shopify, puts a space before the offset.
            Err(_) => match text.rsplit_once(' ') {
                Some((time, offset)) if offset.starts_with(['+', '-']) || offset == "UTC" => {
                    let offset = if offset == "UTC" { "Z" } else { offset };
                    Some(Timestamp(format!("{time}{offset}").parse::<jiff::Timestamp>().ok()?.as_microsecond()))
                }
                _ => text.parse().ok().and_then(|civil| self.local(civil)).or_else(|| since_1970(text)),
            },
        }
    }

    fn local(&self, civil: DateTime) -> Option<Timestamp> {
        self.zone.to_timestamp(civil).ok().map(|time| Timestamp(time.as_microsecond()))
    }

    fn formatted(&self, text: &str, format: &TimeFormat) -> Option<Timestamp> {
        let scaled = |unit: i64| -> Option<Timestamp> {
            let whole = whole_number(text)?.parse::<i64>().ok()?;
            Some(Timestamp(whole.checked_mul(unit)?))
        };
        match format {
            TimeFormat::UnixSeconds => scaled(Timestamp::SECOND),
            TimeFormat::UnixMillis => scaled(1_000),
            TimeFormat::UnixMicros => scaled(1),
            TimeFormat::Pattern(pattern) => {
                let parts = BrokenDownTime::parse(pattern, text).ok()?;
                if let Ok(time) = parts.to_timestamp() {
                    return Some(Timestamp(time.as_microsecond()));
                }
                let civil = parts.to_datetime().or_else(|_| parts.to_date().map(|date| date.at(0, 0, 0, 0)));
                self.local(civil.ok()?)
            }
        }
    }

    fn expected(&self) -> String {
        match self.formats.first() {
            None => "expected a time such as 2011-12-09T12:50:00Z or 2011-12-09 12:50; \
                     for another order of day and month set `format` in the mapping"
                .to_owned(),
            Some(TimeFormat::Pattern(pattern)) => format!("expected a time written as `{pattern}`"),
            Some(_) => "expected a whole number since 1970".to_owned(),
        }
    }
}

/// A count of seconds, milliseconds or microseconds, when only one of them gives a year of ours.
fn since_1970(text: &str) -> Option<Timestamp> {
    let count: i64 = whole_number(text)?.parse().ok()?;
    // From 1990 to 2100: the three units never meet there.
    let likely = Timestamp::from_seconds(631_152_000).0..Timestamp::from_seconds(4_102_444_800).0;
    [Timestamp::SECOND, 1_000, 1]
        .into_iter()
        .filter_map(|unit| count.checked_mul(unit))
        .find(|micros| likely.contains(micros))
        .map(Timestamp)
}

/// Google's `sale_price_effective_date`: two times with a slash between. `None` when it is no such thing.
pub(super) fn period(text: &str, clock: &mut Clock) -> Option<(Timestamp, Timestamp)> {
    let (start, end) = text.split_once('/')?;
    Some((clock.read(start.trim()).ok()?, clock.read(end.trim()).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_that_nobody_means_are_refused() {
        assert_eq!(Timestamp(DATED.start), Timestamp::parse("1000-01-01T00:00:00Z").unwrap());
        assert_eq!(Timestamp(DATED.end), Timestamp::parse("9999-01-01T00:00:00Z").unwrap());
        for (format, text) in [
            (Some("unix_seconds"), "9000000000000"),
            (Some("unix_micros"), "-9223372036854775808"),
            (Some("%Y-%m-%d"), "0001-01-01"),
            (None, "9999-12-31T23:00:00Z"),
            (None, "-009999-01-02T00:00:00Z"),
        ] {
            assert_eq!(read("UTC", format, text), None, "{text}");
        }
    }

    fn read(zone_name: &str, format: Option<&str>, text: &str) -> Option<String> {
        let formats = format.map(|format| TimeFormat::parse(format).unwrap()).into_iter().collect();
        Clock::new(zone(zone_name).unwrap(), formats).read(text).ok().map(|time| time.to_string()[..16].to_owned())
    }

    #[test]
    fn reads_standard_times() {
        for text in [
            "2011-07-09T12:50:00Z",
            "2011-07-09T14:50+0200",
            "2011-07-09 12:50",
            "2011-07-09T12:50:00.000",
            "2011-07-09 08:50:00 -0400",
            "2011-07-09 12:50:00 UTC",
        ] {
            assert_eq!(read("UTC", None, text).as_deref(), Some("2011-07-09T12:50"), "{text}");
        }
        assert_eq!(read("UTC", None, "2011-07-09").as_deref(), Some("2011-07-09T00:00"));
        assert_eq!(read("UTC", None, "07/09/2011"), None);
        for count in ["1310215800", "1310215800000", "1310215800000000"] {
            assert_eq!(read("UTC", None, count).as_deref(), Some("2011-07-09T12:50"), "{count}");
        }
        assert_eq!(read("UTC", None, "20110709125000"), None);
    }

    #[test]
    fn local_times_know_summer() {
        assert_eq!(read("Europe/London", None, "2011-07-09 12:50").as_deref(), Some("2011-07-09T11:50"));
        assert_eq!(read("Europe/London", None, "2011-12-09 12:50").as_deref(), Some("2011-12-09T12:50"));
        assert_eq!(read("Europe/London", None, "2011-07-09 12:50Z").as_deref(), Some("2011-07-09T12:50"));
        assert!(zone("Europe/Lundon").is_err());
    }

    #[test]
    fn patterns_and_counts() {
        assert_eq!(read("UTC", Some("%d/%m/%Y %H:%M"), "09/07/2011 12:50").as_deref(), Some("2011-07-09T12:50"));
        assert_eq!(read("UTC", Some("%d.%m.%Y"), "09.07.2011").as_deref(), Some("2011-07-09T00:00"));
        assert_eq!(
            read("UTC", Some("%Y-%m-%d %H:%M:%S %z"), "2011-07-09 12:50:00 +0100").as_deref(),
            Some("2011-07-09T11:50")
        );
        assert_eq!(read("UTC", Some("unix_seconds"), "1310215800.0").as_deref(), Some("2011-07-09T12:50"));
        assert_eq!(read("UTC", Some("unix_millis"), "x"), None);
        assert!(TimeFormat::parse("dd/mm/yyyy").is_err());
    }

    #[test]
    fn reads_periods() {
        let mut clock = Clock::new(TimeZone::UTC, Vec::new());
        let read = period("2016-02-24T11:07+0100 / 2016-02-29T23:07+0100", &mut clock);
        assert!(read.is_some_and(|(start, end)| start < end));
        assert_eq!(period("soon", &mut clock), None);
    }
}
