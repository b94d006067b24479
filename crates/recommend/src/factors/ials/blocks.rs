//! A Newton step in each block of dimensions in turn: iALS++ (Rendle, Krichene, Zhang, Koren: "iALS++: Speeding up Matrix
//! Factorization with Subspace Optimization", 2021, algorithm 2). The objective is quadratic, so each step is exact.

use super::super::Folding;
use crate::dense::{add_scaled, dot, solve};

#[inline(always)]
pub(super) fn improve(vector: &mut [f32], near: &[(&[f32], f32)], folding: &Folding, block: usize) {
    let l2 = folding.regularization(near.len());
    let block = block.clamp(1, vector.len());
    let mut errors = vec![0.0; near.len()];
    for (error, (other, _)) in errors.iter_mut().zip(near) {
        *error = dot(other, vector) - 1.0;
    }
    let mut slab = vec![0.0; near.len() * block];
    for start in (0..vector.len()).step_by(block) {
        let range = start..(start + block).min(vector.len());
        let width = range.len();
        let (mut system, mut step) = (vec![0.0; width * width], vec![0.0; width]);
        for place in 0..width {
            let own = folding.unobserved * folding.spread[start + place] + l2;
            system[place * width + place] = own;
            step[place] = own * vector[start + place];
        }
        for ((part, (other, confidence)), error) in slab.chunks_exact_mut(block).zip(near).zip(&errors) {
            part[..width].copy_from_slice(&other[range.clone()]);
            add_scaled(&mut step, confidence * error, &part[..width]);
            for row in 0..width {
                add_scaled(&mut system[row * width..row * width + row + 1], confidence * part[row], &part[..=row]);
            }
        }
        if solve(&mut system, &mut step) {
            add_scaled(&mut vector[range], -1.0, &step);
            for (error, part) in errors.iter_mut().zip(slab.chunks_exact(block)) {
                *error -= dot(&part[..width], &step);
            }
        }
    }
}
