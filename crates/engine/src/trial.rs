//! What came of a canary: per side, how many customers were shown its answers, clicked and ordered. A fold of the log.
//!
//! The customer is what was dealt to the sides, so the customer is what is counted: one who clicks twenty times is one who
//! clicked. Counting begins with a customer's first decision of the trial. Who was answered by both sides, because two
//! visitors turned out to be one person, counts on neither.

use imbl::{OrdMap, OrdSet};
use mercer_recommend::Changes;
use mercer_schema::Arm;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::statistics::{Estimate, Z_95, Z_STOP, difference, proportion};

/// Customers beyond this many are not counted, so that a forgotten canary takes no more memory.
const MOST_PEOPLE: usize = 1_000_000;
/// Customers that each side needs before it can be stopped for what they did.
const LEAST_PEOPLE: u64 = 100;

/// A customer in the trial.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Person {
    /// None: answered by both sides.
    arm: Option<Arm>,
    decisions: u32,
    clicks: u32,
    orders: u32,
}

/// The counts of one side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArmCounts {
    pub people: u64,
    pub decisions: u64,
    pub clicks: u64,
    pub clickers: u64,
    pub orders: u64,
    pub buyers: u64,
}

/// One figure of both sides.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Compared {
    pub name: &'static str,
    pub champion: Estimate,
    pub canary: Estimate,
    /// Canary less champion.
    pub difference: Estimate,
    /// Beyond what looking often could explain.
    pub is_clearly_worse: bool,
    /// The whole interval lies above zero, and the canary has run for as long as it takes to be told.
    pub is_better: bool,
}

/// The shares of customers who clicked and who ordered, side by side. One that has not run long enough is better in nothing:
/// the customers of its first hours are not those of a day. It may be worse at any time.
pub fn compared(champion: &ArmCounts, canary: &ArmCounts, has_run_long_enough: bool) -> [Compared; 2] {
    let compare = |name, hits: fn(&ArmCounts) -> u64| {
        let pairs = ((hits(canary), canary.people), (hits(champion), champion.people));
        let is_judged = champion.people.min(canary.people) >= LEAST_PEOPLE;
        let seen = difference(pairs.0, pairs.1, Z_95);
        Compared {
            name,
            champion: proportion(pairs.1.0, pairs.1.1, Z_95),
            canary: proportion(pairs.0.0, pairs.0.1, Z_95),
            difference: seen,
            is_better: has_run_long_enough && is_judged && seen.low > 0.0,
            is_clearly_worse: is_judged && difference(pairs.0, pairs.1, Z_STOP).high < 0.0,
        }
    };
    [compare("customers who clicked", |arm| arm.clickers), compare("customers who ordered", |arm| arm.buyers)]
}

/// The customers of the canary that runs, by a hash of their name.
#[derive(Debug, Clone, Default)]
pub struct Trial {
    people: OrdMap<u64, Person>,
    champion: ArmCounts,
    canary: ArmCounts,
    changed: OrdSet<u64>,
}

impl PartialEq for Trial {
    fn eq(&self, other: &Self) -> bool {
        self.people == other.people
    }
}

impl Trial {
    /// Champion and canary.
    pub const fn arms(&self) -> [ArmCounts; 2] {
        [self.champion, self.canary]
    }

    pub(crate) fn clear(&mut self) {
        self.changed.extend(self.people.keys().copied());
        self.people.clear();
        (self.champion, self.canary) = Default::default();
    }

    pub(crate) fn decided(&mut self, person: &str, arm: Arm) {
        let key = xxh3_64(person.as_bytes());
        let known = self.people.get(&key).copied();
        if known.is_none() && self.people.len() >= MOST_PEOPLE {
            return;
        }
        let mut person = known.unwrap_or(Person { arm: Some(arm), ..Person::default() });
        if person.arm != Some(arm) {
            person.arm = None;
        }
        person.decisions = person.decisions.saturating_add(1);
        self.put(key, known, person);
    }

    pub(crate) fn clicked(&mut self, person: &str) {
        self.happened(person, |person| person.clicks = person.clicks.saturating_add(1));
    }

    pub(crate) fn ordered(&mut self, person: &str) {
        self.happened(person, |person| person.orders = person.orders.saturating_add(1));
    }

    fn happened(&mut self, person: &str, change: impl FnOnce(&mut Person)) {
        let key = xxh3_64(person.as_bytes());
        let Some(known) = self.people.get(&key).copied() else { return };
        let mut person = known;
        change(&mut person);
        self.put(key, Some(known), person);
    }

    fn put(&mut self, key: u64, before: Option<Person>, after: Person) {
        if let Some(before) = before {
            self.count(before, u64::wrapping_sub);
        }
        self.count(after, u64::wrapping_add);
        self.people.insert(key, after);
        self.changed.insert(key);
    }

