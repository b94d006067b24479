//! Importers through their public face: real-looking files in, products, events and bad rows out.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test panics where it fails")]

mod catalog;
mod events;
mod hostile;
mod orders;
mod properties;
mod uci;

use mercer_collect::import::{Input, Mapping, Options};
use mercer_collect::{BadRow, Received};
use mercer_schema::{Activity, Commerce, Currency, Event, SourceId, Timestamp};

fn received() -> Received {
    let pounds = Currency::parse("GBP").unwrap();
    Received::new(SourceId::parse("import").unwrap(), Timestamp::parse("2026-11-23T12:00:00Z").unwrap(), pounds)
}

fn options(mapping: Option<&str>) -> Options {
    let mapping = mapping.map(|text| Mapping::from_toml("mine", text).unwrap_or_else(|error| panic!("{error}")));
    Options { mapping, ..Options::new(received()) }
}

fn file(name: &str, bytes: impl Into<Vec<u8>>) -> Input {
    Input::bytes(name, bytes)
}

fn good<T>(verdicts: impl Iterator<Item = Result<T, BadRow>>) -> Vec<T> {
    verdicts.map(|verdict| verdict.unwrap_or_else(|row| panic!("{}", row.message))).collect()
}

fn commerce(event: &Event) -> &Commerce {
    match &event.activity {
        Activity::Commerce(commerce) => commerce,
        other => panic!("{other:?}"),
    }
}

/// Lines as `product x pieces @ price`.
fn lines(event: &Event) -> Vec<String> {
    let lines = commerce(event).lines.iter();
    lines
        .map(|line| match line.price {
            Some(price) => format!("{} x{} @ {price}", line.product_id, line.quantity),
            None => format!("{} x{}", line.product_id, line.quantity),
        })
        .collect()
}
