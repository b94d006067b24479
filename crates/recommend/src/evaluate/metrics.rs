//! Measures of one ranking against the set of items that should be found.
//!
//! All are between 0 and 1 and look at the first `cutoff` places only. With nothing to find they are 0.

use std::collections::BTreeSet;

use crate::Item;

/// Share of the relevant items that were found.
pub fn recall_at(ranked: &[Item], relevant: &BTreeSet<Item>, cutoff: usize) -> f64 {
    if relevant.is_empty() {
        return 0.0;
    }
    places(ranked, relevant, cutoff).count() as f64 / relevant.len() as f64
}

/// Normalized discounted cumulative gain with gains of 0 and 1 (Järvelin, Kekäläinen, TOIS 2002): a hit at place
/// p counts 1 / log2(p + 1), against a ranking that puts every relevant item first.
pub fn ndcg_at(ranked: &[Item], relevant: &BTreeSet<Item>, cutoff: usize) -> f64 {
    let gain = |place: usize| 1.0 / ((place + 2) as f64).log2();
    let ideal: f64 = (0..relevant.len().min(cutoff)).map(gain).sum();
    // A sum of nothing would be −0.
    let found = places(ranked, relevant, cutoff).map(gain).fold(0.0, |sum, gain| sum + gain);
    if ideal > 0.0 { found / ideal } else { 0.0 }
}

/// 1 when any relevant item was found.
pub fn hit_at(ranked: &[Item], relevant: &BTreeSet<Item>, cutoff: usize) -> f64 {
    f64::from(u8::from(places(ranked, relevant, cutoff).next().is_some()))
}

/// 1 / place of the first relevant item.
pub fn reciprocal_rank_at(ranked: &[Item], relevant: &BTreeSet<Item>, cutoff: usize) -> f64 {
    places(ranked, relevant, cutoff).next().map_or(0.0, |place| 1.0 / (place + 1) as f64)
}

/// Places of the hits, from 0.
fn places<'a>(ranked: &'a [Item], relevant: &'a BTreeSet<Item>, cutoff: usize) -> impl Iterator<Item = usize> + 'a {
    let shown = ranked.iter().take(cutoff).enumerate();
    shown.filter(|(_, item)| relevant.contains(item)).map(|(place, _)| place)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn follows_the_formulas() {
        let relevant = [2, 4, 6].map(Item).into();
        let ranked = [1, 2, 3, 4].map(Item);
        assert!((recall_at(&ranked, &relevant, 4) - 2.0 / 3.0).abs() < 1e-12);
        assert!((recall_at(&ranked, &relevant, 3) - 1.0 / 3.0).abs() < 1e-12);
        assert!((reciprocal_rank_at(&ranked, &relevant, 4) - 0.5).abs() < 1e-12);
        let (found, ideal) = (1.0 / 3_f64.log2() + 1.0 / 5_f64.log2(), 1.0 + 1.0 / 3_f64.log2() + 0.5);
        assert!((ndcg_at(&ranked, &relevant, 4) - found / ideal).abs() < 1e-12);
        assert_eq!((hit_at(&ranked, &relevant, 1), hit_at(&ranked, &relevant, 2)), (0.0, 1.0));
    }

    proptest! {
        #[test]
        fn stay_between_zero_and_one(
            relevant in proptest::collection::btree_set(0_u32..20, 0..10), seed in 0_u32..20, cutoff in 0_usize..25,
        ) {
            let relevant: BTreeSet<Item> = relevant.into_iter().map(Item).collect();
            let ranked: Vec<Item> = (0..20).map(|step| Item((seed + step * 7) % 20)).collect();
            for measure in [recall_at, ndcg_at, hit_at, reciprocal_rank_at] {
                let value = measure(&ranked, &relevant, cutoff);
                prop_assert!((0.0..=1.0 + 1e-12).contains(&value));
                prop_assert!(measure(&ranked, &relevant, cutoff + 1) + 1e-12 >= value || cutoff < relevant.len());
            }
        }
    }
}
