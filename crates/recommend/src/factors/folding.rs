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

use crate::dense::{add_scaled, dot, solve};

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
        pulp::Arch::new().dispatch(|| folded.solve(items));
        folded
    }

    /// What each item of the customer adds to the score of an item of this vector.
    pub(super) fn parts<'a>(
        &self,
        folded: &'a Folded,
        vector: &[f32],
        item: impl Fn(usize) -> &'a [f32],
    ) -> impl Iterator<Item = f32> {
        let shrunk: Vec<f32> = vector.iter().zip(&folded.shrink).map(|(value, shrink)| value * shrink).collect();
        folded.weights.iter().enumerate().map(move |(place, weight)| weight * dot(item(place), &shrunk))
    }
}

impl Folded {
    #[inline(always)]
    fn solve(&mut self, items: &[(&[f32], f32)]) {
        let (count, dimensions) = (items.len(), self.shrink.len());
        let roots: Vec<f32> = self.shrink.iter().map(|shrink| shrink.sqrt()).collect();
        let mut scaled = Vec::with_capacity(count * dimensions);
        for (vector, _) in items {
            scaled.extend(vector.iter().zip(&roots).map(|(value, root)| value * root));
        }
        let row = |place: usize| &scaled[place * dimensions..(place + 1) * dimensions];
        let mut system = vec![0.0; count * count];
        for (place, (_, confidence)) in items.iter().enumerate() {
            for other in 0..=place {
                system[place * count + other] = dot(row(place), row(other));
            }
            system[place * count + place] += 1.0 / confidence;
        }
        if !solve(&mut system, &mut self.weights) {
            self.weights.fill(0.0);
        }
        for (place, weight) in self.weights.iter().enumerate() {
            add_scaled(&mut self.vector, *weight, row(place));
        }
        self.vector.iter_mut().zip(&roots).for_each(|(value, root)| *value *= root);
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
        let parts: f32 = folding.parts(&folded, &asked, |place| &vectors[place]).sum();
        assert!((parts - dot(&asked, &folded.vector)).abs() < 1e-5);
    }
}
