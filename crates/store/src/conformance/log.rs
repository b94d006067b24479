//! What every [`EventLog`] must do.

use mercer_schema::{Draft, Position, Record};

use super::sample;
use crate::{Appended, Error, EventLog, RecordKind};

/// Runs the suite; `make` gives an empty log each time.
pub fn event_log<L: EventLog>(mut make: impl FnMut() -> L) {
    an_empty_log_is_empty(&make());
    positions_are_dense_and_content_is_kept(&make());
    reads_in_pages(&make());
    a_known_key_is_not_stored_again(&make());
    a_key_twice_in_a_batch_is_stored_once(&make());
    drafts_without_keys_are_always_stored(&make());
    reads_only_the_kinds_asked_for(&make());
    finds_by_key(&make());
    keys_of_old_events_expire(&make());
    keys_of_decisions_stay(&make());
    keys_that_last_stay(&make());
    expiry_stops_at_what_is_not_older(&make());
    what_cannot_be_read_back_is_refused_with_its_batch(&make());
    many_readers_see_whole_batches(&make());
}

fn an_empty_log_is_empty(log: &dyn EventLog) {
    assert_eq!(log.head().unwrap(), Position(0));
    assert_eq!(log.read(Position(0), 10).unwrap(), []);
    assert_eq!(log.find(sample::key(1)).unwrap(), None);
    assert_eq!(log.append(&[]).unwrap(), []);
    assert_eq!(log.expire_keys(sample::recorded_at(1)).unwrap(), 0);
    assert_eq!(log.head().unwrap(), Position(0));
}

fn positions_are_dense_and_content_is_kept(log: &dyn EventLog) {
    let drafts = [sample::viewed(1), sample::removed(2), sample::decided(3), sample::ordered(4)];
    assert_eq!(log.append(&drafts[..1]).unwrap(), stored(1..=1));
    assert_eq!(log.append(&drafts[1..]).unwrap(), stored(2..=4));
    assert_eq!(log.head().unwrap(), Position(4));
    let expected: Vec<Record> = (1..).zip(&drafts).map(|(position, draft)| record(position, draft)).collect();
    assert_eq!(log.read(Position(0), usize::MAX).unwrap(), expected);
}

fn reads_in_pages(log: &dyn EventLog) {
    log.append(&(1..=10).map(sample::viewed).collect::<Vec<_>>()).unwrap();
    let positions = |after, limit| -> Vec<u64> {
        log.read(Position(after), limit).unwrap().iter().map(|record| record.position.0).collect()
    };
    assert_eq!(positions(0, 3), [1, 2, 3]);
    assert_eq!(positions(3, 3), [4, 5, 6]);
    assert_eq!(positions(9, 3), [10]);
    assert!(positions(10, 3).is_empty() && positions(u64::MAX, 3).is_empty() && positions(0, 0).is_empty());
}

fn a_known_key_is_not_stored_again(log: &dyn EventLog) {
    log.append(&[sample::viewed(1), sample::viewed(2)]).unwrap();
    let again = log.append(&[sample::viewed(3), sample::viewed(1), sample::viewed(4)]).unwrap();
    assert_eq!(again, [Appended::Stored(Position(3)), Appended::Duplicate(Position(1)), Appended::Stored(Position(4))]);
    assert_eq!(log.append(&[sample::viewed(2)]).unwrap(), [Appended::Duplicate(Position(2))]);
    assert_eq!(log.head().unwrap(), Position(4));
    assert_eq!(log.read(Position(3), 10).unwrap(), [record(4, &sample::viewed(4))]);
}

fn a_key_twice_in_a_batch_is_stored_once(log: &dyn EventLog) {
    let appended = log.append(&[sample::viewed(1), sample::viewed(1), sample::viewed(2)]).unwrap();
    assert_eq!(
        appended,
        [Appended::Stored(Position(1)), Appended::Duplicate(Position(1)), Appended::Stored(Position(2))]
    );
    assert_eq!(log.read(Position(0), 10).unwrap().len(), 2);
}

fn drafts_without_keys_are_always_stored(log: &dyn EventLog) {
    assert_eq!(log.append(&[sample::removed(1), sample::removed(1)]).unwrap(), stored(1..=2));
    assert_eq!(log.append(&[sample::removed(1)]).unwrap(), stored(3..=3));
}

fn reads_only_the_kinds_asked_for(log: &dyn EventLog) {
    let drafts: Vec<Draft> = (1..=30)
        .map(|number| match number % 3 {
            0 => sample::viewed(number),
            1 => sample::decided(number),
            _ => sample::removed(number),
        })
        .collect();
    log.append(&drafts).unwrap();
    let positions = |after, kinds: &[RecordKind], limit| -> Vec<u64> {
        log.read_kinds(Position(after), kinds, limit).unwrap().iter().map(|record| record.position.0).collect()
    };
    assert_eq!(positions(0, &[RecordKind::Event], 3), [3, 6, 9]);
    assert_eq!(positions(9, &[RecordKind::Event, RecordKind::Decided], 3), [10, 12, 13]);
    assert!(positions(0, &[RecordKind::ModelPromoted], 3).is_empty() && positions(0, &[], 3).is_empty());
}

fn finds_by_key(log: &dyn EventLog) {
    log.append(&[sample::viewed(1), sample::decided(2)]).unwrap();
    assert_eq!(log.find(sample::key(2)).unwrap(), Some(record(2, &sample::decided(2))));
    assert_eq!(log.find(sample::key(3)).unwrap(), None);
}

