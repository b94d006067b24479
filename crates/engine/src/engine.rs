//! The engine's public face: accept facts, decide, look back.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use arc_swap::{ArcSwap, ArcSwapOption};
use mercer_collect::import::Imported;
use mercer_collect::{BadRow, Limits, Protocol};
use mercer_decide::{Placements, ShopSynonyms};
use mercer_schema::{
    BrowseAnswer, BrowseRequest, BrowseTile, DecideRequest, DecisionId, DecisionRecord, Draft, Event, Fact,
    ModelVersion, PageDecision, Placement, PlacementId, Position, Product, ProductId, Record, SearchAnswer,
    SearchRecord, SearchRequest, SearchRule, SearchRuleId, SearchSettings, SuggestAnswer, SuggestRequest, SynonymRule,
    Timestamp, Visitor,
};
use mercer_search::Language;
use mercer_store::{Alias, Appended, EventLog, Lake, Registry, Tables};
use tokio::sync::{broadcast, mpsc, oneshot};

use crate::Error;
use crate::alarms::Watch;
use crate::bad_rows::{self, KeptBadRow};
use crate::checkpoint::{self, Checkpointer};
use crate::drift::Counter;
use crate::fold::Snapshot;
use crate::ingest::{Ingest, Job, Running};
use crate::keys::message_key;
use crate::models::{ModelSource, RegistryModels, name_champion, tell_of_unreadable};
use crate::progress::Training;
use crate::replay::{self, Replayed};
use crate::shadow::{Shadow, ShadowFigures, Target};
use crate::texts::{EncoderOptions, QueryEncoder};

/// Records that a slow listener may fall behind before it misses some.
const NEWS_KEPT: usize = 1_024;

/// The stores the engine lives on.
pub struct Parts {
    pub log: Arc<dyn EventLog>,
    pub tables: Arc<dyn Tables>,
    pub registry: Arc<Registry>,
    pub lake: Arc<Lake>,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts").finish_non_exhaustive()
    }
}

/// How the engine behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// Goes into the manifest of every model.
    pub code_version: String,
    /// Ignore the checkpoint and fold the whole log.
    pub rebuild: bool,
    pub models: ModelOptions,
    /// In which products are written that do not show theirs.
    pub language: Language,
}

/// How models are kept safe.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelOptions {
    /// A version that passes the gate serves at once; otherwise it waits for a person.
    pub promote: bool,
    /// Days whose cases are held out for the gate.
    pub held_out_days: u32,
    /// The share of pages on which a candidate that waits is asked too; 0 asks it nothing.
    pub shadow_share: f64,
    /// A champion that was trained so long ago is an alarm; 0 never is.
    pub stale_days: u32,
    /// A file with vectors of products, of sentences or pictures, that the tastes learn from; read at every training.
    pub vectors: Option<PathBuf>,
    /// The encoder that made these vectors, to be asked what queries mean.
    pub encoder: Option<EncoderOptions>,
    /// A canary is not called better before it has run for so many hours; one that is clearly worse is stopped at any time.
    pub canary_hours: u32,
    /// After a training the oldest versions beyond so many are removed, unless they are needed; 0 keeps all.
    pub keep_versions: u32,
    /// A transformer is trained as well, which takes many times as long as all the rest.
    pub transformer: bool,
}

impl Default for ModelOptions {
    fn default() -> Self {
        Self {
            promote: true,
            held_out_days: 7,
            shadow_share: 0.05,
            stale_days: 14,
            canary_hours: 24,
            keep_versions: 30,
            vectors: None,
            encoder: None,
            transformer: false,
        }
    }
}

/// Owns the state; share it in an `Arc`.
pub struct Engine {
    pub(crate) parts: Parts,
    pub(crate) options: Options,
    pub(crate) models: Arc<dyn ModelSource>,
    has_encoder: bool,
    pub(crate) progress: Arc<Training>,
    pub(crate) shadow: Shadow,
    pub(crate) watch: Watch,
    /// Held while it is changed which versions answer, or which there are.
    pub(crate) changing_models: tokio::sync::Mutex<()>,
    published: Arc<ArcSwap<Snapshot>>,
    news: broadcast::Sender<Arc<Record>>,
    jobs: ArcSwapOption<mpsc::Sender<Job>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// The last world that a replay folded; the next replay goes on from there when it can.
    replayed: Mutex<replay::Past>,
}

