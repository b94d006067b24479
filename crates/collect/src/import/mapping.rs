//! What a file's columns mean. A mapping is data (TOML), so a new shape of feed needs no new code.
//!
//! Invariant: a [`Mapping`] that exists is consistent: its fields belong to its kind, its options to its fields.
//! It does not know any file; `bind.rs` ties it to the columns of one.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::tz::TimeZone;
use mercer_schema::Currency;

use super::error::{Error, did_you_mean};
use super::field::{Field, FieldType, Kind};
use super::input::Format;
use super::money::AmountStyle;
use super::raw::{RawMapping, RawRule, RawWhen, Unmapped};
use super::rule::{CancelRule, Cancellation, Group, SkipRule, When};
use super::table::Dialect;
use super::time::{TimeFormat, zone};
use super::value::Transform;

/// The mappings that are compiled in, the choosier ones first.
const BUILT_IN: &[(&str, &str)] = &[
    ("mercer-products", include_str!("../../mappings/mercer-products.toml")),
    ("shopify", include_str!("../../mappings/shopify.toml")),
    ("google-merchant", include_str!("../../mappings/google-merchant.toml")),
    ("products", include_str!("../../mappings/products.toml")),
    ("order-lines", include_str!("../../mappings/order-lines.toml")),
    ("segment", include_str!("../../mappings/segment.toml")),
    ("events", include_str!("../../mappings/events.toml")),
];

/// How long an order stays open for lines that come later, in rows.
const WINDOW_ROWS: u64 = 10_000;

/// A checked mapping.
#[derive(Debug, Clone)]
pub struct Mapping {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// The user wrote it: what it names ought to be in the file.
    pub(super) is_own: bool,
    /// As it was written.
    pub(super) toml: String,
    pub(super) format: Option<Format>,
    pub(super) dialect: Dialect,
    pub(super) item_element: Option<String>,
    pub(super) null_values: Vec<String>,
    pub(super) zone: TimeZone,
    pub(super) currency: Option<Currency>,
    pub(super) window_rows: u64,
    /// The rows are JSON in Segment's shape and need no fields.
    pub(super) is_segment: bool,
    recognise_all: Vec<String>,
    recognise_any: Vec<String>,
    /// By `Field as usize`.
    pub(super) fields: Vec<Option<Rule>>,
    /// Attributes of products, properties of events.
    pub(super) extras: BTreeMap<String, Rule>,
    /// Columns that hold an attribute's name and its value.
    pub(super) pairs: Vec<(String, String)>,
    pub(super) keeps_unmapped: bool,
    pub(super) ignored: Vec<String>,
    pub(super) skip: Vec<SkipRule>,
    pub(super) cancelled: Option<CancelRule>,
    pub(super) group: Option<Group>,
}

/// Where a field comes from and how its text is read.
#[derive(Debug, Clone, Default)]
pub(super) struct Rule {
    /// Columns (or templates such as `{Handle}-{Option1 Value}`); the first that is not empty counts.
    pub(super) from: Vec<String>,
    pub(super) constant: Option<String>,
    pub(super) default: Option<String>,
    pub(super) transforms: Vec<Transform>,
    pub(super) words: BTreeMap<String, String>,
    pub(super) split: Option<String>,
    pub(super) list_is_path: bool,
    pub(super) formats: Vec<TimeFormat>,
    pub(super) style: AmountStyle,
}

impl Mapping {
    /// Reads a mapping from TOML. `name` stands in messages when the mapping does not name itself.
    pub fn from_toml(name: &str, text: &str) -> Result<Self, Error> {
        let wrong = |message| Error::Mapping { mapping: name.to_owned(), message };
        let raw: RawMapping = toml::from_str(text).map_err(|error| wrong(super::raw::explain(&error)))?;
        Self::resolve(name, text, raw).map_err(wrong)
    }

