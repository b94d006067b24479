//! The judging desk, called as a client calls it, and its pages in the console.

use serde_json::{Value, json};

use super::search_desk::{form, sign_in, stocked};
use crate::testing::{Answer, TestServer};

const PATH: &str = "/v1/search/judgments";

async fn send(server: &TestServer, kind: &str, text: &str) -> Answer {
    server.call(("POST", PATH), "admin", &[("content-type", kind)], text.to_owned()).await
}

async fn kept(server: &TestServer) -> Value {
    server.call(("GET", PATH), "admin", &[], "").await.json()
}

#[tokio::test]
async fn judgments_come_in_and_go_out_whole() {
    let server = stocked().await;
    assert_eq!(kept(&server).await, json!({ "judgments": [] }));
    let list = json!({ "judgments": [
        { "query": "Blue  GIZMO", "product_id": "p1", "grade": 3 },
        { "query": "blue gizmo", "product_id": "gone", "grade": 0 },
    ] });
    let saved = server.json(("POST", PATH), "admin", &list).await;
    let told = json!({ "changed": 2, "unchanged": 0, "unknown_products": 1, "judgments": 2, "queries": 1 });
    assert_eq!((saved.status.as_u16(), saved.json()), (200, told));
    assert_eq!(server.json(("POST", PATH), "admin", &list).await.json()["unchanged"], 2);
    for (kind, text) in [
        ("text/tab-separated-values", "query\tproduct_id\tgrade\nmug\tp3\t2\n"),
        ("text/csv", "query,product_id,grade\r\n\"big, blue mug\",p3,1\r\n"),
    ] {
        let saved = send(&server, kind, text).await;
        assert_eq!((saved.status.as_u16(), &saved.json()["changed"]), (200, &json!(1)), "{saved:?}");
    }
    let lines = server.call(("GET", PATH), "admin", &[("accept", "text/tab-separated-values")], "").await;
    let text = String::from_utf8(lines.bytes.clone()).unwrap();
    assert_eq!(text, "big blue mug\tp3\t1\nblue gizmo\tgone\t0\nblue gizmo\tp1\t3\nmug\tp3\t2\n");
    assert_eq!(
        send(&server, "text/tab-separated-values", &text).await.json()["unchanged"],
        4,
        "what goes out comes in"
    );
    let back = json!({ "judgments": [{ "query": "mug", "product_id": "p3", "grade": null }] });
    assert_eq!(server.json(("POST", PATH), "admin", &back).await.json()["judgments"], 3);
}

#[tokio::test]
async fn a_wrong_line_keeps_all_from_being_saved_and_every_one_is_named() {
    let server = stocked().await;
    let refused = send(&server, "text/csv", "mug,p3,2\nmug,p1,9\nlonely\nmug,p2,good\nmug,p3,1\n").await;
    assert_eq!((refused.status.as_u16(), &refused.json()["field"]), (400, &json!("line 2")), "{refused:?}");
    assert_eq!(refused.header("content-type"), Some("application/problem+json"));
    let detail = refused.json()["detail"].to_string();
    for line in ["Nothing was saved", "line 2:", "line 3:", "line 4:", "line 5: line 1 gives"] {
        assert!(detail.contains(line), "{detail}");
    }
    for (wrong, field) in [
        (json!({ "judgments": [{ "query": "mug", "product_id": "p1", "grade": 4 }] }), "judgments[0].grade"),
        (json!({ "judgments": [{ "query": "me@x.example", "product_id": "p1", "grade": 1 }] }), "judgments[0].query"),
        (json!({ "judgments": [{ "query": "mug", "product_id": "", "grade": 1 }] }), "judgments[0].product_id"),
        (json!({ "judgments": [{ "query": "mug", "product_id": "p1", "grade": "x" }] }), "judgments[0].grade"),
        (json!({ "judgements": [] }), "judgements"),
    ] {
        let refused = server.json(("POST", PATH), "admin", &wrong).await;
        assert!(refused.status == 400 && refused.json().to_string().contains(field), "{field}: {refused:?}");
    }
    assert_eq!(send(&server, "text/csv", &"x".repeat(5_000_000)).await.status, 413);
    assert_eq!(send(&server, "image/png", "x").await.status, 415);
    assert_eq!(kept(&server).await, json!({ "judgments": [] }));
    for call in [("GET", PATH), ("POST", PATH)] {
        assert_eq!(server.call(call, "decide", &[], "").await.status, 403);
        assert_eq!(server.call(call, "nobody", &[], "").await.status, 401);
    }
}

