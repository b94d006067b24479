//! How a product lies in the index: which fields there are, and what of a product goes into which.

use mercer_schema::Product;
use tantivy::schema::{Field, IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing, TextOptions};
use tantivy::{TantivyDocument, Term};

use crate::words::{PLAIN, STEM};

/// Attributes that name one product, as its id does.
const CODE_ATTRIBUTES: [&str; 7] = ["sku", "mpn", "gtin", "ean", "upc", "isbn", "barcode"];
/// Between the levels of a category path.
const LEVEL_SEPARATOR: &str = " > ";

/// The fields, and how much a word in each of the text fields counts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields {
    pub(crate) id: Field,
    /// The id and other codes, in small letters.
    pub(crate) code: Field,
    pub(crate) title: Field,
    brand: Field,
    category: Field,
    attributes: Field,
    description: Field,
    /// Words as they are written, without those of the description: what prefixes and slips are looked up in.
    pub(crate) word: Field,
    /// Category names and paths, in small letters.
    category_key: Field,
    /// Category names as they are shown.
    pub(crate) category_name: Field,
    buyable: Field,
}

impl Fields {
    pub(crate) fn new() -> (Schema, Self) {
        let text = |analyzer: &str, record: IndexRecordOption| {
            let indexing = TextFieldIndexing::default().set_tokenizer(analyzer).set_index_option(record);
            TextOptions::default().set_indexing_options(indexing)
        };
        let stemmed = text(STEM, IndexRecordOption::WithFreqs);
        let mut schema = Schema::builder();
        let fields = Self {
            id: schema.add_text_field("id", STRING | STORED),
            code: schema.add_text_field("code", STRING),
            title: schema.add_text_field("title", stemmed.clone() | STORED),
            brand: schema.add_text_field("brand", stemmed.clone()),
            category: schema.add_text_field("category", stemmed.clone()),
            attributes: schema.add_text_field("attributes", stemmed.clone()),
            description: schema.add_text_field("description", stemmed),
            word: schema.add_text_field("word", text(PLAIN, IndexRecordOption::Basic)),
            category_key: schema.add_text_field("category_key", STRING),
            category_name: schema.add_text_field("category_name", STRING),
            buyable: schema.add_text_field("buyable", STRING),
        };
        (schema.build(), fields)
    }

    /// Text fields with the weight of a word found there.
    pub(crate) const fn weighted(&self) -> [(Field, f32); 5] {
        [(self.title, 4.0), (self.brand, 3.0), (self.category, 2.0), (self.attributes, 1.5), (self.description, 1.0)]
    }

    pub(crate) fn id_term(&self, id: &str) -> Term {
        Term::from_field_text(self.id, id)
    }

    /// A category by the name of any of its levels, or by its path.
    pub(crate) fn category_term(&self, category: &str) -> Term {
        Term::from_field_text(self.category_key, &category.trim().to_lowercase())
    }

    pub(crate) fn buyable_term(&self) -> Term {
        Term::from_field_text(self.buyable, "yes")
    }

    pub(crate) fn document(&self, product: &Product) -> TantivyDocument {
        let mut document = TantivyDocument::new();
        document.add_text(self.id, product.id.as_str());
        document.add_text(self.code, product.id.as_str().to_lowercase());
        document.add_text(self.title, &product.title);
        document.add_text(self.word, &product.title);
        document.add_text(self.description, &product.description);
        if let Some(brand) = &product.brand {
            document.add_text(self.brand, brand);
            document.add_text(self.word, brand);
        }
        self.add_categories(&mut document, &product.category);
        for (name, value) in &product.attributes {
            if CODE_ATTRIBUTES.contains(&name.to_lowercase().as_str()) {
                document.add_text(self.code, value.trim().to_lowercase());
            } else {
                document.add_text(self.attributes, value);
                document.add_text(self.word, value);
            }
        }
        if product.is_buyable() {
            document.add_text(self.buyable, "yes");
        }
        document
    }

    fn add_categories(&self, document: &mut TantivyDocument, category: &[String]) {
        let mut path = String::new();
        for level in category {
            let key = level.trim().to_lowercase();
            if !path.is_empty() {
                path.push_str(LEVEL_SEPARATOR);
            }
            path.push_str(&key);
            document.add_text(self.category, level);
            document.add_text(self.word, level);
            document.add_text(self.category_name, level.trim());
            document.add_text(self.category_key, &key);
            if path != key {
                document.add_text(self.category_key, &path);
            }
        }
    }
}
