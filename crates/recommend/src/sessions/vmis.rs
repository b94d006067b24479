//! VMIS-kNN: what visits like the running one went on to.
//!
//! Kersbergen, Sprangers, Schelter: "Serenade – Low-Latency Session-Based Recommendation in e-Commerce at Scale",
//! SIGMOD 2022, algorithm 2. The last L distinct items of the running visit are walked from the newest on; the item
//! at place p (0 for the newest) of u gives every past visit with it (u − p)/u. Of the newest m visits that share
//! an item, the k most alike become neighbours, the newer one first on a tie. An item scores the sum over the
//! neighbours that have it of likeness × λ(p) × rarity, λ(p) = max(0, 1 − p/10) with p the place of the newest
//! item shared. λ never becomes negative, however long L is. The rarity is ln(1 + visits / visits with the item),
//! which the 1 keeps above zero in a small shop.
//!
//! The running visit itself stands in the index, too. It takes one place of k and proposes nothing new.

use super::Repeats;
use super::index::SessionIndex;
use super::walk::{last_distinct, newest_matches};
use crate::ranking::{BestPlaces, Sums};
use crate::{Query, Recommender, Scored};

/// Most places a visit can have here: 1 − p/10 is above zero.
const LARGEST_LAST: usize = 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VmisSettings {
    /// Newest matching visits looked at (m).
    pub sample: usize,
    /// Most alike of them that vote (k).
    pub neighbours: usize,
    /// Last distinct items of the running visit that count (L), up to 10.
    pub last_items: usize,
    pub repeats: Repeats,
}

impl Default for VmisSettings {
    fn default() -> Self {
        Self { sample: 500, neighbours: 100, last_items: 9, repeats: Repeats::None }
    }
}

/// Asks a [`SessionIndex`] for what comes next in `query.session`.
#[derive(Debug, Clone, Copy)]
pub struct Vmis<'a> {
    index: &'a SessionIndex,
    settings: VmisSettings,
}

impl SessionIndex {
    /// VMIS-kNN with these settings on this index.
    pub const fn vmis(&self, settings: VmisSettings) -> Vmis<'_> {
        Vmis { index: self, settings }
    }
}

/// VMIS-kNN with the default settings.
impl Recommender for SessionIndex {
    fn recommend(&self, query: &Query<'_>, limit: usize) -> Vec<Scored> {
        self.vmis(VmisSettings::default()).recommend(query, limit)
    }
}

impl Recommender for Vmis<'_> {
    fn recommend(&self, query: &Query<'_>, limit: usize) -> Vec<Scored> {
        let walked = last_distinct(query.session, self.settings.last_items.min(LARGEST_LAST));
        let weights: Vec<f32> = (0..walked.len()).map(|place| (walked.len() - place) as f32).collect();
        let matches = newest_matches(self.index, &walked, &weights, self.settings.sample);
        if matches.is_empty() || limit == 0 {
            return Vec::new();
        }
        // The newer ones stand first, so that they also do among equals. The likeness is times the walked items here.
        let neighbours = BestPlaces::of(matches.iter().map(|found| found.shared), self.settings.neighbours);
        // Reads into every visit before the adding, so that the processor fetches many at a time.
        let (mut additions, mut ahead) = (0, 0);
        for (place, _) in neighbours.iter() {
            let items = matches[place].visit.items();
            additions += items.len();
            ahead ^= items.first().map_or(0, |item| item.0);
        }
        std::hint::black_box(ahead);
        let mut sums = Sums::new(self.index.items, additions);
        for (place, likeness) in neighbours.iter() {
            let found = &matches[place];
            let fading = (1.0 - found.newest as f32 / 10.0).max(0.0);
            let weight = likeness / walked.len() as f32 * fading;
            let shared = walked.get(found.newest as usize).copied();
            found.visit.items().iter().for_each(|item| sums.add(*item, weight, shared));
        }
        sums.best(limit, self.settings.repeats.excluded(query), |item| self.index.rarity(item))
    }
}

#[cfg(test)]
mod tests {
    use mercer_schema::Timestamp;

