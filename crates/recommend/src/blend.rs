//! Several models asked at once, their answers weighed together.
//!
//! Scores of different models do not compare, so that each answer is made a distribution first: of the best `depth` items
//! of model m, item i has p_m(i) = s_m(i)^sharpness / Σ_j s_m(j)^sharpness. The blend ranks by Σ_m weight_m · p_m(i). An
//! item that a model does not name counts nothing there.

use crate::ranking::Sums;
use crate::{Item, Query, Recommender, Scored};

/// A model with what its answer counts.
pub struct Part<'a> {
    pub model: &'a dyn Recommender,
    pub weight: f32,
    /// 1 takes the scores as they are; less makes them more alike, more makes the best stand out.
    pub sharpness: f32,
}

impl std::fmt::Debug for Part<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Part {{ weight: {}, sharpness: {} }}", self.weight, self.sharpness)
    }
}

#[derive(Debug)]
pub struct Blend<'a> {
    parts: Vec<Part<'a>>,
    depth: usize,
}

impl<'a> Blend<'a> {
    /// The best `depth` items of each model count, however many are asked for.
    pub const fn new(parts: Vec<Part<'a>>, depth: usize) -> Self {
        Self { parts, depth }
    }
}

impl Recommender for Blend<'_> {
    fn recommend(&self, query: &Query<'_>, limit: usize) -> Vec<Scored> {
        let answers: Vec<(&Part<'_>, Vec<Scored>)> =
            self.parts.iter().map(|part| (part, part.model.recommend(query, self.depth))).collect();
        let found = || answers.iter().flat_map(|(_, answer)| answer);
        let items = found().map(|scored| scored.item.index() + 1).max().unwrap_or(0);
        let mut sums = Sums::new(items, found().count());
        for (part, answer) in &answers {
            // By the best score, so that no power leaves the range of the numbers.
            let best = answer.first().map_or(1.0, |scored| scored.score);
            let shares: Vec<f32> =
                answer.iter().map(|scored| (scored.score / best).max(0.0).powf(part.sharpness)).collect();
            let total: f32 = shares.iter().sum();
            for (scored, share) in answer.iter().zip(shares) {
                sums.add(scored.item, part.weight * share / total, scored.because_of);
            }
        }
        sums.best(limit, std::iter::empty::<Item>(), |_| 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Always(Vec<(u32, f32)>);

    impl Recommender for Always {
        fn recommend(&self, _: &Query<'_>, limit: usize) -> Vec<Scored> {
            let scored = |(item, score): &(u32, f32)| Scored { item: Item(*item), score: *score, because_of: None };
            self.0.iter().take(limit).map(scored).collect()
        }
    }

    fn blended(sharpness: f32, depth: usize) -> Vec<(u32, f32)> {
        let (first, second) = (Always(vec![(1, 6.0), (2, 2.0)]), Always(vec![(2, 0.3), (3, 0.1), (4, 0.1)]));
        let part = |model, weight| Part { model, weight, sharpness };
        let blend = Blend::new(vec![part(&first as &dyn Recommender, 0.5), part(&second, 1.0)], depth);
        blend.recommend(&Query::default(), 10).iter().map(|scored| (scored.item.0, scored.score)).collect()
    }

    fn assert_close(found: &[(u32, f32)], expected: &[(u32, f32)]) {
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.0 == expected.0 && (found.1 - expected.1).abs() < 1e-6, "{found:?} is not {expected:?}");
        }
    }

    #[test]
    fn adds_up_weighed_distributions() {
        assert_close(&blended(1.0, 10), &[(2, 0.725), (1, 0.375), (3, 0.2), (4, 0.2)]);
        assert_close(&blended(0.0, 10), &[(2, 0.25 + 1.0 / 3.0), (3, 1.0 / 3.0), (4, 1.0 / 3.0), (1, 0.25)]);
        assert_close(&blended(1.0, 1), &[(2, 1.0), (1, 0.5)]);
    }

    #[test]
    fn nothing_blends_to_nothing() {
        assert!(Blend::new(Vec::new(), 10).recommend(&Query::default(), 5).is_empty());
        let empty = Always(Vec::new());
        let parts = vec![Part { model: &empty, weight: 1.0, sharpness: 1.0 }];
        assert!(Blend::new(parts, 10).recommend(&Query::default(), 5).is_empty());
    }
}
