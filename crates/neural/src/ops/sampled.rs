//! Cross entropy of the next item against a sample of the others, for catalogs that are too large for all of them.
//!
//! One sample of items, drawn evenly, serves all rows of a batch. Each of its n items stands for (N − 1)/n of the catalog
//! of N, so that the sum under the logarithm is right in the mean (the correction by ln q of Bengio, Senécal, 2008):
//! −ln(e^{s(t)} / (e^{s(t)} + (N − 1)/n · Σ_{j ≠ t} e^{s(j)})), mean over all rows.

use candle_core::{DType, Result, Tensor};
use rayon::prelude::*;

use super::pick::{Sums, owners};
use super::{Known, values};
use crate::lanes;

/// Items drawn evenly, and how many there were to draw from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample<'a> {
    pub(crate) items: &'a [u32],
    pub(crate) of: usize,
}

impl Sample<'_> {
    fn correction(self) -> f32 {
        (self.of.saturating_sub(1).max(1) as f32 / self.items.len().max(1) as f32).ln()
    }
}

pub(crate) fn sampled_cross_entropy(
    hidden: &Tensor,
    table: &Tensor,
    targets: &[u32],
    sample: Sample<'_>,
) -> Result<Tensor> {
    if hidden.device().is_cpu() {
        fused(hidden, table, targets, sample)
    } else {
        on_card(hidden, table, targets, sample)
    }
}

fn fused(hidden: &Tensor, table: &Tensor, targets: &[u32], sample: Sample<'_>) -> Result<Tensor> {
    let ((rows, width), items) = (hidden.dims2()?, table.dim(0)?);
    let (correction, sample) = (sample.correction(), sample.items);
    let picked = table.detach().index_select(&Tensor::from_slice(sample, sample.len(), table.device())?, 0)?;
    let (h, vectors) = (values(hidden)?, values(table)?);
    let mut scores: Vec<f32> = hidden.detach().matmul(&picked.t()?)?.flatten_all()?.to_vec1()?;
    let share = 1.0 / rows as f32;
    // Scores become derivatives; each row also gives its loss and the derivative by the target's score.
    let of_rows: Vec<(f64, f32)> = scores
        .par_chunks_mut(sample.len())
        .zip(h.par_chunks(width))
        .zip(targets)
        .map(|((row, hidden), target)| {
            lanes::wide(
                #[inline(always)]
                || {
                    let from = *target as usize * width;
                    let own = lanes::dot(hidden, &vectors[from..from + width]);
                    for (score, item) in row.iter_mut().zip(sample) {
                        *score = if item == target { f32::MIN } else { *score + correction };
                    }
                    let (rest, largest) = lanes::exponentials(row);
                    let most = if own > largest { own } else { largest };
                    let (own_part, rest_part) = (lanes::exp(own - most), lanes::exp(largest - most));
                    let sum = own_part + rest * rest_part;
                    let factor = share * rest_part / sum;
                    for score in &mut *row {
                        *score *= factor;
                    }
                    (f64::from(sum.ln() + most - own), share * (own_part / sum - 1.0))
                },
            )
        })
        .collect();
    let mean = of_rows.iter().map(|(loss, _)| loss).sum::<f64>() / rows as f64;
    let derivatives = Tensor::from_vec(scores, (rows, sample.len()), hidden.device())?;
    let mut by_hidden = values(&derivatives.matmul(&picked)?)?;
    let by_picked = values(&derivatives.t()?.matmul(&hidden.detach())?)?;
    let mut by_table = vec![0.0; items * width];
    lanes::wide(
        #[inline(always)]
        || {
            for (item, row) in sample.iter().zip(by_picked.chunks_exact(width)) {
                let into = *item as usize * width;
                lanes::add_scaled(&mut by_table[into..into + width], 1.0, row);
            }
            for (row, (target, (_, slope))) in targets.iter().zip(&of_rows).enumerate() {
                let (at, into) = (row * width, *target as usize * width);
                lanes::add_scaled(&mut by_hidden[at..at + width], *slope, &vectors[into..into + width]);
                lanes::add_scaled(&mut by_table[into..into + width], *slope, &h[at..at + width]);
            }
        },
    );
    let by_hidden = Tensor::from_vec(by_hidden, (rows, width), hidden.device())?;
    let by_table = Tensor::from_vec(by_table, (items, width), hidden.device())?;
    let backward = move |gradient: &Tensor| {
        let factor = f64::from(gradient.to_scalar::<f32>()?);
        let scaled = |tensor: &Tensor| if factor == 1.0 { Ok(tensor.clone()) } else { tensor * factor };
        Ok([Some(scaled(&by_hidden)?), Some(scaled(&by_table)?)])
    };
    hidden.apply_op2(table, Known::new("sampled cross entropy", vec![mean as f32], (), backward))
}

