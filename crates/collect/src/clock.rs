//! When an event happened, the client's clock corrected by the server's.
//!
//! Invariant: the answer lies between 2000-01-01 and the moment of receipt. No clock is read here.

use mercer_schema::Timestamp;
use serde_json::value::RawValue;

use crate::bad_row::{BadReason, Fault};
use crate::object::{Scalar, scalar};

/// 2000-01-01T00:00:00Z. No tracker is older; what claims to be has a clock that was never set.
const EARLIEST: Timestamp = Timestamp::from_seconds(946_684_800);

/// The times that come with one event, all as the client's clock had them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ClientTimes {
    /// When it happened.
    pub(crate) original: Option<Timestamp>,
    /// The same, already corrected by somebody on the way. Counts when the sending time is not known.
    pub(crate) corrected: Option<Timestamp>,
    /// When the request was sent.
    pub(crate) sent: Option<Timestamp>,
}

impl ClientTimes {
    /// `received - (sent - original)`: the age by the client's clock, counted back from the server's. Without
    /// a sending time the client's time is believed as it stands. A result after the receipt becomes the
    /// receipt; so does one before 2000, which says nothing about when it was.
    pub(crate) fn occurred_at(self, received: Timestamp) -> Timestamp {
        let claimed = match (self.original.or(self.corrected), self.sent) {
            (Some(original), Some(sent)) => Timestamp(received.0.saturating_sub(sent.since(original))),
            (Some(original), None) => self.corrected.unwrap_or(original),
            (None, _) => received,
        };
        if claimed < EARLIEST || claimed > received { received } else { claimed }
    }
}

/// Reads RFC 3339, or a number of seconds, milliseconds or microseconds since 1970, told apart by its size.
pub(crate) fn time_of(raw: &RawValue) -> Result<Option<Timestamp>, Fault> {
    match scalar(raw)? {
        Scalar::Null => Ok(None),
        Scalar::Text(text) if text.trim().is_empty() => Ok(None),
        Scalar::Text(text) => match since_1970(text.trim()) {
            Some(time) => Ok(Some(time)),
            None => {
                Timestamp::parse(&text).map(Some).map_err(|error| Fault::new(BadReason::InvalidTime, error.to_string()))
            }
        },
        Scalar::Number(digits) => since_1970(digits).map(Some).ok_or_else(|| {
            Fault::new(BadReason::InvalidTime, format!("`{digits}` is no number of seconds, ms or µs since 1970"))
        }),
        _ => Err(Fault::new(BadReason::WrongType, "a time such as 2011-12-09T12:50:00Z is expected here")),
    }
}

/// Eleven digits of seconds reach the year 5138, and so many of milliseconds only 1973.
fn since_1970(digits: &str) -> Option<Timestamp> {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) || !whole.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: i64 = whole.parse().ok()?;
    let unit_micros = match whole.len() {
        ..=11 => Timestamp::SECOND,
        12..=14 => Timestamp::SECOND / 1_000,
        _ => 1,
    };
    let mut micros = number.checked_mul(unit_micros)?;
    let mut place_micros = unit_micros;
    for digit in fraction.bytes() {
        place_micros /= 10;
        micros = micros.checked_add(i64::from(digit - b'0') * place_micros)?;
    }
    Some(Timestamp(micros))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RECEIVED: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn read(json: &str) -> Result<Option<String>, BadReason> {
        let raw: &RawValue = serde_json::from_str(json).unwrap();
        time_of(raw).map(|time| time.map(|time| time.to_string())).map_err(|fault| fault.reason)
    }

    #[test]
    fn reads_what_clients_write() {
        let expected = Ok(Some("2026-11-23T10:00:00.250000Z".to_owned()));
        for json in [
            r#""2026-11-23T10:00:00.250Z""#,
            r#""2026-11-23T11:00:00.250000+01:00""#,
            r#""2026-11-23T10:00:00.250+0000""#,
            r#""2026-11-23 10:00:00.25""#,
            "1795428000250",
            r#""1795428000250""#,
            "1795428000.25",
            "1795428000250000",
        ] {
            assert_eq!(read(json), expected, "{json}");
        }
        assert_eq!((read("null"), read(r#"" ""#)), (Ok(None), Ok(None)));
        for json in [r#""yesterday""#, "-5", "1e12", "99999999999999999999"] {
            assert_eq!(read(json), Err(BadReason::InvalidTime), "{json}");
        }
        assert_eq!(read("[]"), Err(BadReason::WrongType));
    }

    #[test]
    fn nonsense_becomes_the_time_of_receipt() {
        let at = |original: i64, sent: Option<i64>| {
            let times = ClientTimes {
                original: Some(Timestamp(original)),
                sent: sent.map(Timestamp),
                ..ClientTimes::default()
            };
            times.occurred_at(RECEIVED)
        };
        assert_eq!(at(0, None), RECEIVED);
        assert_eq!(at(RECEIVED.0 + 1, None), RECEIVED);
        assert_eq!(at(i64::MIN, Some(i64::MAX)), RECEIVED);
        assert_eq!(at(i64::MAX, Some(i64::MIN)), RECEIVED);
        // A clock that was never set still measures how long ago it was.
        assert_eq!(at(Timestamp::HOUR, Some(Timestamp::HOUR + 7)), RECEIVED.plus(-7));
    }

    #[test]
    fn a_corrected_time_counts_when_nobody_says_when_it_was_sent() {
        let times = ClientTimes {
            original: Some(RECEIVED.plus(-9 * Timestamp::DAY)),
            corrected: Some(RECEIVED.plus(-5)),
            sent: None,
        };
        assert_eq!(times.occurred_at(RECEIVED), RECEIVED.plus(-5));
    }

    proptest! {
        #[test]
        fn the_skew_of_the_client_cancels_out(
            skew in -20 * 365 * Timestamp::DAY..20 * 365 * Timestamp::DAY,
            age in 0..15 * 365 * Timestamp::DAY,
        ) {
            let sent = RECEIVED.plus(skew);
            let times = ClientTimes { original: Some(sent.plus(-age)), corrected: None, sent: Some(sent) };
            prop_assert_eq!(times.occurred_at(RECEIVED), RECEIVED.plus(-age));
        }

        #[test]
        fn never_in_the_future_nor_before_trackers(original: i64, sent: Option<i64>, corrected: Option<i64>) {
            let times = ClientTimes {
                original: Some(Timestamp(original)),
                corrected: corrected.map(Timestamp),
                sent: sent.map(Timestamp),
            };
            let occurred = times.occurred_at(RECEIVED);
            prop_assert!(EARLIEST <= occurred && occurred <= RECEIVED);
        }
    }
}
