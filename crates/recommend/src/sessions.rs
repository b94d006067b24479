//! Visits as they happen, and what visits like the running one went on to.
//!
//! [`SessionIndex`] is the live index; [`Vmis`], [`Stan`] and [`Rules`] ask it, and [`Hybrid`] all at once.
//!
//! ```
//! use mercer_recommend::sessions::{HybridSettings, IndexSettings, SessionIndex};
//! use mercer_recommend::{Item, Query, Recommender};
//! use mercer_schema::Timestamp;
//!
//! let mut index = SessionIndex::new(IndexSettings::default());
//! for visitor in 0..10 {
//!     for (minute, item) in (0..).zip([1, 2, 3]) {
//!         index.observe(visitor, Item(item), Timestamp(minute * Timestamp::MINUTE));
//!     }
//! }
//! let query = Query { session: &[Item(1), Item(2)], now: Timestamp(Timestamp::HOUR), ..Query::default() };
//! assert_eq!(index.hybrid(HybridSettings::onwards()).recommend(&query, 1)[0].item, Item(3));
//! ```

mod habit;
mod hybrid;
mod index;
mod pieces;
mod rarity;
mod removal;
mod revisit;
mod rules;
mod stan;
mod table;
mod visits;
mod vmis;
mod walk;

pub use habit::{Habit, HabitSettings, Returns};
pub use hybrid::{Hybrid, HybridSettings};
pub use index::{IndexSettings, SessionIndex};
pub use revisit::Revisit;
pub use rules::{RuleSettings, Rules};
pub use stan::{Stan, StanSettings};
pub use vmis::{Vmis, VmisSettings};

use crate::{Item, Query};

/// Which items of the running visit may be proposed again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Repeats {
    #[default]
    None,
    /// All but the one that is looked at now.
    Earlier,
    /// Also that one: some published tables count a second click on the same item.
    All,
}

impl Repeats {
    /// What is not to be proposed.
    pub fn excluded<'a>(self, query: &Query<'a>) -> impl Iterator<Item = Item> + 'a {
        let session = match self {
            Self::None => query.session,
            Self::Earlier => query.session.last().map_or(&[][..], std::slice::from_ref),
            Self::All => &[],
        };
        session.iter().chain(query.seeds).copied()
    }
}

/// An index of these visits, each by another visitor and so long after the one before.
#[cfg(test)]
fn index_of(apart_micros: i64, visits: &[&[u32]]) -> SessionIndex {
    let mut index = SessionIndex::default();
    for (visitor, items) in (0_u64..).zip(visits) {
        let at = mercer_schema::Timestamp(visitor as i64 * apart_micros);
        items.iter().for_each(|item| index.observe(visitor, Item(*item), at));
    }
    index
}
