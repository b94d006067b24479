//! Synonyms and rules of the search, called as a client calls them, and their pages in the console.

use serde_json::{Value, json};

use crate::console::accounts::Accounts;
use crate::state::now;
use crate::testing::{Answer, TestServer};

const CATALOG: &str = "id,title,price\np1,Blue gizmo,100\np2,Red widget,120\np3,Mug,5\n";

pub(super) async fn stocked() -> TestServer {
    let server = TestServer::start().await;
    assert_eq!(server.call(("POST", "/v1/import/catalog?currency=EUR"), "admin", &[], CATALOG).await.status, 200);
    server
}

async fn search(server: &TestServer, q: &str) -> Value {
    let request = json!({ "q": q, "explain": "full" });
    server.json(("POST", "/v1/search"), "decide", &request).await.json()
}

async fn put_text(server: &TestServer, text: &str) -> Answer {
    server.call(("PUT", "/v1/search/synonyms"), "admin", &[("content-type", "text/plain")], text.to_owned()).await
}

fn rule() -> Value {
    json!({
        "id": "sale", "name": "<b>Sale</b>", "when": { "is": ["widget"] },
        "then": [{ "do": "pin", "product_id": "p3", "position": 1 }, { "do": "redirect", "url": "/sale" }],
    })
}

#[tokio::test]
async fn synonyms_are_saved_as_json_and_as_a_file() {
    let server = stocked().await;
    assert_eq!(search(&server, "gizmo").await["total"], 1);
    let saved = put_text(&server, "# ours\ngizmo, widget\n! mug, glass\n").await;
    assert_eq!((saved.status.as_u16(), saved.json()["rules"].as_array().unwrap().len()), (200, 2), "{saved:?}");
    assert_eq!(search(&server, "gizmo").await["total"], 2);
    let listed = server.call(("GET", "/v1/search/synonyms"), "admin", &[], "").await.json();
    assert_eq!(
        listed,
        json!({ "rules": [{ "to": ["gizmo", "widget"] }, { "to": ["mug", "glass"], "refused": true }] })
    );
    let text = server.call(("GET", "/v1/search/synonyms"), "admin", &[("accept", "text/plain")], "").await;
    assert_eq!(text.bytes, b"gizmo, widget\n! mug, glass\n");
    let refused = put_text(&server, "a, b\nlonely\n").await;
    assert_eq!((refused.status.as_u16(), &refused.json()["field"]), (400, &json!("line 2")));
    let wrong = json!({ "rules": [{ "to": ["a", "b,c"] }] });
    let refused = server.json(("PUT", "/v1/search/synonyms"), "admin", &wrong).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["field"]), (400, &json!("rules[0].to[1]")));
    assert_eq!(search(&server, "gizmo").await["total"], 2, "what was in force stays");
    let emptied = server.json(("PUT", "/v1/search/synonyms"), "admin", &json!({ "rules": [] })).await;
    assert_eq!(emptied.status, 200);
    assert_eq!(search(&server, "gizmo").await["total"], 1);
}

#[tokio::test]
async fn settings_have_defaults_and_bounds() {
    let server = stocked().await;
    let get = async || server.call(("GET", "/v1/search/settings"), "admin", &[], "").await.json();
    let defaults = json!({ "strength": 1.0, "learn_from_clicks": true, "exploration": 0.05, "meaning": true });
    assert_eq!(get().await, defaults);
    let put = async |settings: Value| server.json(("PUT", "/v1/search/settings"), "admin", &settings).await;
    let saved = put(json!({ "strength": 0.5 })).await;
    assert_eq!((saved.status.as_u16(), &saved.json()["exploration"]), (200, &json!(0.05)));
    for (wrong, field) in [
        (json!({ "strength": 3 }), "strength"),
        (json!({ "exploration": 0.9 }), "exploration"),
        (json!({ "strenght": 1 }), "strenght"),
    ] {
        let refused = put(wrong).await;
        assert_eq!(refused.status, 400);
        assert!(refused.json().to_string().contains(field), "{refused:?}");
    }
    assert_eq!(get().await["strength"], 0.5, "what was in force stays");
    assert_eq!(server.call(("GET", "/v1/search/settings"), "decide", &[], "").await.status, 403);
}

