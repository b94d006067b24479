//! Money: minor units (cents, pence) and a currency. Never a float.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// An amount in the currency's smallest unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub struct Money {
    pub minor: i64,
    pub currency: Currency,
}

impl Money {
    /// Reads a decimal amount such as `12.50`, `12,50` or `-3`, exactly. Digits past the currency's
    /// smallest unit are rounded half away from zero, as shops do for net prices such as `1.666`.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let bad = || MoneyError::Amount(text.chars().take(64).collect());
        let trimmed = text.trim();
        let (negative, digits) = match trimmed.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, trimmed),
        };
        let (whole, fraction) = digits.split_once(['.', ',']).unwrap_or((digits, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() && fraction.is_empty() || !all_digits(whole) || !all_digits(fraction) {
            return Err(bad());
        }
        let exponent = currency.exponent();
        let mut minor: i64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| bad())? };
        for place in 0..exponent {
            let digit = fraction.as_bytes().get(place).map_or(0, |byte| i64::from(byte - b'0'));
            minor = minor.checked_mul(10).and_then(|value| value.checked_add(digit)).ok_or_else(bad)?;
        }
        if fraction.as_bytes().get(exponent).is_some_and(|byte| *byte >= b'5') {
            minor = minor.checked_add(1).ok_or_else(bad)?;
        }
        Ok(Self { minor: if negative { -minor } else { minor }, currency })
    }

    /// The amount as decimal text without the currency: `12.50`.
    pub fn amount(self) -> String {
        let exponent = self.currency.exponent();
        if exponent == 0 {
            return self.minor.to_string();
        }
        let unit = 10_u64.pow(exponent as u32);
        let (sign, size) = (if self.minor < 0 { "-" } else { "" }, self.minor.unsigned_abs());
        format!("{sign}{}.{:0exponent$}", size / unit, size % unit)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount(), self.currency)
    }
}

/// An ISO 4217 code: three capital letters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    pub fn parse(text: &str) -> Result<Self, MoneyError> {
        let upper = text.trim().to_ascii_uppercase();
        match <[u8; 3]>::try_from(upper.as_bytes()) {
            Ok(code) if code.iter().all(u8::is_ascii_uppercase) => Ok(Self(code)),
            _ => Err(MoneyError::Currency(text.chars().take(16).collect())),
        }
    }

    pub fn code(&self) -> &str {
        // The bytes are capital ASCII letters by construction.
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }

    /// Decimal places of the smallest unit (ISO 4217).
    pub const fn exponent(self) -> usize {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG" | b"RWF" | b"UGX"
            | b"UYI" | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            _ => 2,
        }
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl PartialSchema for Currency {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(SchemaType::new(Type::String)).pattern(Some("^[A-Z]{3}$")).into()
    }
}

impl ToSchema for Currency {}

/// A text that is no amount or no currency.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    #[error("`{0}` is no decimal amount such as 12.50")]
    Amount(String),
    #[error("`{0}` is no ISO 4217 currency code such as EUR")]
    Currency(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, currency: &str) -> Option<String> {
        Money::parse(text, Currency::parse(currency).ok()?).ok().map(|money| money.to_string())
    }

    #[test]
    fn reads_amounts_exactly() {
        assert_eq!(parse("12.5", "gbp").as_deref(), Some("12.50 GBP"));
        assert_eq!(parse("0,29", "EUR").as_deref(), Some("0.29 EUR"));
        assert_eq!(parse("-1.666", "EUR").as_deref(), Some("-1.67 EUR"));
        assert_eq!(parse("1200", "JPY").as_deref(), Some("1200 JPY"));
        assert_eq!(parse(".5", "KWD").as_deref(), Some("0.500 KWD"));
    }

    #[test]
    fn refuses_what_is_no_amount() {
        for text in ["", ".", "1e5", "NaN", "1.2.3", "£5", "99999999999999999999"] {
            assert_eq!(parse(text, "EUR"), None, "{text}");
        }
    }
}
