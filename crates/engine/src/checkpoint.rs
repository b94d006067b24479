//! The folds on disk, so that a restart reads only the tail of the log.
//!
//! All pieces that changed and the position they stand for are one transaction: a crash leaves the last whole
//! checkpoint, and the records after it are folded again, exactly once. A checkpoint is a cache; when it cannot
//! be read it is dropped and the log is folded from its beginning.

use std::sync::Arc;

use mercer_decide::{Canary, Catalog, Circumstances, Placements, SearchRules, ShopSynonyms, World};
use mercer_profile::Profiles;
use mercer_recommend::Changes;
use mercer_recommend::hybrid;
use mercer_recommend::popularity::Popularity;
use mercer_recommend::sessions::SessionIndex;
use mercer_schema::{ModelVersion, Placement, Position, SearchRule, SearchSettings, SynonymRule};
use mercer_search::{Clicks, Doc, Language, Queries, SearchIndex};
use mercer_store::{Error, Scan, Tables, Write};
use serde::{Deserialize, Serialize};

use crate::fold::Snapshot;
use crate::history::Timeline;
use crate::judgments::Judgments;
use crate::models::{ModelSource, load_or_tell};
use crate::orders::OrdersCounted;
use crate::search_figures::SearchFigures;
use crate::search_trials::SearchTrials;
use crate::stages::Stages;
use crate::tally::Tally;
use crate::trial::Trial;

/// Raised whenever the meaning of any piece changes.
const FORMAT: u32 = 9;
const HEAD_TABLE: &str = "checkpoint";
const HEAD_KEY: &[u8] = b"head";
const TABLES: [&str; 13] = [
    "fold.catalog",
    "fold.profiles",
    "fold.popularity",
    "fold.sessions",
    "fold.tally",
    "fold.timeline",
    "fold.orders",
    "fold.trial",
    "fold.queries",
    "fold.clicks",
    "fold.circumstances",
    "fold.search_figures",
    "fold.judgments",
];
/// Records between two checkpoints.
const EVERY_RECORDS: u64 = 50_000;
const PAGE: usize = 10_000;

type Pieces = Vec<(Vec<u8>, Vec<u8>)>;

/// What is not keyed: where the checkpoint stands, and the small whole things.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    format: u32,
    position: Position,
    stages: Stages,
    placements: Vec<Placement>,
    #[serde(default)]
    synonyms: Vec<SynonymRule>,
    #[serde(default)]
    search_rules: Vec<SearchRule>,
    #[serde(default)]
    search_settings: SearchSettings,
    #[serde(default)]
    search_trials: SearchTrials,
}

/// Writes checkpoints from the folding thread.
pub(crate) struct Checkpointer {
    tables: Arc<dyn Tables>,
    saved: Position,
    /// Drained from the folds but refused by the disk: goes first next time.
    pending: Vec<Write>,
}

impl Checkpointer {
    pub(crate) fn new(tables: Arc<dyn Tables>, saved: Position) -> Self {
        Self { tables, saved, pending: Vec::new() }
    }

    pub(crate) fn save_when_due(&mut self, snapshot: &mut Snapshot) {
        if snapshot.position().0 - self.saved.0 >= EVERY_RECORDS {
            self.save_now(snapshot);
        }
    }

    pub(crate) fn save_now(&mut self, snapshot: &mut Snapshot) {
        if snapshot.position() == self.saved {
            return;
        }
        let started = std::time::Instant::now();
        match drain(snapshot) {
            Ok(writes) => self.pending.extend(writes),
            // Nothing is lost: the log still holds everything. The next start folds from the last checkpoint.
            Err(error) => return tracing::error!(error, "a fold could not be written down"),
        }
        match self.tables.write(&self.pending) {
            Ok(()) => {
                self.pending.clear();
                self.saved = snapshot.position();
                metrics::histogram!("mercer_checkpoint_seconds").record(started.elapsed().as_secs_f64());
            }
            Err(error) => tracing::warn!(%error, "the checkpoint waits for the disk; the log is complete"),
        }
    }
}

/// The newest checkpoint, or an empty snapshot when there is none that can be read.
pub(crate) fn restore(
    tables: &dyn Tables,
    models: &dyn ModelSource,
    language: Language,
) -> Result<Snapshot, mercer_store::Error> {
    let found = match tables.get(HEAD_TABLE, HEAD_KEY) {
        Ok(None) => return Ok(Snapshot::empty(language)),
        Ok(Some(head)) => read(tables, models, language, &head),
        Err(error) => Err(error),
    };
    let cause = match found {
        Ok(Some(snapshot)) => return Ok(snapshot),
        Ok(None) => "it is of another version or cannot be read".to_owned(),
        Err(error @ Error::BadEntry { .. }) => error.to_string(),
        Err(error) => return Err(error),
    };
    tracing::warn!(cause, "the checkpoint is dropped; folding the log from its beginning");
    clear(tables)?;
    Ok(Snapshot::empty(language))
}

/// Forgets the checkpoint: the next start folds everything anew.
pub(crate) fn clear(tables: &dyn Tables) -> Result<(), mercer_store::Error> {
    let cleared = TABLES.iter().chain([&HEAD_TABLE]).map(|table| Write::clear(table)).collect::<Vec<_>>();
    tables.write(&cleared)
}

