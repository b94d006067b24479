//! Differences of means, case by case, with the interval that decides.

use std::collections::BTreeSet;

use mercer_recommend::Item;
use mercer_recommend::evaluate::{mean_interval_at, ndcg_at, recall_at};
use mercer_store::{Check, Difference};

use super::questions::{CUTOFF, Question, Topic};
use crate::search_ranking::Contested;

/// Cases below which a slice is told and not judged.
const LEAST_IN_SLICE: usize = 20;
/// So many, that the ends of a wide interval rest on more than a few draws.
const ROUNDS: usize = 4_000;
const SEED: u64 = 1;

type Measure = fn(&[Item], &BTreeSet<Item>, usize) -> f64;

/// The values of one check, a pair a case.
struct Paired {
    name: String,
    slice: &'static str,
    ours: Vec<f64>,
    theirs: Option<Vec<f64>>,
}

impl Paired {
    fn of_searches(searches: &Contested) -> Self {
        Self {
            name: "Search: reciprocal rank of what was wanted".to_owned(),
            slice: "all",
            ours: searches.candidate.clone(),
            theirs: Some(searches.champion.clone()),
        }
    }
}

/// The checks of every kind of question, on all cases and on the cold ones, and of searches.
pub(super) fn quality(
    questions: &[Question],
    (ours, theirs): (&[Vec<Item>], Option<&[Vec<Item>]>),
    searches: Option<&Contested>,
    is_cold: &dyn Fn(&Item) -> bool,
) -> Vec<Check> {
    let mut found: Vec<Paired> = searches.map(Paired::of_searches).into_iter().collect();
    let mut measure =
        |topic: Topic, (name, measure): (&str, Measure), slice, relevant: &dyn Fn(&Question) -> BTreeSet<Item>| {
            let mut paired = Paired {
                name: format!("{}: {name} at {CUTOFF}", topic.title()),
                slice,
                ours: Vec::new(),
                theirs: theirs.map(|_| Vec::new()),
            };
            for (place, question) in questions.iter().enumerate().filter(|(_, question)| question.topic == topic) {
                let wanted = relevant(question);
                if wanted.is_empty() {
                    continue;
                }
                paired.ours.push(measure(&ours[place], &wanted, CUTOFF));
                if let (Some(values), Some(theirs)) = (&mut paired.theirs, theirs) {
                    values.push(measure(&theirs[place], &wanted, CUTOFF));
                }
            }
            if !paired.ours.is_empty() {
                found.push(paired);
            }
        };
    let all = |question: &Question| question.relevant.clone();
    let cold = |question: &Question| question.relevant.iter().filter(|item| is_cold(item)).copied().collect();
    let new_customers = |question: &Question| match question.is_of_cold_customer() {
        true => question.relevant.clone(),
        false => BTreeSet::new(),
    };
    for topic in Topic::ALL {
        measure(topic, ("recall", recall_at), "all", &all);
        measure(topic, ("nDCG", ndcg_at), "all", &all);
        measure(topic, ("recall", recall_at), "cold items", &cold);
        // Nobody, where no customer is asked for.
        measure(topic, ("recall", recall_at), "cold customers", &new_customers);
    }
    let level = 1.0 - 0.05 / found.len().max(1) as f64;
    found.into_iter().map(|paired| check(paired, level)).collect()
}

fn check(paired: Paired, level: f64) -> Check {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let (cases, candidate) = (paired.ours.len(), mean(&paired.ours));
    let champion = paired.theirs.as_deref().map(mean);
    let difference = paired.theirs.as_deref().map(|theirs| difference(&paired.ours, theirs, level));
    let is_judged = cases >= LEAST_IN_SLICE;
    let is_worse = difference.is_some_and(|difference| difference.high < 0.0);
    let words = match difference {
        None => "Nobody to compare with.".to_owned(),
        Some(_) if !is_judged => format!("Too few cases to judge; {LEAST_IN_SLICE} are needed."),
        Some(_) if is_worse => "Worse than the champion beyond chance.".to_owned(),
        Some(difference) if difference.low > 0.0 => "Better than the champion beyond chance.".to_owned(),
        Some(_) => "No worse than the champion, as far as these cases tell.".to_owned(),
    };
    Check {
        name: paired.name,
        slice: paired.slice.to_owned(),
        cases,
        candidate,
        champion,
        difference,
        passed: !(is_judged && is_worse),
        words,
    }
}

fn difference(ours: &[f64], theirs: &[f64], level: f64) -> Difference {
    let differences: Vec<f64> = ours.iter().zip(theirs).map(|(ours, theirs)| ours - theirs).collect();
    // Two models of one mind differ nowhere: there is nothing to draw.
    if differences.iter().all(|difference| *difference == 0.0) {
        return Difference { level, ..Difference::default() };
    }
    let interval = mean_interval_at(level, &differences, ROUNDS, SEED);
    Difference { mean: interval.mean, low: interval.low, high: interval.high, level }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn checked(ours: Vec<f64>, theirs: Vec<f64>) -> Check {
        check(Paired { name: "recall".into(), slice: "all", ours, theirs: Some(theirs) }, 0.99)
    }

    #[test]
    fn worse_beyond_chance_fails_and_chance_does_not() {
        let zero_one = |each: usize| (0..200).map(|case| f64::from(u8::from(case % each == 0))).collect::<Vec<_>>();
        assert!(!checked(zero_one(4), zero_one(2)).passed);
        assert!(checked(zero_one(2), zero_one(4)).passed);
        let same = checked(zero_one(3), zero_one(3));
        assert!(same.passed && same.difference == Some(Difference { level: 0.99, ..Difference::default() }));
        let few = checked(vec![0.0; 10], vec![1.0; 10]);
        assert!(few.passed && few.words.contains("Too few"), "{few:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// Whoever fails in one direction has not lost in the other: both never fail.
        #[test]
        fn two_models_never_both_lose(pairs in prop::collection::vec((0.0_f64..1.0, 0.0_f64..1.0), 20..60)) {
            let (a, b): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
            let (one_way, other_way) = (checked(a.clone(), b.clone()), checked(b, a));
            prop_assert!(one_way.passed || other_way.passed);
            let difference = one_way.difference.unwrap();
            prop_assert!(difference.low <= difference.mean && difference.mean <= difference.high);
        }
    }
}
