//! The cases of `spec/`, which the web SDK runs too: what one side says is what the other reads.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::path::Path;

use common::{good, limits, one, received};
use mercer_collect::segment::Call;
use mercer_collect::{Received, ga4, segment};
use mercer_schema::{Activity, Event, Timestamp};
use serde_json::{Value, json};

fn spec(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec").join(format!("{name}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

fn cases(spec: &Value) -> &[Value] {
    let cases = spec["cases"].as_array().unwrap();
    assert!(cases.len() >= 5);
    cases
}

/// A case's part over what all cases share: objects are merged.
fn over(base: &Value, part: &Value) -> Value {
    match (base, part) {
        (Value::Object(base), Value::Object(part)) => {
            let mut whole = base.clone();
            for (key, value) in part {
                let merged = whole.get(key).map_or_else(|| value.clone(), |known| over(known, value));
                whole.insert(key.clone(), merged);
            }
            Value::Object(whole)
        }
        (_, part) => part.clone(),
    }
}

/// Reads a batch as it comes from a browser.
fn read(events: &[Value], received: &Received, sent_at: &Value) -> Vec<Event> {
    let body = json!({ "batch": events, "sentAt": sent_at, "writeKey": "k" }).to_string();
    good(segment::read(Call::Batch, body.as_bytes(), received, &limits()).unwrap())
}

#[test]
fn wire() {
    let spec = spec("wire");
    let mut received = received();
    received.received_at = Timestamp::parse(spec["at"].as_str().unwrap()).unwrap();
    for case in cases(&spec) {
        let list = |key: &str, shared: &str| -> Vec<Value> {
            case[key].as_array().unwrap().iter().map(|part| over(&spec[shared], part)).collect()
        };
        let events = read(&list("sent", "every_sent"), &received, &spec["at"]);
        let events: Vec<Value> = events.iter().map(|event| serde_json::to_value(event).unwrap()).collect();
        assert_eq!(events, list("read", "every_read"), "{}", case["name"]);
    }
}

#[test]
fn consent() {
    let spec = spec("consent");
    for case in cases(&spec) {
        let (name, page, sdk) = (&case["name"], &case["page"], &case["sdk"]);
        assert_eq!(sdk["sent"] == json!(true), !sdk["stated"].is_null(), "{name}: what is sent states the choice");
        if sdk["stated"].is_null() {
            continue;
        }
        // The browser says it in a header too.
        for header in [false, page["gpc"] == json!(true)] {
            let received = Received { gpc: header, ..received() };
            let event = json!({
                "type": "track", "event": "Product Viewed", "messageId": "m", "anonymousId": "a",
                "properties": { "product_id": "mug-1" }, "context": { "consent": sdk["stated"] },
            });
            let event = read(&[event], &received, &Value::Null).remove(0);
            let read = serde_json::to_value(event.context.consent).unwrap();
            assert_eq!(read, case["server"]["consent"], "{name}, header {header}");
        }
    }
}

/// What an activity is called in the cases.
fn meaning(activity: &Activity) -> String {
    match activity {
        Activity::Commerce(commerce) => serde_json::to_value(commerce.action).unwrap().as_str().unwrap().to_owned(),
        Activity::Feedback(feedback) => if feedback.dismissed { "dismissed" } else { "restored" }.to_owned(),
        Activity::Exposure(exposure) => {
            if exposure.clicked { "exposure_clicked" } else { "exposure_viewed" }.to_owned()
        }
        Activity::Custom { .. } => "custom".to_owned(),
        Activity::Preferred(_) => "preferred".to_owned(),
        Activity::PageViewed { .. } => "page_view".to_owned(),
        Activity::Identified { .. } => "identified".to_owned(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn names() {
    let spec = spec("names");
    // Everything that any of the names cannot do without.
    let properties = json!({
        "product_id": "p", "product_ids": ["p"], "order_id": "o", "transaction_id": "o", "decision_id": "d",
        "items": [{ "item_id": "p" }], "search_strength": 0.5,
    });
    for case in cases(&spec) {
        let name = case["name"].as_str().unwrap();
        let event = json!({ "userId": "u", "messageId": "m", "event": name, "properties": properties });
        let event = one(segment::read(Call::Track, event.to_string().as_bytes(), &received(), &limits()).unwrap());
        assert_eq!(json!(meaning(&event.activity)), case["means"], "{name}");
        if let Activity::Custom { name: kept } = &event.activity {
            assert_eq!(kept, name);
        }
        let body = json!({ "client_id": "1.2", "user_id": "u", "events": [{ "name": name, "params": properties }] });
        let batch = ga4::read(body.to_string().as_bytes(), &received(), &limits()).unwrap();
        if let Some(Ok(event)) = batch.verdicts.first() {
            let expected = if case["ga4"].is_null() { &case["means"] } else { &case["ga4"] };
            assert_eq!(json!(meaning(&event.activity)), *expected, "{name} in GA4's protocol");
        }
    }
    let covered = |action: &str| cases(&spec).iter().any(|case| case["means"] == json!(action));
    for action in mercer_schema::CommerceAction::ALL {
        let action = serde_json::to_value(action).unwrap();
        assert!(covered(action.as_str().unwrap()), "{action} is in no case");
    }
}

#[test]
fn surroundings() {
    let spec = spec("surroundings");
    for case in cases(&spec) {
        let user_agent = case["user_agent"].as_str().map(str::to_owned);
        let received = Received { user_agent: user_agent.clone(), ..received() };
        let library = json!({ "library": { "name": "@mercer/web", "version": "0.1.0" } });
        let event = json!({
            "type": "track", "event": "E", "messageId": "m", "anonymousId": "a",
            "context": over(&library, &case["context"]),
        });
        let event = read(&[event], &received, &Value::Null).remove(0);
        let mut found = serde_json::to_value(&event.context).unwrap();
        found["channel"] = serde_json::to_value(event.channel).unwrap();
        let found = found.as_object_mut().unwrap();
        assert_eq!(found.remove("user_agent"), user_agent.map(Value::from), "{}", case["name"]);
        assert_eq!(Value::Object(found.clone()), case["read"], "{}", case["name"]);
    }
}
