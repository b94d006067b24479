//! Causal attention with several heads (Vaswani et al., 2017) over sequences that lie one behind the other.
//!
//! softmax(q kᵀ / √w) v, where a row sees the rows of its own sequence up to itself. Nothing is padded: most shoppers
//! have bought fewer than ten things, and filling up to the longest would be most of the work.

use candle_core::{D, Result, Tensor};
use rayon::prelude::*;

use super::{Known, values};
use crate::lanes;

/// `rows` holds query, key and value side by side; sequence s is the rows `starts[s]..starts[s + 1]`.
pub(crate) fn attend(rows: &Tensor, starts: &[usize], heads: usize) -> Result<Tensor> {
    if rows.device().is_cpu() { fused(rows, starts, heads) } else { chain(rows, starts, heads) }
}

/// Attention of one row, which begins with its query, over `rows`, head by head; `shares` is room for one number a row.
#[inline(always)]
pub(crate) fn attend_row(query: &[f32], rows: &[f32], heads: usize, shares: &mut [f32], into: &mut [f32]) {
    let width = into.len();
    let (one, across) = (width / heads, 3 * width);
    let scale = 1.0 / (one as f32).sqrt();
    for (head, into) in into.chunks_mut(one).enumerate() {
        let from = head * one;
        for (share, row) in shares.iter_mut().zip(rows.chunks(across)) {
            *share = scale * lanes::dot(&query[from..from + one], &row[width + from..width + from + one]);
        }
        let (sum, _) = lanes::exponentials(shares);
        into.fill(0.0);
        for (share, row) in shares.iter().zip(rows.chunks(across)) {
            lanes::add_scaled(into, share / sum, &row[2 * width + from..2 * width + from + one]);
        }
    }
}

/// Derivatives of [`attend_row`] of the last row by all rows that it sees, added to `by_rows`.
#[inline(always)]
fn back_row(rows: &[f32], width: usize, heads: usize, incoming: &[f32], by_rows: &mut [f32]) {
    let (one, across) = (width / heads, 3 * width);
    let scale = 1.0 / (one as f32).sqrt();
    let last = rows.len() - across;
    let seen = rows.len() / across;
    let (mut shares, mut slopes) = (vec![0.0; seen], vec![0.0; seen]);
    for (head, incoming) in incoming.chunks(one).enumerate() {
        let (q, k, v) = (head * one, width + head * one, 2 * width + head * one);
        let query = &rows[last + q..last + q + one];
        for ((share, slope), row) in shares.iter_mut().zip(&mut slopes).zip(rows.chunks(across)) {
            *share = scale * lanes::dot(query, &row[k..k + one]);
            *slope = lanes::dot(incoming, &row[v..v + one]);
        }
        let (sum, _) = lanes::exponentials(&mut shares);
        for share in &mut shares {
            *share /= sum;
        }
        let level = lanes::dot(&shares, &slopes);
        for place in 0..seen {
            let (share, at) = (shares[place], place * across);
            let slope = scale * share * (slopes[place] - level);
            lanes::add_scaled(&mut by_rows[last + q..last + q + one], slope, &rows[at + k..at + k + one]);
            lanes::add_scaled(&mut by_rows[at + k..at + k + one], slope, query);
            lanes::add_scaled(&mut by_rows[at + v..at + v + one], share, incoming);
        }
    }
}

/// Numbers of each sequence, `width` a row, cut out of the whole.
fn pieces<'a>(mut whole: &'a mut [f32], starts: &[usize], width: usize) -> Vec<&'a mut [f32]> {
    let mut pieces = Vec::with_capacity(starts.len());
    for pair in starts.windows(2) {
        let (piece, rest) = whole.split_at_mut((pair[1] - pair[0]) * width);
        pieces.push(piece);
        whole = rest;
    }
    pieces
}

fn fused(rows: &Tensor, starts: &[usize], heads: usize) -> Result<Tensor> {
    let (count, across) = rows.dims2()?;
    let width = across / 3;
    let x = values(rows)?;
    let mut result = vec![0.0; count * width];
    pieces(&mut result, starts, width).into_par_iter().zip(starts).for_each(|(into, start)| {
        lanes::wide(
            #[inline(always)]
            || {
                let mut shares = vec![0.0; into.len() / width];
                for (place, into) in into.chunks_mut(width).enumerate() {
                    let seen = &x[start * across..(start + place + 1) * across];
                    attend_row(&seen[place * across..], seen, heads, &mut shares[..=place], into);
                }
            },
        );
    });
    let starts = starts.to_vec();
    let backward = move |gradient: &Tensor| {
        let incoming = values(gradient)?;
        let mut by_rows = vec![0.0; x.len()];
        pieces(&mut by_rows, &starts, across).into_par_iter().zip(&starts).for_each(|(by_rows, start)| {
            lanes::wide(
                #[inline(always)]
                || {
                    for place in 0..by_rows.len() / across {
                        let seen = &x[start * across..(start + place + 1) * across];
                        let from = (start + place) * width;
                        let by_rows = &mut by_rows[..(place + 1) * across];
                        back_row(seen, width, heads, &incoming[from..from + width], by_rows);
                    }
                },
            );
        });
        Ok([Some(Tensor::from_vec(by_rows, (count, across), gradient.device())?)])
    };
    rows.apply_op1(Known::new("attend", result, (count, width), backward))
}

fn chain(rows: &Tensor, starts: &[usize], heads: usize) -> Result<Tensor> {
    let (count, across) = rows.dims2()?;
    let (width, one) = (across / 3, across / 3 / heads);
    let mut hidden = vec![f32::MIN / 2.0; count * count];
    for pair in starts.windows(2) {
        for row in pair[0]..pair[1] {
            hidden[row * count + pair[0]..=row * count + row].fill(0.0);
        }
    }
    let hidden = Tensor::from_vec(hidden, (count, count), rows.device())?;
    let part = |number: usize| {
        rows.narrow(1, number * width, width)?.reshape((count, heads, one))?.transpose(0, 1)?.contiguous()
    };
    let scores = (part(0)?.matmul(&part(1)?.t()?.contiguous()?)? * (1.0 / (one as f64).sqrt()))?;
    let scores = scores.broadcast_add(&hidden)?;
    let shares = scores.broadcast_sub(&scores.max_keepdim(D::Minus1)?.detach())?.exp()?;
    let shares = shares.broadcast_div(&shares.sum_keepdim(D::Minus1)?)?;
    shares.matmul(&part(2)?)?.transpose(0, 1)?.reshape((count, width))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{alike, some};
    use super::*;

    #[test]
    fn fused_and_chain_agree() {
        let rows = some(&[9, 3 * 24], 1);
        let starts = [0, 1, 6, 6, 9];
        for heads in [1, 2, 3] {
            alike(&[&rows], || fused(&rows, &starts, heads), || chain(&rows, &starts, heads));
        }
    }

    #[test]
    fn a_row_sees_nothing_of_other_sequences() {
        let (rows, alone) = (some(&[6, 24], 1), some(&[6, 24], 1).narrow(0, 2, 4).unwrap());
        let both = values(&fused(&rows, &[0, 2, 6], 2).unwrap()).unwrap();
        assert_eq!(both[2 * 8..], values(&fused(&alone, &[0, 4], 2).unwrap()).unwrap()[..]);
    }
}
