//! Maximal marginal relevance (Carbonell, Goldstein: "The use of MMR, diversity-based reranking for reordering documents
//! and producing summaries", SIGIR 1998).
//!
//! The next to stand is argmax λ · rel(i) − (1 − λ) · max likeness(i, j) over the j that stand already. Relevance is the
//! score brought to 0…1 over the candidates; λ = 1 leaves the ranking as it is.

use super::relevance;
use crate::{Item, Scored};

/// The first `count`, each as relevant and as little like those before it as `lambda` has it.
pub fn mmr(candidates: &[Scored], count: usize, lambda: f64, likeness: impl Fn(Item, Item) -> f64) -> Vec<Scored> {
    let lambda = if lambda.is_nan() { 1.0 } else { lambda.clamp(0.0, 1.0) };
    let relevance = relevance(candidates);
    let mut left: Vec<(usize, f64)> = (0..candidates.len()).map(|place| (place, 0.0)).collect();
    let mut shown: Vec<Scored> = Vec::with_capacity(count.min(candidates.len()));
    while shown.len() < count {
        let worth = |(place, nearest): &(usize, f64)| lambda * relevance[*place] - (1.0 - lambda) * nearest;
        // The first of equals stands: `min_by` keeps it where `max_by` would keep the last.
        let best = (0..left.len()).min_by(|one, other| worth(&left[*other]).total_cmp(&worth(&left[*one])));
        let Some(best) = best else { break };
        // In order, so that equals stay in the order of the ranking.
        let (place, _) = left.remove(best);
        let taken = candidates[place];
        if lambda < 1.0 {
            for (other, nearest) in &mut left {
                *nearest = nearest.max(likeness(candidates[*other].item, taken.item));
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
    fn others_come_before_the_second_of_a_kind() {
        let mut ranked = candidates(&[1.0, 0.9, 0.8, 0.1]);
        ranked[2].item = Item(20);
        assert_eq!(numbers(&mmr(&ranked, 3, 0.5, alike)), [0, 20, 1]);
    }

    proptest! {
        #[test]
        fn all_relevance_is_the_ranking(mut scores in proptest::collection::vec(0.0_f32..1.0, 0..30), count in 0_usize..40) {
            scores.sort_by(|a, b| b.total_cmp(a));
            let ranked = candidates(&scores);
            let shown = mmr(&ranked, count, 1.0, alike);
            prop_assert_eq!(&shown[..], &ranked[..count.min(ranked.len())]);
        }

        #[test]
        fn nobody_stands_twice(scores in proptest::collection::vec(0.0_f32..1.0, 0..30), lambda in -0.5_f64..1.5) {
            let mut shown = numbers(&mmr(&candidates(&scores), 20, lambda, alike));
            prop_assert_eq!(shown.len(), scores.len().min(20));
            shown.sort_unstable();
            shown.dedup();
            prop_assert_eq!(shown.len(), scores.len().min(20));
        }
    }
}
