//! Amounts of money, pieces and places, read from the digits as they are written.
//!
//! Invariant: nothing passes through a float, and nothing ambiguous is read. Amounts and pieces are bounded so
//! that a line's price times its pieces fits a 64-bit number of minor units.

use std::borrow::Cow;

use mercer_schema::{Currency, Money};
use serde_json::value::RawValue;

use crate::bad_row::{BadReason, Fault, shown};
use crate::object::{Object, text_of};

/// Ten billion in a currency with cents.
pub(crate) const MAX_MINOR: i64 = 1_000_000_000_000;
pub(crate) const MAX_PIECES: u32 = 1_000_000;

/// The currency of an event's amounts. It counts as interpreted only when there was an amount.
pub(crate) struct Till {
    currency: Result<Currency, Fault>,
    used: bool,
}

impl Till {
    pub(crate) fn of(properties: &Object<'_>, default: Currency) -> Self {
        let named = properties.peek("currency").and_then(|raw| raw.map_or(Ok(None), text_of));
        let currency = match named {
            Ok(None) => Ok(default),
            Ok(Some(code)) => {
                Currency::parse(&code).map_err(|error| Fault::new(BadReason::InvalidMoney, error.to_string()))
            }
            Err(fault) => Err(fault),
        };
        Self { currency: currency.map_err(|fault| Fault { field: Some("currency".into()), ..fault }), used: false }
    }

    pub(crate) const fn was_used(&self) -> bool {
        self.used
    }

    /// An amount from a number or a text; null and the empty text are none. The sign is kept.
    pub(crate) fn amount(&mut self, raw: &RawValue) -> Result<Option<Money>, Fault> {
        let Some(text) = text_of(raw)? else { return Ok(None) };
        let currency = self.currency.clone()?;
        let fault = || Fault::new(BadReason::InvalidMoney, format!("`{}` is no amount such as 12.50", shown(&text)));
        // 1,299 is a bit more than one in Berlin and a lot more in Boston.
        if text.split_once(',').is_some_and(|(_, fraction)| fraction.len() == 3) {
            return Err(fault());
        }
        let amount = Money::parse(&plain(&text).ok_or_else(fault)?, currency).map_err(|_| fault())?;
        if amount.minor.abs() > MAX_MINOR {
            return Err(fault());
        }
        self.used = true;
        Ok(Some(amount))
    }

    pub(crate) fn price(&mut self, raw: &RawValue) -> Result<Option<Money>, Fault> {
        match self.amount(raw)? {
            Some(amount) if amount.minor < 0 => {
                Err(Fault::new(BadReason::InvalidMoney, format!("`{amount}` is negative; a price is not")))
            }
            amount => Ok(amount),
        }
    }
}

/// Pieces: a whole number from 1 up; null and the empty text are none.
pub(crate) fn pieces(raw: &RawValue) -> Result<Option<u32>, Fault> {
    let Some(text) = text_of(raw)? else { return Ok(None) };
    match whole_number(&text) {
        Some(number) if (1..=MAX_PIECES).contains(&number) => Ok(Some(number)),
        _ => {
            let message = format!("`{}` is no whole number from 1 to {MAX_PIECES}", shown(&text));
            Err(Fault::new(BadReason::InvalidNumber, message))
        }
    }
}

/// `12`, `12.0` and `1.2e1` are whole.
pub(crate) fn whole_number(text: &str) -> Option<u32> {
    let plain = plain(text)?;
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
    let is_whole = !whole.is_empty() && whole.bytes().all(|byte| byte.is_ascii_digit());
    if is_whole && fraction.bytes().all(|byte| byte == b'0') { whole.parse().ok() } else { None }
}

