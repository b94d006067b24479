//! Visits as they happen, and what visits like the running one went on to.
//!
//! [`SessionIndex`] is the live index; [`Vmis`] and [`Stan`] ask it.

mod index;
mod pieces;
mod stan;
mod vmis;

pub use index::{IndexSettings, SessionIndex};
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

/// The last `count` distinct items of a visit, newest first.
fn last_distinct(session: &[Item], count: usize) -> Vec<Item> {
    let mut distinct: Vec<Item> = Vec::with_capacity(count.min(session.len()));
    for item in session.iter().rev() {
        if distinct.len() == count {
            break;
        }
        if !distinct.contains(item) {
            distinct.push(*item);
        }
    }
    distinct
}

/// The newest `most` visits that hold any of the walked items, with the places of those, the smallest first. Merges the
/// postings from their newest ends.
fn walk_newest(index: &SessionIndex, walked: &[Item], most: usize, mut meet: impl FnMut(u64, &[usize])) {
    let posting = |item: &Item| index.postings.get(&item.0).map_or(&[][..], |posting| &posting.visits[..]);
    let mut lists: Vec<&[u64]> = walked.iter().map(posting).collect();
    let mut places = Vec::with_capacity(walked.len());
    for _ in 0..most {
        let Some(number) = lists.iter().filter_map(|list| list.last().copied()).max() else { return };
        places.clear();
        for (place, list) in lists.iter_mut().enumerate() {
            if let [rest @ .., last] = *list
                && *last == number
            {
                *list = rest;
                places.push(place);
            }
        }
        meet(number, &places);
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
