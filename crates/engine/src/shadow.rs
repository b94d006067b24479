//! The shadow: a candidate that waits is asked what it would have shown, on a share of the live pages.
//!
//! Never in the way of serving: a page offers its decision and goes on; when the shadow is busy the offer is dropped and
//! counted. One thread of its own decides again with the candidate's models in the same world, compares, and hears from
//! the records that follow what was clicked and ordered. What it finds is kept in the tables now and then.

mod figures;
mod memory;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use mercer_decide::Models;
use mercer_schema::{Arm, DecideRequest, ModelVersion, PageDecision, Record};
use mercer_store::Tables;
use tokio::sync::broadcast;
use xxhash_rust::xxh3::xxh3_64;

pub use self::figures::ShadowFigures;
use self::memory::Memory;
use crate::fold::Snapshot;

/// Pages that may wait for the shadow.
const WAITING: usize = 64;
const LISTEN_EVERY: Duration = Duration::from_millis(500);
const SAVE_EVERY: Duration = Duration::from_secs(20);

/// Who is asked.
pub(crate) struct Target {
    pub(crate) version: ModelVersion,
    pub(crate) models: Arc<Models>,
}

/// A page that was served.
struct Sample {
    snapshot: Arc<Snapshot>,
    request: DecideRequest,
    served: PageDecision,
}

/// The serving side.
pub(crate) struct Shadow {
    share: f64,
    target: Arc<ArcSwapOption<Target>>,
    offers: ArcSwapOption<Sender<Sample>>,
    figures: Arc<Mutex<ShadowFigures>>,
    tables: Arc<dyn Tables>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Shadow {
    pub(crate) fn start(
        share: f64,
        tables: Arc<dyn Tables>,
        news: &broadcast::Sender<Arc<Record>>,
    ) -> std::io::Result<Self> {
        let (offers, samples) = bounded(WAITING);
        let target: Arc<ArcSwapOption<Target>> = Arc::default();
        let figures: Arc<Mutex<ShadowFigures>> = Arc::default();
        let watcher = Watcher {
            target: Arc::clone(&target),
            figures: Arc::clone(&figures),
            tables: Arc::clone(&tables),
            memory: Memory::default(),
            news: news.clone(),
            heard: None,
        };
        let thread = std::thread::Builder::new().name("mercer-shadow".into()).spawn(move || watcher.run(&samples))?;
        let offers = ArcSwapOption::from_pointee(offers);
        Ok(Self { share, target, offers, figures, tables, thread: Mutex::new(Some(thread)) })
    }

    /// From here on this version is asked, or none. Figures of the same version go on.
    pub(crate) fn watch(&self, target: Option<Target>) {
        let mut figures = self.figures.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(target) = &target
            && figures.version.as_ref() != Some(&target.version)
        {
            figures.save(&*self.tables);
            *figures = ShadowFigures::load(&*self.tables, &target.version);
        }
        drop(figures);
        self.target.store(target.map(Arc::new));
    }

    /// Offers a page. The same pages are taken whatever else goes on: the choice hangs on the decision's id.
    pub(crate) fn offer(&self, snapshot: &Arc<Snapshot>, request: &DecideRequest, served: &PageDecision) {
        // What a canary answered says nothing of the champion.
        let is_of_canary = served.arm == Some(Arm::Canary);
        if is_of_canary || self.target.load().is_none() || !is_chosen(served.decision_id.as_str(), self.share) {
            return;
        }
        let Some(offers) = self.offers.load_full() else { return };
        if offers.is_full() {
            metrics::counter!("mercer_shadow_dropped_total").increment(1);
            return;
        }
        let sample = Sample { snapshot: Arc::clone(snapshot), request: request.clone(), served: served.clone() };
        if offers.try_send(sample).is_err() {
            metrics::counter!("mercer_shadow_dropped_total").increment(1);
        }
    }

    /// What is known of a version, also of one that was watched earlier.
    pub(crate) fn figures(&self, version: &ModelVersion) -> Option<ShadowFigures> {
        let figures = self.figures.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let found = match figures.version.as_ref() == Some(version) {
            true => figures,
            false => ShadowFigures::load(&*self.tables, version),
        };
        (found.pages > 0).then_some(found)
    }

    pub(crate) fn close(&self) {
        self.offers.store(None);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the shadow had panicked; serving was not touched");
        }
    }
}

fn is_chosen(id: &str, share: f64) -> bool {
    ((xxh3_64(id.as_bytes()) >> 11) as f64 / (1_u64 << 53) as f64) < share
}

/// The other side: one thread that asks, compares and listens.
struct Watcher {
    target: Arc<ArcSwapOption<Target>>,
    figures: Arc<Mutex<ShadowFigures>>,
    tables: Arc<dyn Tables>,
    memory: Memory,
    news: broadcast::Sender<Arc<Record>>,
    /// Listens only while somebody is asked: records are copied for listeners alone.
    heard: Option<broadcast::Receiver<Arc<Record>>>,
}

impl Watcher {
    fn run(mut self, samples: &Receiver<Sample>) {
        let mut saved = Instant::now();
        loop {
            match samples.recv_timeout(LISTEN_EVERY) {
                Ok(sample) => self.look(sample),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.listen();
            if saved.elapsed() >= SAVE_EVERY {
                saved = Instant::now();
                self.figures().save(&*self.tables);
            }
        }
        self.figures().save(&*self.tables);
    }

    fn look(&mut self, sample: Sample) {
        let Some(target) = self.target.load_full() else { return };
        if self.heard.is_none() {
            self.heard = Some(self.news.subscribe());
        }
        let Sample { snapshot, request, served } = sample;
        let decide = |models: &Arc<Models>| {
            let world = snapshot.world.answered_by(Arc::clone(models));
            let started = Instant::now();
            let decided = mercer_decide::decide(&world, &request, served.decision_id.clone(), served.decided_at);
            (decided, started.elapsed().as_micros() as u64)
        };
        let outcome = catch_unwind(AssertUnwindSafe(|| (decide(&snapshot.world.models), decide(&target.models))));
        let mut figures = self.figures();
        if figures.version.as_ref() != Some(&target.version) {
            return;
        }
        match outcome {
            Ok(((_, champion_micros), (shown, candidate_micros))) => {
                figures.compare(&served, &shown);
                figures.time(champion_micros, candidate_micros);
                drop(figures);
                self.memory.remember(&request, &served, &shown);
            }
            Err(_) => figures.failures += 1,
        }
        metrics::counter!("mercer_shadow_pages_total").increment(1);
    }

    /// Hears what was clicked and ordered since.
    fn listen(&mut self) {
        if self.target.load().is_none() {
            self.heard = None;
        }
        let Some(mut heard) = self.heard.take() else { return };
        loop {
            match heard.try_recv() {
                Ok(record) => {
                    let told = self.memory.hear(&record);
                    self.figures().add(told);
                }
                // Who falls behind has missed some; what follows counts as ever.
                Err(broadcast::error::TryRecvError::Lagged(_)) => {}
                Err(broadcast::error::TryRecvError::Empty) => break,
                Err(broadcast::error::TryRecvError::Closed) => return,
            }
        }
        self.heard = Some(heard);
    }

    fn figures(&self) -> std::sync::MutexGuard<'_, ShadowFigures> {
        self.figures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_the_pages_is_chosen() {
        let chosen = (0..10_000).filter(|number| is_chosen(&format!("d{number}"), 0.05)).count();
        assert!((430..570).contains(&chosen), "{chosen}");
        assert!(!is_chosen("d", 0.0) && is_chosen("d", 1.0));
    }
}
