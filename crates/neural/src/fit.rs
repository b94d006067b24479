//! Training: epochs of small steps, judged on held-out items, the best kept.

use std::time::Instant;

use candle_core::Tensor;
use mercer_recommend::Item;
use mercer_recommend::benchmark::Question;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::batch::{Batch, windows};
use crate::device;
use crate::error::Error;
use crate::model::NextItem;
use crate::network::Network;
use crate::noise::Noise;
use crate::ops::{self, Features, Loss, Sample};
use crate::optimizer::Optimizer;
use crate::settings::Settings;

/// Sequences asked together when the held-out items are looked for.
const ASKED_AT_ONCE: usize = 512;
/// Places of a ranking that count for the held-out items.
const CUTOFF: usize = 10;

/// What to learn from.
#[derive(Debug, Clone, Copy, Default)]
pub struct Lessons<'a> {
    /// What each customer took, oldest first.
    pub sequences: &'a [Vec<Item>],
    /// One past the largest item number.
    pub items: usize,
    /// Attributes of each item by its number, as dense numbers; may be shorter than the items, or empty.
    pub attributes: &'a [Vec<u32>],
    /// What tells when to stop; without any, all epochs are made.
    pub held_out: &'a [HeldOut],
}

/// A sequence with the item that came next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldOut {
    pub sequence: Vec<Item>,
    pub next: Item,
    /// Whether the items of the sequence count as answers.
    pub repeats: bool,
}

impl From<&Question> for HeldOut {
    /// Of a benchmark; where it masks nothing, items may come again.
    fn from(question: &Question) -> Self {
        let next = question.relevant.first().copied().unwrap_or(Item(u32::MAX));
        Self { sequence: question.session.clone(), next, repeats: question.masked.is_empty() }
    }
}

/// Where training stands after an epoch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// From 1.
    pub epoch: usize,
    /// Mean loss over the epoch.
    pub loss: f64,
    /// Time that the steps took.
    pub seconds: f64,
    /// Recall and NDCG over the first ten places, all items ranked; 0 without held-out items.
    pub recall: f64,
    pub ndcg: f64,
}

impl NextItem {
    /// Trains on the processor, or with the feature `gpu` on the first card, where there is one; [`trains_on`](crate::trains_on)
    /// says on which. `watch` hears of every epoch.
    pub fn fit(lessons: &Lessons<'_>, settings: &Settings, mut watch: impl FnMut(&Progress)) -> Result<Self, Error> {
        check(settings)?;
        let (device, _) = device::best();
        let features =
            Features::new((0..lessons.items).map(|item| lessons.attributes.get(item).map_or(&[][..], Vec::as_slice)));
        let mut seen = vec![0.0; lessons.items];
        let sequences: Vec<Vec<Item>> =
            lessons.sequences.iter().map(|sequence| known(sequence, lessons.items)).collect();
        sequences.iter().flatten().for_each(|item| seen[item.index()] = 1.0);
        let known: Vec<u32> = (0..lessons.items as u32).filter(|item| seen[*item as usize] > 0.0).collect();
        let network = Network::new(settings, features, seen, &device)?;
        let mut windows = windows(&sequences, settings.shape.longest);
        let mut optimizer = Optimizer::new(network.variables(settings.decay), settings.averaging)?;
        let mut dice = ChaCha8Rng::seed_from_u64(settings.seed ^ 0x5eed);
        let steps = windows.len().div_ceil(settings.batch) * settings.epochs;
        let mut step = 0;
        let mut best: Option<(f64, usize, Network)> = None;
        for epoch in 1..=settings.epochs {
            let started = Instant::now();
            shuffle(&mut windows, &mut dice);
            let mut losses = (0.0, 0);
            for windows in windows.chunks(settings.batch) {
                let batch = Batch::to_learn(windows);
                let loss = learn(&network, &batch, &known, settings, &mut dice)?;
                let rate = settings.rate_at(step, steps);
                optimizer.step(&loss.backward()?, rate)?;
                losses = (
                    losses.0 + f64::from(loss.to_scalar::<f32>()?) * batch.targets.len() as f64,
                    losses.1 + batch.targets.len(),
                );
                step += 1;
            }
            let loss = losses.0 / losses.1.max(1) as f64;
            if !loss.is_finite() {
                return Err(Error::Astray { epoch });
            }
            let seconds = started.elapsed().as_secs_f64();
            let averaged = network.with_values(|variable| optimizer.average(variable))?;
            let (recall, ndcg) = judge(&averaged, lessons.held_out)?;
            watch(&Progress { epoch, loss, seconds, recall, ndcg });
            if lessons.held_out.is_empty() || best.as_ref().is_none_or(|(most, _, _)| ndcg > *most) {
                best = Some((ndcg, epoch, averaged));
            } else if best.as_ref().is_some_and(|(_, found, _)| epoch - found >= settings.patience) {
                break;
            }
        }
        let network = best.map_or(network, |(_, _, network)| network);
        Ok(Self::of(&network, settings)?)
    }
}

