//! What nobody should send: each bad question to the search is refused in the one shape of errors, each odd one answered.

use serde_json::{Value, json};

use crate::testing::{Answer, TestServer};

const CATALOG: &str = "id,title,category,price\np1,Blue gizmo,Home,100\np2,Red widget,Home,120\n";
const QUERIES: [&str; 4] = ["/v1/search", "/v1/facets", "/v1/browse/Home", "/v1/suggest"];

async fn stocked() -> TestServer {
    let server = TestServer::start().await;
    assert_eq!(server.call(("POST", "/v1/import/catalog?currency=EUR"), "admin", &[], CATALOG).await.status, 200);
    server
}

/// Every byte as it stands in an address.
fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// An error as all are: named, explained, with the field at fault.
#[track_caller]
fn assert_refused(answer: &Answer, status: u16, field: Option<&str>, what: &str) {
    assert_eq!(answer.status.as_u16(), status, "{what}: {answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{what}");
    let problem = answer.json();
    for name in ["type", "title", "code", "detail"] {
        assert!(problem[name].as_str().is_some_and(|text| !text.is_empty()), "{what}: {problem}");
    }
    assert_eq!(problem["status"], status, "{what}");
    assert_eq!(problem["field"].as_str(), field, "{what}: {problem}");
    assert!(answer.bytes.len() < 4_000, "{what}: an error repeats no long text");
}

#[tokio::test]
async fn odd_texts_are_answered() {
    let server = stocked().await;
    let odd = [
        "blue\t\r\n gizmo",
        "\u{202e}ozmig\u{202c} \u{2066}",
        "g\u{301}\u{302}\u{303}izmo \u{200b}\u{200d}\u{feff}",
        "(a+)+$ (((((*?+{9} [[:alpha:]]{1000} .*.*.*",
        "' OR 1=1 -- <script>alert(1)</script> ${jndi:x}",
        "99999999999999999999999999 ml under 1e400 between 9 and",
        "without without not no - -- non",
        "𝔤𝔦𝔷𝔪𝔬 👩‍👩‍👧‍👦 \u{10ffff} İß ﬃ",
    ];
    for text in odd {
        for path in QUERIES {
            let answer = server.call(("GET", &format!("{path}?q={}", encoded(text))), "decide", &[], "").await;
            assert_eq!(answer.status, 200, "{path} {text}: {answer:?}");
        }
        let answer = server.json(("POST", "/v1/search"), "decide", &json!({ "q": text, "explain": "full" })).await;
        assert_eq!(answer.json()["query"]["text"], text);
    }
}

