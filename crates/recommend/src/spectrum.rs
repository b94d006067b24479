//! The leading right singular vectors of a sparse matrix.
//!
//! Randomized subspace iteration (Halko, Martinsson, Tropp: "Finding Structure with Randomness", SIAM Review 2011,
//! algorithms 4.4 and 5.1): a random block is multiplied by MᵀM a few times and made orthogonal between, then turned to the
//! singular vectors inside it.

use faer::{Mat, Side};
use rayon::prelude::*;

use crate::interactions::Matrix;
use crate::random::Random;

/// Directions beyond those asked for.
const BEYOND: usize = 32;
const ROUNDS: usize = 6;

/// Columns are singular vectors, the largest singular value first.
pub(crate) fn leading_vectors(matrix: &Matrix, transposed: &Matrix, count: usize, seed: u64) -> Mat<f32> {
    let size = matrix.width();
    let width = (count + BEYOND).min(size).min(matrix.height());
    let count = count.min(width);
    if count == 0 {
        return Mat::zeros(size, 0);
    }
    let mut random = Random::new(seed);
    let mut basis = Mat::from_fn(size, width, |_, _| random.normal());
    for _ in 0..ROUNDS {
        basis = multiply(transposed, &multiply(matrix, &basis)).qr().compute_thin_Q();
    }
    let image = multiply(matrix, &basis);
    let inside = image.transpose() * &image;
    let Ok(turned) = inside.self_adjoint_eigen(Side::Lower) else { return basis };
    // Eigenvalues come in ascending order.
    let leading = Mat::from_fn(width, count, |row, column| turned.U()[(row, width - 1 - column)]);
    basis * leading
}

/// Sparse × dense, in row blocks.
fn multiply(matrix: &Matrix, dense: &Mat<f32>) -> Mat<f32> {
    let width = dense.ncols();
    let rows: Vec<f32> = (0..dense.nrows()).flat_map(|row| dense.row(row).iter().copied()).collect();
    let mut product = vec![0.0_f32; matrix.height() * width];
    product.par_chunks_exact_mut(width).enumerate().with_min_len(256).for_each(|(row, into)| {
        for (column, value) in matrix.row(row) {
            crate::dense::add_scaled(into, value, &rows[column * width..(column + 1) * width]);
        }
    });
    faer::MatRef::from_row_major_slice(&product, matrix.height(), width).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Item;

    #[test]
    fn vectors_are_orthonormal_and_keep_the_largest_part() {
        let baskets: Vec<_> = (0..60_u32)
            .map(|row| (0..5).map(|step| (Item((row * row + step * (1 + row % 3)) % 20), 1.0 + step as f32)).collect())
            .collect();
        let matrix = Matrix::of_baskets(&baskets);
        let vectors = leading_vectors(&matrix, &matrix.transposed(), 3, 1);
        let image = multiply(&matrix, &vectors);
        let dense = Mat::from_fn(matrix.height(), matrix.width(), |row, column| {
            matrix.row(row).find(|(found, _)| *found == column).map_or(0.0, |(_, value)| value)
        });
        let exact = dense.thin_svd().unwrap();
        for a in 0..3 {
            for b in 0..3 {
                let product: f32 = (0..vectors.nrows()).map(|row| vectors[(row, a)] * vectors[(row, b)]).sum();
                assert!((product - f32::from(u8::from(a == b))).abs() < 1e-4);
            }
            let length: f32 = (0..image.nrows()).map(|row| image[(row, a)].powi(2)).sum();
            assert!((length.sqrt() - exact.S().column_vector()[a]).abs() < 1e-2 * length.sqrt());
        }
    }
}
