//! Hostile requests: arbitrary bytes, and every kind of real body with things done to it, under every protocol. What is
//! accepted comes back from the log as it went in; what is refused says why; nothing panics or runs away.

#![allow(clippy::unwrap_used, clippy::panic, clippy::result_large_err, reason = "a test fails by panicking")]

mod common;
#[path = "common/mutate.rs"]
mod mutate;

use std::io::Write;

use common::{body, limits, received};
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use mercer_collect::{BadRow, Batch, Received, Refusal, ga4, inflate, jitsu, replay, segment};
use mercer_schema::{Event, Timestamp};
use mutate::{changed, changes};
use proptest::prelude::*;
use segment::Call;

const BODIES: [&str; 8] = [
    "analytics_next_batch",
    "analytics_next_track",
    "analytics_node_batch",
    "analytics_python_batch",
    "ga4",
    "jitsu_track",
    "rudderstack_node_batch",
    "rudderstack_web_track",
];

const CALLS: [Call; 7] = [Call::Track, Call::Page, Call::Screen, Call::Identify, Call::Group, Call::Alias, Call::Batch];

const WORDS: &[&str] = &[
    "\"type\":\"track\",",
    "\"type\":\"alias\",\"previousId\":\"x\",",
    "\"userId\":\"u\",",
    "\"anonymousId\":null,",
    "\"messageId\":\"\",",
    "\"timestamp\":\"2026-11-23T10:00:00Z\",",
    "\"originalTimestamp\":1,",
    "\"sentAt\":\"1970-01-01T00:00:00Z\",",
    "\"properties\":{},",
    "\"products\":[{\"product_id\":\"p\",\"price\":1,\"quantity\":2}],",
    "\"context\":{\"consent\":{\"personalization\":true}},",
    "\"price\":",
    "\"quantity\":",
    "\"total\":",
    "\"currency\":\"JPY\",",
    "\"order_id\":",
    "\"traits\":[],",
    "\"batch\":[",
    "\"events\":[",
    "Order Completed",
    "purchase",
    ",",
    ":",
    "{",
    "}",
    "[",
    "]",
    "\\u",
];

/// Everything that reads a request's body, and how many events a body may hold at most.
fn read_all(body: &[u8], received: &Received) -> Vec<Result<Batch, Refusal>> {
    let mut batches = Vec::new();
    for call in CALLS {
        batches.push(segment::read(call, body, received, &limits()));
    }
    for path in ["track", "batch", "page", "no such thing", ""] {
        batches.push(jitsu::read(path, body, received, &limits()));
    }
    batches.push(ga4::read(body, received, &limits()));
    serde_json::to_string(&ga4::validate(body, received, &limits())).unwrap();
    segment::write_key(body);
    batches
}

fn check(batch: Result<Batch, Refusal>, received: &Received) -> Result<(), TestCaseError> {
    let batch = match batch {
        Ok(batch) => batch,
        Err(refusal) => {
            prop_assert!(!refusal.code().is_empty() && refusal.to_string().len() < 2_000, "{refusal}");
            return Ok(());
        }
    };
    for verdict in &batch.verdicts {
        match verdict {
            Ok(event) => {
                prop_assert!(!event.visitor.is_nobody());
                prop_assert!(event.occurred_at <= received.received_at);
                prop_assert!(event.occurred_at >= Timestamp::parse("2000-01-01").unwrap());
                let json = serde_json::to_string(event).unwrap();
                prop_assert_eq!(&serde_json::from_str::<Event>(&json).unwrap(), event);
            }
            Err(row) => {
                prop_assert!(!row.message.is_empty() && row.message.len() < 2_000, "{}", row.message);
                let kept: BadRow = serde_json::from_str(&serde_json::to_string(row).unwrap()).unwrap();
                prop_assert_eq!(&kept, row);
                let again = replay(&kept, &limits());
                prop_assert_eq!(again.as_ref(), Err(row));
            }
        }
    }
    Ok(())
}

