//! Settings of the search that are tried on customers, started and stopped as a client and as a person of the shop does.

use serde_json::{Value, json};

use super::search_desk::{form, sign_in, stocked};

const PATH: &str = "/v1/search/trial";

#[tokio::test]
async fn a_trial_is_started_told_and_stopped() {
    let server = stocked().await;
    let get = async || server.call(("GET", PATH), "admin", &[], "").await;
    let put = async |body: Value| server.json(("PUT", PATH), "admin", &body).await;
    assert_eq!(get().await.status, 404);
    assert_eq!(server.call(("DELETE", PATH), "admin", &[], "").await.status, 404);
    for (wrong, field) in [
        (json!({ "settings": { "strength": 3 }, "share": 0.5 }), "settings.strength"),
        (json!({ "settings": { "strength": 0 }, "share": 1.5 }), "share"),
        (json!({ "settings": {}, "share": 0.5 }), "settings"),
        (json!({ "settings": { "strength": 0 } }), "share"),
        (json!({ "settings": { "strenght": 0 }, "share": 0.5 }), "strenght"),
    ] {
        let refused = put(wrong).await;
        assert!(refused.status == 400 && refused.json().to_string().contains(field), "{field}: {refused:?}");
    }
    let started = put(json!({ "settings": { "strength": 0.5 }, "share": 0.25 })).await;
    assert_eq!(started.status, 200, "{started:?}");
    let told = get().await.json();
    assert_eq!((&told["is_running"], &told["trial"]["share"]), (&json!(true), &json!(0.25)));
    assert_eq!((&told["wins_a"], &told["p"], &told["winner"]), (&json!(0), &json!(1.0), &Value::Null));
    assert_eq!((&told["live"]["strength"], &told["by"]), (&json!(1.0), &json!("key admin")));
    assert_eq!(server.call(("DELETE", PATH), "admin", &[], "").await.status, 204);
    assert_eq!(get().await.json()["is_running"], false);
    for call in [("GET", PATH), ("PUT", PATH), ("DELETE", PATH)] {
        assert_eq!(server.call(call, "decide", &[], "").await.status, 403);
        assert_eq!(server.call(call, "nobody", &[], "").await.status, 401);
    }
}

#[tokio::test]
async fn what_wins_is_taken_over_in_the_console() {
    let server = stocked().await;
    let (cookie, token) = sign_in(&server);
    let headers = [("cookie", cookie.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    let path = "/console/search/judging/trial";
    let get = async |query: &str| {
        let answer = server.call(("GET", &format!("{path}{query}")), "none", &headers, "").await;
        (answer.status.as_u16(), String::from_utf8(answer.bytes).unwrap())
    };
    let send = async |fields: &[(&str, &str)]| {
        let fields = [&[("form_token", token.as_str())], fields].concat();
        let answer = server.call(("POST", path), "none", &headers, form(&fields)).await;
        (answer.status.as_u16(), String::from_utf8(answer.bytes).unwrap())
    };
    let (status, page) = get("?strength=%3Cscript%3Ealert(1)&done=%3Cscript%3Ealert(1)").await;
    assert!(status == 200 && page.contains("Start a trial") && !page.contains("<script>alert"), "{page}");
    let (status, page) = send(&[("do", "start"), ("strength", "1"), ("learn", "yes"), ("share", "0.5")]).await;
    assert!(status == 400 && page.contains("in force already"), "{page}");
    let (status, page) = send(&[("do", "start"), ("strength", "0.5"), ("learn", "no"), ("share", "<b>")]).await;
    assert!(status == 400 && page.contains("A share above 0") && !page.contains("<b>\""), "{page}");
    let settings = json!({ "exploration": 0.2, "meaning": true });
    server.json(("PUT", "/v1/search/settings"), "admin", &settings).await;
    assert_eq!(send(&[("do", "start"), ("strength", "0.5"), ("learn", "no"), ("share", "0,5")]).await.0, 303);
    let (_, page) = get("?done=started").await;
    assert!(page.contains("Not clear yet") && page.contains("started by ann, on 50 %"), "{page}");
    assert_eq!(send(&[("do", "adopt")]).await.0, 303);
    let settings = server.call(("GET", "/v1/search/settings"), "admin", &[], "").await.json();
    assert_eq!(settings, json!({ "strength": 0.5, "learn_from_clicks": false, "exploration": 0.2, "meaning": true }));
    let (_, page) = get("?done=adopted").await;
    assert!(page.contains("Earlier trials") && page.contains("B is in force"), "{page}");
    assert_eq!(send(&[("do", "adopt")]).await.0, 404);
    assert_eq!(send(&[("do", "start"), ("strength", "1"), ("learn", "no"), ("share", "1")]).await.0, 303);
    assert_eq!(send(&[("do", "stop")]).await.0, 303);
    assert!(get("").await.1.contains("Start a trial"));
}
