//! Files with bytes changed anywhere: what is read is what was written, or an error names the file; never a panic.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use mercer_schema::Position;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::conformance::sample;
use crate::registry::tests::model;
use crate::{
    Alias, DataFolder, Error, EventLog, Lake, MemoryLog, Registry, Scan, SqliteLog, SqliteTables, Tables, Write,
};

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
        for (at, cut, inserted) in self.0.iter() {
            if bytes.is_empty() {
                break;
            }
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

/// Files as they lie on the disk, made once: syncing them again for every case would take most of the time.
struct Whole {
    records: Vec<mercer_schema::Record>,
    /// After a clean stop.
    log: Vec<u8>,
    /// After a crash: the file and its write-ahead log.
    crashed: [Vec<u8>; 2],
    tables: Vec<u8>,
    lake: [Vec<u8>; 2],
    registry: BTreeMap<&'static str, Vec<u8>>,
}

const LAKE: [&str; 2] = ["events/000000000001-000000000060.parquet", "lines/000000000001-000000000060.parquet"];
const REGISTRY: [&str; 4] = ["000001/manifest.json", "aliases.json", "000001/a.model", "000001/b.model"];

fn entry(number: u8) -> Vec<u8> {
    vec![number; 40 * usize::from(number)]
}

static WHOLE: LazyLock<Whole> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let bytes = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    let log = SqliteLog::create(&folder.path().join("log.db")).unwrap();
    for batch in 0..10 {
        log.append(&(10 * batch..10 * batch + 10).map(sample::viewed).collect::<Vec<_>>()).unwrap();
    }
    let records = log.read(Position(0), usize::MAX).unwrap();
    let crashed = [bytes("log.db"), bytes("log.db-wal")];
    drop(log);
    {
        let tables = SqliteTables::create(&folder.path().join("tables.db")).unwrap();
        tables.write(&(0..60).map(|number| Write::put("t", [number], entry(number))).collect::<Vec<_>>()).unwrap();
    }
    let orders = MemoryLog::default();
    orders.append(&(0..60).map(sample::ordered).collect::<Vec<_>>()).unwrap();
    Lake::open(&folder.path().join("lake")).unwrap().extend(&orders).unwrap();
    let registry = Registry::open(&folder.path().join("models")).unwrap();
    let version = registry.create(model(b"one")).unwrap().version;
    registry.set_alias(Alias::Champion, &version).unwrap();
    Whole {
        records,
        log: bytes("log.db"),
        crashed,
        tables: bytes("tables.db"),
        lake: LAKE.map(|name| bytes(&format!("lake/{name}"))),
        registry: REGISTRY.iter().map(|name| (*name, bytes(&format!("models/{name}")))).collect(),
    }
});

fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 4))]

    /// No record is ever handed out that is not the one that was written at its position.
    #[test]
    fn a_log_that_rots_gives_the_truth_or_an_error(rot in any_rot()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.db");
        let written = &WHOLE.records;
        write(&path, &rot.applied(&WHOLE.log));
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
        write(&path, &rot.applied(&WHOLE.tables));
        let tables = match SqliteTables::open(&path) {
            Ok(tables) => tables,
            Err(error) => return names(&error, "tables.db"),
        };
        match tables.scan("t", Scan::all(), 99) {
            Ok(entries) => {
                prop_assert!(entries.iter().all(|(key, found)| *found == entry(key[0])));
                prop_assert!(entries.is_sorted(), "out of order");
            }
            Err(error) => names(&error, "tables.db")?,
        }
        for number in 0..60 {
            match tables.get("t", &[number]) {
                Ok(found) => prop_assert!(found.is_none_or(|found| found == entry(number))),
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
        write(&path, &WHOLE.crashed[0]);
        write(&folder.path().join("log.db-wal"), &damage.applied(&WHOLE.crashed[1]));
        match SqliteLog::open(&path) {
            Ok(log) => {
                log.verify(|_| {}).unwrap();
                let read = log.read(Position(0), usize::MAX).unwrap();
                prop_assert_eq!(read.len() % 10, 0, "a batch is there in part");
                prop_assert_eq!(&WHOLE.records[..read.len()], &read[..]);
            }
            Err(error) => names(&error, "log.db")?,
        }
    }

    #[test]
    fn a_damaged_lake_is_named(damage in prop_oneof![any_rot(), any_damage()], is_lines in any::<bool>()) {
        let folder = tempfile::tempdir().unwrap();
        for (place, name) in LAKE.iter().enumerate() {
            let bytes = &WHOLE.lake[place];
            let is_hit = is_lines == name.starts_with("lines");
            write(&folder.path().join(name), &if is_hit { damage.applied(bytes) } else { bytes.clone() });
        }
        if let Err(error) = Lake::open(folder.path()).and_then(|lake| lake.verify()) {
            names(&error, "000000000001-000000000060.parquet")?;
        }
    }

    #[test]
    fn damaged_manifests_and_aliases_are_named(damage in any_damage(), which in 0_usize..4) {
        let folder = tempfile::tempdir().unwrap();
        let name = REGISTRY[which];
        for (file, bytes) in &WHOLE.registry {
            let is_hit = *file == name;
            write(&folder.path().join(file), &if is_hit { damage.applied(bytes) } else { bytes.clone() });
        }
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
        let next = registry.create(model(b"two")).unwrap();
        prop_assert_eq!(next.version.as_str(), "000002");
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
