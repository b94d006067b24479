//! Phase *explore*: one of the first places for a product from further down, by chance.
//!
//! On a share `ε` of the first pages a product of the ranks 11 to 60 is put into one of the first ten places, and what stood
//! from there on moves down by one. Product and place are drawn independently: the place with probability 1/10 each, the
//! product `d` with probability `w(d)`, half of it on products that are new in the shop where there are any, and in proportion to
//! how good they may be at best. Counted from rank 0, with `m` the end of the ranks that are drawn from,
//!
//! - the product that was drawn stands at its place with probability `ε w(d) / 10`;
//! - the product of rank `r` stands one lower with probability `ε (r + 1) / 10` below rank 10, and `ε` times the sum of the
//!   weights behind it from there to `m`; it stands at its own place with what is left of 1, save that it may be drawn itself.
//!
//! The dice follow from who searches what on which day, so that further pages go on from the same order.

use mercer_recommend::Item;
use mercer_schema::SearchRequest;
use mercer_search::FIRST_PLACES;

use super::Hit;
use super::chance::{Purpose, dice};
use crate::page::PageView;
use crate::seed::Dice;
use crate::slot::NEW_FOR;

/// The end of the ranks from which a product is drawn.
const LAST_RANK: usize = 60;
/// The part of the chance that new products have where there are any.
const NEW_SHARE: f64 = 0.5;
/// The power by which better prospects are drawn more often.
const BOLDNESS: f64 = 2.0;

/// Lets chance have its place, unless it is among the `settled` first ones, which earlier pages showed. The number of the hit that
/// it put there.
pub(super) fn explore(
    page: &PageView<'_>,
    request: &SearchRequest,
    settled: usize,
    hits: &mut Vec<Hit<'_>>,
) -> Option<usize> {
    let share = page.world.search_settings.exploration;
    if share <= 0.0 || hits.iter().take(FIRST_PLACES).any(|hit| hit.is_coded) {
        return None;
    }
    let mut dice = dice(page, request, Purpose::Exploring)?;
    let end = hits.iter().take(LAST_RANK).take_while(|hit| hit.line() == 0).count();
    let weights = weights(page, hits.get(FIRST_PLACES..end)?);
    apply(hits, &weights, (share, settled), &mut dice)
}

/// How probable each candidate is when one is drawn.
fn weights(page: &PageView<'_>, candidates: &[Hit<'_>]) -> Vec<f64> {
    let is_new = |item: Item| page.world.catalog.since(item).is_some_and(|since| page.now.since(since) < NEW_FOR);
    let of: Vec<(bool, f64)> = candidates
        .iter()
        .map(|hit| (is_new(hit.item), (hit.learned + hit.doubt).max(f64::MIN_POSITIVE).powf(BOLDNESS)))
        .collect();
    let sum = |new: bool| of.iter().filter(|(is_new, _)| *is_new == new).map(|(_, worth)| worth).sum::<f64>();
    let (new, known) = (sum(true), sum(false));
    let parts = if new == 0.0 || known == 0.0 { [1.0, 1.0] } else { [NEW_SHARE, 1.0 - NEW_SHARE] };
    of.iter().map(|(is_new, worth)| if *is_new { parts[0] * worth / new } else { parts[1] * worth / known }).collect()
}

/// Draws, moves, and notes how probable each product was where it now stands.
fn apply(hits: &mut Vec<Hit<'_>>, weights: &[f64], (share, settled): (f64, usize), dice: &mut Dice) -> Option<usize> {
    if weights.is_empty() {
        return None;
    }
    let is_heads = dice.share() < share;
    let place = dice.below(FIRST_PLACES);
    let is_heads = is_heads && place >= settled;
    let mut left = dice.share();
    let drawn = weights.iter().position(|weight| {
        left -= weight;
        left < 0.0
    });
    let drawn = FIRST_PLACES + drawn.unwrap_or(weights.len() - 1);
    let mut behind = 1.0;
    for (rank, hit) in hits.iter_mut().enumerate().take(FIRST_PLACES + weights.len()) {
        let own = rank.checked_sub(FIRST_PLACES).map(|number| weights[number]);
        behind -= own.unwrap_or(0.0);
        let lower = match own {
            None => (rank + 1) as f64 / FIRST_PLACES as f64,
            Some(_) => f64::max(behind, 0.0),
        };
        let is_lower = is_heads && rank >= place && rank < drawn;
        hit.propensity = if is_heads && rank == drawn {
            share * own.unwrap_or(0.0) / FIRST_PLACES as f64
        } else if is_lower {
            share * lower
        } else {
            1.0 - share * (lower + own.unwrap_or(0.0))
        };
    }
    if !is_heads {
        return None;
    }
    let hit = hits.remove(drawn);
    hits.insert(place, hit);
    Some(place)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use mercer_schema::{DecisionId, Product, ProductId};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]

        #[test]
        fn propensities_are_the_frequencies(shares in prop::collection::vec(0.05_f64..1.0, 0..6), share in 0.1_f64..0.5) {
            const THROWS: u32 = 20_000;
            let product = Product::new(ProductId::parse("p").unwrap(), "P");
            let sum: f64 = shares.iter().sum();
            let weights: Vec<f64> = shares.iter().map(|share| share / sum).collect();
            let all = FIRST_PLACES + weights.len() + 2;
            // How often each product stood at each place, and how probable that was said to be.
            let mut cells: BTreeMap<(u32, usize), (u32, f64)> = BTreeMap::new();
            for number in 0..THROWS {
                let mut hits: Vec<Hit<'_>> = (0..all as u32).map(|item| Hit::new(Item(item), &product)).collect();
                let id = DecisionId::trusted(format!("d{number}"));
                let explored = apply(&mut hits, &weights, (share, 0), &mut Dice::new(&id, 0));
                prop_assert_eq!(hits.len(), all);
                prop_assert!(explored.is_none_or(|place| place < FIRST_PLACES && hits[place].item.0 as usize >= FIRST_PLACES));
                for (place, hit) in hits.iter().enumerate() {
                    let cell = cells.entry((hit.item.0, place)).or_insert((0, hit.propensity));
                    prop_assert!((cell.1 - hit.propensity).abs() < 1e-12);
                    cell.0 += 1;
                }
            }
            for ((item, place), (count, propensity)) in cells {
                let frequency = f64::from(count) / f64::from(THROWS);
                let deviation = (propensity * (1.0 - propensity) / f64::from(THROWS)).sqrt();
                prop_assert!((frequency - propensity).abs() <= 5.0 * deviation + 1e-9, "{item} at {place}: {frequency} {propensity}");
            }
        }
    }
}