fn check(settings: &Settings) -> Result<(), Error> {
    let shape = settings.shape;
    if [shape.width, shape.layers, shape.heads, shape.inner, shape.longest, settings.batch].contains(&0) {
        return Err(Error::Settings("a size is 0"));
    }
    if !shape.width.is_multiple_of(shape.heads) {
        return Err(Error::Settings("the width is no multiple of the heads"));
    }
    Ok(())
}

fn known(sequence: &[Item], items: usize) -> Vec<Item> {
    sequence.iter().copied().filter(|item| item.index() < items).collect()
}

/// Fisher and Yates.
fn shuffle<T>(all: &mut [T], dice: &mut ChaCha8Rng) {
    for place in (1..all.len()).rev() {
        all.swap(place, (dice.next_u64() % (place as u64 + 1)) as usize);
    }
}

fn learn(
    network: &Network,
    batch: &Batch,
    known: &[u32],
    settings: &Settings,
    dice: &mut ChaCha8Rng,
) -> Result<Tensor, Error> {
    let Settings { smoothing, negatives, .. } = *settings;
    let mut noise = Noise::new(settings, dice);
    let table = network.table(&mut noise)?;
    let hidden = network.hidden(&table, batch, &mut noise)?;
    if negatives > 0 && negatives < known.len() {
        let sample: Vec<u32> = (0..negatives).map(|_| known[(dice.next_u64() % known.len() as u64) as usize]).collect();
        return Ok(ops::sampled_cross_entropy(
            &hidden,
            &table,
            &batch.targets,
            Sample { items: &sample, of: known.len() },
        )?);
    }
    if known.len() == network.seen.len() {
        return Ok(ops::cross_entropy(&hidden, &table, &batch.targets, Loss { smoothing })?);
    }
    // What nobody took can be no answer, and would only learn to be none.
    let table = table.index_select(&Tensor::from_slice(known, known.len(), table.device())?, 0)?;
    let place = |target: &u32| known.partition_point(|item| item < target) as u32;
    let targets: Vec<u32> = batch.targets.iter().map(place).collect();
    Ok(ops::cross_entropy(&hidden, &table, &targets, Loss { smoothing })?)
}

/// Mean recall and NDCG of the held-out items.
fn judge(network: &Network, held_out: &[HeldOut]) -> Result<(f64, f64), Error> {
    let (mut hits, mut gain) = (0.0, 0.0);
    let table = network.table(&mut Noise::none())?;
    let turned = table.t()?;
    for asked in held_out.chunks(ASKED_AT_ONCE) {
        let batch = Batch::to_ask(asked.iter().map(|asked| &asked.sequence[..]), network.shape.longest);
        let hidden = network.hidden(&table, &batch, &mut Noise::none())?;
        let lasts = Tensor::from_vec(batch.lasts(), asked.len(), hidden.device())?;
        let scores: Vec<Vec<f32>> = hidden.index_select(&lasts, 0)?.matmul(&turned)?.to_vec2()?;
        let ranks: Vec<Option<usize>> =
            asked.par_iter().zip(scores).map(|(asked, scores)| rank(asked, scores)).collect();
        for rank in ranks.into_iter().flatten().filter(|rank| *rank < CUTOFF) {
            hits += 1.0;
            gain += 1.0 / ((rank + 2) as f64).log2();
        }
    }
    let count = held_out.len().max(1) as f64;
    Ok((hits / count, gain / count))
}

/// Place from 0 of the item that came next.
fn rank(asked: &HeldOut, mut scores: Vec<f32>) -> Option<usize> {
    let own = *scores.get(asked.next.index())?;
    if !asked.repeats {
        for item in asked.sequence.iter().filter(|item| **item != asked.next) {
            if let Some(score) = scores.get_mut(item.index()) {
                *score = f32::NEG_INFINITY;
            }
        }
    }
    let ahead = |(item, score): (usize, &f32)| *score > own || (*score == own && item < asked.next.index());
    Some(scores.iter().enumerate().filter(|place| ahead(*place)).count())
}

impl Settings {
    /// Grows evenly through the warm-up, then falls along half a cosine to a tenth.
    fn rate_at(&self, step: usize, steps: usize) -> f32 {
        if step < self.warm_up {
            return self.rate * (step + 1) as f32 / self.warm_up as f32;
        }
        let gone = (step - self.warm_up) as f32 / (steps.saturating_sub(self.warm_up)).max(1) as f32;
        self.rate * (0.55 + 0.45 * (gone.min(1.0) * std::f32::consts::PI).cos())
    }
}
