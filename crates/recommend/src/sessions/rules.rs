//! Rules: what came after the items of the running visit, near by, in the newest visits with them.
//!
//! Ludewig, Jannach: "Evaluation of session-based recommendation algorithms", UMUAI 2018, section 3.1. A sequential rule
//! (SR) weighs the step from an item to one that came g contacts later with 1/g (their equation 3); a Markov chain is the
//! same with g = 1 alone, association rules (AR) are the same both ways and without the 1/g. Here they are not counted
//! beforehand but read off the newest `sample` visits of the live index, with every contact, so that a second look at the
//! same item is a step, too; each event counts at once and a removed one no longer.
//!
//! The item at place p of the running visit, 0 for the newest, counts exp(−p / `order`) and gives each item the weight of
//! the steps to it, over the number of its own contacts met: an estimate of the chance of that step (skipping p items).
//! A visit of long ago counts exp(−age / `age_days`).

use mercer_schema::Timestamp;

use super::Repeats;
use super::index::SessionIndex;
use super::walk::{age_fading, fading, last_distinct};
use crate::ranking::Sums;
use crate::{Item, Query, Recommender, Scored};

/// No step spans more contacts.
const MOST_STEPS: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RuleSettings {
    /// Newest visits with an item that are read.
    pub sample: usize,
    /// Last distinct items of the running visit that count.
    pub last_items: usize,
    /// Places after which an item of the running visit counts 1/e.
    pub order: f32,
    /// Contacts that a step spans at most; 0 for as many as can be (64).
    pub steps: usize,
    /// A step over g contacts weighs g to the power of this, negated: 1 for sequential rules, 0 for association rules.
    pub nearness: f32,
    /// Weight of a step back, where 1 is that of the same step ahead.
    pub back: f32,
    /// Days after which a past visit counts 1/e; 0 for no fading.
    pub age_days: f32,
    pub repeats: Repeats,
}

impl RuleSettings {
    /// SR as published: the last item, all that followed it, 1/g.
    pub const fn sequential() -> Self {
        Self {
            sample: 2_500,
            last_items: 1,
            order: 1.0,
            steps: 0,
            nearness: 1.0,
            back: 0.0,
            age_days: 0.0,
            repeats: Repeats::Earlier,
        }
    }

    /// AR as published: the last item, all that stood in a visit with it.
    pub const fn association() -> Self {
        Self { steps: 0, nearness: 0.0, back: 1.0, ..Self::sequential() }
    }
}

/// Asks a [`SessionIndex`] for what comes next in `query.session`.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    index: &'a SessionIndex,
    settings: RuleSettings,
}

impl SessionIndex {
    /// Rules with these settings on this index.
    pub const fn rules(&self, settings: RuleSettings) -> Rules<'_> {
        Rules { index: self, settings }
    }
}

impl Recommender for Rules<'_> {
    fn recommend(&self, query: &Query<'_>, limit: usize) -> Vec<Scored> {
        let walked = last_distinct(query.session, self.settings.last_items);
        let found: usize = walked.iter().map(|item| self.index.posting(*item).len().min(self.settings.sample)).sum();
        if found == 0 || limit == 0 {
            return Vec::new();
        }
        let mut sums = Sums::new(self.index.items, found * 4);
        let nearness: Vec<f32> = (1..=MOST_STEPS).map(|gap| (gap as f32).powf(-self.settings.nearness)).collect();
        let steps = if self.settings.steps == 0 { MOST_STEPS } else { self.settings.steps.min(MOST_STEPS) };
        let asked = Asked { nearness: &nearness[..steps], now: query.now };
        for (place, item) in walked.iter().enumerate() {
            let weight = fading(place as f32, self.settings.order);
            self.add_steps(*item, weight, &asked, &mut sums);
        }
        sums.best(limit, self.settings.repeats.excluded(query), |_| 1.0)
    }
}

/// Weights of steps by the contacts they span, and the time of asking.
struct Asked<'a> {
    nearness: &'a [f32],
    now: Timestamp,
}

impl Rules<'_> {
    /// Adds the steps from one item, over as many contacts as `nearness` has weights; `weight` in all for each of its
    /// contacts met.
    fn add_steps(&self, item: Item, weight: f32, asked: &Asked<'_>, sums: &mut Sums) {
        let Asked { nearness, now } = *asked;
        let newest = self.index.posting(item).iter().rev().take(self.settings.sample);
        let visits: Vec<_> = newest.filter_map(|number| self.index.visits.get(*number)).collect();
        let of_item = |clicks: &[Item]| clicks.iter().filter(|click| **click == item).count();
        let contacts: usize = visits.iter().map(|visit| of_item(visit.clicks)).sum();
        let weight = weight / contacts.max(1) as f32;
        for visit in visits {
            let weight = weight * age_fading(now, visit.last_at, self.settings.age_days);
            for at in (0..visit.clicks.len()).filter(|at| visit.clicks[*at] == item) {
                let (before, after) = (&visit.clicks[..at], &visit.clicks[at + 1..]);
                after.iter().zip(nearness).for_each(|(next, near)| sums.add(*next, weight * near, Some(item)));
                if self.settings.back > 0.0 {
                    let weight = weight * self.settings.back;
                    let before = before.iter().rev().zip(nearness);
                    before.for_each(|(next, near)| sums.add(*next, weight * near, Some(item)));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sessions::index_of;

    fn ask(settings: RuleSettings, session: &[u32]) -> Vec<(u32, f32)> {
        let index = index_of(Timestamp::DAY, &[&[1, 2, 3], &[3, 1, 1, 4]]);
        let session: Vec<Item> = session.iter().map(|item| Item(*item)).collect();
        let query = Query { session: &session, now: Timestamp(2 * Timestamp::DAY), ..Query::default() };
        index.rules(settings).recommend(&query, 20).iter().map(|scored| (scored.item.0, scored.score)).collect()
    }

    fn assert_near(found: &[(u32, f32)], expected: &[(u32, f32)]) {
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.0 == expected.0 && (found.1 - expected.1).abs() < 1e-6, "{found:?} is not {expected:?}");
        }
    }

    #[test]
    fn follows_the_published_rules() {
        let thirds =
            |weights: &[(u32, f32)]| -> Vec<_> { weights.iter().map(|(item, weight)| (*item, weight / 3.0)).collect() };
        // Item 1 was met three times: 2 and 3 came after it, 1 and 4, and 4.
        let all = RuleSettings { repeats: Repeats::All, ..RuleSettings::sequential() };
        assert_near(&ask(all, &[9, 1]), &thirds(&[(4, 1.5), (1, 1.0), (2, 1.0), (3, 0.5)]));
        assert_near(&ask(RuleSettings { steps: 1, ..all }, &[1]), &thirds(&[(1, 1.0), (2, 1.0), (4, 1.0)]));
        // Both ways, whatever is between: 3 stands once after it and twice before.
        assert_near(&ask(RuleSettings::association(), &[1]), &thirds(&[(3, 3.0), (4, 2.0), (2, 1.0)]));
        let aged = (-0.5_f32).exp();
        let faded = RuleSettings { steps: 1, age_days: 2.0, sample: 1, ..RuleSettings::sequential() };
        assert_near(&ask(faded, &[1]), &[(4, 0.5 * aged)]);
    }

    #[test]
    fn earlier_items_count_less() {
        let two = RuleSettings { last_items: 2, order: 2.0, steps: 1, ..RuleSettings::sequential() };
        assert_near(&ask(two, &[2, 1]), &[(3, (-0.5_f32).exp()), (2, 1.0 / 3.0), (4, 1.0 / 3.0)]);
    }
}
