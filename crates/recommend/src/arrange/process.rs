//! Determinantal point process, greedily (Chen, Zhang, Zhou: "Fast greedy MAP inference for determinantal point process
//! to improve recommendation diversity", NeurIPS 2018).
//!
//! A set of items is as good as the determinant of its kernel L, with L(i, j) = q(i) · likeness(i, j) · q(j) and
//! q(i) = exp(a · rel(i)), a = θ / (2 (1 − θ)): the larger, the more relevant and the less alike they are. Greedily the
//! item with the largest d² = det(L with i) / det(L) is added, and with a Cholesky factor that grows by a row each time
//!
//! > e(i) = (L(j, i) − c(j) · c(i)) / d(j),  c(i) ← [c(i) e(i)],  d²(i) ← d²(i) − e(i)²
//!
//! for the item j just added. Against [`super::mmr`] it sees how an item is like *all* that stand, not the nearest alone.

use super::relevance;
use crate::{Item, Scored};

/// What is left of an item below which it says nothing that those who stand do not say.
const LEAST: f64 = 1e-10;

/// The first `count` by greedy MAP. `theta` near 1 goes by relevance alone, 0 by likeness alone. `likeness` should be
/// positive semidefinite, 1 of an item with itself (a cosine or a Jaccard index is).
pub fn dpp(candidates: &[Scored], count: usize, theta: f64, likeness: impl Fn(Item, Item) -> f64) -> Vec<Scored> {
    // Beyond this the exponential of the relevance would lose the likeness to rounding.
    let theta = if theta.is_nan() { 0.99 } else { theta.clamp(0.0, 0.99) };
    let strength = theta / (2.0 * (1.0 - theta));
    let quality: Vec<f64> = relevance(candidates).into_iter().map(|relevance| (strength * relevance).exp()).collect();
    let mut rows: Vec<Vec<f64>> = vec![Vec::new(); candidates.len()];
    let mut left: Vec<f64> = quality.iter().map(|quality| quality * quality).collect();
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    let mut shown = Vec::with_capacity(count.min(candidates.len()));
    while shown.len() < count {
        let best = (0..order.len()).min_by(|one, other| left[order[*other]].total_cmp(&left[order[*one]]));
        let Some(best) = best else { break };
        if left[order[best]] < LEAST {
            // Nothing new is left to say; the ranking goes on.
            shown.extend(order.iter().take(count - shown.len()).map(|place| candidates[*place]));
            break;
        }
        let taken = order.remove(best);
        shown.push(candidates[taken]);
        let (row, root) = (std::mem::take(&mut rows[taken]), left[taken].sqrt());
        for other in &order {
            let known: f64 = row.iter().zip(&rows[*other]).map(|(one, other)| one * other).sum();
            let kernel = quality[taken] * quality[*other] * likeness(candidates[taken].item, candidates[*other].item);
            let entry = (kernel - known) / root;
            rows[*other].push(entry);
            left[*other] -= entry * entry;
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{alike, candidates, numbers};
    use super::*;

    #[test]
    fn what_says_nothing_new_comes_last() {
        let mut ranked = candidates(&[1.0, 0.9, 0.8, 0.1]);
        ranked[2].item = Item(20);
        assert_eq!(numbers(&dpp(&ranked, 4, 0.5, alike)), [0, 20, 1, 3]);
    }

    /// The determinant of a matrix, by elimination.
    fn determinant(mut matrix: Vec<Vec<f64>>) -> f64 {
        let mut product = 1.0;
        for place in 0..matrix.len() {
            product *= matrix[place][place];
            for below in place + 1..matrix.len() {
                let share = matrix[below][place] / matrix[place][place];
                let row = matrix[place].clone();
                matrix[below].iter_mut().zip(row).for_each(|(cell, above)| *cell -= share * above);
            }
        }
        product
    }

    proptest! {
        #[test]
        fn nothing_alike_is_the_ranking(mut scores in proptest::collection::vec(0.0_f32..1.0, 0..20), theta in 0.1_f64..0.95) {
            scores.sort_by(|a, b| b.total_cmp(a));
            scores.dedup();
            let ranked = candidates(&scores);
            let diagonal = |one: Item, other: Item| f64::from(u8::from(one == other));
            prop_assert_eq!(dpp(&ranked, 20, theta, diagonal), ranked);
        }

        /// Each step adds the item with which the determinant is largest.
        #[test]
        fn is_greedy(angles in proptest::collection::vec((0.0_f64..1.5, 0.0_f64..1.5), 4..9)) {
            let vector = |item: Item| {
                let (one, two) = angles[item.index()];
                [one.cos() * two.cos(), one.sin() * two.cos(), two.sin()]
            };
            let cosine = |one: Item, other: Item| vector(one).iter().zip(vector(other)).map(|(a, b)| a * b).sum::<f64>();
            let ranked = candidates(&(0..angles.len()).map(|place| 1.0 - place as f32 / 10.0).collect::<Vec<_>>());
            let quality: Vec<f64> = relevance(&ranked).iter().map(|relevance| (0.5 * relevance).exp()).collect();
            let of = |items: &[u32]| determinant(items.iter().map(|one| items.iter().map(|other| {
                quality[*one as usize] * quality[*other as usize] * cosine(Item(*one), Item(*other))
            }).collect()).collect());
            let shown = numbers(&dpp(&ranked, 2, 0.5, cosine));
            for other in (0..angles.len() as u32).filter(|other| *other != shown[0]) {
                prop_assert!(of(&shown) >= of(&[shown[0], other]) - 1e-9);
            }
        }
    }
}
