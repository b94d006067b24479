//! iALS (Hu, Koren, Volinsky: "Collaborative Filtering for Implicit Feedback Datasets", ICDM 2008), regularized by
//! frequency as Rendle et al. (RecSys 2022) found it best.
//!
//! Customers' and items' vectors are solved for in turn while the others stand still. One with few items takes a system
//! of that many equations and is solved exactly ([`Folding`](super::Folding)); one with more is improved from where it
//! is, by a [`Solver`] whose cost grows no faster than the items do.

mod blocks;

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatMut, MatRef, Par, Side};
use pulp::NullaryFnOnce;
use rayon::prelude::*;

use super::{Factors, Folding, gradients};
use crate::dense::wide;
use crate::interactions::{Basket, Matrix};
use crate::random::Random;

/// How vectors with many items are improved in a sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Solver {
    /// So many steps of the conjugate gradient method: the fastest.
    Gradients(usize),
    /// A Newton step in each block of so many dimensions, as in iALS++: closer to the solution after a sweep.
    Blocks(usize),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IalsSettings {
    pub dimensions: usize,
    pub sweeps: usize,
    /// α₀: weight of what was not taken.
    pub unobserved: f32,
    pub l2: f32,
    /// ν: 0 regularizes every vector alike, 1 by the number of interactions.
    pub frequency: f32,
    /// Vectors with so many items are solved for exactly.
    pub exact: usize,
    /// How those with more are improved.
    pub solver: Solver,
    pub seed: u64,
}

impl Default for IalsSettings {
    fn default() -> Self {
        Self {
            dimensions: 128,
            sweeps: 12,
            unobserved: 0.1,
            l2: 0.003,
            frequency: 1.0,
            exact: 32,
            solver: Solver::Gradients(3),
            seed: 1,
        }
    }
}

/// One vector a row.
struct Vectors {
    rows: Vec<f32>,
    dimensions: usize,
}

impl Factors {
    /// Learns from one basket a customer; a line's weight is the confidence in it.
    pub fn fit_ials(baskets: &[Basket], settings: &IalsSettings) -> Self {
        let settings = &IalsSettings { dimensions: settings.dimensions.max(1), ..*settings };
        let of_customers = Matrix::of_baskets(baskets);
        let of_items = of_customers.transposed();
        let mut items = Vectors::random(of_customers.width(), settings);
        let mut customers = Vectors { rows: vec![0.0; of_customers.height() * settings.dimensions], ..items };
        for item in (0..items.len()).filter(|item| of_items.columns_of(*item).is_empty()) {
            items.row_mut(item).fill(0.0);
        }
        for _ in 0..settings.sweeps {
            customers.improve(&of_customers, &mut items, settings);
            items.improve(&of_items, &mut customers, settings);
        }
        let folding = items.turn(&mut customers, settings);
        Self::of(items.rows, folding)
    }
}

impl Vectors {
    /// As Rendle et al. begin: normal, of standard deviation 0.1 / √dimensions.
    fn random(count: usize, settings: &IalsSettings) -> Self {
        let mut random = Random::new(settings.seed);
        let deviation = 0.1 / (settings.dimensions as f32).sqrt();
        let rows = (0..count * settings.dimensions).map(|_| deviation * random.normal()).collect();
        Self { rows, dimensions: settings.dimensions }
    }

    fn len(&self) -> usize {
        self.rows.len() / self.dimensions.max(1)
    }

    fn row(&self, row: usize) -> &[f32] {
        &self.rows[row * self.dimensions..(row + 1) * self.dimensions]
    }

    fn row_mut(&mut self, row: usize) -> &mut [f32] {
        &mut self.rows[row * self.dimensions..(row + 1) * self.dimensions]
    }

