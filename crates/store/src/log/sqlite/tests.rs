//! The log on disk: against the one in memory, with files changed under it, full, and while it is copied.

use proptest::prelude::*;

use super::*;
use crate::MemoryLog;
use crate::conformance::sample;

fn views(numbers: std::ops::Range<u64>) -> Vec<Draft> {
    numbers.map(sample::viewed).collect()
}

#[test]
fn conforms() {
    let folder = tempfile::tempdir().unwrap();
    let mut made = 0;
    crate::conformance::event_log(|| {
        made += 1;
        SqliteLog::create(&folder.path().join(format!("{made}.db"))).unwrap()
    });
}

#[derive(Debug, Clone)]
enum Step {
    Append(Vec<(u64, u8)>),
    Expire(u64),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => prop::collection::vec((0_u64..60, 0_u8..3), 0..12).prop_map(Step::Append),
        1 => (0_u64..60).prop_map(Step::Expire),
        1 => Just(Step::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 6))]
    #[test]
    fn does_what_the_one_in_memory_does(steps in prop::collection::vec(step(), 1..40)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.db");
        let (mut log, memory) = (SqliteLog::create(&path).unwrap(), MemoryLog::default());
        for step in steps {
            match step {
                Step::Append(numbers) => {
                    let make = |(number, kind): (u64, u8)| match kind {
                        0 => sample::viewed(number),
                        1 => sample::decided(number),
                        _ => sample::removed(number),
                    };
                    let drafts: Vec<Draft> = numbers.into_iter().map(make).collect();
                    prop_assert_eq!(log.append(&drafts).unwrap(), memory.append(&drafts).unwrap());
                }
                Step::Expire(number) => {
                    let before = sample::recorded_at(number);
                    prop_assert_eq!(log.expire_keys(before).unwrap(), memory.expire_keys(before).unwrap());
                }
                Step::Reopen => {
                    drop(log);
                    log = SqliteLog::open(&path).unwrap();
                }
            }
        }
        prop_assert_eq!(log.read(Position(0), 999).unwrap(), memory.read(Position(0), 999).unwrap());
        for number in 0..60 {
            prop_assert_eq!(log.find(sample::key(number)).unwrap(), memory.find(sample::key(number)).unwrap());
        }
        log.verify(|_| {}).unwrap();
    }
}

#[test]
fn expires_more_keys_than_one_transaction_takes() {
    let folder = tempfile::tempdir().unwrap();
    let log = SqliteLog::create(&folder.path().join("log.db")).unwrap();
    let count = 2 * REMOVED_AT_ONCE as u64 + 7;
    log.append(&views(0..count)).unwrap();
    assert_eq!(log.expire_keys(sample::recorded_at(count)).unwrap(), count);
    assert_eq!(log.expire_keys(sample::recorded_at(count)).unwrap(), 0);
}

#[test]
fn a_full_file_refuses_keeps_what_it_has_and_takes_more_once_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let log = SqliteLog::create(&folder.path().join("log.db")).unwrap();
    let limit = |pages: i64| {
        hold(&log.writer).pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
    };
    log.append(&views(0..10)).unwrap();
    limit(20);
    let error = log.append(&views(10..1_000)).unwrap_err();
    assert!(matches!(error, Error::Full { .. }) && error.is_temporary(), "{error}");
    assert!(error.to_string().contains("log.db") && error.to_string().contains("make room"), "{error}");
    assert_eq!((log.head().unwrap(), log.read(Position(0), 99).unwrap().len()), (Position(10), 10));
    assert_eq!(log.find(sample::key(10)).unwrap(), None, "no key of the refused batch stays");
    limit(1_000_000);
    let stored = log.append(&views(10..1_000)).unwrap();
    assert_eq!(stored.last(), Some(&Appended::Stored(Position(1_000))));
    log.verify(|_| {}).unwrap();
}

#[test]
fn a_changed_record_is_found_and_its_position_named() {
    let changes = [
        "UPDATE records SET body = replace(body, 'p-7', 'p-8') WHERE position = 7",
        "UPDATE records SET recorded_at = recorded_at + 1 WHERE position = 7",
        "UPDATE records SET kind = 7 WHERE position = 7",
        "UPDATE records SET key = NULL WHERE position = 7",
        "DELETE FROM records WHERE position = 7",
    ];
    for change in changes {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.db");
        SqliteLog::create(&path).unwrap().append(&views(1..11)).unwrap();
        assert_eq!(Connection::open(&path).unwrap().execute(change, []).unwrap(), 1);
        let log = SqliteLog::open(&path).unwrap();
        assert_eq!(log.read(Position(0), 6).unwrap().len(), 6);
        let error = log.verify(|_| {}).unwrap_err();
        assert!(matches!(error, Error::BadRecord { position: Position(7), .. }), "{change}: {error}");
        assert!(error.to_string().contains("log.db") && error.to_string().contains("backup"), "{error}");
        assert!(log.read(Position(0), 99).is_err(), "{change}");
    }
}

#[test]
fn newer_foreign_and_broken_files_are_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    drop(SqliteLog::create(&path).unwrap());
    let set = |pragma: &str, value: i64| {
        Connection::open(&path).unwrap().pragma_update(None, pragma, value).unwrap();
    };
    set("user_version", 2);
    assert!(matches!(SqliteLog::open(&path), Err(Error::Newer { found: 2, known: 1, .. })));
    set("user_version", 1);
    SqliteLog::open(&path).unwrap();
    set("application_id", 5);
    for opened in [SqliteLog::open(&path), SqliteLog::create(&path)] {
        assert!(matches!(opened, Err(Error::Foreign { expected: "Mercer event log", .. })));
    }
    let tables = folder.path().join("tables.db");
    drop(crate::SqliteTables::create(&tables).unwrap());
    assert!(matches!(SqliteLog::create(&tables), Err(Error::Foreign { .. })), "a file of ours, but another kind");
    std::fs::write(&path, "not a database, whatever it is".repeat(300)).unwrap();
    for opened in [SqliteLog::open(&path), SqliteLog::create(&path)] {
        assert!(matches!(opened, Err(Error::Damaged { .. })));
    }
    assert!(matches!(SqliteLog::open(&folder.path().join("absent.db")), Err(Error::Missing { .. })));
    assert!(!folder.path().join("absent.db").exists());
}

#[test]
fn backs_up_while_appends_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let log = SqliteLog::create(&folder.path().join("log.db")).unwrap();
    log.append(&views(0..5_000)).unwrap();
    let copy = folder.path().join("copy.db");
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for batch in 0..20 {
                log.append(&views(5_000 + 10 * batch..5_010 + 10 * batch)).unwrap();
            }
        });
        log.backup_to(&copy).unwrap();
        writer.join().unwrap();
    });
    let copied = SqliteLog::open(&copy).unwrap();
    let head = copied.head().unwrap().0;
    assert!((5_000..=5_200).contains(&head) && head.is_multiple_of(10), "{head}");
    copied.verify(|_| {}).unwrap();
    assert!(matches!(log.backup_to(&copy), Err(Error::Exists { .. })));
}
