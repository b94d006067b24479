//! What a customer takes next, by a transformer over everything taken until now; and what a text means, by a sentence
//! encoder that the user brings ([`Encoder`]).
//!
//! The network is of the SASRec family (Kang, McAuley: "Self-Attentive Sequential Recommendation", ICDM 2018) with what
//! eSASRec (Tikhonovich et al., RecSys 2025) found to help: blocks that are normalized before and gated behind, and a
//! softmax over all items or a corrected sample of them instead of one negative. An item's vector is one of its own plus
//! the mean of those of its attributes, so that a new item has one, too, as long as those of known items.
//!
//! [`NextItem::fit`] trains with candle, on the processor or, with the feature `gpu`, on a card where there is one. What it gives back is
//! plain numbers and answers in plain Rust through [`mercer_recommend::Recommender`]; its bits do not depend on the
//! processor. The tensor library stays behind the wall of this crate, and nothing outside knows a tensor.
//!
//! ```
//! use mercer_neural::{Lessons, NextItem, Settings, Shape};
//! use mercer_recommend::{Item, Query, Recommender};
//!
//! let (cup, saucer, spoon) = (Item(0), Item(1), Item(2));
//! let sequences = vec![vec![cup, saucer, spoon]; 20];
//! let lessons = Lessons { sequences: &sequences, items: 3, ..Lessons::default() };
//! let shape = Shape { width: 8, inner: 8, ..Shape::default() };
//! let settings = Settings { shape, epochs: 60, rate: 0.03, warm_up: 0, averaging: 0.0, ..Settings::default() };
//! let model = NextItem::fit(&lessons, &settings, |_| ())?;
//! let found = model.recommend(&Query { session: &[cup, saucer], ..Query::default() }, 1);
//! assert_eq!(found[0].item, spoon);
//! # Ok::<(), mercer_neural::Error>(())
//! ```

mod batch;
mod bytes;
mod device;
mod encoder;
mod error;
mod fit;
mod forward;
mod judge;
mod lanes;
mod model;
mod network;
mod newcomers;
mod noise;
mod ops;
mod optimizer;
mod parts;
mod settings;

pub use device::trains_on;
pub use encoder::Encoder;
pub use error::Error;
pub use fit::{HeldOut, Lessons, Progress};
pub use model::NextItem;
pub use settings::{Settings, Shape};
