//! Arithmetic on short dense vectors and systems.
//!
//! Written as plain loops, which a compiler makes wide instructions of. Products are not fused with additions and sums have
//! a fixed order, so the bits are the same on every processor.

use pulp::NullaryFnOnce;

/// Solves (A) x = b for a dense symmetric A given by its lower triangle, row after row; A is overwritten with its
/// Cholesky factor and b with x. False when A is not positive definite.
#[inline(always)]
pub(crate) fn solve(a: &mut [f32], b: &mut [f32]) -> bool {
    let size = b.len();
    for row in 0..size {
        for column in 0..=row {
            let (before, at) = a.split_at_mut(row * size);
            let of_column: &[f32] = if column == row { &[] } else { &before[column * size..column * size + column] };
            if column == row {
                let own = &at[..row];
                let rest = at[row] - dot(own, own);
                if rest <= 0.0 || !rest.is_finite() {
                    return false;
                }
                at[row] = rest.sqrt();
            } else {
                let rest = at[column] - dot(&at[..column], of_column);
                at[column] = rest / before[column * size + column];
            }
        }
    }
    for row in 0..size {
        let done = dot(&a[row * size..row * size + row], &b[..row]);
        b[row] = (b[row] - done) / a[row * size + row];
    }
    for row in (0..size).rev() {
        let value = b[row] / a[row * size + row];
        b[row] = value;
        for (rest, factor) in b[..row].iter_mut().zip(&a[row * size..row * size + row]) {
            *rest -= factor * value;
        }
    }
    true
}

/// Does work that is compiled for the widest registers of the machine. Its `call` is `inline(always)`: a closure, or
/// anything else that is not inlined, would be compiled apart and for any machine.
pub(crate) fn wide<W: NullaryFnOnce>(work: W) -> W::Output {
    pulp::Arch::new().dispatch(work)
}

/// The product of a vector with each row.
pub(crate) fn products(rows: &[f32], vector: &[f32]) -> Vec<f32> {
    struct Products<'a>(&'a [f32], &'a [f32], &'a mut [f32]);
    impl NullaryFnOnce for Products<'_> {
        type Output = ();

        #[inline(always)]
        fn call(self) {
            let Self(rows, vector, products) = self;
            for (product, row) in products.iter_mut().zip(rows.chunks_exact(vector.len())) {
                *product = dot(row, vector);
            }
        }
    }
    let mut products = vec![0.0; rows.len() / vector.len().max(1)];
    if !products.is_empty() {
        wide(Products(rows, vector, &mut products));
    }
    products
}

/// Numbers in a wide register.
const LANES: usize = 16;

#[inline(always)]
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; LANES];
    let (a_wide, a_rest) = a.as_chunks::<LANES>();
    let (b_wide, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a_wide.iter().zip(b_wide) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let mut rest = 0.0;
    for (a, b) in a_rest.iter().zip(b_rest) {
        rest += a * b;
    }
    total(&sums) + rest
}

#[inline(always)]
fn total(sums: &[f32; LANES]) -> f32 {
    let mut total = 0.0;
    for sum in sums {
        total += sum;
    }
    total
}

/// into += factor × of
#[inline(always)]
pub(crate) fn add_scaled(into: &mut [f32], factor: f32, of: &[f32]) {
    for (into, of) in into.iter_mut().zip(of) {
        *into += factor * of;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_solution_solves() {
        for size in [1, 5, 16, 67] {
            let value = |row: usize, column: usize| {
                if row == column {
                    2.0
                } else {
                    ((row.min(column) * 7 + row.max(column) * 3) % 5) as f32 / (5 * size) as f32
                }
            };
            let mut a: Vec<f32> = (0..size * size).map(|place| value(place / size, place % size)).collect();
            let expected: Vec<f32> = (0..size).map(|place| (place as f32 * 0.7).sin()).collect();
            let mut b: Vec<f32> =
                (0..size).map(|row| (0..size).map(|column| value(row, column) * expected[column]).sum()).collect();
            assert!(solve(&mut a, &mut b));
            for (found, expected) in b.iter().zip(&expected) {
                assert!((found - expected).abs() < 1e-4, "{size}: {found} and {expected}");
            }
        }
        assert!(!solve(&mut [1.0, 0.0, 2.0, 1.0], &mut [1.0, 1.0]));
    }
}
