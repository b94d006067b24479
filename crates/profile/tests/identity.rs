//! The rules of identity, one by one.

mod support;

use mercer_profile::{IdentitySettings, LinkedBy, Profiles, Verdict, is_blocked};
use mercer_schema::{CommerceAction, Profile, TouchKind};
use support::*;

fn products(profile: Option<Profile>) -> Vec<String> {
    let touches = profile.map(|profile| profile.touches).unwrap_or_default();
    touches.iter().map(|touch| touch.product_id.to_string()).collect()
}

fn verdicts(profiles: &Profiles, of: &mercer_schema::Visitor) -> Vec<(String, String, Verdict)> {
    let links = profiles.links(of).into_iter();
    links.map(|link| (link.anonymous_id.to_string(), link.customer_id.to_string(), link.verdict)).collect()
}

#[test]
fn what_came_before_the_first_identify_belongs_to_the_customer() {
    let profiles = folded(&[
        event("1", browser("a"), 0, viewed("mug")),
        event("2", visitor(Some("a"), Some("ada")), 5, identified(&[("email", "ada@example.com")])),
        event("3", browser("a"), 9, viewed("pan")),
    ]);
    let ada = profiles.view(&customer("ada")).unwrap();
    assert_eq!(products(Some(ada.clone())), ["mug", "pan"]);
    assert_eq!(ada.traits["email"], "ada@example.com");
    assert_eq!((ada.visits, ada.last_visit.unwrap().events), (1, 3));
    assert_eq!(profiles.view(&browser("a")), Some(ada));
    assert_eq!(profiles.person_key(&browser("a")).as_deref(), Some("ada"));
    assert_eq!(profiles.len(), 1);
}

#[test]
fn a_shared_device_is_divided_by_time() {
    let profiles = folded(&[
        event("1", browser("a"), 0, viewed("before")),
        event("2", visitor(Some("a"), Some("ada")), 1, page()),
        event("3", browser("a"), 2, viewed("ada's")),
        event("4", visitor(Some("a"), Some("bob")), 3, page()),
        event("5", browser("a"), 4, viewed("bob's")),
        event("6", visitor(Some("a"), Some("ada")), 5, page()),
        event("7", browser("a"), 6, viewed("ada's again")),
    ]);
    assert_eq!(products(profiles.view(&customer("ada"))), ["before", "ada's", "ada's again"]);
    assert_eq!(products(profiles.view(&customer("bob"))), ["bob's"]);
    assert_eq!(profiles.person_key(&browser("a")).as_deref(), Some("ada"));
    let keys: Vec<String> = profiles.people().map(|person| person.key).collect();
    assert_eq!(keys, ["ada", "bob"]);
}

#[test]
fn an_unknown_customer_does_not_see_somebody_elses_device() {
    let events = [
        event("1", browser("a"), 0, viewed("mug")),
        event("2", visitor(Some("a"), Some("ada")), 1, page()),
        event("3", browser("free"), 0, viewed("pan")),
    ];
    let profiles = folded(&events);
    assert_eq!(profiles.view(&visitor(Some("a"), Some("new"))), None);
    assert_eq!(products(profiles.view(&visitor(Some("free"), Some("new")))), ["pan"]);
    assert_eq!(profiles.view(&visitor(Some("a"), None)), profiles.view(&customer("ada")));
}

#[test]
fn alias_links_an_anonymous_id_but_never_two_customers() {
    let events = [
        event("1", browser("a"), 0, viewed("mug")),
        event("2", customer("bob"), 1, viewed("pan")),
        event("3", customer("ada"), 2, aliased("a")),
        event("4", customer("ada"), 3, aliased("bob")),
        event("5", customer("ada"), 4, aliased("ada")),
        event("6", customer("ada"), 5, aliased("null")),
    ];
    let profiles = folded(&events);
    assert_eq!(products(profiles.view(&customer("ada"))), ["mug"]);
    assert_eq!(products(profiles.view(&customer("bob"))), ["pan"]);
    assert_eq!(
        verdicts(&profiles, &customer("ada")),
        [("a".to_owned(), "ada".to_owned(), Verdict::Linked), ("bob".to_owned(), "ada".to_owned(), Verdict::BothKnown),]
    );
    assert!(profiles.links(&customer("ada")).iter().all(|link| link.by == LinkedBy::Alias));
    // It makes no difference that bob becomes known only later.
    assert_eq!(everything(&folded(events.iter().rev())), everything(&profiles));
}

