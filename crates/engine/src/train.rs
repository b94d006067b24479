//! Training: lake → fits → judgement → gate → registry → promotion.
//!
//! Runs beside serving and changes nothing until the last step, a record in the log. A run that fails or is cut off
//! leaves the champion as it was; what it had finished lies in the registry's run folder, and the next run goes on from
//! there when code, settings and data are the same.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use mercer_decide::{Models, World};
use mercer_recommend::latent::NamedVectors;
use mercer_schema::{ModelVersion, Position, Properties, Timestamp};
use mercer_store::{Alias, Gate, Lineage, NewModel, RunNotes, TrainingRun};

use crate::background;
use crate::gate::{self, Contenders, Plan, Rival};
use crate::judgement::metrics;
use crate::lessons::{Lessons, gather};
use crate::past_searches::Moment;
use crate::progress::{Outcome, Progress, Running};
use crate::recipes::{RECIPES, Recipe, fitted_models, read_models, wanted};
use crate::stages::Audit;
use crate::{Engine, Error, ModelOptions, past_searches, reformulations, search_ranking, vectors};

/// An interrupted run older than this is not gone on with: its data are of yesterday.
const STALE_AFTER: i64 = Timestamp::DAY;
/// Reading, looking back, judging, comparing and writing, beside the fits.
const OTHER_STEPS: usize = 5;
/// The part of a run that learns from everything, and the one that learns from what was before the held-out days.
const ALL: &str = "all";
const BEFORE: &str = "before";

/// What a training run made.
#[derive(Debug, Clone)]
pub struct Trained {
    pub version: ModelVersion,
    /// It serves now; otherwise it waits as candidate.
    pub promoted: bool,
    /// It passed the gate and waits because this version is being tried: a new champion would end the canary.
    pub waits_for_canary: Option<ModelVersion>,
    pub metrics: Properties,
    pub gate: Gate,
}

/// The right to run, given back when it is dropped.
#[derive(Debug)]
pub struct TrainingTicket {
    running: Running,
    audit: Audit,
    now: Timestamp,
    began: Instant,
}

impl Engine {
    /// Learns from everything in the log. How far it is, [`Engine::training`] tells; `told` hears it too.
    pub async fn train(
        self: &Arc<Self>,
        audit: Audit,
        now: Timestamp,
        told: impl Fn(&str) + Send + Sync + 'static,
    ) -> Result<Trained, Error> {
        let ticket = self.begin_training(audit, now)?;
        self.train_on(ticket, told).await
    }

    /// Takes the place of the one run that there may be: from here on [`Engine::training`] tells of it.
    pub fn begin_training(&self, audit: Audit, now: Timestamp) -> Result<TrainingTicket, Error> {
        if self.progress.is_stopped() {
            return Err(Error::ShuttingDown);
        }
        let running =
            self.progress.begin(&audit, now, OTHER_STEPS + fits(&self.options.models)).ok_or(Error::AlreadyTraining)?;
        Ok(TrainingTicket { running, audit, now, began: Instant::now() })
    }

    /// The run that was begun.
    pub async fn train_on(
        self: &Arc<Self>,
        ticket: TrainingTicket,
        told: impl Fn(&str) + Send + Sync + 'static,
    ) -> Result<Trained, Error> {
        let TrainingTicket { running, audit, now, began } = ticket;
        let engine = Arc::clone(self);
        let asked = audit.clone();
        let fitted = tokio::task::spawn_blocking(move || {
            let mut work = Work { engine: &engine, progress: &engine.progress, told: &told, now };
            let threads = background::threads().map_err(|error| Error::TrainingBroke(error.to_string()))?;
            threads.install(|| work.fit(&asked)).inspect_err(|error| engine.make_room(error))
        });
        let outcome = match fitted.await {
            Ok(Ok(model)) => self.settle(model, &audit, after(now, began)).await,
            Ok(Err(error)) => Err(error),
            Err(panicked) => Err(Error::TrainingBroke(panicked.to_string())),
        };
        running.end(match &outcome {
            Ok(trained) => Outcome::Trained {
                version: trained.version.clone(),
                promoted: trained.promoted,
                waits_for_canary: trained.waits_for_canary.clone(),
            },
            Err(Error::NothingToLearn) => Outcome::NothingToLearn,
            Err(Error::TrainingStopped) => Outcome::Stopped,
            Err(error) => Outcome::Failed { error: error.to_string() },
        });
        let label = match &outcome {
            Ok(_) => "trained",
            Err(Error::TrainingStopped) => "stopped",
            Err(_) => "failed",
        };
        metrics::counter!("mercer_trainings_total", "outcome" => label).increment(1);
        outcome
    }

