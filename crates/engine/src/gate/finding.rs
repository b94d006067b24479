//! Which order of search results a version serves: the learned one, or the formula.
//!
//! A ranker that is not better than the formula is kept and does not serve, and the version is as good as one without. Whether
//! what serves is worse than what the champion serves is another check's matter (`compare`).

use mercer_decide::{RankerExam, SearchRanker, TaughtBy};
use mercer_store::{Check, Difference};

/// The exam of a ranker as a line of the gate; none where there is no ranker.
pub(super) fn order_of_results(ranker: &SearchRanker) -> Option<Check> {
    let RankerExam { queries, formula, learned, low, high } = *ranker.exam();
    let taught_by = match ranker.taught_by() {
        TaughtBy::Nothing => return None,
        TaughtBy::Orders => "words of the titles of what was ordered next",
        TaughtBy::Searches => "logged searches",
    };
    let outcome = if queries == 0 {
        "too few searches to examine it by, so the formula serves"
    } else if ranker.serves() {
        "better than the formula beyond chance: it serves"
    } else {
        "not better than the formula beyond chance: the formula serves"
    };
    Some(Check {
        name: "Search: reciprocal rank of what was wanted, beside the formula".to_owned(),
        slice: "all".to_owned(),
        cases: queries as usize,
        candidate: learned,
        champion: Some(formula),
        difference: (queries > 0).then_some(Difference { mean: learned - formula, low, high, level: 0.95 }),
        passed: true,
        words: format!("Taught by {} lessons of {taught_by}; {outcome}.", ranker.lessons()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_which_order_serves() {
        assert_eq!(order_of_results(&SearchRanker::default()), None);
        let taught = SearchRanker::new(mercer_recommend::guided::GuidedTrees::default(), TaughtBy::Searches, 900);
        let words = |exam| order_of_results(&taught.clone().examined(exam)).map(|check| (check.words, check.passed));
        let exam = RankerExam { queries: 300, formula: 0.5, learned: 0.6, low: 0.05, high: 0.15 };
        let told = |exam| words(exam).unwrap_or_default();
        assert_eq!(
            told(exam).0,
            "Taught by 900 lessons of logged searches; better than the formula beyond chance: it serves."
        );
        let (not_better, passed) = told(RankerExam { low: -0.01, ..exam });
        assert!(passed && not_better.contains("the formula serves"), "{not_better}");
        assert!(told(RankerExam::default()).0.contains("too few"));
    }
}
