//! The lake through its public face: it says what the log says, after any sequence of extensions and accidents.

use std::path::Path;

use mercer_schema::{
    Activity, AnonymousId, Channel, Commerce, CommerceAction, Consent, Context, Country, Currency, Device, Draft,
    Event, Fact, Feedback, Line, Money, Order, OrderId, Position, ProductId, Visitor, Whereabouts,
};

use super::{Lake, LineAction};
use crate::conformance::sample;
use crate::{Error, EventLog, MemoryLog};

/// The lines as text, to compare them at a glance.
fn lines(lake: &Lake, after: u64) -> Vec<String> {
    let mut lines = Vec::new();
    let upto = lake.lines(Position(after), |row| {
        let price = row.price.map(|price| price.to_string());
        lines.push(format!(
            "{}.{} {} {:?} {}x{} {:?} {:?}",
            row.position,
            row.line,
            row.occurred_at,
            row.customer_id.or(row.anonymous_id),
            row.quantity,
            row.product_id,
            price,
            (row.action.name(), row.order_id, row.session, row.personalization),
        ));
    });
    assert_eq!(upto.unwrap(), lake.events_upto().max(Position(after)));
    lines
}

/// What `lines` must give for records of [`sample`].
fn expected(log: &dyn EventLog, after: u64) -> usize {
    let records = log.read(Position(after), usize::MAX).unwrap();
    records.iter().filter(|record| matches!(record.fact, Fact::Event(_))).count()
}

fn parquet_files(lake: &Path) -> usize {
    let count = |dataset| std::fs::read_dir(lake.join(dataset)).unwrap().count();
    assert_eq!(count("events"), count("lines"));
    count("lines")
}

#[test]
fn lines_come_back_as_they_went_in() {
    let folder = tempfile::tempdir().unwrap();
    let currency = Currency::parse("EUR").unwrap();
    let line = |product: &str, quantity, minor| Line {
        product_id: ProductId::trusted(product),
        quantity,
        price: Some(Money { minor, currency }),
        position: None,
    };
    let order = Commerce {
        action: CommerceAction::OrderCompleted,
        lines: vec![line("a", 1, 250), Line { price: None, ..line("b", 12, 0) }],
        order: Some(Order { id: OrderId::trusted("o-1"), total: None }),
        query: None,
        list: None,
    };
    let mut anonymous = sample::event(2, Activity::Commerce(Commerce { order: None, ..order.clone() }));
    anonymous.visitor = Visitor { anonymous_id: Some(AnonymousId::trusted("browser")), customer_id: None };
    anonymous.session = None;
    anonymous.context.consent = Some(Consent { personalization: false, gpc: true });
    let feedback = |dismissed| Activity::Feedback(Feedback { product_id: ProductId::trusted("c"), dismissed });
    let events: [Event; 4] = [
        sample::event(1, Activity::Commerce(order)),
        anonymous,
        sample::event(3, feedback(true)),
        sample::event(4, feedback(false)),
    ];
    let log = MemoryLog::default();
    log.append(&(1..).zip(events).map(|(number, event)| sample::draft(number, event)).collect::<Vec<_>>()).unwrap();
    let lake = Lake::open(folder.path()).unwrap();
    assert_eq!(lake.extend(&log).unwrap(), Position(4));
    let at = sample::recorded_at;
    let completed = "\"order_completed\"";
    assert_eq!(
        lines(&lake, 0),
        [
            format!(
                "1.0 {} Some(\"c-1\") 1xa Some(\"2.50 EUR\") ({completed}, Some(\"o-1\"), Some(\"s-0\"), None)",
                at(1)
            ),
            format!("1.1 {} Some(\"c-1\") 12xb None ({completed}, Some(\"o-1\"), Some(\"s-0\"), None)", at(1)),
            format!("2.0 {} Some(\"browser\") 1xa Some(\"2.50 EUR\") ({completed}, None, None, Some(false))", at(2)),
            format!("2.1 {} Some(\"browser\") 12xb None ({completed}, None, None, Some(false))", at(2)),
            format!("3.0 {} Some(\"c-3\") 1xc None (\"dismissed\", None, Some(\"s-0\"), None)", at(3)),
            format!("4.0 {} Some(\"c-4\") 1xc None (\"restored\", None, Some(\"s-0\"), None)", at(4)),
        ]
    );
    assert_eq!(lines(&lake, 2).len(), 2);
}

