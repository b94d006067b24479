//! What each stock client sends, and the event that it must become. The bodies are written by hand after what the
//! clients were seen to send.

#![allow(clippy::unwrap_used, clippy::panic, clippy::result_large_err, reason = "a test fails by panicking")]

mod common;

use common::{body, good, limits, one, received};
use mercer_collect::{BadReason, Protocol, Received, ga4, jitsu, segment};
use mercer_schema::{
    Activity, AnonymousId, Channel, Commerce, CommerceAction, Consent, CustomerId, Device, Event, Feedback, SessionId,
    Timestamp,
};
use segment::Call;

fn commerce(event: &Event) -> &Commerce {
    match &event.activity {
        Activity::Commerce(commerce) => commerce,
        other => panic!("{other:?} is no commerce"),
    }
}

fn time(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

#[test]
fn analytics_next_single() {
    let batch = segment::read(Call::Track, &body("analytics_next_track"), &received(), &limits()).unwrap();
    assert_eq!(batch.write_key.as_deref(), Some("demo-write"));
    let event = one(batch);
    assert_eq!(event.message_id.as_str(), "ajs-next-1795428000000-5f0c1f0e");
    assert_eq!(event.visitor.customer_id, Some(CustomerId::trusted("c-42")));
    assert!(event.visitor.anonymous_id.is_some());
    // Two seconds old by the client's clock.
    assert_eq!(event.occurred_at, received().received_at.plus(-2 * Timestamp::SECOND));
    assert_eq!((event.channel, event.context.device), (Channel::Web, Some(Device::Mobile)));
    assert_eq!(event.context.campaign.as_deref(), Some("xmas"));
    assert_eq!(event.context.locale.as_deref(), Some("en-GB"));
    assert_eq!(event.context.consent, Some(Consent { personalization: true, gpc: false }));
    let commerce = commerce(&event);
    assert_eq!(commerce.action, CommerceAction::ProductAdded);
    let line = &commerce.lines[0];
    assert_eq!((line.product_id.as_str(), line.quantity, line.position), ("85123A", 3, Some(4)));
    assert_eq!(line.price.unwrap().to_string(), "2.55 GBP");
    let kept: Vec<_> = event.properties.keys().collect();
    assert_eq!(kept, ["brand", "cart_id", "name", "sku"]);
}

#[test]
fn analytics_next_batch() {
    let batch = segment::read(Call::Batch, &body("analytics_next_batch"), &received(), &limits()).unwrap();
    assert_eq!(batch.write_key.as_deref(), Some("demo-write"));
    let events = good(batch);
    assert_eq!(events[0].activity, Activity::PageViewed { name: Some("Home".into()) });
    assert_eq!(events[0].context.referrer.as_deref(), Some("https://search.example/"));
    let kept: Vec<_> = events[0].properties.keys().collect();
    assert_eq!(kept, ["category", "path", "search", "title"], "what the context says is not kept twice");
    assert_eq!(events[0].occurred_at, received().received_at.plus(-10 * Timestamp::SECOND));
    assert!(matches!(&events[1].activity, Activity::Identified { traits } if traits["plan"] == "gold"));
    // A self-alias: an event like any other, which ties nothing.
    assert_eq!(events[2].activity, Activity::Aliased { previous_id: "u2".into() });
    assert_eq!(events[2].visitor.customer_id, Some(CustomerId::trusted("u2")));
    assert!(matches!(&events[3].activity, Activity::Grouped { group_id, .. } if group_id == "club"));
}

#[test]
fn analytics_node() {
    let event = one(segment::read(Call::Batch, &body("analytics_node_batch"), &received(), &limits()).unwrap());
    assert_eq!((event.channel, event.context.device), (Channel::Server, None));
    let commerce = commerce(&event);
    let order = commerce.order.as_ref().unwrap();
    assert_eq!((order.id.as_str(), order.total.unwrap().to_string().as_str()), ("o-1001", "27.50 EUR"));
    let lines: Vec<_> = commerce.lines.iter().map(|line| (line.product_id.as_str(), line.quantity)).collect();
    assert_eq!(lines, [("22423", 1), ("21034", 5)]);
    let expected = serde_json::json!({
        "revenue": 25.0, "shipping": 2.5, "products": [{"name": "Cakestand"}, {"category": "Home"}]
    });
    assert_eq!(serde_json::Value::Object(event.properties.clone()), expected);
}

#[test]
fn a_backend_that_calls_the_api_itself_is_no_bot() {
    let device = |agent: &str| {
        let received = Received { user_agent: Some(agent.to_owned()), ..received() };
        let event = r#"{"event":"Product Clicked","userId":"u","properties":{"product_id":"p"}}"#;
        one(segment::read(Call::Track, event.as_bytes(), &received, &limits()).unwrap()).context.device
    };
    for library in ["Python-urllib/3.12", "curl/8.9.1", "Go-http-client/2.0", "okhttp/4.12.0", "Java/17.0.2", "Ruby"] {
        assert_eq!(device(library), None, "{library}");
    }
    assert_eq!(device("Googlebot/2.1 (+http://www.google.com/bot.html)"), Some(Device::Bot));
}

#[test]
fn analytics_python_old_and_new() {
    let events = good(segment::read(Call::Batch, &body("analytics_python_batch"), &received(), &limits()).unwrap());
    assert_eq!(commerce(&events[0]).query.as_deref(), Some("hanging heart"));
    assert_eq!(events[0].visitor.anonymous_id, None);
    assert_eq!(events[0].occurred_at, received().received_at.plus(-376_544));
    assert_eq!(events[1].visitor.customer_id, Some(CustomerId::trusted("7")));
}

#[test]
fn rudderstack_in_a_browser() {
    let event = one(segment::read(Call::Track, &body("rudderstack_web_track"), &received(), &limits()).unwrap());
    assert_eq!(commerce(&event).action, CommerceAction::ProductListViewed);
    assert_eq!(commerce(&event).list.as_deref(), Some("Lights"));
    assert_eq!(commerce(&event).lines[0].price.unwrap().to_string(), "2.55 EUR");
    assert_eq!(event.session, Some(SessionId::trusted("1795428000123")));
    assert_eq!(event.visitor.customer_id, None);
    assert_eq!(event.context.consent, Some(Consent { personalization: true, gpc: false }));
    assert_eq!(event.context.device, Some(Device::Desktop));
}

#[test]
fn rudderstack_headers_stand_in_for_missing_fields() {
    let mut received = received();
    received.anonymous_id = Some("ci05".into());
    received.sent_at = Some("2026-11-23T10:00:05.000Z".into());
    let events = good(segment::read(Call::Batch, &body("rudderstack_node_batch"), &received, &limits()).unwrap());
    let expected = serde_json::json!({ "plan": "silver", "age": 40 });
    assert!(matches!(&events[0].activity, Activity::Identified { traits } if serde_json::json!(traits) == expected));
    assert_eq!(events[0].visitor.anonymous_id, Some(AnonymousId::trusted("r-1")));
    assert_eq!(events[0].occurred_at, received.received_at.plus(-5 * Timestamp::SECOND));
    assert_eq!(events[1].visitor.anonymous_id, Some(AnonymousId::trusted("r-9")));
    let Activity::Exposure(exposure) = &events[1].activity else { panic!("{:?}", events[1].activity) };
    assert!(exposure.clicked && exposure.decision_id.as_str() == "d-1.0" && exposure.product_ids.len() == 1);
    assert_eq!(events[1].properties.keys().collect::<Vec<_>>(), ["slot"]);

    let without = segment::read(Call::Batch, &body("rudderstack_node_batch"), &common::received(), &limits()).unwrap();
    assert_eq!(without.verdicts[1].as_ref().unwrap_err().reason, BadReason::NoVisitor);
}

#[test]
fn jitsu_by_path_and_by_type() {
    let body = body("jitsu_track");
    for path in ["track", "event"] {
        let event = one(jitsu::read(path, &body, &received(), &limits()).unwrap());
        let feedback = Feedback { product_id: mercer_schema::ProductId::trusted("85123A"), dismissed: true };
        assert_eq!(event.activity, Activity::Feedback(feedback));
        assert_eq!(event.occurred_at, received().received_at.plus(-10_000));
        assert!(!serde_json::to_string(&event).unwrap().contains("203.0.113"), "the address is not kept");
    }
    let row = jitsu::read("page", br#"{"anonymousId":"j","properties":7}"#, &received(), &limits()).unwrap();
    assert_eq!(row.verdicts[0].as_ref().unwrap_err().protocol, Protocol::Jitsu);
}

#[test]
fn ga4_events() {
    let mut received = received();
    received.received_at = time("2026-11-23T12:00:00Z");
    let events = good(ga4::read(&body("ga4"), &received, &limits()).unwrap());
    let purchase = commerce(&events[0]);
    assert_eq!(purchase.action, CommerceAction::OrderCompleted);
    let order = purchase.order.as_ref().unwrap();
    assert_eq!((order.id.as_str(), order.total.unwrap().to_string().as_str()), ("T_12345", "72.05 USD"));
    let lines: Vec<_> =
        purchase.lines.iter().map(|line| (line.product_id.as_str(), line.quantity, line.position)).collect();
    assert_eq!(lines, [("SKU_12345", 3, Some(1)), ("SKU_12346", 2, Some(2))]);
    assert_eq!(events[0].occurred_at, time("2026-11-23T10:00:00Z"));
    assert_eq!(events[0].session, Some(SessionId::trusted("1795427000")));
    assert_eq!(events[0].visitor.anonymous_id, Some(AnonymousId::trusted("1234567890.1795428000")));
    assert_eq!(events[0].context.consent, Some(Consent { personalization: false, gpc: false }));
    assert!(matches!(&events[1].activity, Activity::Identified { traits } if traits["plan"] == "gold"));
    assert_eq!(events[1].properties["method"], "mail");
    assert_eq!(events[2].activity, Activity::PageViewed { name: Some("Thanks".into()) });
    assert_eq!(events[3].activity, Activity::Custom { name: "level_up".into() });
    let ids: std::collections::BTreeSet<_> = events.iter().map(|event| event.message_id.clone()).collect();
    assert_eq!(ids.len(), 4);
    assert!(!serde_json::to_string(&events).unwrap().contains("203.0.113"));
}

#[test]
fn ga4_says_what_a_body_would_come_to() {
    let validate = |json: &str| {
        let answer = ga4::validate(json.as_bytes(), &received(), &limits());
        serde_json::to_value(answer).unwrap()["validationMessages"].as_array().unwrap().clone()
    };
    assert!(ga4::validate(&body("ga4"), &received(), &limits()).validation_messages.is_empty());
    let cases = [
        ("{", "events", "VALUE_INVALID"),
        (r#"{"client_id":"1.2"}"#, "events", "VALUE_REQUIRED"),
        (r#"{"events":[{"name":"a"}]}"#, "client_id", "VALUE_REQUIRED"),
        (r#"{"client_id":"1","events":[{"params":{}}]}"#, "events[0].name", "VALUE_REQUIRED"),
        (r#"{"client_id":"1","events":[{"name":"session_start"}]}"#, "events[0].name", "NAME_RESERVED"),
        (r#"{"client_id":"1","events":[{"name":"a b"}]}"#, "events[0].name", "NAME_INVALID"),
        (
            r#"{"client_id":"1","events":[{"name":"a"},{"name":"view_item","params":{"items":[{"item_id":"x","quantity":-1}]}}]}"#,
            "events[1].params.items[0].quantity",
            "VALUE_OUT_OF_BOUNDS",
        ),
        (
            r#"{"client_id":"1","timestamp_micros":"now","events":[{"name":"a"},{"name":"b"}]}"#,
            "timestamp_micros",
            "VALUE_INVALID",
        ),
    ];
    for (json, path, code) in cases {
        let messages = validate(json);
        assert_eq!(messages[0]["fieldPath"], path, "{json}");
        assert_eq!(messages[0]["validationCode"], code, "{json}");
        assert_eq!(messages.iter().filter(|message| message["fieldPath"] == path).count(), 1, "{json}: {messages:?}");
    }
    let many = format!(r#"{{"client_id":"1","events":[{}{{}}]}}"#, "{},".repeat(25));
    assert_eq!(validate(&many)[0]["validationCode"], "EXCEEDED_MAX_ENTITIES");
}
