//! Trained models on disk: versions that never change, and aliases that say which one counts.
//!
//! A version is a folder `NNNNNN` with a manifest and files. It comes into being by one rename, so it is whole or
//! not there; a file is only handed out when its size and checksum are those of the manifest. Does not know
//! what is in the files.

mod lineage;
mod manifest;
mod run;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use mercer_schema::{ModelVersion, Properties, Timestamp};
use serde::{Deserialize, Serialize};

pub use self::lineage::{Check, Difference, FittedModel, Gate, Lineage};
pub use self::manifest::{DataRange, FileEntry, Manifest};
use self::manifest::{MANIFEST, aliases_to_json, read_aliases, read_manifest};
pub use self::run::{RunNotes, TrainingRun};
use crate::sqlite::hold;
use crate::{Error, disk};

const ALIASES: &str = "aliases.json";
/// Where aliases that cannot be read are laid, for whoever wants to know what happened.
const DAMAGED_ALIASES: &str = "aliases.json.damaged";

/// A name that points to a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Alias {
    /// The newest version that passed its evaluation, or waits for it.
    Candidate,
    /// The version that serves.
    Champion,
}

/// A version about to be created.
#[derive(Debug, Clone)]
pub struct NewModel {
    pub created_at: Timestamp,
    /// The Mercer that trained it.
    pub code_version: String,
    pub settings: serde_json::Value,
    /// The records it learned from.
    pub data: DataRange,
    pub metrics: Properties,
    pub lineage: Lineage,
    pub gate: Gate,
    pub files: BTreeMap<String, Vec<u8>>,
}

/// A version of which nothing is known but its number.
#[derive(Debug)]
pub struct DamagedVersion {
    pub version: ModelVersion,
    /// Names the file, and says what to do.
    pub cause: Error,
}

#[derive(Debug)]
pub struct Registry {
    folder: PathBuf,
    /// Held while a version is created or removed, or an alias is moved.
    changing: Mutex<()>,
    set_aside: Option<Error>,
}

impl Registry {
    /// Opens the registry in a folder, makes the folder when it is not there, and removes what a crash left. Damaged aliases
    /// are set aside: the log knows which version serves, so they keep no shop closed.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        disk::create_folder(folder)?;
        disk::remove_unfinished(folder)?;
        let aliases = folder.join(ALIASES);
        let set_aside = match read_aliases(&aliases) {
            Ok(_) => None,
            Err(damaged @ Error::Damaged { .. }) => {
                disk::rename(&aliases, &folder.join(DAMAGED_ALIASES))?;
                Some(damaged)
            }
            Err(error) => return Err(error),
        };
        Ok(Self { folder: folder.to_path_buf(), changing: Mutex::new(()), set_aside })
    }

    /// What was wrong with the aliases that were set aside when the registry was opened.
    pub const fn set_aside(&self) -> Option<&Error> {
        self.set_aside.as_ref()
    }

    /// Writes a new version under the next number. The files are on the disk before the version can be seen.
    pub fn create(&self, model: NewModel) -> Result<Manifest, Error> {
        if let Some(name) = model.files.keys().find(|name| !is_file_name(name)) {
            return Err(Error::BadFileName { name: name.clone() });
        }
        let _changing = hold(&self.changing);
        let version = self.versions()?.first().map_or(1, |newest| newest.number + 1);
        let version = ModelVersion::trusted(format!("{version:06}"));
        let finished = self.folder.join(version.as_str());
        let unfinished = disk::unfinished(&finished);
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished).map_err(Error::file("remove", &unfinished))?;
        }
        let written = write_version(&unfinished, &finished, version, model);
        if written.is_err() {
            // What cannot be finished takes no room on a full disk; the error that matters is the first.
            let _ = fs::remove_dir_all(&unfinished);
        }
        written
    }

    /// Takes a version away for good. It goes by one rename, as it came: it is whole or not there, and the next start
    /// finishes what a crash cut short.
    pub fn remove(&self, version: &ModelVersion) -> Result<(), Error> {
        let _changing = hold(&self.changing);
        let folder = self.folder_of(version)?;
        let leaving = disk::unfinished(&folder);
        if leaving.exists() {
            fs::remove_dir_all(&leaving).map_err(Error::file("remove", &leaving))?;
        }
        disk::rename(&folder, &leaving)?;
        fs::remove_dir_all(&leaving).map_err(Error::file("remove", &leaving))
    }

    /// Whether the version is there, readable or not.
    pub fn has(&self, version: &ModelVersion) -> bool {
        self.folder_of(version).is_ok()
    }

    /// The version of the highest number, readable or not.
    pub fn newest(&self) -> Result<Option<ModelVersion>, Error> {
        Ok(self.versions()?.first().map(Found::version))
    }

    /// The manifests of all versions that can be read, newest first; [`damaged`](Self::damaged) names the others.
    pub fn list(&self) -> Result<Vec<Manifest>, Error> {
        Ok(self.versions()?.iter().filter_map(|found| read_manifest(&found.folder).ok()).collect())
    }

    /// The versions whose manifest cannot be read, newest first.
    pub fn damaged(&self) -> Result<Vec<DamagedVersion>, Error> {
        let damaged = |found: &Found| {
            let cause = read_manifest(&found.folder).err()?;
            // It may have been removed since the folder was listed.
            found.folder.is_dir().then(|| DamagedVersion { version: found.version(), cause })
        };
        Ok(self.versions()?.iter().filter_map(damaged).collect())
    }

    pub fn manifest(&self, version: &ModelVersion) -> Result<Manifest, Error> {
        read_manifest(&self.folder_of(version)?)
    }

    /// The bytes of one file of a version, checked against the manifest.
    pub fn load(&self, version: &ModelVersion, name: &str) -> Result<Vec<u8>, Error> {
        let folder = self.folder_of(version)?;
        let manifest = read_manifest(&folder)?;
        let Some(entry) = manifest.files.get(name) else {
            return Err(Error::UnknownModelFile { version: version.clone(), name: name.to_owned() });
        };
        read_checked(&folder.join(name), entry)
    }

    /// Reads every file of every version; returns what is wrong with them.
    pub fn verify(&self) -> Result<Vec<Error>, Error> {
        let mut problems = Vec::new();
        for found in self.versions()? {
            match read_manifest(&found.folder) {
                Ok(manifest) => {
                    let check = |(name, entry): (&String, &FileEntry)| read_checked(&found.folder.join(name), entry);
                    problems.extend(manifest.files.iter().filter_map(|file| check(file).err()));
                }
                Err(problem) => problems.push(problem),
            }
        }
        Ok(problems)
    }

    pub fn alias(&self, alias: Alias) -> Result<Option<ModelVersion>, Error> {
        Ok(read_aliases(&self.folder.join(ALIASES))?.remove(&alias))
    }

    /// Points an alias to a version that can be read; both are durable when this returns.
    pub fn set_alias(&self, alias: Alias, version: &ModelVersion) -> Result<(), Error> {
        self.manifest(version)?;
        let path = self.folder.join(ALIASES);
        let _changing = hold(&self.changing);
        let mut aliases = read_aliases(&path)?;
        aliases.insert(alias, version.clone());
        disk::replace(&path, &aliases_to_json(&aliases, &path)?)
    }

    /// Copies all versions and aliases that are there now into a new folder.
    pub(crate) fn backup_to(&self, target: &Path) -> Result<(), Error> {
        disk::create_folder(target)?;
        let aliases = disk::read_if_there(&self.folder.join(ALIASES))?;
        for found in self.versions()? {
            let copy = target.join(found.folder.file_name().unwrap_or_default());
            match copy_version(&found.folder, &copy) {
                // It was removed meanwhile.
                Err(_) if !found.folder.exists() => {
                    fs::remove_dir_all(&copy).map_err(Error::file("remove", &copy))?;
                }
                copied => copied?,
            }
        }
        if let Some(aliases) = aliases {
            disk::write_new(&target.join(ALIASES), &aliases)?;
        }
        disk::sync_folder(target)
    }

    /// The folders with a version's name, newest first.
    fn versions(&self) -> Result<Vec<Found>, Error> {
        let number = |name: &String| number_of(name).map(|number| Found { number, folder: self.folder.join(name) });
        let mut found: Vec<Found> = disk::names(&self.folder)?.iter().filter_map(number).collect();
        found.sort_unstable_by_key(|found| std::cmp::Reverse(found.number));
        Ok(found)
    }

    /// A version may come from outside: only what looks like one becomes a path.
    fn folder_of(&self, version: &ModelVersion) -> Result<PathBuf, Error> {
        let folder = self.folder.join(version.as_str());
        match number_of(version.as_str()) {
            Some(_) if folder.is_dir() => Ok(folder),
            _ => Err(Error::UnknownModel(version.clone())),
        }
    }
}

