//! The catalog as a table, so that a query can name products by their titles.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use mercer_engine::Snapshot;
use mercer_schema::{Availability, Product};
use mercer_store::sql::MemoryTable;

use crate::failure::Failure;

const COLUMNS: &[(&str, &str)] = &[
    ("product_id", "the shop's id; joins to lines.product_id"),
    ("title", "what it is called"),
    ("brand", "who makes it"),
    ("category", "the narrowest category"),
    ("category_path", "all categories from the widest, joined by ` > `"),
    ("price_minor", "price now, in minor units (pence, cents) of `currency`"),
    ("list_price_minor", "price before a reduction, in minor units of `currency`"),
    ("currency", "ISO 4217 code of the prices"),
    ("availability", "in_stock, out_of_stock, preorder or backorder"),
    ("group_id", "what variants of one thing share"),
    ("url", "its page"),
];

pub(super) fn table(snapshot: &Snapshot) -> Result<MemoryTable, Failure> {
    let products: Vec<&Product> = snapshot.world.catalog.products().map(|(_, product)| &**product).collect();
    let texts = |field: &dyn Fn(&Product) -> Option<String>| {
        Arc::new(products.iter().map(|product| field(product)).collect::<StringArray>()) as ArrayRef
    };
    let numbers = |field: &dyn Fn(&Product) -> Option<i64>| {
        Arc::new(products.iter().map(|product| field(product)).collect::<Int64Array>()) as ArrayRef
    };
    let columns: [ArrayRef; 11] = [
        texts(&|product| Some(product.id.as_str().to_owned())),
        texts(&|product| Some(product.title.clone())),
        texts(&|product| product.brand.clone()),
        texts(&|product| product.leaf_category().map(str::to_owned)),
        texts(&|product| (!product.category.is_empty()).then(|| product.category.join(" > "))),
        numbers(&|product| product.price.map(|price| price.minor)),
        numbers(&list_price),
        texts(&|product| product.price.or(product.list_price).map(|price| price.currency.to_string())),
        texts(&|product| Some(availability(product.availability).to_owned())),
        texts(&|product| product.group_id.clone()),
        texts(&|product| product.url.clone()),
    ];
    let named = COLUMNS.iter().zip(columns).map(|((name, _), column)| (*name, column, true));
    let rows = RecordBatch::try_from_iter_with_nullable(named).map_err(|error| Failure::job(error.to_string()))?;
    Ok(MemoryTable {
        name: "products",
        about: "One row a product of the catalog as it is now.",
        columns: COLUMNS,
        rows,
    })
}

/// In the currency of the price, the one that the row names.
fn list_price(product: &Product) -> Option<i64> {
    let list_price = product.list_price?;
    let is_named = product.price.is_none_or(|price| price.currency == list_price.currency);
    is_named.then_some(list_price.minor)
}

const fn availability(availability: Availability) -> &'static str {
    match availability {
        Availability::InStock => "in_stock",
        Availability::OutOfStock => "out_of_stock",
        Availability::Preorder => "preorder",
        Availability::Backorder => "backorder",
    }
}
