//! What is compared with a tolerance instead of an interval: coverage, time to answer, memory.

use std::collections::BTreeSet;
use std::time::Instant;

use mercer_decide::World;
use mercer_recommend::Item;
use mercer_store::Check;

use super::questions::Question;

/// The candidate shows at least so much of what the champion shows.
const LEAST_COVERAGE: f64 = 0.8;
/// An answer takes at most so many times the champion's time, and so much more: clocks of a busy machine are no judges.
const MOST_TIME: f64 = 3.0;
const TIME_GRACE_MICROS: f64 = 1_000.0;
/// The loaded models take at most so many times the champion's memory, and so much more.
const MOST_MEMORY: f64 = 3.0;
const MEMORY_GRACE_BYTES: f64 = 64e6;
/// Questions that are timed.
const TIMED: usize = 500;

pub(super) fn coverage(ours: &[Vec<Item>], theirs: Option<&[Vec<Item>]>) -> Check {
    let shown = |answers: &[Vec<Item>]| answers.iter().flatten().collect::<BTreeSet<_>>().len() as f64;
    let (candidate, champion) = (shown(ours), theirs.map(shown));
    let rule = format!("At least {:.0} % of the products that the champion shows.", LEAST_COVERAGE * 100.0);
    check("Products shown", ours.len(), (candidate, champion), rule, |champion| candidate >= LEAST_COVERAGE * champion)
}

/// The median over the same questions, the two taking turns so that a busy moment hits both.
pub(super) fn latency(questions: &[Question], candidate: &World, champion: &World) -> Check {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for question in questions.iter().step_by(questions.len().div_ceil(TIMED).max(1)) {
        ours.push(micros(question, candidate));
        theirs.push(micros(question, champion));
    }
    let cases = ours.len();
    let (ours, theirs) = (median(ours), median(theirs));
    let rule = format!("At most {MOST_TIME} times the champion's, and {} ms.", TIME_GRACE_MICROS / 1_000.0);
    check("Time to answer, median µs", cases, (ours, Some(theirs)), rule, |theirs| {
        ours <= MOST_TIME * theirs + TIME_GRACE_MICROS
    })
}

/// Of the models as they were loaded.
pub(super) fn memory(ours: usize, theirs: usize) -> Check {
    let (ours, theirs) = (ours as f64, theirs as f64);
    let rule = format!("At most {MOST_MEMORY} times the champion's, and {:.0} MB.", MEMORY_GRACE_BYTES / 1e6);
    check("Memory, bytes", 1, (ours, Some(theirs)), rule, |theirs| ours <= MOST_MEMORY * theirs + MEMORY_GRACE_BYTES)
}

fn check(
    name: &str,
    cases: usize,
    (candidate, champion): (f64, Option<f64>),
    words: String,
    is_fine: impl FnOnce(f64) -> bool,
) -> Check {
    let (name, slice) = (name.to_owned(), "all".to_owned());
    Check { name, slice, cases, candidate, champion, difference: None, passed: champion.is_none_or(is_fine), words }
}

fn micros(question: &Question, world: &World) -> f64 {
    let started = Instant::now();
    std::hint::black_box(question.ask(world));
    started.elapsed().as_secs_f64() * 1e6
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_far_larger_or_shows_far_less_fails() {
        assert!(memory(100_000_000, 90_000_000).passed && memory(60_000_000, 1_000).passed);
        assert!(!memory(400_000_000, 90_000_000).passed);
        let answers = |items: u32| vec![(0..items).map(Item).collect::<Vec<_>>()];
        assert!(coverage(&answers(8), Some(&answers(10))).passed && coverage(&answers(0), None).passed);
        assert!(!coverage(&answers(7), Some(&answers(10))).passed);
    }
}