fn read(
    tables: &dyn Tables,
    models: &dyn ModelSource,
    language: Language,
    head: &[u8],
) -> Result<Option<Snapshot>, mercer_store::Error> {
    let Ok(head) = serde_json::from_slice::<Head>(head) else { return Ok(None) };
    if head.format != FORMAT {
        return Ok(None);
    }
    let Some(Snapshot { mut world, tally, timeline, orders, trial, search_figures, judgments, .. }) = folds(tables)?
    else {
        return Ok(None);
    };
    let load = |version: &ModelVersion| load_or_tell(models, version, &world.catalog);
    // What folding the log would serve: the newest champion of all that can be read.
    let loaded = head.stages.champions().find_map(load).unwrap_or_default();
    let canary = head.stages.canary.as_ref().and_then(|stage| {
        let (version, share) = (stage.version.clone(), stage.share);
        load(&version).map(|models| Canary::new(version, models, share))
    });
    let products = world.catalog.products().map(|(item, product)| (item, &**product));
    world = World {
        position: head.position,
        content: content_of(&world.catalog),
        search: search_of(&world.catalog, language),
        traits: hybrid::Catalog::of_products(products),
        canary,
        placements: Arc::new(Placements::compile(head.placements)),
        synonyms: Arc::new(ShopSynonyms::compile(head.synonyms)),
        search_rules: Arc::new(SearchRules::compile(head.search_rules, language)),
        search_settings: head.search_settings,
        search_trial: head.search_trials.tried(),
        ..world
    };
    world.serve(loaded);
    let (stages, search_trials) = (head.stages, head.search_trials);
    Ok(Some(Snapshot { world, tally, timeline, orders, stages, trial, search_figures, search_trials, judgments }))
}

/// What is keyed, and nothing else. `None`: a piece is broken.
fn folds(tables: &dyn Tables) -> Result<Option<Snapshot>, mercer_store::Error> {
    let [
        catalog,
        profiles,
        popularity,
        sessions,
        tally,
        timeline,
        orders,
        trial,
        queries,
        clicks,
        circumstances,
        figures,
        judgments,
    ] = TABLES.map(|table| pieces(tables, table));
    let (Ok(catalog), Ok(profiles)) = (Catalog::restore(catalog?), Profiles::restore(profiles?)) else {
        return Ok(None);
    };
    let (Ok(popularity), Ok(sessions)) = (Popularity::restore(popularity?), SessionIndex::restore(sessions?)) else {
        return Ok(None);
    };
    let (Some(tally), Some(timeline)) = (Tally::restore(tally?), Timeline::restore(timeline?)) else {
        return Ok(None);
    };
    let (Some(orders), Some(trial)) = (OrdersCounted::restore(orders?), Trial::restore(trial?)) else {
        return Ok(None);
    };
    let (Some(queries), Some(search_figures)) = (Queries::restore(queries?), SearchFigures::restore(figures?)) else {
        return Ok(None);
    };
    let (Some(clicks), Some(judgments)) = (Clicks::restore(clicks?), Judgments::restore(judgments?)) else {
        return Ok(None);
    };
    let Some(circumstances) = Circumstances::restore(circumstances?) else { return Ok(None) };
    let world = World { catalog, profiles, popularity, sessions, queries, clicks, circumstances, ..World::default() };
    let folds = Snapshot { world, tally, timeline, orders, trial, search_figures, judgments, ..Snapshot::default() };
    Ok(Some(folds))
}

/// Neither it nor the traits are written down: they are made from the catalog in item order.
fn content_of(catalog: &Catalog) -> mercer_recommend::content::ContentIndex {
    let mut content = mercer_recommend::content::ContentIndex::default();
    for (item, product) in catalog.products() {
        content.upsert(item, product);
    }
    content
}

/// Nor is it: what it says does not depend on the order in which products came.
fn search_of(catalog: &Catalog, language: Language) -> SearchIndex {
    let mut search = SearchIndex::new(language);
    for (item, product) in catalog.products() {
        search.put(Doc(item.0), None, product);
    }
    search
}

fn pieces(tables: &dyn Tables, table: &str) -> Result<Pieces, mercer_store::Error> {
    let mut all: Pieces = Vec::new();
    loop {
        let scan = Scan::after(all.last().map(|(key, _)| key.as_slice()));
        let page = tables.scan(table, scan, PAGE)?;
        let is_last = page.len() < PAGE;
        all.extend(page);
        if is_last {
            return Ok(all);
        }
    }
}

fn drain(snapshot: &mut Snapshot) -> Result<Vec<Write>, String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let world = &mut snapshot.world;
    let changes: [Changes; 13] = [
        world.catalog.drain_changes(),
        world.profiles.drain_changes(),
        world.popularity.drain_changes(),
        world.sessions.drain_changes(),
        snapshot.tally.drain_changes().map_err(|error| text(&error))?,
        snapshot.timeline.drain_changes().map_err(|error| text(&error))?,
        snapshot.orders.drain_changes(),
        snapshot.trial.drain_changes().map_err(|error| text(&error))?,
        world.queries.drain_changes(),
        world.clicks.drain_changes(),
        world.circumstances.drain_changes(),
        snapshot.search_figures.drain_changes().map_err(|error| text(&error))?,
        snapshot.judgments.drain_changes().map_err(|error| text(&error))?,
    ];
    let head = Head {
        format: FORMAT,
        position: world.position,
        stages: snapshot.stages.clone(),
        placements: world.placements.iter().cloned().collect(),
        synonyms: world.synonyms.rules().to_vec(),
        search_rules: world.search_rules.iter().cloned().collect(),
        search_settings: world.search_settings,
        search_trials: snapshot.search_trials.clone(),
    };
    let head = serde_json::to_vec(&head).map_err(|error| text(&error))?;
    let mut writes = vec![Write::put(HEAD_TABLE, HEAD_KEY.to_vec(), head)];
    for (table, changes) in TABLES.iter().zip(changes) {
        writes.extend(changes.into_iter().map(|(key, value)| match value {
            Some(value) => Write::put(table, key, value),
            None => Write::delete(table, key),
        }));
    }
    Ok(writes)
}
