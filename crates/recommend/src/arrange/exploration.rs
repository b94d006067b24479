//! Places for learning about what ranking leaves out, with the probability of what stands there.
//!
//! Chance comes in as a closure that gives numbers of [0, 1), seeded by the caller, so that the same decision can be made
//! again. The probabilities are logged and judge other policies by what was shown (inverse propensity scoring; Horvitz,
//! Thompson 1952).

use crate::Scored;

/// What stands at a place, and how probable that was, given what stands before it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shown {
    pub scored: Scored,
    pub propensity: f64,
    pub is_explored: bool,
}

/// The first `count` of the ranking, but the last place goes with probability `epsilon` to one of the `fresh`, each as
/// probable as the next. Fresh ones that stand in the row anyway are left out.
pub fn explore_last(
    ranked: &[Scored],
    fresh: &[Scored],
    count: usize,
    epsilon: f64,
    chance: &mut impl FnMut() -> f64,
) -> Vec<Shown> {
    let epsilon = if epsilon > 0.0 { epsilon.min(1.0) } else { 0.0 };
    let row = &ranked[..count.min(ranked.len())];
    let certain = |scored: &Scored| Shown { scored: *scored, propensity: 1.0, is_explored: false };
    let mut shown: Vec<Shown> = row.iter().map(certain).collect();
    let pool: Vec<&Scored> = fresh.iter().filter(|fresh| row.iter().all(|scored| scored.item != fresh.item)).collect();
    let Some(last) = shown.last_mut() else { return shown };
    if pool.is_empty() {
        return shown;
    }
    last.propensity = 1.0 - epsilon;
    if chance() < epsilon {
        let drawn = ((chance() * pool.len() as f64) as usize).min(pool.len() - 1);
        *last = Shown { scored: *pool[drawn], propensity: epsilon / pool.len() as f64, is_explored: true };
    }
    shown
}

/// Draws `count` one after the other without putting back (Plackett 1975, Luce 1959): of those left, item i is next with
/// probability exp(s(i) / temperature) / Σ exp(s(j) / temperature). The probability of the whole row is the product. A
/// temperature that is not above zero gives the ranking.
pub fn sample(candidates: &[Scored], count: usize, temperature: f64, chance: &mut impl FnMut() -> f64) -> Vec<Shown> {
    let is_certain = temperature.is_nan() || temperature <= 0.0;
    let mut left: Vec<&Scored> = candidates.iter().filter(|candidate| candidate.score.is_finite()).collect();
    let mut shown = Vec::with_capacity(count.min(left.len()));
    while shown.len() < count && !left.is_empty() {
        let top = left.iter().map(|scored| scored.score).fold(f32::NEG_INFINITY, f32::max);
        let weigh = |scored: &&Scored| (f64::from(scored.score - top) / temperature).exp();
        let weights: Vec<f64> = if is_certain { Vec::new() } else { left.iter().map(weigh).collect() };
        let total: f64 = weights.iter().sum();
        let (place, propensity) = if is_certain { (0, 1.0) } else { drawn(&weights, total, chance() * total) };
        let scored = *left.remove(place);
        shown.push(Shown { scored, propensity, is_explored: shown.len() != candidates_before(candidates, &scored) });
    }
    shown
}

/// Where a point of the total falls, and how probable that was.
fn drawn(weights: &[f64], total: f64, point: f64) -> (usize, f64) {
    let mut passed = 0.0;
    let found = weights.iter().position(|weight| {
        passed += weight;
        point < passed
    });
    let place = found.unwrap_or(weights.len() - 1);
    (place, weights[place] / total)
}

/// The place that ranking gives.
fn candidates_before(candidates: &[Scored], scored: &Scored) -> usize {
    candidates.iter().take_while(|candidate| candidate.item != scored.item).count()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::testing::{candidates, chance};
    use super::*;
    use crate::Item;

    const DRAWS: usize = 40_000;

    fn is_near(frequency: f64, probability: f64) -> bool {
        (frequency - probability).abs() < 5.0 * (probability * (1.0 - probability) / DRAWS as f64).sqrt() + 1e-9
    }

    #[test]
    fn the_last_place_is_explored_as_often_as_it_says() {
        let ranked = candidates(&[0.9, 0.8, 0.7]);
        let fresh: Vec<Scored> = [1, 7, 8].map(|item| Scored { item: Item(item), score: 0.0, because_of: None }).into();
        let mut chance = chance(3);
        let mut counts: BTreeMap<Item, (usize, f64)> = BTreeMap::new();
        for _ in 0..DRAWS {
            let shown = explore_last(&ranked, &fresh, 2, 0.3, &mut chance);
            assert_eq!((shown[0].scored, shown[0].propensity), (ranked[0], 1.0));
            let count = counts.entry(shown[1].scored.item).or_default();
            *count = (count.0 + 1, shown[1].propensity);
        }
        assert!((counts.values().map(|(_, propensity)| propensity).sum::<f64>() - 1.0).abs() < 1e-9);
        assert_eq!(counts.keys().copied().collect::<Vec<_>>(), [1, 7, 8].map(Item), "what stands there is not fresh");
        for (count, propensity) in counts.values() {
            assert!(is_near(*count as f64 / DRAWS as f64, *propensity), "{count} {propensity}");
        }
        let certain = explore_last(&ranked, &[], 2, 0.3, &mut chance);
        assert!(certain.iter().all(|shown| shown.propensity == 1.0));
    }

    #[test]
    fn rows_are_drawn_as_often_as_their_propensities_say() {
        let ranked = candidates(&[1.0, 0.6, 0.1]);
        let mut chance = chance(5);
        let mut rows: BTreeMap<Vec<Item>, (usize, f64)> = BTreeMap::new();
        for _ in 0..DRAWS {
            let shown = sample(&ranked, 2, 0.5, &mut chance);
            let row = shown.iter().map(|shown| shown.scored.item).collect();
            let count = rows.entry(row).or_default();
            *count = (count.0 + 1, shown.iter().map(|shown| shown.propensity).product());
        }
        assert_eq!(rows.len(), 6);
        assert!((rows.values().map(|(_, propensity)| propensity).sum::<f64>() - 1.0).abs() < 1e-9);
        for (count, propensity) in rows.values() {
            assert!(is_near(*count as f64 / DRAWS as f64, *propensity), "{count} {propensity}");
        }
    }

    #[test]
    fn without_temperature_the_ranking_stands() {
        let ranked = candidates(&[1.0, 0.6, 0.1]);
        let shown = sample(&ranked, 5, 0.0, &mut || 0.999);
        assert_eq!(shown.iter().map(|shown| shown.scored).collect::<Vec<_>>(), ranked);
        assert!(shown.iter().all(|shown| shown.propensity == 1.0 && !shown.is_explored));
        let cold = sample(&ranked, 5, 1e-6, &mut || 0.999);
        assert_eq!(cold.iter().map(|shown| shown.scored).collect::<Vec<_>>(), ranked);
    }
}
