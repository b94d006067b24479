//! A day beside the days that the champion learned from.

use std::collections::BTreeMap;

use mercer_schema::{ModelVersion, Timestamp};
use mercer_store::Manifest;
use serde::Serialize;

use super::counting::{Day, Days, Input, Kinds};
use crate::statistics::{holm, likelihood_ratio, smirnov};

/// The last days of the champion's training window, in whole weeks.
const REFERENCE_DAYS: i64 = 28;
/// The days of a champion's first answers.
const ANSWER_DAYS: i64 = 7;
/// Days that are compared, the newest.
const COMPARED_DAYS: usize = 14;
/// Counts that either side needs.
const LEAST_COUNTS: u64 = 100;
/// Probability, corrected for all tests of the day, below which chance is ruled out.
const LEVEL: f64 = 0.01;
/// A difference smaller than this is no drift, however certain it is: a tenth of the counts would have to be elsewhere.
const LEAST_DISTANCE: f64 = 0.1;

/// The days since the champion's data.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct DriftReport {
    pub champion: Option<ModelVersion>,
    /// The days that they are compared with.
    pub reference_from: Option<Timestamp>,
    pub reference_until: Option<Timestamp>,
    /// Newest first.
    pub days: Vec<DayDrift>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DayDrift {
    pub day: Timestamp,
    pub inputs: Vec<InputDrift>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct InputDrift {
    pub input: Input,
    pub title: &'static str,
    pub counts: u64,
    /// From 0, the same, to 1, nothing in common.
    pub distance: f64,
    /// Corrected for all tests of the day.
    pub p: f64,
    pub has_drifted: bool,
    /// The kind that changed most, in words.
    pub words: String,
}

impl DriftReport {
    /// What has drifted on the newest day that was compared.
    pub fn drifted(&self) -> impl Iterator<Item = (&DayDrift, &InputDrift)> {
        let newest = self.days.first();
        newest
            .into_iter()
            .flat_map(|day| day.inputs.iter().filter(|input| input.has_drifted).map(move |input| (day, input)))
    }
}

/// Compares the whole days since the champion's data, up to `now`. Its answers are compared with those of its first
/// week from `promoted_at` on.
pub(crate) fn report(days: &Days, champion: &Manifest, promoted_at: Option<Timestamp>, now: Timestamp) -> DriftReport {
    let day_of = |at: Timestamp| at.0.div_euclid(Timestamp::DAY);
    let start_of = |day: i64| Timestamp(day.saturating_mul(Timestamp::DAY));
    let last = day_of(champion.data.last_at);
    let first = day_of(champion.data.first_at).max(last - REFERENCE_DAYS + 1);
    let mut reference = sum(days.days.range(first..=last).map(|(_, day)| day));
    reference.retain(|input, _| !input.is_of_answers());
    let first_week = promoted_at.map(|at| (day_of(at) + 1, day_of(at) + ANSWER_DAYS));
    let answers = first_week.map(|(from, until)| sum(days.days.range(from..=until).map(|(_, day)| day)));
    let answered = answers.unwrap_or_default().into_iter().filter(|(input, _)| input.is_of_answers());
    reference.extend(answered);
    let mut later = days.days.range(last + 1..day_of(now).max(last + 1));
    let mut compared = Vec::new();
    while let Some((day, counts)) = later.next_back().filter(|_| compared.len() < COMPARED_DAYS) {
        let mut counts = counts.clone();
        let is_first_week = first_week.is_none_or(|(_, until)| *day <= until);
        counts.retain(|input, _| !(input.is_of_answers() && is_first_week));
        compared.push(DayDrift { day: start_of(*day), inputs: inputs(&reference, &counts) });
    }
    DriftReport {
        champion: Some(champion.version.clone()),
        reference_from: Some(start_of(first)),
        reference_until: Some(start_of(last + 1)),
        days: compared,
    }
}

fn sum<'a>(days: impl Iterator<Item = &'a Day>) -> Day {
    let mut all = Day::new();
    for (input, kinds) in days.flatten() {
        let sums = all.entry(*input).or_default();
        for (kind, count) in kinds {
            *sums.entry(kind.clone()).or_default() += count;
        }
    }
    all
}

