//! The shop's data: a catalog derived from order lines as a careful retailer would, and the orders themselves.
//!
//! Everything is a pure function of the compiled-in Parquet file and, for the dates, of `now`.

mod attributes;
mod catalog;
mod categories;
mod description;
mod files;
mod goods;
mod lines;
mod names;
mod sample_customers;

pub use catalog::catalog;
pub use files::{Files, files, shift_micros};
pub use sample_customers::{SampleCustomer, sample_customers};

pub(crate) use attributes::Vocabulary;

/// The order lines as the tills wrote them (UCI Online Retail, CC BY 4.0).
pub(crate) const ORDERS_PARQUET: &[u8] = include_bytes!("../data/online_retail.parquet");

/// How the order importer reads them.
pub const ORDERS_MAPPING: &str = include_str!("../mappings/online_retail.toml");