    /// The training that runs, or the last one since the start.
    pub fn training(&self) -> Progress {
        self.progress.now()
    }

    /// Ends the training that runs once the step it is at is done and kept; the next start goes on with it. None begins any
    /// more.
    pub fn stop_training(&self) {
        self.progress.stop();
    }

    /// A run that was cut off and can go on: who asked for it, and why.
    pub fn interrupted_training(&self, now: Timestamp) -> Option<Audit> {
        let left = self.parts.registry.unfinished_run()?;
        (now.since(left.started_at) < STALE_AFTER).then_some(Audit { by: left.requested_by, why: left.why })
    }

    /// Puts the new version into the registry and, when it may, in the champion's place.
    async fn settle(&self, model: NewModel, audit: &Audit, now: Timestamp) -> Result<Trained, Error> {
        if self.progress.is_stopped() {
            // What was fitted is kept: the next start has little more to do than this.
            return Err(Error::TrainingStopped);
        }
        let registry = &self.parts.registry;
        let (metrics, gate) = (model.metrics.clone(), model.gate.clone());
        let version = registry.create(model).map_err(Error::from).inspect_err(|error| self.make_room(error))?.version;
        registry.set_alias(Alias::Candidate, &version)?;
        registry.clear_run()?;
        let may_serve = gate.passed && self.options.models.promote;
        // A canary that cannot be read tries nothing, so nothing waits for it.
        let tried = self.snapshot().world.canary.as_ref().map(|canary| canary.version.clone());
        let waits_for_canary = tried.filter(|_| may_serve);
        if let Some(tried) = &waits_for_canary {
            tracing::info!(%version, canary = %tried, "the version passed the gate and waits while the canary runs");
        }
        let promoted = may_serve && waits_for_canary.is_none();
        if promoted {
            let why = match audit.why.is_empty() {
                true => "it passed the gate".to_owned(),
                false => format!("it passed the gate ({})", audit.why),
            };
            self.promote(&version, &Audit::new(&*audit.by, why), now).await?;
        }
        self.watch_candidate();
        self.remove_oldest(now).await;
        Ok(Trained { version, promoted, waits_for_canary, metrics, gate })
    }

    /// On a full disk, what is kept of the run only stands in the way.
    fn make_room(&self, error: &Error) {
        if let Error::Store(error) = error
            && error.is_temporary()
            && let Err(error) = self.parts.registry.clear_run()
        {
            tracing::warn!(%error, "what is kept of the training run cannot be removed");
        }
    }

    /// One that cannot serve is no rival, however good its figures once were.
    fn rival(&self, world: &World, settings: &serde_json::Value) -> Option<Rival> {
        let champion = self.parts.registry.alias(Alias::Champion).ok()??;
        let models = self.models.load(&champion, &world.catalog).ok()?;
        let manifest = self.parts.registry.manifest(&champion).ok()?;
        let has_same_recipes = manifest.code_version == self.options.code_version
            && manifest.lineage.models == fitted_models(&self.options.models)
            && manifest.settings["vectors"] == settings["vectors"];
        Some(Rival { manifest, models, has_same_recipes })
    }
}

/// One run at work.
struct Work<'a> {
    engine: &'a Engine,
    progress: &'a crate::progress::Training,
    told: &'a (dyn Fn(&str) + Sync),
    now: Timestamp,
}

