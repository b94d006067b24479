//! Late, repeated and unordered events give the same state as on time, once and in order.

mod support;

use mercer_profile::IdentitySettings;
use mercer_schema::{Event, TouchKind};
use proptest::prelude::*;
use support::*;

fn any_settings() -> impl Strategy<Value = IdentitySettings> {
    prop_oneof![Just(IdentitySettings::default()), Just(tight())]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases * 3 / 2))]

    #[test]
    fn arrival_does_not_show(
        events in any_events(60),
        order in prop::collection::vec(any::<u32>(), 60),
        repeated in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        settings in any_settings(),
    ) {
        let mut on_time = events;
        on_time.sort_by_key(|event| event.occurred_at);
        let expected = everything(&folded_with(settings.clone(), &on_time));

        let mut arrived = shuffled(&on_time, &order);
        // Repetitions of events that count to nobody are counted, so they are left out here.
        let is_of_somebody = |event: &Event| {
            let lone = folded([event]);
            lone.events_of_nobody() == 0
        };
        if !arrived.is_empty() {
            let again: Vec<Event> = repeated.iter().map(|index| index.get(&arrived).clone()).collect();
            arrived.extend(again.into_iter().filter(is_of_somebody));
        }
        let order: Vec<u32> = order.iter().rev().copied().cycle().take(arrived.len()).collect();
        let arrived = shuffled(&arrived, &order);
        prop_assert_eq!(everything(&folded_with(settings, &arrived)), expected);
    }

    #[test]
    fn the_list_holds_everybody_once_newest_first(events in any_events(60), settings in any_settings()) {
        let profiles = folded_with(settings, &events);
        let listed: Vec<_> = profiles.people().collect();
        prop_assert!(listed.is_sorted_by(|left, right| left.profile.last_seen_at >= right.profile.last_seen_at));
        prop_assert_eq!(listed.len(), profiles.len());

        // Everybody who can be seen is in the list under their key, with what is seen.
        for visitor in visitors() {
            if let Some(profile) = profiles.view(&visitor) {
                let is_theirs = |profile: &mercer_schema::Profile| match &profile.customer_id {
                    Some(id) => profiles.person_key(&visitor).as_deref() == Some(id.as_str()),
                    None => true,
                };
                prop_assert!(is_theirs(&profile));
                let found = listed.iter().filter(|person| person.profile == profile).count();
                prop_assert_eq!(found, 1);
            }
        }
        // No event is lost and none counts twice.
        let of_list = |kind: TouchKind| -> u64 {
            listed.iter().map(|person| person.profile.counts.get(&kind).copied().unwrap_or(0)).sum()
        };
        let of_events = |kind: TouchKind| {
            let usable = events.iter().filter(|event| folded([*event]).events_of_nobody() == 0);
            usable.flat_map(mercer_profile::touches_of).filter(|touch| touch.kind == kind).count() as u64
        };
        for kind in [TouchKind::Viewed, TouchKind::AddedToCart, TouchKind::Clicked, TouchKind::Reviewed] {
            prop_assert_eq!(of_list(kind), of_events(kind), "{:?}", kind);
        }
    }

    #[test]
    fn pages_of_the_list_join_to_the_whole(events in any_events(40), size in 1_usize..5) {
        let profiles = folded(&events);
        let whole: Vec<_> = profiles.people().collect();
        let mut paged = Vec::new();
        let mut cursor = None;
        loop {
            let page: Vec<_> = profiles.people_after(cursor).take(size).collect();
            let Some(last) = page.last() else { break };
            cursor = Some(last.cursor.to_string().parse().unwrap());
            paged.extend(page);
        }
        prop_assert_eq!(paged, whole);
    }

    #[test]
    fn a_clone_never_changes(events in any_events(40), cut in 0_usize..40) {
        let (early, late) = events.split_at(cut.min(events.len()));
        let mut profiles = folded(early);
        let clone = profiles.clone();
        let before = everything(&clone);
        late.iter().for_each(|event| profiles.apply(event));
        prop_assert_eq!(everything(&clone), before);
    }

    /// Whose events are whose, told by a second, naive reading of the rules.
    #[test]
    fn anonymous_events_go_to_whom_was_signed_in(
        happened in prop::collection::vec((0_usize..3, prop::option::of(0_usize..3)), 1..40),
        order in prop::collection::vec(any::<u32>(), 40),
    ) {
        let events: Vec<Event> = (0..).zip(&happened).map(|(hour, (device, customer))| {
            let who = visitor(Some(BROWSERS[*device]), customer.map(|index| CUSTOMERS[index]));
            event(&format!("m{hour}"), who, hour * 60, page())
        }).collect();
        let profiles = folded(&shuffled(&events, &order));

        let owner = |index: usize| -> String {
            let (device, customer) = happened[index];
            let of_device = |range: &[(usize, Option<usize>)]| -> Vec<usize> {
                range.iter().filter(|(other, _)| *other == device).filter_map(|(_, customer)| *customer).collect()
            };
            let latest = of_device(&happened[..=index]).last().copied();
            match customer.or(latest).or_else(|| of_device(&happened).first().copied()) {
                Some(customer) => CUSTOMERS[customer].to_owned(),
                None => BROWSERS[device].to_owned(),
            }
        };
        let mut expected = std::collections::BTreeMap::new();
        (0..happened.len()).for_each(|index| *expected.entry(owner(index)).or_insert(0_u32) += 1);
        let counted: std::collections::BTreeMap<String, u32> =
            profiles.people().map(|person| (person.key, person.profile.hours.iter().sum())).collect();
        prop_assert_eq!(counted, expected);
    }
}

/// More of everything than is kept, on devices that several customers share.
#[test]
fn limits_do_not_depend_on_arrival() {
    let mut events = Vec::new();
    for number in 0..3_000_i64 {
        let minutes = (number * 7_919) % 900_000;
        let who = match number % 7 {
            0 => visitor(Some("a0"), Some(&format!("c{}", number % 31))),
            1 => visitor(Some(&format!("d{}", number % 140)), Some("u0")),
            2 => customer("u0"),
            _ => browser("a0"),
        };
        let activity = match number % 5 {
            0 => order(mercer_schema::CommerceAction::OrderCompleted, &format!("o{number}"), Some(number), vec![]),
            1 => identified(&[(&format!("trait {}", number % 97), &number.to_string())]),
            2 => aliased(&format!("d{}", number % 83)),
            _ => viewed(&format!("p{}", number % 1_000)),
        };
        events.push(event(&format!("m{number}"), who, minutes, activity));
    }
    let expected = everything(&folded(&events));
    events.sort_by_key(|event| event.occurred_at);
    assert!(everything(&folded(&events)) == expected, "in order of time");
    events.reverse();
    assert!(everything(&folded(&events)) == expected, "in reverse");
}