#[tokio::test]
async fn rules_come_go_and_are_told() {
    let server = stocked().await;
    let path = "/v1/search/rules/sale";
    let saved = server.json(("PUT", path), "admin", &rule()).await;
    assert_eq!(saved.status, 200, "{saved:?}");
    let answer = search(&server, "widget").await;
    assert_eq!(answer["items"][0]["product_id"], "p3");
    assert_eq!((&answer["redirect"], &answer["rules"][0]["id"]), (&json!("/sale"), &json!("sale")));
    let rules = server.call(("GET", "/v1/search/rules"), "admin", &[], "").await.json();
    assert_eq!(rules["rules"][0]["when"], json!({ "is": ["widget"] }));
    let refused = server.json(("PUT", "/v1/search/rules/other"), "admin", &rule()).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["field"]), (400, &json!("id")));
    for (change, field) in [
        (json!([{ "do": "hide", "products": "product.pric > 1.0" }]), "then[0].products"),
        (json!([{ "do": "redirect", "url": "javascript:alert(1)" }]), "then[0].url"),
        (json!([]), "then"),
        (json!([{ "do": "dance" }]), "then[0]"),
    ] {
        let mut wrong = rule();
        wrong["then"] = change;
        let refused = server.json(("PUT", path), "admin", &wrong).await;
        assert_eq!(refused.status, 400);
        assert!(refused.json()["field"].as_str().unwrap().starts_with(field.split('[').next().unwrap()), "{refused:?}");
    }
    assert_eq!(server.call(("DELETE", path), "admin", &[], "").await.status, 204);
    assert_eq!(server.call(("DELETE", path), "admin", &[], "").await.status, 404);
    assert!(search(&server, "widget").await["rules"].is_null());
}

/// The cookie of a signed-in person, and the token of their forms.
pub(super) fn sign_in(server: &TestServer) -> (String, String) {
    let accounts = Accounts::new(std::sync::Arc::clone(&server.app.tables));
    accounts.save("ann", "a long password", now()).unwrap();
    let secret = accounts.sign_in("ann", "a long password", [3; 64], now()).unwrap();
    let session = accounts.session(&secret, now()).unwrap().unwrap();
    (format!("mercer_console={secret}"), session.form_token)
}

pub(super) fn form(fields: &[(&str, &str)]) -> String {
    let encode =
        |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
    fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect::<Vec<_>>().join("&")
}

