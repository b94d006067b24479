//! A learned order for candidates that somebody else found, such as the hits of a search.
//!
//! Each candidate comes with a *row* of numbers, of which some may be missing, and a *guess*: a few numbers that are always there
//! and of which a weighted sum is a sensible order already. As in [`hybrid`](crate::hybrid) the weights are those of a
//! conditional logit, so that the worst outcome of learning is a good weighing of the guess, and trees fitted with LambdaMART add
//! what the rows say beside:
//!
//! score(i) = w · guess(i) + Σ treeₜ(row of i)
//!
//! The logarithm of an order that was in force goes into the guess; with weight one on it, nothing is changed.

use crate::Error;
use crate::boosting::{BoostedTrees, BoostingSettings, Examples};
use crate::dense::dot;
use crate::logit::{Lesson, learn};
use crate::wire::{self, Kind, Reader, Reason, Writer};

const KIND: Kind = Kind { name: "guided_trees", version: 1 };
/// How many lessons' worth the weights are that the guess starts from.
const RIDGE: f64 = 5.0;

/// Candidates of one question as numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows<const GUESS: usize> {
    /// Numbers of a row.
    pub width: usize,
    /// Row after row.
    pub values: Vec<f32>,
    pub guesses: Vec<[f32; GUESS]>,
}

impl<const GUESS: usize> Rows<GUESS> {
    pub const fn len(&self) -> usize {
        self.guesses.len()
    }

    pub const fn is_empty(&self) -> bool {
        self.guesses.is_empty()
    }

    pub fn row(&self, place: usize) -> &[f32] {
        self.values.get(place * self.width..(place + 1) * self.width).unwrap_or_default()
    }
}

/// Weights of a guess and trees that add to it.
#[derive(Debug, Clone, PartialEq)]
pub struct GuidedTrees<const GUESS: usize> {
    weights: [f32; GUESS],
    trees: BoostedTrees,
}

impl<const GUESS: usize> Default for GuidedTrees<GUESS> {
    fn default() -> Self {
        Self { weights: [0.0; GUESS], trees: BoostedTrees::default() }
    }
}

impl<const GUESS: usize> GuidedTrees<GUESS> {
    pub const fn trees(&self) -> &BoostedTrees {
        &self.trees
    }

    pub const fn weights(&self) -> &[f32; GUESS] {
        &self.weights
    }

    /// One for each candidate, every one of them finite. They compare within one question only.
    pub fn scores(&self, rows: &Rows<GUESS>) -> Vec<f32> {
        let mut scores: Vec<f32> = rows.guesses.iter().map(|guess| dot(guess, &self.weights)).collect();
        if rows.width == self.trees.width() {
            self.trees.add_to(&rows.values, &mut scores);
        }
        scores.iter_mut().filter(|score| !score.is_finite()).for_each(|score| *score = 0.0);
        scores
    }

    /// What each number of a candidate's row, and each of its guess, adds to its score beside the average one.
    pub fn contributions(&self, rows: &Rows<GUESS>, place: usize) -> (Vec<f32>, [f32; GUESS]) {
        let mean =
            |number: usize| rows.guesses.iter().map(|guess| guess[number]).sum::<f32>() / rows.len().max(1) as f32;
        let guess = rows.guesses.get(place).copied().unwrap_or([0.0; GUESS]);
        let of_guess = std::array::from_fn(|number| self.weights[number] * (guess[number] - mean(number)));
        let row = rows.row(place);
        let of_row = if row.len() == self.trees.width() { self.trees.contributions(row) } else { Vec::new() };
        (of_row, of_guess)
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.trees.heap_bytes()
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::model(KIND);
        writer.count(GUESS);
        self.weights.iter().for_each(|weight| writer.f32(*weight));
        writer.block(&self.trees.encode());
        writer.bytes
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let (weights, trees) = wire::decode(KIND, bytes, Self::read)?;
        Ok(Self { weights, trees: BoostedTrees::decode(trees)? })
    }

    fn read<'a>(reader: &mut Reader<'a>) -> Result<([f32; GUESS], &'a [u8]), Reason> {
        if reader.count(4)? != GUESS {
            return Err("its guess has other numbers than this program's");
        }
        let mut weights = [0.0; GUESS];
        for weight in &mut weights {
            *weight = reader.f32()?;
        }
        Ok((weights, reader.block()?))
    }
}

/// Lessons in the making.
#[derive(Debug, Clone)]
pub struct Lessons<const GUESS: usize> {
    /// Where the weights start from, and are drawn to.
    prior: [f64; GUESS],
    /// Every so many a lesson is kept to tell when to stop.
    held_out: usize,
    boosting: BoostingSettings,
    train: Examples,
    validation: Examples,
    guesses: Vec<(bool, Lesson<GUESS>)>,
}

impl<const GUESS: usize> Lessons<GUESS> {
    pub fn new(width: usize, prior: [f64; GUESS], held_out: usize, boosting: BoostingSettings) -> Self {
        let empty = Examples::new(width);
        Self { prior, held_out, boosting, train: empty.clone(), validation: empty, guesses: Vec::new() }
    }

