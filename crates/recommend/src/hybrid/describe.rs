//! Rows of items that somebody else found: what the ranker knows of them beside what its sources say.
//!
//! A search has its own candidates and its own features; how a customer stands to a product, its demand and the moment are the
//! same there.

use super::facts::{FACTS, FactsAt};
use super::taste::{MOMENT, STANDING, Taste};
use super::{Catalog, Facts};
use crate::{Item, Query};

/// Numbers that are written of an item.
pub const DESCRIBED: usize = MOMENT.len() + STANDING.len() + FACTS.len();

/// What each of them is called.
pub fn described() -> impl Iterator<Item = &'static str> {
    MOMENT.into_iter().chain(STANDING).chain(FACTS)
}

/// A customer at a moment, before whom items are described.
pub struct Describing<'a> {
    taste: Taste<'a>,
    facts: FactsAt<'a>,
}

impl<'a> Describing<'a> {
    pub fn new(facts: &'a Facts, catalog: &'a Catalog, query: &'a Query<'a>) -> Self {
        Self { taste: Taste::of(query, catalog), facts: facts.at(query.now) }
    }

    /// Appends the numbers of one item, in the order of [`described`].
    pub fn write(&self, item: Item, row: &mut Vec<f32>) {
        let known = self.facts.of(item);
        self.taste.write(item, known[PAUSE], row);
        row.extend(known);
    }
}

impl std::fmt::Debug for Describing<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Describing").finish_non_exhaustive()
    }
}

/// Where the pause between two takings stands among the facts.
const PAUSE: usize = 9;

#[cfg(test)]
mod tests {
    use mercer_schema::Timestamp;

    use super::*;

    #[test]
    fn names_and_numbers_go_together() {
        assert_eq!(FACTS[PAUSE], "pause");
        let ordered = [(Timestamp(0), Item(3))];
        let query = Query { ordered: &ordered, now: Timestamp(Timestamp::DAY), ..Query::default() };
        let (facts, catalog) = (Facts::default(), Catalog::default());
        let describing = Describing::new(&facts, &catalog, &query);
        let mut row = Vec::new();
        describing.write(Item(3), &mut row);
        assert_eq!((row.len(), described().count()), (DESCRIBED, DESCRIBED));
        let of = |name: &str| described().position(|known| known == name).map(|place| row[place]);
        assert_eq!((of("own.times"), of("own.days")), (Some(1.0), Some(1.0)));
    }
}
