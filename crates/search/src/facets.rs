//! What products can be narrowed down by: brand, category and every attribute with its values.
//!
//! A value is a number, a product a list of numbers, so that counting the values of a thousand products is a walk over
//! numbers. Counts over the whole catalog are exact, however products came and went.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use mercer_persistent::Pages;
use mercer_schema::Product;

use crate::Doc;
use crate::identifier;
use crate::numbers::Numbers;
use crate::text::{BETWEEN_LISTED, tokens};
use crate::wishes::Role;

/// Between the levels of a category.
pub const LEVEL_SEPARATOR: &str = " > ";

/// The last level of a category path, by which people call it.
pub fn leaf_of(path: &str) -> &str {
    path.rsplit(LEVEL_SEPARATOR).next().unwrap_or(path)
}

/// A longer value of an attribute is a text that nobody chooses from a list.
const LONGEST_VALUE: usize = 60;
/// Words of a value by which it is found.
const MOST_WORDS: usize = 8;
/// Words that a value of a list has at most.
const MOST_LISTED_WORDS: usize = 2;

/// A value of a field, by number. Which number it is says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Value(pub u32);

/// A field that products can be narrowed down by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FacetField {
    Brand,
    /// A category with everything above it: `Home > Kitchen`.
    Category,
    Attribute(Arc<str>),
}

/// What the products of a field are like, all together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FieldTotals {
    pub products: u32,
    pub values: u32,
    /// Products of which the first value is a number.
    pub numbers: u32,
}

/// The values of a field among some products.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldCounts<'a> {
    pub field: &'a FacetField,
    pub role: Role,
    /// Over the whole catalog.
    pub totals: FieldTotals,
    /// Of these products, those that have any value.
    pub products: u32,
    /// Each value with how many of these products have it, in the order of the products' numbers.
    pub values: Vec<(Value, u32)>,
}

#[derive(Debug, Clone)]
struct KnownField {
    field: FacetField,
    role: Role,
    totals: FieldTotals,
}

#[derive(Debug, Clone)]
struct Known {
    /// The number of its field.
    field: u32,
    text: Arc<str>,
    products: u32,
}

impl Known {
    fn is(&self, field: u32, text: &str) -> bool {
        self.field == field && *self.text == *text
    }
}

/// A value of a product, beside the number of its field.
#[derive(Debug, Clone, Copy)]
struct Held {
    field: u32,
    value: Value,
}

/// All values of all products.
#[derive(Debug, Clone, Default)]
pub struct Facets {
    fields: Pages<KnownField>,
    field_numbers: OrdMap<FacetField, u32>,
    values: Pages<Known>,
    value_numbers: Numbers,
    /// By how people write them: small letters, no accents, a category by its own name.
    written: OrdSet<(Arc<str>, Value)>,
    /// Brands and categories by the words of their names.
    places: OrdMap<(FacetField, String), OrdSet<Value>>,
    /// By product; the values of a field stand together.
    of: Pages<Option<Arc<[Held]>>>,
}

impl FacetField {
    /// As the API names it: `brand`, `category`, or the attribute's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Brand => "brand",
            Self::Category => "category",
            Self::Attribute(name) => name,
        }
    }

    pub fn parse(name: &str) -> Self {
        match name {
            "brand" => Self::Brand,
            "category" => Self::Category,
            name => Self::Attribute(Arc::from(name)),
        }
    }
}

impl Facets {
    pub(crate) fn put(&mut self, doc: Doc, product: &Product) {
        let wanted = values_of(product);
        let known = self.of(doc).iter().map(|held| self.told(held.value)).collect::<Vec<_>>();
        if known == wanted {
            return;
        }
        self.remove(doc);
        let held: Arc<[Held]> = wanted.into_iter().map(|(field, text)| self.number(&field, &text)).collect();
        self.recount(&held, 1);
        self.of.put(doc.0 as usize, Some(held), || None);
    }

    pub(crate) fn remove(&mut self, doc: Doc) {
        if let Some(held) = self.of.get_mut(doc.0 as usize).and_then(Option::take) {
            self.recount(&held, -1);
        }
    }

    /// Whether a product has one of these values, which come in order.
    pub fn has_any(&self, doc: Doc, values: &[Value]) -> bool {
        self.of(doc).iter().any(|held| values.binary_search(&held.value).is_ok())
    }

