//! A mapping tied to the columns of one file, and the reading of single cells through it.
//!
//! Invariant: a cell that is empty, or one of the mapping's `null_values`, is absent.

use std::borrow::Cow;

use mercer_schema::{Currency, Id, Money};

use super::error::did_you_mean;
use super::field::Field;
use super::mapping::{Mapping, Rule};
use super::money::amount;
use super::row::{Columns, Row, SEPARATOR};
use super::rule::matches;
use crate::{BadReason, Fault};

/// Where the mapping's rules find their cells in this file.
#[derive(Debug, Default)]
pub(super) struct Binding {
    /// How many columns there were when it was made.
    pub(super) columns: usize,
    fields: Vec<Vec<Place>>,
    extras: Vec<Vec<Place>>,
    pairs: Vec<(usize, usize)>,
    skip: Vec<Option<usize>>,
    cancelled: Option<usize>,
    /// Columns that no rule reads, or reads only where another column is empty.
    unmapped: Vec<Unread>,
}

/// A column that becomes an attribute or a property of its own name.
#[derive(Debug)]
struct Unread {
    column: usize,
    name: String,
    /// For each rule that may read it, the places that go before it: where they are all empty, the rule has read it.
    ahead: Vec<Vec<Place>>,
}

/// One source of a field.
#[derive(Debug, Clone)]
enum Place {
    Column(usize),
    Template(Vec<Part>),
}

#[derive(Debug, Clone)]
enum Part {
    Text(String),
    Column(usize),
}

impl Binding {
    pub(super) fn new(mapping: &Mapping, columns: &Columns) -> Self {
        let places = |rule: &Rule| rule.from.iter().filter_map(|from| place(from, columns)).collect::<Vec<_>>();
        let mut binding = Self {
            columns: columns.len(),
            fields: mapping.fields.iter().map(|rule| rule.as_ref().map(places).unwrap_or_default()).collect(),
            extras: mapping.extras.values().map(places).collect(),
            pairs: mapping
                .pairs
                .iter()
                .filter_map(|(name, value)| Some((columns.find(name)?, columns.find(value)?)))
                .collect(),
            skip: mapping.skip.iter().map(|rule| columns.find(&rule.when.column)).collect(),
            cancelled: mapping.cancelled.as_ref().and_then(|rule| columns.find(&rule.when.column)),
            unmapped: Vec::new(),
        };
        if mapping.keeps_unmapped {
            binding.unmapped = binding.without_rule(mapping, columns);
        }
        binding
    }

    fn without_rule(&self, mapping: &Mapping, columns: &Columns) -> Vec<Unread> {
        let mut is_used = vec![false; columns.len()];
        let mut mark = |column: usize| is_used[column] = true;
        for places in self.fields.iter().chain(&self.extras) {
            for (position, place) in places.iter().enumerate() {
                match place {
                    // Of several columns the first that is not empty counts: the others are only perhaps read.
                    Place::Column(column) if position == 0 => mark(*column),
                    Place::Column(_) => {}
                    Place::Template(parts) => parts.iter().for_each(|part| {
                        if let Part::Column(column) = part {
                            mark(*column);
                        }
                    }),
                }
            }
        }
        self.pairs.iter().for_each(|(name, value)| [*name, *value].into_iter().for_each(&mut mark));
        self.skip.iter().flatten().copied().for_each(&mut mark);
        mapping.group.iter().filter_map(|group| columns.find(&group.by)).for_each(&mut mark);
        let names = columns.names().iter().enumerate().zip(&is_used);
        names
            .filter(|((_, name), is_used)| !**is_used && !mapping.ignored.iter().any(|pattern| matches(pattern, name)))
            .map(|((column, name), _)| Unread { column, name: extra_name(name), ahead: self.ahead_of(column) })
            // An attribute may not pass for a field of the same name, which another column has filled.
            .filter(|unread| unread.ahead.is_empty() || Field::named(&unread.name, mapping.kind).is_none())
            .collect()
    }

