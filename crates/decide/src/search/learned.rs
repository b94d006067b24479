//! The learned order: what this customer is likely to want of the best hits, by a ranker instead of by a formula.
//!
//! The formula chooses which hits take part. The ranker's score of each, beside what everybody would see, is its *lift*:
//!
//! score(i) = fit(i) · exp(strength · lift(i)),  lift(i) = clamp(ranker(i) − ln fit(i) − c, ±[`MOST_LIFT`])
//!
//! with fit(i) what words and clicks say, the ranker's scores on the scale of its logarithm, and c what centres the lifts where the
//! formula's are. So strength 0 is the order for
//! everybody, 1 the ranker's and what is between a blend of both; and as a lift is bounded, so is how far below another by its
//! words a product can be and still be put before it.

use mercer_recommend::Item;
use mercer_recommend::guided::Rows;
use mercer_schema::ScorePart;

use super::Hit;
use super::features::{Customer, GUESS, GUESS_SPEAKS, Speaks, rows, speak};
use super::personal::{Part, Preferred};
use super::ranker::SearchRanker;

/// Hits that the ranker puts in order.
const RANKED: usize = 80;

/// A product is lifted or lowered to at most seven times (e²) what words and clicks say.
const MOST_LIFT: f64 = 2.0;

/// Whose order it is.
#[derive(Clone, Copy)]
pub(super) enum Order<'a> {
    By(&'a SearchRanker),
    /// The formula's, of which a lesson is made.
    Taught,
}

/// A ranker, and the customer as it sees them.
pub(super) struct Learned<'a> {
    pub(super) order: Order<'a>,
    pub(super) customer: Customer,
}

/// The hits that took part, as the ranker saw them.
pub(super) struct Ranked {
    pub(super) items: Vec<Item>,
    pub(super) rows: Rows<GUESS>,
    /// What the formula's lift is made of, by [`Part::ALL`].
    parts: Vec<[f32; Part::ALL.len()]>,
}

impl Learned<'_> {
    /// Puts hits, which come in the formula's order, in the ranker's; nothing where there is nothing to put in order.
    pub(super) fn rank(&self, preferred: &Preferred<'_>, hits: &mut [Hit<'_>], total: usize) -> Option<Ranked> {
        let coded = hits.iter().take_while(|hit| hit.is_coded).count();
        let (_, open) = hits.split_at_mut(coded);
        // What is only near stays behind.
        let end = open.iter().take_while(|hit| !hit.is_near()).count().min(RANKED);
        if end < 2 {
            return None;
        }
        let taking_part = &mut open[..end];
        let ranked = Ranked {
            rows: rows(preferred, &self.customer, taking_part, total),
            items: taking_part.iter().map(|hit| hit.item).collect(),
            parts: taking_part.iter().map(|hit| hit.parts).collect(),
        };
        if let Order::By(ranker) = self.order {
            lift(taking_part, &ranker.scores(&ranked.rows), preferred.strength());
            best_first(open);
        }
        Some(ranked)
    }
}

