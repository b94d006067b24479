//! The log as Parquet, for training, for export and for any tool that reads Parquet.
//!
//! Two datasets, `events` and `lines`, in files that never change and are named by the positions they cover. A file
//! comes into being by a rename, so it is whole or not there. The lake holds nothing that is not in the log: what is
//! missing or left by a crash is dropped and written again.

mod actions;
mod columns;
mod files;
mod read;
#[cfg(feature = "sql")]
pub mod sql;
mod write;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, RwLock};

use mercer_schema::{Money, Position, Timestamp, Whereabouts};

pub use self::actions::LineAction;
use self::files::{Dataset, Range};
use crate::sqlite::hold;
use crate::{Error, EventLog, disk};

pub struct Lake {
    folder: PathBuf,
    /// The ranges that both datasets have, from position 1 on without a gap.
    ranges: RwLock<Vec<Range>>,
    /// Held while files are written.
    extending: Mutex<()>,
}

/// A product in an event.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LineRow<'a> {
    pub position: Position,
    /// The place in the event, from 0.
    pub line: u32,
    pub occurred_at: Timestamp,
    pub customer_id: Option<&'a str>,
    pub anonymous_id: Option<&'a str>,
    pub session: Option<&'a str>,
    /// What the client said about consent to personalization with this event, if anything.
    pub personalization: Option<bool>,
    pub whereabouts: Whereabouts,
    pub action: LineAction,
    pub product_id: &'a str,
    pub quantity: u32,
    /// Of one piece.
    pub price: Option<Money>,
    pub order_id: Option<&'a str>,
}

/// An event that ties two ids of one person together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdentityRow<'a> {
    pub position: Position,
    pub occurred_at: Timestamp,
    pub customer_id: Option<&'a str>,
    pub anonymous_id: Option<&'a str>,
    /// The other name in an alias.
    pub previous_id: Option<&'a str>,
}

impl Lake {
    /// Opens the lake in a folder, makes the folder when it is not there, and removes what a crash left. What an older
    /// Mercer wrote in another format goes, too: the log holds it, and [`extend`](Self::extend) writes it as it is now.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let mut ranges = files::settle(folder)?;
        // What a newer Mercer wrote must not be merged away.
        for range in files::growing(&ranges) {
            for dataset in Dataset::ALL {
                read::LakeFile::refuse_newer(&dataset.path(folder, *range))?;
            }
        }
        let is_older = |range: &Range| read::LakeFile::is_older(&Dataset::Lines.path(folder, *range));
        if let Some(first) = ranges.iter().position(is_older) {
            remove(folder, &ranges.split_off(first))?;
        }
        Ok(Self { folder: folder.to_path_buf(), ranges: RwLock::new(ranges), extending: Mutex::new(()) })
    }

    /// Drops what goes beyond a position; true when there was something. For a log that was put back to an earlier
    /// state: what the lake has beyond its end never happened.
    pub fn forget_after(&self, last: Position) -> Result<bool, Error> {
        let _extending = hold(&self.extending);
        let mut ranges = self.ranges.write().unwrap_or_else(PoisonError::into_inner);
        let dropped: Vec<Range> = ranges.extract_if(.., |known| known.last > last.0).collect();
        remove(&self.folder, &dropped)?;
        Ok(!dropped.is_empty())
    }

    /// Reads every file to its end; the error names the first that is broken or newer.
    pub fn verify(&self) -> Result<(), Error> {
        self.lines(Position(0), |_| {})?;
        self.identities(Position(0), |_| {})?;
        Ok(())
    }

    /// Everything in the log up to here is in the lake.
    pub fn events_upto(&self) -> Position {
        Position(self.ranges().last().map_or(0, |range| range.last))
    }

    /// Writes what the log has beyond the lake; returns the new [`events_upto`](Self::events_upto). May be called
    /// often: small files at the end are merged as they come to weigh as much as the next one.
    pub fn extend(&self, log: &dyn EventLog) -> Result<Position, Error> {
        let _extending = hold(&self.extending);
        let (head, upto) = (log.head()?, self.events_upto());
        if upto > head {
            return Err(Error::LakeAhead { path: self.folder.clone(), lake: upto, log: head });
        }
        for range in files::plan(&self.ranges(), head.0) {
            write::write_range(&self.folder, range, log)?;
            self.adopt(range)?;
        }
        Ok(self.events_upto())
    }

    /// Gives every product line after a position to `visit`, in log order; returns how far it came.
    pub fn lines(&self, after: Position, mut visit: impl FnMut(&LineRow<'_>)) -> Result<Position, Error> {
        self.each_file(Dataset::Lines, after, |file, after| read::lines(file, after, &mut visit))
    }

    /// Gives every event after a position that names one person by two ids to `visit`, in log order; returns how far
    /// it came.
    pub fn identities(&self, after: Position, mut visit: impl FnMut(&IdentityRow<'_>)) -> Result<Position, Error> {
        self.each_file(Dataset::Events, after, |file, after| read::identities(file, after, &mut visit))
    }

    /// The files of both datasets, for tools that read Parquet themselves.
    pub fn files(&self) -> Vec<PathBuf> {
        let ranges = self.ranges();
        let of = |dataset: Dataset| ranges.iter().map(move |range| dataset.path(&self.folder, *range));
        of(Dataset::Events).chain(of(Dataset::Lines)).collect()
    }

    fn each_file(
        &self,
        dataset: Dataset,
        after: Position,
        mut work: impl FnMut(read::LakeFile, Position) -> Result<(), Error>,
    ) -> Result<Position, Error> {
        let mut done = after;
        while let Some((file, last)) = self.open_next(dataset, done)? {
            work(file, done)?;
            done = last;
        }
        Ok(done)
    }

    /// Opens the file that goes on after a position. Once open, a merge may remove its name and not its content.
    fn open_next(&self, dataset: Dataset, after: Position) -> Result<Option<(read::LakeFile, Position)>, Error> {
        let ranges = self.ranges.read().unwrap_or_else(PoisonError::into_inner);
        let Some(range) = ranges.iter().find(|range| range.last > after.0) else { return Ok(None) };
        let file = read::LakeFile::open(&dataset.path(&self.folder, *range))?;
        Ok(Some((file, Position(range.last))))
    }

    /// Counts a finished range in, and removes the files that it replaces.
    fn adopt(&self, range: Range) -> Result<(), Error> {
        let mut ranges = self.ranges.write().unwrap_or_else(PoisonError::into_inner);
        let replaced: Vec<Range> = ranges.extract_if(.., |known| range.contains(*known)).collect();
        ranges.push(range);
        remove(&self.folder, &replaced)
    }

    fn ranges(&self) -> Vec<Range> {
        self.ranges.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn remove(folder: &Path, ranges: &[Range]) -> Result<(), Error> {
    for range in ranges {
        for dataset in Dataset::ALL {
            disk::remove_file(&dataset.path(folder, *range))?;
        }
    }
    Ok(())
}

impl std::fmt::Debug for Lake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lake").field("folder", &self.folder).field("upto", &self.events_upto()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
