//! What the tests of this crate share: a shop, a moment, bodies.
#![allow(dead_code, reason = "each test binary uses a part")]

use std::path::Path;

use mercer_collect::{Batch, Limits, Received};
use mercer_schema::{Currency, Event, SourceId, Timestamp};

pub(crate) fn received() -> Received {
    let received_at = Timestamp::parse("2026-11-23T12:00:00Z").unwrap();
    Received::new(SourceId::trusted("shop"), received_at, Currency::parse("EUR").unwrap())
}

pub(crate) fn limits() -> Limits {
    Limits::default()
}

pub(crate) fn body(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(format!("{name}.json"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub(crate) fn good(batch: Batch) -> Vec<Event> {
    batch.verdicts.into_iter().map(|verdict| verdict.unwrap()).collect()
}

pub(crate) fn one(batch: Batch) -> Event {
    let mut events = good(batch);
    assert_eq!(events.len(), 1);
    events.remove(0)
}
