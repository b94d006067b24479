//! The fields of a product that a request asked for, as JSON in the product's own shape.
//!
//! An attribute may be asked for by its name; it comes under `attributes`. Names that nothing shown has are told
//! in a note, since a typing mistake would otherwise look like missing data.

use mercer_schema::Product;
use serde_json::{Map, Value};

/// Which fields to give. Counts for each name whether anything had it.
pub(crate) struct Projection<'a> {
    names: &'a [String],
    met: Vec<bool>,
}

impl<'a> Projection<'a> {
    pub(crate) fn new(names: &'a [String]) -> Self {
        Self { names, met: vec![false; names.len()] }
    }

    /// Everything when no names were given.
    pub(crate) fn apply(&mut self, product: &Product) -> Value {
        if self.names.is_empty() {
            return serde_json::to_value(product).unwrap_or_default();
        }
        let mut fields = Map::with_capacity(self.names.len());
        let mut attributes = Map::new();
        for (name, met) in self.names.iter().zip(&mut self.met) {
            match known(product, name) {
                Known::Has(value) => {
                    *met = true;
                    fields.insert(name.clone(), value);
                }
                Known::Lacks => *met = true,
                Known::No => {
                    if let Some(value) = product.attributes.get(name) {
                        *met = true;
                        attributes.insert(name.clone(), Value::String(value.to_owned()));
                    }
                }
            }
        }
        if let Some(Value::Object(all)) = fields.get_mut("attributes") {
            all.extend(attributes);
        } else if !attributes.is_empty() {
            fields.insert("attributes".to_owned(), Value::Object(attributes));
        }
        Value::Object(fields)
    }

    /// Names that no product had, when any product was shown.
    pub(crate) fn unknown(&self) -> impl Iterator<Item = &'a str> {
        self.names.iter().zip(&self.met).filter(|(_, met)| !**met).map(|(name, _)| name.as_str())
    }
}

enum Known {
    Has(Value),
    /// A field of products that this one has no value for.
    Lacks,
    No,
}

fn known(product: &Product, name: &str) -> Known {
    let text = |value: &Option<String>| value.clone().map_or(Known::Lacks, |value| Known::Has(Value::String(value)));
    let has = |value: serde_json::Result<Value>| value.map_or(Known::Lacks, Known::Has);
    match name {
        "id" => Known::Has(Value::String(product.id.to_string())),
        "title" => Known::Has(Value::String(product.title.clone())),
        "description" => Known::Has(Value::String(product.description.clone())),
        "brand" => text(&product.brand),
        "category" => has(serde_json::to_value(&product.category)),
        "price" => product.price.map_or(Known::Lacks, |price| has(serde_json::to_value(price))),
        "list_price" => product.list_price.map_or(Known::Lacks, |price| has(serde_json::to_value(price))),
        "availability" => has(serde_json::to_value(product.availability)),
        "url" => text(&product.url),
        "image_url" => text(&product.image_url),
        "group_id" => text(&product.group_id),
        "repurchase_days" => product.repurchase_days.map_or(Known::Lacks, |days| Known::Has(days.into())),
        "attributes" => has(serde_json::to_value(&product.attributes)),
        _ => Known::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mercer_schema::{Currency, Money, ProductId};

    fn lantern() -> Product {
        let mut product = Product::new(ProductId::trusted("l"), "Paper Lantern");
        product.brand = Some("Lumen".into());
        product.url = Some("/l".into());
        product.price = Some(Money { minor: 450, currency: Currency::parse("EUR").unwrap() });
        product.attributes.insert("colour", "red");
        product.category = vec!["Light".into()];
        product
    }

    #[test]
    fn each_name_gives_what_the_whole_product_has_under_it() {
        let product = lantern();
        let whole = Projection::new(&[]).apply(&product);
        for (name, value) in whole.as_object().unwrap() {
            let names = [name.clone()];
            let mut one = Projection::new(&names);
            assert_eq!(one.apply(&product).get(name), Some(value), "{name}");
            assert_eq!(one.unknown().count(), 0, "{name}");
        }
    }

    #[test]
    fn attributes_come_by_name_and_unknown_names_are_told() {
        let names = ["title", "colour", "colur", "list_price"].map(str::to_owned);
        let mut projection = Projection::new(&names);
        let expected = serde_json::json!({"title": "Paper Lantern", "attributes": {"colour": "red"}});
        assert_eq!(projection.apply(&lantern()), expected);
        assert_eq!(projection.unknown().collect::<Vec<_>>(), ["colur"]);
    }
}
