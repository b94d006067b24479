//! What a serving Mercer does beside serving: training, looking after the models, the lake, old message ids.

use std::sync::Arc;
use std::time::Duration;

use mercer_engine::{Audit, Lineage, Outcome};
use mercer_schema::Timestamp;
use mercer_server::App;

use crate::config::{Config, TrainSchedule};

/// How often it is looked whether something is due.
const EVERY: Duration = Duration::from_secs(60);
/// A training that failed is tried again after this.
const TRY_AGAIN_AFTER: i64 = Timestamp::HOUR;

pub(crate) async fn keep_house(app: App, config: Config) {
    let mut ticks = tokio::time::interval(EVERY);
    let mut schedule = Schedule::new(config.train, &app);
    let mut last_expired = Timestamp(0);
    if let Some(audit) = app.engine.interrupted_training(mercer_server::now()) {
        tracing::info!(by = audit.by, "a training that was cut off goes on");
        begin(&app, audit);
    }
    loop {
        ticks.tick().await;
        let now = mercer_server::now();
        if schedule.is_due(&app, now) {
            begin(&app, Audit::new("schedule", format!("every {} hours", config.train.every_hours)));
        }
        app.look_after_models();
        if now.since(last_expired) >= Timestamp::HOUR {
            last_expired = now;
            hourly(&app, now.plus(-i64::from(config.deduplicate_days) * Timestamp::DAY)).await;
        }
    }
}

fn begin(app: &App, audit: Audit) {
    if let Err(error) = app.train_behind(audit) {
        tracing::warn!(%error, "the training waits");
    }
}

async fn hourly(app: &App, horizon: Timestamp) {
    let engine = Arc::clone(&app.engine);
    let chores = tokio::task::spawn_blocking(move || engine.expire_keys(horizon).and_then(|_| engine.extend_lake()));
    match chores.await {
        Ok(Err(error)) => tracing::warn!(%error, "hourly housekeeping failed; it is tried again in an hour"),
        Err(error) => tracing::warn!(%error, "hourly housekeeping broke off"),
        Ok(Ok(())) => {}
    }
}

/// When the next training is due.
struct Schedule {
    settings: TrainSchedule,
    /// The last version, or the start of a shop that has none yet.
    last: Timestamp,
    learned: Lineage,
}

impl Schedule {
    fn new(settings: TrainSchedule, app: &App) -> Self {
        let mut schedule = Self { settings, last: mercer_server::now(), learned: Lineage::default() };
        schedule.note_newest(app);
        schedule
    }

    fn is_due(&mut self, app: &App, now: Timestamp) -> bool {
        let every = i64::from(self.settings.every_hours) * Timestamp::HOUR;
        let training = app.engine.training();
        if every == 0 || training.running {
            return false;
        }
        self.note_newest(app);
        if let (Some(started), Some(Outcome::Failed { .. })) = (training.started_at, training.outcome)
            && now.since(started) < every.min(TRY_AGAIN_AFTER)
        {
            return false;
        }
        now.since(self.last) >= every && self.has_news(app)
    }

    fn has_news(&self, app: &App) -> bool {
        let snapshot = app.engine.snapshot();
        let since =
            |name: &str, now: u64| now.saturating_sub(self.learned.counts.get(name).copied().unwrap_or_default());
        since(mercer_engine::EVENTS_SEEN, snapshot.tally.events()) >= self.settings.min_new_events
            || since(mercer_engine::ORDERS_SEEN, snapshot.orders.len() as u64) >= self.settings.min_new_orders
    }

    /// Versions may come from anywhere: the console, a command, another process before this one.
    fn note_newest(&mut self, app: &App) {
        let newest = app.engine.models().ok().and_then(|cards| Some(cards.into_iter().next()?.manifest));
        if let Some(manifest) = newest {
            (self.last, self.learned) = (manifest.created_at, manifest.lineage);
        }
    }
}