    use super::*;
    use crate::Item;
    use crate::sessions::index_of;

    fn ask(index: &SessionIndex, settings: VmisSettings, session: &[u32]) -> Vec<(u32, f32)> {
        let session: Vec<Item> = session.iter().map(|item| Item(*item)).collect();
        let found = index.vmis(settings).recommend(&Query { session: &session, ..Query::default() }, 20);
        found.iter().map(|scored| (scored.item.0, scored.score)).collect()
    }

    #[test]
    fn follows_the_formula() {
        let index = index_of(Timestamp::MINUTE, &[&[1, 2, 3], &[1, 4], &[2, 4, 5], &[9]]);
        // The running visit is 1 then 2: place 0 is item 2 with 2/2, place 1 is item 1 with 1/2.
        // Visit 0 shares both: 1.5, newest place 0, lambda 1. Visit 1: 0.5 x 0.9. Visit 2: 1 x 1.
        let rarity = |seen_in: f32| (4.0 / seen_in).ln_1p();
        let expected = [(4, (0.45 + 1.0) * rarity(2.0)), (3, 1.5 * rarity(1.0)), (5, 1.0 * rarity(1.0))];
        let mut expected = expected.to_vec();
        expected.sort_by(|a, b| b.1.total_cmp(&a.1));
        let found = ask(&index, VmisSettings::default(), &[1, 2]);
        assert_eq!(found.len(), 3);
        for ((item, score), (expected_item, expected_score)) in found.iter().zip(&expected) {
            assert_eq!(item, expected_item);
            assert!((score - expected_score).abs() < 1e-6, "{item}: {score} is not {expected_score}");
        }
    }

    #[test]
    fn the_newest_visits_and_the_most_alike_are_chosen() {
        let index = index_of(Timestamp::MINUTE, &[&[1, 10], &[1, 11], &[1, 2, 12], &[1, 13]]);
        let few = |sample, neighbours| {
            let settings = VmisSettings { sample, neighbours, ..VmisSettings::default() };
            let mut items: Vec<u32> = ask(&index, settings, &[2, 1]).iter().map(|(item, _)| *item).collect();
            items.sort_unstable();
            items
        };
        assert_eq!(few(500, 100), [10, 11, 12, 13]);
        assert_eq!(few(2, 100), [12, 13]);
        assert_eq!(few(500, 1), [12]);
        assert_eq!(few(500, 2), [12, 13]);
    }

    #[test]
    fn repeats_are_proposed_only_when_asked_for_and_never_the_current_item() {
        let index = index_of(Timestamp::MINUTE, &[&[1, 2, 3], &[1, 2]]);
        let repeats = VmisSettings { repeats: Repeats::Earlier, ..VmisSettings::default() };
        let items = |settings| ask(&index, settings, &[1, 2]).iter().map(|(item, _)| *item).collect::<Vec<_>>();
        assert_eq!(items(VmisSettings::default()), [3]);
        assert_eq!(items(repeats), [1, 3]);
    }

    #[test]
    fn long_visits_never_score_below_zero() {
        let index = index_of(Timestamp::MINUTE, &[&[0, 50]]);
        let session: Vec<u32> = (0..40).collect();
        let settings = VmisSettings { last_items: 40, ..VmisSettings::default() };
        assert!(ask(&index, settings, &session).is_empty());
        assert_eq!(ask(&index, settings, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]).len(), 1);
    }

    #[test]
    fn a_clone_answers_as_before_while_the_index_goes_on() {
        let mut index = index_of(Timestamp::MINUTE, &[&[1, 2, 3], &[1, 4]]);
        let (clone, before) = (index.clone(), ask(&index, VmisSettings::default(), &[1]));
        for visitor in 100..2_000 {
            index.observe(visitor, Item(1), Timestamp(Timestamp::HOUR));
            index.observe(visitor, Item(7), Timestamp(Timestamp::HOUR));
        }
        assert_eq!(ask(&clone, VmisSettings::default(), &[1]), before);
        assert_eq!(ask(&index, VmisSettings::default(), &[1])[0].0, 7);
    }
}