#[test]
fn values_that_are_no_ids_link_nothing() {
    for value in ["0", "00000000-0000-0000-0000-000000000000", "-1", "NULL", "Undefined", "anonymous", "n/a", " none "]
    {
        assert!(is_blocked(value), "{value}");
    }
    for value in ["01", "annonymous", "-1-", "nullius", "0x0"] {
        assert!(!is_blocked(value), "{value}");
    }
    let profiles = folded(&[
        event("1", visitor(Some("null"), Some("ada")), 0, viewed("mug")),
        event("2", visitor(Some("null"), Some("bob")), 1, viewed("pan")),
        event("3", browser("null"), 2, viewed("kite")),
        event("4", visitor(Some("a"), Some("undefined")), 3, viewed("vase")),
    ]);
    assert_eq!(profiles.view(&browser("null")), None);
    assert_eq!(profiles.events_of_nobody(), 1);
    assert_eq!(products(profiles.view(&customer("ada"))), ["mug"]);
    assert_eq!(products(profiles.view(&browser("a"))), ["vase"]);
    assert!(profiles.links(&customer("ada")).is_empty());
}

#[test]
fn a_shop_can_block_more_values() {
    let settings = IdentitySettings { blocked: ["kiosk".to_owned()].into(), ..IdentitySettings::default() };
    let events = [event("1", visitor(Some("KIOSK"), Some("ada")), 0, page())];
    assert!(folded_with(settings, &events).links(&customer("ada")).is_empty());
}

#[test]
fn links_beyond_the_limits_are_refused_and_seen() {
    let mut events = Vec::new();
    for number in 0..7 {
        let who = visitor(Some("kiosk"), Some(&format!("c{number}")));
        events.push(event(&format!("in {number}"), who, number * 120, page()));
        let product = format!("p{number}");
        events.push(event(&format!("then {number}"), browser("kiosk"), number * 120 + 1, viewed(&product)));
    }
    let profiles = folded(&events);
    assert_eq!(products(profiles.view(&customer("c4"))), ["p4"]);
    // What happens while a refused customer is signed in is nobody's but the device's.
    assert_eq!(products(profiles.view(&customer("c5"))), Vec::<String>::new());
    assert_eq!(products(profiles.view(&browser("kiosk"))), ["p5", "p6"]);
    let refused = verdicts(&profiles, &browser("kiosk"));
    let refused: Vec<&str> = refused
        .iter()
        .filter(|(_, _, verdict)| *verdict == Verdict::TooManyCustomers)
        .map(|(_, customer, _)| customer.as_str())
        .collect();
    assert_eq!(refused, ["c5", "c6"]);
}

#[test]
fn a_customer_has_a_limit_of_devices() {
    let mut events = Vec::new();
    for number in 0..103 {
        let device = format!("d{number}");
        events.push(event(&format!("view {number}"), browser(&device), number * 120, viewed("mug")));
        events.push(event(&format!("in {number}"), visitor(Some(&device), Some("ada")), number * 120 + 1, page()));
    }
    let profiles = folded(&events);
    let ada = profiles.view(&customer("ada")).unwrap();
    assert_eq!((ada.anonymous_ids.len(), ada.counts[&TouchKind::Viewed]), (100, 100));
    assert_eq!(profiles.view(&browser("d102")).unwrap().customer_id, None);
    let refused = profiles.links(&customer("ada")).into_iter();
    let refused: Vec<String> = refused
        .filter(|link| link.verdict == Verdict::TooManyAnonymousIds)
        .map(|link| link.anonymous_id.to_string())
        .collect();
    assert_eq!(refused, ["d100", "d101", "d102"]);
    assert_eq!(profiles.len(), 4);
}

#[test]
fn severing_a_link_undoes_the_merge() {
    let events = [
        event("1", browser("a"), 0, viewed("mug")),
        event("2", visitor(Some("a"), Some("ada")), 1, viewed("pan")),
        event("3", visitor(Some("a"), Some("bob")), 60, viewed("kite")),
    ];
    let severed = [("a".parse().unwrap(), "ada".parse().unwrap())].into();
    let profiles = folded_with(IdentitySettings { severed, ..IdentitySettings::default() }, &events);
    assert_eq!(products(profiles.view(&customer("ada"))), ["pan"]);
    assert_eq!(products(profiles.view(&customer("bob"))), ["mug", "kite"]);
}

#[test]
fn people_are_found_by_id_and_email() {
    let profiles = folded(&[
        event("1", visitor(Some("phone-1"), Some("ada")), 0, identified(&[("email", "Ada@Example.com")])),
        event("2", browser("phone-2"), 1, viewed("mug")),
        event("3", customer("bob"), 2, order(CommerceAction::OrderCompleted, "o", Some(5), vec![])),
    ]);
    let found = |prefix: &str| -> Vec<String> { profiles.search(prefix, None).map(|person| person.key).collect() };
    assert_eq!(found("AD"), ["ada"]);
    assert_eq!(found("ada@ex"), ["ada"]);
    assert_eq!(found("phone"), ["phone-2", "ada"]);
    assert_eq!(found(""), ["bob", "phone-2", "ada"]);
    assert_eq!(profiles.find("bob"), Some(customer("bob")));
    assert_eq!(profiles.find("phone-2"), Some(browser("phone-2")));
    assert_eq!(profiles.find("nobody"), None);
}
