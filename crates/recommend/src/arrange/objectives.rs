//! Several aims at once: what is wanted, what earns, what is in stock, what is new.
//!
//! score(i) = Σ w(o) · v(o, i) / Σ w(o): each aim's values are brought to 0…1 over the candidates (the smallest 0, the
//! largest 1; without a value 0; of equal values all ½), so that a weight says what it seems to say. The weights are the
//! merchandiser's.

use super::relevance;
use crate::ranking::better;
use crate::{Item, Scored};

/// An aim beside relevance.
#[derive(Clone, Copy)]
pub struct Objective<'a> {
    pub weight: f64,
    /// The larger the better, in any unit.
    pub value: &'a dyn Fn(Item) -> Option<f64>,
}

impl std::fmt::Debug for Objective<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Objective").field("weight", &self.weight).finish_non_exhaustive()
    }
}

/// Candidates by all aims, best first, with the blended scores. A weight that is not above zero counts nothing.
pub fn blend(candidates: &[Scored], relevance_weight: f64, objectives: &[Objective<'_>]) -> Vec<Scored> {
    let usable = |weight: f64| if weight > 0.0 && weight.is_finite() { weight } else { 0.0 };
    let mut sums: Vec<f64> = vec![0.0; candidates.len()];
    let mut total = usable(relevance_weight);
    add(&mut sums, total, &relevance(candidates));
    for objective in objectives {
        let values: Vec<Option<f64>> = candidates
            .iter()
            .map(|candidate| (objective.value)(candidate.item).filter(|value| value.is_finite()))
            .collect();
        let weight = usable(objective.weight);
        add(&mut sums, weight, &scaled(&values));
        total += weight;
    }
    if total == 0.0 {
        return candidates.to_vec();
    }
    let blended = |(candidate, sum): (&Scored, f64)| Scored { score: (sum / total) as f32, ..*candidate };
    let mut blended: Vec<Scored> = candidates.iter().zip(sums).map(blended).collect();
    blended.sort_by(better);
    blended
}

fn add(sums: &mut [f64], weight: f64, values: &[f64]) {
    sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += weight * value);
}

fn scaled(values: &[Option<f64>]) -> Vec<f64> {
    let known = || values.iter().flatten().copied();
    let (low, high) = (known().fold(f64::INFINITY, f64::min), known().fold(f64::NEG_INFINITY, f64::max));
    let scale = |value: f64| if high > low { (value - low) / (high - low) } else { 0.5 };
    values.iter().map(|value| value.map_or(0.0, scale)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{candidates, numbers};
    use super::*;

    #[test]
    fn weights_say_what_they_seem_to_say() {
        let ranked = candidates(&[9.0, 8.0, 1.0]);
        let margin = |item: Item| [Some(100.0), Some(300.0), None][item.index()];
        let stock = |_: Item| Some(7.0);
        let shown =
            blend(&ranked, 1.0, &[Objective { weight: 1.0, value: &margin }, Objective { weight: 2.0, value: &stock }]);
        assert_eq!(numbers(&shown), [1, 0, 2]);
        assert!((shown[0].score - (0.875 + 1.0 + 2.0 * 0.5) / 4.0).abs() < 1e-6);
        assert!((shown[1].score - (1.0 + 0.0 + 1.0) / 4.0).abs() < 1e-6);
    }

    #[test]
    fn without_weights_the_ranking_stands() {
        let ranked = candidates(&[3.0, 2.0]);
        let odd = |_: Item| Some(f64::NAN);
        assert_eq!(blend(&ranked, 0.0, &[]), ranked);
        assert_eq!(numbers(&blend(&ranked, f64::NAN, &[Objective { weight: 1.0, value: &odd }])), [0, 1]);
    }
}
