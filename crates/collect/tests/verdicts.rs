//! As many verdicts as events, whatever the events are; each bad one says what, where, and can be replayed.

#![allow(clippy::unwrap_used, clippy::panic, clippy::result_large_err, reason = "a test fails by panicking")]

mod common;

use common::{body, limits, one, received};
use mercer_collect::{BadReason, BadRow, Protocol, Refusal, ga4, jitsu, replay, segment};
use mercer_schema::{Activity, Event, Timestamp};
use proptest::prelude::*;
use segment::Call;

fn batch_of(events: &[&str]) -> Vec<Result<Event, BadRow>> {
    let body = format!(r#"{{"batch":[{}]}}"#, events.join(","));
    segment::read(Call::Batch, body.as_bytes(), &received(), &limits()).unwrap().verdicts
}

/// The reason and the field of a lone bad event.
fn fault(event: &str) -> (BadReason, Option<String>) {
    let row = batch_of(&[event]).remove(0).unwrap_err();
    assert_eq!(row.raw, event.as_bytes());
    (row.reason, row.field)
}

fn track(event: &str, properties: &str) -> String {
    format!(r#"{{"type":"track","userId":"u","messageId":"m","event":"{event}","properties":{properties}}}"#)
}

#[test]
fn one_bad_event_never_spoils_a_batch() {
    let good = track("Visited", "{}");
    let deep = track("X", &format!(r#"{{"a":{}1{}}}"#, "[".repeat(5_000), "]".repeat(5_000)));
    let large = track("X", &format!(r#"{{"a":"{}"}}"#, "x".repeat(33_000)));
    let bad = [
        ("7", BadReason::WrongType),
        ("null", BadReason::MissingField),
        (r#"["a"]"#, BadReason::WrongType),
        (r#"{"type":"track","event":"E"}"#, BadReason::NoVisitor),
        (r#"{"type":"dance","userId":"u"}"#, BadReason::UnknownValue),
        (r#"{"type":"batch","userId":"u"}"#, BadReason::UnknownValue),
        (r#"{"userId":"u"}"#, BadReason::MissingField),
        (r#"{"type":"track","userId":"u"}"#, BadReason::MissingField),
        (r#"{"type":"track","userId":"a\u0000b","event":"E"}"#, BadReason::InvalidId),
        (r#"{"type":"track","userId":"\ud83d","event":"E"}"#, BadReason::Malformed),
        (r#"{"type":"track","userId":{"id":1},"event":"E"}"#, BadReason::WrongType),
        (r#"{"type":"track","userId":"u","userId":"v","event":"E"}"#, BadReason::Duplicate),
        (r#"{"type":"track","userId":"u","event":"E","timestamp":"soon"}"#, BadReason::InvalidTime),
        (r#"{"type":"track","userId":"u","event":"E","properties":{"n":1e999}}"#, BadReason::InvalidNumber),
        (r#"{"type":"alias","anonymousId":"a","previousId":"b"}"#, BadReason::MissingField),
        (r#"{"type":"group","userId":"u"}"#, BadReason::MissingField),
        (deep.as_str(), BadReason::TooDeep),
        (large.as_str(), BadReason::TooLarge),
    ];
    for (event, reason) in bad {
        let verdicts = batch_of(&[&good, event, &good]);
        assert_eq!(verdicts.len(), 3);
        assert!(verdicts[0].is_ok() && verdicts[2].is_ok());
        let row = verdicts[1].as_ref().unwrap_err();
        assert_eq!((row.reason, row.raw.as_slice()), (reason, event.as_bytes()), "{}", row.message);
    }
}

#[test]
fn bytes_that_are_no_text_cost_only_their_event() {
    let (start, end): (&[u8], &[u8]) = (br#"{"type":"track","userId":"u","event":""#, br#""}"#);
    let broken = [start, b"caf\xe9", end].concat();
    let whole = [start, "café".as_bytes(), end].concat();
    let body = [b"{\"batch\":[", &whole[..], b",", &broken[..], b",", &whole[..], b"]}"].concat();
    let verdicts = segment::read(Call::Batch, &body, &received(), &limits()).unwrap().verdicts;
    let row = verdicts[1].as_ref().unwrap_err();
    assert_eq!((row.reason, &row.raw), (BadReason::NotUtf8, &broken));
    for good in [&verdicts[0], &verdicts[2]] {
        assert_eq!(good.as_ref().unwrap().activity, Activity::Custom { name: "café".into() });
    }
    let stored = serde_json::to_string(row).unwrap();
    assert!(stored.contains("base64"));
    assert_eq!(&serde_json::from_str::<BadRow>(&stored).unwrap(), row);
}

#[test]
fn faults_name_the_field() {
    let at = |event: &str, properties: &str| {
        let (reason, field) = fault(&track(event, properties));
        (reason, field.unwrap_or_default())
    };
    let cases = [
        ("Product Viewed", "{}", BadReason::MissingField, "properties.product_id"),
        ("Product Viewed", r#"{"product_id":[1]}"#, BadReason::WrongType, "properties.product_id"),
        ("Product Added", r#"{"sku":"a","quantity":1.5}"#, BadReason::InvalidNumber, "properties.quantity"),
        ("Product Added", r#"{"sku":"a","price":-1}"#, BadReason::InvalidMoney, "properties.price"),
        ("Product Added", r#"{"sku":"a","price":1,"currency":"€"}"#, BadReason::InvalidMoney, "properties.currency"),
        ("Order Completed", r#"{"total":1}"#, BadReason::MissingField, "properties.order_id"),
        ("Order Completed", r#"{"order_id":1,"total":"a lot"}"#, BadReason::InvalidMoney, "properties.total"),
        ("Order Completed", r#"{"order_id":1,"products":{}}"#, BadReason::WrongType, "properties.products"),
        (
            "Order Completed",
            r#"{"order_id":1,"products":[{"id":1},{"id":2},{"id":3,"quantity":0}]}"#,
            BadReason::InvalidNumber,
            "properties.products[2].quantity",
        ),
        ("Cart Viewed", r#"{"products":[{"id":1},7]}"#, BadReason::WrongType, "properties.products[1]"),
        ("Cart Viewed", r#"{"products":[{"name":"x"}]}"#, BadReason::MissingField, "properties.products[0].product_id"),
        (
            "Cart Viewed",
            r#"{"currency":7,"products":[{"id":1,"price":1}]}"#,
            BadReason::InvalidMoney,
            "properties.currency",
        ),
        ("Product Dismissed", "{}", BadReason::MissingField, "properties.product_id"),
        ("Recommendation Viewed", r#"{"product_ids":["a"]}"#, BadReason::MissingField, "properties.decision_id"),
        (
            "Recommendation Viewed",
            r#"{"decision_id":"d","product_ids":["a",""]}"#,
            BadReason::InvalidId,
            "properties.product_ids[1]",
        ),
    ];
    for (event, properties, reason, field) in cases {
        assert_eq!(at(event, properties), (reason, field.to_owned()), "{event} {properties}");
    }
}

#[test]
fn what_commerce_does_not_interpret_stays() {
    let kept = |event: &str, properties: &str| {
        let event = batch_of(&[&track(event, properties)]).remove(0).unwrap();
        serde_json::Value::Object(event.properties).to_string()
    };
    // Without an amount the currency means nothing to us, and neither does a total without an order.
    assert_eq!(kept("Cart Viewed", r#"{"currency":"€","value":3}"#), r#"{"currency":"€","value":3}"#);
    assert_eq!(kept("Product Viewed", r#"{"id":1,"position":0}"#), r#"{"position":0}"#);
    assert_eq!(kept("Products Searched", r#"{"query":{"q":1}}"#), r#"{"query":{"q":1}}"#);
    assert_eq!(kept("Order Completed", r#"{"order_id":"o","price":5}"#), r#"{"price":5}"#);
    assert_eq!(kept("Cart Viewed", "[]"), "{}");
}

#[test]
fn a_refund_has_either_sign_and_a_sale_only_one() {
    let order = |event: &str| {
        let verdict = batch_of(&[&track(event, r#"{"orderId":"o","revenue":-5}"#)]).remove(0);
        verdict.map(|event| match event.activity {
            Activity::Commerce(commerce) => commerce.order.unwrap().total.unwrap().minor,
            _ => 0,
        })
    };
    assert_eq!(order("Refunded Order").unwrap(), 500);
    assert_eq!(order("Order Completed").unwrap_err().field.as_deref(), Some("properties.revenue"));
}

#[test]
fn whole_requests_are_refused_with_a_reason() {
    let read = |body: &[u8]| segment::read(Call::Batch, body, &received(), &limits()).unwrap_err();
    assert_eq!(read(b"").code(), "malformed");
    assert_eq!(read(b"{\"batch\":[").code(), "malformed");
    assert_eq!(read(br#"{"batch":[],"batch":[]}"#).code(), "malformed");
    assert_eq!(read(br#"{"batch":7}"#).code(), "malformed");
    assert_eq!(read(b"[]"), Refusal::WrongShape { expected: "a list `batch`" });
    assert_eq!(read(br#"{"type":"track"}"#), Refusal::WrongShape { expected: "a list `batch`" });
    assert!(read(&vec![b' '; 512_001]).is_too_large());
    let many = format!(r#"{{"batch":[{}1]}}"#, "1,".repeat(2_500));
    assert_eq!(read(many.as_bytes()), Refusal::TooManyEvents { events: 2_501, limit: 2_500 });
    let bottomless = format!(r#"{{"batch":[{}"#, "[".repeat(400_000));
    assert_eq!(read(bottomless.as_bytes()).code(), "malformed");
    let single = segment::read(Call::Track, b"7", &received(), &limits()).unwrap_err();
    assert_eq!(single.code(), "wrong_shape");
}

#[test]
fn message_ids_have_a_limit_in_characters() {
    let event = |id: &str| format!(r#"{{"type":"track","userId":"u","event":"E","messageId":"{id}"}}"#);
    assert!(batch_of(&[&event(&"ä".repeat(100))])[0].is_ok());
    assert_eq!(fault(&event(&"ä".repeat(101))), (BadReason::InvalidId, Some("messageId".into())));
}

#[test]
fn an_event_without_id_gets_the_same_one_again() {
    let ids = |body: &str, minutes: i64| {
        let mut received = received();
        received.received_at = received.received_at.plus(minutes * Timestamp::MINUTE);
        let verdicts = segment::read(Call::Batch, body.as_bytes(), &received, &limits()).unwrap().verdicts;
        verdicts.into_iter().map(|verdict| verdict.unwrap().message_id).collect::<Vec<_>>()
    };
    let undated = r#"{"batch":[{"type":"track","userId":"u","event":"E"},{"type":"track","userId":"u","event":"E"}]}"#;
    let first = ids(undated, 0);
    assert_ne!(first[0], first[1]);
    assert_eq!(ids(undated, 5), first);
    assert_ne!(ids(undated, 24 * 60), first, "the same deed on the next day is another one");
    let dated =
        r#"{"batch":[{"type":"track","userId":"u","event":"E","messageId":"","timestamp":"2026-11-23T11:00:00Z"}]}"#;
    assert_eq!(ids(dated, 24 * 60), ids(dated, 0));
}

#[test]
fn a_stored_row_is_read_again_after_a_fix() {
    let mut then = received();
    then.gpc = true;
    then.sent_at = Some("2026-11-23T10:00:05Z".into());
    let bad = r#"{"type":"track","userId":"u","event":"Product Added","timestamp":"2026-11-23T10:00:00Z","properties":{"id":"p","quantity":0}}"#;
    let body = format!(r#"{{"batch":[{},{bad}],"context":{{"locale":"fr"}}}}"#, track("E", "{}"));
    let row = segment::read(Call::Batch, body.as_bytes(), &then, &limits()).unwrap().verdicts.remove(1).unwrap_err();
    let stored: BadRow = serde_json::from_str(&serde_json::to_string(&row).unwrap()).unwrap();
    assert_eq!(stored, row);
    assert_eq!(replay(&stored, &limits()), Err(row), "nothing was mended");

    let mended = bad.replace(r#""quantity":0"#, r#""quantity":1"#);
    let event = replay(&BadRow { raw: mended.clone().into_bytes(), ..stored }, &limits()).unwrap();
    let right = format!(r#"{{"batch":[{},{mended}],"context":{{"locale":"fr"}}}}"#, track("E", "{}"));
    let expected = segment::read(Call::Batch, right.as_bytes(), &then, &limits()).unwrap().verdicts.remove(1);
    assert_eq!(Ok(event), expected);
}

#[test]
fn rows_of_every_protocol_are_replayed() {
    let jitsu_row = jitsu::read("track", br#"{"anonymousId":"j"}"#, &received(), &limits()).unwrap();
    let ga4_body = br#"{"client_id":"1.2","ip_override":"203.0.113.7","events":[{"name":"view_item"}]}"#;
    let ga4_row = ga4::read(ga4_body, &received(), &limits()).unwrap();
    for (batch, mended) in [(jitsu_row, r#"{"anonymousId":"j","event":"E"}"#), (ga4_row, r#"{"name":"look"}"#)] {
        let row = batch.verdicts.into_iter().next().unwrap().unwrap_err();
        assert!(!serde_json::to_string(&row).unwrap().contains("203.0.113"));
        let event = replay(&BadRow { raw: mended.into(), ..row.clone() }, &limits()).unwrap();
        assert!(matches!(event.activity, Activity::Custom { .. }));
        assert!(event.visitor.anonymous_id.is_some());
        assert_eq!(event.received_at, row.received_at);
    }
}

#[test]
fn rows_of_files_go_back_as_they_are() {
    let fault = mercer_collect::Fault::missing("sku", "no sku");
    let row = BadRow::new(fault, *b"a,b", Protocol::Import, &received()).at_line(7);
    assert_eq!(replay(&row, &limits()), Err(row));
}

#[test]
fn the_key_is_found_before_the_events_are_read() {
    assert_eq!(segment::write_key(&body("analytics_next_batch")).as_deref(), Some("demo-write"));
    assert_eq!(segment::write_key(br#"{"batch":[]}"#), None);
    assert_eq!(segment::write_key(b"\xff"), None);
}

#[test]
fn a_byte_order_mark_and_white_space_are_no_fault() {
    let body = [b"\xef\xbb\xbf \n", track("E", "{}").as_bytes(), b"\n"].concat();
    assert_eq!(one(segment::read(Call::Track, &body, &received(), &limits()).unwrap()).message_id.as_str(), "m");
}

/// JSON of any shape, with keys and texts that the readers look for.
fn any_json() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "type",
        "track",
        "page",
        "identify",
        "alias",
        "event",
        "userId",
        "anonymousId",
        "messageId",
        "timestamp",
        "sentAt",
        "originalTimestamp",
        "properties",
        "context",
        "traits",
        "products",
        "product_id",
        "quantity",
        "price",
        "currency",
        "order_id",
        "total",
        "Product Added",
        "Order Completed",
        "purchase",
        "login",
        "name",
        "params",
        "items",
        "consent",
        "page",
        "previousId",
        "groupId",
        "client_id",
        "2026-11-23T10:00:00Z",
        "EUR",
    ]);
    let text = prop_oneof![word.prop_map(str::to_owned), ".{0,12}"];
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|value| value.to_string()),
        any::<i64>().prop_map(|value| value.to_string()),
        "-?[1-9][0-9]{0,30}(\\.[0-9]{1,30})?([eE][+-]?[0-9]{1,4})?",
        Just(r#""\ud800""#.to_owned()),
        Just(r#""a\u0000b""#.to_owned()),
        text.clone().prop_map(|text| serde_json::to_string(&text).unwrap()),
    ];
    leaf.prop_recursive(5, 48, 8, move |inner| {
        let field = (text.clone(), inner.clone())
            .prop_map(|(key, value)| format!("{}:{value}", serde_json::to_string(&key).unwrap()));
        prop_oneof![
            prop::collection::vec(inner, 0..5).prop_map(|list| format!("[{}]", list.join(","))),
            prop::collection::vec(field, 0..8).prop_map(|fields| format!("{{{}}}", fields.join(","))),
        ]
    })
}

/// An event that gets past the first checks more often than not.
fn likely_event() -> impl Strategy<Value = String> {
    let kind = prop::sample::select(vec!["track", "page", "identify", "group", "alias", "screen", "dance"]);
    let name =
        prop::sample::select(vec!["Product Added", "Order Completed", "Recommendation Clicked", "Own", "refund"]);
    (kind, name, any_json(), any_json(), any_json()).prop_map(|(kind, name, user, properties, context)| {
        format!(
            r#"{{"type":"{kind}","event":"{name}","name":"{name}","userId":{user},"anonymousId":"a","properties":{properties},"params":{properties},"traits":{properties},"context":{context},"groupId":1,"previousId":"b"}}"#
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases * 3 / 4))]

    #[test]
    fn any_bytes_end_in_an_answer(body: Vec<u8>) {
        for call in [Call::Batch, Call::Track] {
            let _ = segment::read(call, &body, &received(), &limits());
        }
        let _ = ga4::read(&body, &received(), &limits());
        let _ = ga4::validate(&body, &received(), &limits());
    }

    #[test]
    fn as_many_verdicts_as_events_and_every_raw_byte_kept(
        events in prop::collection::vec(prop_oneof![any_json(), likely_event()], 0..8),
        envelope in any_json(),
    ) {
        let list = events.join(",");
        let segment_body = format!(r#"{{"sentAt":{envelope},"batch":[{list}],"context":{envelope}}}"#);
        let ga4_body = format!(r#"{{"client_id":"1","user_properties":{envelope},"consent":{envelope},"events":[{list}]}}"#);
        for batch in [
            segment::read(Call::Batch, segment_body.as_bytes(), &received(), &limits()).unwrap(),
            ga4::read(ga4_body.as_bytes(), &received(), &limits()).unwrap(),
        ] {
            prop_assert_eq!(batch.verdicts.len(), events.len());
            for (verdict, raw) in batch.verdicts.iter().zip(&events) {
                match verdict {
                    Ok(event) => {
                        prop_assert!(!event.visitor.is_nobody());
                        prop_assert!(event.occurred_at <= event.received_at);
                        // The log can read it back.
                        let json = serde_json::to_string(event).unwrap();
                        prop_assert_eq!(&serde_json::from_str::<Event>(&json).unwrap(), event);
                    }
                    Err(row) => {
                        prop_assert_eq!(row.raw.as_slice(), raw.as_bytes());
                        prop_assert!(!row.message.is_empty());
                        let again = replay(row, &limits());
                        prop_assert_eq!(again.as_ref(), Err(row));
                    }
                }
            }
        }
    }

    #[test]
    fn a_damaged_body_ends_in_an_answer(at in 0usize..2_000, byte: u8, name in "analytics_next_batch|rudderstack_web_track|ga4") {
        let mut body = body(&name);
        let at = at % body.len();
        body[at] = byte;
        for call in [Call::Batch, Call::Track] {
            let _ = segment::read(call, &body, &received(), &limits());
        }
        let _ = ga4::read(&body, &received(), &limits());
        let _ = ga4::validate(&body, &received(), &limits());
    }
}
