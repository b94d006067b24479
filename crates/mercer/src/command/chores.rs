//! What a serving Mercer does beside serving: training, looking after the models, the lake, old message ids.

use std::sync::Arc;
use std::time::Duration;

use mercer_engine::{Audit, Lineage, Outcome, Progress};
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

/// What has ever come in.
#[derive(Debug, Clone, Copy)]
struct Seen {
    events: u64,
    orders: u64,
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
        self.note_newest(app);
        let snapshot = app.engine.snapshot();
        let seen = Seen { events: snapshot.tally.events(), orders: snapshot.orders.len() as u64 };
        self.wants(now, &app.engine.training(), seen)
    }

    fn wants(&self, now: Timestamp, training: &Progress, seen: Seen) -> bool {
        let every = i64::from(self.settings.every_hours) * Timestamp::HOUR;
        if every == 0 || training.running {
            return false;
        }
        if let (Some(started), Some(Outcome::Failed { .. })) = (training.started_at, &training.outcome)
            && now.since(started) < every.min(TRY_AGAIN_AFTER)
        {
            return false;
        }
        now.since(self.last) >= every && self.is_news(seen)
    }

    fn is_news(&self, seen: Seen) -> bool {
        let since =
            |name: &str, now: u64| now.saturating_sub(self.learned.counts.get(name).copied().unwrap_or_default());
        since(mercer_engine::EVENTS_SEEN, seen.events) >= self.settings.min_new_events
            || since(mercer_engine::ORDERS_SEEN, seen.orders) >= self.settings.min_new_orders
    }

    /// Versions may come from anywhere: the console, a command, another process before this one.
    fn note_newest(&mut self, app: &App) {
        let newest = app.engine.models().ok().and_then(|cards| Some(cards.into_iter().next()?.manifest));
        if let Some(manifest) = newest {
            (self.last, self.learned) = (manifest.created_at, manifest.lineage);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = Timestamp::DAY;

    /// Daily, from 100 new events or 10 new orders on; the last version has seen 1,000 events and 200 orders.
    fn schedule() -> Schedule {
        let counts = [(mercer_engine::EVENTS_SEEN.to_owned(), 1_000), (mercer_engine::ORDERS_SEEN.to_owned(), 200)];
        Schedule {
            settings: TrainSchedule { every_hours: 24, min_new_events: 100, min_new_orders: 10 },
            last: Timestamp(0),
            learned: Lineage { counts: counts.into(), ..Lineage::default() },
        }
    }

    fn wants(now: i64, events: u64, orders: u64) -> bool {
        schedule().wants(Timestamp(now), &Progress::default(), Seen { events, orders })
    }

    #[test]
    fn it_waits_for_the_hour_and_for_news() {
        assert!(!wants(DAY - 1, 5_000, 900), "too early");
        assert!(!wants(DAY, 1_099, 209), "too little is new");
        assert!(wants(DAY, 1_100, 200) && wants(DAY, 1_000, 210), "either is enough");
        // A log that was begun anew holds less than was learned from.
        assert!(!wants(DAY, 0, 0));
    }

    #[test]
    fn one_at_a_time_and_none_where_nobody_wants_it() {
        let (news, now) = (Seen { events: 5_000, orders: 900 }, Timestamp(3 * DAY));
        let running = Progress { running: true, ..Progress::default() };
        assert!(!schedule().wants(now, &running, news));
        let mut never = schedule();
        never.settings.every_hours = 0;
        assert!(!never.wants(now, &Progress::default(), news));
    }

    #[test]
    fn what_failed_is_tried_again_after_an_hour() {
        let news = Seen { events: 5_000, orders: 900 };
        let failed = Progress {
            started_at: Some(Timestamp(2 * DAY)),
            outcome: Some(Outcome::Failed { error: "the disk is full".into() }),
            ..Progress::default()
        };
        let tried = |after: i64| schedule().wants(Timestamp(2 * DAY + after), &failed, news);
        assert!(!tried(Timestamp::HOUR - 1) && tried(Timestamp::HOUR));
    }
}