    /// Gives a lesson: how much each of these candidates was wanted, 0 for not at all. One in which all were wanted alike teaches
    /// nothing.
    pub fn give(&mut self, rows: &Rows<GUESS>, wanted: &[f32]) {
        let is_one = |wanted: &f32| *wanted > 0.0;
        if rows.len() != wanted.len() || !wanted.iter().any(is_one) || wanted.iter().all(is_one) {
            return;
        }
        let is_held_out = self.held_out > 0 && (self.guesses.len() + 1).is_multiple_of(self.held_out);
        let examples = if is_held_out { &mut self.validation } else { &mut self.train };
        examples.push(&rows.values, wanted, 0);
        let lesson = Lesson { rows: rows.guesses.clone(), chosen: wanted.iter().map(is_one).collect() };
        self.guesses.push((is_held_out, lesson));
    }

    /// Lessons of which something can be learned.
    pub const fn len(&self) -> usize {
        self.guesses.len()
    }

    pub const fn is_empty(&self) -> bool {
        self.guesses.is_empty()
    }

    pub fn fit(mut self) -> GuidedTrees<GUESS> {
        let taught: Vec<Lesson<GUESS>> =
            self.guesses.iter().filter(|(is_held_out, _)| !is_held_out).map(|(_, lesson)| lesson.clone()).collect();
        let weights = learn(&taught, &self.prior, RIDGE).map(|weight| weight as f32);
        let starts = |is_held_out: bool| -> Vec<f32> {
            let lessons = self.guesses.iter().filter(|(held_out, _)| *held_out == is_held_out);
            lessons.flat_map(|(_, lesson)| &lesson.rows).map(|row| dot(row, &weights)).collect()
        };
        let (learned, held_out) = (starts(false), starts(true));
        self.train.set_starts(learned);
        self.validation.set_starts(held_out);
        GuidedTrees { weights, trees: BoostedTrees::fit(&self.train, &self.validation, &self.boosting) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// Twenty candidates. The guess knows half of it; the other half stands in the row, and only where the second number is high.
    fn asked(random: &mut Random) -> (Rows<1>, Vec<f32>) {
        let (mut rows, mut worth) = (Rows { width: 2, values: Vec::new(), guesses: Vec::new() }, Vec::new());
        for _ in 0..20 {
            let [guess, first, second] = std::array::from_fn(|_| random.uniform() as f32);
            rows.values.extend([first, if second < 0.1 { f32::NAN } else { second }]);
            rows.guesses.push([guess]);
            worth.push(guess + if second > 0.5 { first } else { 0.0 });
        }
        let best = worth.iter().copied().fold(0.0, f32::max);
        let wanted = worth.iter().map(|worth| f32::from(u8::from(*worth >= best))).collect();
        (rows, wanted)
    }

    fn fitted() -> GuidedTrees<1> {
        let boosting = BoostingSettings { trees: 60, least_rows: 20, ..BoostingSettings::default() };
        let (mut lessons, mut random) = (Lessons::new(2, [1.0], 6, boosting), Random::new(1));
        for _ in 0..400 {
            let (rows, wanted) = asked(&mut random);
            lessons.give(&rows, &wanted);
        }
        lessons.fit()
    }

    fn reciprocal(scores: &[f32], wanted: &[f32]) -> f64 {
        let best = wanted.iter().position(|wanted| *wanted > 0.0).map_or(0.0, |place| scores[place]);
        1.0 / scores.iter().filter(|score| **score >= best).count().max(1) as f64
    }

    #[test]
    fn trees_add_what_the_guess_does_not_know() {
        let (ranker, mut random) = (fitted(), Random::new(7));
        let (mut by_guess, mut learned) = (0.0, 0.0);
        for _ in 0..200 {
            let (rows, wanted) = asked(&mut random);
            let guess: Vec<f32> = rows.guesses.iter().map(|guess| guess[0]).collect();
            by_guess += reciprocal(&guess, &wanted);
            learned += reciprocal(&ranker.scores(&rows), &wanted);
        }
        assert!(learned > by_guess + 20.0, "{learned} {by_guess}");
    }

    #[test]
    fn contributions_tell_two_candidates_apart() {
        let (ranker, (rows, _)) = (fitted(), asked(&mut Random::new(3)));
        let scores = ranker.scores(&rows);
        let sum = |place: usize| {
            let (of_row, of_guess) = ranker.contributions(&rows, place);
            of_row.iter().sum::<f32>() + of_guess.iter().sum::<f32>()
        };
        assert!((sum(0) - sum(1) - (scores[0] - scores[1])).abs() < 1e-3);
    }

    #[test]
    fn bytes_give_the_same_ranker_and_broken_ones_are_refused() {
        let ranker = fitted();
        let bytes = ranker.encode();
        assert_eq!(GuidedTrees::decode(&bytes).as_ref(), Ok(&ranker));
        assert!(GuidedTrees::<2>::decode(&bytes).is_err(), "of another guess");
        for cut in 0..bytes.len() {
            assert!(GuidedTrees::<1>::decode(&bytes[..cut]).is_err(), "{cut}");
        }
    }

    #[test]
    fn what_teaches_nothing_is_left_out() {
        let mut lessons = Lessons::new(1, [1.0], 0, BoostingSettings::default());
        let rows = Rows { width: 1, values: vec![1.0, 2.0], guesses: vec![[0.5], [0.1]] };
        for wanted in [[0.0, 0.0], [1.0, 1.0]] {
            lessons.give(&rows, &wanted);
        }
        assert!(lessons.is_empty());
        let untaught = lessons.fit();
        assert_eq!((untaught.weights(), untaught.trees().len()), (&[1.0], 0), "the prior stands");
    }
}
