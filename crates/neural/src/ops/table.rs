//! The vectors of all items: a vector of the item's own plus the mean of the vectors of its attributes.
//!
//! v(i) = own(i) · kept(i) + 1/|A(i)| · Σ_{a ∈ A(i)} attribute(a). In training `kept` is 0 for a few items drawn anew at
//! every step, so that the attributes alone learn to stand for an item, as they must for one that is new.

use candle_core::{Result, Tensor};
use rayon::prelude::*;

use super::{Known, values};
use crate::lanes;

/// Attributes of items, row behind row.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Features {
    /// Attributes of item i: `entries[starts[i]..starts[i + 1]]`.
    pub(crate) starts: Vec<u32>,
    pub(crate) entries: Vec<u32>,
}

impl Features {
    pub(crate) fn new<'a>(rows: impl Iterator<Item = &'a [u32]>) -> Self {
        let mut features = Self { starts: vec![0], entries: Vec::new() };
        for row in rows {
            features.entries.extend(row);
            features.starts.push(features.entries.len() as u32);
        }
        features
    }

    pub(crate) fn of(&self, item: usize) -> &[u32] {
        match self.starts.get(item..) {
            Some([start, end, ..]) => &self.entries[*start as usize..*end as usize],
            _ => &[],
        }
    }
}

/// `kept` holds a factor for each item's own vector.
pub(crate) fn table(own: &Tensor, attributes: &Tensor, features: &Features, kept: Vec<f32>) -> Result<Tensor> {
    if own.device().is_cpu() {
        fused(own, attributes, features.clone(), kept)
    } else {
        chain(own, attributes, features, &kept)
    }
}

fn fused(own: &Tensor, attributes: &Tensor, features: Features, kept: Vec<f32>) -> Result<Tensor> {
    let (items, width) = own.dims2()?;
    let known = attributes.dim(0)?;
    let mut result = values(own)?;
    let vectors = values(attributes)?;
    result.par_chunks_mut(width).enumerate().for_each(|(item, row)| {
        lanes::wide(
            #[inline(always)]
            || {
                for value in &mut *row {
                    *value *= kept[item];
                }
                let of_item = features.of(item);
                for attribute in of_item {
                    let from = *attribute as usize * width;
                    lanes::add_scaled(row, 1.0 / of_item.len() as f32, &vectors[from..from + width]);
                }
            },
        );
    });
    let backward = move |gradient: &Tensor| {
        let mut incoming = values(gradient)?;
        let mut by_attribute = vec![0.0; known * width];
        lanes::wide(
            #[inline(always)]
            || {
                for (item, row) in incoming.chunks_mut(width).enumerate() {
                    let of_item = features.of(item);
                    for attribute in of_item {
                        let into = *attribute as usize * width;
                        lanes::add_scaled(&mut by_attribute[into..into + width], 1.0 / of_item.len() as f32, row);
                    }
                    for value in row {
                        *value *= kept[item];
                    }
                }
            },
        );
        let device = gradient.device();
        Ok([
            Some(Tensor::from_vec(incoming, (items, width), device)?),
            Some(Tensor::from_vec(by_attribute, (known, width), device)?),
        ])
    };
    own.apply_op2(attributes, Known::new("table", result, (items, width), backward))
}

fn chain(own: &Tensor, attributes: &Tensor, features: &Features, kept: &[f32]) -> Result<Tensor> {
    let (items, device) = (own.dim(0)?, own.device());
    let own = own.broadcast_mul(&Tensor::from_slice(kept, (items, 1), device)?)?;
    if features.entries.is_empty() {
        return Ok(own);
    }
    let (mut owners, mut shares) = (Vec::new(), Vec::new());
    for item in 0..items {
        let of_item = features.of(item);
        owners.extend(of_item.iter().map(|_| item as u32));
        shares.extend(of_item.iter().map(|_| 1.0 / of_item.len() as f32));
    }
    let count = owners.len();
    let picked = attributes.index_select(&Tensor::from_slice(&features.entries, count, device)?, 0)?;
    let weighed = picked.broadcast_mul(&Tensor::from_vec(shares, (count, 1), device)?)?;
    own.index_add(&Tensor::from_vec(owners, count, device)?, &weighed, 0)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{alike, some};
    use super::*;

    #[test]
    fn fused_and_chain_agree() {
        let (own, attributes) = (some(&[4, 6], 1), some(&[3, 6], 2));
        let features = Features::new([&[0_u32, 2][..], &[], &[1], &[2, 1, 0]].into_iter());
        let kept = vec![1.0, 0.0, 1.0, 0.0];
        alike(
            &[&own, &attributes],
            || fused(&own, &attributes, features.clone(), kept.clone()),
            || chain(&own, &attributes, &features, &kept),
        );
    }
}
