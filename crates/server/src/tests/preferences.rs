//! How much search may know of a customer: set by the shop for them, and by the customer from a page.

use serde_json::{Value, json};

use super::search_desk::stocked;
use crate::testing::TestServer;

const PATH: &str = "/v1/customers/ada/preferences";

async fn preferences(server: &TestServer, path: &str) -> Value {
    server.call(("GET", path), "read", &[], "").await.json()
}

#[tokio::test]
async fn a_preference_is_set_shown_and_kept_within_its_bounds() {
    let server = stocked().await;
    assert_eq!(server.call(("GET", PATH), "read", &[], "").await.status, 404);
    let put = async |value: Value| server.json(("PUT", PATH), "admin", &value).await;
    let saved = put(json!({ "search_strength": 0.4 })).await;
    assert_eq!((saved.status.as_u16(), saved.json()), (200, json!({ "search_strength": 0.4 })), "{saved:?}");
    assert_eq!(preferences(&server, PATH).await, json!({ "search_strength": 0.4 }));
    for wrong in [json!({ "search_strength": 2.5 }), json!({ "search_strength": -1 }), json!({}), json!({ "s": 1 })] {
        assert_eq!(put(wrong.clone()).await.status, 400, "{wrong}");
    }
    assert_eq!(server.json(("PUT", PATH), "decide", &json!({ "search_strength": 0 })).await.status, 403);
    assert_eq!(server.call(("GET", PATH), "decide", &[], "").await.status, 403);
    let known = server.call(("GET", "/v1/customers/ada"), "read", &[], "").await.json();
    assert_eq!(known["profile"]["preferences"], json!({ "search_strength": 0.4 }));
    let exported = server.call(("GET", "/v1/export/events"), "read", &[], "").await;
    assert!(String::from_utf8_lossy(&exported.bytes).contains("\"preferred\":{\"search_strength\":0.4}"));
}

#[tokio::test]
async fn a_page_says_it_with_an_event_and_search_keeps_to_it() {
    let server = stocked().await;
    let track = |properties: Value| {
        json!({ "batch": [{ "type": "track", "event": "Search Preference Updated", "messageId": properties.to_string(),
            "anonymousId": "a1", "properties": properties }] })
    };
    let taken = server.json(("POST", "/v1/batch"), "write", &track(json!({ "search_strength": 0 }))).await;
    assert_eq!(taken.status, 200, "{taken:?}");
    assert_eq!(preferences(&server, "/v1/customers/a1/preferences").await, json!({ "search_strength": 0.0 }));
    let wrong = server.json(("POST", "/v1/batch"), "write", &track(json!({ "search_strength": "much" }))).await.json();
    assert_eq!(wrong["rejected"], 1, "{wrong}");
    let request = json!({ "q": "mug", "anonymous_id": "a1", "explain": "full" });
    let answer = server.json(("POST", "/v1/search"), "decide", &request).await.json();
    assert!(answer["notes"].to_string().contains("how much search may know"), "{answer}");
    // The shop for a visitor without a name.
    let path = "/v1/customers/a1/preferences";
    assert_eq!(server.json(("PUT", path), "admin", &json!({ "search_strength": 1 })).await.status, 200);
    assert_eq!(preferences(&server, path).await, json!({ "search_strength": 1.0 }));
}
