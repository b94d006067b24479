//! Weights from choices: the conditional logit of McFadden ("Conditional logit analysis of qualitative choice
//! behavior", 1974), for choices of several.
//!
//! In a lesson, the chosen of some candidates share a mass of one equally (t), and the weights give the candidates
//! probabilities q(i) = exp(w·φ(i)) / Σ exp(w·φ(j)). The weights maximize Σ Σ t(i) ln q(i) − ridge/2 · |w − w₀|², which
//! is concave; Newton's method with halved steps finds the one maximum.

/// Steps of Newton's method at most; a handful do.
const MOST_STEPS: usize = 30;
/// A gain per lesson below which the search ends.
const ENOUGH: f64 = 1e-9;

/// The candidates of one customer, in rows of `N` numbers, and which were chosen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lesson<const N: usize> {
    pub(crate) rows: Vec<[f32; N]>,
    pub(crate) chosen: Vec<bool>,
}

/// The best weights, starting from and drawn towards `prior`.
pub(crate) fn learn<const N: usize>(lessons: &[Lesson<N>], prior: &[f64; N], ridge: f64) -> [f64; N] {
    let mut weights = *prior;
    let mut known = objective(lessons, &weights, prior, ridge);
    for _ in 0..MOST_STEPS {
        let (gradient, curvature) = derivatives(lessons, &weights, prior, ridge);
        let Some(step) = solve(curvature, gradient) else { break };
        let mut share = 1.0;
        let better = std::iter::from_fn(|| {
            let mut tried = weights;
            tried.iter_mut().zip(&step).for_each(|(weight, step)| *weight += share * step);
            share /= 2.0;
            (share > 1e-6).then_some(tried)
        })
        .map(|tried| (objective(lessons, &tried, prior, ridge), tried))
        .find(|(reached, _)| *reached > known);
        let Some((reached, tried)) = better else { break };
        let gain = reached - known;
        (known, weights) = (reached, tried);
        if gain < ENOUGH * lessons.len() as f64 {
            break;
        }
    }
    weights
}

/// Probabilities of the candidates, and the logarithm of the sum they were divided by.
fn probabilities<const N: usize>(lesson: &Lesson<N>, weights: &[f64; N], into: &mut Vec<f64>) -> f64 {
    into.clear();
    into.extend(lesson.rows.iter().map(|row| dot(row, weights)));
    let top = into.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    into.iter_mut().for_each(|score| *score = (*score - top).exp());
    let sum: f64 = into.iter().sum();
    into.iter_mut().for_each(|share| *share /= sum);
    top + sum.ln()
}

fn dot<const N: usize>(row: &[f32; N], weights: &[f64; N]) -> f64 {
    row.iter().zip(weights).map(|(number, weight)| f64::from(*number) * weight).sum()
}

fn chosen<const N: usize>(lesson: &Lesson<N>) -> f64 {
    lesson.chosen.iter().filter(|is_chosen| **is_chosen).count() as f64
}

fn objective<const N: usize>(lessons: &[Lesson<N>], weights: &[f64; N], prior: &[f64; N], ridge: f64) -> f64 {
    let mut shares = Vec::new();
    let likelihood = |lesson: &Lesson<N>| {
        let log_sum = probabilities(lesson, weights, &mut shares);
        let rows = lesson.rows.iter().zip(&lesson.chosen).filter(|(_, is_chosen)| **is_chosen);
        rows.map(|(row, _)| dot(row, weights) - log_sum).sum::<f64>() / chosen(lesson)
    };
    let distance: f64 = weights.iter().zip(prior).map(|(weight, prior)| (weight - prior).powi(2)).sum();
    lessons.iter().map(likelihood).sum::<f64>() - ridge / 2.0 * distance
}

/// The gradient, and the matrix of second derivatives with its sign turned.
fn derivatives<const N: usize>(
    lessons: &[Lesson<N>],
    weights: &[f64; N],
    prior: &[f64; N],
    ridge: f64,
) -> ([f64; N], [[f64; N]; N]) {
    let mut gradient = [0.0; N];
    let mut curvature = [[0.0; N]; N];
    for place in 0..N {
        gradient[place] = ridge * (prior[place] - weights[place]);
        curvature[place][place] = ridge;
    }
    let mut shares = Vec::new();
    for lesson in lessons {
        probabilities(lesson, weights, &mut shares);
        let each = 1.0 / chosen(lesson);
        let mut mean = [0.0; N];
        for ((row, is_chosen), share) in lesson.rows.iter().zip(&lesson.chosen).zip(&shares) {
            let row = row.map(f64::from);
            let surplus = f64::from(u8::from(*is_chosen)) * each - share;
            for first in 0..N {
                gradient[first] += surplus * row[first];
                mean[first] += share * row[first];
                for second in 0..=first {
                    curvature[first][second] += share * row[first] * row[second];
                }
            }
        }
        for first in 0..N {
            for second in 0..=first {
                curvature[first][second] -= mean[first] * mean[second];
            }
        }
    }
    (gradient, curvature)
}

/// Solves a symmetric positive definite system, of which the lower half is given, by Cholesky's method.
fn solve<const N: usize>(mut matrix: [[f64; N]; N], mut right: [f64; N]) -> Option<[f64; N]> {
    for row in 0..N {
        for column in 0..=row {
            let known: f64 = (0..column).map(|place| matrix[row][place] * matrix[column][place]).sum();
            let rest = matrix[row][column] - known;
            if row == column {
                if rest.is_nan() || rest <= 0.0 {
                    return None;
                }
                matrix[row][row] = rest.sqrt();
            } else {
                matrix[row][column] = rest / matrix[column][column];
            }
        }
    }
    for row in 0..N {
        let known: f64 = (0..row).map(|place| matrix[row][place] * right[place]).sum();
        right[row] = (right[row] - known) / matrix[row][row];
    }
    for row in (0..N).rev() {
        let known: f64 = (row + 1..N).map(|place| matrix[place][row] * right[place]).sum();
        right[row] = (right[row] - known) / matrix[row][row];
    }
    Some(right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solves_what_was_multiplied() {
        let matrix = [[4.0, 0.0, 0.0], [1.0, 3.0, 0.0], [0.5, -1.0, 2.0]];
        let found = solve(matrix, [4.0 + 2.0 + 1.5, 1.0 + 6.0 - 3.0, 0.5 - 2.0 + 6.0]).unwrap();
        for (found, expected) in found.iter().zip([1.0, 2.0, 3.0]) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
        assert_eq!(solve([[-1.0]], [1.0]), None);
    }

    #[test]
    fn finds_the_weights_that_choices_came_from() {
        // Of two candidates the one with the thing is chosen three times of four: its weight is ln 3.
        let lesson = |chosen: [bool; 2]| Lesson { rows: vec![[1.0], [0.0]], chosen: chosen.to_vec() };
        let mut lessons = Vec::new();
        for _ in 0..100 {
            lessons.extend([[true, false], [true, false], [true, false], [false, true]].map(lesson));
        }
        let [weight] = learn(&lessons, &[0.0], 1e-9);
        assert!((weight - 3_f64.ln()).abs() < 1e-6, "{weight}");
        let [held] = learn(&lessons, &[0.0], 1e9);
        assert!(held.abs() < 1e-3, "a strong ridge keeps the prior: {held}");
        assert_eq!(learn::<1>(&[], &[0.7], 1.0), [0.7]);
    }
}
