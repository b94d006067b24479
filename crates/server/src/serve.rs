//! Listening and stopping: on the signal no new connection is taken, running requests finish, a
//! training stops after the step it is at, then the engine
//! writes its checkpoint.

use std::future::{Future, IntoFuture};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;

use crate::state::App;

/// How often histograms are summed up; between two times every measurement is held in memory.
const UPKEEP: Duration = Duration::from_secs(5);

/// How long running requests may take after the signal.
const DRAIN: Duration = Duration::from_secs(20);

/// Serves until `stop` resolves, then drains. Returns when everything acknowledged is on disk.
pub async fn serve(
    listener: TcpListener,
    app: App,
    router: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let (stopping, stopped) = tokio::sync::oneshot::channel::<()>();
    let stopping_app = app.clone();
    let signal = async move {
        stop.await;
        stopping_app.draining.store(true, Ordering::Relaxed);
        stopping_app.engine.stop_training();
        tracing::info!("shutting down: finishing running requests");
        let _ = stopping.send(());
    };
    let upkeep = tokio::spawn(keep_up(app.metrics.clone()));
    let serving = axum::serve(listener, router).with_graceful_shutdown(signal).into_future();
    let deadline = async {
        // Without the signal there is no deadline: the sender is held by `signal`.
        if stopped.await.is_ok() {
            tokio::time::sleep(DRAIN).await;
            tracing::warn!("some requests took longer than {} s and were cut off", DRAIN.as_secs());
        } else {
            std::future::pending::<()>().await;
        }
    };
    let outcome = tokio::select! {
        outcome = serving => outcome,
        () = deadline => Ok(()),
    };
    upkeep.abort();
    let engine = Arc::clone(&app.engine);
    tokio::task::spawn_blocking(move || engine.close()).await?;
    outcome
}

/// Without this, histograms would grow until somebody asks for `/metrics`.
async fn keep_up(metrics: PrometheusHandle) {
    let mut ticks = tokio::time::interval(UPKEEP);
    loop {
        ticks.tick().await;
        metrics.run_upkeep();
    }
}
