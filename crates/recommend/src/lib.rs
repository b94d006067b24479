//! Recommenders: pure algorithms over dense item numbers, one file a model.
//!
//! A model is fitted from [`interactions`] or folded live, event by event; either way it answers through the one
//! trait [`Recommender`], and `tests/conformance.rs` holds all of them to the same contract. Nothing here knows a
//! product id, a clock, a disk or a random source: the caller maps ids to [`Item`]s and passes the time in.
//!
//! | model | what it finds | state |
//! | --- | --- | --- |
//! | [`popularity`] | most wanted; wanted now more than usual | live fold |
//! | [`sessions`] | what visits like the running one went on to (VMIS-kNN, STAN, VSTAN, rules) | live fold |
//! | [`blend`] | several of them as one | none |
//! | [`content`] | alike in words, brand, category, attributes | live, from the catalog |
//! | [`neighbours`] | also viewed, bought together, for a whole taste | trained |
//! | [`complements`] | what goes with a cart, not instead of it | trained |
//! | [`bundles`] | sets that are ordered together | trained |
//! | [`linear`] | what a whole taste calls for, and speaks against (EASE, SLIM) | trained |
//! | [`factors`] | the same, from vectors (iALS) | trained |
//! | [`contrast`] | the same, from vectors learned against what was not taken (SimpleX) | trained |
//! | [`filter`] | the same, from a smoothed graph, without training (GF-CF, Turbo-CF) | trained |
//! | [`repurchase`] | when a buyer wants the same again | trained |
//! | [`tastes`] | the taste of others, with new items by what they are ([`latent`], [`mapping`]: LSA, ridge regression) | trained |
//! | [`hybrid`] | the order of what several models propose (LambdaMART over [`boosting`]) | trained |
//! | [`guided`] | the order of candidates that somebody else found, by rows of one's own | trained |
//! | [`next_order`] | what a customer orders next: the usual and the new | trained |
//!
//! [`nearest`] finds what is near a vector: search asks it for what words mean.
//!
//! A model of another crate asks and answers the same way; [`blend`] weighs the answers of several together, and
//! [`arrange`] makes rows of them. [`evaluate`] measures: full rankings, held-out orders, bootstrap intervals; [`benchmark`]
//! does so on public data.
//!
//! ```
//! use mercer_recommend::neighbours::{Neighbours, Settings};
//! use mercer_recommend::{Item, Query, Recommender};
//!
//! let (cup, saucer, lamp) = (Item(0), Item(1), Item(2));
//! let mut baskets = vec![vec![(cup, 1.0), (saucer, 1.0)]; 20];
//! baskets.extend(vec![vec![(lamp, 1.0)]; 60]);
//! let together = Neighbours::fit(&baskets, &Settings::default());
//! let found = together.recommend(&Query { seeds: &[cup], ..Query::default() }, 5);
//! assert_eq!(found.len(), 1);
//! assert_eq!((found[0].item, found[0].because_of), (saucer, Some(cup)));
//! ```

pub mod arrange;
pub mod benchmark;
pub mod blend;
pub mod boosting;
pub mod bundles;
pub mod complements;
pub mod content;
pub mod contrast;
pub mod evaluate;
pub mod factors;
pub mod filter;
pub mod guided;
pub mod hybrid;
pub mod interactions;
pub mod latent;
pub mod linear;
pub mod mapping;
pub mod nearest;
pub mod neighbours;
pub mod next_order;
pub mod popularity;
pub mod repurchase;
pub mod sessions;
pub mod tastes;
pub mod wire;

mod asked;
mod dense;
mod error;
mod folds;
mod logit;
mod memory;
mod random;
mod ranking;
mod recommender;
mod scan;
mod spectrum;
mod text;

pub use error::Error;
pub use folds::Changes;
pub use ranking::best_of;
pub use recommender::{Context, Item, Query, Recommender, Scored};
