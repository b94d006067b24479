//! Files in, everything out, while serving.

use mercer_store::{DataFolder, EventLog};
use serde_json::json;

use crate::testing::TestServer;

const CATALOG: &str = "id,title,price\np1,Mug,2.55\np2,Bowl,cheap\n";

fn left_in_scratch(server: &TestServer) -> usize {
    std::fs::read_dir(server.app.stores.scratch()).unwrap().count()
}

#[tokio::test]
async fn a_file_is_imported_and_exported_again() {
    let server = TestServer::start().await;
    let tried = server.call(("POST", "/v1/import/catalog?dry_run=true"), "admin", &[], CATALOG).await;
    assert_eq!((tried.status.as_u16(), &tried.json()["stored"]), (200, &json!(0)));
    assert!(server.app.engine.bad_rows(None, 10).unwrap().is_empty(), "a dry run keeps nothing");
    let taken = server.call(("POST", "/v1/import/catalog?currency=GBP"), "admin", &[], CATALOG).await.json();
    assert_eq!((&taken["stored"], &taken["report"]["bad"], &taken["dry_run"]), (&json!(1), &json!(1), &json!(false)));
    assert_eq!(server.app.engine.bad_rows(None, 10).unwrap().len(), 1, "a bad row is kept");
    let again = server.call(("POST", "/v1/import/catalog?currency=GBP"), "admin", &[], CATALOG).await.json();
    assert_eq!((&again["stored"], &again["unchanged"]), (&json!(0), &json!(1)));
    let exported = server.call(("GET", "/v1/export/products"), "read", &[], "").await;
    assert_eq!(exported.header("content-type"), Some("application/jsonl"));
    assert_eq!(exported.json()["price"], json!({ "minor": 255, "currency": "GBP" }));
    assert_eq!(left_in_scratch(&server), 0);
}

#[tokio::test]
async fn a_mapping_comes_as_text_and_never_as_a_path() {
    let server = TestServer::start().await;
    let own = "kind%20%3D%20%22catalog%22%0A%5Bfields%5D%0Aid%20%3D%20%22A%22%0Atitle%20%3D%20%22B%22";
    let path = format!("/v1/import/catalog?mapping={own}");
    let taken = server.call(("POST", &path), "admin", &[], "A,B\n1,Mug\n").await;
    assert_eq!((taken.status.as_u16(), &taken.json()["stored"]), (200, &json!(1)), "{taken:?}");
    let path = "/v1/import/catalog?mapping=%2Fetc%2Fpasswd";
    let refused = server.call(("POST", path), "admin", &[], CATALOG).await;
    assert_eq!((refused.status.as_u16(), refused.json()["field"].as_str()), (400, Some("mapping")));
}

#[tokio::test]
async fn what_cannot_be_imported_is_refused_whole() {
    let server = TestServer::start().await;
    let call = |path: &'static str, body: String| server.call(("POST", path), "admin", &[], body);
    let refused = call("/v1/import/catalog", "a,b\n1,2\n".into()).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["code"]), (400, &json!("import_refused")));
    assert_eq!(call("/v1/import/catalog", String::new()).await.json()["code"], "import_refused");
    assert_eq!(call("/v1/import/people", CATALOG.into()).await.json()["field"], "kind");
    assert_eq!(call("/v1/import/catalog?format=doc", CATALOG.into()).await.status, 400);
    assert_eq!(call("/v1/import/catalog?currency=pounds", CATALOG.into()).await.json()["field"], "currency");
    let large = call("/v1/import/catalog", "x".repeat(10_001)).await;
    assert_eq!((large.status.as_u16(), &large.json()["code"]), (413, &json!("too_large")));
    assert_eq!(left_in_scratch(&server), 0);
}

#[tokio::test]
async fn events_are_exported_from_a_position() {
    let server = TestServer::start().await;
    let send = |id: &'static str| {
        let event = json!({ "type": "track", "event": "Hello", "anonymousId": "a", "messageId": id });
        let body = json!({ "batch": [event] });
        let server = &server;
        async move { server.json(("POST", "/v1/batch"), "write", &body).await.json()["accepted"].clone() }
    };
    assert_eq!(send("m1").await, json!(1));
    let all = server.call(("GET", "/v1/export/events"), "read", &[], "").await;
    assert_eq!(
        (all.json()["message_id"].as_str(), all.bytes.iter().filter(|byte| **byte == b'\n').count()),
        (Some("m1"), 1)
    );
    let position = all.header("mercer-position").unwrap().to_owned();
    assert_eq!(send("m2").await, json!(1));
    let rest = server.call(("GET", &format!("/v1/export/events?after={position}")), "read", &[], "").await;
    assert_eq!(rest.json()["message_id"], "m2");
    for wrong in ["after=-1", "after=x", "after=9007199254740992", "before=1"] {
        let refused = server.call(("GET", &format!("/v1/export/events?{wrong}")), "read", &[], "").await;
        assert_eq!(refused.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn a_backup_is_a_data_folder() {
    let server = TestServer::start().await;
    assert_eq!(server.call(("POST", "/v1/import/catalog"), "admin", &[], CATALOG).await.status, 200);
    let held = server.app.stores.backups.try_acquire().unwrap();
    let busy = server.call(("GET", "/v1/backup"), "admin", &[], "").await;
    assert_eq!((busy.status.as_u16(), busy.json()["code"].as_str()), (409, Some("already_running")));
    assert!(busy.header("retry-after").is_some());
    drop(held);
    let backup = server.call(("GET", "/v1/backup"), "admin", &[], "").await;
    assert_eq!((backup.status.as_u16(), backup.header("content-type")), (200, Some("application/x-tar")));
    let restored = tempfile::tempdir().unwrap();
    tar::Archive::new(backup.bytes.as_slice()).unpack(restored.path()).unwrap();
    let folder = DataFolder::open_existing(restored.path().join("mercer-data")).unwrap();
    assert_eq!(folder.log().unwrap().head().unwrap(), server.app.stores.log.head().unwrap());
    assert!(server.folder().join("mercer.json").exists());
}

#[tokio::test]
async fn the_new_calls_want_their_scopes() {
    let server = TestServer::start().await;
    for (call, scope) in [
        (("GET", "/v1/export/events"), "read"),
        (("GET", "/v1/export/products"), "read"),
        (("GET", "/v1/backup"), "admin"),
        (("POST", "/v1/import/catalog"), "admin"),
    ] {
        for key in ["write", "decide", "read"].into_iter().filter(|key| *key != scope) {
            assert_eq!(server.call(call, key, &[], "").await.status, 403, "{call:?} with {key}");
        }
        assert_eq!(server.call(call, "nobody", &[], "").await.status, 401, "{call:?} with a wrong key");
    }
}
