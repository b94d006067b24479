//! The product index: finds products by words, by id, by the beginning of a word; forgives one slip of the finger.
//!
//! It lives in memory and is made from the catalog. Text from outside is only ever taken apart into words: there is
//! no query language, so nothing that is typed can be an error or an attack. What a customer may see, and in which
//! personal order, is decided elsewhere.
//!
//! ```
//! use mercer_schema::{Product, ProductId};
//! use mercer_search::{SearchIndex, SearchOptions};
//!
//! let index = SearchIndex::default();
//! index.upsert(&Product::new(ProductId::parse("85123A")?, "White hanging heart lantern"))?;
//! index.commit()?;
//! for typed in ["lanterns", "heart lant", "lantren", "85123a"] {
//!     let page = index.search(typed, &SearchOptions::default())?;
//!     assert_eq!(page.hits[0].0.as_str(), "85123A", "{typed}");
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod fields;
mod index;
mod query;
mod suggest;
mod words;

pub use error::Error;
pub use index::{SearchIndex, SearchOptions, SearchPage};
