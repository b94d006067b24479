//! What every handler can reach.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mercer_collect::Limits;
use mercer_engine::{Audit, Engine, Error, Trained, TrainingTicket};
use mercer_schema::{Currency, DecisionId, Timestamp};
use mercer_store::Tables;

use crate::access::Keys;
use crate::idempotency::Idempotency;
use crate::stores::Stores;
use crate::view_as::Signer;

/// Settings of the HTTP side, resolved once at start.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the shop's own pages call Mercer, for links and examples: `https://mercer.shop.example`.
    pub public_url: String,
    pub shop_name: String,
    /// Shown at the console's sign-in; the demo tells its password there.
    pub sign_in_hint: Option<&'static str>,
    /// The currency of prices that come without one.
    pub currency: Currency,
    pub limits: Limits,
    /// Larger files are not taken by `POST /v1/import`.
    pub upload_bytes: u64,
    /// Reads `Sec-GPC` and treats it as an objection to personalization.
    pub honour_gpc: bool,
    /// The version that `/healthz` and the manifests name.
    pub code_version: String,
}

/// Shared by all handlers. Every layer around a handler clones it for every request, so that is one count.
#[derive(Clone)]
pub struct App(Arc<Shared>);

/// What [`App`] gives access to.
pub struct Shared {
    pub engine: Arc<Engine>,
    pub keys: Arc<Keys>,
    pub tables: Arc<dyn Tables>,
    pub stores: Arc<Stores>,
    pub idempotency: Arc<Idempotency>,
    pub settings: Settings,
    pub signer: Arc<Signer>,
    pub metrics: metrics_exporter_prometheus::PrometheusHandle,
    pub draining: AtomicBool,
}

impl std::ops::Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl App {
    pub fn new(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }

    /// Trains on everything in the log; see [`Engine::train`].
    pub async fn train(&self, audit: Audit) -> Result<Trained, Error> {
        // A task of its own: a caller that goes away must not break off the run, nor leave it marked as running.
        let ticket = self.engine.begin_training(audit, now())?;
        let run = tokio::spawn(self.clone().run_training(ticket));
        run.await.unwrap_or_else(|broken| Err(Error::TrainingBroke(broken.to_string())))
    }

    /// Trains behind the caller's back; how far it is, [`Engine::training`] tells from now on.
    pub fn train_behind(&self, audit: Audit) -> Result<(), Error> {
        let run = self.clone().run_training(self.engine.begin_training(audit, now())?);
        tokio::spawn(async move {
            match run.await {
                Ok(_) => {}
                Err(Error::TrainingStopped) => tracing::info!("the training stops; the next start goes on with it"),
                Err(error) => tracing::warn!(%error, "the training failed; the champion keeps serving"),
            }
        });
        Ok(())
    }

    async fn run_training(self, ticket: TrainingTicket) -> Result<Trained, Error> {
        let trained = self.engine.train_on(ticket, |step| tracing::info!(step, "training")).await;
        self.look_after_models();
        trained
    }

    /// Looks for drift and alarms now, behind the caller's back; see [`Engine::look_after_models`].
    pub fn look_after_models(&self) {
        let engine = Arc::clone(&self.engine);
        tokio::spawn(async move {
            if let Err(error) = engine.look_after_models(now()).await {
                tracing::warn!(%error, "the models could not be looked after; it is tried again in a minute");
            }
        });
    }

    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("engine", &self.engine).field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// The server's clock: the only place where HTTP handlers learn the time.
#[allow(clippy::disallowed_methods)]
pub fn now() -> Timestamp {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
}

/// A fresh decision id: time-ordered, with 74 random bits that seed the decision.
pub(crate) fn new_decision_id() -> DecisionId {
    DecisionId::trusted(uuid::Uuid::now_v7().simple().to_string())
}