#[tokio::test]
async fn the_desk_works_in_the_console_and_escapes_what_it_shows() {
    let server = stocked().await;
    let (cookie, token) = sign_in(&server);
    let headers = [("cookie", cookie.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    let get = async |path: &str| {
        let answer = server.call(("GET", path), "none", &headers, "").await;
        (answer.status.as_u16(), String::from_utf8(answer.bytes).unwrap())
    };
    let send = async |path: &str, fields: &[(&str, &str)]| {
        let fields = [&[("form_token", token.as_str())], fields].concat();
        let answer = server.call(("POST", path), "none", &headers, form(&fields)).await;
        (answer.status.as_u16(), String::from_utf8(answer.bytes).unwrap())
    };
    for path in ["/console/search", "/console/search/rules", "/console/search/new-rule", "/console/search/synonyms"] {
        assert_eq!(get(path).await.0, 200, "{path}");
    }
    let hostile = "%3Cscript%3Ealert(1)%3C%2Fscript%3E%20gizmo";
    let (status, page) = get(&format!("/console/search?q={hostile}&customer=nobody")).await;
    assert!(status == 200 && !page.contains("<script>alert") && page.contains("Blue gizmo"), "{page}");

    // A synonym: tried, refused, saved, then a proposal settled.
    let (status, page) =
        send("/console/search/synonyms", &[("text", "gizmo, widget"), ("q", "gizmo"), ("do", "preview")]).await;
    assert!(status == 200 && page.contains("1 found now, 2 with the list"), "{page}");
    let (status, page) = send("/console/search/synonyms", &[("text", "lonely"), ("do", "save")]).await;
    assert!(status == 400 && page.contains("line 1: one text alone"), "{page}");
    assert_eq!(send("/console/search/synonyms", &[("text", "gizmo, widget"), ("do", "save")]).await.0, 303);
    assert_eq!(send("/console/search/synonyms/settle", &[("line", "cup => mug"), ("do", "refuse")]).await.0, 303);
    let text = server.call(("GET", "/v1/search/synonyms"), "admin", &[("accept", "text/plain")], "").await;
    assert_eq!(text.bytes, b"gizmo, widget\n! cup => mug\n");

    // A rule: tried before it has a name, refused, saved, changed, removed.
    let rule =
        [("when.is", "widget"), ("enabled", "on"), ("then[0].do", "pin"), ("then[0].what", "p3"), ("then[0].how", "1")];
    let tried = [&rule[..], &[("preview.q", "widget"), ("do", "preview")]].concat();
    let (status, page) = send("/console/search/new-rule", &tried).await;
    assert!(status == 200 && page.contains("2 found without it, 3 with it"), "{page}");
    let unnamed = [&rule[..], &[("id", "sale"), ("do", "save")]].concat();
    let (status, page) = send("/console/search/new-rule", &unnamed).await;
    assert!(status == 400 && page.contains("name</a>: this is empty"), "{page}");
    let named = [&rule[..], &[("id", "sale"), ("name", "<i>Sale</i>"), ("do", "save")]].concat();
    assert_eq!(send("/console/search/new-rule", &named).await.0, 303);
    let (_, page) = get("/console/search/rules").await;
    assert!(page.contains("pin p3 at 1") && !page.contains("<i>Sale"), "{page}");
    let (_, page) = get("/console/search/rules/sale").await;
    assert!(page.contains("Without the rule, and with it") && !page.contains("<i>Sale"), "{page}");
    let (_, page) = get("/console/search?q=widget").await;
    assert!(page.contains("pinned p3 at 1"), "{page}");
    assert_eq!(send("/console/search/rules/sale/remove", &[]).await.0, 303);
    assert_eq!(get("/console/search/rules/sale").await.0, 404);
    let foreign =
        server.call(("POST", "/console/search/synonyms"), "none", &headers, "form_token=x&text=&do=save").await;
    assert_eq!(foreign.status, 400, "a form of another session");
}

#[tokio::test]
async fn searches_are_counted_and_lead_to_the_searches_behind() {
    let server = stocked().await;
    let (cookie, _) = sign_in(&server);
    for (q, id) in [("gizmo", "ann"), ("nothing like it", "ann"), ("<b>gizmo", "bob")] {
        let request = json!({ "q": q, "anonymous_id": id });
        assert_eq!(server.json(("POST", "/v1/search"), "decide", &request).await.status, 200);
    }
    let mut told = Value::Null;
    for _ in 0..200 {
        told = server.call(("GET", "/v1/search/analytics?days=1"), "admin", &[], "").await.json();
        if told["total"]["searches"] == 3 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!((&told["total"]["searches"], &told["total"]["without_results"]), (&json!(3), &json!(1)), "{told}");
    for wrong in ["days=0", "days=93", "limit=0", "weeks=1"] {
        let refused = server.call(("GET", &format!("/v1/search/analytics?{wrong}")), "admin", &[], "").await;
        assert_eq!(refused.status, 400, "{wrong}");
    }
    for (path, part) in [
        ("/console/search/analytics", "nothing like it"),
        ("/console/search/analytics?days=1&view=none", "nothing like it"),
        ("/console/search/analytics?view=revenue", "Nothing of this kind"),
        ("/console/search/analytics/query?q=gizmo", "Blue gizmo"),
    ] {
        let answer = server.call(("GET", path), "none", &[("cookie", cookie.as_str())], "").await;
        let page = String::from_utf8(answer.bytes).unwrap();
        assert!(answer.status == 200 && page.contains(part) && !page.contains("<b>gizmo"), "{path}: {page}");
    }
    let gone = server.call(("GET", "/console/search/analytics/query?q=x"), "none", &[("cookie", &cookie)], "").await;
    assert_eq!(gone.status, 404);
}
