//! What all events of one request share, and how one event becomes a verdict.
//!
//! Invariant: as many verdicts as events, in their order, whatever the events are. It knows no protocol.

use std::borrow::Cow;

use mercer_schema::{Event, MessageId, Timestamp};
use serde_json::value::RawValue;
use xxhash_rust::xxh3::Xxh3;

use crate::bad_row::{BadReason, BadRow, Fault, Protocol};
use crate::commerce::Terms;
use crate::object::{Envelope, Object};
use crate::{Limits, Received, Refusal, Surroundings};

/// What became of the events of a request, in their order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Batch {
    pub verdicts: Vec<Result<Event, BadRow>>,
    /// The key that the body names; servers take it when no header does.
    pub write_key: Option<String>,
}

/// A body as text of the same length, so that a piece of the text tells which bytes it was read from.
#[derive(Debug)]
pub(crate) struct Body<'a> {
    bytes: &'a [u8],
    text: Cow<'a, str>,
}

impl<'a> Body<'a> {
    pub(crate) fn open(bytes: &'a [u8], limit: usize) -> Result<Self, Refusal> {
        if bytes.len() > limit {
            return Err(Refusal::TooLarge { bytes: bytes.len(), limit });
        }
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii();
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => Cow::Owned(masked(bytes)),
        };
        Ok(Self { bytes, text })
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn envelope(&self, list_key: &'static str, expected: &'static str) -> Result<Envelope<'_>, Refusal> {
        let envelope = Envelope::parse(&self.text, list_key).map_err(|error| match error.classify() {
            serde_json::error::Category::Data if !self.text.starts_with('{') => Refusal::WrongShape { expected },
            _ => Refusal::Malformed { message: error.to_string() },
        })?;
        if envelope.events.is_none() { Err(Refusal::WrongShape { expected }) } else { Ok(envelope) }
    }

    /// The bytes that a piece of the text stands for.
    fn original(&self, piece: &str) -> &'a [u8] {
        let start = (piece.as_ptr() as usize).wrapping_sub(self.text.as_ptr() as usize);
        self.bytes.get(start..start.saturating_add(piece.len())).unwrap_or_default()
    }
}

/// Puts a question mark for each byte that is no UTF-8, so that one broken event does not hide the others.
fn masked(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| '?'));
    }
    text
}

/// A request apart from its events.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) protocol: Protocol,
    /// The call or path by which it came.
    pub(crate) call: &'a str,
    pub(crate) received: &'a Received,
    pub(crate) limits: &'a Limits,
    /// The fields beside the list of events that shape them.
    pub(crate) around: &'a Object<'a>,
}

impl Request<'_> {
    pub(crate) const fn terms(&self) -> Terms {
        Terms { default_currency: self.received.default_currency, property_levels: self.limits.property_levels }
    }

    pub(crate) fn refuse_too_many(events: &[&RawValue], limit: usize) -> Result<(), Refusal> {
        if events.len() > limit { Err(Refusal::TooManyEvents { events: events.len(), limit }) } else { Ok(()) }
    }

    /// Reads one event, or says why not and keeps its bytes.
    pub(crate) fn verdict<'t>(
        &self,
        body: &Body<'_>,
        piece: &'t str,
        position: usize,
        read: impl FnOnce(&'t str) -> Result<Event, Fault>,
    ) -> Result<Event, BadRow> {
        let raw = body.original(piece);
        self.check(body, raw).and_then(|()| read(piece)).map_err(|fault| {
            let row = BadRow::new(fault, raw, self.protocol, self.received);
            BadRow { surroundings: Some(Box::new(self.surroundings(position))), ..row }
        })
    }

    fn check(&self, body: &Body<'_>, raw: &[u8]) -> Result<(), Fault> {
        let limit = self.limits.event_bytes;
        if raw.len() > limit {
            let message = format!("the event has {} bytes; at most {limit} are allowed", raw.len());
            return Err(Fault::new(BadReason::TooLarge, message));
        }
        let is_masked = matches!(body.text, Cow::Owned(_));
        match std::str::from_utf8(if is_masked { raw } else { b"" }) {
            Ok(_) => Ok(()),
            Err(error) => {
                let message = format!("byte {} of the event is no UTF-8 text", error.valid_up_to());
                Err(Fault::new(BadReason::NotUtf8, message))
            }
        }
    }

    fn surroundings(&self, position: usize) -> Surroundings {
        let received = self.received;
        let envelope = self.around.to_json();
        Surroundings {
            call: self.call.to_owned(),
            position,
            envelope: (envelope != "{}").then_some(envelope),
            default_currency: received.default_currency,
            user_agent: received.user_agent.clone(),
            gpc: received.gpc,
            anonymous_id: received.anonymous_id.clone(),
            sent_at: received.sent_at.clone(),
            channel: received.channel,
        }
    }

    /// An id for an event that came without: a hash of its bytes, its place in the batch and `salt`, so that a
    /// body that is sent again gives the same ids. `time` is what else tells equal events apart: when it is
    /// not known, equal events count once in an hour, which is longer than clients go on retrying.
    pub(crate) fn derived_id(&self, event: &str, position: usize, salt: (&str, Option<Timestamp>)) -> MessageId {
        let (sender, time) = salt;
        let time = time.map_or(self.received.received_at.0.div_euclid(Timestamp::HOUR), |time| time.0);
        let mut hash = Xxh3::new();
        for part in [event.as_bytes(), sender.as_bytes(), &position.to_le_bytes(), &time.to_le_bytes()] {
            hash.update(&part.len().to_le_bytes());
            hash.update(part);
        }
        MessageId::trusted(format!("derived-{:032x}", hash.digest128()))
    }
}
