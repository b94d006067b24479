//! Where a customer is shapes the order of what is recommended: learned from orders, told by requests or by the newest event.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use mercer_schema::{
    Activity, Commerce, CommerceAction, CustomerId, DecideRequest, Device, Event, Line, Order, OrderId, PlacementId,
    ProductId, Timestamp, Visitor, Whereabouts,
};
use support::{Shop, at, decision_id, event, product, tester};

const CUSTOMERS: u64 = 120;
const ROUNDS: u64 = 8;
const HOUR: u64 = 3_600;

/// Cheap things go out by the phone, dear ones by the desk.
fn wanted(customer: u64, round: u64) -> (Device, [ProductId; 3]) {
    let (device, from) =
        if (customer + round).is_multiple_of(2) { (Device::Mobile, 0) } else { (Device::Desktop, 100) };
    let id = |step: u64| ProductId::trusted(format!("p{}", from + (customer * 7 + round / 2 + step * 5) % 40));
    (device, [id(0), id(1), id(2)])
}

fn visitor(customer: u64) -> Visitor {
    Visitor { customer_id: Some(CustomerId::trusted(format!("c{customer}"))), anonymous_id: None }
}

fn order(customer: u64, round: u64) -> Event {
    let number = round * CUSTOMERS + customer;
    let (device, ids) = wanted(customer, round);
    let line = |product_id| Line { product_id, quantity: 1, price: None, position: None };
    let commerce = Commerce {
        action: CommerceAction::OrderCompleted,
        lines: ids.map(line).to_vec(),
        order: Some(Order { id: OrderId::trusted(format!("o{number}")), total: None }),
        query: None,
        list: None,
    };
    let mut event = event(&format!("m{number}"), visitor(customer), at(number * HOUR), Activity::Commerce(commerce));
    event.context.device = Some(device);
    event.context.locale = Some("de-AT".into());
    event
}

async fn taught(path: &std::path::Path) -> Shop {
    let shop = Shop::open(path);
    let mut products: Vec<_> = (0..140).map(product).collect();
    for (number, product) in (0..).zip(&mut products) {
        product.price.as_mut().unwrap().minor = if number < 100 { 200 + number } else { 9_000 + number };
    }
    shop.engine.save_products(products, at(0)).await.unwrap();
    for placement in mercer_engine::default_placements() {
        shop.engine.save_placement(placement, at(0)).await.unwrap();
    }
    for round in 0..ROUNDS {
        let orders = (0..CUSTOMERS).map(|customer| order(customer, round)).collect();
        shop.engine.accept_events(orders, at(round * CUSTOMERS * HOUR)).await.unwrap();
    }
    shop.engine.train(tester(), now(), |_| {}).await.unwrap();
    shop
}

fn now() -> Timestamp {
    at(ROUNDS * CUSTOMERS * HOUR)
}

fn on(device: Option<Device>, customer: u64) -> DecideRequest {
    DecideRequest {
        customer: visitor(customer).customer_id,
        context: Whereabouts { device, ..Whereabouts::default() },
        placements: vec![PlacementId::trusted("home-for-you")],
        ..DecideRequest::default()
    }
}

/// Of the first places of all customers, the share that dear products have.
fn share_of_dear(shop: &Shop, device: Option<Device>, from: u64) -> f64 {
    let (mut dear, mut all) = (0, 0);
    for customer in 0..CUSTOMERS {
        let id = decision_id(from + customer);
        let decision = shop.engine.decide(on(device, customer), id, now()).decision;
        for item in decision.placements[0].items.iter().take(3) {
            all += 1;
            dear += usize::from(item.product_id.as_str()[1..].parse::<u32>().unwrap() >= 100);
        }
    }
    dear as f64 / f64::from(all)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_order_follows_the_device_that_is_told_or_was_used_last() {
    let folder = tempfile::tempdir().unwrap();
    let shop = taught(folder.path()).await;
    assert!(!shop.engine.snapshot().world.models.ranker.sources().is_empty(), "there is enough to teach a ranker");
    let (mobile, desktop) =
        (share_of_dear(&shop, Some(Device::Mobile), 0), share_of_dear(&shop, Some(Device::Desktop), 200));
    assert!(desktop > mobile + 0.3, "{desktop} by the desk, {mobile} by the phone");
    // Nothing is told: the device of the last order counts, which was a desk for every second customer.
    let known = share_of_dear(&shop, None, 400);
    assert!(mobile + 0.1 < known && known + 0.1 < desktop, "{mobile} < {known} < {desktop}");
    let last = &order(0, ROUNDS - 1);
    let profile = shop.engine.snapshot().world.profiles.view(&visitor(0)).unwrap();
    assert_eq!(profile.whereabouts, Whereabouts::of(last));
    // All of it stands in the log: the same again, also once the customer has gone elsewhere.
    let mut elsewhere = order(0, ROUNDS);
    elsewhere.context.device = Some(Device::Mobile);
    shop.engine.accept_events(vec![elsewhere], now()).await.unwrap();
    for id in (0..600).step_by(29).filter(|id| id % 200 < CUSTOMERS) {
        assert!(shop.engine.replay(&decision_id(id)).unwrap().is_identical, "{id}");
    }
}
