//! The product index: finds products by what was typed, and says what it understood.
//!
//! It is a value made from the catalog, like every other part of the world: cloning costs nothing, and the same
//! products give the same answer however they came. Text from outside is only ever taken apart into words: there is no
//! query language, so nothing that is typed can be an error or an attack. What a customer may see, and in which personal
//! order, is decided elsewhere.
//!
//! ```
//! use mercer_schema::{Product, ProductId};
//! use mercer_search::{Doc, Lexicon, SearchIndex};
//!
//! let mut index = SearchIndex::default();
//! index.put(Doc(0), None, &Product::new(ProductId::parse("85123A")?, "White hanging heart lantern"));
//! let lexicon = Lexicon::default();
//! for typed in ["lanterns", "heart lantren", "85123a"] {
//!     assert_eq!(index.search(&lexicon, typed, 10)[0].doc, Doc(0), "{typed}");
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod evaluate;

mod accents;
mod analysis;
mod beginnings;
mod clicks;
mod compounds;
mod facets;
mod heads;
mod identifier;
mod index;
mod language;
mod marks;
mod measure;
mod mine;
mod minus;
mod naming;
mod numbers;
mod queries;
mod query;
mod rank;
mod relevant;
mod search;
mod spelling;
mod text;
mod thesaurus;
mod vocabulary;
mod wishes;

pub use analysis::readable;
pub use beginnings::{Beginning, Titles};
pub use clicks::{Clicks, FIRST_PLACES, Learned, Placed};
pub use facets::{FacetField, Facets, FieldCounts, FieldTotals, LEVEL_SEPARATOR, Value, leaf_of};
pub use index::{Doc, SearchIndex};
pub use language::Language;
pub use queries::{Completion, LEAST_PEOPLE, Queries, common_form, stemmed_form};
pub use rank::{Match, Weights};
pub use search::{Found, FoundWord, Lexicon, ShopWords, best, synonyms_of};
pub use thesaurus::Synonyms;
pub use wishes::{Role, Wish, Wished, Wishes};
