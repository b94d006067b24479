//! EASEᴿ (Steck: "Embarrassingly Shallow Autoencoders for Sparse Data", WWW 2019).
//!
//! W minimises ‖X − XW‖² + λ‖W‖² with a zero diagonal. With P = (XᵀX + λI)⁻¹, equation 8: Wᵢⱼ = −Pᵢⱼ / Pⱼⱼ for i ≠ j.
//! Time is items³, memory items² × 4 bytes: 41,000 items take 6.7 GB. Beyond that use [`Slim`](super::SlimSettings).

use faer::{Mat, Par};

use super::Linear;
use super::inverse::invert_in_place;
use crate::Item;
use crate::interactions::{Basket, Matrix, Products};
use crate::ranking::keep_first;

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EaseSettings {
    /// λ: larger for fewer customers a item.
    pub l2: f32,
    /// A customer with s items counts s^(−damping).
    pub damping: f32,
    /// Weights kept per item, the largest by magnitude.
    pub kept: usize,
    /// Threads; 0 for all.
    pub threads: usize,
}

impl Default for EaseSettings {
    fn default() -> Self {
        Self { l2: 200.0, damping: 0.0, kept: 1_000, threads: 0 }
    }
}

impl Linear {
    /// Learns from one basket a customer. `None` when λ is too small for the inverse to exist.
    pub fn fit_ease(baskets: &[Basket], settings: &EaseSettings) -> Option<Self> {
        let rows = damped(Matrix::of_baskets(baskets), settings.damping);
        let columns = rows.transposed();
        let size = rows.width();
        let mut products = Products::new(&rows, &columns);
        let mut inverse = Mat::<f32>::zeros(size, size);
        for item in 0..size {
            let column = inverse.col_mut(item);
            let Some(column) = column.try_as_col_major_mut() else { continue };
            let column = column.as_slice_mut();
            products.row(item, |other, product| column[other.index()] = product);
            column[item] += settings.l2;
        }
        if !invert_in_place(&mut inverse, Par::rayon(settings.threads)) {
            return None;
        }
        let row = |item: usize| {
            let below = (item..size).map(|other| (other, inverse[(other, item)]));
            let before = (0..item).map(|other| (other, inverse[(item, other)]));
            let weight = |(other, value): (usize, f32)| (Item(other as u32), -value / inverse[(other, other)]);
            let mut row: Vec<(Item, f32)> =
                before.chain(below).filter(|(other, _)| *other != item).map(weight).collect();
            keep_first(&mut row, settings.kept, |a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0)));
            // Each was as long as there are items.
            row.shrink_to_fit();
            row
        };
        Some(Self::of_rows((0..size).map(row).collect()))
    }
}

/// Each row times (its length)^(−damping / 2), so that its products count that much to the power of −damping.
pub(super) fn damped(matrix: Matrix, damping: f32) -> Matrix {
    let lengths: Vec<f32> = (0..matrix.height()).map(|row| matrix.columns_of(row).len() as f32).collect();
    matrix.with_values(|row, _, value| value * lengths[row].powf(-damping / 2.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_items_follow_the_equation() {
        let basket = |items: &[u32]| items.iter().map(|item| (Item(*item), 1.0)).collect::<Basket>();
        let mut baskets = vec![basket(&[0, 1]); 6];
        baskets.extend([basket(&[0]), basket(&[1]), basket(&[1])]);
        let settings = EaseSettings { l2: 3.0, ..EaseSettings::default() };
        let model = Linear::fit_ease(&baskets, &settings).unwrap();
        // With one other item, ridge regression: together / (with the source + λ).
        assert!((model.of(Item(0))[0].1 - 6.0 / (7.0 + 3.0)).abs() < 1e-5);
        assert!((model.of(Item(1))[0].1 - 6.0 / (8.0 + 3.0)).abs() < 1e-5);
    }

    #[test]
    fn without_regularization_it_may_not_exist() {
        let baskets = vec![vec![(Item(0), 1.0), (Item(1), 1.0)]; 4];
        assert!(Linear::fit_ease(&baskets, &EaseSettings { l2: 0.0, ..EaseSettings::default() }).is_none());
    }
}