impl Work<'_> {
    fn fit(&mut self, audit: &Audit) -> Result<NewModel, Error> {
        let engine = self.engine;
        self.step("Reading the lake")?;
        engine.extend_lake()?;
        let snapshot = engine.snapshot();
        let world = &snapshot.world;
        let vectors = vectors::read(engine.options.models.vectors.as_deref())?;
        let settings = self.settings(&vectors);
        let (notes, lessons) = self.notes(audit, world, &vectors)?;
        let mut run = engine.parts.registry.begin_run(notes)?;
        self.progress.kept(run.notes().pieces.len());
        let resumed = run.notes().pieces.len();
        let rival = engine.rival(world, &settings);
        let plan = Plan::new(&lessons, rival.as_ref(), &engine.options.models);
        let mut before = lessons.before(plan.cut);
        self.step("Looking back at what was searched for")?;
        // A shop that opens does not wait for what takes as long as all the rest: its first version has the formula.
        if snapshot.stages.champion.is_some() {
            before.past = self.past(&before, world, run.notes().position)?;
        }
        // Another cut, other pieces: the champion may have changed since a run was cut off.
        let on_trial = self.fit_all(&format!("{BEFORE}-{}", plan.cut.0), &before, world, &mut run)?;
        let mut files = self.fit_all(ALL, &lessons, world, &mut run)?;
        for recipe in RECIPES.iter().filter(|recipe| recipe.is_kept) {
            files.extend(on_trial.get_key_value(recipe.file).map(|(file, bytes)| (file.clone(), bytes.clone())));
        }
        self.step("Judging on held-out orders")?;
        let metrics = kept(&mut run, "metrics", || serde_json::to_vec(&metrics(&lessons)).unwrap_or_default())?;
        self.step("Comparing with the champion")?;
        let candidate = Arc::new(read(&files, world)?);
        let searches = rival.as_ref().and_then(|rival| {
            let champion = (&rival.models.search_ranker, rival.knows_until());
            search_ranking::beside_champion(&candidate.search_ranker, champion, &before, world)
        });
        let contenders = Contenders {
            before_cut: &Arc::new(read(&on_trial, world)?),
            candidate: &candidate,
            rival: rival.as_ref(),
            searches: searches.as_ref(),
        };
        let gate = gate::judge(&plan, &lessons, world, &contenders);
        self.step("Writing the version")?;
        let digest = lessons.digest();
        Ok(NewModel {
            created_at: self.now,
            code_version: engine.options.code_version.clone(),
            settings,
            data: lessons.data,
            metrics: serde_json::from_slice(&metrics).unwrap_or_default(),
            lineage: Lineage {
                parent: snapshot.stages.champion.clone(),
                requested_by: audit.by.clone(),
                why: audit.why.clone(),
                position: run.notes().position,
                counts: counts(lessons.counts, &snapshot),
                digest,
                models: fitted_models(&engine.options.models),
                resumed,
            },
            gate,
            files,
        })
    }

    /// The shop at the moments that a search ranker learns from, none of which knows the held-out days.
    fn past(&self, before: &Lessons, world: &World, upto: Position) -> Result<Vec<Moment>, Error> {
        let Some(last) = before.orders.iter().map(|order| order.at).max() else { return Ok(Vec::new()) };
        let end = last.plus(1);
        past_searches::look_back(&*self.engine.parts.log, world, (&search_ranking::moments(end), end), upto)
    }

    /// What the manifest tells of the run beside its models.
    fn settings(&self, vectors: &NamedVectors) -> serde_json::Value {
        let days = self.engine.options.models.held_out_days;
        let mut settings = serde_json::json!({ "held_out_days": days });
        if let Some(digest) = vectors::digest(vectors) {
            settings["vectors"] = serde_json::json!({ "products": vectors.len(), "digest": digest });
        }
        settings
    }

    /// Reads the lessons; those of an interrupted run up to where that one read them, if it can be gone on with.
    fn notes(&self, audit: &Audit, world: &World, vectors: &Arc<NamedVectors>) -> Result<(RunNotes, Lessons), Error> {
        let (registry, lake) = (&self.engine.parts.registry, &self.engine.parts.lake);
        let read = |position: Position| -> Result<(String, Lessons), Error> {
            let mut lessons = gather(lake, world, position)?;
            lessons.vectors = Arc::clone(vectors);
            lessons.reformulations = reformulations::mine(&*self.engine.parts.log, world, position)?;
            let settings =
                fitted_models(&self.engine.options.models).iter().fold(String::new(), |all, (file, model)| {
                    format!("{all}\n{file}: {} {:?}", model.settings, model.seed)
                });
            let days = self.engine.options.models.held_out_days;
            let code = &self.engine.options.code_version;
            Ok((format!("{code}, {days} days held out, data {}{settings}", lessons.digest()), lessons))
        };
        let is_fresh = |left: &RunNotes| self.now.since(left.started_at) < STALE_AFTER;
        if let Some(left) = registry.unfinished_run().filter(is_fresh) {
            let (identity, lessons) = read(left.position)?;
            if identity == left.identity {
                return Ok((left, lessons));
            }
        }
        let upto = lake.events_upto();
        let (identity, lessons) = read(upto)?;
        if lessons.is_empty() {
            return Err(Error::NothingToLearn);
        }
        let notes = RunNotes::new(self.now, upto, audit.by.clone(), audit.why.clone());
        Ok((RunNotes { identity, ..notes }, lessons))
    }

    fn fit_all(
        &mut self,
        part: &str,
        lessons: &Lessons,
        world: &World,
        run: &mut TrainingRun,
    ) -> Result<BTreeMap<String, Vec<u8>>, Error> {
        let mut files = BTreeMap::new();
        let options = &self.engine.options.models;
        for Recipe { file, title, fit, .. } in wanted(options).filter(|recipe| recipe.belongs_to(part)) {
            self.step(&match part {
                ALL => format!("Fitting: {title}"),
                _ => format!("Fitting on the days before the held-out ones: {title}"),
            })?;
            files.insert((*file).to_owned(), kept(run, &format!("{part}-{file}"), || fit(lessons, world))?);
        }
        Ok(files)
    }

    /// Goes on to the next step, unless Mercer shuts down.
    fn step(&self, doing: &str) -> Result<(), Error> {
        if self.progress.is_stopped() {
            return Err(Error::TrainingStopped);
        }
        self.progress.step(doing);
        (self.told)(doing);
        Ok(())
    }
}

