//! Files with bytes changed anywhere: what is read is what was written, or an error names the file; never a panic.

use std::path::Path;

use mercer_schema::Position;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::conformance::sample;
use crate::registry::tests::model;
use crate::{Alias, DataFolder, Error, EventLog, Lake, Registry, Scan, SqliteLog, SqliteTables, Tables, Write};

/// Bytes set, cut out and put in.
#[derive(Debug, Clone)]
struct Damage(Vec<(Index, u8, Vec<u8>)>);

fn any_damage() -> impl Strategy<Value = Damage> {
    let inserted = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..9),
        prop::sample::select(vec![
            vec![0xff; 4],
            vec![0; 512],
            b"99999999999999999999".to_vec(),
            b"{\"a\":[".repeat(200)
        ]),
    ];
    prop::collection::vec((any::<Index>(), 0_u8..9, inserted), 1..4).prop_map(Damage)
}

/// Bytes set in place: the file keeps its length, as a failing disk leaves it.
fn any_rot() -> impl Strategy<Value = Damage> {
    let change = (any::<Index>(), prop_oneof![any::<u8>().prop_map(|byte| vec![byte]), Just(vec![0; 600])])
        .prop_map(|(at, bytes)| (at, bytes.len().min(255) as u8, bytes));
    prop::collection::vec(change, 1..4).prop_map(Damage)
}

impl Damage {
    fn applied(&self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for (at, cut, inserted) in self.0.iter().filter(|_| !bytes.is_empty()) {
            let at = at.index(bytes.len());
            let end = (at + usize::from(*cut)).min(bytes.len());
            bytes.splice(at..end, inserted.iter().copied());
        }
        bytes
    }
}

/// The error says where.
fn names(error: &Error, file: &str) -> Result<(), TestCaseError> {
    prop_assert!(error.to_string().contains(file), "{error}");
    Ok(())
}

