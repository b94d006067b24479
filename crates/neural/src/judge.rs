//! What a network in training is worth: where it ranks the held-out items.

use candle_core::{DType, Result, Tensor};
use rayon::prelude::*;

use crate::batch::Batch;
use crate::error::Error;
use crate::fit::HeldOut;
use crate::network::Network;
use crate::noise::Noise;
use crate::ops::NOTHING;

/// Sequences asked together when the held-out items are looked for.
const ASKED_AT_ONCE: usize = 512;
/// Places of a ranking that count for the held-out items.
const CUTOFF: usize = 10;

/// Mean recall and NDCG of the held-out items.
pub(crate) fn judge(network: &Network, held_out: &[HeldOut]) -> std::result::Result<(f64, f64), Error> {
    let (mut hits, mut gain) = (0.0, 0.0);
    let table = network.table(&mut Noise::none())?;
    let turned = table.t()?;
    for asked in held_out.chunks(ASKED_AT_ONCE) {
        let batch = Batch::to_ask(asked.iter().map(|asked| &asked.sequence[..]), network.shape.longest);
        let hidden = network.hidden(&table, &batch, &mut Noise::none())?;
        let lasts = Tensor::from_vec(batch.lasts(), asked.len(), hidden.device())?;
        let scores = hidden.index_select(&lasts, 0)?.matmul(&turned)?;
        for rank in ranks(asked, &scores)?.into_iter().flatten().filter(|rank| *rank < CUTOFF) {
            hits += 1.0;
            gain += 1.0 / ((rank + 2) as f64).log2();
        }
    }
    let count = held_out.len().max(1) as f64;
    Ok((hits / count, gain / count))
}

/// Places from 0 of the items that came next; `scores` has a row for each question.
fn ranks(asked: &[HeldOut], scores: &Tensor) -> Result<Vec<Option<usize>>> {
    if !scores.device().is_cpu() {
        return on_card(asked, scores);
    }
    Ok(asked.par_iter().zip(scores.to_vec2()?).map(|(asked, scores)| rank(asked, scores)).collect())
}

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

/// The scores stay there: it counts the items that are ahead, and of those in the sequence only their scores come back.
fn on_card(asked: &[HeldOut], scores: &Tensor) -> Result<Vec<Option<usize>>> {
    let (device, (count, items)) = (scores.device(), scores.dims2()?);
    let looked: Vec<Vec<u32>> = asked.iter().map(|asked| looked_at(asked, items)).collect();
    let most = looked.iter().map(Vec::len).max().unwrap_or(1);
    let fill = |row: &Vec<u32>| row.iter().copied().chain(std::iter::repeat(NOTHING)).take(most).collect::<Vec<_>>();
    let numbers = Tensor::from_vec(looked.iter().flat_map(fill).collect::<Vec<_>>(), (count, most), device)?;
    let found = scores.gather(&numbers, 1)?;
    let (next, own) = (numbers.narrow(1, 0, 1)?.contiguous()?, found.narrow(1, 0, 1)?.contiguous()?);
    let earlier = Tensor::arange(0, items as u32, device)?.reshape((1, items))?.broadcast_lt(&next)?;
    let tied = (scores.broadcast_eq(&own)? * earlier)?;
    let ahead = (scores.broadcast_gt(&own)?.to_dtype(DType::F32)? + tied.to_dtype(DType::F32)?)?.sum(1)?;
    let ranks = ahead.to_vec1::<f32>()?.into_iter().zip(found.to_vec2::<f32>()?).zip(&looked);
    let rank = |((ahead, scores), looked): ((f32, Vec<f32>), &Vec<u32>)| {
        let (next, own) = (looked[0], scores[0]);
        let masked = looked.iter().zip(&scores).skip(1);
        let masked = masked.filter(|(item, score)| **score > own || (**score == own && **item < next)).count();
        (next != NOTHING).then(|| (ahead as usize).saturating_sub(masked))
    };
    Ok(ranks.map(rank).collect())
}

/// The item that came next, then each that is no answer.
fn looked_at(asked: &HeldOut, items: usize) -> Vec<u32> {
    let known = |item: &u32| (*item as usize) < items;
    let mut masked: Vec<u32> =
        if asked.repeats { Vec::new() } else { asked.sequence.iter().map(|item| item.0).collect() };
    masked.retain(|item| known(item) && *item != asked.next.0);
    masked.sort_unstable();
    masked.dedup();
    masked.insert(0, Some(asked.next.0).filter(known).unwrap_or(NOTHING));
    masked
}

#[cfg(test)]
mod tests {
    use mercer_recommend::Item;

    use super::*;

    #[test]
    fn card_and_processor_rank_alike() {
        let (count, items) = (40, 9);
        let scores: Vec<f32> = (0..count * items).map(|place| (place * place % 7) as f32).collect();
        let scores = Tensor::from_vec(scores, (count, items), &candle_core::Device::Cpu).unwrap();
        let asked: Vec<HeldOut> = (0..count as u32)
            .map(|place| HeldOut {
                sequence: [place % 5, 11, place * 3 % 9, place % 5].map(Item).to_vec(),
                next: Item(place % 10),
                repeats: place % 3 == 0,
            })
            .collect();
        let moved = scores.to_device(&crate::device::best().0).unwrap();
        let found = on_card(&asked, &moved).unwrap();
        assert_eq!(ranks(&asked, &scores).unwrap(), found);
        assert!(found.contains(&None) && found.iter().flatten().any(|rank| *rank > 2));
    }
}