/// Writes `1.5e3` as `1500`; text without an exponent stays as it is.
fn plain(text: &str) -> Option<Cow<'_, str>> {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else { return Some(Cow::Borrowed(text)) };
    let exponent: i32 = exponent.parse().ok()?;
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if exponent.unsigned_abs() > 40 || digits.len() > 64 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let point = whole.len() as i32 + exponent;
    Some(Cow::Owned(match usize::try_from(point) {
        Ok(point) if point >= digits.len() => format!("{sign}{digits:0<point$}"),
        Ok(point) => format!("{sign}{}.{}", &digits[..point], &digits[point..]),
        Err(_) => format!("{sign}0.{}{digits}", "0".repeat(point.unsigned_abs() as usize)),
    }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn amount(json: &str) -> Result<Option<i64>, BadReason> {
        let raw: &RawValue = serde_json::from_str(json).unwrap();
        let properties = Object::parse(r#"{"currency":" gbp "}"#).unwrap();
        let mut till = Till::of(&properties, Currency::parse("EUR").unwrap());
        till.amount(raw).map(|amount| amount.map(|amount| amount.minor)).map_err(|fault| fault.reason)
    }

    #[test]
    fn amounts_are_exact() {
        assert_eq!(amount("0.29"), Ok(Some(29)));
        assert_eq!(amount("1.005"), Ok(Some(101)));
        assert_eq!(amount(r#""12,50""#), Ok(Some(1250)));
        assert_eq!(amount("1.5e3"), Ok(Some(150_000)));
        assert_eq!(amount("1e-7"), Ok(Some(0)));
        assert_eq!(amount("5e-3"), Ok(Some(1)));
        assert_eq!(amount("-2.5"), Ok(Some(-250)));
        assert_eq!(amount("9999999999.99"), Ok(Some(999_999_999_999)));
        assert_eq!((amount("null"), amount(r#""""#)), (Ok(None), Ok(None)));
    }

    #[test]
    fn money_is_never_guessed() {
        for json in [
            "1e-2147483648",
            "1e2147483647",
            r#""1,299""#,
            r#""£5""#,
            r#""1.299,00""#,
            "1e999",
            "10000000000.01",
            r#""NaN""#,
            r#""1e""#,
        ] {
            assert_eq!(amount(json), Err(BadReason::InvalidMoney), "{json}");
        }
        assert_eq!(amount("true"), Err(BadReason::WrongType));
    }

    #[test]
    fn an_unknown_currency_matters_only_with_an_amount() {
        let properties = Object::parse(r#"{"currency":"pounds"}"#).unwrap();
        let mut till = Till::of(&properties, Currency::parse("EUR").unwrap());
        let (none, some): (&RawValue, &RawValue) =
            (serde_json::from_str("null").unwrap(), serde_json::from_str("5").unwrap());
        assert_eq!(till.price(none), Ok(None));
        let fault = till.price(some).unwrap_err();
        assert_eq!((fault.reason, fault.field.as_deref()), (BadReason::InvalidMoney, Some("currency")));
        assert!(!till.was_used());
    }

    #[test]
    fn pieces_are_whole_and_positive() {
        let read = |json: &str| pieces(serde_json::from_str(json).unwrap()).map_err(|fault| fault.reason);
        assert_eq!(
            (read("2"), read(r#""2""#), read("2.0"), read("null")),
            (Ok(Some(2)), Ok(Some(2)), Ok(Some(2)), Ok(None))
        );
        for json in ["0", "-1", "1.5", "1000001", "1e40", r#""two""#, r#"".""#] {
            assert_eq!(read(json), Err(BadReason::InvalidNumber), "{json}");
        }
    }

    proptest! {
        #[test]
        fn any_amount_of_cents_survives(minor in -MAX_MINOR..=MAX_MINOR, as_text: bool) {
            let text = Money { minor, currency: Currency::parse("EUR").unwrap() }.amount();
            let json = if as_text { format!("\"{text}\"") } else { text };
            prop_assert_eq!(amount(&json), Ok(Some(minor)));
        }

        #[test]
        fn any_text_ends_in_an_answer(text: String) {
            let _ = amount(&serde_json::to_string(&text).unwrap());
        }
    }
}
