//! Whole visits, single steps, and what was looked at before, together.
//!
//! A [`Blend`] of VSTAN, of rules over the last items, and of revisits, by the shares of their scores, weighed by the
//! visit's own [`Habit`]. Neighbours know what goes together, rules what comes next; Ludewig, Mauro, Latifi, Jannach
//! ("Empirical analysis of session-based recommendation algorithms", UMUAI 2021) find the two families each ahead on some
//! data. Both know little of an item that few have visited, and then to go back is the likelier step: with n visits with
//! the item looked at now, revisits weigh `doubt` / (n + `doubt`) of their weight.

use super::Repeats;
use super::habit::{Habit, HabitSettings};
use super::index::SessionIndex;
use super::revisit::Revisit;
use super::rules::RuleSettings;
use super::stan::StanSettings;
use crate::blend::{Blend, Fusion};
use crate::{Query, Recommender, Scored};

/// The parts with their weights. Their own `repeats` do not count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HybridSettings {
    pub visits: (StanSettings, f32),
    pub rules: (RuleSettings, f32),
    pub revisit: (Revisit, f32),
    /// Visits with the item looked at now at which revisits have half their weight.
    pub doubt: f32,
    pub habit: HabitSettings,
    pub repeats: Repeats,
}

impl HybridSettings {
    /// Good on validation parts of the Yoochoose, RetailRocket and bol.com samples together, not on any test part.
    pub const fn new() -> Self {
        let visits = StanSettings {
            sample: 1_000,
            neighbours: 200,
            order: 1.5,
            age_days: 40.0,
            distance: 2.5,
            newest_shared: 2.0,
            rarity: 0.3,
            before: 0.7,
            shared: 0.2,
            ..StanSettings::vstan()
        };
        let rules = RuleSettings {
            sample: 1_000,
            last_items: 9,
            order: 1.0,
            steps: 10,
            nearness: 1.5,
            back: 0.6,
            age_days: 40.0,
            repeats: Repeats::Earlier,
        };
        let revisit = Revisit { order: 1.5, newest: 0.7, repeats: Repeats::Earlier };
        Self {
            visits: (visits, 0.35),
            rules: (rules, 0.7),
            revisit: (revisit, 0.8),
            doubt: 15.0,
            habit: HabitSettings::new(),
            repeats: Repeats::Earlier,
        }
    }

    /// For a row of what the visitor has not seen: those who want to go back have another.
    pub const fn onwards() -> Self {
        Self { repeats: Repeats::None, ..Self::new() }
    }

    /// Without the rules: VSTAN and revisits, by habit. Chosen on the same parts.
    pub const fn visits() -> Self {
        let hybrid = Self::new();
        let visits = StanSettings {
            sample: 2_500,
            neighbours: 500,
            order: 2.5,
            distance: 4.0,
            newest_shared: 1.0,
            shared: 0.4,
            ..hybrid.visits.0
        };
        Self { visits: (visits, 1.0), rules: (hybrid.rules.0, 0.0), revisit: (hybrid.revisit.0, 0.5), ..hybrid }
    }
}

impl Default for HybridSettings {
    fn default() -> Self {
        Self::new()
    }
}

/// Asks a [`SessionIndex`] for what comes next in `query.session`, by the time of `query.now`.
#[derive(Debug, Clone, Copy)]
pub struct Hybrid<'a> {
    index: &'a SessionIndex,
    settings: HybridSettings,
}

impl SessionIndex {
    /// The blend with these settings on this index.
    pub const fn hybrid(&self, settings: HybridSettings) -> Hybrid<'_> {
        Hybrid { index: self, settings }
    }
}

impl Recommender for Hybrid<'_> {
    fn recommend(&self, query: &Query<'_>, limit: usize) -> Vec<Scored> {
        let HybridSettings { visits, rules, revisit, doubt, habit, repeats } = self.settings;
        let known = query.session.last().map_or(0, |item| self.index.seen_in(*item)) as f32;
        let parts: [(&dyn Recommender, f32); 3] = [
            (&self.index.stan(StanSettings { repeats, ..visits.0 }), visits.1),
            (&self.index.rules(RuleSettings { repeats, ..rules.0 }), rules.1),
            (&Revisit { repeats, ..revisit.0 }, revisit.1 * doubt / (known + doubt)),
        ];
        let model = &Blend { parts: parts.to_vec(), fusion: Fusion::Share { sharpness: 1.0 }, depth: habit.depth };
        Habit { model, settings: habit }.recommend(query, limit)
    }
}
