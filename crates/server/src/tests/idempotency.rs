//! A request that is sent again runs once.

use mercer_schema::Fact;
use serde_json::json;

use crate::testing::{Answer, TestServer};

async fn send(server: &TestServer, call: (&str, &str), api_key: &str, key: &str, body: &str) -> Answer {
    server.call(call, api_key, &[("content-type", "application/json"), ("idempotency-key", key)], body.to_owned()).await
}

fn decisions(server: &TestServer) -> usize {
    let records = server.app.engine.read(mercer_schema::Position(0), 1_000).unwrap();
    records.iter().filter(|record| matches!(record.fact, Fact::Decided(_))).count()
}

#[tokio::test]
async fn a_repeated_decision_is_the_same_and_logged_once() {
    let server = TestServer::start().await;
    let body = json!({ "group": "home", "anonymous_id": "a" }).to_string();
    let first = send(&server, ("POST", "/v1/decide"), "decide", "k1", &body).await;
    assert_eq!((first.status.as_u16(), first.header("idempotency-replayed")), (200, None));
    let again = send(&server, ("POST", "/v1/decide"), "decide", "k1", &body).await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!((again.status, &again.bytes), (first.status, &first.bytes));
    assert_eq!(again.header("content-type"), first.header("content-type"));
    assert!(again.header("ratelimit").is_some(), "what is not run again still counts");
    // Everything queued before it is in the log when a write is acknowledged.
    let other = send(&server, ("POST", "/v1/decide"), "decide", "k2", &body).await;
    assert_ne!(other.bytes, first.bytes, "another key is another decision");
    let saved = server.json(("POST", "/v1/products"), "admin", &json!([{ "id": "p", "title": "P" }])).await;
    assert_eq!(saved.status, 200);
    assert_eq!(decisions(&server), 2);
}

#[tokio::test]
async fn another_request_under_the_same_key_is_refused() {
    let server = TestServer::start().await;
    let first = send(&server, ("POST", "/v1/keys"), "admin", "k", r#"{"name":"a","scopes":["write"]}"#).await;
    assert_eq!(first.status, 200);
    for (call, body) in [
        (("POST", "/v1/keys"), r#"{"name":"b","scopes":["write"]}"#),
        (("POST", "/v1/products"), r#"{"name":"a","scopes":["write"]}"#),
        (("PUT", "/v1/placements/a"), r#"{"name":"a","scopes":["write"]}"#),
    ] {
        let refused = send(&server, call, "admin", "k", body).await;
        assert_eq!(refused.status, 422, "{call:?}");
        assert_eq!(refused.json()["code"], "idempotency_key_reused");
        assert_eq!(refused.json()["type"], "/docs/errors#idempotency_key_reused");
    }
    let again = send(&server, ("POST", "/v1/keys"), "admin", "k", r#"{"name":"a","scopes":["write"]}"#).await;
    assert_eq!(again.json()["secret"], first.json()["secret"], "the key was made once");
    let foreign = send(&server, ("POST", "/v1/keys"), "admin2", "k", r#"{"name":"a","scopes":["write"]}"#).await;
    assert_ne!(foreign.json()["secret"], first.json()["secret"], "another caller's keys are his own");
}

#[tokio::test]
async fn refusals_of_the_handler_are_kept_and_failures_of_the_key_are_not() {
    let server = TestServer::start().await;
    let gone = send(&server, ("DELETE", "/v1/products/none"), "admin", "k", "").await;
    assert_eq!(gone.status, 404);
    let again = send(&server, ("DELETE", "/v1/products/none"), "admin", "k", "").await;
    assert_eq!((again.status.as_u16(), again.header("idempotency-replayed")), (404, Some("true")));
    for (key, status) in [("nobody", 401), ("read", 403)] {
        for _ in 0..2 {
            let refused = send(&server, ("DELETE", "/v1/products/none"), key, "k", "").await;
            assert_eq!((refused.status.as_u16(), refused.header("idempotency-replayed")), (status, None));
        }
    }
    let long = send(&server, ("POST", "/v1/decide"), "decide", &"x".repeat(256), "{}").await;
    assert_eq!((long.status.as_u16(), long.json()["field"].as_str()), (400, Some("Idempotency-Key")));
}

#[tokio::test]
async fn the_key_may_stand_in_the_body_as_trackers_have_it() {
    let server = TestServer::start().await;
    let event = json!({ "type": "track", "event": "Hello", "anonymousId": "a", "messageId": "m" });
    let body = json!({ "writeKey": "write", "batch": [event] }).to_string();
    let call = || async {
        let request = axum::http::Request::post("/v1/batch")
            .header("idempotency-key", "k")
            .body(axum::body::Body::from(body.clone()))
            .unwrap();
        let response = tower::ServiceExt::oneshot(crate::router(server.app.clone()), request).await.unwrap();
        let replayed = response.headers().contains_key("idempotency-replayed");
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (replayed, serde_json::from_slice::<serde_json::Value>(&bytes).unwrap()["accepted"].clone())
    };
    assert_eq!(call().await, (false, json!(1)));
    assert_eq!(call().await, (true, json!(1)), "not `duplicates: 1`: the very same answer");
}

#[tokio::test]
async fn a_revoked_key_gets_no_kept_answer() {
    let server = TestServer::start().await;
    let made = server.json(("POST", "/v1/keys"), "admin", &json!({ "name": "n", "scopes": ["decide"] })).await;
    let secret = made.json()["secret"].as_str().unwrap().to_owned();
    let body = json!({ "group": "home" }).to_string();
    assert_eq!(send(&server, ("POST", "/v1/decide"), &secret, "k", &body).await.status, 200);
    assert_eq!(server.call(("DELETE", "/v1/keys/n"), "admin", &[], "").await.status, 204);
    assert_eq!(send(&server, ("POST", "/v1/decide"), &secret, "k", &body).await.status, 401);
}

#[tokio::test]
async fn an_objection_to_personalization_makes_another_request() {
    let server = TestServer::start().await;
    let body = json!({ "group": "home" }).to_string();
    assert_eq!(send(&server, ("POST", "/v1/decide"), "decide", "k", &body).await.status, 200);
    let headers = [("content-type", "application/json"), ("idempotency-key", "k"), ("sec-gpc", "1")];
    assert_eq!(server.call(("POST", "/v1/decide"), "decide", &headers, body).await.status, 422);
}
