//! What the next tree should change: first and second derivatives of a group's scores.

/// What is learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Objective {
    /// Pairs, by what changing their places would change of NDCG.
    LambdaMart,
    /// The cross entropy between what was wanted and the softmax of the scores (Cao et al.: "Learning to Rank: From Pairwise
    /// Approach to Listwise Approach", ICML 2007; for a list of several, Bruch et al., ICTIR 2019).
    Softmax,
}

impl std::str::FromStr for Objective {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        match name {
            "lambdamart" => Ok(Self::LambdaMart),
            "softmax" => Ok(Self::Softmax),
            _ => Err(()),
        }
    }
}

/// A derivative and the one of it: the loss falls against the first, and the second says how far.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Gradient {
    pub(super) slope: f32,
    pub(super) curvature: f32,
}

/// A group as it stands.
pub(super) struct Group<'a> {
    pub(super) scores: &'a [f32],
    pub(super) relevance: &'a [f32],
    pub(super) wanted: usize,
    pub(super) cutoff: usize,
}

fn discount(place: usize) -> f32 {
    1.0 / (place as f32 + 2.0).log2()
}

impl Group<'_> {
    /// Rows, the highest score first; earlier rows first among equals.
    fn ranking(&self) -> Vec<usize> {
        let mut ranking: Vec<usize> = (0..self.scores.len()).collect();
        ranking.sort_by(|a, b| self.scores[*b].total_cmp(&self.scores[*a]));
        ranking
    }

    fn ideal(&self) -> f32 {
        // Gains are the relevance itself, and those of missing rows are taken to be 1.
        let mut gains: Vec<f32> = self.relevance.iter().copied().filter(|gain| *gain > 0.0).collect();
        gains.resize(gains.len().max(self.wanted), 1.0);
        gains.sort_unstable_by(|a, b| b.total_cmp(a));
        gains.iter().take(self.cutoff).enumerate().map(|(place, gain)| gain * discount(place)).sum()
    }

    pub(super) fn ndcg(&self) -> f64 {
        let ranking = self.ranking();
        let places = ranking.iter().take(self.cutoff).enumerate();
        let found: f32 = places.map(|(place, row)| self.relevance[*row] * discount(place)).sum();
        let ideal = self.ideal();
        if ideal > 0.0 { f64::from(found / ideal) } else { 0.0 }
    }

    pub(super) fn gradients(&self, objective: Objective) -> Vec<Gradient> {
        match objective {
            Objective::LambdaMart => self.lambdas(),
            Objective::Softmax => self.cross_entropy(),
        }
    }

    fn lambdas(&self) -> Vec<Gradient> {
        let mut gradients = vec![Gradient::default(); self.scores.len()];
        let (ranking, ideal) = (self.ranking(), self.ideal());
        // A place behind the last that counts is worth nothing, so pairs of two such move nothing.
        let worth: Vec<f32> =
            (0..ranking.len()).map(|place| if place < self.cutoff { discount(place) } else { 0.0 }).collect();
        let mut total = 0.0;
        for (high, row) in ranking.iter().enumerate().take(self.cutoff) {
            for (low, other) in ranking.iter().enumerate().skip(high + 1) {
                let gain = self.relevance[*row] - self.relevance[*other];
                if gain == 0.0 {
                    continue;
                }
                let (better, worse) = if gain > 0.0 { (*row, *other) } else { (*other, *row) };
                let change = gain.abs() * (worth[high] - worth[low]) / ideal;
                let wrong = 1.0 / (1.0 + (self.scores[better] - self.scores[worse]).exp());
                let (push, curvature) = (change * wrong, change * wrong * (1.0 - wrong));
                gradients[better].slope -= push;
                gradients[worse].slope += push;
                gradients[better].curvature += curvature;
                gradients[worse].curvature += curvature;
                total += 2.0 * push;
            }
        }
        // Groups of many wanted rows have many pairs; they should not drown the others.
        if total > 0.0 {
            let factor = (1.0 + total).log2() / total;
            for gradient in &mut gradients {
                gradient.slope *= factor;
                gradient.curvature *= factor;
            }
        }
        gradients
    }

    fn cross_entropy(&self) -> Vec<Gradient> {
        let highest = self.scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let powers: Vec<f32> = self.scores.iter().map(|score| (score - highest).exp()).collect();
        let (all, wanted) = (powers.iter().sum::<f32>(), self.relevance.iter().sum::<f32>());
        let gradient = |(power, relevance): (&f32, &f32)| {
            let share = power / all;
            Gradient { slope: share - relevance / wanted, curvature: share * (1.0 - share) }
        };
        powers.iter().zip(self.relevance).map(gradient).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group<'a>(scores: &'a [f32], relevance: &'a [f32]) -> Group<'a> {
        Group { scores, relevance, wanted: 0, cutoff: 2 }
    }

    #[test]
    fn a_pair_is_pushed_by_what_it_is_worth() {
        let found = group(&[1.0, 0.0], &[0.0, 1.0]).gradients(Objective::LambdaMart);
        let push = (1.0 - discount(1)) / (1.0 + (-1.0_f32).exp());
        let expected = push * (1.0 + 2.0 * push).log2() / (2.0 * push);
        assert!((found[0].slope - expected).abs() < 1e-6 && (found[1].slope + expected).abs() < 1e-6, "{found:?}");
        assert!(found.iter().all(|gradient| gradient.curvature > 0.0));
    }

    #[test]
    fn places_that_do_not_count_move_nothing() {
        let found = group(&[3.0, 2.0, 1.0, 0.0], &[1.0, 1.0, 0.0, 1.0]).gradients(Objective::LambdaMart);
        assert_eq!(found[3].slope, 0.0, "it has only equals before it in the places that count");
        assert!(found[0].slope < 0.0 && found[2].slope > 0.0);
    }

    #[test]
    fn the_cross_entropy_falls_along_its_slope() {
        let relevance = [1.0, 0.0, 0.0];
        let loss = |scores: &[f32; 3]| scores.iter().map(|score| score.exp()).sum::<f32>().ln() - scores[0];
        let scores = [0.3, -0.2, 0.9];
        let found = group(&scores, &relevance).gradients(Objective::Softmax);
        for row in 0..3 {
            let mut moved = scores;
            moved[row] += 1e-2;
            assert!(((loss(&moved) - loss(&scores)) / 1e-2 - found[row].slope).abs() < 1e-2, "{row}");
        }
    }

    #[test]
    fn ndcg_counts_what_is_missing() {
        assert!((group(&[2.0, 1.0], &[1.0, 0.0]).ndcg() - 1.0).abs() < 1e-6);
        let short = Group { wanted: 2, ..group(&[2.0, 1.0], &[1.0, 0.0]) };
        assert!((short.ndcg() - f64::from(1.0 / (1.0 + discount(1)))).abs() < 1e-6);
        assert_eq!(group(&[1.0], &[0.0]).ndcg(), 0.0);
    }
}
