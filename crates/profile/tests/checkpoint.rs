//! Drained pieces restore to the same profiles, and broken ones are refused.

mod support;

use std::collections::BTreeMap;

use mercer_profile::{Error, Profiles};
use proptest::prelude::*;
use support::*;

type Pieces = BTreeMap<Vec<u8>, Vec<u8>>;

fn save(pieces: &mut Pieces, profiles: &mut Profiles) {
    for (key, value) in profiles.drain_changes() {
        match value {
            Some(value) => pieces.insert(key, value),
            None => pieces.remove(&key),
        };
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 2))]

    #[test]
    fn all_pieces_restore_to_the_original(
        events in any_events(60), cuts in prop::collection::vec(0_usize..60, 3), are_limits_tight in any::<bool>(),
    ) {
        let settings = if are_limits_tight { tight() } else { Default::default() };
        let mut original = Profiles::new(settings);
        let mut pieces = Pieces::new();
        let mut reader = original.clone();
        for (index, event) in events.iter().enumerate() {
            original.apply(event);
            if cuts.contains(&index) {
                save(&mut pieces, &mut original);
                reader = original.clone();
            }
        }
        save(&mut pieces, &mut original);
        prop_assert!(original.drain_changes().is_empty());
        let mut restored = Profiles::restore(pieces.clone()).unwrap();
        prop_assert_eq!(everything(&restored), everything(&original));
        prop_assert!(restored.drain_changes().is_empty());

        // A restored fold goes on, and is saved, as the original would be.
        let more = events.iter().cloned().map(|mut event| {
            event.message_id = format!("again {}", event.message_id).parse().unwrap();
            event.occurred_at = event.occurred_at.plus(40_000_000);
            event
        });
        for event in more {
            original.apply(&event);
            restored.apply(&event);
        }
        save(&mut pieces, &mut restored);
        prop_assert_eq!(everything(&restored), everything(&original));
        prop_assert_eq!(everything(&Profiles::restore(pieces).unwrap()), everything(&original));
        drop(reader);
    }

    #[test]
    fn a_damaged_checkpoint_is_refused(
        events in any_events(20), at in any::<prop::sample::Index>(), byte in any::<prop::sample::Index>(), flip in 1_u8..,
    ) {
        let mut profiles = folded(&events);
        let mut pieces = Pieces::new();
        save(&mut pieces, &mut profiles);
        prop_assume!(!pieces.is_empty());
        let key = at.get(&pieces.keys().cloned().collect::<Vec<_>>()).clone();

        let mut flipped = pieces.clone();
        let value = flipped.get_mut(&key).unwrap();
        let index = byte.index(value.len());
        value[index] ^= flip;
        prop_assert!(Profiles::restore(flipped).is_err());

        let mut cut = pieces.clone();
        cut.get_mut(&key).unwrap().truncate(index);
        prop_assert!(Profiles::restore(cut).is_err());

        let mut missing = pieces.clone();
        missing.remove(&key);
        prop_assert!(missing.is_empty() || Profiles::restore(missing).is_err());
    }
}

#[test]
fn nothing_restores_to_nothing() {
    let profiles = Profiles::restore(Pieces::new()).unwrap();
    assert!(profiles.is_empty());
}

#[test]
fn another_format_says_what_to_do() {
    let mut profiles = folded(&[event("1", browser("a"), 0, page())]);
    let mut pieces = Pieces::new();
    save(&mut pieces, &mut profiles);
    let (_, value) = pieces.iter_mut().next().unwrap();
    value[0] = 9;
    let error = Profiles::restore(pieces).unwrap_err();
    assert!(matches!(&error, Error::Format { found: 9, .. }), "{error}");
    assert!(error.to_string().contains("fold the log anew"));
}

#[test]
fn an_unknown_piece_is_refused() {
    let mut profiles = folded(&[event("1", browser("a"), 0, page())]);
    let mut pieces = Pieces::new();
    save(&mut pieces, &mut profiles);
    pieces.insert(b"z".to_vec(), vec![1]);
    assert!(matches!(Profiles::restore(pieces), Err(Error::Broken { .. })));
}
