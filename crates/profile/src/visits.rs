//! Visits: activity without a pause of more than 30 minutes.
//!
//! Invariant: for each of the newest [`DAYS_KEPT`] active days (UTC) the intervals are exactly the connected
//! components of that day's points in time, so the order of arrival cannot show. Cutting at midnight is what makes
//! forgetting safe: days are fixed names, and the newest names of a growing set are the same in any order, which
//! is not true of "the newest intervals" because a late point can join two of them. [`merge`] joins across midnight
//! and across devices; that is exact, since components of a union are found from the components of its parts.

use mercer_schema::{Timestamp, Visit};
use serde::{Deserialize, Serialize};

/// A longer pause starts a new visit.
const PAUSE_MICROS: i64 = 30 * Timestamp::MINUTE;
/// Active days per identifier; a day has at most 47 intervals.
const DAYS_KEPT: usize = 256;

/// Intervals that never cross midnight, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Visits {
    intervals: Vec<Interval>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Interval {
    started_at: Timestamp,
    last_at: Timestamp,
    events: u32,
}

impl Interval {
    /// Whether a visit that was last active at `last_at` goes on here on the same day.
    fn continues(&self, last_at: Timestamp) -> bool {
        self.started_at.day() == last_at.day() && self.started_at.since(last_at) <= PAUSE_MICROS
    }
}

impl Visits {
    pub(crate) fn add(&mut self, at: Timestamp) {
        let point = Interval { started_at: at, last_at: at, events: 1 };
        let after = self.intervals.partition_point(|interval| interval.started_at <= at);
        let joins_next = self.intervals.get(after).is_some_and(|next| next.continues(at));
        let before = after.checked_sub(1).filter(|index| point.continues(self.intervals[*index].last_at));
        match before {
            Some(index) => {
                self.intervals[index] = joined(self.intervals[index], point);
                if joins_next {
                    let next = self.intervals.remove(after);
                    self.intervals[index] = joined(self.intervals[index], next);
                }
            }
            None if joins_next => self.intervals[after] = joined(point, self.intervals[after]),
            None => {
                self.intervals.insert(after, point);
                self.forget_old_days();
            }
        }
    }

    fn forget_old_days(&mut self) {
        if self.intervals.len() <= DAYS_KEPT {
            return;
        }
        let mut days = 0;
        let mut day = None;
        let from = self.intervals.iter().rposition(|interval| {
            if day != Some(interval.started_at.day()) {
                day = Some(interval.started_at.day());
                days += 1;
            }
            days > DAYS_KEPT
        });
        if let Some(newest_forgotten) = from {
            self.intervals.drain(..=newest_forgotten);
        }
    }

    /// What stays when the activity at `points` is taken out. Of an interval that is thinned out only its
    /// beginning is known to stay, so it ends at the first point taken.
    pub(crate) fn without(&self, points: impl Iterator<Item = Timestamp>) -> Self {
        let mut left = self.intervals.clone();
        let mut earliest = None;
        for at in points {
            earliest = Some(earliest.map_or(at, |earliest: Timestamp| earliest.min(at)));
            let after = left.partition_point(|interval| interval.started_at <= at);
            if let Some(interval) = after.checked_sub(1).and_then(|index| left.get_mut(index)) {
                interval.events = interval.events.saturating_sub(1);
            }
        }
        left.retain(|interval| interval.events > 0);
        if let Some(earliest) = earliest {
            for interval in &mut left {
                interval.last_at = interval.last_at.min(earliest.max(interval.started_at));
            }
        }
        Self { intervals: left }
    }

    pub(crate) fn last_at(&self) -> Option<Timestamp> {
        self.intervals.last().map(|interval| interval.last_at)
    }
}

fn joined(left: Interval, right: Interval) -> Interval {
    Interval {
        started_at: left.started_at.min(right.started_at),
        last_at: left.last_at.max(right.last_at),
        events: left.events.saturating_add(right.events),
    }
}

/// How many visits all the parts make together, and the newest of them.
pub(crate) fn merge<'a>(parts: impl Iterator<Item = &'a Visits>) -> (u32, Option<Visit>) {
    let mut intervals: Vec<Interval> = parts.flat_map(|part| part.intervals.iter().copied()).collect();
    intervals.sort_unstable_by_key(|interval| (interval.started_at, interval.last_at));
    let mut count = 0;
    let mut running: Option<Interval> = None;
    for interval in intervals {
        running = Some(match running {
            Some(held) if interval.started_at.since(held.last_at) <= PAUSE_MICROS => joined(held, interval),
            _ => {
                count += 1;
                interval
            }
        });
    }
    let newest = running.map(|Interval { started_at, last_at, events }| Visit { started_at, last_at, events });
    (count, newest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn visits_of(minutes: &[i64]) -> Visits {
        let mut visits = Visits::default();
        minutes.iter().for_each(|minute| visits.add(Timestamp(minute * Timestamp::MINUTE)));
        visits
    }

    /// The definition itself: sort all points, cut where the pause is longer than 30 minutes.
    fn by_definition(minutes: &[i64]) -> (u32, Option<(i64, i64, u32)>) {
        let mut sorted = minutes.to_vec();
        sorted.sort_unstable();
        let cuts: Vec<&[i64]> = sorted.chunk_by(|left, right| right - left <= 30).collect();
        (cuts.len() as u32, cuts.last().map(|cut| (cut[0], cut[cut.len() - 1], cut.len() as u32)))
    }

    proptest! {
        #[test]
        fn visits_are_cut_at_pauses_on_any_number_of_devices(
            minutes in prop::collection::vec(0_i64..4_000, 0..120), cut in 0_usize..120,
        ) {
            let (left, right) = minutes.split_at(cut.min(minutes.len()));
            let (count, newest) = merge([visits_of(left), visits_of(right)].iter());
            let newest = newest.map(|visit| {
                (visit.started_at.0 / Timestamp::MINUTE, visit.last_at.0 / Timestamp::MINUTE, visit.events)
            });
            prop_assert_eq!((count, newest), by_definition(&minutes));
        }

        #[test]
        fn forgetting_days_does_not_depend_on_the_order(
            mut minutes in prop::collection::vec(0_i64..(400 * 1_440), 300..700),
        ) {
            let arrived = visits_of(&minutes);
            minutes.sort_unstable();
            prop_assert_eq!(&visits_of(&minutes), &arrived);
            minutes.reverse();
            prop_assert_eq!(&visits_of(&minutes), &arrived);
        }
    }

    #[test]
    fn only_the_newest_active_days_are_kept() {
        let daily: Vec<i64> = (0..300).map(|day| day * 1_440).collect();
        assert_eq!(merge([visits_of(&daily)].iter()).0, 256);
    }
}
