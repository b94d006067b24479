//! What products can be narrowed down by: brand, category and every attribute with its values.
//!
//! A value is a number, a product a list of numbers, so that counting the values of a thousand products is a walk over
//! numbers. Counts over the whole catalog are exact, however products came and went.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use imbl::shared_ptr::DefaultSharedPtr;
use imbl::{GenericHashMap, OrdMap, OrdSet, Vector};
use mercer_schema::Product;
use rustc_hash::FxBuildHasher;

use crate::Doc;
use crate::analysis::is_code;
use crate::text::tokens;

type Map<K, V> = GenericHashMap<K, V, FxBuildHasher, DefaultSharedPtr>;

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

#[derive(Debug, Clone)]
struct Known {
    field: FacetField,
    text: Arc<str>,
    products: u32,
}

/// What the products of a field are like, all together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FieldTotals {
    pub products: u32,
    pub values: u32,
    /// Products of which the value is a number.
    pub numbers: u32,
}

/// All values of all products.
#[derive(Debug, Clone, Default)]
pub struct Facets {
    values: Vector<Known>,
    numbers: Map<(FacetField, Arc<str>), Value>,
    /// By how people write them: small letters, no accents, a category by its own name.
    written: Map<String, Vec<Value>>,
    /// Brands and categories by the words of their names.
    places: OrdMap<(FacetField, String), OrdSet<Value>>,
    /// By product.
    of: Vector<Option<Arc<[Value]>>>,
    fields: OrdMap<FacetField, FieldTotals>,
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
        let known = self.of(doc).iter().map(|value| self.told(*value)).collect::<Vec<_>>();
        if known.len() == wanted.len() && known.iter().zip(&wanted).all(|(known, wanted)| known == wanted) {
            return;
        }
        self.remove(doc);
        let values: Arc<[Value]> = wanted.into_iter().map(|(field, text)| self.count(field, &text)).collect();
        while self.of.len() <= doc.0 as usize {
            self.of.push_back(None);
        }
        self.of.set(doc.0 as usize, Some(values));
    }

    pub(crate) fn remove(&mut self, doc: Doc) {
        let Some(values) = self.of.get_mut(doc.0 as usize).and_then(Option::take) else { return };
        for value in values.iter() {
            let Some(known) = self.values.get_mut(value.0 as usize) else { continue };
            known.products -= 1;
            if let Some(totals) = self.fields.get_mut(&known.field) {
                totals.products -= 1;
                totals.numbers -= u32::from(is_number(&known.text));
                totals.values -= u32::from(known.products == 0);
            }
        }
    }

    /// The values of a product.
    pub fn of(&self, doc: Doc) -> &[Value] {
        self.of.get(doc.0 as usize).and_then(Option::as_deref).unwrap_or(&[])
    }

    /// The number of a value that some product has.
    pub fn value(&self, field: &FacetField, text: &str) -> Option<Value> {
        let value = *self.numbers.get(&(field.clone(), Arc::from(text)))?;
        (self.products(value) > 0).then_some(value)
    }

    /// Values that some product has and that are written so, of whatever field, those of most products first.
    pub fn written(&self, text: &str) -> Vec<Value> {
        let mut values = self.written.get(text).cloned().unwrap_or_default();
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
        self.values.get(value.0 as usize).map(|known| &known.field)
    }

    pub fn text(&self, value: Value) -> &str {
        self.values.get(value.0 as usize).map_or("", |known| &known.text)
    }

    /// Products that have a value.
    pub fn products(&self, value: Value) -> u32 {
        self.values.get(value.0 as usize).map_or(0, |known| known.products)
    }

    pub fn totals(&self, field: &FacetField) -> FieldTotals {
        self.fields.get(field).copied().unwrap_or_default()
    }

    /// Numbers given to values so far.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    fn told(&self, value: Value) -> (FacetField, String) {
        let known = &self.values[value.0 as usize];
        (known.field.clone(), known.text.to_string())
    }

    fn count(&mut self, field: FacetField, text: &str) -> Value {
        let text: Arc<str> = Arc::from(text);
        let value = *self.numbers.entry((field.clone(), Arc::clone(&text))).or_insert_with(|| {
            let value = Value(self.values.len() as u32);
            self.values.push_back(Known { field: field.clone(), text: Arc::clone(&text), products: 0 });
            let written = as_written(&field, &text);
            if !matches!(field, FacetField::Attribute(_)) {
                for word in written.split(' ') {
                    self.places.entry((field.clone(), word.to_owned())).or_default().insert(value);
                }
            }
            self.written.entry(written).or_default().push(value);
            value
        });
        let totals = self.fields.entry(field).or_default();
        totals.products += 1;
        totals.numbers += u32::from(is_number(&text));
        if let Some(known) = self.values.get_mut(value.0 as usize) {
            totals.values += u32::from(known.products == 0);
            known.products += 1;
        }
        value
    }
}

/// The values of a product in the order of their fields, each once.
fn values_of(product: &Product) -> Vec<(FacetField, String)> {
    let mut values: BTreeMap<(FacetField, String), ()> = BTreeMap::new();
    let mut add = |field: FacetField, text: &str| {
        let text = text.trim();
        if !text.is_empty() && text.chars().count() <= LONGEST_VALUE {
            values.insert((field, text.to_owned()), ());
        }
    };
    if let Some(brand) = &product.brand {
        add(FacetField::Brand, brand);
    }
    for (name, value) in product.attributes.iter().filter(|(name, value)| !is_code(name) && !value.starts_with("http"))
    {
        add(FacetField::Attribute(Arc::from(name.as_str())), value);
    }
    for levels in 1..=product.category.len() {
        values.insert((FacetField::Category, product.category[..levels].join(LEVEL_SEPARATOR)), ());
    }
    values.into_keys().collect()
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
        lamp.attributes.insert("colour".into(), colour.into());
        lamp.attributes.insert("watts".into(), "7".into());
        lamp
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
        facets.put(Doc(0), &lamp("blue"));
        assert_eq!(facets.value(&colour, "red"), None);
        assert_eq!(facets.totals(&colour), FieldTotals { products: 2, values: 1, numbers: 0 });
        facets.remove(Doc(0));
        facets.remove(Doc(3));
        facets.remove(Doc(3));
        assert_eq!(facets.totals(&colour), FieldTotals::default());
    }
}
