//! Models over HTTP: what is refused, what a body may leave out, and what people are told.

use axum::http::StatusCode;
use mercer_schema::{
    Activity, Channel, Commerce, CommerceAction, Context, CustomerId, Event, Line, MessageId, Order, OrderId, Product,
    ProductId, Properties, SourceId, Timestamp, Visitor,
};
use serde_json::json;

use super::search_desk::sign_in;
use crate::testing::TestServer;

pub(super) fn order(number: u64) -> Event {
    let at = Timestamp::from_seconds(1_760_000_000 + number as i64 * 3_600);
    let line = |product: u64| Line {
        product_id: ProductId::trusted(format!("p{}", product % 20)),
        quantity: 1,
        price: None,
        position: None,
    };
    let commerce = Commerce {
        action: CommerceAction::OrderCompleted,
        lines: [number, number + 1, number * 7].map(line).to_vec(),
        order: Some(Order { id: OrderId::trusted(format!("o{number}")), total: None }),
        query: None,
        list: None,
    };
    Event {
        message_id: MessageId::trusted(format!("m{number}")),
        source: SourceId::trusted("test"),
        visitor: Visitor { customer_id: Some(CustomerId::trusted(format!("c{}", number % 40))), anonymous_id: None },
        session: None,
        occurred_at: at,
        received_at: at,
        channel: Channel::Web,
        context: Context::default(),
        activity: Activity::Commerce(commerce),
        properties: Properties::default(),
    }
}

