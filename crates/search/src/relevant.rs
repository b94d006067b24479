//! Which products that have something of what was typed are worth showing.
//!
//! Where enough have all of it, only those, and most others need not even be looked at: a product that lacks the rarest unit
//! lacks so much that it is not among them. As in MaxScore (Turtle, Flood: "Query evaluation: strategies and optimizations",
//! Inf. Process. Manage. 1995), products enter by the rarest units alone and are completed by the others. Whether one that was
//! passed over could have been worth showing is known afterwards; if so, they enter by more units.

use crate::rank::{Match, Matcher};

/// So many products that have all of what was typed need no others beside them.
const ENOUGH: usize = 24;
/// Shares of the units, by rarity and by number, with neither of which a product is shown.
const LEAST_COVERAGE: f32 = 0.5;
const LEAST_SHARE: f32 = 0.6;
/// What has all units to this share has all: the rest is doubt about words that were not typed so.
const ALL: f32 = 0.999;
/// Sums in another order differ by less.
const ROUNDING: f32 = 1e-4;

/// Where enough products have all that was typed, those; otherwise those with most of it too.
pub(crate) fn relevant(matcher: &Matcher<'_>) -> Vec<Match> {
    let units = matcher.units();
    let share_without = |rarest: usize| (units - rarest) as f32 / units as f32;
    // A code counts beside the words that a product has, so all of these must be known.
    let few = if matcher.is_coded() { units } else { units.min(1) };
    let some = (few..units)
        .find(|rarest| {
            share_without(*rarest) < LEAST_SHARE && matcher.covered_without(*rarest) < LEAST_COVERAGE - ROUNDING
        })
        .unwrap_or(units);
    let mut ways = vec![few, some, units];
    ways.dedup();
    for rarest in ways {
        let found = matcher.having(rarest);
        let judged = Judged::of(&found);
        let passed_over = matcher.covered_without(rarest) + ROUNDING;
        let is_whole = if judged.is_enough {
            passed_over < ALL * judged.most
        } else {
            passed_over < LEAST_COVERAGE * judged.most && share_without(rarest) < LEAST_SHARE
        };
        if is_whole || rarest == units {
            return judged.shown(found);
        }
    }
    Vec::new()
}

/// What the best have.
struct Judged {
    /// The largest coverage.
    most: f32,
    is_enough: bool,
}

impl Judged {
    fn of(found: &[Match]) -> Self {
        let most = found.iter().map(|found| found.coverage).fold(0.0, f32::max);
        let complete = found.iter().filter(|found| found.coverage >= most * ALL).count();
        Self { most, is_enough: complete >= ENOUGH }
    }

    fn shown(&self, mut found: Vec<Match>) -> Vec<Match> {
        let least = self.most * if self.is_enough { ALL } else { LEAST_COVERAGE };
        let has_most = |found: &Match| !self.is_enough && found.share >= LEAST_SHARE;
        found.retain(|found| found.coverage >= least || has_most(found) || found.is_coded);
        found
    }
}

#[cfg(test)]
mod tests {
    use mercer_schema::{Product, ProductId};
    use proptest::prelude::*;

    use super::*;
    use crate::query::{Typed, read};
    use crate::{Doc, Lexicon, SearchIndex};

    const WORDS: [&str; 8] = ["red", "lamp", "desk", "chair", "oak", "garden", "bench", "shade"];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        /// Nothing that is shown is missed, and nothing is worth more or less, for having been passed over.
        #[test]
        fn what_is_passed_over_would_not_be_shown(
            titles in prop::collection::vec(prop::collection::vec(0_usize..60, 1..6), 1..300),
            asked in prop::collection::vec(0_usize..8, 1..6),
        ) {
            let mut index = SearchIndex::default();
            for (doc, title) in (0..).zip(&titles) {
                // The first words are the most frequent.
                let words: Vec<&str> = title.iter().map(|draw| WORDS[draw * draw / 460]).collect();
                index.put(Doc(doc), None, &Product::new(ProductId::trusted(format!("p{doc}")), words.join(" ")));
            }
            let lexicon = Lexicon::default();
            let text = asked.iter().map(|word| WORDS[*word]).collect::<Vec<_>>().join(" ");
            let reading = read(&index, &lexicon, &text, Typed::default());
            let matcher = Matcher::new(&index, &reading, &lexicon.weights);
            let all = matcher.having(matcher.units());
            prop_assert_eq!(relevant(&matcher), Judged::of(&all).shown(all));
        }
    }
}
