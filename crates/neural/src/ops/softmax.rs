//! Cross entropy of the next item against every item: the loss −ln softmax(h · tableᵀ)[target], mean over all rows.
//!
//! All items compete in training as they do when the model is asked; sampling few negatives is what makes SASRec
//! overrate popular items (Petrov, Macdonald: "gSASRec", RecSys 2023; Klenitskiy, Vasilev: "Turning Dross Into Gold Loss",
//! RecSys 2023). For a batch the derivatives need only two more products of the size of the first one, so that they are
//! worked out at once, block by block, and the scores of all rows against all items are never kept.

use candle_core::{CpuStorage, InplaceOp1, Layout, Result, Tensor};
use rayon::prelude::*;

use super::Known;
use crate::lanes;

/// Rows whose scores are held at a time: about 50 MB for 12,000 items.
const BLOCK: usize = 1_024;

/// How the targets are told apart from the rest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Loss {
    /// Share of the probability that is spread over all items (label smoothing).
    pub(crate) smoothing: f32,
}

pub(crate) fn cross_entropy(hidden: &Tensor, table: &Tensor, targets: &[u32], loss: Loss) -> Result<Tensor> {
    if hidden.device().is_cpu() { fused(hidden, table, targets, loss) } else { on_card(hidden, table, targets, loss) }
}

/// Turns scores into the derivative of the loss by them, and writes the loss of each row into `losses`.
struct Derivative<'a> {
    targets: &'a [u32],
    items: usize,
    loss: Loss,
    share: f32,
    losses: &'a std::sync::Mutex<f64>,
}

impl InplaceOp1 for Derivative<'_> {
    fn name(&self) -> &'static str {
        "derivative"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let (CpuStorage::F32(scores), Some((0, _))) = (storage, layout.contiguous_offsets()) else {
            candle_core::bail!("the scores are not as they were made");
        };
        let rows = scores.par_chunks_mut(self.items).zip(self.targets);
        let sum: f64 = rows
            .map(|(row, target)| {
                lanes::wide(
                    #[inline(always)]
                    || self.row(row, *target as usize),
                )
            })
            .sum();
        if let Ok(mut losses) = self.losses.lock() {
            *losses += sum;
        }
        Ok(())
    }
}

impl Derivative<'_> {
    #[inline(always)]
    fn row(&self, row: &mut [f32], target: usize) -> f64 {
        let Loss { smoothing } = self.loss;
        let even = smoothing / row.len() as f32;
        let score = row[target];
        let mean = if smoothing > 0.0 { lanes::sum(row) * even } else { 0.0 };
        let (sum, largest) = lanes::exponentials(row);
        let (factor, less) = (self.share / sum, self.share * even);
        for value in &mut *row {
            *value = *value * factor - less;
        }
        row[target] -= self.share * (1.0 - smoothing);
        f64::from(sum.ln() + largest - (1.0 - smoothing) * score - mean)
    }
}

fn fused(hidden: &Tensor, table: &Tensor, targets: &[u32], loss: Loss) -> Result<Tensor> {
    let (rows, items) = (hidden.dim(0)?, table.dim(0)?);
    let (hidden_now, table_now) = (hidden.detach(), table.detach());
    let losses = std::sync::Mutex::new(0.0);
    let mut by_hidden = Vec::new();
    let mut by_table: Option<Tensor> = None;
    for from in (0..rows).step_by(BLOCK) {
        let count = BLOCK.min(rows - from);
        let block = hidden_now.narrow(0, from, count)?;
        let scores = block.matmul(&table_now.t()?)?;
        let targets = &targets[from..from + count];
        scores.inplace_op1(&Derivative { targets, items, loss, share: 1.0 / rows as f32, losses: &losses })?;
        by_hidden.push(scores.matmul(&table_now)?);
        let of_block = scores.t()?.matmul(&block)?;
        by_table = Some(match by_table {
            Some(sum) => (sum + of_block)?,
            None => of_block,
        });
    }
    let by_hidden = Tensor::cat(&by_hidden, 0)?;
    let mean = losses.into_inner().unwrap_or_default() / rows as f64;
    let backward = move |gradient: &Tensor| {
        let factor = f64::from(gradient.to_scalar::<f32>()?);
        let scaled = |tensor: &Tensor| if factor == 1.0 { Ok(tensor.clone()) } else { tensor * factor };
        Ok([Some(scaled(&by_hidden)?), by_table.as_ref().map(scaled).transpose()?])
    };
    hidden.apply_op2(table, Known::new("cross entropy", vec![mean as f32], (), backward))
}

