//! What is dropped at random in a step of training, so that nothing is learned by heart.

use candle_core::{Result, Tensor};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::settings::Settings;

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
        let kept = 1.0 / (1.0 - drops as f32 / 65_536.0);
        let mut mask = vec![0.0; x.elem_count()];
        for four in mask.chunks_mut(4) {
            let mut bits = dice.next_u64();
            for value in four {
                *value = if bits & 0xffff < drops { 0.0 } else { kept };
                bits >>= 16;
            }
        }
        &x * Tensor::from_vec(mask, x.shape(), x.device())?
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
