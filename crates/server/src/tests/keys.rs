//! Keys that are made over HTTP, and the description of the API.

use serde_json::json;

use crate::testing::TestServer;

#[tokio::test]
async fn a_key_is_checked_before_it_is_made() {
    let server = TestServer::start().await;
    for (body, field) in [
        (json!({ "name": "n", "scopes": [] }), "scopes"),
        (json!({ "name": "n", "scopes": ["all"] }), "scopes[0]"),
        (json!({ "name": "n", "scopes": ["write"], "origins": ["shop.example"] }), "origins"),
        (json!({ "name": "n", "scopes": ["write"], "origins": ["https://shop.example/"] }), "origins"),
        (json!({ "name": "a\u{1}", "scopes": ["write"] }), "name"),
        (json!({ "name": "n", "scopes": ["write"], "requests_per_second": 0 }), "requests_per_second"),
    ] {
        let refused = server.json(("POST", "/v1/keys"), "admin", &body).await;
        assert_eq!((refused.status.as_u16(), refused.json()["field"].as_str()), (400, Some(field)), "{body}");
    }
    let good =
        json!({ "name": "n", "scopes": ["decide", "write", "decide"], "origins": ["https://shop.example:8443"] });
    let made = server.json(("POST", "/v1/keys"), "admin", &good).await.json();
    assert_eq!(made["key"]["scopes"], json!(["write", "decide"]));
}

#[test]
fn every_call_that_changes_something_may_be_repeated() {
    let document = serde_json::to_value(crate::document()).unwrap();
    let mut counted = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let takes_key = operation["parameters"].to_string().contains("Idempotency-Key");
            let changes = method != "get" && !path.starts_with("/v1/import/");
            assert_eq!(takes_key, changes, "{method} {path}");
            counted += usize::from(changes);
        }
    }
    assert!(counted >= 10, "only {counted} calls change something");
}