    /// A mapping that is compiled in.
    pub fn built_in(name: &str) -> Result<Self, Error> {
        match BUILT_IN.iter().find(|(known, _)| *known == name) {
            Some((_, text)) => Ok(Self { is_own: false, ..Self::from_toml(name, text)? }),
            None => Err(Error::UnknownMapping {
                given: name.to_owned(),
                known: BUILT_IN.iter().map(|(known, _)| *known).collect::<Vec<_>>().join(", "),
                hint: did_you_mean(name, BUILT_IN.iter().map(|(known, _)| *known)),
            }),
        }
    }

    /// A mapping by its name, if that is compiled in, else from a file.
    pub fn load(name_or_path: &str) -> Result<Self, Error> {
        let path = Path::new(name_or_path);
        let is_name = path.extension().is_none() && path.components().count() == 1 && !path.exists();
        if is_name || BUILT_IN.iter().any(|(known, _)| *known == name_or_path) {
            return Self::built_in(name_or_path);
        }
        let text = std::fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
        Self::from_toml(name_or_path, &text)
    }

    /// Names and texts of the mappings that are compiled in: the texts are good starting points for one's own.
    pub fn all_built_in() -> impl Iterator<Item = (&'static str, &'static str)> {
        BUILT_IN.iter().copied()
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The first compiled-in mapping of this kind that recognises these columns.
    pub(super) fn recognise(kind: Kind, format: Format, has: impl Fn(&str) -> bool) -> Result<Self, Error> {
        let mut last = None;
        for (name, text) in BUILT_IN {
            let mapping = Self { is_own: false, ..Self::from_toml(name, text)? };
            if mapping.kind == kind && (format == Format::Jsonl || !mapping.is_segment) {
                let fits = mapping.recognise_all.iter().all(|column| has(column))
                    && (mapping.recognise_any.is_empty() || mapping.recognise_any.iter().any(|column| has(column)));
                if fits {
                    return Ok(mapping);
                }
                last = Some(mapping);
            }
        }
        last.ok_or_else(|| Error::Mapping { mapping: kind.to_string(), message: "there is none for this".to_owned() })
    }

    fn resolve(name: &str, text: &str, raw: RawMapping) -> Result<Self, String> {
        let kind = raw.kind;
        let decimal = raw.decimal.as_deref().map(decimal_mark).transpose()?;
        let is_segment = raw.shape.is_some();
        if is_segment && (kind != Kind::Events || !raw.fields.is_empty()) {
            return Err("`shape` is for events only, and leaves no room for `fields`".to_owned());
        }
        if kind != Kind::Orders && (raw.cancelled_when.is_some() || raw.window_rows.is_some()) {
            return Err("`cancelled_when` and `window_rows` are for orders only".to_owned());
        }
        Ok(Self {
            name: raw.name.unwrap_or_else(|| name.to_owned()),
            kind,
            is_own: true,
            toml: text.to_owned(),
            format: raw.format,
            dialect: raw.file.dialect()?,
            item_element: raw.file.item_element,
            null_values: raw.null_values,
            zone: raw.time_zone.as_deref().map_or(Ok(TimeZone::UTC), zone)?,
            currency: raw.currency.map(|code| Currency::parse(&code).map_err(|error| error.to_string())).transpose()?,
            window_rows: raw.window_rows.unwrap_or(WINDOW_ROWS),
            is_segment,
            recognise_all: raw.recognise.all,
            recognise_any: raw.recognise.any,
            fields: if is_segment { Vec::new() } else { fields(raw.fields, kind, decimal)? },
            extras: extras(raw.attributes, raw.properties, kind)?,
            pairs: raw.attribute_pairs.into_iter().map(|pair| (pair.name, pair.value)).collect(),
            keeps_unmapped: raw.unmapped.map_or(kind == Kind::Catalog, |unmapped| unmapped == Unmapped::Keep),
            ignored: raw.ignore,
            skip: raw.skip_when.into_iter().map(skip_rule).collect::<Result<_, _>>()?,
            cancelled: raw.cancelled_when.map(cancel_rule).transpose()?,
            group: raw.group.map(|group| Group { by: group.by, inherit: group.inherit }),
        })
    }

    pub(super) fn rule(&self, field: Field) -> Option<&Rule> {
        self.fields.get(field as usize)?.as_ref()
    }
}

impl Rule {
    fn resolve(raw: RawRule, value_type: FieldType, decimal: Option<char>) -> Result<Self, String> {
        if raw.column.is_empty() && raw.constant.is_none() && raw.default.is_none() {
            return Err("name a `column`, or give a `constant` or a `default`".to_owned());
        }
        if raw.constant.is_some() && (!raw.column.is_empty() || raw.default.is_some()) {
            return Err("a `constant` leaves no room for `column` or `default`".to_owned());
        }
        let only = |is_set: bool, option: &str, wanted: FieldType, what: &str| {
            if is_set && value_type != wanted { Err(format!("`{option}` is for {what} only")) } else { Ok(()) }
        };
        only(raw.split.is_some(), "split", FieldType::Path, "categories")?;
        only(raw.list_is_path, "list_is_path", FieldType::Path, "categories")?;
        only(!raw.format.is_empty(), "format", FieldType::Time, "times")?;
        only(raw.decimal.is_some(), "decimal", FieldType::Money, "amounts")?;
        only(raw.minor_units, "minor_units", FieldType::Money, "amounts")?;
        let own_decimal = raw.decimal.as_deref().map(decimal_mark).transpose()?;
        Ok(Self {
            from: raw.column,
            constant: raw.constant,
            default: raw.default,
            transforms: raw.transforms,
            words: raw.words.into_iter().map(|(word, meaning)| (word.to_lowercase(), meaning)).collect(),
            split: raw.split,
            list_is_path: raw.list_is_path,
            formats: raw.format.iter().map(|format| TimeFormat::parse(format)).collect::<Result<_, _>>()?,
            style: AmountStyle { decimal: own_decimal.or(decimal), is_minor: raw.minor_units },
        })
    }
}

/// The rules of the fields, by `Field as usize`.
fn fields(raw: BTreeMap<String, RawRule>, kind: Kind, decimal: Option<char>) -> Result<Vec<Option<Rule>>, String> {
    let mut fields = vec![None; Field::ALL.len()];
    for (target, rule) in raw {
        let field = Field::named(&target, kind).ok_or_else(|| {
            let known: Vec<_> = Field::of(kind).map(Field::name).collect();
            let hint = did_you_mean(&target, known.iter().copied());
            format!("`fields.{target}` is no field of {kind}{hint}; known are {}", known.join(", "))
        })?;
        let rule =
            Rule::resolve(rule, field.value_type(), decimal).map_err(|why| format!("`fields.{target}`: {why}"))?;
        fields[field as usize] = Some(rule);
    }
    match Field::required(kind).iter().find(|field| fields[**field as usize].is_none()) {
        Some(field) => Err(format!("`fields.{}` is missing; without it {kind} cannot be read", field.name())),
        None => Ok(fields),
    }
}

/// The rules of a product's attributes or of an event's properties.
fn extras(
    attributes: BTreeMap<String, RawRule>,
    properties: BTreeMap<String, RawRule>,
    kind: Kind,
) -> Result<BTreeMap<String, Rule>, String> {
    let (name, raw, strange) = match kind {
        Kind::Catalog => ("attributes", attributes, properties),
        Kind::Orders | Kind::Events => ("properties", properties, attributes),
    };
    if !strange.is_empty() {
        return Err(format!("{kind} have `{name}`"));
    }
    let resolved = raw.into_iter().map(|(target, rule)| {
        let rule = Rule::resolve(rule, FieldType::Text, None).map_err(|why| format!("`{name}.{target}`: {why}"))?;
        Ok((target, rule))
    });
    resolved.collect()
}

fn decimal_mark(text: &str) -> Result<char, String> {
    match text {
        "." => Ok('.'),
        "," => Ok(','),
        other => Err(format!("`decimal` is \".\" or \",\", not \"{other}\"")),
    }
}

fn when(raw: RawWhen, place: &str) -> Result<When, String> {
    let when = When {
        column: raw.column,
        one_of: raw.one_of,
        starts_with: raw.starts_with,
        matches: raw.matches,
        is_empty: raw.is_empty,
        is_not_positive: raw.not_positive,
    };
    let has_test = when.is_empty
        || when.is_not_positive
        || [&when.one_of, &when.starts_with, &when.matches].iter().any(|texts| !texts.is_empty());
    if has_test {
        return Ok(when);
    }
    Err(format!(
        "`{place}` on column `{}` tests nothing; add one_of, starts_with, matches, is_empty or not_positive",
        when.column
    ))
}

fn skip_rule(raw: RawWhen) -> Result<SkipRule, String> {
    let reason = raw.reason.clone().filter(|reason| !reason.trim().is_empty());
    let reason = reason.ok_or_else(|| {
        format!("`skip_when` on column `{}` has no `reason`; the report counts skipped rows by it", raw.column)
    })?;
    if raw.makes.is_some() {
        return Err("`makes` belongs to `cancelled_when`".to_owned());
    }
    Ok(SkipRule { reason, when: when(raw, "skip_when")? })
}

fn cancel_rule(raw: RawWhen) -> Result<CancelRule, String> {
    if raw.reason.is_some() {
        return Err("`reason` belongs to `skip_when`".to_owned());
    }
    let makes = raw.makes.unwrap_or(Cancellation::Refund);
    Ok(CancelRule { makes, when: when(raw, "cancelled_when")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        Mapping::from_toml("mine", text).unwrap_err().to_string()
    }

    #[test]
    fn all_built_in_mappings_are_sound() {
        for (name, text) in Mapping::all_built_in() {
            let mapping = Mapping::from_toml(name, text).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(mapping.name(), name);
        }
        assert_eq!(Mapping::load("shopify").unwrap().name(), "shopify");
        assert!(Mapping::load("no/such/file.toml").unwrap_err().to_string().contains("no/such/file.toml"));
        assert!(Mapping::built_in("shoppify").unwrap_err().to_string().contains("did you mean `shopify`"));
    }

    #[test]
    fn unknown_names_are_met_with_the_nearest_known_one() {
        let told = refusal("kind = \"orders\"\n[fields]\nordr_id = \"A\"\n");
        assert!(told.contains("`fields.ordr_id`") && told.contains("did you mean `order_id`?"), "{told}");
        let told = refusal("kind = \"orders\"\ntimezone = \"UTC\"\n");
        assert!(told.contains("line 2") && told.contains("did you mean `time_zone`?"), "{told}");
        let told = refusal("kind = \"catalog\"\n[fields]\nid = { colum = \"A\" }\n");
        assert!(told.contains("line 3") && told.contains("did you mean `column`?"), "{told}");
        let told = refusal("kind = \"catalog\"\n[fields]\nid = { column = \"A\", transforms = [\"lowr\"] }\n");
        assert!(told.contains("did you mean `lower`?"), "{told}");
    }

    #[test]
    fn options_must_make_sense() {
        let base = "kind = \"orders\"\nFIRST\n[fields]\norder_id = \"A\"\nproduct_id = \"B\"\ntime = \"C\"\nREST\n";
        for (first, rest, expected) in [
            ("", "price = { column = \"P\", format = \"%d\" }", "`format` is for times only"),
            ("", "price = { default = \"1\", constant = \"2\" }", "leaves no room"),
            ("", "price = {}", "name a `column`"),
            ("", "time = \"D\"", "duplicate key"),
            ("", "[[skip_when]]\ncolumn = \"A\"\nis_empty = true", "no `reason`"),
            ("", "[[skip_when]]\ncolumn = \"A\"\nreason = \"x\"", "tests nothing"),
            ("", "[attributes]\na = \"A\"", "orders have `properties`"),
            ("time_zone = \"Mars/Base\"", "", "no time zone `Mars/Base`"),
            ("decimal = \";\"", "", "`decimal` is"),
            ("currency = \"Pounds\"", "", "ISO 4217"),
            ("shape = \"segment\"", "", "for events only"),
        ] {
            let told = refusal(&base.replace("FIRST", first).replace("REST", rest));
            assert!(told.contains(expected), "{expected}: {told}");
        }
        assert!(refusal("kind = \"orders\"\n[fields]\norder_id = \"A\"\n").contains("`fields.product_id` is missing"));
    }
}
