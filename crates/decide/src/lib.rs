//! What should this customer see now? A pure function from a world and a request to an answer.
//!
//! A page goes through named phases, one file each: *gate* (who asks, and may behaviour count) → *candidates* (the
//! sources, blended into a line) → *hydrate* and *filter* (what may be shown, and why the rest may not) → *score*
//! (the shop's boosts) → *arrange* (pins, caps, exploration) → *explain* (reasons). Deciding reads no clock, no disk
//! and no chance but the decision's id, so a logged decision can be made again bit for bit; and it never fails.
//!
//! ```
//! use mercer_decide::{Placements, World, decide, default_placements};
//! use mercer_schema::{DecideRequest, DecisionId, Product, ProductId, Timestamp};
//! use std::sync::Arc;
//!
//! let now = Timestamp::parse("2026-03-01T10:00:00Z")?;
//! let mut world = World { placements: Arc::new(Placements::compile(default_placements())), ..World::default() };
//! world.catalog.save(Arc::new(Product::new(ProductId::parse("lantern")?, "Paper Lantern")), now);
//!
//! let request = DecideRequest { group: Some("home".into()), ..DecideRequest::default() };
//! let page = decide(&world, &request, DecisionId::parse("d1")?, now);
//! let first = page.placements.iter().flat_map(|placement| &placement.items).next().ok_or("nothing is shown")?;
//! assert_eq!(first.product_id.as_str(), "lantern");
//! assert_eq!(first.reasons[0].text, "New in the shop");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod arrange;
mod browse;
mod canary;
mod candidates;
mod catalog;
mod circumstances;
mod cursor;
mod decide;
mod error;
mod explain;
mod explore;
mod fields;
mod filter;
mod for_you;
mod gate;
mod line;
mod meanings;
mod notes;
mod page;
mod placements;
mod plan;
mod purchases;
mod quotas;
mod relevance;
mod rule;
mod score;
mod search;
mod search_rules;
mod seed;
mod sequence;
mod slot;
mod suggest;
mod synonyms;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
mod texts;
mod weights;
mod words;
mod world;

pub use browse::{browse, children};
pub use canary::Canary;
pub use catalog::{Catalog, CategoryCount};
pub use circumstances::Circumstances;
pub use decide::decide;
pub use error::Error;
pub use for_you::{RANKED_SOURCES, context_of};
pub use meanings::{Meanings, Ready};
pub use placements::{PlacementError, Placements, default_placements, idle_pins, idle_settings};
pub use search::{
    LARGEST_PAGE, RankerExam, SearchLesson, SearchRanker, TaughtBy, as_catalog_says, category_named, check_filter,
    search, search_lesson, taught_order,
};
pub use search_rules::SearchRules;
pub use sequence::Sequence;
pub use suggest::suggest;
pub use synonyms::{ShopSynonyms, line_of};
pub use texts::{Encodes, Texts};
pub use world::{Models, Reformulation, TriedSettings, World};
