//! What is sent twice counts once, whichever way it comes.
#![allow(clippy::unwrap_used)]

mod support;

use mercer_schema::{AnonymousId, Event, Timestamp, Visitor};
use support::{Shop, at, order};

/// The same order as a browser would report it, under another message id and as an anonymous visitor.
fn from_browser(mut event: Event) -> Event {
    event.message_id = mercer_schema::MessageId::trusted(format!("browser-{}", event.message_id));
    event.visitor = Visitor { anonymous_id: Some(AnonymousId::trusted("browser")), customer_id: None };
    event
}

#[tokio::test]
async fn an_order_that_is_reported_twice_counts_once_in_the_shop() {
    let (once, twice) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (once, twice) = (Shop::open(once.path()), Shop::open(twice.path()));
    for shop in [&once, &twice] {
        shop.engine.accept_events(vec![order(1, at(0), 1), order(2, at(10), 2)], at(10)).await.unwrap();
    }
    twice.engine.accept_events(vec![from_browser(order(1, at(0), 1))], at(11)).await.unwrap();
    let (once, twice) = (once.engine.snapshot(), twice.engine.snapshot());
    assert!(once.world.popularity.ranked().eq(twice.world.popularity.ranked()));
    let orders = |tally: &mercer_engine::Tally| -> (u64, i64) {
        let hours: Vec<_> = tally.between(at(0), at(10_000)).collect();
        (
            hours.iter().map(|(_, hour)| hour.orders).sum(),
            hours.iter().flat_map(|(_, hour)| hour.revenue_minor.values()).sum(),
        )
    };
    assert_eq!(orders(&once.tally), (2, 1_200));
    assert_eq!(orders(&twice.tally), (2, 1_200));
}

#[tokio::test]
async fn a_file_that_is_imported_again_after_the_window_adds_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let shop = Shop::open(folder.path());
    let file = || (0..50).map(|number| order(number, at(number), number)).collect::<Vec<_>>();
    shop.engine.accept_imported_events(file(), at(100)).await.unwrap();
    shop.engine
        .accept_events((50..60).map(|number| order(number, at(number), number)).collect(), at(100))
        .await
        .unwrap();
    let later = at(100).plus(31 * Timestamp::DAY);
    assert_eq!(shop.engine.expire_keys(later).unwrap(), 10, "what was tracked live is forgotten in time");
    let before = shop.engine.snapshot().position();
    shop.engine.accept_imported_events(file(), later).await.unwrap();
    assert_eq!(shop.engine.snapshot().position(), before);
}