#[test]
fn identities_tie_ids_together() {
    let folder = tempfile::tempdir().unwrap();
    let mut identified = sample::event(1, Activity::Identified { traits: Default::default() });
    identified.visitor.anonymous_id = Some(AnonymousId::trusted("browser"));
    let aliased = sample::event(2, Activity::Aliased { previous_id: "old".into() });
    let plain = sample::event(3, Activity::PageViewed { name: None });
    let log = MemoryLog::default();
    log.append(&[sample::draft(1, identified), sample::draft(2, aliased), sample::draft(3, plain)]).unwrap();
    let lake = Lake::open(folder.path()).unwrap();
    lake.extend(&log).unwrap();
    let mut ties = Vec::new();
    lake.identities(Position(0), |row| {
        let owned = |id: Option<&str>| id.unwrap_or("-").to_owned();
        ties.push([owned(row.customer_id), owned(row.anonymous_id), owned(row.previous_id)]);
    })
    .unwrap();
    assert_eq!(ties, [["c-1", "browser", "-"], ["c-2", "-", "old"]]);
}

#[test]
fn many_small_steps_give_few_files_and_the_same_rows() {
    let folder = tempfile::tempdir().unwrap();
    let (log, lake) = (MemoryLog::default(), Lake::open(folder.path()).unwrap());
    for step in 0..60_u64 {
        let drafts: Vec<Draft> = (0..=step % 7)
            .map(|offset| match 100 * step + offset {
                number if number % 5 == 0 => sample::decided(number),
                number => sample::viewed(number),
            })
            .collect();
        log.append(&drafts).unwrap();
        assert_eq!(lake.extend(&log).unwrap(), log.head().unwrap());
        assert!(parquet_files(folder.path()) <= 9);
    }
    let at_once = tempfile::tempdir().unwrap();
    let whole = Lake::open(at_once.path()).unwrap();
    whole.extend(&log).unwrap();
    assert_eq!(parquet_files(at_once.path()), 1);
    assert_eq!(lines(&lake, 0), lines(&whole, 0));
    for after in [0, 1, 100, 200] {
        assert_eq!(lines(&lake, after).len(), expected(&log, after), "after {after}");
    }
    assert_eq!(lake.extend(&log).unwrap(), log.head().unwrap(), "nothing new is no error");
    let reopened = Lake::open(folder.path()).unwrap();
    assert_eq!(lines(&reopened, 0), lines(&whole, 0));
    assert_eq!(reopened.files().len(), 2 * parquet_files(folder.path()));
}

#[test]
fn a_reader_goes_on_while_files_are_merged() {
    let folder = tempfile::tempdir().unwrap();
    let (log, lake) = (MemoryLog::default(), Lake::open(folder.path()).unwrap());
    log.append(&(0..30).map(sample::viewed).collect::<Vec<_>>()).unwrap();
    lake.extend(&log).unwrap();
    log.append(&(30..34).map(sample::viewed).collect::<Vec<_>>()).unwrap();
    lake.extend(&log).unwrap();
    let mut seen = Vec::new();
    lake.lines(Position(0), |row| {
        if row.position.0 == 10 {
            log.append(&(34..60).map(sample::viewed).collect::<Vec<_>>()).unwrap();
            lake.extend(&log).unwrap();
            assert_eq!(parquet_files(folder.path()), 1);
        }
        seen.push(row.position.0);
    })
    .unwrap();
    assert_eq!(seen, (1..=60).collect::<Vec<_>>());
}

#[test]
fn what_a_crash_left_is_dropped_and_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let log = MemoryLog::default();
    log.append(&(0..100).map(sample::viewed).collect::<Vec<_>>()).unwrap();
    Lake::open(folder.path()).unwrap().extend(&log).unwrap();
    // After the crash: half a file, and a range of which only one dataset was in place.
    std::fs::write(folder.path().join("events/.new-000000000101-000000000200.parquet"), b"PAR1").unwrap();
    std::fs::remove_file(folder.path().join("events/000000000001-000000000100.parquet")).unwrap();
    let lake = Lake::open(folder.path()).unwrap();
    assert_eq!((lake.events_upto(), parquet_files(folder.path())), (Position(0), 0));
    lake.extend(&log).unwrap();
    assert_eq!(lines(&lake, 0).len(), 100);
}

#[test]
fn a_range_without_events_is_covered_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (log, lake) = (MemoryLog::default(), Lake::open(folder.path()).unwrap());
    assert_eq!(lake.extend(&log).unwrap(), Position(0));
    log.append(&[sample::removed(1), sample::decided(2)]).unwrap();
    assert_eq!(lake.extend(&log).unwrap(), Position(2));
    assert!(lines(&lake, 0).is_empty());
}

#[test]
fn a_broken_file_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let log = MemoryLog::default();
    log.append(&(0..100).map(sample::viewed).collect::<Vec<_>>()).unwrap();
    let lake = Lake::open(folder.path()).unwrap();
    lake.extend(&log).unwrap();
    let path = folder.path().join("lines/000000000001-000000000100.parquet");
    let whole = std::fs::read(&path).unwrap();
    for broken in [&whole[..whole.len() / 2], b"", b"PAR1PAR1", b"not parquet at all"] {
        std::fs::write(&path, broken).unwrap();
        let error = lake.lines(Position(0), |_| {}).unwrap_err().to_string();
        assert!(error.contains("000000000001-000000000100.parquet") && error.contains("delete"), "{error}");
    }
}

