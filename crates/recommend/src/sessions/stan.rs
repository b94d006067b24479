//! STAN and VSTAN: like VMIS-kNN, with time and order weighed in three places.
//!
//! Garg, Gupta, Malhotra, Vig, Shroff: "Sequence and Time Aware Neighborhood for Session-based Recommendations: STAN",
//! SIGIR 2019, equations 2 to 5. An item of the running visit counts exp(−p / `order`) with p = 0 for the newest; a past
//! visit is as alike as the sum over the shared items, divided by √(length · length) (equation 2), times
//! exp(−age / `age_days`) (equation 3). A neighbour gives each of its items its likeness times
//! exp(−distance / `distance`), the distance being counted in places from the newest shared item (equation 4).
//! VSTAN (Ludewig, Mauro, Latifi, Jannach: "Empirical analysis of session-based recommendation algorithms", UMUAI 2021)
//! adds two factors: 1 + `rarity` · ln(visits / visits with the item), and exp(−p / `newest_shared`) with p the place of
//! the newest shared item in the running visit.
//!
//! Ours are `before` and `shared`, which weigh a neighbour's items by the side of the shared one that they stand on; both
//! are 1 as published.
//!
//! A weight of 0 leaves its factor out. Both read the live index, so every event counts at once.

use std::cmp::Ordering;

use super::Repeats;
use super::index::SessionIndex;
use super::walk::{self, Match, age_fading, fading, last_distinct, newest_matches, with_fadings};
use crate::ranking::{BestPlaces, Sums};
use crate::{Query, Recommender, Scored};

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StanSettings {
    /// Newest matching visits looked at.
    pub sample: usize,
    /// Most alike of them that vote.
    pub neighbours: usize,
    /// Places after which an item of the running visit counts 1/e (λ_spw).
    pub order: f32,
    /// Days after which a past visit counts 1/e (λ_snh).
    pub age_days: f32,
    /// Places from the shared item after which an item of a neighbour counts 1/e (λ_inh).
    pub distance: f32,
    /// Places after which the newest shared item counts 1/e (λ_ipw); VSTAN.
    pub newest_shared: f32,
    /// Weight of an item's rarity (λ_idf); VSTAN.
    pub rarity: f32,
    /// Factor of a neighbour's items that stand before the shared one; 1 as published.
    pub before: f32,
    /// Factor of the shared one, which the neighbour would put first; 1 as published.
    pub shared: f32,
    /// Last distinct items of the running visit that count, up to 64.
    pub last_items: usize,
    pub repeats: Repeats,
}

impl StanSettings {
    /// Good on the validation parts of the bol.com and Yoochoose samples, not on any test part.
    pub const fn stan() -> Self {
        Self {
            sample: 1_000,
            neighbours: 200,
            order: 1.5,
            age_days: 20.0,
            distance: 2.5,
            newest_shared: 0.0,
            rarity: 0.0,
            before: 1.0,
            shared: 1.0,
            last_items: walk::MOST,
            repeats: Repeats::Earlier,
        }
    }

    pub const fn vstan() -> Self {
        Self { neighbours: 500, order: 4.0, age_days: 30.0, newest_shared: 2.0, rarity: 1.0, ..Self::stan() }
    }
}

/// Asks a [`SessionIndex`] for what comes next in `query.session`, by the time of `query.now`.
#[derive(Debug, Clone, Copy)]
pub struct Stan<'a> {
    index: &'a SessionIndex,
    settings: StanSettings,
}

impl SessionIndex {
    /// STAN or VSTAN, by the settings, on this index.
    pub const fn stan(&self, settings: StanSettings) -> Stan<'_> {
        Stan { index: self, settings }
    }
}

