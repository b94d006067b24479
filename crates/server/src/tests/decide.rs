//! What a request and its headers tell of where the customer is, and that it stands in the log.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::testing::TestServer;

/// The context that the log has of a request with these headers.
async fn logged(server: &TestServer, headers: &[(&str, &str)], context: &Value) -> Value {
    let mut all = vec![("content-type", "application/json")];
    all.extend(headers);
    let body = json!({ "anonymous_id": "a", "group": "home", "context": context });
    let answer = server.call(("POST", "/v1/decide"), "decide", &all, body.to_string()).await;
    assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.json());
    let path = format!("/v1/decisions/{}", answer.json()["decision_id"].as_str().unwrap());
    for _ in 0..200 {
        let found = server.call(("GET", &path), "read", &[], "").await;
        if found.status == StatusCode::OK {
            return found.json()["request"]["context"].clone();
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    panic!("{path} was not logged");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_context_is_that_of_the_request_or_of_the_browsers_hint() {
    let server = TestServer::start().await;
    let told = json!({ "device": "tablet", "country": "at", "channel": "app" });
    let kept = json!({ "device": "tablet", "country": "AT", "channel": "app" });
    assert_eq!(logged(&server, &[("sec-ch-ua-mobile", "?1")], &told).await, kept, "the shop knows better");
    assert_eq!(logged(&server, &[("sec-ch-ua-mobile", "?1")], &json!({})).await["device"], "mobile");
    assert_eq!(logged(&server, &[("sec-ch-ua-mobile", "?0")], &json!({})).await, json!(null), "nothing is guessed");
    for wrong in [json!({ "country": "AUT" }), json!({ "device": "fridge" }), json!({ "city": "Graz" })] {
        let body = json!({ "group": "home", "context": wrong });
        let answer = server.json(("POST", "/v1/decide"), "decide", &body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
}