fn make_log(path: &Path) -> Vec<mercer_schema::Record> {
    let log = SqliteLog::create(path).unwrap();
    for batch in 0..10 {
        log.append(&(10 * batch..10 * batch + 10).map(sample::viewed).collect::<Vec<_>>()).unwrap();
    }
    log.read(Position(0), usize::MAX).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 4))]

    /// No record is ever handed out that is not the one that was written at its position.
    #[test]
    fn a_log_that_rots_gives_the_truth_or_an_error(rot in any_rot()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.db");
        let written = make_log(&path);
        std::fs::write(&path, rot.applied(&std::fs::read(&path).unwrap())).unwrap();
        let log = match SqliteLog::open(&path) {
            Ok(log) => log,
            Err(error) => return names(&error, "log.db"),
        };
        for position in (0..100).step_by(7) {
            match log.read(Position(position), 3) {
                Ok(records) => prop_assert!(
                    records.iter().all(|record| *record == written[record.position.0 as usize - 1]), "a changed record"
                ),
                Err(error) => names(&error, "log.db")?,
            }
            match log.find(sample::key(position)) {
                Ok(record) => prop_assert!(record.is_none_or(|record| record == written[record.position.0 as usize - 1])),
                Err(error) => names(&error, "log.db")?,
            }
        }
        if let Err(error) = log.verify(|_| {}) {
            names(&error, "log.db")?;
        }
        let _ = log.append(&[sample::viewed(500)]);
        let _ = log.expire_keys(sample::recorded_at(50));
    }

    #[test]
    fn tables_that_rot_give_the_truth_or_an_error(rot in any_rot()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tables.db");
        let value = |number: u8| vec![number; 40 * usize::from(number)];
        {
            let tables = SqliteTables::create(&path).unwrap();
            let writes = (0..60_u8).map(|number| Write::put("t", [number], value(number)));
            tables.write(&writes.collect::<Vec<_>>()).unwrap();
        }
        std::fs::write(&path, rot.applied(&std::fs::read(&path).unwrap())).unwrap();
        let tables = match SqliteTables::open(&path) {
            Ok(tables) => tables,
            Err(error) => return names(&error, "tables.db"),
        };
        match tables.scan("t", Scan::all(), 99) {
            Ok(entries) => prop_assert!(entries.iter().all(|(key, found)| *found == value(key[0]))),
            Err(error) => names(&error, "tables.db")?,
        }
        for number in 0..60 {
            match tables.get("t", &[number]) {
                Ok(found) => prop_assert!(found.is_none_or(|found| found == value(number))),
                Err(error) => names(&error, "tables.db")?,
            }
        }
        if let Err(error) = tables.verify() {
            names(&error, "tables.db")?;
        }
        let _ = tables.write(&[Write::clear("t")]);
    }

    /// A damaged write-ahead log costs its tail, never its middle.
    #[test]
    fn a_wal_that_rots_gives_a_beginning_of_what_was_written(damage in prop_oneof![any_rot(), any_damage()]) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.db");
        let crashed = tempfile::tempdir().unwrap();
        let copy = crashed.path().join("log.db");
        let log = SqliteLog::create(&path).unwrap();
        for batch in 0..10 {
            log.append(&(10 * batch..10 * batch + 10).map(sample::viewed).collect::<Vec<_>>()).unwrap();
        }
        let written = log.read(Position(0), usize::MAX).unwrap();
        std::fs::copy(&path, &copy).unwrap();
        let wal = std::fs::read(folder.path().join("log.db-wal")).unwrap();
        std::fs::write(crashed.path().join("log.db-wal"), damage.applied(&wal)).unwrap();
        match SqliteLog::open(&copy) {
            Ok(log) => {
                log.verify(|_| {}).unwrap();
                let read = log.read(Position(0), usize::MAX).unwrap();
                prop_assert_eq!(read.len() % 10, 0, "a batch is there in part");
                prop_assert_eq!(&written[..read.len()], &read[..]);
            }
            Err(error) => names(&error, "log.db")?,
        }
    }

    #[test]
    fn a_damaged_lake_is_named(damage in prop_oneof![any_rot(), any_damage()], is_lines in any::<bool>()) {
        thread_local!(static LAKE: (tempfile::TempDir, crate::MemoryLog) = {
            let (folder, log) = (tempfile::tempdir().unwrap(), crate::MemoryLog::default());
            log.append(&(0..60).map(sample::ordered).collect::<Vec<_>>()).unwrap();
            Lake::open(folder.path()).unwrap().extend(&log).unwrap();
            (folder, log)
        });
        LAKE.with(|(whole, _)| {
            let folder = tempfile::tempdir().unwrap();
            for dataset in ["events", "lines"] {
                std::fs::create_dir(folder.path().join(dataset)).unwrap();
                let name = format!("{dataset}/000000000001-000000000060.parquet");
                let bytes = std::fs::read(whole.path().join(&name)).unwrap();
                let is_hit = is_lines == (dataset == "lines");
                std::fs::write(folder.path().join(&name), if is_hit { damage.applied(&bytes) } else { bytes }).unwrap();
            }
            match Lake::open(folder.path()) {
                Ok(lake) => if let Err(error) = lake.verify() {
                    names(&error, "000000000001-000000000060.parquet")?;
                },
                Err(error) => names(&error, "000000000001-000000000060.parquet")?,
            }
            Ok(())
        })?;
    }

    #[test]
    fn damaged_manifests_and_aliases_are_named(damage in any_damage(), which in 0_usize..3) {
        let folder = tempfile::tempdir().unwrap();
        {
            let registry = Registry::open(folder.path()).unwrap();
            let version = registry.create(model(b"one")).unwrap().version;
            registry.set_alias(Alias::Champion, &version).unwrap();
        }
        let name = ["000001/manifest.json", "aliases.json", "000001/a.model"][which];
        let path = folder.path().join(name);
        std::fs::write(&path, damage.applied(&std::fs::read(&path).unwrap())).unwrap();
        let registry = match Registry::open(folder.path()) {
            Ok(registry) => registry,
            Err(error) => return names(&error, name),
        };
        for problem in registry.verify().unwrap() {
            prop_assert!(problem.to_string().contains("000001"), "{problem}");
        }
        if let Some(champion) = registry.alias(Alias::Champion).unwrap() {
            match registry.load(&champion, "a.model") {
                Ok(bytes) => prop_assert_eq!(bytes, b"one"),
                Err(error) => prop_assert!(!error.to_string().is_empty()),
            }
        }
        registry.list().unwrap();
        prop_assert_eq!(registry.create(model(b"two")).unwrap().version.as_str(), "000002");
    }

    #[test]
    fn a_damaged_marker_is_named(damage in any_damage(), junk in prop::collection::vec(any::<u8>(), 0..60)) {
        let folder = tempfile::tempdir().unwrap();
        drop(DataFolder::open(folder.path()).unwrap());
        let path = folder.path().join("mercer.json");
        let whole = std::fs::read(&path).unwrap();
        for bytes in [damage.applied(&whole), junk] {
            std::fs::write(&path, &bytes).unwrap();
            if let Err(error) = DataFolder::open_existing(folder.path()) {
                names(&error, "mercer.json")?;
            }
        }
    }
}
