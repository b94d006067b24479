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

use super::Repeats;
use super::index::SessionIndex;
use super::walk::{fading, last_distinct};
use crate::ranking::Sums;
use crate::{Item, Query, Recommender, Scored};

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RuleSettings {
    /// Newest visits with an item that are read.
    pub sample: usize,
    /// Last distinct items of the running visit that count.
    pub last_items: usize,
    /// Places after which an item of the running visit counts 1/e.
    pub order: f32,
    /// Contacts that a step spans at most; 0 for any number.
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
            steps: 10,
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
        for (place, item) in walked.iter().enumerate() {
            self.add_steps(*item, fading(place as f32, self.settings.order), query, &mut sums);
        }
        sums.best(limit, self.settings.repeats.excluded(query), |_| 1.0)
    }
}

impl Rules<'_> {
    /// Adds the steps from one item, `weight` in all for each of its contacts met.
    fn add_steps(&self, item: Item, weight: f32, query: &Query<'_>, sums: &mut Sums) {
        let newest = || self.index.posting(item).iter().rev().take(self.settings.sample);
        let visits = || newest().filter_map(|number| self.index.visits.get(*number));
        let contacts: usize = visits().map(|visit| visit.clicks.iter().filter(|click| **click == item).count()).sum();
        let weight = weight / contacts.max(1) as f32;
        let powers: Vec<f32> = (0..64).map(|gap: u32| (gap.max(1) as f32).powf(-self.settings.nearness)).collect();
        let nearness = |gap: usize| powers.get(gap).copied().unwrap_or_default();
        let steps = if self.settings.steps == 0 { usize::MAX } else { self.settings.steps };
        for visit in visits() {
            let weight = weight * super::walk::age_fading(query.now, visit.last_at, self.settings.age_days);
            for (at, _) in visit.clicks.iter().enumerate().filter(|(_, click)| **click == item) {
                for (gap, next) in visit.clicks[at + 1..].iter().take(steps).enumerate() {
                    sums.add(*next, weight * nearness(gap + 1), Some(item));
                }
                if self.settings.back > 0.0 {
                    for (gap, before) in visit.clicks[..at].iter().rev().take(steps).enumerate() {
                        sums.add(*before, weight * self.settings.back * nearness(gap + 1), Some(item));
                    }
                }
            }
        }
    }
}
