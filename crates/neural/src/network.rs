//! The network in training: variables, and the graph from items to what may come next.
//!
//! A decoder-only transformer over a shopper's items (Kang, McAuley: "SASRec", ICDM 2018). For each place the vector of
//! the item plus one for the place goes through blocks
//! x ← x + attend(norm(x)) · out ⊙ σ(norm(x) · gate) and x ← x + silu(norm(x) · in) · out ⊙ σ(norm(x) · gate),
//! normalized before and gated behind as in eSASRec (Tikhonovich et al., RecSys 2025). The same table of vectors goes in
//! and is compared with what comes out.

use candle_core::{Device, Result, Tensor, Var};
use rand::Rng;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::batch::Batch;
use crate::noise::Noise;
use crate::ops::{self, Features, Means, Sequences};
use crate::parts::{Block, Parts};
use crate::settings::{Settings, Shape};

/// Added to squared lengths before the root.
const SMALLEST: f64 = 1e-12;

#[derive(Debug)]
pub(crate) struct Network {
    pub(crate) shape: Shape,
    pub(crate) own: Var,
    pub(crate) attributes: Var,
    pub(crate) features: Features,
    means: Option<Means>,
    /// What cosines are multiplied by; 0 for plain products.
    pub(crate) scale: f32,
    /// 1 for items that occur in the training sequences; others have no vector of their own.
    pub(crate) seen: Vec<f32>,
    pub(crate) parts: Parts<Var>,
    device: Device,
}

impl Network {
    pub(crate) fn new(settings: &Settings, features: Features, seen: Vec<f32>, device: &Device) -> Result<Self> {
        let shape = settings.shape;
        let mut dice = ChaCha8Rng::seed_from_u64(settings.seed);
        let attributes = features.entries.iter().max().map_or(1, |most| *most as usize + 1);
        let sizes = Parts::sizes(&shape);
        let mut make = |(rows, columns): (usize, usize), spread: f32| {
            let values: Vec<f32> = (0..rows * columns).map(|_| spread * bell(&mut dice)).collect();
            Var::from_tensor(&Tensor::from_vec(values, (rows, columns), device)?)
        };
        let own = make((seen.len(), shape.width), 0.02)?;
        let attributes = make((attributes, shape.width), 0.02)?;
        let parts = sizes.map(|size| match *size {
            // Gains and shifts.
            (1, columns) => Var::zeros((1, columns), candle_core::DType::F32, device),
            size if size == sizes.places => make(size, 0.02),
            (rows, columns) => make((rows, columns), 1.0 / (rows as f32).sqrt() / 2.0_f32.sqrt()),
        })?;
        for gain in parts.gains() {
            gain.set(&gain.ones_like()?)?;
        }
        Ok(Self {
            shape,
            means: Means::new(&features, attributes.dim(0)?, device)?,
            own,
            attributes,
            features,
            scale: settings.scale,
            seen,
            parts,
            device: device.clone(),
        })
    }

    /// The same network with other values.
    pub(crate) fn with_values(&self, value: impl Fn(&Var) -> Result<Vec<f32>>) -> Result<Self> {
        let copy =
            |variable: &Var| Var::from_tensor(&Tensor::from_vec(value(variable)?, variable.dims(), &self.device)?);
        Ok(Self {
            shape: self.shape,
            own: copy(&self.own)?,
            attributes: copy(&self.attributes)?,
            features: self.features.clone(),
            means: self.means.clone(),
            scale: self.scale,
            seen: self.seen.clone(),
            parts: self.parts.map(copy)?,
            device: self.device.clone(),
        })
    }

    /// All variables with their share of decay: only what multiplies rows decays.
    pub(crate) fn variables(&self, decay: f32) -> Vec<(Var, f32)> {
        let decays = |variable: &Var| if variable.dims().first() == Some(&1) { 0.0 } else { decay };
        let tables = [(self.own.clone(), decay), (self.attributes.clone(), decay)];
        let parts = self.parts.all().into_iter().map(|variable| (variable.clone(), decays(variable)));
        tables.into_iter().chain(parts).collect()
    }

    /// The vectors of all items.
    pub(crate) fn table(&self, noise: &mut Noise<'_>) -> Result<Tensor> {
        let mut kept = self.seen.clone();
        noise.drop_own(&mut kept);
        let table = ops::table(&self.own, &self.attributes, (&self.features, self.means.as_ref()), kept)?;
        if self.scale > 0.0 { unit(&table) } else { Ok(table) }
    }

    /// For each place of each sequence, a vector that is like those of the items that may come next.
    pub(crate) fn hidden(&self, table: &Tensor, batch: &Batch, noise: &mut Noise<'_>) -> Result<Tensor> {
        let sequences = Sequences::new(&batch.starts, &self.device)?;
        let x = (ops::pick(table, &batch.items)? + ops::pick(&self.parts.places, &batch.places)?)?;
        let mut x = noise.drop(x, |settings| settings.input_dropout)?;
        for block in &self.parts.blocks {
            x = self.block(&x, block, &sequences, noise)?;
        }
        let hidden = ops::norm(&x, &self.parts.gain, &self.parts.shift)?;
        if self.scale > 0.0 { unit(&hidden)? * f64::from(self.scale) } else { Ok(hidden) }
    }

    fn block(
        &self,
        x: &Tensor,
        block: &Block<Var>,
        sequences: &Sequences<'_>,
        noise: &mut Noise<'_>,
    ) -> Result<Tensor> {
        let dropout = |settings: &Settings| settings.dropout;
        let normal = ops::norm(x, &block.attention_gain, &block.attention_shift)?;
        let looks = normal.matmul(&block.looks)?;
        let found = ops::attend(&looks, sequences, self.shape.heads)?.matmul(&block.attention_out)?;
        let found = ops::gate(&found, &normal.matmul(&block.attention_gate)?)?;
        let x = (x + noise.drop(found, dropout)?)?;
        let normal = ops::norm(&x, &block.forward_gain, &block.forward_shift)?;
        let inner = normal.matmul(&block.forward_in)?;
        let inner = noise.drop(ops::gate(&inner, &inner)?, dropout)?;
        let found = ops::gate(&inner.matmul(&block.forward_out)?, &normal.matmul(&block.forward_gate)?)?;
        x + noise.drop(found, dropout)?
    }
}

/// Rows of length 1; rows of zeros stay.
fn unit(rows: &Tensor) -> Result<Tensor> {
    rows.broadcast_div(&(rows.sqr()?.sum_keepdim(1)? + SMALLEST)?.sqrt()?)
}

/// Near enough a normal distribution: the sum of twelve even ones (Irwin, Hall).
fn bell(dice: &mut ChaCha8Rng) -> f32 {
    (0..12).map(|_| (dice.next_u32() >> 8) as f32 / (1 << 24) as f32).sum::<f32>() - 6.0
}
