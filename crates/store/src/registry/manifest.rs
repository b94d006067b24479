//! What is written beside a model: where it comes from, how good it was, and the checksums of its files.
//!
//! The format number is looked at before anything else, so a newer manifest is told from a broken one.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use mercer_schema::{ModelVersion, Position, Properties, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Alias, Gate, Lineage, MODEL_ADVICE, NewModel};
use crate::{Error, disk};

const FORMAT: u32 = 1;
pub(super) const MANIFEST: &str = "manifest.json";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    pub format: u32,
    pub version: ModelVersion,
    pub created_at: Timestamp,
    /// The Mercer that trained it.
    pub code_version: String,
    pub settings: serde_json::Value,
    pub data: DataRange,
    pub metrics: Properties,
    /// Empty in a version of an older Mercer.
    #[serde(default)]
    pub lineage: Lineage,
    #[serde(default)]
    pub gate: Gate,
    pub files: BTreeMap<String, FileEntry>,
}

/// The records that a model learned from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataRange {
    pub first: Position,
    pub last: Position,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    pub bytes: u64,
    /// In hexadecimal.
    pub sha256: String,
}

impl Manifest {
    pub(super) fn new(version: ModelVersion, model: NewModel) -> Self {
        let entry = |bytes: &Vec<u8>| FileEntry { bytes: bytes.len() as u64, sha256: sha256(bytes) };
        Self {
            format: FORMAT,
            version,
            created_at: model.created_at,
            code_version: model.code_version,
            settings: model.settings,
            data: model.data,
            metrics: model.metrics,
            lineage: model.lineage,
            gate: model.gate,
            files: model.files.iter().map(|(name, bytes)| (name.clone(), entry(bytes))).collect(),
        }
    }

    pub(super) fn to_json(&self, folder: &Path) -> Result<Vec<u8>, Error> {
        serde_json::to_vec_pretty(self).map_err(|error| damaged(&folder.join(MANIFEST), error.to_string()))
    }
}

/// Reads and checks the manifest in a version's folder.
pub(super) fn read_manifest(folder: &Path) -> Result<Manifest, Error> {
    let path = folder.join(MANIFEST);
    let bytes = disk::read_if_there(&path)?.ok_or_else(|| damaged(&path, "it is missing".into()))?;
    check_format(&path, &bytes, MODEL_ADVICE)?;
    let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|error| damaged(&path, error.to_string()))?;
    if folder.file_name().is_none_or(|name| *name != *manifest.version.as_str()) {
        return Err(damaged(&path, format!("it is that of version {}", manifest.version)));
    }
    Ok(manifest)
}

/// The log says which version serves; the aliases are what training compares with.
const ALIASES_ADVICE: &str = "A start sets it aside as aliases.json.damaged and names the champion anew from the log; no \
                              version is touched";

#[derive(Debug, Serialize, Deserialize)]
struct AliasFile {
    format: u32,
    aliases: BTreeMap<Alias, ModelVersion>,
}

/// The aliases; none when the file is not there yet.
pub(super) fn read_aliases(path: &Path) -> Result<BTreeMap<Alias, ModelVersion>, Error> {
    let Some(bytes) = disk::read_if_there(path)? else { return Ok(BTreeMap::new()) };
    check_format(path, &bytes, ALIASES_ADVICE)?;
    let file: AliasFile = serde_json::from_slice(&bytes).map_err(|error| Error::Damaged {
        path: path.to_path_buf(),
        problem: error.to_string(),
        advice: ALIASES_ADVICE,
    })?;
    Ok(file.aliases)
}

pub(super) fn aliases_to_json(aliases: &BTreeMap<Alias, ModelVersion>, path: &Path) -> Result<Vec<u8>, Error> {
    let file = AliasFile { format: FORMAT, aliases: aliases.clone() };
    serde_json::to_vec_pretty(&file).map_err(|error| damaged(path, error.to_string()))
}

fn check_format(path: &Path, bytes: &[u8], advice: &'static str) -> Result<(), Error> {
    #[derive(Deserialize)]
    struct Head {
        format: u32,
    }
    match serde_json::from_slice::<Head>(bytes) {
        Ok(Head { format }) if format > FORMAT => {
            Err(Error::Newer { path: path.to_path_buf(), found: format.into(), known: FORMAT.into() })
        }
        Ok(_) => Ok(()),
        Err(error) => Err(Error::Damaged { path: path.to_path_buf(), problem: error.to_string(), advice }),
    }
}

fn damaged(path: &Path, problem: String) -> Error {
    Error::Damaged { path: path.to_path_buf(), problem, advice: MODEL_ADVICE }
}

pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
