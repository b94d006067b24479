//! `value · sigmoid(gate)`: with the value for a gate it is SiLU (Elfwing, Uchibe, Doya, 2018), and with a projection of
//! the block's input the gate of LiGR blocks (Borisyuk et al., "From Features to Transformers", 2025).

use candle_core::{Result, Tensor};
use rayon::prelude::*;

use super::{Known, values};
use crate::lanes;

/// Numbers that one task takes.
const PIECE: usize = 16_384;

pub(crate) fn gate(value: &Tensor, gate: &Tensor) -> Result<Tensor> {
    if value.device().is_cpu() { fused(value, gate) } else { on_card(value, gate) }
}

fn fused(value: &Tensor, gate: &Tensor) -> Result<Tensor> {
    let shape = value.shape().clone();
    let (x, mut open) = (values(value)?, values(gate)?);
    let mut result = vec![0.0; x.len()];
    result.par_chunks_mut(PIECE).zip(x.par_chunks(PIECE)).zip(open.par_chunks_mut(PIECE)).for_each(
        |((result, x), open)| {
            lanes::wide(
                #[inline(always)]
                || {
                    for ((result, x), open) in result.iter_mut().zip(x).zip(open) {
                        *open = lanes::sigmoid(*open);
                        *result = x * *open;
                    }
                },
            );
        },
    );
    let known = shape.clone();
    let backward = move |gradient: &Tensor| {
        let mut by_value = values(gradient)?;
        let mut by_gate = vec![0.0; by_value.len()];
        lanes::wide(
            #[inline(always)]
            || {
                for (((by_value, by_gate), x), open) in by_value.iter_mut().zip(&mut by_gate).zip(&x).zip(&open) {
                    *by_gate = *by_value * x * open * (1.0 - open);
                    *by_value *= open;
                }
            },
        );
        let device = gradient.device();
        Ok([
            Some(Tensor::from_vec(by_value, known.clone(), device)?),
            Some(Tensor::from_vec(by_gate, known.clone(), device)?),
        ])
    };
    value.apply_op2(gate, Known::new("gate", result, shape, backward))
}

fn on_card(value: &Tensor, gate: &Tensor) -> Result<Tensor> {
    let x = value.detach();
    let open = gate.detach().affine(0.5, 0.0)?.tanh()?.affine(0.5, 0.5)?;
    let result = (&x * &open)?;
    let backward = move |gradient: &Tensor| {
        let by_value = (gradient * &open)?;
        let by_gate = ((&by_value * &x)? * open.affine(-1.0, 1.0)?)?;
        Ok([Some(by_value), Some(by_gate)])
    };
    value.apply_op2(gate, Known::of("gate", &result, backward)?)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{alike, some};
    use super::*;

    fn chain(value: &Tensor, gate: &Tensor) -> Result<Tensor> {
        value / (gate.neg()?.exp()? + 1.0)?
    }

    #[test]
    fn all_ways_agree() {
        let variables = [some(&[7, 12], 1), some(&[7, 12], 2)];
        alike(&variables, |of| fused(&of[0], &of[1]), |of| chain(&of[0], &of[1]));
        alike(&variables, |of| fused(&of[0], &of[1]), |of| on_card(&of[0], &of[1]));
        alike(&variables[..1], |of| fused(&of[0], &of[0]), |of| on_card(&of[0], &of[0]));
    }
}
