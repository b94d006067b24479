//! What is dropped at random in a step of training, so that nothing is learned by heart.

use candle_core::{Device, Result, Tensor};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::ops;
use crate::settings::Settings;

/// Numbers whose fate stands in one byte.
const TOGETHER: usize = 8;
/// Bytes that one task draws.
const PIECE: usize = 2_048;
/// Words of the dice for one byte: 16 bits for each number.
const WORDS: u128 = 4;

/// Nothing is dropped where there are no dice.
#[derive(Default)]
pub(crate) struct Noise<'a> {
    dice: Option<(&'a Settings, &'a mut ChaCha8Rng)>,
}

impl<'a> Noise<'a> {
    pub(crate) const fn none() -> Self {
        Self { dice: None }
    }

    pub(crate) const fn new(settings: &'a Settings, dice: &'a mut ChaCha8Rng) -> Self {
        Self { dice: Some((settings, dice)) }
    }

    /// Sets a share of the numbers to 0 and makes the rest larger by as much (Srivastava et al., JMLR 2014).
    pub(crate) fn drop(&mut self, x: Tensor, share: impl Fn(&Settings) -> f32) -> Result<Tensor> {
        let Some((settings, dice)) = &mut self.dice else { return Ok(x) };
        let drops = (share(settings) * 65_536.0) as u64;
        if drops == 0 {
            return Ok(x);
        }
        let count = x.elem_count();
        let mut dropped = vec![0; count.div_ceil(TOGETHER)];
        draw(&mut dropped, dice, drops);
        let bytes = dropped.len();
        let dropped = Tensor::from_vec(dropped, bytes, x.device())?;
        let mask = unpacked(1.0 / (1.0 - drops as f32 / 65_536.0), x.device())?.index_select(&dropped, 0)?;
        ops::masked(&x, mask.flatten_all()?.narrow(0, 0, count)?.reshape(x.shape())?)
    }

    /// Takes their own vectors from some of the items; the rest stay as they are.
    pub(crate) fn drop_own(&mut self, kept: &mut [f32]) {
        let Some((settings, dice)) = &mut self.dice else { return };
        if settings.own_dropout > 0.0 {
            let drops = (f64::from(settings.own_dropout) * f64::from(u32::MAX)) as u32;
            kept.iter_mut().filter(|_| dice.next_u32() < drops).for_each(|kept| *kept = 0.0);
        }
    }
}

/// Sets the bits of what is dropped. Every task goes to its own place of the dice, so that the same comes out as by drawing
/// one after the other.
fn draw(dropped: &mut [u8], dice: &mut ChaCha8Rng, drops: u64) {
    let begin = dice.get_word_pos();
    dropped.par_chunks_mut(PIECE).enumerate().for_each(|(number, piece)| {
        let mut dice = dice.clone();
        dice.set_word_pos(begin + (number * PIECE) as u128 * WORDS);
        for byte in piece {
            for half in [0, 4] {
                let bits = dice.next_u64();
                for place in 0..4 {
                    *byte |= u8::from((bits >> (16 * place)) & 0xffff < drops) << (half + place);
                }
            }
        }
    });
    dice.set_word_pos(begin + dropped.len() as u128 * WORDS);
}

/// For each byte a row of the numbers it stands for. So a thirtieth of the mask has to go to a card, which looks up the rest.
fn unpacked(kept: f32, device: &Device) -> Result<Tensor> {
    let rows = u32::from(u8::MAX) + 1;
    let number = |place: u32| if (place / 8) >> (place % 8) & 1 == 0 { kept } else { 0.0 };
    Tensor::from_iter((0..rows * TOGETHER as u32).map(number), device)?.reshape((rows as usize, TOGETHER))
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn tasks_draw_what_one_would() {
        let (mut dice, mut same) = (ChaCha8Rng::seed_from_u64(3), ChaCha8Rng::seed_from_u64(3));
        // From an odd place.
        assert_eq!(dice.next_u32(), same.next_u32());
        let mut dropped = vec![0; 3 * PIECE + 7];
        draw(&mut dropped, &mut dice, 20_000);
        for byte in dropped {
            for half in [0, 4] {
                let bits = same.next_u64();
                let drops = |place: u64| (bits >> (16 * place)) & 0xffff < 20_000;
                assert!((0..4).all(|place| drops(place) == (byte >> (half + place) & 1 == 1)));
            }
        }
        assert_eq!(dice.next_u64(), same.next_u64());
    }

    #[test]
    fn a_share_is_dropped_and_the_rest_grows() {
        let (device, _) = crate::device::best();
        let settings = Settings { dropout: 0.75, ..Settings::default() };
        let mut dice = ChaCha8Rng::seed_from_u64(3);
        let ones = Tensor::ones((1_001, 9), candle_core::DType::F32, &device).unwrap();
        let left = Noise::new(&settings, &mut dice).drop(ones, |settings| settings.dropout).unwrap();
        let left = ops::values(&left).unwrap();
        assert!(left.iter().all(|value| [0.0, 4.0].contains(value)));
        let mean = left.iter().sum::<f32>() / left.len() as f32;
        assert!((mean - 1.0).abs() < 0.1, "{mean}");
    }
}
