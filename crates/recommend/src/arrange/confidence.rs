//! Where little is known, the safe answer: personal scores are drawn towards those of everybody.
//!
//! score(i) = c · own(i) + (1 − c) · safe(i) with c = n / (n + k): n is how much evidence there is for the own answer
//! (orders, views), and k the evidence at which both count the same. This is the posterior mean of a normal model
//! (Efron, Morris: "Stein's estimation rule and its competitors", 1973). Both are brought to 0…1 first; an item that only
//! one of the two answers has scores 0 in the other.

use std::collections::BTreeMap;

use super::relevance;
use crate::ranking::better;
use crate::{Item, Scored};

/// Both answers as one, best first. `evidence` without a meaning counts as none; `half_at` is k.
pub fn sure(own: &[Scored], safe: &[Scored], evidence: f64, half_at: f64) -> Vec<Scored> {
    let evidence = if evidence > 0.0 { evidence.min(f64::MAX) } else { 0.0 };
    let confidence = if half_at > 0.0 { evidence / (evidence + half_at) } else { f64::from(u8::from(evidence > 0.0)) };
    let mut sums: BTreeMap<Item, (f64, Option<Item>)> = BTreeMap::new();
    for (answer, weight) in [(own, confidence), (safe, 1.0 - confidence)] {
        for (candidate, relevance) in answer.iter().zip(relevance(answer)) {
            let sum = sums.entry(candidate.item).or_insert((0.0, candidate.because_of));
            sum.0 += weight * relevance;
        }
    }
    let scored = |(item, (score, because_of))| Scored { item, score: score as f32, because_of };
    let mut answer: Vec<Scored> = sums.into_iter().map(scored).collect();
    answer.sort_by(better);
    answer
}

#[cfg(test)]
mod tests {
    use super::super::testing::{candidates, numbers};
    use super::*;

    #[test]
    fn evidence_moves_the_answer_from_safe_to_own() {
        let own = candidates(&[3.0, 2.0, 1.0]);
        let safe: Vec<Scored> = candidates(&[3.0, 2.0, 1.0]).into_iter().rev().collect();
        let safe: Vec<Scored> =
            safe.into_iter().zip([9.0, 5.0, 1.0]).map(|(item, score)| Scored { score, ..item }).collect();
        assert_eq!(numbers(&sure(&own, &safe, 0.0, 5.0)), [2, 1, 0]);
        assert_eq!(numbers(&sure(&own, &safe, 1e9, 5.0)), [0, 1, 2]);
        let halfway = sure(&own, &safe, 5.0, 5.0);
        assert!(halfway.iter().all(|scored| (scored.score - 0.5).abs() < 1e-6), "{halfway:?}");
        assert_eq!(numbers(&sure(&own, &safe, f64::NAN, 5.0)), [2, 1, 0]);
        assert_eq!(numbers(&sure(&[], &safe, 3.0, 5.0)), [2, 1, 0]);
    }
}
