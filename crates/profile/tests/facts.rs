//! What a profile says after events: orders, counts, traits, visits.

#![allow(clippy::unwrap_used, reason = "a test may fail by panic")]

mod support;

use mercer_schema::{Activity, Channel, CommerceAction, Consent, Device, Preferences, Profile, TouchKind};
use support::*;

fn profile(events: &[mercer_schema::Event]) -> Profile {
    let backwards = folded(events.iter().rev()).view(&customer("ada"));
    assert_eq!(folded(events).view(&customer("ada")), backwards);
    backwards.unwrap()
}

fn spend(profile: &Profile) -> Vec<i64> {
    profile.spend_minor.values().copied().collect()
}

fn ordered(message: &str, minutes: i64, activity: mercer_schema::Activity) -> mercer_schema::Event {
    event(message, customer("ada"), minutes, activity)
}

#[test]
fn an_order_reported_by_browser_and_server_counts_once() {
    let lines = || vec![line("mug", 2, Some(500)), line("pan", 1, Some(4_000))];
    let who = visitor(Some("a"), Some("ada"));
    let mut server = ordered("s1", 1, order(CommerceAction::OrderCompleted, "o1", Some(5_000), lines()));
    server.channel = Channel::Server;
    let ada = profile(&[
        event("b1", browser("a"), 0, order(CommerceAction::OrderCompleted, "o1", None, lines())),
        event("b2", who, 0, page()),
        server,
    ]);
    assert_eq!((ada.orders, spend(&ada)), (1, vec![5_000]));
    assert_eq!(ada.counts[&TouchKind::Purchased], 2);
    let bought: Vec<(&str, u32)> =
        ada.touches.iter().map(|touch| (touch.product_id.as_str(), touch.quantity)).collect();
    assert_eq!(bought, [("mug", 2), ("pan", 1)]);
    assert!(ada.touches.iter().all(|touch| touch.at == minute(0)));
}

#[test]
fn an_update_replaces_and_a_refund_subtracts() {
    let ada = profile(&[
        ordered("1", 0, order(CommerceAction::OrderCompleted, "o1", None, vec![line("mug", 2, Some(500))])),
        ordered("2", 9, order(CommerceAction::OrderUpdated, "o1", None, vec![line("mug", 3, Some(500))])),
        ordered("3", 20, order(CommerceAction::OrderRefunded, "o1", None, vec![line("mug", 1, Some(500))])),
    ]);
    assert_eq!((ada.orders, spend(&ada)), (1, vec![1_000]));
    let touched: Vec<_> = ada.touches.iter().map(|touch| (touch.kind, touch.quantity)).collect();
    assert_eq!(touched, [(TouchKind::Purchased, 3), (TouchKind::Returned, 1)]);
}

#[test]
fn a_refund_without_amounts_is_the_whole_and_never_more() {
    let completed = || ordered("1", 0, order(CommerceAction::OrderCompleted, "o1", Some(900), vec![]));
    let refund = |message: &str| ordered(message, 5, order(CommerceAction::OrderRefunded, "o1", None, vec![]));
    let ada = profile(&[completed(), refund("2"), refund("3")]);
    assert_eq!((ada.orders, spend(&ada)), (1, vec![0]));
    let partial = ordered("4", 6, order(CommerceAction::OrderRefunded, "o1", Some(300), vec![]));
    assert_eq!(spend(&profile(&[completed(), partial])), [600]);
}

#[test]
fn a_refund_of_an_order_from_before_mercer_counts_in_full() {
    let lines = vec![line("mug", 2, Some(500))];
    let ada = profile(&[ordered("1", 0, order(CommerceAction::OrderRefunded, "C1", None, lines))]);
    assert_eq!((ada.orders, spend(&ada)), (0, vec![-1_000]));
}

