//! Calibrated recommendations (Steck: "Calibrated recommendations", RecSys 2018).
//!
//! Whose past is 70 % kitchen and 30 % garden should not get a row of ten for the kitchen, although each of them is
//! likelier than any for the garden. With p the shares of the past and q those of a list, and q̃ = (1 − α) q + α p,
//!
//! > KL(p ‖ q̃) = Σ p(k) ln(p(k) / q̃(k))
//!
//! is how badly the list is calibrated. The list is made greedily: next comes the item that makes
//! (1 − λ) Σ rel − λ KL largest, which is within 1 − 1/e of the best.

use std::collections::BTreeMap;

use super::relevance;
use crate::{Item, Scored};

/// α: how much of the past's shares is mixed into the list's, so that none is nothing.
const SMOOTHING: f64 = 0.01;

/// How much calibration counts, and towards what.
#[derive(Debug, Clone, Copy)]
pub struct Calibration<'a> {
    /// λ between 0 (the ranking as it is) and 1.
    pub strength: f64,
    /// The share of each kind in the past; they need not add up to 1.
    pub past: &'a BTreeMap<u32, f64>,
}

/// The first `count`, their kinds spread as in the past. `kinds` are those of an item with their shares of it. A list that
/// would be less calibrated than the ranking is not shown: the ranking is.
pub fn calibrate(
    candidates: &[Scored],
    count: usize,
    calibration: Calibration<'_>,
    kinds: impl Fn(Item) -> Vec<(u32, f64)>,
) -> Vec<Scored> {
    let past = normalized(calibration.past);
    let strength = if calibration.strength.is_nan() { 0.0 } else { calibration.strength.clamp(0.0, 1.0) };
    let relevance = relevance(candidates);
    let ranking = &candidates[..count.min(candidates.len())];
    if strength == 0.0 || past.is_empty() {
        return ranking.to_vec();
    }
    let kinds_of: Vec<Vec<(u32, f64)>> = candidates.iter().map(|candidate| kinds(candidate.item)).collect();
    let mut left: Vec<usize> = (0..candidates.len()).collect();
    let (mut shown, mut sums) = (Vec::with_capacity(ranking.len()), BTreeMap::new());
    while shown.len() < ranking.len() {
        let worth = |place: usize| {
            let mut tried = sums.clone();
            add(&mut tried, &kinds_of[place]);
            (1.0 - strength) * relevance[place] - strength * kullback_leibler(&past, &tried)
        };
        let worths: Vec<f64> = left.iter().map(|place| worth(*place)).collect();
        let best = (0..left.len()).min_by(|one, other| worths[*other].total_cmp(&worths[*one]));
        let Some(best) = best else { break };
        let place = left.remove(best);
        add(&mut sums, &kinds_of[place]);
        shown.push(candidates[place]);
    }
    let mut plain = BTreeMap::new();
    (0..ranking.len()).for_each(|place| add(&mut plain, &kinds_of[place]));
    if kullback_leibler(&past, &sums) > kullback_leibler(&past, &plain) { ranking.to_vec() } else { shown }
}

/// How badly a list is calibrated: 0 when its kinds are spread as in the past.
pub fn divergence(items: &[Item], past: &BTreeMap<u32, f64>, kinds: impl Fn(Item) -> Vec<(u32, f64)>) -> f64 {
    let mut sums = BTreeMap::new();
    items.iter().for_each(|item| add(&mut sums, &kinds(*item)));
    kullback_leibler(&normalized(past), &sums)
}

fn add(sums: &mut BTreeMap<u32, f64>, kinds: &[(u32, f64)]) {
    for (kind, share) in kinds.iter().filter(|(_, share)| *share > 0.0 && share.is_finite()) {
        *sums.entry(*kind).or_default() += share;
    }
}

fn normalized(shares: &BTreeMap<u32, f64>) -> BTreeMap<u32, f64> {
    let usable = || shares.iter().filter(|(_, share)| **share > 0.0 && share.is_finite());
    let total: f64 = usable().map(|(_, share)| share).sum();
    usable().map(|(kind, share)| (*kind, share / total)).collect()
}

fn kullback_leibler(past: &BTreeMap<u32, f64>, sums: &BTreeMap<u32, f64>) -> f64 {
    let total: f64 = sums.values().sum();
    let part = |(kind, share): (&u32, &f64)| {
        let shown = if total > 0.0 { sums.get(kind).map_or(0.0, |sum| sum / total) } else { 0.0 };
        share * (share / ((1.0 - SMOOTHING) * shown + SMOOTHING * share)).ln()
    };
    past.iter().map(part).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{candidates, numbers};
    use super::*;

    /// Items 0 to 9 are of kind 0, the next ten of kind 1, and so on.
    fn kinds(item: Item) -> Vec<(u32, f64)> {
        vec![(item.0 / 10, 1.0)]
    }

    #[test]
    fn a_third_of_the_past_gets_a_third_of_the_row() {
        let mut ranked = candidates(&[1.0, 0.99, 0.98, 0.97, 0.96, 0.5, 0.4]);
        ranked[5].item = Item(10);
        ranked[6].item = Item(11);
        let past = BTreeMap::from([(0, 2.0), (1, 1.0)]);
        let shown = numbers(&calibrate(&ranked, 3, Calibration { strength: 0.9, past: &past }, kinds));
        assert_eq!(shown, [0, 10, 1]);
        assert!(divergence(&[0, 1, 10].map(Item), &past, kinds).abs() < 1e-9);
        assert_eq!(calibrate(&ranked, 3, Calibration { strength: 0.0, past: &past }, kinds), ranked[..3]);
        assert_eq!(calibrate(&ranked, 3, Calibration { strength: 0.9, past: &BTreeMap::new() }, kinds), ranked[..3]);
    }

    proptest! {
        #[test]
        fn never_diverges_more_than_the_ranking(
            items in proptest::collection::hash_set(0_u32..50, 0..25), strength in 0.0_f64..1.0,
            past in proptest::collection::btree_map(0_u32..6, 0.01_f64..5.0, 0..5), count in 0_usize..12,
        ) {
            let mut ranked = candidates(&vec![1.0; items.len()]);
            ranked.iter_mut().zip(&items).zip(0..).for_each(|((scored, item), place)| {
                *scored = Scored { item: Item(*item), score: 1.0 / (1.0 + place as f32), because_of: None };
            });
            let shown = calibrate(&ranked, count, Calibration { strength, past: &past }, kinds);
            prop_assert_eq!(shown.len(), count.min(ranked.len()));
            let of = |list: &[Scored]| divergence(&list.iter().map(|scored| scored.item).collect::<Vec<_>>(), &past, kinds);
            prop_assert!(of(&shown) <= of(&ranked[..shown.len()]) + 1e-9);
        }
    }
}
