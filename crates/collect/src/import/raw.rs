//! A mapping as its TOML says it, before it is checked.
//!
//! Invariant: every key is known here; an unknown one is refused with the nearest known name.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::error::did_you_mean;
use super::field::Kind;
use super::input::Format;
use super::rule::Cancellation;
use super::table::Dialect;
use super::text::Encoding;
use super::value::Transform;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawMapping {
    pub(super) name: Option<String>,
    pub(super) kind: Kind,
    pub(super) format: Option<Format>,
    pub(super) time_zone: Option<String>,
    pub(super) currency: Option<String>,
    pub(super) decimal: Option<String>,
    #[serde(default)]
    pub(super) null_values: Vec<String>,
    pub(super) window_rows: Option<u64>,
    pub(super) shape: Option<Shape>,
    pub(super) unmapped: Option<Unmapped>,
    #[serde(default)]
    pub(super) ignore: Vec<String>,
    #[serde(default)]
    pub(super) recognise: RawRecognise,
    #[serde(default)]
    pub(super) file: RawFile,
    #[serde(default)]
    pub(super) fields: BTreeMap<String, RawRule>,
    #[serde(default)]
    pub(super) attributes: BTreeMap<String, RawRule>,
    #[serde(default)]
    pub(super) properties: BTreeMap<String, RawRule>,
    #[serde(default)]
    pub(super) attribute_pairs: Vec<RawPair>,
    #[serde(default)]
    pub(super) skip_when: Vec<RawWhen>,
    pub(super) cancelled_when: Option<RawWhen>,
    pub(super) group: Option<RawGroup>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Shape {
    Segment,
}

/// What becomes of columns that the mapping does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Unmapped {
    Keep,
    Ignore,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRecognise {
    #[serde(default)]
    pub(super) all: Vec<String>,
    #[serde(default)]
    pub(super) any: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawFile {
    delimiter: Option<String>,
    quote: Option<String>,
    encoding: Option<Encoding>,
    pub(super) item_element: Option<String>,
}

impl RawFile {
    pub(super) fn dialect(&self) -> Result<Dialect, String> {
        let one_byte = |name: &str, text: &str| match text.as_bytes() {
            [byte] if byte.is_ascii() && !matches!(byte, b'\r' | b'\n') => Ok(*byte),
            _ => Err(format!("`file.{name}` is one ASCII character, not `{text}`")),
        };
        let quote = match self.quote.as_deref() {
            None => None,
            Some("") => Some(None),
            Some(text) => Some(Some(one_byte("quote", text)?)),
        };
        let delimiter = self.delimiter.as_deref().map(|text| one_byte("delimiter", text)).transpose()?;
        Ok(Dialect { delimiter, quote, encoding: self.encoding })
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPair {
    pub(super) name: String,
    pub(super) value: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawGroup {
    pub(super) by: String,
    #[serde(default)]
    pub(super) inherit: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawWhen {
    pub(super) column: String,
    pub(super) reason: Option<String>,
    pub(super) makes: Option<Cancellation>,
    #[serde(default, deserialize_with = "one_or_many")]
    pub(super) one_of: Vec<String>,
    #[serde(default, deserialize_with = "one_or_many")]
    pub(super) starts_with: Vec<String>,
    #[serde(default, deserialize_with = "one_or_many")]
    pub(super) matches: Vec<String>,
    #[serde(default)]
    pub(super) is_empty: bool,
    #[serde(default)]
    pub(super) not_positive: bool,
}

/// A column's name, a list of names, or a table with options.
#[derive(Debug, Default)]
pub(super) struct RawRule {
    pub(super) column: Vec<String>,
    pub(super) constant: Option<String>,
    pub(super) default: Option<String>,
    pub(super) transforms: Vec<Transform>,
    pub(super) words: BTreeMap<String, String>,
    pub(super) split: Option<String>,
    pub(super) list_is_path: bool,
    pub(super) format: Vec<String>,
    pub(super) decimal: Option<String>,
    pub(super) minor_units: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleTable {
    #[serde(default, deserialize_with = "one_or_many")]
    column: Vec<String>,
    constant: Option<String>,
    default: Option<String>,
    #[serde(default)]
    transforms: Vec<Transform>,
    #[serde(default)]
    words: BTreeMap<String, String>,
    split: Option<String>,
    #[serde(default)]
    list_is_path: bool,
    #[serde(default, deserialize_with = "one_or_many")]
    format: Vec<String>,
    decimal: Option<String>,
    #[serde(default)]
    minor_units: bool,
}

impl<'de> Deserialize<'de> for RawRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RuleVisitor;

        impl<'de> Visitor<'de> for RuleVisitor {
            type Value = RawRule;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a column's name, a list of names, or a table such as { column = \"Price\" }")
            }

            fn visit_str<E: serde::de::Error>(self, column: &str) -> Result<RawRule, E> {
                Ok(RawRule { column: vec![column.to_owned()], ..RawRule::default() })
            }

            fn visit_seq<A: SeqAccess<'de>>(self, columns: A) -> Result<RawRule, A::Error> {
                Ok(RawRule { column: StringsVisitor.visit_seq(columns)?, ..RawRule::default() })
            }

            fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<RawRule, A::Error> {
                let table = RuleTable::deserialize(MapAccessDeserializer::new(table))?;
                Ok(RawRule {
                    column: table.column,
                    constant: table.constant,
                    default: table.default,
                    transforms: table.transforms,
                    words: table.words,
                    split: table.split,
                    list_is_path: table.list_is_path,
                    format: table.format,
                    decimal: table.decimal,
                    minor_units: table.minor_units,
                })
            }
        }

        deserializer.deserialize_any(RuleVisitor)
    }
}

struct StringsVisitor;

impl<'de> Visitor<'de> for StringsVisitor {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a list of texts")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Vec<String>, E> {
        Ok(vec![text.to_owned()])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut texts: A) -> Result<Vec<String>, A::Error> {
        let mut all = Vec::new();
        while let Some(text) = texts.next_element()? {
            all.push(text);
        }
        if all.is_empty() { Err(A::Error::custom("the list is empty")) } else { Ok(all) }
    }
}

fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    deserializer.deserialize_any(StringsVisitor)
}

/// The parser's message, with the nearest known name where a name was not known.
pub(super) fn explain(error: &toml::de::Error) -> String {
    let message = error.message();
    let hint = ["unknown field", "unknown variant"].iter().any(|start| message.starts_with(start)).then(|| {
        let mut quoted = message.split('`').skip(1).step_by(2);
        let given = quoted.next().unwrap_or_default();
        did_you_mean(given, quoted)
    });
    format!("{}{}", error.to_string().trim_end(), hint.unwrap_or_default())
}
