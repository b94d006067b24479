//! A row becomes an event, by way of the same reader that trackers' events pass.
//!
//! Invariant: an imported event happened when the file says, never "now"; a row without a time is a bad row.
//! An id that the row lacks is derived from its content, so a second import adds nothing.

use mercer_schema::{Event, Timestamp};
use serde_json::{Map, Value, json};
use xxhash_rust::xxh3::xxh3_128;

use super::bind::Cells;
use super::field::Field;
use super::maker::{Maker, Outbox};
use super::mapping::Mapping;
use super::time::Clock;
use crate::request::Body;
use crate::segment::{Caller, single};
use crate::{BadReason, Fault, Limits, Protocol, Received};

pub(super) struct Events {
    clock: Clock,
    limits: Limits,
}

impl Events {
    pub(super) fn new(mapping: &Mapping, limits: Limits) -> Self {
        let formats = mapping.rule(Field::Time).map(|rule| rule.formats.clone()).unwrap_or_default();
        Self { clock: Clock::new(mapping.zone.clone(), formats), limits }
    }

    fn event(&mut self, cells: Cells<'_>, received: &Received) -> Result<Event, Fault> {
        if !cells.mapping.is_segment {
            let written = self.written(cells, received)?;
            return read(&written, received, &self.limits);
        }
        let raw = cells.to_raw();
        // What `mercer export events` wrote: the event as the log has it.
        if cells.columns.has("visitor.*")
            && let Ok(event) = serde_json::from_slice::<Event>(&raw)
        {
            return Ok(event);
        }
        let object: Map<String, Value> =
            serde_json::from_slice(&raw).map_err(|error| Fault::new(BadReason::Malformed, error.to_string()))?;
        read(&timed(object)?, received, &self.limits)
    }

    /// A row of a table, written as a tracker would have sent it.
    fn written(&mut self, cells: Cells<'_>, received: &Received) -> Result<Map<String, Value>, Fault> {
        let time = cells.required(Field::Time)?;
        let time = self.clock.read(&time.text).map_err(|expected| time.fault(BadReason::InvalidTime, &expected))?;
        let text = |field| cells.text(field).map(|found| Value::from(found.text));
        let mut properties: Map<String, Value> =
            cells.extras().map(|(name, value)| (name.into(), value.into())).collect();
        for (field, name) in [
            (Field::ProductId, "product_id"),
            (Field::Quantity, "quantity"),
            (Field::OrderId, "order_id"),
            (Field::Query, "query"),
            (Field::Url, "url"),
        ] {
            properties.extend(text(field).map(|value| (name.to_owned(), value)));
        }
        for (field, name) in [(Field::Price, "price"), (Field::Total, "total")] {
            if let Some(money) = cells.money(field, received.default_currency)? {
                properties.insert(name.to_owned(), money.amount().into());
                properties.insert("currency".to_owned(), money.currency.code().into());
            }
        }
        let category = cells.path(Field::Category).join(" > ");
        if !category.is_empty() {
            properties.insert("category".to_owned(), category.into());
        }
        let message_id = text(Field::MessageId)
            .unwrap_or_else(|| format!("row-{:032x}", xxh3_128(&cells.row.to_json(cells.columns))).into());
        let mut event = Map::from_iter([
            ("type".to_owned(), "track".into()),
            ("event".to_owned(), cells.required(Field::EventName)?.text.into()),
            ("messageId".to_owned(), message_id),
            ("timestamp".to_owned(), time.to_string().into()),
            ("properties".to_owned(), properties.into()),
        ]);
        event.extend(text(Field::CustomerId).map(|id| ("userId".to_owned(), id)));
        event.extend(text(Field::AnonymousId).map(|id| ("anonymousId".to_owned(), id)));
        event.extend(text(Field::Channel).map(|channel| ("channel".to_owned(), channel)));
        Ok(event)
    }
}

impl Maker<Event> for Events {
    fn take(&mut self, cells: Cells<'_>, out: &mut Outbox<'_, Event>) {
        match self.event(cells, out.received) {
            Ok(event) => out.made("event", 1, event),
            Err(fault) => out.bad(fault, cells.to_raw(), cells.row.line, 1),
        }
    }
}

/// The event with the one time at which it happened. A live request is corrected by the moment it comes in;
/// in a file that moment is long past, so only the event's own `receivedAt` may correct it.
fn timed(mut event: Map<String, Value>) -> Result<Map<String, Value>, Fault> {
    let mut time = |key: &str| match event.remove(key) {
        Some(Value::String(text)) => Timestamp::parse(&text)
            .map(Some)
            .map_err(|error| Fault::at(BadReason::InvalidTime, key, format!("`{key}`: {error}"))),
        _ => Ok(None),
    };
    let (original, sent, received) = (time("originalTimestamp")?, time("sentAt")?, time("receivedAt")?);
    if event.get("timestamp").is_some_and(|time| !time.is_null()) {
        return Ok(event);
    }
    let happened = match (original, sent, received) {
        (Some(original), Some(sent), Some(received)) => received.plus(-sent.since(original)),
        (Some(original), _, _) => original,
        (None, _, _) => {
            return Err(Fault::missing("timestamp", "`timestamp` is missing: when did the event happen?"));
        }
    };
    event.insert("timestamp".to_owned(), json!(happened));
    Ok(event)
}

fn read(event: &Map<String, Value>, received: &Received, limits: &Limits) -> Result<Event, Fault> {
    let bytes = serde_json::to_vec(event).map_err(|error| Fault::new(BadReason::Malformed, error.to_string()))?;
    let malformed = |message: String| Fault::new(BadReason::Malformed, message);
    let body = Body::open(&bytes, limits.batch_bytes).map_err(|refusal| malformed(refusal.to_string()))?;
    let batch = single(&body, None, Caller { protocol: Protocol::Import, received, limits })
        .map_err(|refusal| malformed(refusal.to_string()))?;
    match batch.verdicts.into_iter().next() {
        Some(Ok(event)) if event.occurred_at == received.received_at => Err(Fault::at(
            BadReason::InvalidTime,
            "timestamp",
            "the event's time is before 2000 or after the import: correct the file's times",
        )),
        Some(Ok(event)) => Ok(event),
        Some(Err(row)) => {
            let message = match &row.field {
                Some(field) => format!("`{field}`: {}", row.message),
                None => row.message,
            };
            Err(Fault { reason: row.reason, field: row.field, message })
        }
        None => Err(malformed("the row holds no event".to_owned())),
    }
}
