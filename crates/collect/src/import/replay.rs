//! Takes a file's bad row again, after the mapping, the settings or the code were mended.
//!
//! Invariant: a bad row of an import says by itself what it was to become (its `surroundings` name the kind, the
//! mapping and the currency), so nothing but the row is needed; and what it gives has the ids that the first
//! import would have given.

use mercer_schema::{Event, Product};
use serde::{Deserialize, Serialize};

use super::error::Error;
use super::field::Kind;
use super::input::{Format, Input};
use super::mapping::Mapping;
use super::{Options, events, orders, products};
use crate::{BadReason, BadRow, Fault, Received, Surroundings};

/// What a row became.
#[derive(Debug, Clone, PartialEq)]
pub enum Imported {
    Product(Box<Product>),
    Event(Box<Event>),
}

/// What a bad row keeps of its mapping.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    mapping: String,
    /// The text of a mapping that is not compiled in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    toml: Option<String>,
}

/// What every bad row of an import carries with it.
pub(super) fn surroundings(mapping: &Mapping, received: &Received) -> Surroundings {
    let kept = Kept { mapping: mapping.name.clone(), toml: mapping.is_own.then(|| mapping.toml.clone()) };
    Surroundings {
        call: mapping.kind.to_string(),
        position: 0,
        envelope: serde_json::to_string(&kept).ok(),
        default_currency: received.default_currency,
        user_agent: None,
        gpc: received.gpc,
        anonymous_id: None,
        sent_at: None,
        channel: received.channel,
    }
}

/// Reads the row again: with `mapping` if it is for the same kind, else with the one that it was read with. Gives
/// all that it became, or the row with what is wrong with it now.
pub fn replay(row: &BadRow, mapping: Option<&Mapping>) -> Result<Vec<Imported>, Box<BadRow>> {
    let refused = |reason, message: String| {
        let fault = Fault::new(reason, message);
        Box::new(BadRow { reason: fault.reason, field: fault.field, message: fault.message, ..row.clone() })
    };
    let (Some(around), Some(kind)) = (&row.surroundings, row.surroundings.as_ref().and_then(|around| kind(around)))
    else {
        return Err(refused(
            row.reason,
            "the row does not say what it was imported as; import its file again".to_owned(),
        ));
    };
    if !row.raw.trim_ascii_start().starts_with(b"{") {
        // It never had columns: there is nothing that a mapping could read.
        return Err(Box::new(row.clone()));
    }
    let mapping = match mapping.filter(|mapping| mapping.kind == kind) {
        Some(mapping) => mapping.clone(),
        None => kept_mapping(around).map_err(|error| refused(BadReason::Malformed, error.to_string()))?,
    };
    let received = Received {
        gpc: around.gpc,
        channel: around.channel,
        ..Received::new(row.source.clone(), row.received_at, around.default_currency)
    };
    let options = Options { format: Some(Format::Jsonl), mapping: Some(mapping), ..Options::new(received) };
    let input = Input::bytes("bad row", row.raw.clone());
    let verdicts: Result<Vec<_>, Error> = match kind {
        Kind::Catalog => products(input, options).map(|all| all.map(|one| one.map(Imported::product)).collect()),
        Kind::Orders => orders(input, options).map(|all| all.map(|one| one.map(Imported::event)).collect()),
        Kind::Events => events(input, options).map(|all| all.map(|one| one.map(Imported::event)).collect()),
    };
    let verdicts = verdicts.map_err(|error| refused(BadReason::Malformed, error.to_string()))?;
    verdicts.into_iter().collect::<Result<_, BadRow>>().map_err(|again| {
        // Lines of the bytes that were kept would mislead: the file's line counts.
        Box::new(BadRow { reason: again.reason, field: again.field, message: again.message, ..row.clone() })
    })
}

fn kind(around: &Surroundings) -> Option<Kind> {
    around.call.parse().ok()
}

fn kept_mapping(around: &Surroundings) -> Result<Mapping, Error> {
    let unreadable = |message: String| Error::Mapping { mapping: "of the bad row".to_owned(), message };
    let kept: Kept = serde_json::from_str(around.envelope.as_deref().unwrap_or_default())
        .map_err(|error| unreadable(error.to_string()))?;
    match kept.toml {
        Some(text) => Mapping::from_toml(&kept.mapping, &text),
        None => Mapping::built_in(&kept.mapping),
    }
}

impl Imported {
    fn product(product: Product) -> Self {
        Self::Product(Box::new(product))
    }

    fn event(event: Event) -> Self {
        Self::Event(Box::new(event))
    }
}