    fn view(&self) -> MatRef<'_, f32> {
        MatRef::from_row_major_slice(&self.rows, self.len(), self.dimensions)
    }

    /// Turns these and the others so that Σ vvᵀ over these is diagonal.
    fn turn(&mut self, others: &mut Self, settings: &IalsSettings) -> Folding {
        let mut gram = Mat::<f32>::zeros(self.dimensions, self.dimensions);
        matmul(gram.as_mut(), Accum::Replace, self.view().transpose(), self.view(), 1.0, Par::rayon(0));
        let count = self.len();
        let mut spread = vec![0.0; self.dimensions];
        if let Ok(turned) = gram.self_adjoint_eigen(Side::Lower) {
            for (place, value) in turned.S().column_vector().iter().enumerate() {
                spread[place] = value.max(0.0);
            }
            [self, others].into_iter().for_each(|vectors| vectors.multiply(turned.U()));
        }
        Folding {
            spread,
            unobserved: settings.unobserved,
            l2: settings.l2,
            frequency: settings.frequency,
            others: count as f32,
        }
    }

    fn multiply(&mut self, by: MatRef<'_, f32>) {
        let mut product = vec![0.0; self.rows.len()];
        let into = MatMut::from_row_major_slice_mut(&mut product, self.len(), self.dimensions);
        matmul(into, Accum::Replace, self.view(), by, 1.0, Par::rayon(0));
        self.rows = product;
    }

    /// Solves for each of these vectors, the others standing still.
    fn improve(&mut self, interactions: &Matrix, others: &mut Self, settings: &IalsSettings) {
        let folding = others.turn(self, settings);
        let others = &*others;
        let improve = |(row, vector): (usize, &mut [f32])| {
            let near: Vec<(&[f32], f32)> =
                interactions.row(row).map(|(other, confidence)| (others.row(other), confidence)).collect();
            if near.is_empty() {
                vector.fill(0.0);
            } else if near.len() <= settings.exact {
                vector.copy_from_slice(&folding.fold_in(&near).vector);
            } else {
                wide(Improving { vector, near: &near, folding: &folding, solver: settings.solver });
            }
        };
        self.rows.par_chunks_exact_mut(settings.dimensions).enumerate().with_min_len(64).for_each(improve);
    }
}

struct Improving<'a> {
    vector: &'a mut [f32],
    near: &'a [(&'a [f32], f32)],
    folding: &'a Folding,
    solver: Solver,
}

impl NullaryFnOnce for Improving<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { vector, near, folding, solver } = self;
        match solver {
            Solver::Gradients(steps) => gradients::improve(vector, near, folding, steps),
            Solver::Blocks(size) => blocks::improve(vector, near, folding, size),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dense::dot;
    use crate::{Item, Query, Recommender};

    /// Two groups of customers with two kinds of items.
    fn baskets() -> Vec<Basket> {
        let basket = |number: u32| {
            (0..5).map(|step| (Item((number * 7 + step * (1 + number % 4)) % 10 + 10 * (number % 2)), 1.0)).collect()
        };
        (0..80).map(basket).collect()
    }

    /// Σ over taken (ŷ − 1)² + α₀ Σ over all ŷ² + the regularization, of customers who are folded in.
    fn loss(model: &Factors, baskets: &[Basket]) -> f64 {
        let mut loss = 0.0;
        for basket in baskets {
            let vectors: Vec<_> = basket.iter().map(|(item, weight)| (model.vector(*item), *weight)).collect();
            let folded = model.folding.fold_in(&vectors);
            let score = |item: u32| f64::from(dot(model.vector(Item(item)), &folded.vector));
            loss += basket.iter().map(|(item, _)| (score(item.0) - 1.0).powi(2)).sum::<f64>();
            loss += f64::from(model.folding.unobserved) * (0..20).map(|item| score(item).powi(2)).sum::<f64>();
        }
        loss
    }

    #[test]
    fn sweeps_lower_the_loss_and_every_solver_does_as_well_as_whole_systems() {
        let at = |sweeps, exact, solver| {
            let settings = IalsSettings { sweeps, exact, solver, dimensions: 4, ..IalsSettings::default() };
            loss(&Factors::fit_ials(&baskets(), &settings), &baskets())
        };
        let all = usize::MAX;
        let exact = at(30, all, Solver::Gradients(0));
        assert!(exact < at(1, all, Solver::Gradients(0)));
        for solver in [Solver::Gradients(1), Solver::Gradients(3), Solver::Blocks(4), Solver::Blocks(2)] {
            let found = at(30, 0, solver);
            assert!((exact - found).abs() < 0.02 * exact, "{solver:?}: {found} instead of {exact}");
        }
    }

    #[test]
    fn proposes_what_the_group_takes() {
        let model = Factors::fit_ials(&baskets(), &IalsSettings { dimensions: 4, ..IalsSettings::default() });
        let history = [(Item(12), 1.0), (Item(15), 1.0)];
        let found = model.recommend(&Query { history: &history, ..Query::default() }, 3);
        assert!(found.len() == 3 && found.iter().all(|scored| scored.item.0 >= 10), "{found:?}");
        assert!(found.iter().all(|scored| scored.because_of.is_some()));
    }
}
