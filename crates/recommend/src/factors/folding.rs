//! A vector for a customer from the vectors of the customer's items.
//!
//! With the items' vectors in the rows of V, confidences C and the regularization λ of this many items, the vector
//! minimises Σ c (w·v − 1)² + α₀ Σ over all items (w·v)² + λ‖w‖², so w = (VᵀCV + α₀G + λI)⁻¹ VᵀC1 with G = Σ vvᵀ over all
//! items (Hu, Koren, Volinsky, ICDM 2008, equation 4). Here the vectors are turned so that G is diagonal; scores do not
//! change by that, D = α₀G + λI can be inverted by dividing, and by the matrix inversion lemma (Woodbury 1950)
//!
//! w = D⁻¹Vᵀa with a = (C⁻¹ + VD⁻¹Vᵀ)⁻¹1,
//!
//! which takes a system of as many equations as the customer has items, most often far fewer than there are
//! dimensions. It also says what each item adds to a score: aᵢ vᵢᵀD⁻¹v, the reasons of Hu et al. (section 5) for free.
//! With many items w is approached by conjugate gradients, and a = C(1 − Vw).

use pulp::NullaryFnOnce;

use super::gradients;
use crate::dense::{add_scaled, dot, solve, wide};

/// Larger systems are not solved, but approached.
const MOST_EQUATIONS: usize = 64;
/// Steps towards the solution of a larger one; it is there long before.
const MOST_STEPS: usize = 30;

/// What all customers have in common.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Folding {
    /// Diagonal of G; as long as a vector.
    pub(super) spread: Vec<f32>,
    /// α₀: how much it costs to score what a customer does not have.
    pub(super) unobserved: f32,
    pub(super) l2: f32,
    /// ν: how strongly the regularization grows with the number of items.
    pub(super) frequency: f32,
    /// Items there are.
    pub(super) others: f32,
}

/// A customer's vector, and the weight a of each item in it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Folded {
    pub(super) vector: Vec<f32>,
    weights: Vec<f32>,
    /// D⁻¹
    shrink: Vec<f32>,
}

impl Folding {
    pub(super) const fn dimensions(&self) -> usize {
        self.spread.len()
    }

    /// Whatever is folded in, nothing is divided by zero.
    pub(super) fn is_sound(&self) -> bool {
        let settings = [self.unobserved, self.l2, self.frequency, self.others];
        settings.iter().chain(&self.spread).all(|value| *value >= 0.0) && self.regularization(1) > 0.0
    }

    /// λ (|items| + α₀ |all|)^ν (Rendle, Krichene, Zhang, Koren: "Revisiting the Performance of iALS on Item
    /// Recommendation Benchmarks", RecSys 2022, equation 5).
    pub(super) fn regularization(&self, items: usize) -> f32 {
        self.l2 * (items as f32 + self.unobserved * self.others).powf(self.frequency)
    }

    pub(super) fn fold_in(&self, items: &[(&[f32], f32)]) -> Folded {
        let l2 = self.regularization(items.len());
        let shrink: Vec<f32> = self.spread.iter().map(|spread| 1.0 / (self.unobserved * spread + l2)).collect();
        let mut folded = Folded { vector: vec![0.0; shrink.len()], weights: vec![1.0; items.len()], shrink };
        if items.len() <= MOST_EQUATIONS {
            wide(Solving { folded: &mut folded, items });
        } else {
            wide(Approaching { folded: &mut folded, items, folding: self });
        }
        folded
    }
}

impl Folded {
    /// For each of these vectors the place of the item, of those that were folded in, that adds most to its score; nothing
    /// where none adds anything.
    pub(super) fn strongest(&self, items: &[(&[f32], f32)], vectors: &[&[f32]]) -> Vec<Option<usize>> {
        wide(Explaining { folded: self, items, vectors })
    }

    /// D⁻¹v
    #[inline(always)]
    fn shrunk(&self, vector: &[f32]) -> Vec<f32> {
        let mut shrunk = vector.to_vec();
        for (value, shrink) in shrunk.iter_mut().zip(&self.shrink) {
            *value *= shrink;
        }
        shrunk
    }

    /// What the item at a place adds to the score of a vector.
    #[inline(always)]
    fn part(&self, place: usize, item: &[f32], shrunk: &[f32]) -> f32 {
        self.weights[place] * dot(item, shrunk)
    }
}

