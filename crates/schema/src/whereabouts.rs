//! Where a customer is and what with, as far as it is told: kind of device, country, channel.
//!
//! Nothing here is looked up: a country is one that somebody named, if only as the region of a locale. A server of the shop or
//! an import is no place where a customer could be.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::{Channel, Device, Event};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Whereabouts {
    pub device: Option<Device>,
    pub country: Option<Country>,
    pub channel: Option<Channel>,
}

impl Whereabouts {
    /// What an event tells.
    pub fn of(event: &Event) -> Self {
        Self {
            device: event.context.device,
            country: event.context.locale.as_deref().and_then(Country::of_locale),
            channel: Some(event.channel).filter(|channel| *channel != Channel::Server),
        }
    }

    /// Where this tells nothing, what `other` tells.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            device: self.device.or(other.device),
            country: self.country.or(other.country),
            channel: self.channel.or(other.channel),
        }
    }

    /// Nothing is told.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// An ISO 3166 code: two capital letters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 2]);

impl Country {
    pub fn parse(text: &str) -> Result<Self, CountryError> {
        match <[u8; 2]>::try_from(text.trim().as_bytes()) {
            Ok(code) if code.iter().all(u8::is_ascii_alphabetic) => {
                Ok(Self(code.map(|letter| letter.to_ascii_uppercase())))
            }
            _ => Err(CountryError(text.chars().take(16).collect())),
        }
    }

    /// The region of a locale such as `de-AT`, `de_AT.UTF-8` or `zh-Hant-TW`; none where the locale names a language alone.
    pub fn of_locale(locale: &str) -> Option<Self> {
        let tag = locale.split(['.', '@']).next()?;
        // A script of four letters may stand between language and region.
        tag.split(['-', '_']).skip(1).take(2).find_map(|part| Self::parse(part).ok())
    }

    pub fn code(&self) -> &str {
        // The bytes are capital ASCII letters by construction.
        std::str::from_utf8(&self.0).unwrap_or("ZZ")
    }

    /// Its place among all pairs of letters, from 0.
    pub const fn number(self) -> u16 {
        let [first, second] = self.0;
        (first - b'A') as u16 * 26 + (second - b'A') as u16
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Country {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Country {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl PartialSchema for Country {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(SchemaType::new(Type::String))
            .pattern(Some("^[A-Za-z]{2}$"))
            .description(Some("ISO 3166 code of a country, such as AT"))
            .into()
    }
}

impl ToSchema for Country {}

/// A text that is no code of a country.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no ISO 3166 country code such as AT")]
pub struct CountryError(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_tells_the_country_only_where_it_names_one() {
        let of = |locale: &str| Country::of_locale(locale).map(|country| country.code().to_owned());
        for (locale, expected) in [
            ("de-AT", Some("AT")),
            ("en_gb", Some("GB")),
            ("de_CH.UTF-8", Some("CH")),
            ("zh-Hant-TW", Some("TW")),
            ("es-419", None),
            ("de", None),
            ("", None),
            ("C.UTF-8", None),
            ("de-CH-1996", Some("CH")),
            ("ü-ß", None),
        ] {
            assert_eq!(of(locale).as_deref(), expected, "{locale}");
        }
    }

    #[test]
    fn countries_have_numbers_of_their_own_and_come_back_from_json() {
        assert_eq!((Country::parse("aa").unwrap().number(), Country::parse("ZZ").unwrap().number()), (0, 675));
        let text = r#"{"device":"mobile","country":"at"}"#;
        let told: Whereabouts = serde_json::from_str(text).unwrap();
        assert_eq!((told.device, told.country.map(|country| country.number())), (Some(Device::Mobile), Some(19)));
        assert_eq!(serde_json::from_str::<Whereabouts>(&serde_json::to_string(&told).unwrap()).unwrap(), told);
        for wrong in [r#"{"country":"AUT"}"#, r#"{"country":""}"#, r#"{"city":"Graz"}"#] {
            assert!(serde_json::from_str::<Whereabouts>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_told_comes_before_what_was_known() {
        let mobile = Whereabouts { device: Some(Device::Mobile), ..Whereabouts::default() };
        let desktop = Whereabouts { device: Some(Device::Desktop), channel: Some(Channel::App), country: None };
        assert_eq!(mobile.or(desktop), Whereabouts { device: Some(Device::Mobile), ..desktop });
        assert!(!mobile.is_empty() && Whereabouts::default().is_empty());
    }
}