fn inputs(reference: &Day, day: &Day) -> Vec<InputDrift> {
    let total = |kinds: &Kinds| kinds.values().sum::<u64>();
    let both = Input::ALL.into_iter().filter_map(|input| Some((input, reference.get(&input)?, day.get(&input)?)));
    let judged = both.filter(|(_, before, now)| total(before).min(total(now)) >= LEAST_COUNTS);
    let judged: Vec<_> = judged.collect();
    let tested = judged.iter().map(|(input, before, now)| {
        let pairs: Vec<(u64, u64)> = paired(before, now).into_values().collect();
        if input.is_ordered() { smirnov(&pairs) } else { likelihood_ratio(&pairs) }
    });
    let tested: Vec<_> = tested.collect();
    let corrected = holm(&tested.iter().map(|tested| tested.p).collect::<Vec<_>>());
    let told = judged.iter().zip(tested).zip(corrected).map(|(((input, before, now), tested), p)| InputDrift {
        input: *input,
        title: input.title(),
        counts: total(now),
        distance: tested.distance,
        p,
        has_drifted: p < LEVEL && tested.distance >= LEAST_DISTANCE,
        words: most_changed(*input, before, now),
    });
    told.collect()
}

fn paired<'a>(before: &'a Kinds, now: &'a Kinds) -> BTreeMap<&'a str, (u64, u64)> {
    let mut pairs: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    before.iter().for_each(|(kind, count)| pairs.entry(kind).or_default().0 = *count);
    now.iter().for_each(|(kind, count)| pairs.entry(kind).or_default().1 = *count);
    pairs
}

fn most_changed(input: Input, before: &Kinds, now: &Kinds) -> String {
    let totals = (before.values().sum::<u64>().max(1) as f64, now.values().sum::<u64>().max(1) as f64);
    let shares = paired(before, now).into_iter().map(|(kind, (a, b))| (kind, a as f64 / totals.0, b as f64 / totals.1));
    let most = shares.max_by(|a, b| (a.1 - a.2).abs().total_cmp(&(b.1 - b.2).abs()));
    most.map_or_else(String::new, |(kind, before, now)| {
        format!("{}: {:.1} % instead of {:.1} %", input.name_of(kind), now * 100.0, before * 100.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(input: Input, kinds: &[(&str, u64)]) -> Day {
        Day::from([(input, kinds.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect())])
    }

    #[test]
    fn what_is_certain_and_large_has_drifted() {
        let before = day(Input::Categories, &[("Lamps", 5_000), ("Cups", 5_000)]);
        let drift = |lamps, cups| inputs(&before, &day(Input::Categories, &[("Lamps", lamps), ("Cups", cups)]));
        let moved = drift(900, 100);
        assert!(moved[0].has_drifted && (moved[0].distance - 0.4).abs() < 1e-9, "{moved:?}");
        assert_eq!(moved[0].words, "Lamps: 90.0 % instead of 50.0 %");
        assert!(!drift(540_000, 460_000)[0].has_drifted, "certain, but small");
        assert!(!drift(60, 40)[0].has_drifted, "large enough, but chance");
        assert!(drift(50, 10).is_empty(), "too few to say anything");
    }

    #[test]
    fn sizes_are_told_as_sizes() {
        let before = day(Input::Prices, &[("020", 500), ("021", 500)]);
        let found = inputs(&before, &day(Input::Prices, &[("020", 900), ("021", 100)]));
        assert_eq!(found[0].words, "14.48 to 20.48: 10.0 % instead of 50.0 %");
        assert_eq!(Input::Answers.name_of("012"), "12 products");
    }

    #[test]
    fn a_new_kind_is_seen() {
        let before = day(Input::Sources, &[("site", 1_000)]);
        let found = inputs(&before, &day(Input::Sources, &[("site", 500), ("app", 500)]));
        assert!(found[0].has_drifted, "{found:?}");
    }
}
