//! Giving a share of the places to products that ranking left out, with exact propensities.
//!
//! What is left out lies in two pools: products that are new in the shop, of which least is known, and the others. For `n`
//! places and a pool of `p` products there is a deck of `t = max(n, p)` tickets: one for each product, and blanks. Without
//! looking at anything else, every place throws a coin that is heads with probability `ε`, chooses the new pool with
//! probability `β` (a half, or certainty where the other pool is empty), and draws a ticket from both decks without
//! replacement. Heads and a product's ticket in the chosen pool: the place shows that product; otherwise it shows what
//! ranking put there. Coin, choice and draws are independent, and a place draws each ticket with probability `1/t`, so
//!
//! - a product of the new pool stands at a given place with probability `ε β / t`, another with `ε (1 − β) / t`,
//! - the ranked product stands at its own place with what is left of 1 after the sum of these over both pools.
//!
//! These are the propensities that the answer carries and that judge other policies by it
//! (inverse propensity scoring; Horvitz & Thompson 1952). They are exact given what stands in the earlier
//! placements of the page.

use crate::seed::Dice;

/// How often an exploring place looks among the new products where there are others, too.
const NEW_SHARE: f64 = 0.5;

/// What a place shows, and how probable that was.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Draw {
    /// The number of a product in the pools, the new ones first; none for the ranked product.
    pub(crate) explored: Option<usize>,
    pub(crate) propensity: f64,
}

/// Draws for so many places from a pool of `new` and one of `other` products.
pub(crate) fn draw(places: usize, (new, other): (usize, usize), share: f64, dice: &mut Dice) -> Vec<Draw> {
    let ranked = |propensity| Draw { explored: None, propensity };
    if new + other == 0 || share <= 0.0 {
        return vec![ranked(1.0); places];
    }
    let new_share = match (new, other) {
        (0, _) => 0.0,
        (_, 0) => 1.0,
        _ => NEW_SHARE,
    };
    let mut decks = [(new, new_share), (other, 1.0 - new_share)]
        .map(|(products, part)| Deck::of(places, products, share.min(1.0) * part));
    let kept = 1.0 - decks.iter().map(|deck| deck.each * deck.products as f64).sum::<f64>();
    (0..places)
        .map(|place| {
            let is_heads = dice.share() < share;
            let chosen = usize::from(dice.share() >= new_share);
            let tickets = decks.each_mut().map(|deck| deck.take(place, dice));
            match tickets[chosen].filter(|_| is_heads) {
                Some(ticket) => Draw { explored: Some(chosen * new + ticket), propensity: decks[chosen].each },
                None => ranked(kept),
            }
        })
        .collect()
}

/// The tickets of one pool.
struct Deck {
    tickets: Vec<usize>,
    products: usize,
    /// How probable each product is at each place.
    each: f64,
}

impl Deck {
    fn of(places: usize, products: usize, share: f64) -> Self {
        let tickets = places.max(products);
        Self { tickets: (0..tickets).collect(), products, each: share / tickets.max(1) as f64 }
    }

    /// The product on the ticket of a place; none for a blank.
    fn take(&mut self, place: usize, dice: &mut Dice) -> Option<usize> {
        let chosen = place + dice.below(self.tickets.len() - place);
        self.tickets.swap(place, chosen);
        Some(self.tickets[place]).filter(|ticket| *ticket < self.products)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mercer_schema::DecisionId;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]

        #[test]
        fn propensities_are_the_frequencies(places in 1_usize..6, new in 0_usize..5, other in 0_usize..5, share in 0.0_f64..1.0) {
            const THROWS: usize = 8_000;
            let mut ranked = vec![(0_usize, 1.0); places];
            let mut explored = vec![vec![(0_usize, 0.0); new + other]; places];
            for number in 0..THROWS {
                let mut dice = Dice::new(&DecisionId::trusted(format!("d{number}")), 3);
                let draws = draw(places, (new, other), share, &mut dice);
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
        for share in [0.1, 0.5, 1.0] {
            for number in 0..50 {
                let mut dice = Dice::new(&DecisionId::trusted(format!("d{number}")), 0);
                for Draw { explored, propensity } in draw(3, (0, 5), share, &mut dice) {
                    let expected = if explored.is_some() { share / 5.0 } else { 1.0 - share };
                    assert!((propensity - expected).abs() < 1e-12, "{share}: {propensity}");
                }
            }
        }
    }

    #[test]
    fn half_of_the_exploring_places_go_to_new_products_however_few_they_are() {
        let mut times = [0; 2];
        for number in 0..4_000 {
            let mut dice = Dice::new(&DecisionId::trusted(format!("d{number}")), 1);
            for explored in draw(4, (4, 400), 1.0, &mut dice).iter().filter_map(|draw| draw.explored) {
                times[usize::from(explored >= 4)] += 1;
            }
        }
        let share = f64::from(times[0]) / f64::from(times[0] + times[1]);
        assert!((share - 0.5).abs() < 0.02, "{times:?}");
    }
}
