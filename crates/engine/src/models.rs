//! Trained models: files in the registry, loaded for the world that names them.
//!
//! Item numbers are given in log order, so a version means the same models in every world that holds it, and
//! decoded versions can be shared.

use std::sync::{Arc, Mutex, PoisonError};

use mercer_decide::{Catalog, Models};
use mercer_schema::ModelVersion;
use mercer_store::{Alias, Manifest, Registry};

use crate::Error;
use crate::fold::Snapshot;
use crate::recipes::read_models;
use crate::texts::QueryEncoder;

/// Decoded versions kept for replays across a swap.
const KEPT_DECODED: usize = 4;

/// Where promoted versions are read from.
pub(crate) trait ModelSource: Send + Sync {
    /// Whether there is such a version, readable or not.
    fn has(&self, version: &ModelVersion) -> bool;

    fn load(&self, version: &ModelVersion, catalog: &Catalog) -> Result<Arc<Models>, Error>;
}

/// The registry, with the last few versions decoded.
pub(crate) struct RegistryModels {
    registry: Arc<Registry>,
    encoder: Option<Arc<QueryEncoder>>,
    decoded: Mutex<Vec<(ModelVersion, Arc<Models>)>>,
}

impl RegistryModels {
    pub(crate) fn new(registry: Arc<Registry>, encoder: Option<Arc<QueryEncoder>>) -> Self {
        Self { registry, encoder, decoded: Mutex::default() }
    }
}

impl ModelSource for RegistryModels {
    fn has(&self, version: &ModelVersion) -> bool {
        self.registry.has(version)
    }

    fn load(&self, version: &ModelVersion, catalog: &Catalog) -> Result<Arc<Models>, Error> {
        let mut decoded = self.decoded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = decoded.iter().find(|(known, _)| known == version) {
            return Ok(Arc::clone(known));
        }
        let mut models = decode(&self.registry, version, catalog)?;
        if let Some(encoder) = &self.encoder {
            models.texts = encoder.with_texts(models.texts);
            if !models.texts.is_asked() {
                tracing::warn!(%version, "`search.encoder` is not asked: the version has no vectors of its length; \
                    write them with `mercer embed`, name them in `models.vectors`, and train");
            }
        }
        let models = Arc::new(models);
        if decoded.len() >= KEPT_DECODED {
            decoded.remove(0);
        }
        decoded.push((version.clone(), Arc::clone(&models)));
        Ok(models)
    }
}

fn decode(registry: &Registry, version: &ModelVersion, catalog: &Catalog) -> Result<Models, Error> {
    let broken = |reason| Error::Model { version: version.clone(), reason };
    let manifest = registry.manifest(version).map_err(|error| broken(error.to_string()))?;
    let file = |name: &str| match manifest.files.contains_key(name) {
        true => registry.load(version, name).map(Some).map_err(|error| error.to_string()),
        false => Ok(None),
    };
    Ok(Models { version: Some(version.clone()), ..read_models(catalog, file).map_err(broken)? })
}

/// The models of a version that the log names, or a word in the log that they cannot be read.
pub(crate) fn load_or_tell(models: &dyn ModelSource, version: &ModelVersion, catalog: &Catalog) -> Option<Arc<Models>> {
    let tell = |error: &Error| {
        if !models.has(version) {
            // Old ones are removed; who misses it is told by what needs it.
            return tracing::info!(%version, "a model version that the log names is not in the registry any more");
        }
        // What serves instead is not known here: only the cause is told.
        let cause = match error {
            Error::Model { reason, .. } => reason.clone(),
            other => other.to_string(),
        };
        tracing::error!(%version, cause, "a model version that the log names cannot be loaded");
    };
    models.load(version, catalog).inspect_err(tell).ok()
}

/// At a start: says what serves when it is not the champion of the log, and what to do.
pub(crate) fn tell_of_unreadable(snapshot: &Snapshot) {
    if let Some(text) = unreadable(snapshot) {
        tracing::error!("{text}");
    }
}

/// What is said of a champion whose files cannot be read; none when it serves.
pub(crate) fn unreadable(snapshot: &Snapshot) -> Option<String> {
    let serving = snapshot.world.models.version.as_ref();
    let champion = snapshot.stages.champion.as_ref().filter(|champion| serving != Some(champion))?;
    let serves = serving.map_or_else(
        || "No earlier champion can be read either: nothing trained serves".to_owned(),
        |version| format!("Version {version}, a champion before it, serves instead"),
    );
    Some(format!(
        "Version {champion} is the champion, but its files cannot be read. {serves}. Train again, promote another version, or put its files back and restart."
    ))
}

/// The log says which version serves; after a crash between the two, the registry's alias is put right.
pub(crate) fn name_champion(registry: &Registry, snapshot: &Snapshot) {
    let Some(serving) = &snapshot.world.models.version else { return };
    let is_named = registry.alias(Alias::Champion).is_ok_and(|named| named.as_ref() == Some(serving));
    if !is_named && let Err(error) = registry.set_alias(Alias::Champion, serving) {
        tracing::warn!(version = %serving, %error, "the registry does not name the champion that serves");
    }
}

/// A version in the registry as people see it.
#[derive(Debug, Clone)]
pub struct ModelCard {
    pub manifest: Manifest,
    pub is_champion: bool,
    pub is_candidate: bool,
    /// It answers this share of the customers.
    pub canary_share: Option<f64>,
}

/// All versions, newest first.
pub(crate) fn cards(registry: &Registry, snapshot: &Snapshot) -> Result<Vec<ModelCard>, Error> {
    let (champion, candidate) = (registry.alias(Alias::Champion)?, registry.alias(Alias::Candidate)?);
    let canary = snapshot.stages.canary.as_ref();
    let card = |manifest: Manifest| ModelCard {
        is_champion: champion.as_ref() == Some(&manifest.version),
        is_candidate: candidate.as_ref() == Some(&manifest.version),
        canary_share: canary.filter(|stage| stage.version == manifest.version).map(|stage| stage.share),
        manifest,
    };
    Ok(registry.list()?.into_iter().map(card).collect())
}