#[tokio::test]
async fn the_desk_is_worked_at_in_the_console_and_escapes_what_it_shows() {
    let server = stocked().await;
    let hostile = "id,title,brand,price\nx1,<script>alert(1)</script> gizmo,<b>Evil,7\n";
    server.call(("POST", "/v1/import/catalog?currency=EUR"), "admin", &[], hostile).await;
    let (cookie, token) = sign_in(&server);
    let headers = [("cookie", cookie.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    let get = async |path: &str| {
        let answer = server.call(("GET", path), "none", &headers, "").await;
        (answer.status.as_u16(), String::from_utf8(answer.bytes).unwrap())
    };
    let judge = async |fields: &[(&str, &str)]| {
        let fields = [&[("form_token", token.as_str())], fields].concat();
        server.call(("POST", "/console/search/judging/query"), "none", &headers, form(&fields)).await
    };
    let (status, page) = get("/console/search/judging").await;
    assert!(status == 200 && page.contains("No searches yet") && page.contains("Nothing is measured"), "{page}");
    for q in ["gizmo", "<i>gizmo"] {
        server.json(("POST", "/v1/search"), "decide", &json!({ "q": q, "anonymous_id": "ann" })).await;
    }
    for _ in 0..200 {
        if get("/console/search/judging").await.1.contains("0 of 2") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let (_, page) = get("/console/search/judging").await;
    assert!(page.contains(">gizmo</a>") && page.contains("0 of 2") && !page.contains("<i>gizmo"), "{page}");

    let query = "/console/search/judging/query?q=Gizmo";
    let (status, page) = get(query).await;
    assert!(status == 200 && page.contains("Blue gizmo") && page.contains("0 of 2 are judged"), "{page}");
    assert!(!page.contains("<script>alert") && !page.contains("<b>Evil"), "{page}");
    assert_eq!(page.matches("aria-pressed=\"false\"").count(), 8);
    let done =
        judge(&[("q", "gizmo"), ("product_id", "p1"), ("grade", "3"), ("next", "2\"><b>"), ("learn", "no")]).await;
    assert_eq!(done.status, 303);
    let to = done.header("location").unwrap();
    assert!(to.starts_with("/console/search/judging/query?q=gizmo&") && to.ends_with("#product-2"), "{to}");
    let (_, page) = get(query).await;
    assert!(page.contains("1 of 2 are judged") && page.contains("aria-pressed=\"true\"><b>3</b>"), "{page}");
    let told = kept(&server).await;
    assert_eq!(told, json!({ "judgments": [{ "query": "gizmo", "product_id": "p1", "grade": 3 }] }));
    // One that is no longer found stays where it can be taken back.
    assert_eq!(judge(&[("q", "gizmo"), ("product_id", "p3"), ("grade", "0")]).await.status, 303);
    assert!(get(query).await.1.contains("Judged before"));
    assert_eq!(judge(&[("q", "gizmo"), ("product_id", "p3"), ("grade", "none")]).await.status, 303);
    assert!(!get(query).await.1.contains("Judged before"));
    let refused = judge(&[("q", "me@x.example"), ("product_id", "p3"), ("grade", "1")]).await;
    assert!(refused.status == 400 && String::from_utf8(refused.bytes).unwrap().contains("It was not saved"));
    let foreign = server.call(("POST", query), "none", &headers, "form_token=x&q=a&product_id=p1&grade=1").await;
    assert_eq!(foreign.status, 400);

    let (_, page) = get("/console/search/judging").await;
    assert!(
        page.contains("Over 1 query with a relevant product")
            && page.contains("<strong>1.000</strong>")
            && page.contains("fewer than ten"),
        "{page}"
    );
    let hostile = "%3Cscript%3Ealert(1)%3C%2Fscript%3E";
    for path in [
        "/console/search/judging/compare".to_owned(),
        "/console/search/judging/compare?q=gizmo&strength=NaN&learn=no&rules=no".to_owned(),
        format!(
            "/console/search/judging/compare?q={hostile}+gizmo&customer={hostile}&strength={hostile}&learn={hostile}&rules={hostile}"
        ),
        format!("/console/search/judging/query?q={hostile}&strength={hostile}&learn={hostile}"),
    ] {
        let (status, page) = get(&path).await;
        assert!(status == 200 && !page.contains("<script>alert"), "{path}: {page}");
    }
}

#[tokio::test]
async fn lines_are_imported_and_exported_in_the_console() {
    let server = stocked().await;
    let (cookie, token) = sign_in(&server);
    let headers = [("cookie", cookie.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    let send = async |text: &str| {
        let fields = form(&[("form_token", token.as_str()), ("text", text)]);
        server.call(("POST", "/console/search/judging/import"), "none", &headers, fields).await
    };
    let refused = send("gizmo, p1, 3\r\n</textarea><script>, p1, 1\r\nmug, p3, 8\r\n").await;
    let page = String::from_utf8(refused.bytes).unwrap();
    assert!(refused.status == 400 && page.contains("line 3: the grade 8") && !page.contains("<script>,"), "{page}");
    let taken = send("gizmo, p1, 3\r\nmug, p3, 2\r\n").await;
    assert_eq!((taken.status.as_u16(), taken.header("location")), (303, Some("/console/search/judging?imported=2")));
    let page = server.call(("GET", "/console/search/judging?imported=2"), "none", &headers, "").await;
    let page = String::from_utf8(page.bytes).unwrap();
    assert!(page.contains("Imported: 2 new or changed") && page.contains(">mug</a>"), "{page}");
    let file = server.call(("GET", "/console/search/judging/judgments.tsv"), "none", &headers, "").await;
    assert_eq!(file.bytes, b"gizmo\tp1\t3\nmug\tp3\t2\n");
    assert_eq!(server.call(("GET", "/console/search/judging/judgments.tsv"), "admin", &[], "").await.status, 303);
}

#[tokio::test]
async fn two_settings_are_compared_by_what_was_judged() {
    let server = stocked().await;
    let (cookie, _) = sign_in(&server);
    let rule = json!({
        "id": "up", "name": "Up", "when": { "is": ["gizmo"] },
        "then": [{ "do": "pin", "product_id": "p3", "position": 1 }],
    });
    server.json(("PUT", "/v1/search/rules/up"), "admin", &rule).await;
    send(&server, "text/csv", "gizmo,p1,3\ngizmo,p3,0\nmug,p3,2\n").await;
    let get = async |path: &str| {
        let answer = server.call(("GET", path), "none", &[("cookie", cookie.as_str())], "").await;
        String::from_utf8(answer.bytes).unwrap()
    };
    let page = get("/console/search/judging/compare?q=gizmo&strength=1&learn=yes&rules=no").await;
    // The pin costs the first place: 1/log2(3) of what is best.
    assert!(page.contains("0.631") && page.contains("+0.369") && page.contains("1 alike"), "{page}");
    assert!(page.contains("2 found by A, 1 by B"), "{page}");
    let page = get("/console/search/judging/compare?q=gizmo&strength=1&learn=yes&rules=yes").await;
    assert!(page.contains("Both show the same") && page.contains("Too few queries"), "{page}");
}