    /// Counts the values of some products, field by field; those of a family count as one, which has the values of all of them.
    /// `is_meant` is told a field and how many have it: the values of other fields are not looked at.
    pub fn count(
        &self,
        docs: &[Doc],
        families: &[Vec<Doc>],
        is_meant: impl Fn(&FacetField, u32) -> bool,
    ) -> Vec<FieldCounts<'_>> {
        let mut docs = docs.to_vec();
        // Neighbours lie beside each other.
        docs.sort_unstable();
        let groups = docs.iter().map(std::slice::from_ref).chain(families.iter().map(Vec::as_slice));
        // By the number of the group, from 1.
        let held: Vec<(u32, &[Held])> =
            (1..).zip(groups).flat_map(|(group, docs)| docs.iter().map(move |doc| (group, self.of(*doc)))).collect();
        let mut having = vec![Tally::default(); self.fields.len()];
        for (group, held) in &held {
            for Held { field, .. } in *held {
                having[*field as usize].add(*group);
            }
        }
        let mut counts = Vec::new();
        let mut places: Vec<Option<usize>> = vec![None; having.len()];
        for (number, Tally { count: products, .. }) in having.into_iter().enumerate() {
            let KnownField { field, role, totals } = &self.fields[number];
            if is_meant(field, products) {
                places[number] = Some(counts.len());
                counts.push(FieldCounts { field, role: *role, totals: *totals, products, values: Vec::new() });
            }
        }
        TALLIES.with_borrow_mut(|tallies| {
            tallies.resize(tallies.len().max(self.values.len()), Tally::default());
            for (group, held) in held {
                for Held { field, value } in held {
                    let Some(place) = places[*field as usize] else { continue };
                    if tallies[value.0 as usize].add(group) {
                        counts[place].values.push((*value, 0));
                    }
                }
            }
            for (value, count) in counts.iter_mut().flat_map(|counts| &mut counts.values) {
                *count = std::mem::take(&mut tallies[value.0 as usize]).count;
            }
        });
        counts.sort_by(|a, b| a.field.cmp(b.field));
        counts
    }

    /// The values of a product.
    fn of(&self, doc: Doc) -> &[Held] {
        self.of.get(doc.0 as usize).and_then(Option::as_deref).unwrap_or(&[])
    }

    /// The number of a value that some product has.
    pub fn value(&self, field: &FacetField, text: &str) -> Option<Value> {
        let field = *self.field_numbers.get(field)?;
        let value = self.value_numbers.find(&(field, text), |number| self.values[number as usize].is(field, text));
        value.map(Value).filter(|value| self.products(*value) > 0)
    }

    /// The values of a field with this name: the one written just so, or else those that differ in letter case alone.
    pub fn named<'a>(&'a self, field: &FacetField, name: &str) -> impl Iterator<Item = &'a str> {
        let exact = self.value(field, name);
        let others = if exact.is_some() { Vec::new() } else { self.written(&as_written(field, name)) };
        let (field, lower) = (field.clone(), name.to_lowercase());
        let others = others
            .into_iter()
            .filter(move |value| self.field(*value) == Some(&field) && self.text(*value).to_lowercase() == lower);
        exact.into_iter().chain(others).map(|value| self.text(value))
    }

    /// Values that some product has and that are written so, of whatever field, those of most products first.
    pub fn written(&self, text: &str) -> Vec<Value> {
        let named = self.written.range((Arc::from(text), Value(0))..).take_while(|(written, _)| **written == *text);
        let mut values: Vec<Value> = named.map(|(_, value)| *value).collect();
        values.retain(|value| self.products(*value) > 0);
        values
            .sort_by(|a, b| self.products(*b).cmp(&self.products(*a)).then_with(|| self.told(*a).cmp(&self.told(*b))));
        values
    }

    /// Brands or categories in whose name each of these words begins a word, those of most products first.
    pub fn places(&self, field: &FacetField, typed: &str, most: usize) -> Vec<Value> {
        let mut found: Option<OrdSet<Value>> = None;
        for token in tokens(typed, MOST_WORDS) {
            let from = (field.clone(), token.plain.clone());
            let named = self.places.range((Bound::Included(from), Bound::Unbounded));
            let named = named.take_while(|((of, word), _)| of == field && word.starts_with(&token.plain));
            let with_word = named.flat_map(|(_, values)| values.iter().copied()).collect::<OrdSet<Value>>();
            found = Some(match found {
                Some(found) => found.intersection(with_word),
                None => with_word,
            });
        }
        let mut found: Vec<Value> = found.into_iter().flatten().filter(|value| self.products(*value) > 0).collect();
        found.sort_by(|a, b| self.products(*b).cmp(&self.products(*a)).then_with(|| self.text(*a).cmp(self.text(*b))));
        found.truncate(most);
        found
    }

    pub fn field(&self, value: Value) -> Option<&FacetField> {
        Some(&self.known_field(value)?.field)
    }

    /// What the name of a value's field says that it holds.
    pub fn role(&self, value: Value) -> Role {
        self.known_field(value).map_or(Role::Other, |known| known.role)
    }

    pub fn text(&self, value: Value) -> &str {
        self.values.get(value.0 as usize).map_or("", |known| &known.text)
    }

    /// Products that have a value.
    pub fn products(&self, value: Value) -> u32 {
        self.values.get(value.0 as usize).map_or(0, |known| known.products)
    }

    /// Whether a product has a field of this role.
    pub fn has(&self, role: Role) -> bool {
        self.fields.iter().any(|known| known.role == role && known.totals.products > 0)
    }

    pub fn totals(&self, field: &FacetField) -> FieldTotals {
        let number = self.field_numbers.get(field);
        number.and_then(|number| self.fields.get(*number as usize)).map(|known| known.totals).unwrap_or_default()
    }

    /// Numbers given to values so far.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    fn known_field(&self, value: Value) -> Option<&KnownField> {
        self.fields.get(self.values.get(value.0 as usize)?.field as usize)
    }

    fn told(&self, value: Value) -> (FacetField, String) {
        let known = &self.values[value.0 as usize];
        (self.fields[known.field as usize].field.clone(), known.text.to_string())
    }

    fn number(&mut self, field: &FacetField, text: &str) -> Held {
        let number = *self.field_numbers.entry(field.clone()).or_insert_with(|| {
            let totals = FieldTotals::default();
            self.fields.push(KnownField { field: field.clone(), role: Role::of(field), totals });
            (self.fields.len() - 1) as u32
        });
        let next = self.values.len() as u32;
        let values = &self.values;
        let value = self.value_numbers.number(&(number, text), next, |at| values[at as usize].is(number, text));
        let value = Value(value);
        if value.0 == next {
            let text: Arc<str> = Arc::from(text);
            let written = as_written(field, &text);
            if !matches!(field, FacetField::Attribute(_)) {
                for word in written.split(' ') {
                    self.places.entry((field.clone(), word.to_owned())).or_default().insert(value);
                }
            }
            let written = if *written == *text { Arc::clone(&text) } else { Arc::from(written) };
            self.written.insert((written, value));
            self.values.push(Known { field: number, text, products: 0 });
        }
        Held { field: number, value }
    }

    /// Counts a product's values in, or with -1 out.
    fn recount(&mut self, held: &[Held], by: i32) {
        let mut last = None;
        for Held { field, value } in held {
            let (Some(known), Some(of_field)) =
                (self.values.get_mut(value.0 as usize), self.fields.get_mut(*field as usize))
            else {
                continue;
            };
            let was_there = known.products > 0;
            known.products = known.products.saturating_add_signed(by);
            let totals = &mut of_field.totals;
            if was_there != (known.products > 0) {
                totals.values = totals.values.saturating_add_signed(by);
            }
            if last.replace(field) != Some(field) {
                totals.products = totals.products.saturating_add_signed(by);
                totals.numbers = totals.numbers.saturating_add_signed(if is_number(&known.text) { by } else { 0 });
            }
        }
    }
}

