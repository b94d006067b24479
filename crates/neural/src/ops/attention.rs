//! Causal attention with several heads (Vaswani et al., 2017) over sequences that lie one behind the other.
//!
//! softmax(q kᵀ / √w) v, where a row sees the rows of its own sequence up to itself. Nothing is padded: most shoppers
//! have bought fewer than ten things, and filling up to the longest would be most of the work.

use candle_core::{D, Device, Result, Tensor};
use rayon::prelude::*;

use super::pick::NOTHING;
use super::{Known, values};
use crate::lanes;

/// Where sequences lie: sequence s is the rows `starts[s]..starts[s + 1]`.
#[derive(Debug)]
pub(crate) struct Sequences<'a> {
    starts: &'a [usize],
    padded: Option<Padded>,
}

impl<'a> Sequences<'a> {
    pub(crate) fn new(starts: &'a [usize], device: &Device) -> Result<Self> {
        let padded = if device.is_cpu() { None } else { Some(Padded::new(starts, device)?) };
        Ok(Self { starts, padded })
    }
}

/// `rows` holds query, key and value side by side.
pub(crate) fn attend(rows: &Tensor, sequences: &Sequences<'_>, heads: usize) -> Result<Tensor> {
    match &sequences.padded {
        None => fused(rows, sequences.starts, heads),
        Some(padded) => on_card(rows, padded, heads),
    }
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

/// A card takes sequences of one length: all are filled up to the longest of the batch.
#[derive(Debug, Clone)]
struct Padded {
    /// Sequences, and rows of the longest.
    size: (usize, usize),
    /// The row for each place, and the place of each row.
    rows: Tensor,
    places: Tensor,
    /// What a row must not see has a score that leaves nothing of it.
    hidden: Tensor,
}

impl Padded {
    fn new(starts: &[usize], device: &Device) -> Result<Self> {
        let lengths = || starts.windows(2).map(|pair| pair[1] - pair[0]);
        let (count, longest) = (lengths().count(), lengths().max().unwrap_or(0).max(1));
        let (mut rows, mut places) = (vec![NOTHING; count * longest], Vec::new());
        for ((sequence, rows), length) in rows.chunks_mut(longest).enumerate().zip(lengths()) {
            for (step, row) in rows.iter_mut().take(length).enumerate() {
                *row = places.len() as u32;
                places.push((sequence * longest + step) as u32);
            }
        }
        let later = |place: usize| if place % longest > place / longest { f32::MIN / 2.0 } else { 0.0 };
        let hidden = (0..longest * longest).map(later).collect();
        let filled = places.len();
        Ok(Self {
            size: (count, longest),
            rows: Tensor::from_vec(rows, count * longest, device)?,
            places: Tensor::from_vec(places, filled, device)?,
            hidden: Tensor::from_vec(hidden, (longest, longest), device)?,
        })
    }

    /// From rows with `parts` vectors side by side to `parts` stacks of sequences, head by head.
    fn stacks(&self, rows: &Tensor, parts: usize, heads: usize) -> Result<Vec<Tensor>> {
        let ((count, longest), one) = (self.size, rows.dim(1)? / parts / heads);
        let rows = rows.contiguous()?.index_select(&self.rows, 0)?.reshape((count, longest, parts, heads, one))?;
        let stacks = rows.permute((2, 0, 3, 1, 4))?.contiguous()?.reshape((parts, count * heads, longest, one))?;
        (0..parts).map(|part| stacks.get(part)).collect()
    }

    fn unstack(&self, stacks: &[Tensor], heads: usize) -> Result<Tensor> {
        let ((count, longest), parts) = (self.size, stacks.len());
        let all = Tensor::stack(stacks, 0)?.reshape((parts, count, heads, longest, ()))?;
        let one = all.dim(4)?;
        let rows = all.permute((1, 3, 0, 2, 4))?.contiguous()?.reshape((count * longest, parts * heads * one))?;
        rows.index_select(&self.places, 0)
    }
}

fn on_card(rows: &Tensor, padded: &Padded, heads: usize) -> Result<Tensor> {
    let scale = 1.0 / (rows.dim(1)? as f64 / 3.0 / heads as f64).sqrt();
    let parts = padded.stacks(&rows.detach(), 3, heads)?;
    let [query, key, value] = &parts[..] else { candle_core::bail!("query, key and value") };
    let scores = (query.matmul(&key.t()?)? * scale)?.broadcast_add(&padded.hidden)?;
    let shares = scores.broadcast_sub(&scores.max_keepdim(D::Minus1)?)?.exp()?;
    let shares = shares.broadcast_div(&shares.sum_keepdim(D::Minus1)?)?;
    let result = padded.unstack(&[shares.matmul(value)?], heads)?;
    let (query, key, value) = (query.clone(), key.clone(), value.clone());
    let padded = padded.clone();
    let backward = move |gradient: &Tensor| {
        let incoming = &padded.stacks(gradient, 1, heads)?[0];
        let slopes = (incoming.matmul(&value.t()?)? * &shares)?;
        let slopes = (&slopes - shares.broadcast_mul(&slopes.sum_keepdim(D::Minus1)?)?)?.affine(scale, 0.0)?;
        let by_key = slopes.t()?.matmul(&query)?;
        Ok([Some(padded.unstack(&[slopes.matmul(&key)?, by_key, shares.t()?.matmul(incoming)?], heads)?)])
    };
    rows.apply_op1(Known::of("attend", &result, backward)?)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{alike, some};
    use super::*;

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

    #[test]
    fn all_ways_agree() {
        let variables = [some(&[9, 3 * 24], 1)];
        let starts = [0, 1, 6, 6, 9];
        for heads in [1, 2, 3] {
            alike(&variables, |of| fused(&of[0], &starts, heads), |of| chain(&of[0], &starts, heads));
            alike(
                &variables,
                |of| fused(&of[0], &starts, heads),
                |of| on_card(&of[0], &Padded::new(&starts, of[0].device())?, heads),
            );
        }
    }

    #[test]
    fn a_row_sees_nothing_of_other_sequences() {
        let (rows, alone) = (some(&[6, 24], 1), some(&[6, 24], 1).narrow(0, 2, 4).unwrap());
        let both = values(&fused(&rows, &[0, 2, 6], 2).unwrap()).unwrap();
        assert_eq!(both[2 * 8..], values(&fused(&alone, &[0, 4], 2).unwrap()).unwrap()[..]);
    }
}
