//! The transformer in the engine: trained where the shop wants it, judged, served, and made again bit for bit.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use mercer_engine::ModelOptions;
use mercer_schema::{
    Activity, Commerce, CommerceAction, CustomerId, DecideRequest, DecidedItem, Event, Line, Order, OrderId, Placement,
    PlacementId, ProductId, ReasonCode, Source, SourceKind, Visitor,
};
use support::{Shop, at, decision_id, event, product, tester};

const CUSTOMERS: u64 = 150;
const ROUNDS: u64 = 6;
const PRODUCTS: u64 = 40;
const HOUR: u64 = 3_600;

fn visitor(customer: u64) -> Visitor {
    Visitor { customer_id: Some(CustomerId::trusted(format!("c{customer}"))), anonymous_id: None }
}

/// One product an order, and always the next one but two after it: nothing but the sequence says what comes.
fn order(number: u64) -> Event {
    let (customer, round) = (number % CUSTOMERS, number / CUSTOMERS);
    let line = Line {
        product_id: ProductId::trusted(format!("p{}", (customer * 7 + round * 3) % PRODUCTS)),
        quantity: 1,
        price: None,
        position: None,
    };
    let commerce = Commerce {
        action: CommerceAction::OrderCompleted,
        lines: vec![line],
        order: Some(Order { id: OrderId::trusted(format!("o{number}")), total: None }),
        query: None,
        list: None,
    };
    event(&format!("m{number}"), visitor(customer), at(number * HOUR), Activity::Commerce(commerce))
}

fn follows() -> Placement {
    let mut placement = mercer_engine::default_placements().remove(0);
    placement.id = PlacementId::trusted("follows");
    placement.sources = vec![Source { kind: SourceKind::Sequence, weight: 1.0 }];
    (placement.fallback, placement.exploration, placement.learned_weights) = (Vec::new(), 0.0, false);
    placement
}

async fn stocked(path: &std::path::Path, transformer: bool) -> Shop {
    let shop = Shop::open_with(path, ModelOptions { transformer, ..ModelOptions::default() });
    shop.engine.save_products((0..PRODUCTS).map(product).collect(), at(0)).await.unwrap();
    shop.engine.save_placement(follows(), at(0)).await.unwrap();
    shop.engine.accept_events((0..CUSTOMERS * ROUNDS).map(order).collect(), at(0)).await.unwrap();
    shop.engine.train(tester(), at(CUSTOMERS * ROUNDS * HOUR), |_| {}).await.unwrap();
    shop
}

fn row(shop: &Shop, customer: u64) -> Vec<DecidedItem> {
    let request = DecideRequest {
        customer: visitor(customer).customer_id,
        placements: vec![PlacementId::trusted("follows")],
        ..DecideRequest::default()
    };
    let now = at(CUSTOMERS * (ROUNDS + 1) * HOUR);
    shop.engine.decide(request, decision_id(customer), now).decision.placements.remove(0).items
}

#[tokio::test(flavor = "multi_thread")]
async fn what_follows_is_learned_judged_and_served() {
    let folder = tempfile::tempdir().unwrap();
    let shop = stocked(folder.path(), true).await;
    let mut first = 0;
    for customer in 0..CUSTOMERS {
        let items = row(&shop, customer);
        let next = format!("p{}", (customer * 7 + ROUNDS * 3) % PRODUCTS);
        first += usize::from(items.iter().take(3).any(|item| item.product_id.as_str() == next));
        assert_eq!((items[0].source, items[0].reasons[0].code), (Some(SourceKind::Sequence), ReasonCode::Sequence));
    }
    assert!(first > 120, "the next one stands among the first three for {first} of {CUSTOMERS}");
    assert!(row(&shop, CUSTOMERS + 1).is_empty(), "of a stranger nothing is known");
    let manifest = shop.engine.models().unwrap().remove(0).manifest;
    assert!(manifest.files.contains_key("sequence.model"));
    let check = manifest.gate.checks.iter().find(|check| check.name == "What follows: recall at 20").unwrap();
    assert!(check.cases > 20 && check.candidate > 0.5, "{check:?}");
    drop(shop);
    // A shop that does not want one any more still makes again what was decided with it.
    let shop = Shop::open(folder.path());
    for customer in (0..CUSTOMERS).step_by(11) {
        assert!(shop.engine.replay(&decision_id(customer)).unwrap().is_identical);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_that_does_not_want_it_has_none() {
    let folder = tempfile::tempdir().unwrap();
    let shop = stocked(folder.path(), false).await;
    assert!(row(&shop, 0).is_empty());
    let manifest = shop.engine.models().unwrap().remove(0).manifest;
    assert!(!manifest.files.contains_key("sequence.model"));
    assert!(manifest.gate.checks.iter().all(|check| !check.name.contains("What follows")));
}
