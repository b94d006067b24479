//! What a model reached, what it took, and where it is weak.

use super::{Metric, Question};
use crate::evaluate::{Interval, mean_interval};

/// Rounds and seed of the bootstrap behind every interval.
pub const ROUNDS: usize = 1_000;
pub const SEED: u64 = 1;
/// An item is cold with at most so many training interactions.
pub const COLD_ITEM: u32 = 5;
/// A customer is cold with at most so many known items.
pub const COLD_CUSTOMER: usize = 2;

/// A model's figures over all questions.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    pub model: String,
    /// The value of each metric for each question.
    pub values: Vec<(Metric, Vec<f64>)>,
    /// What stood in the first places of all answers: once for each number of places that a metric looks at, the fewest first.
    pub shown: Vec<Shown>,
    pub fit_seconds: f64,
    /// Times of single answers in microseconds, sorted.
    pub answer_micros: Vec<f64>,
}

/// What stood in the first places of all answers together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shown {
    /// So many places of each answer.
    pub cutoff: usize,
    /// Distinct items.
    pub coverage: usize,
    /// Mean self-information of what was shown, −log₂ of its share of the training interactions, in bits (Zhou et al.:
    /// "Solving the apparent diversity-accuracy dilemma of recommender systems", PNAS 2010): higher is less obvious.
    pub novelty: f64,
}

impl Outcome {
    /// The mean of each metric over the questions of a part, one flag a question; none where the part has no question.
    pub fn means_of(&self, part: &[bool]) -> Vec<(Metric, Option<f64>)> {
        let is_in = |place: usize| part.get(place).copied().unwrap_or_default();
        let has_cases = (0..self.questions()).any(is_in);
        let means = self.metrics(is_in).into_iter();
        means.map(|(metric, interval)| (metric, has_cases.then_some(interval.mean))).collect()
    }

    /// Mean and bootstrap interval of each metric over the questions that `part` picks.
    pub fn metrics(&self, part: impl Fn(usize) -> bool) -> Vec<(Metric, Interval)> {
        let picked = |values: &[f64]| -> Vec<f64> {
            values.iter().enumerate().filter(|(place, _)| part(*place)).map(|(_, value)| *value).collect()
        };
        let interval = |values: &[f64]| mean_interval(&picked(values), ROUNDS, SEED);
        self.values.iter().map(|(metric, values)| (*metric, interval(values))).collect()
    }

    /// By how much this model is better than another, question by question: paired, so what makes a question hard for both
    /// falls out.
    pub fn better_than(&self, other: &Self) -> Vec<(Metric, Interval)> {
        let mut better = Vec::new();
        for ((metric, ours), (same, theirs)) in self.values.iter().zip(&other.values) {
            if metric == same {
                let differences: Vec<f64> = ours.iter().zip(theirs).map(|(ours, theirs)| ours - theirs).collect();
                better.push((*metric, mean_interval(&differences, ROUNDS, SEED)));
            }
        }
        better
    }

    pub fn questions(&self) -> usize {
        self.values.first().map_or(0, |(_, values)| values.len())
    }

    /// The time in microseconds within which this share of the answers came.
    pub fn answer_micros_at(&self, share: f64) -> f64 {
        let last = self.answer_micros.len().saturating_sub(1);
        self.answer_micros.get((last as f64 * share).round() as usize).copied().unwrap_or_default()
    }
}

/// Which questions are about items that hardly anyone took, and which are asked for customers of whom hardly anything is
/// known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cold {
    /// Everything to be found has at most five training interactions.
    pub items: Vec<bool>,
    /// At most two items of the customer are known.
    pub customers: Vec<bool>,
}

impl Cold {
    /// `popularity` has the number of training interactions of each item.
    pub fn of(questions: &[Question], popularity: &[u32]) -> Self {
        let is_cold = |item: &crate::Item| popularity.get(item.index()).is_none_or(|count| *count <= COLD_ITEM);
        let known = |asked: &Question| asked.session.len().max(asked.history.len()).max(asked.ordered.len());
        Self {
            items: questions.iter().map(|asked| asked.relevant.iter().all(is_cold)).collect(),
            customers: questions.iter().map(|asked| known(asked) <= COLD_CUSTOMER).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Item;

    fn outcome(values: &[f64]) -> Outcome {
        let metric = "HR@1".parse().unwrap();
        let values = vec![(metric, values.to_vec())];
        Outcome { model: "a".into(), values, shown: vec![], fit_seconds: 0.0, answer_micros: vec![] }
    }

    #[test]
    fn parts_and_differences() {
        let (ours, theirs) = (outcome(&[1.0, 0.0, 1.0, 1.0]), outcome(&[0.0, 0.0, 1.0, 0.0]));
        assert!((ours.metrics(|_| true)[0].1.mean - 0.75).abs() < 1e-12);
        assert!((ours.metrics(|place| place == 1)[0].1.mean).abs() < 1e-12);
        assert!((ours.better_than(&theirs)[0].1.mean - 0.5).abs() < 1e-12);
        assert_eq!(ours.questions(), 4);
        let mean = |part: &[bool]| ours.means_of(part)[0].1;
        assert_eq!((mean(&[true, true]), mean(&[false; 4]), mean(&[])), (Some(0.5), None, None));
    }

    #[test]
    fn cold_is_what_is_hardly_known() {
        let asked = |known: u32, relevant: &[u32]| Question {
            session: (0..known).map(Item).collect(),
            relevant: relevant.iter().map(|item| Item(*item)).collect(),
            ..Question::default()
        };
        let cold = Cold::of(&[asked(1, &[0]), asked(3, &[0, 1]), asked(2, &[1, 9])], &[9, 5]);
        assert_eq!(cold, Cold { items: vec![false, false, true], customers: vec![true, false, true] });
    }
}