struct Explaining<'a> {
    folded: &'a Folded,
    items: &'a [(&'a [f32], f32)],
    vectors: &'a [&'a [f32]],
}

impl NullaryFnOnce for Explaining<'_> {
    type Output = Vec<Option<usize>>;

    #[inline(always)]
    fn call(self) -> Self::Output {
        let Self { folded, items, vectors } = self;
        let mut strongest = vec![None; vectors.len()];
        for (strongest, vector) in strongest.iter_mut().zip(vectors) {
            let shrunk = folded.shrunk(vector);
            let mut most = 0.0;
            for (place, (item, _)) in items.iter().enumerate() {
                let part = folded.part(place, item, &shrunk);
                if part > most {
                    (most, *strongest) = (part, Some(place));
                }
            }
        }
        strongest
    }
}

/// The system of as many equations as there are items.
struct Solving<'a> {
    folded: &'a mut Folded,
    items: &'a [(&'a [f32], f32)],
}

impl NullaryFnOnce for Solving<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { folded: Folded { vector, weights, shrink }, items } = self;
        let (count, dimensions) = (items.len(), shrink.len());
        let mut roots = shrink.clone();
        for root in &mut roots {
            *root = root.sqrt();
        }
        let mut scaled = vec![0.0; count * dimensions];
        for (scaled, (vector, _)) in scaled.chunks_exact_mut(dimensions).zip(items) {
            for ((scaled, value), root) in scaled.iter_mut().zip(*vector).zip(&roots) {
                *scaled = value * root;
            }
        }
        let mut system = vec![0.0; count * count];
        for place in 0..count {
            let row = &scaled[place * dimensions..(place + 1) * dimensions];
            for (entry, other) in
                system[place * count..].iter_mut().zip(scaled.chunks_exact(dimensions)).take(place + 1)
            {
                *entry = dot(row, other);
            }
            system[place * count + place] += 1.0 / items[place].1;
        }
        if !solve(&mut system, weights) {
            weights.fill(0.0);
        }
        for (weight, row) in weights.iter().zip(scaled.chunks_exact(dimensions)) {
            add_scaled(vector, *weight, row);
        }
        for (value, root) in vector.iter_mut().zip(&roots) {
            *value *= root;
        }
    }
}

/// The same solution, from nothing, by steps.
struct Approaching<'a> {
    folded: &'a mut Folded,
    items: &'a [(&'a [f32], f32)],
    folding: &'a Folding,
}

impl NullaryFnOnce for Approaching<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { folded: Folded { vector, weights, .. }, items, folding } = self;
        gradients::improve(vector, items, folding, MOST_STEPS);
        for (weight, (item, confidence)) in weights.iter_mut().zip(items) {
            *weight = confidence * (1.0 - dot(item, vector));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vector_solves_the_normal_equations_and_its_parts_add_up() {
        let folding = Folding { spread: vec![2.0, 0.5, 1.0], unobserved: 0.3, l2: 0.2, frequency: 1.0, others: 10.0 };
        let vectors = [[1.0, 0.2, -0.4], [0.3, 0.9, 0.1]];
        let items = [(&vectors[0][..], 1.0), (&vectors[1][..], 2.5)];
        let folded = folding.fold_in(&items);
        for dimension in 0..3 {
            let mut rest = (0.3 * folding.spread[dimension] + 0.2 * (2.0 + 0.3 * 10.0)) * folded.vector[dimension];
            for (vector, confidence) in items {
                rest += confidence * (dot(vector, &folded.vector) - 1.0) * vector[dimension];
            }
            assert!(rest.abs() < 1e-5, "{rest}");
        }
        let asked = [0.5, 0.5, 0.5];
        let mut approached = Folded { vector: vec![0.0; 3], ..folded.clone() };
        wide(Approaching { folded: &mut approached, items: &items, folding: &folding });
        for (found, expected) in
            approached.vector.iter().chain(&approached.weights).zip(folded.vector.iter().chain(&folded.weights))
        {
            assert!((found - expected).abs() < 1e-4, "{approached:?} instead of {folded:?}");
        }
        let part = |place: usize| folded.part(place, &vectors[place], &folded.shrunk(&asked));
        assert!((part(0) + part(1) - dot(&asked, &folded.vector)).abs() < 1e-5);
        let expected = if part(0) >= part(1) { 0 } else { 1 };
        assert_eq!(folded.strongest(&items, &[&asked]), [Some(expected)]);
    }
}
