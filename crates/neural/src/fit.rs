//! Training: epochs of small steps, judged on held-out items, the best kept.

use std::time::Instant;

use candle_core::{Device, Tensor};
use mercer_recommend::Item;
use mercer_recommend::benchmark::Question;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::batch::{Batch, windows};
use crate::device;
use crate::error::Error;
use crate::judge::judge;
use crate::model::NextItem;
use crate::network::Network;
use crate::noise::Noise;
use crate::ops::{self, Features, Loss, Sample};
use crate::optimizer::Optimizer;
use crate::settings::Settings;

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
    pub fn fit(lessons: &Lessons<'_>, settings: &Settings, watch: impl FnMut(&Progress)) -> Result<Self, Error> {
        // An empty table is nothing that a card can hold.
        let device = if lessons.items == 0 { Device::Cpu } else { device::best().0 };
        Self::fit_on(&device, lessons, settings, watch)
    }

    fn fit_on(
        device: &Device,
        lessons: &Lessons<'_>,
        settings: &Settings,
        mut watch: impl FnMut(&Progress),
    ) -> Result<Self, Error> {
        check(settings)?;
        let features =
            Features::new((0..lessons.items).map(|item| lessons.attributes.get(item).map_or(&[][..], Vec::as_slice)));
        let mut seen = vec![0.0; lessons.items];
        let sequences: Vec<Vec<Item>> =
            lessons.sequences.iter().map(|sequence| known(sequence, lessons.items)).collect();
        sequences.iter().flatten().for_each(|item| seen[item.index()] = 1.0);
        let known: Vec<u32> = (0..lessons.items as u32).filter(|item| seen[*item as usize] > 0.0).collect();
        let network = Network::new(settings, features, seen, device)?;
        let mut windows = windows(&sequences, settings.shape.longest);
        let mut optimizer = Optimizer::new(network.variables(settings.decay), settings.averaging)?;
        let mut dice = ChaCha8Rng::seed_from_u64(settings.seed ^ 0x5eed);
        let steps = windows.len().div_ceil(settings.batch) * settings.epochs;
        let mut step = 0;
        let mut best: Option<(f64, usize, Network)> = None;
        for epoch in 1..=settings.epochs {
            let started = Instant::now();
            shuffle(&mut windows, &mut dice);
            let mut losses = Vec::new();
            for windows in windows.chunks(settings.batch) {
                let batch = Batch::to_learn(windows);
                let loss = learn(&network, &batch, &known, settings, &mut dice)?;
                let rate = settings.rate_at(step, steps);
                optimizer.step(&loss.backward()?, rate)?;
                losses.push((loss.detach(), batch.targets.len()));
                step += 1;
            }
            let loss = mean(&losses)?;
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

/// Losses are read when an epoch is over, because a card must come to a halt for that.
fn mean(losses: &[(Tensor, usize)]) -> Result<f64, Error> {
    let (mut sum, mut count) = (0.0, 0);
    for (loss, rows) in losses {
        sum += f64::from(loss.to_scalar::<f32>()?) * *rows as f64;
        count += rows;
    }
    Ok(sum / count.max(1) as f64)
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
    let table = ops::pick(&table, known)?;
    let place = |target: &u32| known.partition_point(|item| item < target) as u32;
    let targets: Vec<u32> = batch.targets.iter().map(place).collect();
    Ok(ops::cross_entropy(&hidden, &table, &targets, Loss { smoothing })?)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Shape;

    /// On a machine without a card this asks the processor twice.
    #[test]
    fn a_card_and_the_processor_learn_alike() {
        let sequences: Vec<Vec<Item>> = (0..200_u32)
            .map(|start| (0..3 + start % 5).map(|step| Item((start * 3 + step * 7) % 39)).collect())
            .collect();
        let attributes: Vec<Vec<u32>> =
            (0..40).map(|item| (0..item % 4).map(|place| (item + place) % 6).collect()).collect();
        let held_out: Vec<HeldOut> = (0..60_u32)
            .map(|start| HeldOut {
                sequence: vec![Item(start % 40)],
                next: Item((start + 7) % 40),
                repeats: start % 2 == 0,
            })
            .collect();
        let lessons = Lessons { sequences: &sequences, items: 40, attributes: &attributes, held_out: &held_out };
        let shape = Shape { width: 16, layers: 2, heads: 2, inner: 24, longest: 6 };
        let settings = Settings { shape, epochs: 3, batch: 32, warm_up: 5, ..Settings::default() };
        let (card, _) = device::best();
        for settings in [
            Settings { negatives: 12, ..settings },
            Settings { negatives: 0, smoothing: 0.1, ..settings },
            Settings { negatives: 0, scale: 12.0, averaging: 0.0, ..settings },
        ] {
            let heard = |device: &Device| {
                let mut heard = Vec::new();
                NextItem::fit_on(device, &lessons, &settings, |progress| heard.push(*progress)).unwrap();
                heard
            };
            for (here, there) in heard(&Device::Cpu).iter().zip(heard(&card)) {
                assert!((here.loss - there.loss).abs() < 1e-3 * here.loss, "{here:?} is not {there:?}");
                assert!((here.ndcg - there.ndcg).abs() < 0.02, "{here:?} is not {there:?}");
            }
        }
    }
}