/// The moment, as far beyond the one at which the run began as it has taken: what a run does is dated when it does it.
fn after(now: Timestamp, began: Instant) -> Timestamp {
    now.plus(i64::try_from(began.elapsed().as_micros()).unwrap_or_default())
}

impl Recipe {
    /// Every model is fitted on everything but those that are kept, and those that the gate asks on what was before.
    fn belongs_to(&self, part: &str) -> bool {
        if part == ALL { !self.is_kept } else { self.is_judged }
    }
}

fn fits(options: &ModelOptions) -> usize {
    [ALL, BEFORE].iter().map(|part| wanted(options).filter(|recipe| recipe.belongs_to(part)).count()).sum()
}

/// A piece of the run: as it lies there, or made and laid there.
fn kept(run: &mut TrainingRun, name: &str, make: impl FnOnce() -> Vec<u8>) -> Result<Vec<u8>, Error> {
    if let Some(bytes) = run.piece(name) {
        return Ok(bytes);
    }
    let bytes = make();
    run.keep(name, &bytes)?;
    Ok(bytes)
}

/// What was written must be readable: a version that could not serve never comes into being.
fn read(files: &BTreeMap<String, Vec<u8>>, world: &World) -> Result<Models, Error> {
    let file = |name: &str| Ok(files.get(name).cloned());
    read_models(&world.catalog, file).map_err(Error::TrainingBroke)
}

/// What was learned from, and what was known of the shop by then: a schedule counts from there.
fn counts(mut counts: BTreeMap<String, u64>, snapshot: &crate::Snapshot) -> BTreeMap<String, u64> {
    counts.insert(EVENTS_SEEN.to_owned(), snapshot.tally.events());
    counts.insert(ORDERS_SEEN.to_owned(), snapshot.orders.len() as u64);
    counts
}

/// Names of counts in the manifest.
pub const EVENTS_SEEN: &str = "events seen";
pub const ORDERS_SEEN: &str = "orders seen";
