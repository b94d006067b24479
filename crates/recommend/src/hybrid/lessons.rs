//! Teaching a [`Ranker`]: what was proposed at a moment, and what of it was taken.

use std::collections::BTreeSet;

use super::features::{self, Candidates, GUESS};
use super::{Depth, Ranker, Sources};
use crate::boosting::{BoostedTrees, BoostingSettings, Examples};
use crate::dense::dot;
use crate::logit::{Lesson, learn};
use crate::{Item, Query};

/// How many lessons' worth the weights are that the first guess starts from.
const RIDGE: f64 = 5.0;

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankerSettings {
    pub depth: Depth,
    pub boosting: BoostingSettings,
    /// Every so many a lesson is kept to tell when to stop.
    pub held_out: usize,
}

impl Default for RankerSettings {
    fn default() -> Self {
        Self { depth: Depth::default(), boosting: BoostingSettings::default(), held_out: 6 }
    }
}

/// Lessons in the making. The sources of each know nothing of what was taken in it.
#[derive(Debug, Clone)]
pub struct Lessons {
    sources: Vec<String>,
    settings: RankerSettings,
    train: Examples,
    validation: Examples,
    guesses: Vec<(bool, Lesson<GUESS>)>,
    given: usize,
}

impl Lessons {
    /// Without any; `names` are those of the sources.
    pub fn new(names: &[&str], settings: RankerSettings) -> Self {
        let sources: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let empty = Examples::new(features::names(&sources).len());
        Self { sources, settings, train: empty.clone(), validation: empty, guesses: Vec::new(), given: 0 }
    }

    /// Gives a lesson: asked so, the customer took these. What can be no answer takes no part.
    pub fn give(&mut self, sources: &Sources<'_>, query: &Query<'_>, taken: &BTreeSet<Item>, masked: &BTreeSet<Item>) {
        let candidates = Candidates::of(sources, self.settings.depth, query);
        let places: Vec<usize> =
            (0..candidates.items.len()).filter(|place| !masked.contains(&candidates.items[*place])).collect();
        let relevance: Vec<f32> =
            places.iter().map(|place| f32::from(u8::from(taken.contains(&candidates.items[*place])))).collect();
        if relevance.iter().all(|relevance| *relevance == 0.0) {
            return;
        }
        let rows: Vec<f32> = places.iter().flat_map(|place| candidates.row(*place)).copied().collect();
        self.given += 1;
        let is_held_out = self.settings.held_out > 0 && self.given.is_multiple_of(self.settings.held_out);
        let examples = if is_held_out { &mut self.validation } else { &mut self.train };
        let rows_of_guess = places.iter().map(|place| candidates.guesses[*place]).collect();
        let chosen = relevance.iter().map(|relevance| *relevance > 0.0).collect();
        self.guesses.push((is_held_out, Lesson { rows: rows_of_guess, chosen }));
        examples.push(&rows, &relevance, taken.len());
    }

    /// Lessons of which something can be learned.
    pub const fn len(&self) -> usize {
        self.given
    }

    pub const fn is_empty(&self) -> bool {
        self.given == 0
    }

    pub fn fit(mut self) -> Ranker {
        let guess = self.guess();
        let starts = |is_held_out: bool| -> Vec<f32> {
            let lessons = self.guesses.iter().filter(|(held_out, _)| *held_out == is_held_out);
            lessons.flat_map(|(_, lesson)| &lesson.rows).map(|row| dot(row, &guess)).collect()
        };
        let (learned, held_out) = (starts(false), starts(true));
        self.train.set_starts(learned);
        self.validation.set_starts(held_out);
        let trees = BoostedTrees::fit(&self.train, &self.validation, &self.settings.boosting);
        Ranker { sources: self.sources, depth: self.settings.depth, guess, trees }
    }

    /// The weights of a conditional logit: how the sources are best added up.
    fn guess(&self) -> [f32; GUESS] {
        let lessons: Vec<Lesson<GUESS>> =
            self.guesses.iter().filter(|(is_held_out, _)| !is_held_out).map(|(_, lesson)| lesson.clone()).collect();
        let each = 1.0 / self.sources.len().max(1) as f64;
        let prior = std::array::from_fn(|place| {
            if place / 2 >= self.sources.len() {
                0.0
            } else if place % 2 == 0 {
                -each
            } else {
                0.0
            }
        });
        learn(&lessons, &prior, RIDGE).map(|weight| weight as f32)
    }
}
