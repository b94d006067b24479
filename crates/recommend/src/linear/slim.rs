//! A sparse linear model that scales past the dense inverse.
//!
//! fsSLIM (Ning, Karypis: "SLIM: Sparse Linear Methods for Top-N Recommender Systems", ICDM 2011, section IV-C): the
//! weights into item j come from the `near` items most like it, so each item is a small regression of its own:
//! w minimises ½‖xⱼ − X_C w‖² + ½λ₂‖w‖² + λ₁‖w‖₁ over the candidates C. Without λ₁ it is solved by Cholesky, and with
//! all items as candidates it is EASE; with λ₁, by coordinate descent on the products (Friedman, Hastie, Tibshirani,
//! J. Stat. Softw. 2010, section 2.2). Memory is the candidates and the weights, items × near × 8 bytes each, and the products
//! of the blocks at work.
//!
//! Items that are taken together have the same candidates, whose products with each other are added up once for all of them
//! ([`together`]).

mod together;

use std::ops::Range;

use faer::linalg::solvers::Solve;
use faer::{Mat, Side};
use rayon::prelude::*;

use self::together::{Near, Popular, Triangle, blocks, with_products};
use super::Linear;
use super::ease::damped;
use crate::Item;
use crate::interactions::{Basket, Matrix, Products, map_in_order};
use crate::ranking::keep_first;

/// Items that one thread takes before it looks for more.
const ITEMS_AT_ONCE: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SlimSettings {
    pub l2: f32,
    /// Above zero, most weights become exactly zero.
    pub l1: f32,
    /// A customer with s items counts s^(−damping).
    pub damping: f32,
    /// Candidates per item, by cosine.
    pub near: usize,
    /// Rounds of coordinate descent.
    pub rounds: usize,
}

impl Default for SlimSettings {
    fn default() -> Self {
        Self { l2: 100.0, l1: 0.0, damping: 0.0, near: 300, rounds: 20 }
    }
}

impl Linear {
    /// Learns from one basket a customer.
    pub fn fit_slim(baskets: &[Basket], settings: &SlimSettings) -> Self {
        let (rows, order) = Matrix::of_baskets(baskets).rearranged();
        let rows = damped(rows, settings.damping);
        let columns = rows.transposed();
        let size = rows.width();
        let own: Vec<f32> = (0..size).map(|item| columns.row(item).map(|(_, value)| value * value).sum()).collect();
        let popular = Popular::new(&rows, &columns);
        let products = || Products::new(&rows, &columns);
        let near = map_in_order(&order, ITEMS_AT_ONCE, products, |products, item| {
            let mut near = candidates(products, item, &own, settings.near);
            near.sort_unstable_by_key(|(item, _)| (popular.has(*item), *item));
            near
        });
        let mut ranks = vec![0; size];
        (0..).zip(&order).for_each(|(rank, item)| ranks[*item as usize] = rank);
        let problem = Problem { own: &own, settings };
        let solve = |products: &mut Products<'_>, block: &Range<usize>| {
            let solve = |near: &Near, triangle: &Triangle<'_>| problem.solve(near, triangle);
            with_products(&order[block.clone()], &near, &ranks, (&popular, products), solve)
        };
        let blocks = blocks(&order, &near, rows.values().len());
        let solved: Vec<_> = blocks.par_iter().with_max_len(1).map_init(products, solve).collect();
        let mut into: Vec<Vec<(Item, f32)>> = vec![Vec::new(); size];
        order.iter().zip(solved.into_iter().flatten()).for_each(|(item, weights)| into[*item as usize] = weights);
        let mut weights: Vec<Vec<(Item, f32)>> = vec![Vec::new(); size];
        for (item, into) in (0..).map(Item).zip(into) {
            for (source, weight) in into {
                weights[source.index()].push((item, weight));
            }
        }
        Self::of_rows(weights)
    }
}

/// The items most like one by cosine, with their products.
fn candidates(products: &mut Products<'_>, item: usize, own: &[f32], most: usize) -> Near {
    let mut near = Near::new();
    products.row(item, |other, product| {
        if other.index() != item {
            near.push((other, product));
        }
    });
    let likeness = |entry: &(Item, f32)| entry.1 * entry.1 / own[entry.0.index()];
    keep_first(&mut near, most, |a, b| likeness(b).total_cmp(&likeness(a)).then(a.0.cmp(&b.0)));
    near.shrink_to_fit();
    near
}

struct Problem<'a> {
    own: &'a [f32],
    settings: &'a SlimSettings,
}