fn on_card(hidden: &Tensor, table: &Tensor, targets: &[u32], sample: Sample<'_>) -> Result<Tensor> {
    let (device, rows) = (hidden.device(), hidden.dim(0)?);
    let (correction, sample) = (f64::from(sample.correction()), sample.items);
    let both: Vec<u32> = sample.iter().chain(targets).copied().collect();
    let numbers = Tensor::from_slice(&both, both.len(), device)?;
    let (h, vectors) = (hidden.detach(), table.detach().index_select(&numbers, 0)?);
    let (picked, answers) = (vectors.narrow(0, 0, sample.len())?, vectors.narrow(0, sample.len(), rows)?);
    let of_sample = numbers.narrow(0, 0, sample.len())?.reshape((1, ()))?;
    let hits = numbers.narrow(0, sample.len(), rows)?.reshape(((), 1))?.broadcast_eq(&of_sample)?;
    let own = (&h * &answers)?.sum_keepdim(1)?;
    let rest = (h.matmul(&picked.t()?)? + hits.to_dtype(DType::F32)?.affine(-1e9, correction)?)?;
    let most = rest.max_keepdim(1)?.maximum(&own)?;
    let (own_part, parts) = ((&own - &most)?.exp()?, rest.broadcast_sub(&most)?.exp()?);
    let sum = (&own_part + parts.sum_keepdim(1)?)?;
    let mean = ((sum.log()? + most)? - own)?.mean_all()?;
    let share = 1.0 / rows as f64;
    let own_slope = (own_part / &sum)?.affine(share, -share)?;
    let slopes = (parts.broadcast_div(&sum)? * share)?;
    let by_hidden = (slopes.matmul(&picked)? + answers.broadcast_mul(&own_slope)?)?;
    let by_vectors = Tensor::cat(&[slopes.t()?.matmul(&h)?, h.broadcast_mul(&own_slope)?], 0)?;
    let by_table = Sums::new(&owners(&both, table.dim(0)?), device)?.of(&by_vectors)?;
    let backward = move |gradient: &Tensor| {
        Ok([Some(by_hidden.broadcast_mul(gradient)?), Some(by_table.broadcast_mul(gradient)?)])
    };
    hidden.apply_op2(table, Known::of("sampled cross entropy", &mean, backward)?)
}

#[cfg(test)]
mod tests {
    use candle_core::Var;

    use super::super::testing::{alike, some};
    use super::*;

    fn chain(hidden: &Tensor, table: &Tensor, targets: &[u32], sample: Sample<'_>) -> Result<Tensor> {
        let device = hidden.device();
        let (correction, sample) = (sample.correction(), sample.items);
        let picked = table.index_select(&Tensor::from_slice(sample, sample.len(), device)?, 0)?;
        let answers = table.index_select(&Tensor::from_slice(targets, targets.len(), device)?, 0)?;
        let own = (hidden * answers)?.sum_keepdim(1)?;
        let shift = |target: &u32| {
            let target = *target;
            sample.iter().map(move |item| if *item == target { -1e9 } else { correction })
        };
        let shifts: Vec<f32> = targets.iter().flat_map(shift).collect();
        let rest = (hidden.matmul(&picked.t()?)? + Tensor::from_vec(shifts, (targets.len(), sample.len()), device)?)?;
        let all = Tensor::cat(&[&own, &rest], 1)?;
        let largest = all.max_keepdim(1)?.detach();
        let sums = (all.broadcast_sub(&largest)?.exp()?.sum_keepdim(1)?.log()? + largest)?;
        (sums - own)?.mean_all()
    }

    #[test]
    fn all_ways_agree() {
        let variables = [some(&[9, 24], 1), some(&[21, 24], 2)];
        let targets: Vec<u32> = (0..9).map(|row| row * 7 % 21).collect();
        let sample = Sample { items: &[3, 0, 7, 7, 20, 14], of: 19 };
        let fused = |of: &[Var]| fused(&of[0], &of[1], &targets, sample);
        alike(&variables, fused, |of| chain(&of[0], &of[1], &targets, sample));
        alike(&variables, fused, |of| on_card(&of[0], &of[1], &targets, sample));
    }
}