thread_local! {
    /// By value, how many were counted; all of nothing between two counts.
    static TALLIES: RefCell<Vec<Tally>> = RefCell::default();
}

/// How many groups of products have something.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    count: u32,
    /// The group that was counted last, from 1.
    last: u32,
}

impl Tally {
    /// Counts a group once, whose products come one after the other; says whether it is the first of all.
    fn add(&mut self, group: u32) -> bool {
        let is_new = std::mem::replace(&mut self.last, group) != group;
        self.count += u32::from(is_new);
        is_new && self.count == 1
    }
}

/// The values of a product in the order of their fields, each once.
fn values_of(product: &Product) -> Vec<(FacetField, String)> {
    let mut values: BTreeSet<(FacetField, String)> = BTreeSet::new();
    let mut add = |field: FacetField, text: &str| {
        let text = text.trim();
        if !text.is_empty() && text.chars().count() <= LONGEST_VALUE {
            values.insert((field, text.to_owned()));
        }
    };
    if let Some(brand) = &product.brand {
        add(FacetField::Brand, brand);
    }
    for (name, value) in
        product.attributes.iter().filter(|(name, value)| !identifier::is_named(name) && !value.starts_with("http"))
    {
        let field = FacetField::Attribute(Arc::from(name));
        listed(value).into_iter().for_each(|value| add(field.clone(), value));
    }
    for levels in 1..=product.category.len() {
        values.insert((FacetField::Category, product.category[..levels].join(LEVEL_SEPARATOR)));
    }
    values.into_iter().collect()
}

