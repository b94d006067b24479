//! Reads a bad row again, after the code or the row's bytes were mended.
//!
//! Invariant: the event keeps the time at which it was first received, and an id that was derived stays the
//! same when the bytes do, so a replayed row never counts twice.

use mercer_schema::Event;

use crate::bad_row::{BadReason, BadRow, Fault, Protocol};
use crate::object::Object;
use crate::request::{Body, Request};
use crate::segment::{self, Call};
use crate::{Limits, Received, ga4};

/// Gives the event, or the row with what is wrong with it now. Rows of a file come back as they are: the file's
/// importer reads them.
pub fn replay(row: &BadRow, limits: &Limits) -> Result<Event, BadRow> {
    let Some(surroundings) = row.surroundings.as_deref() else { return Err(row.clone()) };
    let renewed =
        |fault: Fault| BadRow { reason: fault.reason, field: fault.field, message: fault.message, ..row.clone() };
    let received = Received {
        source: row.source.clone(),
        received_at: row.received_at,
        default_currency: surroundings.default_currency,
        user_agent: surroundings.user_agent.clone(),
        gpc: surroundings.gpc,
        anonymous_id: surroundings.anonymous_id.clone(),
        sent_at: surroundings.sent_at.clone(),
        channel: surroundings.channel,
    };
    let envelope = surroundings.envelope.as_deref().unwrap_or("{}");
    let around = Object::parse(envelope).map_err(|fault| renewed(fault.within("surroundings.envelope")))?;
    let body = Body::open(&row.raw, limits.batch_bytes)
        .map_err(|refusal| renewed(Fault::new(BadReason::TooLarge, refusal.to_string())))?;
    let (protocol, position) = (row.protocol, surroundings.position);
    let request = Request { protocol, call: &surroundings.call, received: &received, limits, around: &around };
    let verdict = match protocol {
        Protocol::Segment | Protocol::Jitsu => {
            let reader = segment::Reader::new(Call::parse(&surroundings.call), request);
            request.verdict(&body, body.text(), position, |text| reader.event(Object::parse(text)?, text, position))
        }
        Protocol::Ga4 => {
            let reader = ga4::Reader::new(request);
            request.verdict(&body, body.text(), position, |text| reader.event(text, position))
        }
        Protocol::Import => return Err(row.clone()),
    };
    verdict.map_err(|bad| renewed(Fault { reason: bad.reason, field: bad.field, message: bad.message }))
}