/// A decision and the JSON that it is digested and sent as: writing that down takes as long as deciding.
#[derive(Debug, Clone)]
pub struct Answer<T> {
    pub decision: T,
    pub json: Vec<u8>,
}

/// How many products a save changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Saved {
    pub changed: usize,
    pub unchanged: usize,
}

impl Engine {
    /// Restores the last checkpoint, folds the rest of the log and starts to take records.
    pub fn open(parts: Parts, options: Options) -> Result<Self, Error> {
        let encoder = options.models.encoder.as_ref().map(QueryEncoder::open).transpose()?.map(Arc::new);
        let has_encoder = encoder.is_some();
        let models: Arc<dyn ModelSource> = Arc::new(RegistryModels::new(Arc::clone(&parts.registry), encoder));
        let language = options.language;
        if options.rebuild {
            checkpoint::clear(&*parts.tables)?;
        }
        let mut snapshot = checkpoint::restore(&*parts.tables, &*models, language)?;
        let head = parts.log.head()?;
        if snapshot.position() > head {
            // The log was put back to an earlier state: what the checkpoint knows never happened.
            tracing::warn!(checkpoint = %snapshot.position(), %head, "the checkpoint is ahead of the log; rebuilding");
            checkpoint::clear(&*parts.tables)?;
            snapshot = Snapshot::empty(language);
        }
        if parts.lake.forget_after(head)? {
            tracing::warn!(%head, "the lake was ahead of the log; what was beyond is written anew");
        }
        let mut checkpointer = Checkpointer::new(Arc::clone(&parts.tables), snapshot.position());
        replay::fold_to(&*parts.log, &*models, &mut snapshot, head)?;
        checkpointer.save_when_due(&mut snapshot);
        if let Some(damaged) = parts.registry.set_aside() {
            tracing::warn!(%damaged, "the aliases of the models were set aside; the log says which version serves");
        }
        tell_of_unreadable(&snapshot);
        name_champion(&parts.registry, &snapshot);
        snapshot.world.prepare();
        let published = Arc::new(ArcSwap::from_pointee(snapshot.clone()));
        let (news, _) = broadcast::channel(NEWS_KEPT);
        let ingest = Ingest {
            log: Arc::clone(&parts.log),
            models: Arc::clone(&models),
            published: Arc::clone(&published),
            news: news.clone(),
            checkpointer,
        };
        let shadow = Shadow::start(options.models.shadow_share, Arc::clone(&parts.tables), &news);
        let shadow = shadow.map_err(mercer_store::Error::from)?;
        let watch = Watch::new(Counter::load(Arc::clone(&parts.log), Arc::clone(&parts.tables)));
        let Running { jobs, threads } = ingest.start(snapshot).map_err(mercer_store::Error::from)?;
        let engine = Self {
            parts,
            options,
            models,
            has_encoder,
            progress: Arc::default(),
            shadow,
            watch,
            changing_models: tokio::sync::Mutex::default(),
            published,
            news,
            jobs: ArcSwapOption::from_pointee(jobs),
            threads: Mutex::new(threads),
            replayed: Mutex::default(),
        };
        engine.watch_candidate();
        Ok(engine)
    }

