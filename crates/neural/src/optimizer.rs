//! AdamW (Loshchilov, Hutter: "Decoupled Weight Decay Regularization", ICLR 2019) with a warm-up.
//!
//! m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², w ← w − rate · (m̂ / (√v̂ + ε) + decay · w).

use std::sync::Mutex;

use candle_core::backprop::GradStore;
use candle_core::{CpuStorage, InplaceOp2, Layout, Result, Tensor, Var};
use rayon::prelude::*;

use crate::lanes;
use crate::ops::values;

const BETA_1: f32 = 0.9;
const BETA_2: f32 = 0.98;
/// Numbers that one task takes.
const PIECE: usize = 65_536;

#[derive(Debug, Default)]
struct Moments {
    first: Vec<f32>,
    second: Vec<f32>,
    /// Running average of the values; empty where it is not wanted.
    average: Vec<f32>,
}

#[derive(Debug)]
struct Slot {
    variable: Var,
    decay: f32,
    moments: Mutex<Moments>,
}

#[derive(Debug)]
pub(crate) struct Optimizer {
    slots: Vec<Slot>,
    steps: i32,
    averaging: f32,
}

impl Optimizer {
    /// Each variable with its decay.
    pub(crate) fn new(variables: Vec<(Var, f32)>, averaging: f32) -> Result<Self> {
        let slot = |(variable, decay): (Var, f32)| {
            let zeros = vec![0.0; variable.elem_count()];
            let average = if averaging > 0.0 { values(&variable)? } else { Vec::new() };
            let moments = Moments { first: zeros.clone(), second: zeros, average };
            Ok(Slot { variable, decay, moments: Mutex::new(moments) })
        };
        Ok(Self { slots: variables.into_iter().map(slot).collect::<Result<_>>()?, steps: 0, averaging })
    }

    pub(crate) fn step(&mut self, gradients: &GradStore, rate: f32) -> Result<()> {
        self.steps += 1;
        let (first, second) = (1.0 - BETA_1.powi(self.steps), 1.0 - BETA_2.powi(self.steps));
        // A young average looks back over a tenth of its life only.
        let averaging = self.averaging.min((1.0 + self.steps as f32) / (10.0 + self.steps as f32));
        for slot in &self.slots {
            let Some(gradient) = gradients.get(&slot.variable) else { continue };
            let update = Update { slot, rate, first, second, averaging };
            if slot.variable.device().is_cpu() {
                slot.variable.inplace_op2(&gradient.contiguous()?, &update)?;
            } else {
                let mut weights = values(&slot.variable)?;
                update.apply(&mut weights, &values(gradient)?);
                let moved = Tensor::from_vec(weights, slot.variable.dims(), slot.variable.device())?;
                slot.variable.set(&moved)?;
            }
        }
        Ok(())
    }

    /// The values that a variable had on average, or has now where no average is kept.
    pub(crate) fn average(&self, variable: &Var) -> Result<Vec<f32>> {
        let slot = self.slots.iter().find(|slot| slot.variable.id() == variable.id());
        match slot.and_then(|slot| slot.moments.lock().ok()) {
            Some(moments) if !moments.average.is_empty() => Ok(moments.average.clone()),
            _ => values(variable),
        }
    }
}

struct Update<'a> {
    slot: &'a Slot,
    rate: f32,
    /// Shares of the moments that the steps until now have filled.
    first: f32,
    second: f32,
    averaging: f32,
}

impl Update<'_> {
    fn apply(&self, weights: &mut [f32], gradient: &[f32]) {
        let Ok(mut moments) = self.slot.moments.lock() else { return };
        let Moments { first, second, average } = &mut *moments;
        let pieces = weights.par_chunks_mut(PIECE).zip(gradient.par_chunks(PIECE));
        let pieces = pieces.zip(first.par_chunks_mut(PIECE)).zip(second.par_chunks_mut(PIECE));
        pieces.for_each(|(((weights, gradient), first), second)| {
            lanes::wide(
                #[inline(always)]
                || self.piece(weights, gradient, first, second),
            );
        });
        if !average.is_empty() {
            average.par_chunks_mut(PIECE).zip(weights.par_chunks(PIECE)).for_each(|(average, weights)| {
                lanes::wide(
                    #[inline(always)]
                    || {
                        for (average, weight) in average.iter_mut().zip(weights) {
                            *average += (1.0 - self.averaging) * (weight - *average);
                        }
                    },
                );
            });
        }
    }

    #[inline(always)]
    fn piece(&self, weights: &mut [f32], gradient: &[f32], first: &mut [f32], second: &mut [f32]) {
        let numbers = weights.iter_mut().zip(gradient).zip(first).zip(second);
        let (by_first, by_second, shrink) = (1.0 / self.first, 1.0 / self.second, 1.0 - self.rate * self.slot.decay);
        for (((weight, gradient), first), second) in numbers {
            *first += (1.0 - BETA_1) * (gradient - *first);
            *second += (1.0 - BETA_2) * (gradient * gradient - *second);
            let step = *first * by_first / ((*second * by_second).sqrt() + 1e-8);
            *weight = *weight * shrink - self.rate * step;
        }
    }
}

impl InplaceOp2 for Update<'_> {
    fn name(&self) -> &'static str {
        "AdamW"
    }

    fn cpu_fwd(&self, weights: &mut CpuStorage, to: &Layout, gradient: &CpuStorage, from: &Layout) -> Result<()> {
        let (CpuStorage::F32(weights), CpuStorage::F32(gradient)) = (weights, gradient) else {
            candle_core::bail!("weights are 32-bit numbers");
        };
        let (Some(to), Some(from)) = (to.contiguous_offsets(), from.contiguous_offsets()) else {
            candle_core::bail!("weights lie in one piece");
        };
        self.apply(&mut weights[to.0..to.1], &gradient[from.0..from.1]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn the_first_step_goes_by_the_rate_and_the_decay() {
        let variable = Var::new(&[2.0_f32, -1.0, 0.5], &Device::Cpu).unwrap();
        let loss = (variable.as_tensor() * Tensor::new(&[3.0_f32, -5.0, 0.0], &Device::Cpu).unwrap()).unwrap();
        let gradients = loss.sum_all().unwrap().backward().unwrap();
        let mut optimizer = Optimizer::new(vec![(variable.clone(), 0.5)], 0.0).unwrap();
        optimizer.step(&gradients, 0.1).unwrap();
        let found: Vec<f32> = variable.to_vec1().unwrap();
        for (found, expected) in found.iter().zip([2.0 * 0.95 - 0.1, -0.95 + 0.1, 0.475]) {
            assert!((found - expected).abs() < 1e-5, "{found} is not {expected}");
        }
    }
}