    fn ahead_of(&self, column: usize) -> Vec<Vec<Place>> {
        let is_it = |place: &Place| matches!(place, Place::Column(other) if *other == column);
        let ahead = |places: &Vec<Place>| Some(places[..places.iter().position(is_it)?].to_vec());
        self.fields.iter().chain(&self.extras).filter_map(ahead).collect()
    }

    /// Names in the mapping that the file does not have, in words. Only of interest for a user's own mapping.
    pub(super) fn missing(mapping: &Mapping, columns: &Columns) -> Vec<String> {
        let told = |what: String, wanted: &str| {
            let hint = did_you_mean(wanted, columns.names().iter().map(String::as_str));
            format!("{what}: the file has no column `{wanted}`{hint}")
        };
        let fields = Field::ALL.iter().filter_map(|field| {
            let rule = mapping.rule(*field)?;
            let is_missing = !rule.from.is_empty() && rule.from.iter().all(|from| place(from, columns).is_none());
            is_missing.then(|| told(format!("`fields.{}`", field.name()), rule.from.first().map_or("", String::as_str)))
        });
        let conditions = mapping
            .skip
            .iter()
            .map(|rule| (format!("`skip_when` for \"{}\"", rule.reason), &rule.when))
            .chain(mapping.cancelled.iter().map(|rule| ("`cancelled_when`".to_owned(), &rule.when)));
        let conditions = conditions
            .filter(|(_, when)| columns.find(&when.column).is_none())
            .map(|(what, when)| told(what, &when.column));
        fields.chain(conditions).collect()
    }

    pub(super) fn has(&self, mapping: &Mapping, field: Field) -> bool {
        let has_place = self.fields.get(field as usize).is_some_and(|places| !places.is_empty());
        has_place || mapping.rule(field).is_some_and(|rule| rule.constant.is_some() || rule.default.is_some())
    }
}

fn place(from: &str, columns: &Columns) -> Option<Place> {
    if let Some(column) = columns.find(from) {
        return Some(Place::Column(column));
    }
    let mut parts = Vec::new();
    let mut rest = from;
    while let Some((text, after)) = rest.split_once('{') {
        let (name, behind) = after.split_once('}')?;
        parts.push(Part::Text(text.to_owned()));
        parts.push(Part::Column(columns.find(name)?));
        rest = behind;
    }
    if parts.is_empty() {
        return None;
    }
    parts.push(Part::Text(rest.to_owned()));
    Some(Place::Template(parts))
}

/// `g:Age Group` becomes `age_group`; `attributes.color` becomes `color`.
fn extra_name(column: &str) -> String {
    let name = column.strip_prefix("g:").unwrap_or(column);
    let name = name.strip_prefix("attributes.").or_else(|| name.strip_prefix("properties.")).unwrap_or(name);
    name.trim().to_lowercase().split_whitespace().collect::<Vec<_>>().join("_")
}

/// A cell's text after the rule's changes, and where it was found.
#[derive(Debug)]
pub(super) struct Found<'a> {
    pub(super) column: &'a str,
    pub(super) text: Cow<'a, str>,
}

impl Found<'_> {
    pub(super) fn fault(&self, reason: BadReason, expected: &str) -> Fault {
        const SHOWN: usize = 80;
        let shown: String = self.text.chars().take(SHOWN).collect();
        let dots = if shown.len() < self.text.len() { "…" } else { "" };
        Fault::at(reason, self.column, format!("column `{}` has `{shown}{dots}`: {expected}", self.column))
    }
}

/// One row, seen through the mapping.
#[derive(Clone, Copy)]
pub(super) struct Cells<'a> {
    pub(super) row: &'a Row,
    pub(super) columns: &'a Columns,
    pub(super) mapping: &'a Mapping,
    pub(super) binding: &'a Binding,
    /// The row's own bytes, where the format has such.
    pub(super) raw: Option<&'a [u8]>,
}

