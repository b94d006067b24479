//! Which files there are, and which to write next. File names are all that is known of them here.
//!
//! The positions are cut into blocks of [`BLOCK`] records. A full block is one file. The files of the last, growing
//! block at least halve in size from one to the next, so there are at most 17 of them.

use std::path::{Path, PathBuf};

use crate::{Error, disk};

/// Most positions that a file covers.
pub(super) const BLOCK: u64 = 100_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dataset {
    Events,
    Lines,
}

impl Dataset {
    pub(super) const ALL: [Self; 2] = [Self::Events, Self::Lines];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Lines => "lines",
        }
    }

    pub(super) fn folder(self, lake: &Path) -> PathBuf {
        lake.join(self.name())
    }

    pub(super) fn path(self, lake: &Path, range: Range) -> PathBuf {
        self.folder(lake).join(range.file_name())
    }
}

/// Positions from `first` to `last`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) first: u64,
    pub(super) last: u64,
}

impl Range {
    pub(super) const fn contains(self, other: Self) -> bool {
        self.first <= other.first && other.last <= self.last
    }

    const fn len(self) -> u64 {
        self.last - self.first + 1
    }

    fn file_name(self) -> String {
        format!("{:012}-{:012}.parquet", self.first, self.last)
    }

    fn from_file_name(name: &str) -> Option<Self> {
        let (first, last) = name.strip_suffix(".parquet")?.split_once('-')?;
        let range = Self { first: first.parse().ok()?, last: last.parse().ok()? };
        (1 <= range.first && range.first <= range.last && range.file_name() == name).then_some(range)
    }
}

/// The ranges at the end that a later one may replace.
pub(super) fn growing(known: &[Range]) -> &[Range] {
    let block_first = known.last().map_or(1, |last| (last.last - 1) / BLOCK * BLOCK + 1);
    known.get(known.partition_point(|range| range.first < block_first)..).unwrap_or_default()
}

/// The ranges to write, so that the lake reaches `head`. A range may replace `known` ones at the end.
pub(super) fn plan(known: &[Range], head: u64) -> Vec<Range> {
    let mut planned = Vec::new();
    let mut next = known.last().map_or(1, |range| range.last + 1);
    while next <= head {
        let block_first = (next - 1) / BLOCK * BLOCK + 1;
        let block_last = block_first + BLOCK - 1;
        let last = block_last.min(head);
        let mut range = Range { first: next, last };
        for before in known.iter().rev().take_while(|before| before.first >= block_first) {
            if last == block_last || before.len() < 2 * range.len() {
                range.first = before.first;
            } else {
                break;
            }
        }
        planned.push(range);
        next = last + 1;
    }
    planned
}

/// Removes what a crash left behind and returns the ranges that both datasets have, without a gap from 1 on.
pub(super) fn settle(lake: &Path) -> Result<Vec<Range>, Error> {
    let [events, lines] = Dataset::ALL.map(|dataset| ranges_in(&dataset.folder(lake)));
    let (events, lines) = (events?, lines?);
    let mut whole: Vec<Range> = Vec::new();
    let mut in_order: Vec<Range> = events.iter().copied().filter(|range| lines.contains(range)).collect();
    // The widest first: those inside it were merged into it.
    in_order.sort_unstable_by_key(|range| (range.first, std::cmp::Reverse(range.last)));
    for range in in_order {
        if range.first == whole.last().map_or(1, |before| before.last + 1) {
            whole.push(range);
        }
    }
    for (dataset, ranges) in Dataset::ALL.into_iter().zip([events, lines]) {
        for range in ranges.into_iter().filter(|range| !whole.contains(range)) {
            disk::remove_file(&dataset.path(lake, range))?;
        }
    }
    Ok(whole)
}

fn ranges_in(folder: &Path) -> Result<Vec<Range>, Error> {
    disk::create_folder(folder)?;
    disk::remove_unfinished(folder)?;
    Ok(disk::names(folder)?.iter().filter_map(|name| Range::from_file_name(name)).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What `Lake::adopt` does, without files.
    fn grow(known: &mut Vec<Range>, head: u64) {
        for range in plan(known, head) {
            known.retain(|old| !range.contains(*old));
            known.push(range);
        }
    }

    proptest! {
        #[test]
        fn files_stay_gapless_bounded_and_few(steps in prop::collection::vec(prop_oneof![
            1_u64..50, 500_u64..5_000, Just(BLOCK), BLOCK / 2..3 * BLOCK
        ], 1..200)) {
            let (mut known, mut head) = (Vec::new(), 0);
            for step in steps {
                head += step;
                grow(&mut known, head);
                let mut next = 1;
                for range in &known {
                    prop_assert_eq!(range.first, next);
                    prop_assert!(range.len() <= BLOCK && (range.first - 1) / BLOCK == (range.last - 1) / BLOCK);
                    next = range.last + 1;
                }
                prop_assert_eq!(next, head + 1);
                let full_blocks = (head / BLOCK) as usize;
                prop_assert!(known.len() <= full_blocks + 17, "{} files for {head}", known.len());
            }
        }
    }

    #[test]
    fn one_by_one_writes_each_record_only_a_few_times() {
        let (mut known, mut written) = (Vec::new(), 0);
        for head in 1..=BLOCK {
            written += plan(&known, head).iter().map(|range| range.len()).sum::<u64>();
            grow(&mut known, head);
        }
        assert_eq!(known, [Range { first: 1, last: BLOCK }]);
        assert!(written < 20 * BLOCK, "{written}");
    }

    #[test]
    fn a_name_is_a_range_only_as_it_would_be_written() {
        let range = Range { first: 1, last: 100_000 };
        assert_eq!(Range::from_file_name(&range.file_name()), Some(range));
        for name in ["1-2.parquet", "000000000002-000000000001.parquet", "000000000000-000000000001.parquet", "x"] {
            assert_eq!(Range::from_file_name(name), None, "{name}");
        }
    }

    #[test]
    fn settling_drops_the_unpaired_the_merged_and_what_follows_a_gap() {
        let lake = tempfile::tempdir().unwrap();
        let touch = |dataset: Dataset, first, last| {
            disk::create_folder(&dataset.folder(lake.path())).unwrap();
            let path = dataset.path(lake.path(), Range { first, last });
            disk::write_new(&path, b"").unwrap();
            path
        };
        let gone = [
            touch(Dataset::Events, 1, 10),
            touch(Dataset::Lines, 1, 10),
            touch(Dataset::Lines, 16, 20),
            touch(Dataset::Events, 26, 30),
            touch(Dataset::Lines, 26, 30),
        ];
        let kept = [touch(Dataset::Events, 1, 15), touch(Dataset::Lines, 1, 15)];
        let theirs = Dataset::Events.folder(lake.path()).join("notes.txt");
        disk::write_new(&theirs, b"").unwrap();
        assert_eq!(settle(lake.path()).unwrap(), [Range { first: 1, last: 15 }]);
        assert!(gone.iter().all(|path| !path.exists()));
        assert!(kept.iter().chain([&theirs]).all(|path| path.exists()));
    }
}