impl Recommender for Stan<'_> {
    fn recommend(&self, query: &Query<'_>, limit: usize) -> Vec<Scored> {
        let walked = last_distinct(query.session, self.settings.last_items.min(walk::MOST));
        let weights: Vec<f32> = (0..walked.len()).map(|place| fading(place as f32, self.settings.order)).collect();
        let matches = newest_matches(self.index, &walked, &weights, self.settings.sample);
        if matches.is_empty() || limit == 0 {
            return Vec::new();
        }
        // Apart from the walk, so that the processor fetches many visits at a time. The newer ones stand first, so that
        // they also do among equals.
        let likeness = |found: &Match<'_>| {
            let likeness = found.shared / ((walked.len() * found.visit.items().len()) as f32).sqrt();
            likeness * age_fading(query.now, found.visit.last_at(), self.settings.age_days)
        };
        let neighbours = BestPlaces::of(matches.iter().map(likeness), self.settings.neighbours);
        let lengths = || neighbours.iter().map(|(place, _)| matches[place].visit.items().len());
        let mut sums = Sums::new(self.index.items, lengths().sum());
        let longest = lengths().max().unwrap_or_default();
        let newest_shared: Vec<f32> =
            (0..walked.len()).map(|place| fading(place as f32, self.settings.newest_shared)).collect();
        with_fadings(self.settings.distance, longest, |distances| {
            for (place, likeness) in neighbours.iter() {
                let found = &matches[place];
                let items = found.visit.items();
                let shared = walked.get(found.newest as usize).copied();
                let Some(place) = items.iter().position(|item| Some(*item) == shared) else { continue };
                let weight = likeness * newest_shared[found.newest as usize];
                for (other, item) in items.iter().enumerate() {
                    let factor = match other.cmp(&place) {
                        Ordering::Less => weight * self.settings.before,
                        Ordering::Equal => weight * self.settings.shared,
                        Ordering::Greater => weight,
                    };
                    sums.add(*item, factor * distances[other.abs_diff(place)], shared);
                }
            }
        });
        let rarity = |item| 1.0 + self.settings.rarity * self.index.log_share(item);
        sums.best(limit, self.settings.repeats.excluded(query), rarity)
    }
}

#[cfg(test)]
mod tests {
    use mercer_schema::Timestamp;

    use super::*;
    use crate::Item;
    use crate::sessions::index_of;

    fn ask(settings: StanSettings, session: &[u32]) -> Vec<(u32, f32)> {
        let index = index_of(Timestamp::DAY, &[&[1, 2, 3], &[4, 2, 5], &[1, 9]]);
        let session: Vec<Item> = session.iter().map(|item| Item(*item)).collect();
        let query = Query { session: &session, now: Timestamp(3 * Timestamp::DAY), ..Query::default() };
        index.stan(settings).recommend(&query, 20).iter().map(|scored| (scored.item.0, scored.score)).collect()
    }

    #[test]
    fn follows_the_formulas() {
        let settings = StanSettings { order: 2.0, age_days: 5.0, distance: 3.0, ..StanSettings::stan() };
        let (near, far) = ((-1.0_f32 / 3.0).exp(), (-2.0_f32 / 3.0).exp());
        let aged = |days: f32| (-days / 5.0).exp();
        // Running: 1 then 2. Visit 0 shares both, visit 1 the newest, visit 2 the older one.
        let likeness = [
            (1.0 + (-0.5_f32).exp()) / 6.0_f32.sqrt() * aged(3.0),
            1.0 / 6.0_f32.sqrt() * aged(2.0),
            (-0.5_f32).exp() / 4.0_f32.sqrt() * aged(1.0),
        ];
        let mut expected = vec![
            (1, likeness[0] * near + likeness[2]),
            (3, likeness[0] * near),
            (4, likeness[1] * near),
            (5, likeness[1] * near),
            (9, likeness[2] * near),
        ];
        expected.sort_by(|a, b| b.1.total_cmp(&a.1));
        let found = ask(settings, &[1, 2]);
        assert_eq!(found.len(), 5);
        for ((item, score), (expected_item, expected_score)) in found.iter().zip(&expected) {
            assert_eq!(item, expected_item);
            assert!((score - expected_score).abs() < 1e-6, "{item}: {score} is not {expected_score}");
        }
        assert!(far < near);
    }

    #[test]
    fn vstan_weighs_rarity_and_where_the_visits_met() {
        let plain = StanSettings { rarity: 0.0, newest_shared: 0.0, ..StanSettings::vstan() };
        let score = |settings, item| ask(settings, &[1, 2]).iter().find(|found| found.0 == item).unwrap().1;
        let rare = StanSettings { rarity: 2.0, ..plain };
        assert!((score(rare, 9) / score(plain, 9) - (1.0 + 2.0 * 3.0_f32.ln())).abs() < 1e-5);
        let shared = StanSettings { newest_shared: 4.0, ..plain };
        assert!((score(shared, 9) / score(plain, 9) - (-0.25_f32).exp()).abs() < 1e-5);
        assert!((score(shared, 5) - score(plain, 5)).abs() < 1e-6);
    }
}