#[tokio::test]
async fn bad_addresses_are_refused() {
    let server = stocked().await;
    let long = "a".repeat(10_000);
    for path in QUERIES {
        for (query, field) in [
            (format!("q={long}"), Some("q")),
            (format!("q={}", encoded("mug\u{0}\u{7}lamp")), Some("q")),
            (format!("q={}", encoded("\u{1b}[31m")), Some("q")),
            (format!("q={}", encoded(&"é".repeat(1_001))), Some("q")),
            ("colour=red".to_owned(), Some("colour")),
            ("customer=".to_owned(), Some("customer")),
            (format!("locale={long}"), Some("locale")),
        ] {
            let answer = server.call(("GET", &format!("{path}?{query}")), "decide", &[], "").await;
            let told: String = query.chars().take(40).collect();
            assert_refused(&answer, 400, field, &format!("{path}?{told}"));
        }
    }
    for path in &QUERIES[..3] {
        for (query, field) in [
            (format!("filter={}", encoded(&"(".repeat(900))), Some("filter")),
            (format!("filter={}", encoded(&format!("{}true{}", "(".repeat(900), ")".repeat(900)))), Some("filter")),
            (format!("filter={}true", "!".repeat(1_500)), Some("filter")),
            (format!("filter={}", encoded(&"true && ".repeat(300))), Some("filter")),
            (format!("filter={}", encoded("product.nothing > 1")), Some("filter")),
            (format!("filter={}", encoded("\u{0}\u{202e}")), Some("filter")),
            (format!("category={long}"), Some("category")),
            (format!("refine={}", encoded(&"[".repeat(3_000))), Some("refine")),
            (format!("refine={}", encoded("{\"field\":1}")), Some("refine")),
            (format!("ignore={}", "x,".repeat(200)), Some("ignore")),
            (format!("fields={}", "x,".repeat(400)), Some("fields")),
            ("limit=0".to_owned(), Some("limit")),
            ("limit=201".to_owned(), Some("limit")),
            ("limit=-1".to_owned(), Some("limit")),
            ("limit=99999999999999999999".to_owned(), Some("limit")),
            ("facets=31".to_owned(), Some("facets")),
            ("cursor=abc".to_owned(), Some("cursor")),
            ("cursor=9999999999".to_owned(), Some("cursor")),
            ("cursor=24.".to_owned(), Some("cursor")),
            ("cursor=24.a.b".to_owned(), Some("cursor")),
            (format!("cursor=24.{}", "A".repeat(8_000)), Some("cursor")),
            ("strength=3".to_owned(), Some("strength")),
            ("strength=NaN".to_owned(), Some("strength")),
            ("sort=random".to_owned(), Some("sort")),
        ] {
            let answer = server.call(("GET", &format!("{path}?{query}")), "decide", &[], "").await;
            let told: String = query.chars().take(40).collect();
            assert_refused(&answer, 400, field, &format!("{path}?{told}"));
        }
    }
    for query in ["queries=21", "places=-1", "products=99999999999999999999"] {
        let answer = server.call(("GET", &format!("/v1/suggest?{query}")), "decide", &[], "").await;
        assert_refused(&answer, 400, query.split('=').next(), query);
    }
    let category = server.call(("GET", &format!("/v1/browse/{long}")), "decide", &[], "").await;
    assert_refused(&category, 400, Some("category"), "a long category");
    let bytes = server.call(("GET", "/v1/browse/%FF%FE"), "decide", &[], "").await;
    assert_refused(&bytes, 400, None, "a category that is no text");
}

#[tokio::test]
async fn bad_bodies_are_refused() {
    let server = stocked().await;
    let body = |body: String| async { server.call(("POST", "/v1/search"), "decide", &JSON, body).await };
    const JSON: [(&str, &str); 1] = [("content-type", "application/json")];
    for (request, field) in [
        (json!({ "q": "a".repeat(10_000) }), Some("q")),
        (json!({ "q": 7 }), Some("q")),
        (json!({ "q": "mug\u{0}\u{7}lamp" }), Some("q")),
        (json!({ "colour": "red" }), Some("colour")),
        (json!({ "filter": "(".repeat(2_001) }), Some("filter")),
        (json!({ "refine": vec![json!({ "field": "brand", "values": [] }); 17] }), Some("refine")),
        (json!({ "refine": [{ "field": "brand", "values": vec!["x"; 51] }] }), Some("refine.values")),
        (json!({ "refine": [{ "field": "b".repeat(201), "values": [] }] }), Some("refine.field")),
        (json!({ "fields": ["x".repeat(1_001)] }), Some("fields")),
        (json!({ "limit": 1e300 }), Some("limit")),
        (json!({ "view_as": "x".repeat(5_000) }), Some("view_as")),
    ] {
        let answer = body(request.to_string()).await;
        let told: String = request.to_string().chars().take(40).collect();
        assert_refused(&answer, 400, field, &told);
    }
    for (text, what) in [
        (String::new(), "nothing"),
        ("{".to_owned(), "half"),
        ("[".repeat(10_000), "deep"),
        ("[]".to_owned(), "a list"),
        (" [\"mug\"]".to_owned(), "a list of texts"),
        ("\"mug\"".to_owned(), "a text"),
        ("{\"q\":\"a\"} x".to_owned(), "more behind"),
        ("\u{0}".to_owned(), "a control character"),
    ] {
        let answer = body(text).await;
        assert_eq!(answer.status, 400, "{what}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{what}");
        assert_eq!(answer.json()["code"], Value::from("invalid_request"), "{what}");
        assert!(!answer.json()["detail"].as_str().is_some_and(|told| told.contains("struct")), "{what}: {answer:?}");
    }
    let bytes = server.call(("POST", "/v1/search"), "decide", &JSON, vec![b'{', 0xff, 0xfe]).await;
    assert_eq!(bytes.status, 400);
    let xml = server.call(("POST", "/v1/search"), "decide", &[("content-type", "text/xml")], "<q/>").await;
    assert_refused(&xml, 415, None, "XML");
}
