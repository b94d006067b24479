//! What the list of models and the card of a version share: figures in words.

use mercer_engine::{DriftReport, Estimate, Gate};

use super::page::{grouped, minute};
use crate::models::views::Canary;

/// A canary, running or ended.
pub(crate) struct CanaryView {
    pub version: String,
    pub champion: String,
    pub share: String,
    pub started_at: String,
    pub ended_at: Option<String>,
    /// Of canary and champion: customers, decisions, clicks, orders.
    pub counts: [[String; 5]; 2],
    pub compared: Vec<ComparedView>,
}

pub(crate) struct ComparedView {
    pub name: &'static str,
    pub canary: String,
    pub champion: String,
    pub difference: String,
    pub verdict: &'static str,
    pub is_bad: bool,
}

impl CanaryView {
    pub(crate) fn new(canary: &Canary) -> Self {
        let counts = |name: &str, arm: &mercer_engine::ArmCounts| {
            [name.to_owned(), grouped(arm.people), grouped(arm.decisions), grouped(arm.clicks), grouped(arm.orders)]
        };
        let compared = canary.compared.iter().map(|compared| ComparedView {
            name: compared.name,
            canary: interval(&compared.canary),
            champion: interval(&compared.champion),
            difference: interval(&compared.difference),
            verdict: match compared.difference {
                _ if compared.is_clearly_worse => "clearly worse",
                _ if compared.is_better => "better",
                Estimate { low, .. } if low > 0.0 => "ahead, too early to tell",
                Estimate { high, .. } if high < 0.0 => "worse",
                _ => "too close to tell",
            },
            is_bad: compared.difference.high < 0.0,
        });
        Self {
            version: canary.version.to_string(),
            champion: canary.champion.as_ref().map_or_else(|| "no champion".to_owned(), ToString::to_string),
            share: percent(canary.share),
            started_at: minute(canary.started_at),
            ended_at: canary.ended_at.map(minute),
            counts: [counts("Canary", &canary.canary_counts), counts("Champion", &canary.champion_counts)],
            compared: compared.collect(),
        }
    }
}

/// The newest day beside what the champion learned from.
pub(crate) struct DriftView {
    pub day: Option<String>,
    pub reference: String,
    pub inputs: Vec<DriftedInput>,
    /// The days before, each with what had drifted.
    pub earlier: Vec<(String, String)>,
}

pub(crate) struct DriftedInput {
    pub title: &'static str,
    pub counts: String,
    pub distance: String,
    pub p: String,
    pub has_drifted: bool,
    pub words: String,
}

impl DriftView {
    pub(crate) fn new(report: &DriftReport) -> Self {
        let day_of = |at: mercer_schema::Timestamp| at.to_string().chars().take(10).collect::<String>();
        let reference = report
            .reference_from
            .zip(report.reference_until)
            .map_or_else(String::new, |(from, until)| format!("{} to {}", day_of(from), day_of(until.plus(-1))));
        let newest = report.days.first();
        let input = |input: &mercer_engine::InputDrift| DriftedInput {
            title: input.title,
            counts: grouped(input.counts),
            distance: format!("{:.3}", input.distance),
            p: if input.p < 0.001 { "< 0.001".to_owned() } else { format!("{:.3}", input.p) },
            has_drifted: input.has_drifted,
            words: input.words.clone(),
        };
        let earlier = report.days.iter().skip(1).map(|day| {
            let drifted = day.inputs.iter().filter(|input| input.has_drifted).map(|input| input.title);
            (day_of(day.day), drifted.collect::<Vec<_>>().join(", "))
        });
        Self {
            day: newest.map(|day| day_of(day.day)),
            reference,
            inputs: newest.into_iter().flat_map(|day| &day.inputs).map(input).collect(),
            earlier: earlier.collect(),
        }
    }
}

/// The verdict in a line.
pub(crate) fn gate_line(gate: &Gate) -> String {
    let lost: Vec<&str> = gate.checks.iter().filter(|check| !check.passed).map(|check| check.name.as_str()).collect();
    match (&gate.champion, gate.passed) {
        _ if gate.checks.is_empty() => "not compared".to_owned(),
        (None, _) => "the first of its kind: there was no champion to compare with".to_owned(),
        (Some(champion), true) => format!("did not lose to version {champion} on {} cases", grouped(gate.cases as u64)),
        (Some(champion), false) if lost.is_empty() => format!("cannot be compared with version {champion} yet"),
        (Some(champion), false) => format!("lost to version {champion}: {}", lost.join(", ")),
    }
}

/// `12.3 % (10.1 to 14.6)`.
pub(crate) fn interval(estimate: &Estimate) -> String {
    let in_percent = |share: f64| share * 100.0;
    let Estimate { mean, low, high } = estimate;
    format!("{:.1} % ({:.1} to {:.1})", in_percent(*mean), in_percent(*low), in_percent(*high))
}

/// `5 %`, `0.5 %`.
pub(crate) fn percent(share: f64) -> String {
    let percent = (share * 1_000.0).round() / 10.0;
    if percent.fract() == 0.0 { format!("{percent:.0} %") } else { format!("{percent:.1} %") }
}

pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} kB", bytes.div_ceil(1_000)),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well() {
        assert_eq!((size(0), size(1), size(11_006_278)), ("0 kB".into(), "1 kB".into(), "11.0 MB".into()));
        assert_eq!((percent(0.05), percent(0.005), percent(1.0)), ("5 %".into(), "0.5 %".into(), "100 %".into()));
        assert_eq!(interval(&Estimate { mean: -0.1, low: -0.2, high: 0.05 }), "-10.0 % (-20.0 to 5.0)");
    }
}
