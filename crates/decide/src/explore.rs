//! Giving a share of the places to products that ranking left out, with exact propensities.
//!
//! For `n` places and a pool of `p` products there are `t = max(n, p)` tickets: one for each product of the pool,
//! and blanks. Without looking at anything else, every place throws a coin that is heads with probability `ε` and
//! draws a ticket without replacement. Heads and a product's ticket: the place shows that product; otherwise it
//! shows what ranking put there. A place draws each ticket with probability `1/t` and independently of its coin, so
//!
//! - a product of the pool stands at a given place with probability `ε / t`,
//! - the ranked product stands at its own place with probability `1 − ε · p / t`.
//!
//! These are the propensities that the answer carries and that judge other policies by it
//! (inverse propensity scoring; Horvitz & Thompson 1952). They are exact given what stands in the earlier
//! placements of the page.

use crate::seed::Dice;

/// What a place shows, and how probable that was.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Draw {
    /// The number of a product in the pool; none for the ranked product.
    pub(crate) explored: Option<usize>,
    pub(crate) propensity: f64,
}

pub(crate) fn draw(places: usize, pool: usize, share: f64, dice: &mut Dice) -> Vec<Draw> {
    let ranked = |propensity| Draw { explored: None, propensity };
    if pool == 0 || share <= 0.0 {
        return vec![ranked(1.0); places];
    }
    let tickets = places.max(pool);
    let each = share.min(1.0) / tickets as f64;
    let kept = 1.0 - each * pool as f64;
    let mut deck: Vec<usize> = (0..tickets).collect();
    (0..places)
        .map(|place| {
            let is_heads = dice.share() < share;
            let chosen = place + dice.below(tickets - place);
            deck.swap(place, chosen);
            match deck[place] {
                ticket if is_heads && ticket < pool => Draw { explored: Some(ticket), propensity: each },
                _ => ranked(kept),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use mercer_schema::DecisionId;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]

        #[test]
        fn propensities_are_the_frequencies(places in 1_usize..6, pool in 0_usize..8, share in 0.0_f64..1.0) {
            const THROWS: usize = 8_000;
            let mut ranked = vec![(0_usize, 1.0); places];
            let mut explored = vec![vec![(0_usize, 0.0); pool]; places];
            for number in 0..THROWS {
                let mut dice = Dice::new(&DecisionId::trusted(format!("d{number}")), 3);
                let draws = draw(places, pool, share, &mut dice);
                let mut drawn: Vec<usize> = draws.iter().filter_map(|draw| draw.explored).collect();
                drawn.sort_unstable();
                prop_assert!(drawn.windows(2).all(|pair| pair[0] != pair[1]), "a product was drawn twice");
                for (place, draw) in draws.into_iter().enumerate() {
                    let cell = match draw.explored {
                        None => &mut ranked[place],
                        Some(ticket) => &mut explored[place][ticket],
                    };
                    *cell = (cell.0 + 1, draw.propensity);
                }
            }
            for (count, propensity) in ranked.into_iter().chain(explored.into_iter().flatten()) {
                let frequency = count as f64 / THROWS as f64;
                let deviation = (propensity * (1.0 - propensity) / THROWS as f64).sqrt();
                // A cell that was never met shows no propensity; it must then be rare.
                if count > 0 {
                    prop_assert!((frequency - propensity).abs() <= 5.0 * deviation + 1e-9, "{frequency} {propensity}");
                } else {
                    prop_assert!(propensity == 0.0 || propensity == 1.0);
                }
            }
        }
    }

    #[test]
    fn a_place_shows_something_for_certain() {
        let mut dice = Dice::new(&DecisionId::trusted("d"), 0);
        let [kept, each] = [0.5_f64, 0.1].map(|share| {
            let draws = draw(3, 5, share, &mut dice);
            draws.iter().map(|draw| draw.propensity).fold(0.0, f64::max)
        });
        assert!((kept - 0.5).abs() < 1e-12 && (each - 0.9).abs() < 1e-12);
    }
}