impl<'a> Cells<'a> {
    /// The row in a form that can be imported again.
    pub(super) fn to_raw(self) -> Vec<u8> {
        self.raw.map_or_else(|| self.row.to_json(self.columns), <[u8]>::to_vec)
    }

    fn cell(self, column: usize) -> &'a str {
        let cell = trimmed(self.row.get(column));
        if self.mapping.null_values.iter().any(|null| null == cell) { "" } else { cell }
    }

    fn column_name(self, column: usize) -> &'a str {
        self.columns.names().get(column).map_or("", String::as_str)
    }

    /// The reason of the first rule that leaves this row out.
    pub(super) fn skip_reason(self) -> Option<&'a str> {
        let rules = self.mapping.skip.iter().zip(&self.binding.skip);
        rules
            .filter_map(|(rule, column)| Some((rule, (*column)?)))
            .find(|(rule, column)| rule.when.holds(self.cell(*column)))
            .map(|(rule, _)| rule.reason.as_str())
    }

    pub(super) fn is_cancelled(self) -> bool {
        let rule = self.mapping.cancelled.as_ref();
        rule.zip(self.binding.cancelled).is_some_and(|(rule, column)| rule.when.holds(self.cell(column)))
    }

    /// The field's text; of a cell with several values the first.
    pub(super) fn text(self, field: Field) -> Option<Found<'a>> {
        let places = self.binding.fields.get(field as usize)?;
        self.find(self.mapping.rule(field)?, places, field.name(), false)
    }

    pub(super) fn required(self, field: Field) -> Result<Found<'a>, Fault> {
        self.text(field).ok_or_else(|| {
            let wanted = self.mapping.rule(field).map(|rule| rule.from.join("`, `")).unwrap_or_default();
            Fault::missing(field.name(), format!("`{}` is missing: the row has nothing in `{wanted}`", field.name()))
        })
    }

    pub(super) fn id<Kind>(self, field: Field) -> Result<Option<Id<Kind>>, Fault> {
        let Some(found) = self.text(field) else {
            return Ok(None);
        };
        let id = Id::parse(&found.text);
        id.map(Some).map_err(|error| found.fault(BadReason::InvalidId, &error.to_string()))
    }

    pub(super) fn required_id<Kind>(self, field: Field) -> Result<Id<Kind>, Fault> {
        let found = self.required(field)?;
        Id::parse(&found.text).map_err(|error| found.fault(BadReason::InvalidId, &error.to_string()))
    }

    /// An amount in its own currency, else in the row's, the mapping's or the caller's.
    pub(super) fn money(self, field: Field, fallback: Currency) -> Result<Option<Money>, Fault> {
        let Some((found, rule)) = self.text(field).zip(self.mapping.rule(field)) else {
            return Ok(None);
        };
        let expected = match self.text(Field::Currency) {
            Some(code) => Currency::parse(&code.text)
                .map_err(|_| code.fault(BadReason::InvalidMoney, "expected an ISO 4217 currency code such as EUR"))?,
            None => self.mapping.currency.unwrap_or(fallback),
        };
        let money = amount(&found.text, expected, rule.style);
        money.map(Some).map_err(|expected| found.fault(BadReason::InvalidMoney, &expected))
    }

    /// From the widest to the narrowest.
    pub(super) fn path(self, field: Field) -> Vec<String> {
        let Some((places, rule)) = self.binding.fields.get(field as usize).zip(self.mapping.rule(field)) else {
            return Vec::new();
        };
        let Some(found) = self.find(rule, places, field.name(), true) else {
            return Vec::new();
        };
        let steps = |text: &str, split: &str| -> Vec<String> {
            text.split(split).map(str::trim).filter(|step| !step.is_empty()).map(str::to_owned).collect()
        };
        let first = found.text.split(SEPARATOR).next().unwrap_or_default();
        match rule.split.as_deref().map(str::trim).filter(|split| !split.is_empty()) {
            _ if rule.list_is_path && first.len() < found.text.len() => steps(&found.text, &SEPARATOR.to_string()),
            Some(split) => steps(first, split),
            None => steps(first, &SEPARATOR.to_string()),
        }
    }

    /// Attributes or properties: those that the mapping names, name-and-value pairs, and unmapped columns.
    pub(super) fn extras(self) -> impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)> {
        let named = self.mapping.extras.iter().zip(&self.binding.extras).filter_map(move |((name, rule), places)| {
            self.find(rule, places, name, true).map(|found| (Cow::Borrowed(name.as_str()), found.text))
        });
        let pairs = self.binding.pairs.iter().filter_map(move |(name, value)| {
            let (name, value) = (self.cell(*name), self.cell(*value));
            (!name.is_empty() && !value.is_empty()).then(|| (Cow::Owned(extra_name(name)), Cow::Borrowed(value)))
        });
        let rest = self.binding.unmapped.iter().filter_map(move |unread| {
            let value = self.cell(unread.column);
            let has_text = |place: &'a Place| self.look(place, &unread.name, true).is_some();
            let is_read = unread.ahead.iter().any(|places| !places.iter().any(has_text));
            let is_kept = !value.is_empty() && !is_read;
            is_kept.then_some((Cow::Borrowed(unread.name.as_str()), Cow::Borrowed(value)))
        });
        named.chain(pairs).chain(rest).map(|(name, value)| (name, listed(value)))
    }

    fn find(self, rule: &'a Rule, places: &'a [Place], field: &'a str, is_list: bool) -> Option<Found<'a>> {
        let constant = rule.constant.as_deref().map(|text| Found { column: field, text: Cow::Borrowed(text) });
        let found = constant.or_else(|| places.iter().find_map(|place| self.look(place, field, is_list)));
        let changed = found.and_then(|found| {
            let text = rule.transforms.iter().fold(found.text, |text, transform| transform.apply(text));
            let meaning = if rule.words.is_empty() { None } else { rule.words.get(&text.to_lowercase()) };
            let text = meaning.map_or(text, |meaning| Cow::Borrowed(meaning.as_str()));
            (!trimmed(&text).is_empty()).then_some(Found { text, ..found })
        });
        changed.or_else(|| Some(Found { column: field, text: Cow::Borrowed(rule.default.as_deref()?) }))
    }

    fn look(self, place: &'a Place, field: &'a str, is_list: bool) -> Option<Found<'a>> {
        let one = |cell: &'a str| if is_list { cell } else { first_value(cell) };
        match place {
            Place::Column(column) => {
                let text = one(self.cell(*column));
                (!text.is_empty()).then(|| Found { column: self.column_name(*column), text: Cow::Borrowed(text) })
            }
            Place::Template(parts) => {
                let mut whole = String::new();
                for part in parts {
                    match part {
                        Part::Text(text) => whole.push_str(text),
                        Part::Column(column) => match one(self.cell(*column)) {
                            "" => return None,
                            cell => whole.push_str(cell),
                        },
                    }
                }
                Some(Found { column: field, text: Cow::Owned(whole) })
            }
        }
    }
}

/// As `trim`, but quick with the many cells that have nothing to trim.
fn trimmed(cell: &str) -> &str {
    match (cell.as_bytes().first(), cell.as_bytes().last()) {
        (Some(first), Some(last)) if first.is_ascii_graphic() && last.is_ascii_graphic() => cell,
        _ => cell.trim(),
    }
}

fn first_value(cell: &str) -> &str {
    match cell.as_bytes().iter().position(|byte| *byte == SEPARATOR as u8) {
        Some(end) => &cell[..end],
        None => cell,
    }
}

/// Several values as people write them.
fn listed(value: Cow<'_, str>) -> Cow<'_, str> {
    if value.contains(SEPARATOR) { Cow::Owned(value.replace(SEPARATOR, ", ")) } else { value }
}