#[test]
fn a_cancelled_order_never_was() {
    let ada = profile(&[
        ordered("1", 0, order(CommerceAction::OrderCompleted, "o1", Some(900), vec![line("mug", 1, None)])),
        ordered("2", 1, order(CommerceAction::OrderCancelled, "o1", None, vec![])),
        ordered("3", 2, order(CommerceAction::OrderUpdated, "o1", Some(800), vec![])),
        ordered("4", 3, order(CommerceAction::OrderCompleted, "o2", Some(100), vec![])),
    ]);
    assert_eq!((ada.orders, spend(&ada), ada.touches.len()), (1, vec![100], 0));
    assert_eq!(ada.counts.get(&TouchKind::Purchased), None);
}

#[test]
fn orders_without_an_id_each_count() {
    let bought = || commerce(CommerceAction::OrderCompleted, vec![line("mug", 1, Some(100))]);
    let ada = profile(&[ordered("1", 0, bought()), ordered("2", 0, bought())]);
    assert_eq!((ada.orders, spend(&ada)), (2, vec![200]));
}

#[test]
fn the_latest_statement_holds() {
    let mut first = ordered("1", 0, identified(&[("name", "Ada"), ("city", "Ghent")]));
    first.context.consent = Some(Consent { personalization: true, gpc: false });
    let mut second = ordered("2", 5, identified(&[("name", "Ada L.")]));
    second.context.consent = Some(Consent { personalization: false, gpc: true });
    let ada = profile(&[first, second]);
    assert_eq!((ada.traits["name"].as_str(), ada.traits["city"].as_str()), (Some("Ada L."), Some("Ghent")));
    assert_eq!(ada.consent, Some(Consent { personalization: false, gpc: true }));
}

#[test]
fn a_dismissal_can_be_taken_back() {
    let feedback = |message: &str, minutes, product: &str, dismissed| {
        let product_id = product.parse().unwrap();
        ordered(message, minutes, mercer_schema::Activity::Feedback(mercer_schema::Feedback { product_id, dismissed }))
    };
    let ada = profile(&[feedback("1", 0, "mug", true), feedback("2", 1, "mug", false), feedback("3", 0, "pan", true)]);
    assert_eq!(ada.dismissed.iter().map(|id| id.as_str()).collect::<Vec<_>>(), ["pan"]);
}

#[test]
fn what_the_shop_does_is_no_visit() {
    let mut refund = ordered("2", 600, order(CommerceAction::OrderRefunded, "o1", None, vec![]));
    refund.channel = Channel::Server;
    let mut look = ordered("1", 0, viewed("mug"));
    look.context.device = Some(Device::Mobile);
    let ada = profile(&[look, refund]);
    assert_eq!((ada.visits, ada.hours.iter().sum::<u32>()), (1, 1));
    assert_eq!(ada.last_visit.unwrap().last_at, minute(0));
    assert_eq!(ada.last_seen_at, minute(600));
    assert_eq!(ada.devices[&Device::Mobile], 1);
}

#[test]
fn looking_does_not_push_out_buying() {
    let mut events =
        vec![ordered("o", 0, order(CommerceAction::OrderCompleted, "o1", None, vec![line("mug", 1, None)]))];
    events.extend((1..=300).map(|number| ordered(&format!("v{number}"), number, viewed(&format!("p{number}")))));
    let ada = profile(&events);
    assert_eq!((ada.touches.len(), ada.touches[0].product_id.as_str()), (257, "mug"));
    assert_eq!(ada.touches[1].product_id.as_str(), "p45");
    assert_eq!(ada.counts[&TouchKind::Viewed], 300);
    assert_eq!(ada.visits, 1);
}

#[test]
fn what_a_customer_said_last_of_search_stands_on_all_devices() {
    let said = |message: &str, who, minutes, search_strength| {
        event(message, who, minutes, Activity::Preferred(Preferences { search_strength }))
    };
    let ada = profile(&[
        event("1", visitor(Some("a"), Some("ada")), 0, page()),
        said("2", customer("ada"), 1, 1.0),
        said("3", browser("a"), 9, 0.4),
        said("4", customer("ada"), 5, 0.0),
        said("5", customer("ada"), 20, 7.0),
    ]);
    assert_eq!(ada.preferences, Some(Preferences { search_strength: 0.4 }), "the newest, and nothing out of bounds");
    assert_eq!(profile(&[event("1", customer("ada"), 0, page())]).preferences, None);
}