    /// Everything that is known now. Lock-free; the snapshot stays as it is while the engine goes on.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.published.load_full()
    }

    /// Makes facts durable and visible. When this returns, the next decision knows them.
    pub async fn accept(&self, drafts: Vec<Draft>) -> Result<Vec<Appended>, Error> {
        if drafts.is_empty() {
            return Ok(Vec::new());
        }
        let (reply, answer) = oneshot::channel();
        let jobs = self.queue().ok_or(Error::ShuttingDown)?;
        jobs.send(Job::Facts { drafts, reply }).await.map_err(|_| Error::ShuttingDown)?;
        answer.await.map_err(|_| Error::ShuttingDown)?
    }

    /// Takes events; one that the log already holds is reported as a duplicate and changes nothing.
    pub async fn accept_events(&self, events: Vec<Event>, now: Timestamp) -> Result<Vec<Appended>, Error> {
        self.accept(events.into_iter().map(|event| event_draft(event, now)).collect()).await
    }

    /// Takes events of a file, which stay known for good: the same file imported years later adds nothing.
    pub async fn accept_imported_events(&self, events: Vec<Event>, now: Timestamp) -> Result<Vec<Appended>, Error> {
        let lasting = |event| Draft { key_lasts: true, ..event_draft(event, now) };
        self.accept(events.into_iter().map(lasting).collect()).await
    }

    /// Adds or updates products; one that is already known exactly so leaves no record.
    pub async fn save_products(&self, products: Vec<Product>, now: Timestamp) -> Result<Saved, Error> {
        let snapshot = self.snapshot();
        let total = products.len();
        let is_new =
            |product: &Product| snapshot.world.catalog.get(&product.id).is_none_or(|known| **known != *product);
        let changed: Vec<Product> = products.into_iter().filter(is_new).collect();
        let saved = Saved { changed: changed.len(), unchanged: total - changed.len() };
        self.accept(changed.into_iter().map(|product| fact(Fact::ProductSaved(Box::new(product)), now)).collect())
            .await?;
        Ok(saved)
    }

    /// Takes a product out of the catalog. False when it was not there.
    pub async fn remove_product(&self, id: &ProductId, now: Timestamp) -> Result<bool, Error> {
        if self.snapshot().world.catalog.get(id).is_none() {
            return Ok(false);
        }
        self.accept(vec![fact(Fact::ProductRemoved(id.clone()), now)]).await?;
        Ok(true)
    }

    /// Checks a placement and puts it in force. False when it already stood so.
    pub async fn save_placement(&self, placement: Placement, now: Timestamp) -> Result<bool, Error> {
        Placements::check(&placement)
            .map_err(|error| Error::Placement { field: error.field.clone(), message: error.to_string() })?;
        if self.snapshot().world.placements.iter().any(|known| *known == placement) {
            return Ok(false);
        }
        self.accept(vec![fact(Fact::PlacementSaved(Box::new(placement)), now)]).await?;
        Ok(true)
    }

    pub async fn remove_placement(&self, id: &PlacementId, now: Timestamp) -> Result<bool, Error> {
        if !self.snapshot().world.placements.iter().any(|known| known.id == *id) {
            return Ok(false);
        }
        self.accept(vec![fact(Fact::PlacementRemoved(id.clone()), now)]).await?;
        Ok(true)
    }

    /// Checks the shop's synonyms and puts them in the place of those before. False when they already stood so.
    pub async fn save_synonyms(&self, rules: Vec<SynonymRule>, now: Timestamp) -> Result<bool, Error> {
        ShopSynonyms::check(&rules).map_err(|error| Error::Refused { field: error.field, message: error.message })?;
        if self.snapshot().world.synonyms.rules() == rules {
            return Ok(false);
        }
        self.accept(vec![fact(Fact::SynonymsSaved(rules), now)]).await?;
        Ok(true)
    }

    /// Checks a rule of the search and puts it in force. False when it already stood so.
    pub async fn save_search_rule(&self, rule: SearchRule, now: Timestamp) -> Result<bool, Error> {
        let snapshot = self.snapshot();
        snapshot
            .world
            .search_rules
            .check(&rule)
            .map_err(|error| Error::Refused { field: error.field.clone(), message: error.to_string() })?;
        if snapshot.world.search_rules.get(&rule.id) == Some(&rule) {
            return Ok(false);
        }
        self.accept(vec![fact(Fact::SearchRuleSaved(Box::new(rule)), now)]).await?;
        Ok(true)
    }

    pub async fn remove_search_rule(&self, id: &SearchRuleId, now: Timestamp) -> Result<bool, Error> {
        if self.snapshot().world.search_rules.get(id).is_none() {
            return Ok(false);
        }
        self.accept(vec![fact(Fact::SearchRuleRemoved(id.clone()), now)]).await?;
        Ok(true)
    }

    /// Checks how the search behaves and puts it in force. False when it already stood so.
    pub async fn save_search_settings(&self, settings: SearchSettings, now: Timestamp) -> Result<bool, Error> {
        if let Some((field, message)) = settings.fault() {
            return Err(Error::Refused { field: field.to_owned(), message: message.to_owned() });
        }
        if self.snapshot().world.search_settings == settings {
            return Ok(false);
        }
        self.accept(vec![fact(Fact::SearchSettingsSaved(settings), now)]).await?;
        Ok(true)
    }

    /// Answers for a page and logs the answer behind the caller's back; `dry_run` logs nothing.
    pub fn decide(&self, request: DecideRequest, id: DecisionId, now: Timestamp) -> Answer<PageDecision> {
        let snapshot = self.published.load();
        let decision = mercer_decide::decide(&snapshot.world, &request, id, now);
        let json = replay::json_of(&decision);
        if !request.dry_run {
            self.shadow.offer(&snapshot, &request, &decision);
            self.log_decision(replay::decision_draft(request, &decision, &json));
        }
        Answer { decision, json }
    }

    /// A search may ask a sentence encoder, which takes milliseconds: it belongs on a thread that may wait.
    pub const fn search_takes_time(&self) -> bool {
        self.has_encoder
    }

    /// Where to go in the shop. Never logged.
    pub fn browse(&self, request: &BrowseRequest, now: Timestamp) -> BrowseAnswer {
        mercer_decide::browse(&self.published.load().world, request, now)
    }

    /// The categories right below one, in the order of a customer. Never logged.
    pub fn children(&self, category: &str, request: &BrowseRequest, now: Timestamp) -> Vec<BrowseTile> {
        mercer_decide::children(&self.published.load().world, category, request, now)
    }

    /// Carries on what is being typed. Never logged.
    pub fn suggest(&self, request: &SuggestRequest, now: Timestamp) -> SuggestAnswer {
        mercer_decide::suggest(&self.published.load().world, request, now)
    }

    /// Nobody waits for it, and a full queue drops it.
    fn log_decision(&self, draft: Draft) {
        let job = Job::Decision(Box::new(draft));
        if self.queue().is_none_or(|jobs| jobs.try_send(job).is_err()) {
            metrics::counter!("mercer_decisions_unlogged_total").increment(1);
        }
    }

    /// Answers as Mercer would have at `time`: the log is folded up to there. Never logged.
    pub fn decide_as_of(
        &self,
        request: &DecideRequest,
        id: DecisionId,
        time: Timestamp,
    ) -> Result<PageDecision, Error> {
        let position = replay::position_at(&*self.parts.log, time)?;
        let snapshot = self.snapshot_at(position)?;
        if let Some(gone) = self.gone_since(&snapshot) {
            return Err(gone);
        }
        Ok(mercer_decide::decide(&snapshot.world, request, id, time))
    }

    pub fn find_decision(&self, id: &DecisionId) -> Result<DecisionRecord, Error> {
        replay::find(&*self.parts.log, id)
    }

    /// Makes a logged decision again, from the log and the registry alone.
    pub fn replay(&self, id: &DecisionId) -> Result<Replayed<DecisionRecord, PageDecision>, Error> {
        let record = self.find_decision(id)?;
        let snapshot = self.snapshot_at(record.position)?;
        self.or_gone(&snapshot, replay::decide_again(&snapshot, record))
    }

    pub fn find_search(&self, id: &DecisionId) -> Result<SearchRecord, Error> {
        replay::find_search(&*self.parts.log, id)
    }

    /// Answers a logged search again, from the log and the registry alone.
    pub fn replay_search(&self, id: &DecisionId) -> Result<Replayed<SearchRecord, SearchAnswer>, Error> {
        let record = self.find_search(id)?;
        let snapshot = self.snapshot_at(record.position)?;
        self.or_gone(&snapshot, replay::search_again(&snapshot, record))
    }

    /// The state at a position, folded from the log's beginning. Ask in rising order to fold only once.
    pub fn snapshot_at(&self, position: Position) -> Result<Snapshot, Error> {
        let mut past = self.replayed.lock().unwrap_or_else(PoisonError::into_inner);
        past.at(position, self.options.language, (&*self.parts.log, &*self.models))
    }

    /// Records in log order after a position.
    pub fn read(&self, after: Position, limit: usize) -> Result<Vec<Record>, Error> {
        Ok(self.parts.log.read(after, limit)?)
    }

    /// The newest events of these visitors, newest first.
    pub fn timeline(&self, visitors: &[Visitor], limit: usize) -> Result<Vec<Record>, Error> {
        let positions = self.snapshot().timeline.of(visitors);
        let mut records = Vec::with_capacity(limit.min(positions.len()));
        for position in positions.into_iter().take(limit) {
            records.extend(self.parts.log.read(Position(position.0.saturating_sub(1)), 1)?);
        }
        Ok(records)
    }

    /// Keeps input that could not be taken, durably.
    pub fn keep_bad_rows(&self, rows: Vec<BadRow>) -> Result<(), Error> {
        bad_rows::keep(&*self.parts.tables, rows)
    }

    /// Kept bad rows, newest first, before the row `before`.
    pub fn bad_rows(&self, before: Option<&str>, limit: usize) -> Result<Vec<KeptBadRow>, Error> {
        bad_rows::list(&*self.parts.tables, before, limit)
    }

    /// Reads a kept row again. `None`: there is no such row; the inner error is the row as it is still bad.
    pub async fn replay_bad_row(
        &self,
        id: &str,
        limits: &Limits,
        now: Timestamp,
    ) -> Result<Option<Result<(), BadRow>>, Error> {
        let Some(kept) = bad_rows::get(&*self.parts.tables, id)? else { return Ok(None) };
        let (mut events, mut products) = (Vec::new(), Vec::new());
        match bad_rows::read_again(&kept.row, limits) {
            Err(row) => return Ok(Some(Err(*row))),
            Ok(read) => read.into_iter().for_each(|imported| match imported {
                Imported::Event(event) => events.push(*event),
                Imported::Product(product) => products.push(*product),
            }),
        }
        match kept.row.protocol {
            Protocol::Import => self.accept_imported_events(events, now).await?,
            _ => self.accept_events(events, now).await?,
        };
        self.save_products(products, now).await?;
        bad_rows::mark_replayed(&*self.parts.tables, kept, now)?;
        Ok(Some(Ok(())))
    }

    /// Answers a search and logs the answer behind the caller's back; `dry_run` and a text that is still being typed log
    /// nothing.
    pub fn search(&self, request: SearchRequest, id: DecisionId, now: Timestamp) -> Answer<SearchAnswer> {
        let snapshot = self.published.load();
        let request = mercer_decide::as_catalog_says(&snapshot.world, request);
        let answer = mercer_decide::search(&snapshot.world, &request, id, now);
        let json = replay::json_of(&answer);
        if !request.dry_run && !request.typing {
            self.log_decision(replay::search_draft(request, &answer, &json));
        }
        Answer { decision: answer, json }
    }

    /// Every record from now on, for live views.
    pub fn listen(&self) -> broadcast::Receiver<Arc<Record>> {
        self.news.subscribe()
    }

    /// What the shadow found of a version; nothing of one that was never asked.
    pub fn shadow_figures(&self, version: &ModelVersion) -> Option<ShadowFigures> {
        self.shadow.figures(version)
    }

    /// Asks the candidate in the shadow while it waits: not once it serves, or answers some as a canary.
    pub(crate) fn watch_candidate(&self) {
        let snapshot = self.snapshot();
        let stages = &snapshot.stages;
        let is_idle = |version: &ModelVersion| {
            stages.champion.as_ref() != Some(version)
                && stages.canary.as_ref().is_none_or(|canary| canary.version != *version)
        };
        let waiting = self.parts.registry.alias(Alias::Candidate).ok().flatten().filter(is_idle);
        let target = waiting.and_then(|version| {
            let models = self.models.load(&version, &snapshot.world.catalog).ok()?;
            Some(Target { version, models })
        });
        self.shadow.watch(target);
    }

    /// Writes what the log has beyond the lake into the lake.
    pub fn extend_lake(&self) -> Result<(), Error> {
        self.parts.lake.extend(&*self.parts.log)?;
        Ok(())
    }

    /// Forgets message ids that are older than the deduplication window.
    pub fn expire_keys(&self, recorded_before: Timestamp) -> Result<u64, Error> {
        Ok(self.parts.log.expire_keys(recorded_before)?)
    }

    /// Takes no more, stops a training, finishes what is queued, writes a checkpoint. Blocks.
    pub fn close(&self) {
        self.stop_training();
        self.jobs.store(None);
        self.shadow.close();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("an engine thread had panicked; the log is complete, the next start folds the rest");
            }
        }
    }

    /// False once the engine is closed, or a thread of it broke: then the process must be started again.
    pub fn is_taking(&self) -> bool {
        self.queue().is_some_and(|jobs| !jobs.is_closed())
    }

    fn queue(&self) -> Option<Arc<mpsc::Sender<Job>>> {
        self.jobs.load_full()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.close();
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("position", &self.snapshot().position()).finish_non_exhaustive()
    }
}

fn event_draft(event: Event, now: Timestamp) -> Draft {
    let key = Some(message_key(&event.source, &event.message_id));
    Draft { recorded_at: now, key, key_lasts: false, fact: Fact::Event(Box::new(event)) }
}

const fn fact(fact: Fact, now: Timestamp) -> Draft {
    Draft { recorded_at: now, key: None, key_lasts: false, fact }
}
