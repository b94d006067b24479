//! Events: a tracker's archive, our own export, and plain tables.

use mercer_collect::BadReason;
use mercer_collect::import;
use mercer_schema::{CommerceAction, Event};

use crate::{commerce, file, good, lines, options};

#[test]
fn an_archive_of_tracked_events_keeps_its_times_and_ids() {
    let archive = concat!(
        r#"{"type":"track","event":"Product Viewed","anonymousId":"a1","messageId":"m1","timestamp":"2026-01-05T10:00:00Z","originalTimestamp":"2026-01-05T08:00:00Z","sentAt":"2026-01-05T08:00:01Z","receivedAt":"2026-01-05T10:00:01Z","properties":{"product_id":"A","price":2.55}}"#,
        "\n",
        r#"{"type":"track","event":"Product Added","userId":"u1","originalTimestamp":"2026-01-05T08:00:00Z","sentAt":"2026-01-05T08:00:05Z","receivedAt":"2026-01-05T10:00:05Z","properties":{"product_id":"A","quantity":2}}"#,
        "\n",
        r#"{"type":"identify","userId":"u1","traits":{"plan":"gold"}}"#,
        "\n",
        r#"{"type":"track","event":"Product Viewed","userId":"u1","timestamp":"2036-01-05T10:00:00Z","properties":{"product_id":"A"}}"#,
        "\n",
        r#"{"type":"track","event":"Product Viewed","timestamp":"2026-01-05T10:00:00Z","properties":{"product_id":"A"}}"#,
    );
    let verdicts: Vec<_> = import::events(file("archive.jsonl", archive), options(None)).unwrap().collect();
    let viewed = verdicts[0].as_ref().unwrap();
    assert_eq!((viewed.message_id.as_str(), lines(viewed)), ("m1", vec!["A x1 @ 2.55 GBP".to_owned()]));
    assert_eq!(viewed.occurred_at.to_string(), "2026-01-05T10:00:00.000000Z");
    let added = verdicts[1].as_ref().unwrap();
    assert_eq!(added.occurred_at.to_string(), "2026-01-05T10:00:00.000000Z", "its own receipt corrects its clock");
    let reasons: Vec<_> = verdicts[2..].iter().map(|verdict| verdict.as_ref().unwrap_err().reason).collect();
    assert_eq!(reasons, [BadReason::MissingField, BadReason::InvalidTime, BadReason::NoVisitor]);
    assert_eq!(verdicts[4].as_ref().unwrap_err().line, Some(5));

    let again: Vec<_> = import::events(file("archive.jsonl", archive), options(None)).unwrap().collect();
    assert_eq!(verdicts, again);
}

#[test]
fn our_own_export_comes_back_as_it_was() {
    let archive = r#"{"type":"track","event":"Product Viewed","userId":"u","timestamp":"2026-01-05T10:00:00Z","properties":{"product_id":"A","x":[1]}}"#;
    let first: Vec<Event> = good(import::events(file("a.jsonl", archive), options(None)).unwrap());
    let exported = serde_json::to_string(&first[0]).unwrap();
    assert_eq!(good(import::events(file("export.jsonl", exported), options(None)).unwrap()), first);
}

#[test]
fn a_table_of_events_needs_no_mapping() {
    let table = "event_time,event_type,product_id,category_code,price,user_id,user_session,brand\n\
                 2019-11-01 00:00:00 UTC,view,1003461,electronics.smartphone,489.07,520088904,s1,xiaomi\n\
                 1572566400,cart,5000088,,293.65,530496790,s2,\n\
                 ,view,5000088,,293.65,530496790,s2,\n";
    let verdicts: Vec<_> = import::events(file("2019-Nov.csv", table), options(None)).unwrap().collect();
    let view = verdicts[0].as_ref().unwrap();
    assert_eq!(commerce(view).action, CommerceAction::ProductViewed);
    assert_eq!(lines(view), ["1003461 x1 @ 489.07 GBP"]);
    assert_eq!(view.properties["brand"], "xiaomi");
    assert_eq!(view.visitor.anonymous_id.as_ref().unwrap().as_str(), "s1");
    assert_eq!(commerce(verdicts[1].as_ref().unwrap()).action, CommerceAction::ProductAdded);
    assert_eq!(verdicts[1].as_ref().unwrap().occurred_at.to_string(), "2019-11-01T00:00:00.000000Z");
    assert_eq!(verdicts[2].as_ref().unwrap_err().reason, BadReason::MissingField);
    let again: Vec<_> = import::events(file("2019-Nov.csv", table), options(None)).unwrap().collect();
    assert_eq!(verdicts, again);
}
