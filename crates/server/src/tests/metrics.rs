//! What is counted stays bounded, whatever is asked for.

use mercer_engine::Audit;
use mercer_schema::{ModelVersion, Timestamp};
use metrics_exporter_prometheus::PrometheusBuilder;

use super::models::stocked;
use crate::testing::TestServer;

#[tokio::test]
async fn strange_addresses_make_no_new_series() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let counted = recorder.handle();
    let _local = metrics::set_default_local_recorder(&recorder);
    let server = TestServer::start().await;
    let series = || counted.render().lines().filter(|line| line.starts_with("mercer_http_requests_total{")).count();
    for number in 0..50 {
        for path in [format!("/v1/products/{number}"), format!("/{number}"), format!("/docs/errors/{number}")] {
            server.call(("GET", &path), "decide", &[], "").await;
        }
        server.call((&format!("METHOD{number}"), "/v1/products"), "decide", &[], "").await;
    }
    assert_eq!(series(), 3, "one known route, everything else together, and one for methods of no kind");
}

#[tokio::test]
async fn the_versions_that_answer_are_named_and_those_that_did_go_to_nought() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let counted = recorder.handle();
    let _local = metrics::set_default_local_recorder(&recorder);
    let server = stocked().await;
    let engine = &server.app.engine;
    let (audit, now) = (Audit::new("ann", ""), Timestamp::from_seconds(1_761_000_100));
    for _ in 0..2 {
        assert!(engine.train(audit.clone(), now, |_| {}).await.unwrap().promoted);
    }
    let first = ModelVersion::trusted("000001");
    let series = || {
        let text = counted.render();
        let mut lines: Vec<String> =
            text.lines().filter(|line| line.starts_with("mercer_model_info{")).map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let line =
        |version: &str, arm: &str, on: u8| format!("mercer_model_info{{version=\"{version}\",arm=\"{arm}\"}} {on}");
    assert_eq!(series(), [line("000001", "champion", 0), line("000002", "champion", 1)]);
    engine.start_canary(&first, 0.5, &audit, now).await.unwrap();
    assert_eq!(series().first(), Some(&line("000001", "canary", 1)));
    engine.promote(&first, &audit, now).await.unwrap();
    let now = [line("000001", "canary", 0), line("000001", "champion", 1), line("000002", "champion", 0)];
    assert_eq!(series(), now);
}
