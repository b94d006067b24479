//! Another model, with an eye on the visitor's habit of coming back.
//!
//! Some visits look at everything once, others return to an item again and again, and how a visit went so far tells which
//! it is. As in RepeatNet (Ren, Chen, Li, Ren, Ma, de Rijke: "RepeatNet", AAAI 2019), what was seen and what is new are
//! weighed apart, but by counting: with r returns in n steps, items seen get their score times
//!
//! (r / `share` + `strength`) / (n + `strength`),
//!
//! the returns of this visit over those of an average one, drawn towards 1 while there are few steps. Staying on the
//! item looked at now and going back to an earlier one are counted apart. New items keep their scores.

use crate::ranking::best_of;
use crate::{Item, Query, Recommender, Scored};

/// How often visits return, and how many steps it takes to believe that one is different.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Returns {
    pub share: f32,
    pub strength: f32,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HabitSettings {
    /// Steps to the same item again.
    pub stay: Returns,
    /// Steps to one seen before that.
    pub back: Returns,
    /// Items that the model is asked for, whatever the limit is.
    pub depth: usize,
}

impl HabitSettings {
    /// Good on validation parts of the Yoochoose, RetailRocket and bol.com samples together, not on any test part.
    pub const fn new() -> Self {
        Self { stay: Returns { share: 0.15, strength: 1.0 }, back: Returns { share: 0.2, strength: 5.0 }, depth: 100 }
    }
}

impl Default for HabitSettings {
    fn default() -> Self {
        Self::new()
    }
}

/// A model whose answers are weighed by how the running visit went so far.
#[derive(Clone, Copy)]
pub struct Habit<'a> {
    pub model: &'a dyn Recommender,
    pub settings: HabitSettings,
}

impl std::fmt::Debug for Habit<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Habit").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Recommender for Habit<'_> {
    fn recommend(&self, query: &Query<'_>, limit: usize) -> Vec<Scored> {
        let mut found = self.model.recommend(query, self.settings.depth);
        let Some(current) = query.session.last() else { return best_of(found, limit) };
        let mut seen = query.session.to_vec();
        seen.sort_unstable();
        seen.dedup();
        let (steps, stays) = (query.session.len() - 1, count_stays(query.session));
        let stay = self.settings.stay.factor(stays, steps);
        // Every contact but the first with each item is a return; those that are no stay are a way back.
        let back = self.settings.back.factor(query.session.len() - seen.len() - stays, steps);
        for scored in &mut found {
            if seen.binary_search(&scored.item).is_ok() {
                scored.score = (scored.score * if scored.item == *current { stay } else { back }).min(f32::MAX);
            }
        }
        best_of(found, limit)
    }
}

impl Returns {
    /// What an item gets that would be the next of these returns, after so many steps.
    pub fn factor(self, returns: usize, steps: usize) -> f32 {
        let factor = (returns as f32 / self.share + self.strength) / (steps as f32 + self.strength);
        if factor.is_finite() { factor } else { 1.0 }
    }
}

fn count_stays(session: &[Item]) -> usize {
    session.windows(2).filter(|pair| pair[0] == pair[1]).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;

    impl Recommender for Fixed {
        fn recommend(&self, _: &Query<'_>, limit: usize) -> Vec<Scored> {
            (1..=4).take(limit).map(|item| Scored { item: Item(item), score: 1.0, because_of: None }).collect()
        }
    }

    fn ask(session: &[u32]) -> Vec<(u32, f32)> {
        let session: Vec<Item> = session.iter().map(|item| Item(*item)).collect();
        let stay = Returns { share: 0.25, strength: 2.0 };
        let settings = HabitSettings { stay, back: Returns { share: 0.5, ..stay }, depth: 3 };
        let found = Habit { model: &Fixed, settings }.recommend(&Query { session: &session, ..Query::default() }, 9);
        found.iter().map(|scored| (scored.item.0, scored.score)).collect()
    }

    #[test]
    fn a_visit_is_taken_to_go_on_as_it_went() {
        assert_eq!(ask(&[]), [(1, 1.0), (2, 1.0), (3, 1.0)]);
        assert_eq!(ask(&[1]), [(1, 1.0), (2, 1.0), (3, 1.0)]);
        // Two steps, none of them a return: (0 + 2) / (2 + 2).
        assert_eq!(ask(&[9, 1, 2]), [(3, 1.0), (1, 0.5), (2, 0.5)]);
        // Two steps, one of them a stay: (1 / 0.25 + 2) / (2 + 2).
        assert_eq!(ask(&[1, 2, 2]), [(2, 1.5), (3, 1.0), (1, 0.5)]);
        // Two steps, one of them back: (1 / 0.5 + 2) / (2 + 2).
        assert_eq!(ask(&[2, 1, 2]), [(1, 1.0), (3, 1.0), (2, 0.5)]);
    }

    #[test]
    fn odd_settings_change_nothing() {
        assert_eq!(Returns { share: 0.0, strength: 0.0 }.factor(0, 0), 1.0);
        assert_eq!(Returns { share: 0.0, strength: 1.0 }.factor(3, 4), 1.0);
    }
}
