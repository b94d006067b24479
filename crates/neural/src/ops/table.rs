//! The vectors of all items: a vector of the item's own plus the mean of the vectors of its attributes.
//!
//! v(i) = own(i) · kept(i) + 1/|A(i)| · Σ_{a ∈ A(i)} attribute(a). In training `kept` is 0 for a few items drawn anew at
//! every step, so that the attributes alone learn to stand for an item, as they must for one that is new.

use std::sync::Arc;

use candle_core::{Device, Result, Tensor};
use rayon::prelude::*;

use super::pick::{Sums, owners};
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

/// How a card adds up the attributes of every item, and the derivatives by every attribute.
#[derive(Debug, Clone)]
pub(crate) struct Means(Arc<OnCard>);

#[derive(Debug)]
struct OnCard {
    by_item: Sums,
    by_attribute: Sums,
    /// 1/|A(i)|.
    shares: Tensor,
}

impl Means {
    /// Nothing on the processor, which needs none.
    pub(crate) fn new(features: &Features, attributes: usize, device: &Device) -> Result<Option<Self>> {
        if device.is_cpu() { Ok(None) } else { Self::of(features, attributes, device).map(Some) }
    }

    fn of(features: &Features, attributes: usize, device: &Device) -> Result<Self> {
        let sizes = || features.starts.windows(2).map(|pair| pair[1] - pair[0]);
        let items: Vec<u32> = (0..).zip(sizes()).flat_map(|(item, size)| (0..size).map(move |_| item)).collect();
        let mut of_attribute = owners(&features.entries, attributes);
        of_attribute.entries.iter_mut().for_each(|entry| *entry = items[*entry as usize]);
        let shares: Vec<f32> = sizes().map(|size| 1.0 / size.max(1) as f32).collect();
        let count = shares.len();
        Ok(Self(Arc::new(OnCard {
            by_item: Sums::new(features, device)?,
            by_attribute: Sums::new(&of_attribute, device)?,
            shares: Tensor::from_vec(shares, (count, 1), device)?,
        })))
    }
}

/// `kept` holds a factor for each item's own vector.
pub(crate) fn table(
    own: &Tensor,
    attributes: &Tensor,
    (features, means): (&Features, Option<&Means>),
    kept: Vec<f32>,
) -> Result<Tensor> {
    match means {
        None => fused(own, attributes, features.clone(), kept),
        Some(means) => on_card(own, attributes, means, kept),
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

fn on_card(own: &Tensor, attributes: &Tensor, means: &Means, kept: Vec<f32>) -> Result<Tensor> {
    let kept = Tensor::from_vec(kept, (own.dim(0)?, 1), own.device())?;
    let Means(means) = means.clone();
    let mean = means.by_item.of(&attributes.detach())?.broadcast_mul(&means.shares)?;
    let result = (own.detach().broadcast_mul(&kept)? + mean)?;
    let backward = move |gradient: &Tensor| {
        let by_attribute = means.by_attribute.of(&gradient.broadcast_mul(&means.shares)?)?;
        Ok([Some(gradient.broadcast_mul(&kept)?), Some(by_attribute)])
    };
    own.apply_op2(attributes, Known::of("table", &result, backward)?)
}

#[cfg(test)]
mod tests {
    use candle_core::Var;

    use super::super::testing::{alike, some};
    use super::*;

    fn chain(own: &Tensor, attributes: &Tensor, features: &Features, kept: &[f32]) -> Result<Tensor> {
        let (items, device) = (own.dim(0)?, own.device());
        let own = own.broadcast_mul(&Tensor::from_slice(kept, (items, 1), device)?)?;
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

    #[test]
    fn all_ways_agree() {
        let features = Features::new([&[0_u32, 2][..], &[], &[1], &[2, 1, 0]].into_iter());
        let kept = vec![1.0, 0.0, 1.0, 0.0];
        let variables = [some(&[4, 6], 1), some(&[3, 6], 2)];
        let fused = |of: &[Var]| fused(&of[0], &of[1], features.clone(), kept.clone());
        alike(&variables, fused, |of| chain(&of[0], &of[1], &features, &kept));
        alike(&variables, fused, |of| on_card(&of[0], &of[1], &Means::of(&features, 3, of[0].device())?, kept.clone()));
    }

    #[test]
    fn a_catalog_without_attributes_is_its_own_vectors() {
        let features = Features::new([&[][..]; 3].into_iter());
        let variables = [some(&[3, 6], 1), some(&[1, 6], 2)];
        let own = |of: &[Var]| fused(&of[0], &of[1], features.clone(), vec![1.0; 3]);
        alike(&variables, own, |of| on_card(&of[0], &of[1], &Means::of(&features, 1, of[0].device())?, vec![1.0; 3]));
    }
}