fn keys_of_old_events_expire(log: &dyn EventLog) {
    log.append(&(1..=10).map(sample::viewed).collect::<Vec<_>>()).unwrap();
    assert_eq!(log.expire_keys(sample::recorded_at(5)).unwrap(), 4);
    assert_eq!(log.expire_keys(sample::recorded_at(5)).unwrap(), 0);
    assert_eq!(log.find(sample::key(4)).unwrap(), None);
    assert!(log.find(sample::key(5)).unwrap().is_some());
    assert_eq!(log.read(Position(0), 20).unwrap().len(), 10, "records never go");
    // An expired key may be stored anew; then the new record is the one that counts.
    let anew = Draft { recorded_at: sample::recorded_at(11), ..sample::viewed(2) };
    assert_eq!(log.append(std::slice::from_ref(&anew)).unwrap(), stored(11..=11));
    assert_eq!(log.append(&[sample::viewed(2)]).unwrap(), [Appended::Duplicate(Position(11))]);
    assert_eq!(log.find(sample::key(2)).unwrap(), Some(record(11, &anew)));
    assert_eq!(log.expire_keys(sample::recorded_at(100)).unwrap(), 7);
    assert_eq!(log.find(sample::key(2)).unwrap(), None);
}

fn keys_of_decisions_stay(log: &dyn EventLog) {
    log.append(&[sample::decided(1), sample::viewed(2), sample::removed(3)]).unwrap();
    assert_eq!(log.expire_keys(sample::recorded_at(100)).unwrap(), 1);
    assert_eq!(log.find(sample::key(1)).unwrap(), Some(record(1, &sample::decided(1))));
    assert_eq!(log.append(&[sample::decided(1)]).unwrap(), [Appended::Duplicate(Position(1))]);
}

fn keys_that_last_stay(log: &dyn EventLog) {
    let lasting = |number| Draft { key_lasts: true, ..sample::viewed(number) };
    log.append(&[lasting(1), sample::viewed(2), lasting(3)]).unwrap();
    assert_eq!(log.expire_keys(sample::recorded_at(100)).unwrap(), 1);
    let again = log.append(&[lasting(1), sample::viewed(2), sample::viewed(3)]).unwrap();
    assert_eq!(
        again,
        [Appended::Duplicate(Position(1)), Appended::Stored(Position(4)), Appended::Duplicate(Position(3))]
    );
    assert_eq!(log.read_kinds(Position(0), &[RecordKind::Event], 9).unwrap().len(), 4);
}

fn expiry_stops_at_what_is_not_older(log: &dyn EventLog) {
    // The clock was set back between the second and the third.
    log.append(&[sample::viewed(1), sample::viewed(50), sample::viewed(2)]).unwrap();
    assert_eq!(log.expire_keys(sample::recorded_at(10)).unwrap(), 1);
    assert!(log.find(sample::key(2)).unwrap().is_some(), "longer, never shorter");
    assert_eq!(log.expire_keys(sample::recorded_at(51)).unwrap(), 2);
}

fn what_cannot_be_read_back_is_refused_with_its_batch(log: &dyn EventLog) {
    let mut broken = sample::decided(2);
    if let mercer_schema::Fact::Decided(decision) = &mut broken.fact {
        decision.placements[0].propensities[0] = f64::NAN;
    }
    let error = log.append(&[sample::viewed(1), broken]).unwrap_err();
    assert!(matches!(error, Error::Unwritable { index: 1, .. }), "{error}");
    let mut undated = sample::viewed(2);
    if let mercer_schema::Fact::Event(event) = &mut undated.fact {
        event.occurred_at = mercer_schema::Timestamp(i64::MAX);
    }
    let error = log.append(&[sample::viewed(1), undated]).unwrap_err();
    assert!(matches!(error, Error::Unwritable { index: 1, .. }), "{error}");
    assert_eq!(log.head().unwrap(), Position(0));
    assert_eq!(log.append(&[sample::viewed(1)]).unwrap(), stored(1..=1));
}

fn many_readers_see_whole_batches(log: &dyn EventLog) {
    const BATCH: u64 = 20;
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..3).map(|_| scope.spawn(|| watch(log, 10 * BATCH, BATCH))).collect();
        for batch in 0..10 {
            log.append(&(1..=BATCH).map(|number| sample::viewed(batch * BATCH + number)).collect::<Vec<_>>()).unwrap();
        }
        for reader in readers {
            reader.join().unwrap();
        }
    });
}

/// Follows the log to `last`, as a fold does.
fn watch(log: &dyn EventLog, last: u64, batch: u64) {
    let mut seen = 0;
    while seen < last {
        let head = log.head().unwrap().0;
        assert_eq!(head % batch, 0, "a batch is visible in part");
        let records = log.read(Position(seen), usize::MAX).unwrap();
        assert!(seen + records.len() as u64 >= head, "head is ahead of what can be read");
        for record in records {
            seen += 1;
            assert_eq!(record.position.0, seen);
        }
    }
}

fn stored(positions: std::ops::RangeInclusive<u64>) -> Vec<Appended> {
    positions.map(|position| Appended::Stored(Position(position))).collect()
}

fn record(position: u64, draft: &Draft) -> Record {
    Record { position: Position(position), recorded_at: draft.recorded_at, fact: draft.fact.clone() }
}