/// The values of a list such as `Black, Red`; a text with a number or a long part is one value.
fn listed(text: &str) -> Vec<&str> {
    let is_word = |part: &&str| {
        !part.is_empty() && part.split(' ').count() <= MOST_LISTED_WORDS && !part.contains(|c: char| c.is_ascii_digit())
    };
    let parts: Vec<&str> = text.split(BETWEEN_LISTED).map(str::trim).collect();
    if parts.iter().all(is_word) { parts } else { vec![text] }
}

fn as_written(field: &FacetField, text: &str) -> String {
    let name = if *field == FacetField::Category { leaf_of(text) } else { text };
    tokens(name, MOST_WORDS).iter().map(|token| token.plain.as_str()).collect::<Vec<_>>().join(" ")
}

fn is_number(text: &str) -> bool {
    text.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use mercer_schema::ProductId;

    use super::*;

    fn lamp(colour: &str) -> Product {
        let mut lamp = Product::new(ProductId::parse("lamp").unwrap(), "Lamp");
        lamp.brand = Some("Acme".into());
        lamp.category = vec!["Home".into(), "Light".into()];
        lamp.attributes.insert("colour", colour);
        lamp.attributes.insert("watts", "7");
        lamp
    }

    #[test]
    fn a_list_of_words_is_several_values() {
        assert_eq!(listed("Black, Dark red;White"), ["Black", "Dark red", "White"]);
        for whole in ["1,200 mAh", "Black", "USB 2.0, USB 3.0", "for the kitchen, bath and garden", "Black,"] {
            assert_eq!(listed(whole), [whole]);
        }
        let mut facets = Facets::default();
        facets.put(Doc(0), &lamp("red, blue"));
        let colour = FacetField::parse("colour");
        assert_eq!(facets.totals(&colour), FieldTotals { products: 1, values: 2, numbers: 0 });
        assert!(facets.has_any(Doc(0), &[facets.value(&colour, "blue").unwrap()]));
    }

    #[test]
    fn counts_follow_the_products() {
        let mut facets = Facets::default();
        facets.put(Doc(0), &lamp("red"));
        facets.put(Doc(3), &lamp("blue"));
        facets.put(Doc(3), &lamp("blue"));
        let colour = FacetField::parse("colour");
        assert_eq!(facets.totals(&colour), FieldTotals { products: 2, values: 2, numbers: 0 });
        assert_eq!(facets.totals(&FacetField::parse("watts")), FieldTotals { products: 2, values: 1, numbers: 2 });
        let path = facets.value(&FacetField::Category, "Home > Light").unwrap();
        assert_eq!((facets.products(path), facets.text(path)), (2, "Home > Light"));
        assert_eq!(facets.of(Doc(0)).len(), 5);
        let docs = [Doc(0), Doc(3), Doc(9)];
        let counts = facets.count(&docs, &[], |field, products| *field != FacetField::Brand && products == 2);
        let told = counts.iter().map(|counts| (counts.field.name(), counts.products, counts.values.len()));
        assert_eq!(told.collect::<Vec<_>>(), [("category", 2, 2), ("colour", 2, 2), ("watts", 2, 1)]);
        let family = vec![Doc(0), Doc(3)];
        let counts = facets.count(&[Doc(9)], &[family], |field, _| field.name() != "brand");
        let told = counts.iter().map(|counts| {
            (counts.field.name(), counts.products, counts.values.iter().map(|(_, count)| *count).collect())
        });
        let once = |field, values| (field, 1, vec![1; values]);
        assert_eq!(
            told.collect::<Vec<_>>(),
            [once("category", 2), once("colour", 2), once("watts", 1)],
            "a family is one"
        );
        facets.put(Doc(0), &lamp("blue"));
        assert_eq!(facets.value(&colour, "red"), None);
        assert_eq!(facets.totals(&colour), FieldTotals { products: 2, values: 1, numbers: 0 });
        facets.remove(Doc(0));
        facets.remove(Doc(3));
        facets.remove(Doc(3));
        assert_eq!(facets.totals(&colour), FieldTotals::default());
    }
}
