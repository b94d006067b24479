//! Who the customer is: the fold from events to profiles, and what a profile says about taste.
//!
//! [`Profiles`] takes events in any order, late or twice, and ends in the same state; cloning it costs a few
//! pointer copies and a clone never changes. Facts stay with the identifier that they were seen under; which
//! identifiers are one person is decided when somebody looks, so undoing a link never needs un-merging.
//!
//! It knows no protocol and no database, and judges no consent: it only keeps what was said.
//!
//! ```
//! use mercer_profile::Profiles;
//! use mercer_schema::{Event, Visitor};
//! use serde_json::json;
//!
//! let event: Event = serde_json::from_value(json!({
//!     "message_id": "m1", "source": "web", "channel": "web",
//!     "visitor": { "anonymous_id": "browser-7", "customer_id": "ada" },
//!     "occurred_at": "2026-03-01T10:00:00Z", "received_at": "2026-03-01T10:00:01Z",
//!     "activity": { "commerce": { "action": "product_viewed", "lines": [{ "product_id": "mug", "quantity": 1 }] } },
//! }))?;
//! let mut profiles = Profiles::default();
//! profiles.apply(&event);
//!
//! let visitor = Visitor { anonymous_id: "browser-7".parse().ok(), customer_id: None };
//! let profile = profiles.view(&visitor).ok_or("the browser is known")?;
//! assert_eq!(profile.customer_id.as_ref().map(|id| id.as_str()), Some("ada"));
//! assert_eq!(profile.touches[0].product_id.as_str(), "mug");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Memory
//! Everything that is kept per identifier has a limit, and what is kept does not depend on the order in which events
//! arrived: it is the newest or the earliest of a set, or for orders those with the smallest hash of their id. The
//! limits stand as constants where they act: 256 events and 256 touches ([`TOUCHES_KEPT`]), 256 active days of visits,
//! 64 traits of 2 KiB, 512 dismissals, 1,024 orders of 256 lines and 8 refunds, 116 linked identifiers, 64 sign-in
//! hours. Added up from the sizes of these records, a visitor with twenty events takes about 2 KiB, and one with every
//! list of behaviour full about 30 KiB; traits, dismissals and orders (about 100 bytes and 8 bytes a line each) come
//! on top.

mod affinity;
mod bounded;
mod codec;
mod facts;
mod identity;
mod links;
mod orders;
mod people;
mod persona;
mod profiles;
mod touches;
mod view;
mod visits;

pub use affinity::{Affinities, AffinitySettings, Rfm, affinities, affinities_with, rfm};
pub use codec::Error;
pub use facts::TOUCHES_KEPT;
pub use identity::{IdentityLink, IdentitySettings, LinkedBy, Verdict, is_blocked};
pub use people::{Cursor, CursorError, Person};
pub use profiles::Profiles;
pub use touches::touches_of;