pub(super) async fn stocked() -> TestServer {
    let server = TestServer::start().await;
    let product = |number| Product::new(ProductId::trusted(format!("p{number}")), format!("Thing {number}"));
    let now = Timestamp::from_seconds(1_761_000_000);
    server.app.engine.save_products((0..20).map(product).collect(), now).await.unwrap();
    server.app.engine.accept_events((0..300).map(order).collect(), now).await.unwrap();
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_without_data_has_nothing_to_learn_and_nothing_to_go_back_to() {
    let server = TestServer::start().await;
    let trained = server.call(("POST", "/v1/models/train"), "admin", &[], "").await;
    assert_eq!((trained.status, &trained.json()["code"]), (StatusCode::CONFLICT, &json!("nothing_to_learn")));
    let back = server.call(("POST", "/v1/models/rollback"), "admin", &[], "").await;
    assert_eq!((back.status, &back.json()["code"]), (StatusCode::CONFLICT, &json!("wrong_stage")));
    server.app.engine.look_after_models(Timestamp::from_seconds(1_761_000_000)).await.unwrap();
    let health = server.call(("GET", "/v1/models/health"), "admin", &[], "").await.json();
    assert_eq!(health["alarms"], json!([]), "being young is no alarm");
    for path in ["/v1/models/000001", "/v1/models/nothing"] {
        assert_eq!(server.call(("GET", path), "admin", &[], "").await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_told_with_who_and_why() {
    let server = stocked().await;
    for _ in 0..2 {
        let trained = server.json(("POST", "/v1/models/train"), "admin", &json!({ "why": "spring" })).await;
        assert_eq!(trained.status, StatusCode::OK, "{:?}", trained.json());
        assert_eq!(trained.json()["promoted"], true, "{:?}", trained.json());
    }
    let promote = ("POST", "/v1/models/000001/promote");
    assert_eq!(server.call(promote, "admin2", &[], "").await.status, StatusCode::NO_CONTENT, "a body may be left out");
    let again = server.call(promote, "admin2", &[], "").await;
    assert_eq!(
        (again.status, &again.json()["code"]),
        (StatusCode::CONFLICT, &json!("wrong_stage")),
        "it serves already"
    );
    let long = json!({ "why": "x".repeat(1_001) });
    assert_eq!(server.json(promote, "admin", &long).await.json()["field"], "why");
    assert_eq!(server.json(promote, "admin", &json!({ "reason": "?" })).await.status, StatusCode::BAD_REQUEST);
    let changes = server.call(("GET", "/v1/models/changes"), "admin", &[], "").await.json();
    let told = changes["changes"].as_array().unwrap();
    assert_eq!(told.len(), 3);
    assert_eq!((&told[0]["by"], &told[0]["before"]), (&json!("key admin2"), &json!("000002")));
    assert_eq!(told[1]["why"], "it passed the gate (spring)");
    let listed = server.call(("GET", "/v1/models"), "admin", &[], "").await.json();
    assert_eq!(listed["models"][1]["champion"], true);
    let card = server.call(("GET", "/v1/models/000002"), "admin", &[], "").await.json();
    assert_eq!((&card["lineage"]["parent"], &card["lineage"]["why"]), (&json!("000001"), &json!("spring")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_names_a_share_and_a_version_that_is_not_the_champion() {
    let server = stocked().await;
    for _ in 0..2 {
        server.call(("POST", "/v1/models/train"), "admin", &[], "").await;
    }
    let server = &server;
    let start =
        |body: serde_json::Value| async move { server.json(("POST", "/v1/models/canary"), "admin", &body).await };
    for share in [json!(0), json!(1.01), json!(-0.5), json!("half"), json!(null)] {
        let answer = start(json!({ "version": "000001", "share": share })).await;
        assert_eq!((answer.status, &answer.json()["field"]), (StatusCode::BAD_REQUEST, &json!("share")), "{share}");
    }
    let champion = start(json!({ "version": "000002", "share": 0.1 })).await;
    assert_eq!(champion.json()["code"], "wrong_stage");
    let unknown = start(json!({ "version": "000009", "share": 0.1 })).await;
    assert_eq!(unknown.json()["code"], "model_unusable");
    assert_eq!(start(json!({ "version": "000001", "share": 0.1 })).await.status, StatusCode::NO_CONTENT);
    let report = server.call(("GET", "/v1/models/canary"), "admin", &[], "").await.json();
    assert_eq!((&report["running"]["version"], &report["running"]["champion"]), (&json!("000001"), &json!("000002")));
    // A version that passes the gate meanwhile would end the canary: it waits.
    let trained = server.call(("POST", "/v1/models/train"), "admin", &[], "").await.json();
    assert_eq!((&trained["promoted"], &trained["gate"]["passed"]), (&json!(false), &json!(true)), "{trained}");
    assert_eq!(trained["waits_for_canary"], "000001");
    let progress = server.call(("GET", "/v1/models/training"), "admin", &[], "").await.json();
    assert_eq!(progress["waits_for_canary"], "000001");
    let (cookie, _) = sign_in(server);
    let page = async |path: &str| {
        let answer = server.call(("GET", path), "", &[("cookie", &cookie)], "").await;
        String::from_utf8(answer.bytes).unwrap()
    };
    for path in ["/console/models", "/console/models/000003"] {
        let page = page(path).await;
        assert_eq!(page.matches("It waits: version 000001 is tried on some customers").count(), 1, "{page}");
    }
    // Another champion ends what was compared with the last one.
    server.call(("POST", "/v1/models/000001/promote"), "admin", &[], "").await;
    let report = server.call(("GET", "/v1/models/canary"), "admin", &[], "").await.json();
    assert_eq!((&report["running"], report["ended"].as_array().unwrap().len()), (&json!(null), 1));
    assert!(page("/console/models").await.contains("It waits for a person to let it serve."));
    server.call(("POST", "/v1/models/000003/promote"), "admin", &[], "").await;
    assert!(!page("/console/models").await.contains("It waits"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_is_removed_by_its_number_unless_it_is_needed() {
    let server = stocked().await;
    for _ in 0..4 {
        let trained = server.call(("POST", "/v1/models/train"), "admin", &[], "").await.json();
        assert_eq!(trained["promoted"], true, "{trained}");
    }
    let remove = async |version: &str, key: &str| {
        let answer = server.call(("DELETE", &format!("/v1/models/{version}")), key, &[], "").await;
        (answer.status.as_u16(), answer.json())
    };
    for key in ["read", "write", "decide"] {
        assert_eq!(remove("000001", key).await.0, 403, "{key}");
    }
    assert_eq!(remove("000009", "admin").await.0, 404);
    let (status, refused) = remove("000004", "admin").await;
    assert_eq!((status, &refused["code"]), (409, &json!("wrong_stage")));
    assert_eq!(refused["detail"], "Version 000004 is the champion; it stays.");
    assert_eq!(remove("000001?why=too+old", "admin").await.0, 204);
    assert_eq!(remove("000001", "admin").await.0, 404);
    let told = server.call(("GET", "/v1/models/changes"), "admin", &[], "").await.json()["changes"][0].clone();
    let told = [&told["action"], &told["version"], &told["by"], &told["why"]];
    assert_eq!(told, ["removed", "000001", "key admin", "too old"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_with_a_damaged_manifest_is_told_as_damaged_with_its_cause() {
    let server = stocked().await;
    for _ in 0..2 {
        server.call(("POST", "/v1/models/train"), "admin", &[], "").await;
    }
    let list = async || server.call(("GET", "/v1/models"), "admin", &[], "").await.json();
    assert_eq!(list().await["damaged"], json!([]));
    std::fs::write(server.folder().join("models/000001/manifest.json"), "{\"format\": 1, \"ver").unwrap();
    let told = list().await;
    let listed: Vec<_> = told["models"].as_array().unwrap().iter().map(|model| &model["version"]).collect();
    assert_eq!(listed, ["000002"]);
    assert_eq!(told["damaged"][0]["version"], "000001");
    let cause = told["damaged"][0]["cause"].as_str().unwrap();
    assert!(cause.contains("000001/manifest.json") && cause.contains("is damaged: EOF"), "{cause}");
    let (cookie, _) = sign_in(&server);
    let page = server.call(("GET", "/console/models"), "", &[("cookie", &cookie)], "").await;
    let page = String::from_utf8(page.bytes).unwrap();
    assert!(page.contains("Damaged versions") && page.contains("<strong>Version 000001</strong>"), "{page}");
}
