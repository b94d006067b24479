//! AdamW (Loshchilov, Hutter: "Decoupled Weight Decay Regularization", ICLR 2019) with a warm-up.
//!
//! m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², w ← w − rate · (m̂ / (√v̂ + ε) + decay · w).

mod card;

use std::sync::Mutex;

use candle_core::backprop::GradStore;
use candle_core::{CpuStorage, InplaceOp2, Layout, Result, Var};
use rayon::prelude::*;

use self::card::Flat;
use crate::lanes;
use crate::ops::values;

const BETA_1: f32 = 0.9;
const BETA_2: f32 = 0.98;
const EPSILON: f32 = 1e-8;
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
enum Weights {
    OnProcessor(Vec<Slot>),
    OnCard(Flat),
}

#[derive(Debug)]
pub(crate) struct Optimizer {
    weights: Weights,
    steps: i32,
    averaging: f32,
}

/// How far one step goes.
#[derive(Debug, Clone, Copy)]
struct Stride {
    rate: f32,
    /// Shares of the moments that the steps until now have filled.
    first: f32,
    second: f32,
    averaging: f32,
}

impl Optimizer {
    /// Each variable with its decay.
    pub(crate) fn new(variables: Vec<(Var, f32)>, averaging: f32) -> Result<Self> {
        let on_card = variables.iter().any(|(variable, _)| !variable.device().is_cpu());
        let weights = if on_card {
            Weights::OnCard(Flat::new(variables, averaging > 0.0)?)
        } else {
            let slot = |(variable, decay): (Var, f32)| {
                let zeros = vec![0.0; variable.elem_count()];
                let average = if averaging > 0.0 { values(&variable)? } else { Vec::new() };
                let moments = Moments { first: zeros.clone(), second: zeros, average };
                Ok(Slot { variable, decay, moments: Mutex::new(moments) })
            };
            Weights::OnProcessor(variables.into_iter().map(slot).collect::<Result<_>>()?)
        };
        Ok(Self { weights, steps: 0, averaging })
    }

    pub(crate) fn step(&mut self, gradients: &GradStore, rate: f32) -> Result<()> {
        self.steps += 1;
        let stride = Stride {
            rate,
            first: 1.0 - BETA_1.powi(self.steps),
            second: 1.0 - BETA_2.powi(self.steps),
            // A young average looks back over a tenth of its life only.
            averaging: self.averaging.min((1.0 + self.steps as f32) / (10.0 + self.steps as f32)),
        };
        match &mut self.weights {
            Weights::OnCard(flat) => flat.step(gradients, stride),
            Weights::OnProcessor(slots) => {
                for slot in slots {
                    let Some(gradient) = gradients.get(&slot.variable) else { continue };
                    slot.variable.inplace_op2(&gradient.contiguous()?, &Update { slot, stride })?;
                }
                Ok(())
            }
        }
    }

    /// The values that a variable had on average, or has now where no average is kept.
    pub(crate) fn average(&self, variable: &Var) -> Result<Vec<f32>> {
        let slots = match &self.weights {
            Weights::OnCard(flat) => return values(&flat.average(variable)?),
            Weights::OnProcessor(slots) => slots,
        };
        let slot = slots.iter().find(|slot| slot.variable.id() == variable.id());
        match slot.and_then(|slot| slot.moments.lock().ok()) {
            Some(moments) if !moments.average.is_empty() => Ok(moments.average.clone()),
            _ => values(variable),
        }
    }
}

struct Update<'a> {
    slot: &'a Slot,
    stride: Stride,
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
                            *average += (1.0 - self.stride.averaging) * (weight - *average);
                        }
                    },
                );
            });
        }
    }

    #[inline(always)]
    fn piece(&self, weights: &mut [f32], gradient: &[f32], first: &mut [f32], second: &mut [f32]) {
        let Stride { rate, .. } = self.stride;
        let (by_first, by_second) = (1.0 / self.stride.first, 1.0 / self.stride.second);
        let shrink = 1.0 - rate * self.slot.decay;
        let numbers = weights.iter_mut().zip(gradient).zip(first).zip(second);
        for (((weight, gradient), first), second) in numbers {
            *first += (1.0 - BETA_1) * (gradient - *first);
            *second += (1.0 - BETA_2) * (gradient * gradient - *second);
            let step = *first * by_first / ((*second * by_second).sqrt() + EPSILON);
            *weight = *weight * shrink - rate * step;
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
    use candle_core::{Device, Tensor};

    use super::*;
    use crate::ops::testing::some;

    #[test]
    fn both_ways_agree() {
        let (card, _) = crate::device::best();
        let variables = |device: &Device| {
            let both = [some(&[5, 3], 1), some(&[1, 4], 2)];
            both.map(|variable| Var::from_tensor(&variable.to_device(device).unwrap()).unwrap())
        };
        let (plain, moved) = (variables(&Device::Cpu), variables(&card));
        let pairs = |of: &[Var; 2]| of.iter().cloned().zip([0.5, 0.0]).collect::<Vec<_>>();
        let mut plain_steps = Optimizer::new(pairs(&plain), 0.9).unwrap();
        let weights = Weights::OnCard(Flat::new(pairs(&moved), true).unwrap());
        let mut flat_steps = Optimizer { weights, steps: 0, averaging: 0.9 };
        for step in 0..7 {
            for (optimizer, of) in [(&mut plain_steps, &plain), (&mut flat_steps, &moved)] {
                let loss = |variable: &Var| (variable.sqr()? + variable.as_tensor() * f64::from(step - 3))?.sum_all();
                let loss = (loss(&of[0]).unwrap() + loss(&of[1]).unwrap()).unwrap();
                optimizer.step(&loss.backward().unwrap(), 0.1).unwrap();
            }
        }
        for (plain, moved) in plain.iter().zip(&moved) {
            let averages = [plain_steps.average(plain).unwrap(), flat_steps.average(moved).unwrap()];
            let found = [values(plain).unwrap(), values(moved).unwrap()];
            for [one, other] in [averages, found] {
                assert!(one.iter().zip(&other).all(|(a, b)| (a - b).abs() < 1e-5), "{one:?} is not {other:?}");
            }
        }
    }

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
