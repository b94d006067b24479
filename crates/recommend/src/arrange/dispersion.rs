//! Max-sum diversification (Gollapudi, Sharma: "An axiomatic approach for result diversification", WWW 2009; greedily, as
//! Borodin, Lee, Ye: "Max-sum diversification, monotone submodular functions and dynamic updates", PODS 2012).
//!
//! The next to stand is argmax λ · rel(i) − (1 − λ) · Σ likeness(i, j) over *all* j that stand already. Where
//! [`super::mmr`] minds the nearest alone, so that a second of a kind costs as much as a fifth, here each one more costs
//! more; and the mean distance of a row is just what it makes large. When measured, it bought more diversity than MMR for
//! the same loss of relevance.

use super::relevance;
use crate::{Item, Scored};

/// The first `count`, each as relevant and as little like all of those before it as `lambda` has it; 1 leaves the
/// ranking as it is. Strengths that pay are near 1.
pub fn spread(candidates: &[Scored], count: usize, lambda: f64, likeness: impl Fn(Item, Item) -> f64) -> Vec<Scored> {
    let lambda = if lambda.is_nan() { 1.0 } else { lambda.clamp(0.0, 1.0) };
    let mut left: Vec<(usize, f64)> =
        relevance(candidates).into_iter().map(|relevance| lambda * relevance).enumerate().collect();
    let mut shown: Vec<Scored> = Vec::with_capacity(count.min(candidates.len()));
    while shown.len() < count {
        // The first of equals stands: `min_by` keeps it where `max_by` would keep the last.
        let best = (0..left.len()).min_by(|one, other| left[*other].1.total_cmp(&left[*one].1));
        let Some(best) = best else { break };
        let taken = candidates[left.remove(best).0];
        if lambda < 1.0 {
            for (other, worth) in &mut left {
                *worth -= (1.0 - lambda) * likeness(candidates[*other].item, taken.item);
            }
        }
        shown.push(taken);
    }
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{alike, candidates, numbers};
    use super::*;

    #[test]
    fn a_third_of_a_kind_costs_more_than_a_second() {
        let mut ranked = candidates(&[1.0, 0.9, 0.8, 0.0]);
        ranked[3].item = Item(20);
        // A second of the kind costs 0.3 of 0.7 · 0.9, a third twice 0.3 of 0.7 · 0.8: less than what stands last.
        assert_eq!(numbers(&spread(&ranked, 3, 0.7, alike)), [0, 1, 20]);
        assert_eq!(numbers(&spread(&ranked, 3, 0.9, alike)), [0, 1, 2]);
    }

    proptest! {
        #[test]
        fn all_relevance_is_the_ranking(mut scores in proptest::collection::vec(0.0_f32..1.0, 0..30), count in 0_usize..40) {
            scores.sort_by(|a, b| b.total_cmp(a));
            let ranked = candidates(&scores);
            let shown = spread(&ranked, count, 1.0, alike);
            prop_assert_eq!(&shown[..], &ranked[..count.min(ranked.len())]);
        }
    }
}
