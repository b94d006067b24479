//! Whether a placement can be saved. Every refusal names the field and says what to do.

use std::fmt;

use mercer_schema::Placement;

use super::MOST_SIZE;
use crate::rule::{Rule, RuleError, Subject};

const MOST_SOURCES: usize = 10;
const MOST_BOOSTS: usize = 20;
const MOST_PINS: usize = 50;
const MOST_GROUPS: usize = 20;
const MOST_OBJECTIVES: usize = 10;
const MOST_QUOTAS: usize = 10;
const MOST_EVIDENCE: f64 = 1_000.0;
const MOST_TEXT_LETTERS: usize = 200;
const MOST_FACTOR: f64 = 100.0;

/// Why a placement cannot be saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacementError {
    /// As it is written in the file: `boosts[0].when`.
    pub field: String,
    pub message: String,
    /// The name that was probably meant.
    pub nearest: Option<String>,
}

impl fmt::Display for PlacementError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)?;
        match &self.nearest {
            Some(meant) => write!(f, "; did you mean `{meant}`?"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for PlacementError {}

pub(super) fn check(placement: &Placement) -> Result<(), PlacementError> {
    check_shape(placement)?;
    check_sources(placement)?;
    if let Some(filter) = &placement.filter {
        check_rule("filter", filter, Subject::Product)?;
    }
    check_boosts(placement)?;
    check_arranging(placement)?;
    check_quotas(placement)?;
    check_pins(placement)
}

fn check_shape(placement: &Placement) -> Result<(), PlacementError> {
    check_text("title", &placement.title)?;
    if !(1..=MOST_SIZE).contains(&placement.size) {
        return refuse("size", format!("{} places; allowed are 1 to {MOST_SIZE}", placement.size));
    }
    if placement.groups.len() > MOST_GROUPS {
        return refuse("groups", format!("at most {MOST_GROUPS} groups are allowed"));
    }
    for (number, group) in placement.groups.iter().enumerate() {
        check_text(&format!("groups[{number}]"), group)?;
    }
    if !(0.0..=1.0).contains(&placement.exploration) {
        return refuse("exploration", format!("{} is no share; write 0.1 for one place in ten", placement.exploration));
    }
    for (name, cap) in
        [("category", placement.diversity.max_per_category), ("brand", placement.diversity.max_per_brand)]
    {
        if cap == Some(0) {
            return refuse(&format!("diversity.max_per_{name}"), "0 would show nothing; leave it out for no limit");
        }
    }
    Ok(())
}

fn check_sources(placement: &Placement) -> Result<(), PlacementError> {
    if placement.sources.is_empty() && placement.fallback.is_empty() && placement.pins.is_empty() {
        return refuse("sources", "nothing would ever be shown; name at least one source, such as `popular`");
    }
    if placement.sources.len() > MOST_SOURCES || placement.fallback.len() > MOST_SOURCES {
        return refuse("sources", format!("at most {MOST_SOURCES} sources and {MOST_SOURCES} fallbacks are allowed"));
    }
    for (number, source) in placement.sources.iter().enumerate() {
        if !(source.weight.is_finite() && source.weight > 0.0 && source.weight <= MOST_FACTOR) {
            let message = format!("{} is no weight; write a number above 0, up to {MOST_FACTOR}", source.weight);
            return refuse(&format!("sources[{number}].weight"), message);
        }
        if placement.sources[..number].iter().any(|earlier| earlier.kind == source.kind) {
            return refuse(
                &format!("sources[{number}].kind"),
                "this source is already named; give it a greater weight",
            );
        }
    }
    Ok(())
}

fn check_arranging(placement: &Placement) -> Result<(), PlacementError> {
    let shares = [
        ("diversity.rerank.strength", placement.diversity.rerank.as_ref().map(|rerank| rerank.strength)),
        ("diversity.calibration", placement.diversity.calibration),
    ];
    for (field, share) in shares {
        if let Some(share) = share.filter(|share| !(0.0..=1.0).contains(share)) {
            return refuse(field, format!("{share} is no strength; write a number from 0 (as ranked) to 1"));
        }
    }
    if placement.objectives.len() > MOST_OBJECTIVES {
        return refuse("objectives", format!("at most {MOST_OBJECTIVES} objectives are allowed"));
    }
    for (number, objective) in placement.objectives.iter().enumerate() {
        if !(objective.weight.is_finite() && objective.weight > 0.0 && objective.weight <= MOST_FACTOR) {
            let message = format!(
                "{} is no weight; relevance has 1, write a number above 0, up to {MOST_FACTOR}",
                objective.weight
            );
            return refuse(&format!("objectives[{number}].weight"), message);
        }
        if placement.objectives[..number].iter().any(|earlier| earlier.aim == objective.aim) {
            let message = "this aim is already named; give it a greater weight";
            return refuse(&format!("objectives[{number}].aim"), message);
        }
    }
    if let Some(half) = placement.half_confident_at {
        if !(half.is_finite() && half > 0.0 && half <= MOST_EVIDENCE) {
            let message = format!("{half} is no number of views and orders; write one above 0, up to {MOST_EVIDENCE}");
            return refuse("half_confident_at", message);
        }
        if placement.fallback.is_empty() {
            return refuse("half_confident_at", "there is no safe answer to fall back on; name one under `fallback`");
        }
    }
    Ok(())
}

fn check_quotas(placement: &Placement) -> Result<(), PlacementError> {
    if placement.quotas.len() > MOST_QUOTAS {
        return refuse("quotas", format!("at most {MOST_QUOTAS} quotas are allowed"));
    }
    for (number, quota) in placement.quotas.iter().enumerate() {
        let field = |name| format!("quotas[{number}].{name}");
        check_rule(&field("when"), &quota.when, Subject::Product)?;
        match (quota.at_least, quota.at_most) {
            (None, None) => return refuse(&field("at_least"), "a quota says `at_least`, `at_most` or both"),
            (Some(least), _) if least == 0 || least > placement.size => {
                let message = format!("{least} of {} places; write 1 to {}", placement.size, placement.size);
                return refuse(&field("at_least"), message);
            }
            (Some(least), Some(most)) if least > most => {
                return refuse(&field("at_most"), format!("at least {least} and at most {most} cannot both hold"));
            }
            _ => {}
        }
    }
    Ok(())
}

fn check_boosts(placement: &Placement) -> Result<(), PlacementError> {
    if placement.boosts.len() > MOST_BOOSTS {
        return refuse("boosts", format!("at most {MOST_BOOSTS} boosts are allowed"));
    }
    for (number, boost) in placement.boosts.iter().enumerate() {
        let field = |name| format!("boosts[{number}].{name}");
        check_text(&field("label"), &boost.label)?;
        if !(boost.factor.is_finite() && boost.factor > 0.0 && boost.factor <= MOST_FACTOR) {
            let message = format!("{} is no factor; write 2 to lift, 0.5 to sink, up to {MOST_FACTOR}", boost.factor);
            return refuse(&field("factor"), message);
        }
        check_rule(&field("when"), &boost.when, Subject::Product)?;
    }
    Ok(())
}

fn check_pins(placement: &Placement) -> Result<(), PlacementError> {
    if placement.pins.len() > MOST_PINS {
        return refuse("pins", format!("at most {MOST_PINS} pins are allowed"));
    }
    for (number, pin) in placement.pins.iter().enumerate() {
        if !(1..=placement.size).contains(&pin.position) {
            let message = format!("place {} is not on the page; places go from 1 to {}", pin.position, placement.size);
            return refuse(&format!("pins[{number}].position"), message);
        }
        if let Some(when) = &pin.when {
            check_rule(&format!("pins[{number}].when"), when, Subject::Page)?;
        }
    }
    Ok(())
}

fn check_text(field: &str, text: &str) -> Result<(), PlacementError> {
    if text.trim().is_empty() {
        return refuse(field, "this is empty; people read it");
    }
    if text.chars().count() > MOST_TEXT_LETTERS || text.chars().any(char::is_control) {
        return refuse(field, format!("write one line of at most {MOST_TEXT_LETTERS} letters"));
    }
    Ok(())
}

/// Whether an expression can be understood; the refusal names the field.
pub(crate) fn check_rule(field: &str, text: &str, subject: Subject) -> Result<(), PlacementError> {
    let refused = |RuleError { message, nearest }| PlacementError { field: field.to_owned(), message, nearest };
    Rule::compile(text, subject).map(drop).map_err(refused)
}

pub(crate) fn refuse(field: &str, message: impl Into<String>) -> Result<(), PlacementError> {
    Err(PlacementError { field: field.to_owned(), message: message.into(), nearest: None })
}
