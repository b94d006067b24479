//! A training run on its way: each finished piece of work lies on the disk, so that a run that was killed goes on.
//!
//! There is one run at a time, in the folder `run` of the registry. A piece counts only when its checksum is right and
//! the run is the same: same code, same settings, same data. Anything else is cleared away.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use mercer_schema::{Position, Timestamp};
use serde::{Deserialize, Serialize};

use super::manifest::{FileEntry, sha256};
use super::{Registry, is_file_name};
use crate::{Error, disk};

const FORMAT: u32 = 1;
const RUN: &str = "run";
const NOTES: &str = "run.json";

/// What is known of a run that has not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunNotes {
    pub format: u32,
    pub started_at: Timestamp,
    /// The log is read up to here, also when the run goes on later.
    pub position: Position,
    /// Names code, settings and data: pieces of another identity are of no use.
    pub identity: String,
    pub requested_by: String,
    pub why: String,
    pub pieces: BTreeMap<String, FileEntry>,
}

impl RunNotes {
    pub fn new(started_at: Timestamp, position: Position, requested_by: String, why: String) -> Self {
        let (identity, pieces) = (String::new(), BTreeMap::new());
        Self { format: FORMAT, started_at, position, identity, requested_by, why, pieces }
    }
}

/// The run that is going on, with what it has already.
#[derive(Debug)]
pub struct TrainingRun {
    folder: PathBuf,
    notes: RunNotes,
}

impl Registry {
    /// What an interrupted run left; nothing when its notes cannot be read.
    pub fn unfinished_run(&self) -> Option<RunNotes> {
        let bytes = disk::read_if_there(&self.folder.join(RUN).join(NOTES)).ok()??;
        serde_json::from_slice(&bytes).ok().filter(|notes: &RunNotes| notes.format == FORMAT)
    }

    /// Goes on with what lies there when it is of the same identity, and begins anew otherwise.
    pub fn begin_run(&self, notes: RunNotes) -> Result<TrainingRun, Error> {
        let folder = self.folder.join(RUN);
        if let Some(left) = self.unfinished_run().filter(|left| left.identity == notes.identity) {
            return Ok(TrainingRun { folder, notes: left });
        }
        self.clear_run()?;
        disk::create_folder(&folder)?;
        let run = TrainingRun { folder, notes };
        run.write_notes()?;
        Ok(run)
    }

    /// Throws away whatever a run left.
    pub fn clear_run(&self) -> Result<(), Error> {
        let folder = self.folder.join(RUN);
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::file("remove", &folder)(error)),
            _ => Ok(()),
        }
    }
}

impl TrainingRun {
    pub const fn notes(&self) -> &RunNotes {
        &self.notes
    }

    /// A piece that was finished before; `None` also when it is damaged.
    pub fn piece(&self, name: &str) -> Option<Vec<u8>> {
        let entry = self.notes.pieces.get(name)?;
        let bytes = disk::read_if_there(&self.place(name)).ok()??;
        (bytes.len() as u64 == entry.bytes && sha256(&bytes) == entry.sha256).then_some(bytes)
    }

    /// Keeps a finished piece; it is on the disk when this returns.
    pub fn keep(&mut self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        if !is_file_name(name) || name == NOTES {
            return Err(Error::BadFileName { name: name.to_owned() });
        }
        disk::replace(&self.place(name), bytes)?;
        let entry = FileEntry { bytes: bytes.len() as u64, sha256: sha256(bytes) };
        self.notes.pieces.insert(name.to_owned(), entry);
        self.write_notes()
    }

    fn write_notes(&self) -> Result<(), Error> {
        let path = self.place(NOTES);
        let json = serde_json::to_vec_pretty(&self.notes).map_err(|error| Error::Damaged {
            path: path.clone(),
            problem: error.to_string(),
            advice: "Train again",
        })?;
        disk::replace(&path, &json)
    }

    fn place(&self, name: &str) -> PathBuf {
        Path::new(&self.folder).join(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notes(identity: &str) -> RunNotes {
        RunNotes { identity: identity.into(), ..RunNotes::new(Timestamp(1), Position(9), "ann".into(), String::new()) }
    }

    #[test]
    fn a_killed_run_goes_on_where_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::open(folder.path()).unwrap();
        assert_eq!(registry.unfinished_run(), None);
        registry.begin_run(notes("same")).unwrap().keep("a.model", b"one").unwrap();
        let registry = Registry::open(folder.path()).unwrap();
        let run = registry.begin_run(notes("same")).unwrap();
        assert_eq!((run.piece("a.model"), run.piece("b.model")), (Some(b"one".to_vec()), None));
        assert!(registry.list().unwrap().is_empty(), "a run is no version");
        registry.clear_run().unwrap();
        assert_eq!(registry.unfinished_run(), None);
    }

    #[test]
    fn pieces_of_other_data_or_code_are_thrown_away() {
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::open(folder.path()).unwrap();
        registry.begin_run(notes("one")).unwrap().keep("a.model", b"one").unwrap();
        assert_eq!(registry.begin_run(notes("two")).unwrap().piece("a.model"), None);
        assert_eq!(registry.begin_run(notes("one")).unwrap().piece("a.model"), None);
    }

    #[test]
    fn damaged_pieces_and_notes_are_as_if_they_were_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::open(folder.path()).unwrap();
        registry.begin_run(notes("one")).unwrap().keep("a.model", b"one").unwrap();
        std::fs::write(folder.path().join("run/a.model"), b"on").unwrap();
        assert_eq!(registry.begin_run(notes("one")).unwrap().piece("a.model"), None);
        for broken in ["", "{\"format\": 2}", "[]"] {
            std::fs::write(folder.path().join("run/run.json"), broken).unwrap();
            assert_eq!(registry.unfinished_run(), None, "{broken}");
            registry.begin_run(notes("one")).unwrap();
        }
    }

    #[test]
    fn a_piece_has_a_plain_name() {
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::open(folder.path()).unwrap();
        let mut run = registry.begin_run(notes("one")).unwrap();
        for name in ["../a", "run.json", "", ".a"] {
            assert!(matches!(run.keep(name, b""), Err(Error::BadFileName { .. })), "{name}");
        }
    }
}