fn on_card(hidden: &Tensor, table: &Tensor, targets: &[u32], loss: Loss) -> Result<Tensor> {
    let (rows, items) = (hidden.dim(0)?, table.dim(0)?);
    let (h, vectors, share) = (hidden.detach(), table.detach(), 1.0 / rows as f64);
    let (even, answer) = (f64::from(loss.smoothing) / items as f64, 1.0 - f64::from(loss.smoothing));
    let (mut by_hidden, mut by_table, mut losses) = (Vec::new(), None, Vec::new());
    for from in (0..rows).step_by(BLOCK) {
        let count = BLOCK.min(rows - from);
        let block = h.narrow(0, from, count)?;
        let places = Tensor::from_slice(&targets[from..from + count], (count, 1), h.device())?;
        let scores = block.matmul(&vectors.t()?)?;
        let most = scores.max_keepdim(1)?;
        let parts = scores.broadcast_sub(&most)?.exp()?;
        let sum = parts.sum_keepdim(1)?;
        let mut of_rows = ((sum.log()? + most)? - (scores.gather(&places, 1)? * answer)?)?;
        if even > 0.0 {
            of_rows = (of_rows - (scores.sum_keepdim(1)? * even)?)?;
        }
        losses.push(of_rows);
        let slopes = parts.broadcast_div(&sum)?.affine(share, -share * even)?;
        let slopes =
            slopes.scatter_add(&places, &Tensor::full((-share * answer) as f32, (count, 1), h.device())?, 1)?;
        by_hidden.push(slopes.matmul(&vectors)?);
        let of_block = slopes.t()?.matmul(&block)?;
        by_table = Some(match by_table {
            Some(sum) => (sum + of_block)?,
            None => of_block,
        });
    }
    let (mean, by_hidden) = (Tensor::cat(&losses, 0)?.mean_all()?, Tensor::cat(&by_hidden, 0)?);
    let backward = move |gradient: &Tensor| {
        let by_table = by_table.as_ref().map(|by_table| by_table.broadcast_mul(gradient)).transpose()?;
        Ok([Some(by_hidden.broadcast_mul(gradient)?), by_table])
    };
    hidden.apply_op2(table, Known::of("cross entropy", &mean, backward)?)
}

#[cfg(test)]
mod tests {
    use candle_core::Var;

    use super::super::testing::{alike, some};
    use super::*;

    fn chain(hidden: &Tensor, table: &Tensor, targets: &[u32], loss: Loss) -> Result<Tensor> {
        let scores = hidden.matmul(&table.t()?)?;
        let centred = scores.broadcast_sub(&scores.max_keepdim(1)?.detach())?;
        let logarithms = centred.broadcast_sub(&centred.exp()?.sum_keepdim(1)?.log()?)?;
        let places = Tensor::from_slice(targets, (targets.len(), 1), hidden.device())?;
        let hits = (logarithms.gather(&places, 1)?.mean_all()? * f64::from(loss.smoothing - 1.0))?;
        hits - (logarithms.mean_all()? * f64::from(loss.smoothing))?
    }

    #[test]
    fn all_ways_agree() {
        let variables = [some(&[BLOCK + 3, 8], 1), some(&[21, 8], 2)];
        let targets: Vec<u32> = (0..BLOCK as u32 + 3).map(|row| row * 7 % 21).collect();
        for smoothing in [0.0, 0.2] {
            let loss = Loss { smoothing };
            let fused = |of: &[Var]| fused(&of[0], &of[1], &targets, loss);
            alike(&variables, fused, |of| chain(&of[0], &of[1], &targets, loss));
            alike(&variables, fused, |of| on_card(&of[0], &of[1], &targets, loss));
        }
    }

    #[test]
    fn an_untrained_model_loses_the_logarithm_of_the_number_of_items() {
        let zero = (some(&[3, 8], 1).as_tensor() * 0.0).unwrap();
        let found = fused(&zero, &some(&[50, 8], 2), &[1, 2, 3], Loss { smoothing: 0.0 }).unwrap();
        assert!((found.to_scalar::<f32>().unwrap() - 50.0_f32.ln()).abs() < 1e-5);
    }
}
