//! Items that training never saw: how long the vectors are that their attributes give them.
//!
//! The mean of the vectors of its attributes points where a new item belongs, but it is only one part of what known items
//! have, and so it is short: next to them such an item would hardly ever be proposed. So all attributes' vectors are
//! multiplied by one factor, with which the mean of a typical item is as long as that share of a typical whole vector which
//! [`Settings::standing`](crate::Settings) says. Their ratios stay, because attributes of which much is known have longer
//! vectors: made all equally long, new items are found less. A map learned by ridge regression, as for factors, found no more.

use crate::lanes;
use crate::ops::Features;

/// What to multiply the attributes' vectors by. `seen` says which rows of the table training knew.
pub(crate) fn factor(
    table: &[f32],
    seen: &[f32],
    attributes: &[f32],
    (features, width): (&Features, usize),
    standing: f32,
) -> f32 {
    let known = || table.chunks_exact(width).enumerate().filter(|(item, _)| seen[*item] > 0.0);
    let whole = median(known().map(|(_, vector)| length(vector)).collect());
    let mean = |item: usize| {
        let mut mean = vec![0.0; width];
        let of_item = features.of(item);
        for attribute in of_item {
            let from = *attribute as usize * width;
            lanes::add_scaled(&mut mean, 1.0 / of_item.len() as f32, &attributes[from..from + width]);
        }
        mean
    };
    let described = known().filter(|(item, _)| !features.of(*item).is_empty());
    let parts = median(described.map(|(item, _)| length(&mean(item))).collect());
    if whole > 0.0 && parts > 0.0 { standing * whole / parts } else { 1.0 }
}

fn length(vector: &[f32]) -> f32 {
    lanes::dot(vector, vector).sqrt()
}

/// 0 where there are none.
fn median(mut lengths: Vec<f32>) -> f32 {
    lengths.sort_unstable_by(f32::total_cmp);
    lengths.get(lengths.len() / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typical_mean_becomes_such_a_share_of_a_typical_vector() {
        let features = Features::new([&[0_u32][..], &[1], &[0, 1], &[0], &[]].into_iter());
        let attributes = [3.0, 0.0, 0.0, 1.0];
        // Lengths 5, 10, 15 and one that training never saw; the means of the three are 3, 1 and √2.5.
        let table = [3.0, 4.0, 6.0, 8.0, 9.0, 12.0, 900.0, 0.0, 0.0, 0.0];
        let seen = [1.0, 1.0, 1.0, 0.0, 0.0];
        let factor = |standing| factor(&table, &seen, &attributes, (&features, 2), standing);
        let median = 2.5_f32.sqrt();
        assert!((factor(1.0) - 10.0 / median).abs() < 1e-5 && (factor(0.7) - 7.0 / median).abs() < 1e-5);
        assert!((super::factor(&[], &[], &attributes, (&features, 2), 0.5) - 1.0).abs() < 1e-6, "nothing is known");
    }
}
