//! What is counted stays bounded, whatever is asked for.

use metrics_exporter_prometheus::PrometheusBuilder;

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