fn copy_version(folder: &Path, copy: &Path) -> Result<(), Error> {
    disk::create_folder(copy)?;
    for name in disk::names(folder)? {
        let from = folder.join(&name);
        let bytes = fs::read(&from).map_err(Error::file("read", &from))?;
        disk::write_new(&copy.join(name), &bytes)?;
    }
    disk::sync_folder(copy)
}

fn write_version(
    unfinished: &Path,
    finished: &Path,
    version: ModelVersion,
    model: NewModel,
) -> Result<Manifest, Error> {
    disk::create_folder(unfinished)?;
    for (name, bytes) in &model.files {
        disk::write_new(&unfinished.join(name), bytes)?;
    }
    let manifest = Manifest::new(version, model);
    disk::write_new(&unfinished.join(MANIFEST), &manifest.to_json(finished)?)?;
    disk::sync_folder(unfinished)?;
    disk::rename(unfinished, finished)?;
    Ok(manifest)
}

struct Found {
    number: u64,
    folder: PathBuf,
}

impl Found {
    fn version(&self) -> ModelVersion {
        ModelVersion::trusted(format!("{:06}", self.number))
    }
}

/// The number of a version's name; `None` for any other name, also for the same number written otherwise.
fn number_of(name: &str) -> Option<u64> {
    let number = name.parse().ok()?;
    (format!("{number:06}") == name).then_some(number)
}

fn is_file_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    name.bytes().all(is_plain) && !name.is_empty() && !name.starts_with('.') && name != MANIFEST
}

fn read_checked(path: &Path, entry: &FileEntry) -> Result<Vec<u8>, Error> {
    let damaged = |problem| Error::Damaged { path: path.to_path_buf(), problem, advice: MODEL_ADVICE };
    let bytes = disk::read_if_there(path)?.ok_or_else(|| damaged("it is missing".into()))?;
    if bytes.len() as u64 != entry.bytes {
        return Err(damaged(format!("it has {} bytes instead of {}", bytes.len(), entry.bytes)));
    }
    if manifest::sha256(&bytes) != entry.sha256 {
        return Err(damaged("its checksum is not the one in the manifest".into()));
    }
    Ok(bytes)
}

/// A model can be trained again, unlike anything in the log.
const MODEL_ADVICE: &str = "Train a new version with `mercer train`, promote another one, or restore it from a backup";

#[cfg(test)]
pub(crate) mod tests;
