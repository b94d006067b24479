//! The inverse of a large positive definite matrix in the memory of the matrix itself.
//!
//! Cholesky A = LLᵀ, then L⁻¹ in its place, then A⁻¹ = L⁻ᵀL⁻¹ in its place, block by block (as in LAPACK's potrf, trtri
//! and lauum). Only the lower triangle is read and written.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::factor::{LltRegularization, cholesky_in_place, cholesky_in_place_scratch};
use faer::linalg::matmul::triangular::{BlockStructure, matmul};
use faer::linalg::triangular_inverse::invert_lower_triangular;
use faer::{Accum, Mat, MatMut, Par};

/// Columns that are worked on at once.
const BLOCK: usize = 512;

/// Inverts the lower triangle in place. False when the matrix is not positive definite; it is garbage then.
pub(super) fn invert_in_place(matrix: &mut Mat<f32>, par: Par) -> bool {
    let mut memory = MemBuffer::new(cholesky_in_place_scratch::<f32>(matrix.nrows(), par, faer::Spec::default()));
    let stack = MemStack::new(&mut memory);
    let regularization = LltRegularization::default();
    if cholesky_in_place(matrix.as_mut(), regularization, par, stack, faer::Spec::default()).is_err() {
        return false;
    }
    invert_factor(matrix.as_mut(), par);
    square_factor(matrix.as_mut(), par);
    true
}

fn blocks(size: usize) -> impl DoubleEndedIterator<Item = (usize, usize)> {
    (0..size.div_ceil(BLOCK)).map(move |block| (block * BLOCK, ((block + 1) * BLOCK).min(size)))
}

fn lower(of: faer::MatRef<'_, f32>) -> Mat<f32> {
    Mat::from_fn(of.nrows(), of.ncols(), |row, column| if row >= column { of[(row, column)] } else { 0.0 })
}

/// L becomes L⁻¹, from the last block column to the first.
fn invert_factor(mut matrix: MatMut<'_, f32>, par: Par) {
    let size = matrix.nrows();
    for (start, end) in blocks(size).rev() {
        let diagonal = lower(matrix.as_ref().submatrix(start, start, end - start, end - start));
        let mut inverted = Mat::zeros(end - start, end - start);
        invert_lower_triangular(inverted.as_mut(), diagonal.as_ref(), par);
        if end < size {
            let (below, width) = (size - end, end - start);
            let mut product = Mat::zeros(below, width);
            let trailing = matrix.as_ref().submatrix(end, end, below, below);
            let column = matrix.as_ref().submatrix(end, start, below, width);
            let (full, triangular) = (BlockStructure::Rectangular, BlockStructure::TriangularLower);
            matmul(product.as_mut(), full, Accum::Replace, trailing, triangular, column, full, 1.0, par);
            let column = matrix.as_mut().submatrix_mut(end, start, below, width);
            matmul(column, full, Accum::Replace, product.as_ref(), full, inverted.as_ref(), triangular, -1.0, par);
        }
        copy_lower(matrix.as_mut().submatrix_mut(start, start, end - start, end - start), &inverted);
    }
}

/// L⁻¹ becomes the lower triangle of L⁻ᵀL⁻¹, from the first block row to the last.
fn square_factor(mut matrix: MatMut<'_, f32>, par: Par) {
    let size = matrix.nrows();
    let (full, triangular) = (BlockStructure::Rectangular, BlockStructure::TriangularLower);
    for (start, end) in blocks(size) {
        let height = end - start;
        let diagonal = lower(matrix.as_ref().submatrix(start, start, height, height));
        let mut square = Mat::zeros(height, height);
        matmul(
            square.as_mut(),
            triangular,
            Accum::Replace,
            diagonal.transpose(),
            BlockStructure::TriangularUpper,
            diagonal.as_ref(),
            triangular,
            1.0,
            par,
        );
        let (above, below) = matrix.as_mut().split_at_row_mut(end);
        let below = below.as_ref();
        let below_diagonal = below.submatrix(0, start, size - end, height);
        matmul(
            square.as_mut(),
            triangular,
            Accum::Add,
            below_diagonal.transpose(),
            full,
            below_diagonal,
            full,
            1.0,
            par,
        );
        let mut row = above.submatrix_mut(start, 0, height, end);
        if start > 0 {
            let mut product = Mat::zeros(height, start);
            let left = row.as_ref().submatrix(0, 0, height, start);
            let upper = BlockStructure::TriangularUpper;
            matmul(product.as_mut(), full, Accum::Replace, diagonal.transpose(), upper, left, full, 1.0, par);
            let below_left = below.submatrix(0, 0, size - end, start);
            matmul(product.as_mut(), full, Accum::Add, below_diagonal.transpose(), full, below_left, full, 1.0, par);
            row.as_mut().submatrix_mut(0, 0, height, start).copy_from(&product);
        }
        copy_lower(row.submatrix_mut(0, start, height, height), &square);
    }
}

fn copy_lower(mut into: MatMut<'_, f32>, from: &Mat<f32>) {
    for column in 0..from.ncols() {
        for row in column..from.nrows() {
            into[(row, column)] = from[(row, column)];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_product_with_the_matrix_is_one() {
        for size in [1, 7, BLOCK, 2 * BLOCK + 37] {
            let value = |row: usize, column: usize| {
                let (low, high) = (row.min(column), row.max(column));
                if low == high { 3.0 } else { ((low * 31 + high * 17) % 13) as f32 / (13.0 * size as f32) }
            };
            let matrix = Mat::from_fn(size, size, value);
            let mut inverse = matrix.clone();
            assert!(invert_in_place(&mut inverse, Par::Seq));
            let at = |row: usize, column: usize| inverse[(row.max(column), row.min(column))];
            for row in (0..size).step_by(97) {
                for column in (0..size).step_by(61) {
                    let product: f32 = (0..size).map(|inner| value(row, inner) * at(inner, column)).sum();
                    let expected = f32::from(u8::from(row == column));
                    assert!((product - expected).abs() < 1e-4, "{size}: {product} at ({row}, {column})");
                }
            }
        }
    }

    #[test]
    fn what_is_not_positive_definite_is_refused() {
        assert!(!invert_in_place(&mut Mat::from_fn(2, 2, |_, _| 1.0), Par::Seq));
    }
}
