//! Steps of the conjugate gradient method from where a vector is (Takács, Pilászy, Tikk: "Applications of the Conjugate
//! Gradient Method for Implicit Feedback Collaborative Filtering", RecSys 2011), preconditioned by the diagonal.
//!
//! What all others have in common is diagonal here ([`Folding`]), so a step costs no more than two products with the own
//! items.

use super::Folding;
use crate::dense::{add_scaled, dot};

/// Less than this share of the first step's gain is not worth a step.
const ENOUGH: f32 = 1e-9;

#[inline(always)]
pub(super) fn improve(vector: &mut [f32], near: &[(&[f32], f32)], folding: &Folding, steps: usize) {
    let l2 = folding.regularization(near.len());
    let size = vector.len();
    let (mut common, mut diagonal) = (vec![0.0; size], vec![0.0; size]);
    // What is left of VᵀC1 − (VᵀCV + D) w
    let mut rest = vec![0.0; size];
    for place in 0..size {
        common[place] = folding.unobserved * folding.spread[place] + l2;
        diagonal[place] = common[place];
        rest[place] = -common[place] * vector[place];
    }
    for (other, confidence) in near {
        add_scaled(&mut rest, confidence * (1.0 - dot(other, vector)), other);
        for (sum, value) in diagonal.iter_mut().zip(*other) {
            *sum += confidence * value * value;
        }
    }
    for value in &mut diagonal {
        *value = 1.0 / *value;
    }
    let (mut direction, mut applied) = (vec![0.0; size], vec![0.0; size]);
    let (mut turned, mut steepness, mut least) = (vec![0.0; size], f32::INFINITY, 0.0);
    for step in 0..steps {
        multiply(&mut turned, &rest, &diagonal);
        let next = dot(&rest, &turned);
        if step == 0 {
            least = ENOUGH * next;
        } else if next <= least {
            return;
        }
        let kept = next / steepness;
        steepness = next;
        for (direction, turned) in direction.iter_mut().zip(&turned) {
            *direction = turned + kept * *direction;
        }
        multiply(&mut applied, &direction, &common);
        for (other, confidence) in near {
            add_scaled(&mut applied, confidence * dot(other, &direction), other);
        }
        let length = steepness / dot(&direction, &applied);
        if !length.is_finite() {
            return;
        }
        add_scaled(vector, length, &direction);
        add_scaled(&mut rest, -length, &applied);
    }
}

#[inline(always)]
fn multiply(into: &mut [f32], a: &[f32], b: &[f32]) {
    for ((into, a), b) in into.iter_mut().zip(a).zip(b) {
        *into = a * b;
    }
}
