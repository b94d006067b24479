//! Linear models: an item's score is a weighted sum over what the customer has.
//!
//! score(j) = Σᵢ xᵢ Wᵢⱼ over the items i of the customer. The weights are learned so that every customer's items are
//! predicted from the customer's other items: EASE ([`Linear::fit_ease`]) does it for all items at once in closed form, SLIM
//! ([`Linear::fit_slim`]) for each item from its nearest ones. Weights may be negative: what speaks *against* an item is
//! most of what these models know and neighbours do not. A customer of a minute ago is answered like any other.
//!
//! ```
//! use mercer_recommend::linear::{EaseSettings, Linear};
//! use mercer_recommend::{Item, Query, Recommender};
//!
//! // Who takes 0 takes 1, too; 2 and 3 are for others.
//! let customers: Vec<_> = (0..40).map(|customer| if customer % 2 == 0 { [0, 1] } else { [2, 3] })
//!     .map(|items| items.map(|item| (Item(item), 1.0)).to_vec())
//!     .collect();
//! let model = Linear::fit_ease(&customers, &EaseSettings::default()).ok_or("no inverse")?;
//! let found = model.recommend(&Query { history: &[(Item(0), 1.0)], ..Query::default() }, 5);
//! assert_eq!(found[0].item, Item(1));
//! # Ok::<(), &str>(())
//! ```

mod ease;
mod inverse;
mod slim;

use rayon::prelude::*;

use crate::asked::{asked_with, sources, strongest};
use crate::neighbours::Neighbours;
use crate::ranking::best_of_all;
use crate::wire::{self, Kind, Reader, Reason, Writer};
use crate::{Error, Item, Query, Recommender, Scored};

pub use ease::EaseSettings;
pub use slim::SlimSettings;

const KIND: Kind = Kind { name: "linear", version: 1 };
/// Items of a customer that are looked up, the weightiest first.
const MOST_SOURCES: usize = 1_000;
/// Rows that are sorted by one thread before it looks for more.
const ROWS_AT_ONCE: usize = 1_000;

/// Item-item weights.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Linear {
    /// Row of item i: `entries[starts[i]..starts[i + 1]]`, by item number.
    starts: Vec<usize>,
    entries: Vec<(Item, f32)>,
}

impl Linear {
    /// The weights that an item gives to others, by item number.
    pub fn of(&self, item: Item) -> &[(Item, f32)] {
        match self.starts.get(item.index()..) {
            Some([start, end, ..]) => &self.entries[*start..*end],
            _ => &[],
        }
    }

    /// One past the largest item number.
    pub const fn size(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Bytes for the registry. `name` gives an item's lasting name.
    pub fn encode<N: AsRef<str>>(&self, name: impl Fn(Item) -> N) -> Vec<u8> {
        let mut writer = Writer::model(KIND);
        let mut is_known = vec![false; self.size()];
        for item in (0..self.size() as u32).map(Item) {
            is_known[item.index()] |= !self.of(item).is_empty();
            self.of(item).iter().for_each(|(other, _)| is_known[other.index()] = true);
        }
        let known: Vec<Item> = (0..self.size() as u32).map(Item).filter(|item| is_known[item.index()]).collect();
        let mut places = vec![0; self.size()];
        known.iter().enumerate().for_each(|(place, item)| places[item.index()] = place);
        writer.items(&known, name);
        for item in known {
            writer.count(self.of(item).len());
            for (other, weight) in self.of(item) {
                writer.count(places[other.index()]);
                writer.f32(*weight);
            }
        }
        writer.bytes
    }

    /// Reads a model. Items that `resolve` does not know are left out.
    pub fn decode(bytes: &[u8], resolve: impl Fn(&str) -> Option<Item>) -> Result<Self, Error> {
        wire::decode(KIND, bytes, |reader| Self::read(reader, resolve))
    }

    fn read(reader: &mut Reader<'_>, resolve: impl Fn(&str) -> Option<Item>) -> Result<Self, Reason> {
        let items = reader.items(resolve)?;
        let mut rows = vec![Vec::new(); wire::size(&items)];
        for item in &items {
            let entries = reader.count(8)?;
            let mut row = Vec::with_capacity(entries);
            for _ in 0..entries {
                let (place, weight) = (reader.u32()? as usize, reader.f32()?);
                let other = items.get(place).ok_or("a weight is not for one of the items")?;
                row.extend(other.map(|other| (other, weight)));
            }
            if let Some(item) = item {
                rows[item.index()] = row;
            }
        }
        Ok(Self::of_rows(rows))
    }

    /// Of equal items in a row the first counts.
    pub(crate) fn of_rows(mut rows: Vec<Vec<(Item, f32)>>) -> Self {
        rows.par_iter_mut().with_min_len(ROWS_AT_ONCE).for_each(|row| {
            row.sort_by_key(|(item, _)| *item);
            row.dedup_by_key(|(item, _)| *item);
        });
        let mut starts = Vec::with_capacity(rows.len() + 1);
        let mut entries = Vec::with_capacity(rows.iter().map(Vec::len).sum());
        starts.push(0);
        for mut row in rows {
            entries.append(&mut row);
            starts.push(entries.len());
        }
        Self { starts, entries }
    }

    /// The weight that one item gives to another.
    pub(crate) fn weight(&self, source: Item, item: Item) -> Option<f32> {
        let row = self.of(source);
        row.binary_search_by_key(&item, |(other, _)| *other).ok().map(|place| row[place].1)
    }

    /// Adds up what the sources give to each item.
    pub(crate) fn scores(&self, sources: &[(Item, f32)]) -> Vec<f32> {
        let mut scores = vec![0.0; self.size()];
        for (source, weight) in sources {
            for (item, value) in self.of(*source) {
                scores[item.index()] += weight * value;
            }
        }
        scores
    }

    /// The source that adds most to an item.
    fn cause(&self, sources: &[(Item, f32)], item: Item) -> Option<Item> {
        strongest(sources.iter().filter_map(|(source, weight)| Some((*source, weight * self.weight(*source, item)?))))
    }
}

/// What the seeds call for; without seeds, what the history does. What was asked with is not proposed.
impl Recommender for Linear {
    fn recommend(&self, query: &Query<'_>, limit: usize) -> Vec<Scored> {
        let sources = sources(query, MOST_SOURCES);
        let mut found = best_of_all(&mut self.scores(&sources), limit, asked_with(query));
        found.iter_mut().for_each(|scored| scored.because_of = self.cause(&sources, scored.item));
        found
    }
}

/// The neighbours' scores as weights: what item-kNN is, seen as a linear model.
impl From<&Neighbours> for Linear {
    fn from(neighbours: &Neighbours) -> Self {
        let row = |item| neighbours.of(Item(item)).iter().map(|near| (near.item, near.score)).collect();
        Self::of_rows((0..neighbours.size() as u32).into_par_iter().with_min_len(ROWS_AT_ONCE).map(row).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_speaks_against_an_item_counts() {
        let (milk, bread, tea, jam) = (Item(0), Item(1), Item(2), Item(3));
        let model = Linear::of_rows(vec![vec![(tea, 0.5), (jam, 0.4)], vec![(jam, 0.2), (tea, -0.6)], vec![], vec![]]);
        let history = [(milk, 1.0), (bread, 1.0)];
        let found = model.recommend(&Query { history: &history, ..Query::default() }, 5);
        assert_eq!(found.len(), 1, "tea is advised against: {found:?}");
        assert_eq!((found[0].item, found[0].because_of), (jam, Some(milk)));
        assert!((found[0].score - 0.6).abs() < 1e-6);
    }
}
