//! A whole server on a data folder of its own, called without a network. For tests only.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use mercer_collect::Limits;
use mercer_engine::{Engine, Options, Parts};
use mercer_schema::{Currency, SourceId, Timestamp};
use mercer_store::{DataFolder, Tables};
use serde_json::Value;
use tower::ServiceExt;

use crate::access::{ApiKey, Keys, Scope};
use crate::router::router;
use crate::state::{App, Settings, Shared};
use crate::stores::Stores;
use crate::view_as::Signer;

pub(crate) struct TestServer {
    pub(crate) app: App,
    router: Router,
    /// Both live as long as the server.
    _lock: DataFolder,
    folder: tempfile::TempDir,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl TestServer {
    /// With the default placements and the keys `write`, `decide`, `read`, `admin`, `admin2`.
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let lock = DataFolder::open(folder.path()).unwrap();
        let stores = Arc::new(Stores::open(&lock).unwrap());
        let tables = Arc::clone(&stores.tables) as Arc<dyn Tables>;
        let parts = Parts {
            log: Arc::clone(&stores.log) as _,
            tables: Arc::clone(&tables),
            registry: Arc::clone(&stores.registry),
            lake: Arc::new(lock.lake().unwrap()),
        };
        let engine = Engine::open(
            parts,
            Options {
                code_version: "test".into(),
                rebuild: false,
                models: mercer_engine::ModelOptions::default(),
                language: mercer_engine::Language::English,
            },
        )
        .unwrap();
        for placement in mercer_engine::default_placements() {
            engine.save_placement(placement, Timestamp::from_seconds(1)).await.unwrap();
        }
        let app = App::new(Shared {
            engine: Arc::new(engine),
            keys: Arc::new(Keys::load(Arc::clone(&tables), fixed_keys()).unwrap()),
            signer: Arc::new(Signer::load(&*tables, [7; 32]).unwrap()),
            tables,
            stores,
            idempotency: Arc::default(),
            settings: settings(),
            metrics: metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder().handle(),
            draining: false.into(),
        });
        Self { router: router(app.clone()), app, _lock: lock, folder }
    }

    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// A call with a key, more headers and a body.
    pub(crate) async fn call(
        &self,
        (method, path): (&str, &str),
        key: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header("authorization", format!("Bearer {key}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.router.clone().oneshot(request.body(body.into()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap().to_vec();
        Answer { status: parts.status, headers: parts.headers, bytes }
    }

    pub(crate) async fn json(&self, call: (&str, &str), key: &str, body: &Value) -> Answer {
        self.call(call, key, &[("content-type", "application/json")], body.to_string()).await
    }
}

fn settings() -> Settings {
    Settings {
        public_url: "http://127.0.0.1".into(),
        shop_name: "Test".into(),
        sign_in_hint: None,
        currency: Currency::parse("EUR").unwrap(),
        limits: Limits::default(),
        upload_bytes: 10_000,
        honour_gpc: true,
        code_version: "test".into(),
    }
}

fn fixed_keys() -> Vec<(String, ApiKey)> {
    let key = |name: &str, scope| {
        let key = ApiKey {
            name: SourceId::trusted(name),
            scopes: vec![scope],
            origins: Vec::new(),
            requests_per_second: None,
            created_at: Timestamp::from_seconds(1),
            revoked_at: None,
        };
        (name.to_owned(), key)
    };
    vec![
        key("write", Scope::Write),
        key("decide", Scope::Decide),
        key("read", Scope::Read),
        key("admin", Scope::Admin),
        key("admin2", Scope::Admin),
    ]
}
