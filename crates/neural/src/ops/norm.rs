//! Layer normalization (Ba, Kiros, Hinton, 2016): gain · (x − mean) / √(variance + ε) + shift, row by row.

use candle_core::{Result, Tensor};
use rayon::prelude::*;

use super::{Known, values};
use crate::lanes;

/// Added to the variance.
pub(crate) const EPSILON: f32 = 1e-5;

pub(crate) fn norm(rows: &Tensor, gain: &Tensor, shift: &Tensor) -> Result<Tensor> {
    if rows.device().is_cpu() { fused(rows, gain, shift) } else { on_card(rows, gain, shift) }
}

fn fused(rows: &Tensor, gain: &Tensor, shift: &Tensor) -> Result<Tensor> {
    let (count, width) = rows.dims2()?;
    let vector = gain.shape().clone();
    let (x, gains, shifts) = (values(rows)?, values(gain)?, values(shift)?);
    let mut result = vec![0.0; x.len()];
    let moments: Vec<(f32, f32)> = result
        .par_chunks_mut(width)
        .zip(x.par_chunks(width))
        .map(|(into, row)| {
            lanes::wide(
                #[inline(always)]
                || lanes::normalize(row, &gains, &shifts, EPSILON, into),
            )
        })
        .collect();
    let backward = move |gradient: &Tensor| {
        let incoming = values(gradient)?;
        let (mut by_row, mut by_gain, mut by_shift) = (vec![0.0; x.len()], vec![0.0; width], vec![0.0; width]);
        let rows = x.chunks(width).zip(incoming.chunks(width)).zip(by_row.chunks_mut(width)).zip(&moments);
        lanes::wide(
            #[inline(always)]
            || {
                let mut normal = vec![0.0; width];
                let mut weighed = vec![0.0; width];
                for (((x, incoming), by_row), (mean, inverse)) in rows {
                    for place in 0..width {
                        normal[place] = (x[place] - mean) * inverse;
                        weighed[place] = incoming[place] * gains[place];
                        by_gain[place] += incoming[place] * normal[place];
                        by_shift[place] += incoming[place];
                    }
                    let level = lanes::sum(&weighed) / width as f32;
                    let slope = lanes::dot(&weighed, &normal) / width as f32;
                    for place in 0..width {
                        by_row[place] = inverse * (weighed[place] - level - normal[place] * slope);
                    }
                }
            },
        );
        let device = gradient.device();
        Ok([
            Some(Tensor::from_vec(by_row, (count, width), device)?),
            Some(Tensor::from_vec(by_gain, vector.clone(), device)?),
            Some(Tensor::from_vec(by_shift, vector.clone(), device)?),
        ])
    };
    rows.apply_op3(gain, shift, Known::new("norm", result, (count, width), backward))
}

fn on_card(rows: &Tensor, gain: &Tensor, shift: &Tensor) -> Result<Tensor> {
    let (x, gains, vector) = (rows.detach(), gain.detach(), gain.shape().clone());
    let centred = x.broadcast_sub(&x.mean_keepdim(1)?)?;
    let deviation = (centred.sqr()?.mean_keepdim(1)? + f64::from(EPSILON))?.sqrt()?;
    let normal = centred.broadcast_div(&deviation)?;
    let result = normal.broadcast_mul(&gains)?.broadcast_add(&shift.detach())?;
    let backward = move |gradient: &Tensor| {
        let weighed = gradient.broadcast_mul(&gains)?;
        let slope = (&weighed * &normal)?.mean_keepdim(1)?;
        let by_row = weighed.broadcast_sub(&weighed.mean_keepdim(1)?)?.sub(&normal.broadcast_mul(&slope)?)?;
        Ok([
            Some(by_row.broadcast_div(&deviation)?),
            Some((gradient * &normal)?.sum(0)?.reshape(&vector)?),
            Some(gradient.sum(0)?.reshape(&vector)?),
        ])
    };
    rows.apply_op3(gain, shift, Known::of("norm", &result, backward)?)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{alike, some};
    use super::*;

    fn chain(rows: &Tensor, gain: &Tensor, shift: &Tensor) -> Result<Tensor> {
        let centred = rows.broadcast_sub(&rows.mean_keepdim(1)?)?;
        let deviation = (centred.sqr()?.mean_keepdim(1)? + f64::from(EPSILON))?.sqrt()?;
        centred.broadcast_div(&deviation)?.broadcast_mul(gain)?.broadcast_add(shift)
    }

    #[test]
    fn all_ways_agree() {
        let variables = [some(&[5, 24], 1), some(&[24], 2), some(&[24], 3)];
        alike(&variables, |of| fused(&of[0], &of[1], &of[2]), |of| chain(&of[0], &of[1], &of[2]));
        alike(&variables, |of| fused(&of[0], &of[1], &of[2]), |of| on_card(&of[0], &of[1], &of[2]));
    }
}
