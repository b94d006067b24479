//! Walks, suggestions and rules as a shop's front calls them.

use serde_json::{Value, json};

use crate::testing::TestServer;

const CATALOG: &str = "id,title,category,price,brand,image_url\n\
    m1,Red mug,Home > Mugs,8,Clay,/m1.png\n\
    m2,Blue mug,Home > Mugs,9,Acme,\n\
    k1,Garden knife,Garden,5,Acme,/k1.png\n";

async fn stocked() -> TestServer {
    let server = TestServer::start().await;
    assert_eq!(server.call(("POST", "/v1/import/catalog?currency=EUR"), "admin", &[], CATALOG).await.status, 200);
    server
}

async fn get(server: &TestServer, path: &str) -> Value {
    let answer = server.call(("GET", path), "decide", &[], "").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

async fn looks_at(server: &TestServer, who: &str, product: &str) {
    let event = json!({ "type": "track", "event": "Product Viewed", "anonymousId": who, "properties": { "product_id": product } });
    assert_eq!(server.json(("POST", "/v1/batch"), "write", &json!({ "batch": [event] })).await.status, 200);
}

#[tokio::test]
async fn the_tree_and_the_tiles_are_there_for_who_may_decide() {
    let server = stocked().await;
    looks_at(&server, "anna", "k1").await;
    let answer = get(&server, "/v1/browse?anonymous_id=anna").await;
    assert_eq!(answer["categories"][1]["name"], "Home");
    assert_eq!(answer["categories"][1]["children"][0]["category"], "Home > Mugs");
    assert_eq!(
        (&answer["categories"][1]["products"], &answer["categories"][1]["image_url"]),
        (&json!(2), &json!("/m1.png"))
    );
    assert_eq!(answer["tiles"][0]["category"], "Garden");
    assert_eq!(
        (&answer["tiles"][0]["because"], &answer["tiles"][0]["why"]),
        (&json!("looked"), &json!("You looked here lately"))
    );
    let posted = server.json(("POST", "/v1/browse"), "decide", &json!({ "anonymous_id": "anna" })).await.json();
    assert_eq!((&posted["categories"], &posted["tiles"]), (&answer["categories"], &answer["tiles"]));
    let objecting =
        server.call(("GET", "/v1/browse?anonymous_id=anna"), "decide", &[("sec-gpc", "1")], "").await.json();
    assert!(objecting["control"] == true && objecting["tiles"][0]["because"] == "popular", "{objecting}");
    for path in ["/v1/browse", "/v1/browse/Home"] {
        assert_eq!(server.call(("GET", path), "write", &[], "").await.status, 403, "{path}");
        assert_eq!(server.call(("GET", path), "", &[], "").await.status, 401, "{path}");
    }
    let refused = server.call(("GET", "/v1/browse?tiles=101"), "decide", &[], "").await;
    assert_eq!((refused.status.as_u16(), &refused.json()["field"]), (400, &json!("tiles")));
    assert_eq!(server.call(("GET", "/v1/browse?nonsense=1"), "decide", &[], "").await.status, 400);
}

#[tokio::test]
async fn a_category_tells_what_is_below_it_and_can_be_answered_again() {
    let server = stocked().await;
    let answer = get(&server, "/v1/browse/Home").await;
    assert_eq!((&answer["total"], &answer["children"][0]["category"]), (&json!(2), &json!("Home > Mugs")));
    assert_eq!(answer["children"][0]["products"], 2);
    assert!(answer["ways_on"].as_array().unwrap().iter().all(|way| way["category"] != "Home"), "{answer}");
    assert_eq!(get(&server, "/v1/browse/Home%20%3E%20Mugs").await["children"], json!([]));
    assert_eq!(get(&server, "/v1/browse/home?explain=true").await["children"], answer["children"]);
    let unknown = server.call(("GET", "/v1/browse/Nope"), "decide", &[], "").await;
    assert_eq!((unknown.status.as_u16(), &unknown.json()["code"]), (404, &json!("not_found")));
    let asked = ("POST", "/v1/browse/HOME");
    let posted = server.json(asked, "decide", &json!({ "limit": 1 })).await.json();
    assert_eq!((&posted["total"], posted["items"].as_array().unwrap().len()), (&json!(2), 1));
    assert_eq!(posted["children"], answer["children"]);
    let id = answer["decision_id"].as_str().unwrap();
    let logged = server.call(("GET", &*format!("/v1/searches/{id}")), "read", &[], "").await;
    assert_eq!(logged.status, 200, "it is waited for until it is in the log");
    let replayed = server.call(("GET", &*format!("/v1/searches/{id}/replay")), "read", &[], "").await.json();
    assert_eq!(replayed["identical"], true, "{replayed}");
}

#[tokio::test]
async fn facets_can_be_asked_with_json() {
    let server = stocked().await;
    let question = json!({ "q": "mug", "refine": [{ "field": "brand", "values": ["CLAY"] }] });
    let posted = server.json(("POST", "/v1/facets"), "decide", &question).await.json();
    assert_eq!(posted["total"], 1, "{posted}");
    let refine = "%5B%7B%22field%22%3A%22brand%22%2C%22values%22%3A%5B%22Clay%22%5D%7D%5D";
    assert_eq!(posted, get(&server, &format!("/v1/facets?q=mug&refine={refine}")).await);
}

#[tokio::test]
async fn a_preset_a_redirect_and_what_is_hidden() {
    let server = stocked().await;
    let rules = [
        json!({ "id": "red", "name": "Spring", "when": { "is": ["mug"] }, "then": [{ "do": "preset", "field": "brand", "values": ["Clay"] }] }),
        json!({ "id": "help", "name": "Help", "when": { "is": ["returns"] }, "then": [{ "do": "redirect", "url": "/help" }] }),
        json!({ "id": "knives", "name": "No knives", "then": [{ "do": "hide", "products": "'Garden' in product.category" }] }),
    ];
    for rule in &rules {
        let path = format!("/v1/search/rules/{}", rule["id"].as_str().unwrap());
        assert_eq!(server.json(("PUT", &*path), "admin", rule).await.status, 200);
    }
    let answer = get(&server, "/v1/search?q=mug").await;
    assert_eq!((&answer["total"], &answer["query"]["chips"][0]["id"]), (&json!(1), &json!("preset:brand")));
    assert_eq!(answer["rules"][0]["did"], json!(["chose brand: Clay"]));
    assert_eq!(get(&server, "/v1/search?q=mug&ignore=preset:brand").await["total"], 2);
    let suggested = get(&server, "/v1/suggest?q=gard").await;
    assert_eq!((&suggested["items"], &suggested["categories"]), (&json!([]), &json!([])));
    assert_eq!(get(&server, "/v1/suggest?q=mug").await["categories"][0]["url"], "?category=Home%20%3E%20Mugs");
    assert_eq!(get(&server, "/v1/suggest?q=returns").await["redirect"], "/help");
    let refused = server.call(("GET", "/v1/suggest?q=mug&filter=product.price%20%3C"), "decide", &[], "").await;
    assert_eq!((refused.status.as_u16(), &refused.json()["field"]), (400, &json!("filter")));
    assert_eq!(get(&server, "/v1/search?q=mgu&ignore=corrected").await["total"], 0);
    assert_eq!(get(&server, "/v1/search?q=mugs+-blue&ignore=preset:brand").await["query"]["unwanted"], json!(["blue"]));
}