/// Gives each hit its lift.
fn lift(hits: &mut [Hit<'_>], scores: &[f32], strength: f64) {
    let fit = |hit: &Hit<'_>| hit.learned.max(f64::MIN_POSITIVE);
    let raw: Vec<f64> = hits.iter().zip(scores).map(|(hit, score)| f64::from(*score) - fit(hit).ln()).collect();
    let count = hits.len() as f64;
    let middle = raw.iter().sum::<f64>() / count;
    let formula = hits.iter().map(|hit| (hit.by_formula().max(f64::MIN_POSITIVE) / fit(hit)).ln()).sum::<f64>() / count;
    for (hit, raw) in hits.iter_mut().zip(raw) {
        let lift = (raw - middle + formula).clamp(-MOST_LIFT, MOST_LIFT);
        hit.score = hit.learned * (strength * lift).exp();
    }
}

pub(super) fn best_first(hits: &mut [Hit<'_>]) {
    let by_score = |a: &Hit<'_>, b: &Hit<'_>| b.score.total_cmp(&a.score).then(a.place.cmp(&b.place));
    hits.sort_by(|a, b| a.is_near().cmp(&b.is_near()).then_with(|| by_score(a, b)));
}

impl Ranked {
    /// Why a hit stands where it does beside the average one: by what it was multiplied, less 1, for each thing that the ranker
    /// looked at. Nothing of a hit that took no part.
    pub(super) fn parts(&self, ranker: &SearchRanker, item: Item, strength: f64) -> Vec<ScorePart> {
        let Some(place) = self.items.iter().position(|known| *known == item) else { return Vec::new() };
        let (of_row, of_guess) = ranker.contributions(&self.rows, place);
        let mut sums = [0.0_f64; Speaks::ALL.len()];
        let mut add = |speaks: Speaks, value: f64| {
            if let Some(number) = Speaks::ALL.iter().position(|known| *known == speaks) {
                sums[number] += value;
            }
        };
        speak().zip(&of_row).for_each(|(speaks, value)| add(speaks, f64::from(*value)));
        // What everybody's order says already is no lift.
        let fit = self.rows.guesses[place][0] - mean(&self.rows, 0);
        for (number, value) in of_guess.into_iter().enumerate() {
            match number {
                0 => add(Speaks::Words, f64::from(value - fit)),
                FORMULA => {
                    let personal = |part: &Part| part.is_personal();
                    let of_part = |part: Part| f64::from(self.parts[place][part as usize]);
                    let sum: f64 = Part::ALL.into_iter().filter(personal).map(of_part).sum();
                    let parts = Part::ALL.into_iter().filter(|part| personal(part) && sum != 0.0);
                    parts.for_each(|part| add(Speaks::Of(part), f64::from(value) * of_part(part) / sum));
                }
                _ => add(GUESS_SPEAKS[number], f64::from(value)),
            }
        }
        let told = Speaks::ALL.into_iter().zip(sums).filter(|(_, sum)| sum.abs() >= LEAST_TOLD);
        told.map(|(speaks, sum)| ScorePart { name: speaks.name().to_owned(), value: (strength * sum).exp_m1() })
            .collect()
    }
}

/// Where the formula's lift stands in a guess.
const FORMULA: usize = 1;
/// What changes less than a thousandth is left out.
const LEAST_TOLD: f64 = 1e-3;

fn mean(rows: &Rows<GUESS>, number: usize) -> f32 {
    rows.guesses.iter().map(|guess| guess[number]).sum::<f32>() / rows.len().max(1) as f32
}

#[cfg(test)]
mod tests {
    use mercer_schema::{Product, ProductId};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Relevance first: whatever a ranker says, what fits more than so many times better stays in front.
        #[test]
        fn a_weak_match_never_passes_one_that_is_far_better(
            fits in prop::collection::vec(0.001_f64..1.0, 2..60), seed in any::<u64>(), strength in 0.0_f64..1.0,
        ) {
            let product = Product::new(ProductId::trusted("p"), "P");
            let hit = |(item, fit): (u32, &f64)| Hit { learned: *fit, fit: *fit, ..Hit::new(Item(item), &product) };
            let mut hits: Vec<Hit<'_>> = (0..).zip(&fits).map(hit).collect();
            let scores: Vec<f32> = (0..hits.len() as u64)
                .map(|number| (seed.wrapping_mul(number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as f32 / 1e5 - 80.0)
                .collect();
            lift(&mut hits, &scores, strength);
            best_first(&mut hits);
            let bound = (2.0 * MOST_LIFT * strength).exp() * (1.0 + 1e-9);
            for (place, hit) in hits.iter().enumerate() {
                prop_assert!(hit.score.is_finite());
                for behind in &hits[place + 1..] {
                    prop_assert!(behind.learned <= hit.learned * bound, "{} before {}", hit.learned, behind.learned);
                }
            }
        }

        #[test]
        fn strength_nought_is_the_order_for_everybody(fits in prop::collection::vec(0.001_f64..1.0, 2..40)) {
            let product = Product::new(ProductId::trusted("p"), "P");
            let hit = |(item, fit): (u32, &f64)| Hit { learned: *fit, fit: *fit, ..Hit::new(Item(item), &product) };
            let mut hits: Vec<Hit<'_>> = (0..).zip(&fits).map(hit).collect();
            let scores: Vec<f32> = (0..hits.len()).map(|number| number as f32).collect();
            lift(&mut hits, &scores, 0.0);
            prop_assert!(hits.iter().all(|hit| hit.score == hit.learned));
        }
    }
}