impl Problem<'_> {
    /// The weights of the candidates into the item whose products with them are given.
    fn solve(&self, near: &Near, triangle: &Triangle<'_>) -> Vec<(Item, f32)> {
        let mut products = Mat::<f32>::zeros(near.len(), near.len());
        for ((place, (item, _)), behind) in near.iter().enumerate().zip(triangle.rows(near.len())) {
            let Some(column) = products.col_mut(place).try_as_col_major_mut() else { continue };
            let column = &mut column.as_slice_mut()[place..];
            column[0] = self.own[item.index()];
            column[1..].copy_from_slice(behind);
        }
        let weights = if self.settings.l1 > 0.0 { self.descend(near, &products) } else { self.ridge(near, products) };
        near.iter().map(|(item, _)| *item).zip(weights).filter(|(_, weight)| *weight != 0.0).collect()
    }

    fn ridge(&self, near: &[(Item, f32)], mut products: Mat<f32>) -> Vec<f32> {
        (0..near.len()).for_each(|place| products[(place, place)] += self.settings.l2);
        let Ok(factor) = products.llt(Side::Lower) else { return Vec::new() };
        let mut weights = faer::Col::from_fn(near.len(), |place| near[place].1);
        factor.solve_in_place(&mut weights);
        weights.iter().copied().collect()
    }

    fn descend(&self, near: &[(Item, f32)], lower: &Mat<f32>) -> Vec<f32> {
        let SlimSettings { l1, l2, rounds, .. } = *self.settings;
        let products = Mat::from_fn(near.len(), near.len(), |row, column| lower[(row.max(column), row.min(column))]);
        let mut weights = vec![0.0_f32; near.len()];
        // Product of each candidate with what is not explained yet.
        let mut left: Vec<f32> = near.iter().map(|(_, product)| *product).collect();
        for _ in 0..rounds {
            let mut moved = 0.0_f32;
            for place in 0..near.len() {
                let own = products[(place, place)];
                let pull = left[place] + own * weights[place];
                let weight = pull.signum() * (pull.abs() - l1).max(0.0) / (own + l2);
                let step = weight - weights[place];
                if step != 0.0 {
                    weights[place] = weight;
                    left.iter_mut().zip(products.col(place).iter()).for_each(|(left, product)| *left -= step * product);
                    moved = moved.max(step.abs());
                }
            }
            if moved < 1e-4 {
                break;
            }
        }
        weights
    }
}

#[cfg(test)]
mod tests {
    use super::super::EaseSettings;
    use super::*;

    fn baskets() -> Vec<Basket> {
        let basket =
            |number: u32| (0..4).map(|step| (Item((number * number + step * (1 + number % 3)) % 11), 1.0)).collect();
        let mut baskets: Vec<Basket> = (0..60).map(basket).collect();
        // So that every pair meets: pairs that never do are no candidates.
        baskets.push((0..11).map(|item| (Item(item), 1.0)).collect());
        baskets
    }

    #[test]
    fn with_all_candidates_it_is_ease() {
        let slim = Linear::fit_slim(&baskets(), &SlimSettings { l2: 5.0, ..SlimSettings::default() });
        let ease = Linear::fit_ease(&baskets(), &EaseSettings { l2: 5.0, ..EaseSettings::default() }).unwrap();
        let mut compared = 0;
        for item in (0..11).map(Item) {
            for (other, weight) in slim.of(item) {
                let of_ease = ease.of(item).iter().find(|(also, _)| also == other).map_or(0.0, |(_, weight)| *weight);
                assert!((of_ease - weight).abs() < 1e-3, "{item:?} {other:?}: {weight} and {of_ease}");
                compared += 1;
            }
        }
        assert_eq!(compared, 110);
    }

    #[test]
    fn descent_comes_to_the_same_weights_and_a_penalty_empties_them() {
        let settings = SlimSettings { l2: 5.0, rounds: 200, ..SlimSettings::default() };
        let exact = Linear::fit_slim(&baskets(), &settings);
        let descended = Linear::fit_slim(&baskets(), &SlimSettings { l1: 1e-6, ..settings });
        for item in (0..11).map(Item) {
            for ((a, exact), (b, descended)) in exact.of(item).iter().zip(descended.of(item)) {
                assert!(a == b && (exact - descended).abs() < 1e-3);
            }
        }
        let sparse = Linear::fit_slim(&baskets(), &SlimSettings { l1: 3.0, ..settings });
        assert!(sparse.entries.len() * 2 < exact.entries.len());
    }
}