    fn count(&mut self, person: Person, step: fn(u64, u64) -> u64) {
        let counts = match person.arm {
            None => return,
            Some(Arm::Champion) => &mut self.champion,
            Some(Arm::Canary) => &mut self.canary,
        };
        let add = |count: &mut u64, by: u32| *count = step(*count, u64::from(by));
        add(&mut counts.people, 1);
        add(&mut counts.decisions, person.decisions);
        add(&mut counts.clicks, person.clicks);
        add(&mut counts.clickers, person.clicks.min(1));
        add(&mut counts.orders, person.orders);
        add(&mut counts.buyers, person.orders.min(1));
    }

    pub(crate) fn drain_changes(&mut self) -> Result<Changes, postcard::Error> {
        let changed = std::mem::take(&mut self.changed);
        let piece = |key: &u64| {
            let value = self.people.get(key).map(postcard::to_stdvec).transpose()?;
            Ok((key.to_be_bytes().to_vec(), value))
        };
        changed.iter().map(piece).collect()
    }

    pub(crate) fn restore(pieces: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>) -> Option<Self> {
        let mut trial = Self::default();
        for (key, value) in pieces {
            let person = postcard::from_bytes(&value).ok()?;
            trial.put(u64::from_be_bytes(key.try_into().ok()?), None, person);
        }
        trial.changed.clear();
        Some(trial)
    }
}

/// When a canary last made something worse, in words.
pub(crate) fn verdict(champion: &ArmCounts, canary: &ArmCounts) -> Option<String> {
    let worse = compared(champion, canary, false).into_iter().find(|compared| compared.is_clearly_worse)?;
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    Some(format!(
        "{}: {} with the canary against {} with the champion",
        worse.name,
        percent(worse.canary.mean),
        percent(worse.champion.mean)
    ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_customer_counts_once_and_one_of_both_sides_not_at_all() {
        let mut trial = Trial::default();
        trial.clicked("stranger");
        for person in ["ann", "bob"] {
            trial.decided(person, Arm::Canary);
        }
        for _ in 0..3 {
            trial.clicked("ann");
            trial.ordered("ann");
        }
        let [champion, canary] = trial.arms();
        assert_eq!(champion, ArmCounts::default());
        assert_eq!(canary, ArmCounts { people: 2, decisions: 2, clicks: 3, clickers: 1, orders: 3, buyers: 1 });
        trial.decided("ann", Arm::Champion);
        assert_eq!(trial.arms(), [ArmCounts::default(), ArmCounts { people: 1, decisions: 1, ..ArmCounts::default() }]);
    }

    #[test]
    fn only_what_is_clearly_worse_stops_a_canary() {
        let arm = |people, clickers| ArmCounts { people, clickers, ..ArmCounts::default() };
        assert_eq!(verdict(&arm(1_000, 300), &arm(1_000, 280)), None, "chance");
        assert_eq!(verdict(&arm(50, 50), &arm(50, 0)), None, "too few to say");
        assert_eq!(verdict(&arm(1_000, 200), &arm(1_000, 300)), None, "better");
        let told = verdict(&arm(1_000, 300), &arm(1_000, 200)).unwrap();
        assert_eq!(told, "customers who clicked: 20.0 % with the canary against 30.0 % with the champion");
    }

    #[test]
    fn better_takes_its_time_and_worse_does_not() {
        let arm = |people, clickers| ArmCounts { people, clickers, ..ArmCounts::default() };
        let clicked = |canary: ArmCounts, is_long: bool| compared(&arm(1_000, 200), &canary, is_long)[0];
        assert!(clicked(arm(1_000, 300), true).is_better && !clicked(arm(1_000, 300), false).is_better);
        assert!(!clicked(arm(50, 40), true).is_better, "too few to say");
        for is_long in [false, true] {
            assert!(clicked(arm(1_000, 100), is_long).is_clearly_worse);
        }
    }

    proptest! {
        /// Counts kept by differences are those of counting anew, and pieces restore them.
        #[test]
        fn counts_are_those_of_the_people(steps in prop::collection::vec((0_u8..9, 0_u8..4), 0..80)) {
            let mut trial = Trial::default();
            for (person, step) in steps {
                let person = format!("c{person}");
                match step {
                    0 => trial.decided(&person, Arm::Champion),
                    1 => trial.decided(&person, Arm::Canary),
                    2 => trial.clicked(&person),
                    _ => trial.ordered(&person),
                }
            }
            let pieces = trial.drain_changes().unwrap().into_iter().filter_map(|(key, value)| Some((key, value?)));
            let restored = Trial::restore(pieces).unwrap();
            prop_assert_eq!(restored.arms(), trial.arms());
            prop_assert_eq!(&restored, &trial);
            trial.clear();
            prop_assert!(trial.drain_changes().unwrap().into_iter().all(|(_, value)| value.is_none()));
        }
    }
}
