//! Jitsu's tracking API: Segment's events under paths of its own (`POST /api/s/{event}`).
//!
//! Invariant: whatever Segment's API would read from the body, this reads the same.

use crate::bad_row::Protocol;
use crate::request::Body;
use crate::segment::{self, Call, Caller};
use crate::{Batch, Limits, Received, Refusal};

/// Reads one event, or a batch when the path says so. When the path names no call, the event's `type` does.
pub fn read(event: &str, body: &[u8], received: &Received, limits: &Limits) -> Result<Batch, Refusal> {
    let body = Body::open(body, limits.batch_bytes)?;
    let caller = Caller { protocol: Protocol::Jitsu, received, limits };
    match Call::parse(event) {
        Some(Call::Batch) => segment::batch(&body, caller),
        call => segment::single(&body, call, caller),
    }
}
