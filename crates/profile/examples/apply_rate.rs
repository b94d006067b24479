//! How long one event takes, with a clone published after each batch, as the engine does.
//!
//! `cargo run --release -p mercer-profile --example apply_rate`
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::disallowed_methods, reason = "a measurement for people")]

use std::time::Instant;

use mercer_profile::Profiles;
use mercer_schema::{
    Activity, Channel, Commerce, CommerceAction, Context, Event, Line, MessageId, Order, OrderId, ProductId,
    Properties, SourceId, Timestamp, Visitor,
};

const EVENTS: usize = 400_000;
const PRODUCTS: u64 = 5_000;

fn main() {
    for visitors in [2_000, 20_000, 200_000] {
        for batch in [20, 500] {
            measure(visitors, batch);
        }
    }
}

fn measure(visitors: u64, batch: usize) {
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    let events: Vec<Event> = (0..EVENTS).map(|number| event(number, visitors, &mut random)).collect();
    let (warm_up, measured) = events.split_at(EVENTS / 2);
    let mut profiles = Profiles::default();
    warm_up.iter().for_each(|event| profiles.apply(event));

    let mut published = profiles.clone();
    let started = Instant::now();
    for events in measured.chunks(batch) {
        events.iter().for_each(|event| profiles.apply(event));
        published = profiles.clone();
    }
    let apply = started.elapsed().as_nanos() / measured.len() as u128;

    let started = Instant::now();
    let views = measured.iter().take(20_000);
    let touches: usize = views.filter_map(|event| published.view(&event.visitor)).map(|view| view.touches.len()).sum();
    let view = started.elapsed().as_nanos() / 20_000;

    let started = Instant::now();
    let pieces = profiles.drain_changes();
    let (drain, bytes) =
        (started.elapsed(), pieces.iter().filter_map(|(_, value)| value.as_ref()).map(Vec::len).sum::<usize>());
    let started = Instant::now();
    let restored = Profiles::restore(pieces.into_iter().filter_map(|(key, value)| Some((key, value?)))).unwrap();
    println!(
        "{visitors:>7} visitors, batches of {batch:>3}: apply {apply} ns, view {view} ns ({} touches), {} people, \
         drain {drain:.0?} ({} KiB), restore {:.0?}, memory {}",
        touches / 20_000,
        restored.len(),
        bytes / 1_024,
        started.elapsed(),
        memory(),
    );
}

/// Resident memory of the process, events of the measurement included.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("unknown").trim().to_owned()
}

fn event(number: usize, visitors: u64, random: &mut u64) -> Event {
    let mut next = |below: u64| {
        *random ^= *random << 13;
        *random ^= *random >> 7;
        *random ^= *random << 17;
        *random % below
    };
    let who = next(visitors).min(next(visitors));
    let customer_id = (who % 4 == 0 && next(2) == 0).then(|| format!("customer-{who}").parse().unwrap());
    let visitor = Visitor { anonymous_id: Some(format!("b3a1c7e0-browser-{who}").parse().unwrap()), customer_id };
    let product = |index: u64| ProductId::trusted(format!("SKU{:06}", index * index % PRODUCTS));
    let line = |index: u64| Line { product_id: product(index), quantity: 1, price: None, position: None };
    let (action, lines, order) = match next(40) {
        0 => {
            let order = Order { id: OrderId::trusted(format!("o{number}")), total: None };
            (CommerceAction::OrderCompleted, (0..4).map(|_| line(next(70))).collect(), Some(order))
        }
        1..5 => (CommerceAction::ProductAdded, vec![line(next(70))], None),
        _ => (CommerceAction::ProductViewed, vec![line(next(70))], None),
    };
    let at = Timestamp::from_millis(1_772_323_200_000 + number as i64 * 50);
    Event {
        message_id: MessageId::trusted(format!("ajs-next-{number:032x}")),
        source: SourceId::trusted("web"),
        visitor,
        session: None,
        occurred_at: at,
        received_at: at,
        channel: Channel::Web,
        context: Context::default(),
        activity: Activity::Commerce(Commerce { action, lines, order, query: None, list: None }),
        properties: Properties::new(),
    }
}
