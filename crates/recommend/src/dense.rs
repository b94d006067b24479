//! Arithmetic on short dense vectors and systems.
//!
//! Written as plain loops; [`pulp`] compiles the callers of `dispatch` for the widest registers of the machine.

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

/// The product of a vector with each row.
pub(crate) fn products(rows: &[f32], vector: &[f32]) -> Vec<f32> {
    pulp::Arch::new().dispatch(|| rows.chunks_exact(vector.len().max(1)).map(|row| dot(row, vector)).collect())
}

/// Sixteen sums side by side, so that the compiler may use wide registers.
#[inline(always)]
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a_wide, a_rest) = a.as_chunks::<16>();
    let (b_wide, b_rest) = b.as_chunks::<16>();
    let mut sums = [0.0_f32; 16];
    for (a, b) in a_wide.iter().zip(b_wide) {
        for lane in 0..16 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

/// into += factor × of
#[inline(always)]
pub(crate) fn add_scaled(into: &mut [f32], factor: f32, of: &[f32]) {
    into.iter_mut().zip(of).for_each(|(into, of)| *into += factor * of);
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
