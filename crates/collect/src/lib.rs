//! What shops already send (Segment, RudderStack, Jitsu, GA4, files) becomes validated events and products, or
//! typed bad rows.
//!
//! Invariant: as many verdicts come out as events went in; nothing that cannot be read is dropped, and nothing
//! that matters (identity, consent, money) is guessed. There is no HTTP here, no clock and no store: bytes and
//! plain structs in, [`Event`](mercer_schema::Event)s and [`BadRow`]s out.
//!
//! ```
//! use mercer_collect::{Limits, Received, inflate, segment};
//! use mercer_schema::{Currency, SourceId, Timestamp};
//!
//! let received = Received::new(SourceId::parse("shop")?, Timestamp::from_seconds(1_800_000_000), Currency::parse("EUR")?);
//! let limits = Limits::default();
//! let body = inflate(
//!     br#"{"batch":[
//!         {"type":"track","userId":7,"event":"Product Viewed","properties":{"product_id":"85123A","price":2.55}},
//!         {"type":"track","userId":7,"event":"Product Added","properties":{"product_id":"85123A","quantity":0}}
//!     ]}"#,
//!     None,
//!     &limits,
//! )?;
//! let batch = segment::read(segment::Call::Batch, &body, &received, &limits)?;
//! assert!(batch.verdicts[0].is_ok());
//! let row = batch.verdicts[1].as_ref().unwrap_err();
//! assert_eq!(row.field.as_deref(), Some("properties.quantity"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![allow(clippy::result_large_err, reason = "a bad row is smaller than the event whose place it takes")]

pub mod ga4;
pub mod import;
pub mod jitsu;
pub mod segment;

mod activity;
mod amount;
mod bad_row;
mod clock;
mod commerce;
mod consent;
mod context;
mod device;
mod inflate;
mod limits;
mod names;
mod object;
mod received;
mod replay;
mod request;

pub use bad_row::{BadReason, BadRow, Fault, Protocol};
pub use inflate::inflate;
pub use limits::{Limits, Refusal};
pub use received::{Received, Surroundings};
pub use replay::replay;
pub use request::Batch;
