//! What is near in meaning, over HTTP: after a training, where the shop wants it, and never for what is called by its name.

use mercer_engine::Audit;
use mercer_schema::{Product, ProductId, Timestamp};
use serde_json::{Value, json};

use super::models::order;
use crate::testing::TestServer;

const KINDS: usize = 120;

fn at(second: i64) -> Timestamp {
    Timestamp::from_seconds(1_761_000_000 + second)
}

/// A word of its own for each kind of thing.
fn word(begin: &str, kind: usize) -> String {
    let letter = |number: usize| char::from(b'a' + (number % 26) as u8);
    format!("{begin}{}{}o", letter(kind / 26), letter(kind))
}

/// Of every kind four products that share two words: half of them are called a sofa of the kind, half a couch.
fn product(number: usize) -> Product {
    let kind = number / 4;
    let name = if number.is_multiple_of(2) { word("sofa", kind) } else { word("couch", kind) };
    let title = format!("{} {} {name}", word("velvet", kind), word("lounge", kind));
    Product::new(ProductId::trusted(format!("p{number}")), title)
}

async fn trained() -> TestServer {
    let server = TestServer::start().await;
    let engine = &server.app.engine;
    engine.save_products((0..4 * KINDS).map(product).collect(), at(0)).await.unwrap();
    engine.accept_events((0..300).map(order).collect(), at(0)).await.unwrap();
    engine.train(Audit::new("test", ""), at(1), |_| {}).await.unwrap();
    server
}

async fn search(server: &TestServer, request: Value) -> Value {
    server.json(("POST", "/v1/search"), "decide", &request).await.json()
}

fn ids(answer: &Value) -> Vec<&str> {
    answer["items"].as_array().unwrap().iter().map(|item| item["product_id"].as_str().unwrap()).collect()
}

async fn wants(server: &TestServer, meaning: bool) {
    let settings = json!({ "meaning": meaning, "exploration": 0.0 });
    assert_eq!(server.json(("PUT", "/v1/search/settings"), "admin", &settings).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_near_follows_is_explained_can_be_switched_off_and_is_replayed() {
    let server = trained().await;
    let q = word("sofa", 7);
    let near = search(&server, json!({ "q": q, "explain": "full" })).await;
    assert_eq!((&near["total"], &near["query"]["by_meaning"]), (&json!(4), &json!(2)), "{near}");
    assert_eq!(ids(&near)[2..], ["p29", "p31"]);
    let last = &near["explanations"][3];
    assert_eq!((&last["place_by_words"], &last["parts"][0]["name"]), (&json!(0), &json!("meaning")));
    assert!(last["parts"][0]["value"].as_f64().unwrap() > 0.5);
    wants(&server, false).await;
    let words = search(&server, json!({ "q": q })).await;
    assert_eq!((&words["total"], words["query"].get("by_meaning")), (&json!(2), None));
    wants(&server, true).await;
    for answer in [near, words] {
        let path = format!("/v1/searches/{}/replay", answer["decision_id"].as_str().unwrap());
        let again = server.call(("GET", &path), "read", &[], "").await.json();
        assert_eq!(again["identical"], true, "{again}");
    }
    let figures = server.call(("GET", "/v1/search/analytics"), "admin", &[], "").await.json();
    assert_eq!(figures["total"]["without_results"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn products_that_come_are_near_at_once_and_those_that_go_are_not() {
    let server = trained().await;
    let q = word("sofa", 7);
    let line = |id: &str, kind: usize| {
        format!("id,title,price\n{id},{} {} {},5\n", word("velvet", kind), word("lounge", kind), word("couch", kind))
    };
    let import =
        async |file: String| server.call(("POST", "/v1/import/catalog?currency=EUR"), "admin", &[], file).await.status;
    assert_eq!(import(line("late", 7)).await, 200);
    assert!(ids(&search(&server, json!({ "q": q })).await).contains(&"late"));
    assert_eq!(import(line("late", 8)).await, 200);
    assert!(!ids(&search(&server, json!({ "q": q })).await).contains(&"late"), "it is another thing now");
    server.app.engine.remove_product(&ProductId::trusted("p29"), at(5)).await.unwrap();
    let rule = json!({ "id": "hide", "name": "Hide", "then": [{ "do": "hide", "products": "product.id == 'p31'" }] });
    assert_eq!(server.json(("PUT", "/v1/search/rules/hide"), "admin", &rule).await.status, 200);
    assert_eq!(search(&server, json!({ "q": q })).await["total"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_and_nonsense_are_answered_as_without() {
    let server = trained().await;
    let mut answers = Vec::new();
    for meaning in [true, false] {
        wants(&server, meaning).await;
        for q in ["p29", "P31", "sofa p7", "dv7", "zeppelin"] {
            let answer = search(&server, json!({ "q": q, "dry_run": true })).await;
            answers.push((ids(&answer).join(" "), answer["total"].clone(), answer["query"].clone()));
        }
    }
    assert_eq!(answers[..5], answers[5..]);
    assert_eq!(answers[4].1, 0);
}
