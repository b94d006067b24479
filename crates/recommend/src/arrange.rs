//! Who of the good candidates stands where: pure functions from ranked candidates to a row of a page.
//!
//! A ranking finds what is likely wanted, one item at a time; a row is seen as a whole. Every function takes candidates
//! best first and gives back some of them in the order in which they are to stand, with their own scores; so they can
//! be put one behind the other. What items are like, belong to or are worth is asked of closures.
//!
//! | function | what for |
//! | --- | --- |
//! | [`mmr`], [`dpp`], [`spread`] | not ten of the same |
//! | [`calibrate`] | the shares of kinds that the customer's past has |
//! | [`with_quotas`] | at most, at least, and here of all places |
//! | [`blend`] | relevance, margin, stock and novelty at once |
//! | [`sure`] | the safe answer where little is known |
//! | [`explore_last`], [`sample`] | places for learning, with the probability of what stands there |
//!
//! ```
//! use mercer_recommend::arrange::{Quotas, mmr, with_quotas};
//! use mercer_recommend::{Item, Scored};
//!
//! let ranked: Vec<Scored> =
//!     (0..6).map(|item| Scored { item: Item(item), score: 1.0 - item as f32 / 10.0, because_of: None }).collect();
//! // Items of the same parity are alike.
//! let alike = |one: Item, other: Item| if one.0 % 2 == other.0 % 2 { 1.0 } else { 0.0 };
//! let varied = mmr(&ranked, 6, 0.5, alike);
//! assert_eq!([varied[0].item, varied[1].item], [Item(0), Item(1)]);
//! let parity = |item: Item| Some(item.0 % 2);
//! let row = with_quotas(&varied, 4, &Quotas { caps: vec![(&parity, 1)], ..Quotas::default() });
//! assert_eq!(row.len(), 2, "one of each");
//! ```

mod calibration;
mod confidence;
mod dispersion;
mod exploration;
mod marginal;
mod objectives;
mod process;
mod quotas;

pub use calibration::{Calibration, calibrate, divergence};
pub use confidence::sure;
pub use dispersion::spread;
pub use exploration::{Shown, explore_last, sample};
pub use marginal::mmr;
pub use objectives::{Objective, blend};
pub use process::dpp;
pub use quotas::{Cap, Floor, Quotas, with_quotas};

use crate::{Item, Scored};

/// Scores between 0 (the last candidate) and 1 (the first); all 1 when they are equal.
fn relevance(candidates: &[Scored]) -> Vec<f64> {
    let finite = || candidates.iter().map(|candidate| f64::from(candidate.score)).filter(|score| score.is_finite());
    let (low, high) = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
    let scale = |candidate: &Scored| {
        let score = f64::from(candidate.score).clamp(low, high);
        if high > low { (score - low) / (high - low) } else { 1.0 }
    };
    candidates.iter().map(scale).collect()
}

/// Mean of 1 − likeness over all pairs (intra-list diversity: Ziegler, McNee, Konstan, Lausen: "Improving recommendation
/// lists through topic diversification", WWW 2005); 0 for fewer than two.
pub fn diversity(items: &[Item], likeness: impl Fn(Item, Item) -> f64) -> f64 {
    let pairs =
        items.iter().enumerate().flat_map(|(place, one)| items[..place].iter().map(move |other| (*one, *other)));
    let (mut sum, mut count) = (0.0, 0.0);
    for (one, other) in pairs {
        sum += 1.0 - likeness(one, other);
        count += 1.0;
    }
    if count > 0.0 { sum / count } else { 0.0 }
}

#[cfg(test)]
mod testing {
    use crate::{Item, Scored};

    /// Items 0, 1, 2, … with falling scores.
    pub(super) fn candidates(scores: &[f32]) -> Vec<Scored> {
        let scored = |(item, score): (u32, &f32)| Scored { item: Item(item), score: *score, because_of: None };
        (0..).zip(scores).map(scored).collect()
    }

    pub(super) fn numbers(shown: &[Scored]) -> Vec<u32> {
        shown.iter().map(|scored| scored.item.0).collect()
    }

    /// Items of one group of ten are alike, others are not.
    pub(super) fn alike(one: Item, other: Item) -> f64 {
        f64::from(u8::from(one.0 / 10 == other.0 / 10))
    }

    /// A source of chance for tests: SplitMix64.
    pub(super) fn chance(mut state: u64) -> impl FnMut() -> f64 {
        move || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = state;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
        }
    }

    #[test]
    fn diversity_is_the_mean_over_pairs() {
        let items = [0, 1, 10].map(Item);
        assert!((super::diversity(&items, alike) - 2.0 / 3.0).abs() < 1e-12);
        assert_eq!(super::diversity(&items[..1], alike), 0.0);
    }
}