#[test]
fn what_a_newer_mercer_wrote_is_refused_and_not_merged_away() {
    let folder = tempfile::tempdir().unwrap();
    let log = MemoryLog::default();
    log.append(&(0..100).map(sample::viewed).collect::<Vec<_>>()).unwrap();
    Lake::open(folder.path()).unwrap().extend(&log).unwrap();
    for dataset in ["events", "lines"] {
        let path = folder.path().join(dataset).join("000000000001-000000000100.parquet");
        let ours = std::fs::read(&path).unwrap();
        let newer = with_format(&ours, b'3');
        std::fs::write(&path, &newer).unwrap();
        let error = Lake::open(folder.path()).unwrap_err();
        assert!(matches!(error, Error::Newer { found: 3, known: 2, .. }), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), newer);
        std::fs::write(&path, &ours).unwrap();
    }
    Lake::open(folder.path()).unwrap().verify().unwrap();
}

/// The number of a file's format stands as text behind its key.
fn with_format(file: &[u8], format: u8) -> Vec<u8> {
    let key = file.windows(13).rposition(|window| window == b"mercer.format").unwrap();
    let digit = key + file[key..].iter().position(|byte| *byte == b'2').unwrap();
    let mut other = file.to_vec();
    other[digit] = format;
    other
}

#[test]
fn what_an_older_mercer_wrote_is_written_again_from_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let log = MemoryLog::default();
    log.append(&(0..100).map(sample::viewed).collect::<Vec<_>>()).unwrap();
    Lake::open(folder.path()).unwrap().extend(&log).unwrap();
    let path = folder.path().join("lines/000000000001-000000000100.parquet");
    std::fs::write(&path, with_format(&std::fs::read(&path).unwrap(), b'1')).unwrap();
    let lake = Lake::open(folder.path()).unwrap();
    assert_eq!((lake.events_upto(), parquet_files(folder.path())), (Position(0), 0));
    lake.extend(&log).unwrap();
    assert_eq!(lines(&lake, 0).len(), 100);
    lake.verify().unwrap();
}

#[test]
fn lines_tell_where_the_customer_was() {
    let folder = tempfile::tempdir().unwrap();
    let (log, lake) = (MemoryLog::default(), Lake::open(folder.path()).unwrap());
    let viewed = |number: u64, channel, device, locale: Option<&str>| {
        let Fact::Event(event) = sample::viewed(number).fact else { unreachable!("a view is an event") };
        let context = Context { device, locale: locale.map(str::to_owned), ..event.context.clone() };
        sample::draft(number, Event { channel, context, ..*event })
    };
    let events = [viewed(1, Channel::App, Some(Device::Tablet), Some("de-AT")), viewed(2, Channel::Server, None, None)];
    log.append(&events).unwrap();
    lake.extend(&log).unwrap();
    let mut told = Vec::new();
    lake.lines(Position(0), |row| told.push(row.whereabouts)).unwrap();
    let country = Country::of_locale("de-AT");
    let known = Whereabouts { device: Some(Device::Tablet), country, channel: Some(Channel::App) };
    assert_eq!(told, [known, Whereabouts::default()]);
}

#[test]
fn what_goes_beyond_a_log_that_was_put_back_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let log = MemoryLog::default();
    let lake = Lake::open(folder.path()).unwrap();
    for number in 0..70 {
        log.append(&[sample::viewed(number)]).unwrap();
        lake.extend(&log).unwrap();
    }
    assert!(!lake.forget_after(Position(70)).unwrap());
    assert!(lake.forget_after(Position(65)).unwrap());
    assert!(lake.events_upto() <= Position(65));
    let put_back = MemoryLog::default();
    put_back.append(&(0..65).chain(500..510).map(sample::viewed).collect::<Vec<_>>()).unwrap();
    lake.extend(&put_back).unwrap();
    assert_eq!(lines(&lake, 0).len(), expected(&put_back, 0));
    assert_eq!(parquet_files(folder.path()), lake.files().len() / 2);
    assert!(Lake::open(folder.path()).unwrap().forget_after(Position(0)).unwrap());
    assert_eq!(parquet_files(folder.path()), 0);
}

#[test]
fn a_lake_of_another_log_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let log = MemoryLog::default();
    log.append(&(0..10).map(sample::viewed).collect::<Vec<_>>()).unwrap();
    let lake = Lake::open(folder.path()).unwrap();
    lake.extend(&log).unwrap();
    let error = lake.extend(&MemoryLog::default()).unwrap_err();
    assert!(matches!(error, Error::LakeAhead { lake: Position(10), log: Position(0), .. }), "{error}");
}

#[test]
fn actions_tell_commerce_from_feedback() {
    assert_eq!(LineAction::Commerce(CommerceAction::ProductAddedToWishlist).name(), "product_added_to_wishlist");
    assert_eq!(LineAction::Dismissed.name(), "dismissed");
}
