//! The shop's orders through the ordinary importer, and how they fit the catalog.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, HashSet};

use mercer_collect::Received;
use mercer_collect::import::{self, Input, Mapping, Options};
use mercer_demo::gift_shop;
use mercer_schema::{Activity, Commerce, CommerceAction, Currency, Event, SourceId, Timestamp};

fn commerce(event: &Event) -> &Commerce {
    let Activity::Commerce(commerce) = &event.activity else { panic!("an order is commerce") };
    commerce
}

#[test]
fn orders_and_catalog_fit_together() {
    let folder = tempfile::tempdir().unwrap();
    let now = Timestamp::parse("2026-11-23T10:00:00Z").unwrap();
    let files = gift_shop::files(now, folder.path()).unwrap();
    let mapping = std::fs::read_to_string(&files.orders_mapping).unwrap();
    let received = Received::new(SourceId::trusted("gift-shop"), now, Currency::parse("GBP").unwrap());
    let options = || Options::new(received.clone());

    let mut products = import::products(Input::open(&files.catalog).unwrap(), options()).unwrap();
    let imported: Vec<_> = products.by_ref().map(|product| product.unwrap()).collect();
    assert_eq!(imported, gift_shop::catalog().unwrap(), "the importer reads exactly what was derived");
    let known: HashSet<_> = imported.iter().map(|product| product.id.clone()).collect();

    let mapping = Mapping::from_toml("online-retail", &mapping).unwrap();
    let mut orders =
        import::orders(Input::open(&files.orders).unwrap(), Options { mapping: Some(mapping), ..options() }).unwrap();
    let events: Vec<Event> = orders.by_ref().map(|event| event.unwrap()).collect();
    let report = orders.report();
    println!("{report:#?}");
    assert_eq!((report.rows_read, report.rows_bad), (541_909, 0));
    let sold = |event: &&Event| commerce(event).action == CommerceAction::OrderCompleted;
    let completed: Vec<&Event> = events.iter().filter(sold).collect();
    assert!((19_000..21_000).contains(&completed.len()), "{}", completed.len());
    let customers: HashSet<_> = completed.iter().filter_map(|event| event.visitor.customer_id.clone()).collect();
    assert!((4_300..4_345).contains(&customers.len()), "{}", customers.len());
    assert!(customers.contains("17850"), "17850.0 in the file");
    for event in &completed {
        for line in &commerce(event).lines {
            assert!(known.contains(&line.product_id), "{} was sold and is in no catalog", line.product_id);
        }
    }
    let ordered: HashSet<_> =
        completed.iter().flat_map(|event| &commerce(event).lines).map(|line| &line.product_id).collect();
    assert_eq!(ordered.len(), known.len(), "the catalog holds nothing that was never sold");
    let last = events.iter().map(|event| event.occurred_at.plus(files.shift_micros)).max().unwrap();
    assert!((0..7 * Timestamp::DAY).contains(&now.since(last)));

    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for customer in completed.iter().filter_map(|event| event.visitor.customer_id.as_ref()) {
        *counts.entry(customer.as_str().to_owned()).or_default() += 1;
    }
    for sample in gift_shop::sample_customers().unwrap() {
        assert_eq!(counts.get(&sample.id), Some(&sample.orders), "customer {}", sample.id);
    }
}
