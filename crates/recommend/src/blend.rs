//! Several models as one: a weighted sum of their answers.
//!
//! Each part is asked for its best `depth` items. A part's answer is made comparable either by its share of the total of
//! all its scores ([`Fusion::Share`]), of its best score ([`Fusion::Best`]), or by rank alone ([`Fusion::Rank`]: reciprocal
//! rank fusion, Cormack, Clarke, Büttcher, SIGIR 2009: 1 / (offset + rank)); then Σ weight × that. An item is explained
//! by what the part that gave it most names.
//!
//! ```
//! use mercer_recommend::blend::{Blend, Fusion};
//! use mercer_recommend::popularity::Popularity;
//! use mercer_recommend::{Item, Query, Recommender};
//! use mercer_schema::Timestamp;
//!
//! let (mut old, mut new) = (Popularity::default(), Popularity::default());
//! old.observe(Item(1), 1.0, Timestamp(0));
//! new.observe(Item(2), 1.0, Timestamp(0));
//! let (one, other) = (old.popular(), new.popular());
//! let parts: Vec<(&dyn Recommender, f32)> = vec![(&one, 1.0), (&other, 2.0)];
//! let blend = Blend { parts, fusion: Fusion::Share { sharpness: 1.0 }, depth: 100 };
//! assert_eq!(blend.recommend(&Query::default(), 2)[0].item, Item(2));
//! ```

use crate::ranking::best_of;
use crate::{Item, Query, Recommender, Scored};

/// How answers of different models are made comparable.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fusion {
    /// Score to the power of `sharpness` over the sum of those: 1 takes the scores as they are, less makes them more alike,
    /// more makes the best stand out.
    Share { sharpness: f32 },
    /// Score over the best score.
    Best,
    /// 1 / (offset + rank), the first rank being 1.
    Rank { offset: f32 },
}

/// A weighted sum of models. A part whose weight is not above zero is not asked.
#[derive(Clone)]
pub struct Blend<'a> {
    pub parts: Vec<(&'a dyn Recommender, f32)>,
    pub fusion: Fusion,
    /// Items that each part is asked for, whatever the limit is.
    pub depth: usize,
}

impl std::fmt::Debug for Blend<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let weights: Vec<f32> = self.parts.iter().map(|(_, weight)| *weight).collect();
        f.debug_struct("Blend").field("weights", &weights).field("fusion", &self.fusion).finish_non_exhaustive()
    }
}

impl Recommender for Blend<'_> {
    fn recommend(&self, query: &Query<'_>, limit: usize) -> Vec<Scored> {
        let asked = self.parts.iter().filter(|(_, weight)| counts(*weight));
        let answers: Vec<(Vec<Scored>, f32)> =
            asked.map(|(part, weight)| (part.recommend(query, self.depth), *weight)).collect();
        self.fusion.blend(answers.iter().map(|(found, weight)| (&found[..], *weight)), limit)
    }
}

fn counts(weight: f32) -> bool {
    weight > 0.0 && weight.is_finite()
}

impl Fusion {
    /// The weighted sum of answers; one whose weight is not above zero counts nothing.
    pub fn blend<'a>(self, answers: impl Iterator<Item = (&'a [Scored], f32)>, limit: usize) -> Vec<Scored> {
        let mut given: Vec<(Item, f32, Option<Item>)> = Vec::new();
        for (found, weight) in answers.filter(|(_, weight)| counts(*weight)) {
            let comparable = self.comparable(found);
            given.extend(
                found.iter().zip(comparable).map(|(scored, part)| (scored.item, weight * part, scored.because_of)),
            );
        }
        // Stable, so that the parts add up in their order.
        given.sort_by_key(|(item, ..)| *item);
        let sum = |group: &[(Item, f32, Option<Item>)]| {
            let most = group.iter().reduce(|most, next| if next.1 > most.1 { next } else { most });
            let score = group.iter().map(|(_, part, _)| part).sum::<f32>().min(f32::MAX);
            most.map(|(item, _, because_of)| Scored { item: *item, score, because_of: *because_of })
        };
        best_of(given.chunk_by(|a, b| a.0 == b.0).filter_map(sum).collect(), limit)
    }

    /// The parts of the answer, in its order; nothing where a score cannot be compared.
    fn comparable(self, found: &[Scored]) -> Vec<f32> {
        let over = |total: f64| found.iter().map(|scored| (f64::from(scored.score) / total) as f32).collect();
        match self {
            Self::Share { sharpness } => {
                let power = |scored: &Scored| f64::from(scored.score.max(0.0)).powf(f64::from(sharpness));
                let total: f64 = found.iter().map(power).sum();
                found.iter().map(|scored| (power(scored) / total) as f32).collect()
            }
            Self::Best => over(found.first().map_or(1.0, |best| f64::from(best.score))),
            Self::Rank { offset } => {
                (0..found.len()).map(|place| 1.0 / (offset.max(0.0) + place as f32 + 1.0)).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(Vec<(u32, f32)>);

    impl Recommender for Fixed {
        fn recommend(&self, _: &Query<'_>, limit: usize) -> Vec<Scored> {
            let scored = |(item, score): &(u32, f32)| Scored { item: Item(*item), score: *score, because_of: None };
            self.0.iter().take(limit).map(scored).collect()
        }
    }

    fn blended(fusion: Fusion, depth: usize, weights: [f32; 2]) -> Vec<(u32, f32)> {
        let (a, b) = (Fixed(vec![(1, 6.0), (2, 3.0), (3, 3.0)]), Fixed(vec![(3, 0.3), (2, 0.1)]));
        let blend = Blend { parts: vec![(&a, weights[0]), (&b, weights[1])], fusion, depth };
        blend.recommend(&Query::default(), 10).iter().map(|scored| (scored.item.0, scored.score)).collect()
    }

    fn assert_near(found: &[(u32, f32)], expected: &[(u32, f32)]) {
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.0 == expected.0 && (found.1 - expected.1).abs() < 1e-6, "{found:?} is not {expected:?}");
        }
    }

    #[test]
    fn adds_up_shares_best_scores_or_ranks() {
        assert_near(
            &blended(Fusion::Share { sharpness: 1.0 }, 9, [1.0, 2.0]),
            &[(3, 0.25 + 1.5), (2, 0.25 + 0.5), (1, 0.5)],
        );
        assert_near(&blended(Fusion::Best, 9, [2.0, 1.0]), &[(1, 2.0), (3, 1.0 + 1.0), (2, 1.0 + 1.0 / 3.0)]);
        let rank = Fusion::Rank { offset: 1.0 };
        assert_near(&blended(rank, 9, [1.0, 1.0]), &[(3, 0.25 + 0.5), (2, 1.0 / 3.0 + 1.0 / 3.0), (1, 0.5)]);
        assert_near(&blended(Fusion::Share { sharpness: 1.0 }, 1, [1.0, 2.0]), &[(3, 2.0), (1, 1.0)]);
        assert_near(&blended(Fusion::Share { sharpness: 1.0 }, 9, [0.0, f32::NAN]), &[]);
    }
}