/// Headers as any client may send them.
fn any_received() -> impl Strategy<Value = Received> {
    let text = || prop::option::of(prop_oneof![".{0,40}", "[A-Za-z0-9+/=]{0,40}", Just("x".repeat(5_000))]);
    (text(), text(), text(), any::<bool>()).prop_map(|(user_agent, anonymous_id, sent_at, gpc)| Received {
        user_agent,
        anonymous_id,
        sent_at,
        gpc,
        ..received()
    })
}

proptest! {
    #[test]
    fn real_bodies_with_things_done_to_them(
        name in prop::sample::select(BODIES.to_vec()),
        changes in changes(WORDS),
        received in any_received(),
    ) {
        let body = changed(&body(name), &changes);
        for batch in read_all(&body, &received) {
            check(batch, &received)?;
        }
    }

    #[test]
    fn arbitrary_bytes(body in prop::collection::vec(any::<u8>(), 0..400), received in any_received()) {
        for batch in read_all(&body, &received) {
            check(batch, &received)?;
        }
    }

    #[test]
    fn packed_bodies_with_things_done_to_them(
        name in prop::sample::select(BODIES.to_vec()),
        changes in changes(&["\u{1f}", "\u{0}"]),
        times in 1_usize..4,
        label in prop::sample::select(vec!["gzip", "x-gzip", "deflate", "identity", "", "br", "gzip, gzip", "GZIP\n"]),
    ) {
        let plain = body(name);
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(&plain).unwrap();
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
        zlib.write_all(&plain).unwrap();
        let mut bare = DeflateEncoder::new(Vec::new(), Compression::fast());
        bare.write_all(&plain).unwrap();
        for packed in [gzip.finish().unwrap(), zlib.finish().unwrap(), bare.finish().unwrap()] {
            let packed = changed(&packed, &changes).repeat(times);
            for label in [None, Some(label)] {
                if let Ok(unpacked) = inflate(&packed, label, &limits()) {
                    prop_assert!(unpacked.len() <= limits().inflated_bytes.max(packed.len()));
                }
            }
        }
    }

    /// What the log's tables hold is read again by `mercer import --replay`.
    #[test]
    fn kept_bad_rows_with_things_done_to_them(changes in changes(WORDS), name in prop::sample::select(BODIES.to_vec())) {
        let cut = changed(&body(name), &changes);
        for batch in read_all(&cut, &received()).into_iter().flatten() {
            for row in batch.verdicts.into_iter().filter_map(Result::err) {
                let json = changed(&serde_json::to_vec(&row).unwrap(), &changes);
                if let Ok(row) = serde_json::from_slice::<BadRow>(&json) {
                    let _ = replay(&row, &limits());
                    let _ = mercer_collect::import::replay(&row, None);
                }
            }
        }
    }
}

#[test]
fn a_number_with_an_endless_exponent_costs_nothing() {
    let event = |key: &str| {
        format!(
            r#"{{"userId":"u","event":"Order Completed","properties":{{"order_id":"o","products":[{{"product_id":"p","quantity":2,"price":2}}],"{key}":1e-2147483648}}}}"#
        )
    };
    for key in ["total", "revenue", "price", "quantity", "tax"] {
        let batch = segment::read(Call::Track, event(key).as_bytes(), &received(), &limits()).unwrap();
        if let Ok(event) = &batch.verdicts[0] {
            assert!(serde_json::to_string(event).unwrap().len() < 2_000);
        }
    }
}

#[test]
fn a_bomb_of_many_members_stops_at_the_limit() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&vec![b' '; 64 * 1024]).unwrap();
    let bomb = gzip.finish().unwrap().repeat(2_000);
    let refusal = inflate(&bomb, Some("gzip"), &limits()).unwrap_err();
    assert!(refusal.is_too_large(), "{refusal}");
}
