//! Whether a placement can be saved. Every refusal names the field and says what to do.

use std::fmt;

use mercer_schema::Placement;

use super::MOST_SIZE;
use crate::rule::{Rule, RuleError, Subject};

const MOST_SOURCES: usize = 10;
const MOST_BOOSTS: usize = 20;
const MOST_PINS: usize = 50;
const MOST_GROUPS: usize = 20;
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

fn check_rule(field: &str, text: &str, subject: Subject) -> Result<(), PlacementError> {
    let refused = |RuleError { message, nearest }| PlacementError { field: field.to_owned(), message, nearest };
    Rule::compile(text, subject).map(drop).map_err(refused)
}

fn refuse(field: &str, message: impl Into<String>) -> Result<(), PlacementError> {
    Err(PlacementError { field: field.to_owned(), message: message.into(), nearest: None })
}
