//! Pieces of the engine's own folds of any content: refused, or a fold like any other.

use std::collections::BTreeMap;

use mercer_schema::{Currency, Timestamp, Visitor};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::history::Timeline;
use crate::orders::OrdersCounted;
use crate::tally::{HourTally, Tally};

type Pieces = Vec<(Vec<u8>, Vec<u8>)>;

/// Pieces as they are written, one of them with some bytes cut out and others put in.
fn damaged(pieces: &Pieces, which: Index, hits_key: bool, damage: &[(Index, u8, Vec<u8>)]) -> Pieces {
    let mut pieces = pieces.clone();
    let place = which.index(pieces.len());
    let part = if hits_key { &mut pieces[place].0 } else { &mut pieces[place].1 };
    for (at, cut, inserted) in damage {
        let at = at.index(part.len() + 1);
        let end = (at + usize::from(*cut)).min(part.len());
        part.splice(at..end, inserted.iter().copied());
    }
    pieces
}

proptest! {
    #[test]
    fn pieces_of_any_content(
        which in any::<Index>(),
        hits_key in any::<bool>(),
        damage in prop::collection::vec((any::<Index>(), 0_u8..9, prop_oneof![
            prop::collection::vec(any::<u8>(), 0..9),
            Just(vec![0xff; 10]),
            Just(vec![0x80; 10]),
        ]), 1..4),
    ) {
        let revenue_minor = BTreeMap::from([(Currency::parse("EUR").unwrap(), i64::MAX)]);
        let hour = HourTally { events: 9, orders: 2, revenue_minor, ..HourTally::default() };
        let tally: Pieces = (490_000_i64..490_004).map(|at| (at.to_be_bytes().to_vec(), postcard::to_stdvec(&hour).unwrap())).collect();
        if let Some(tally) = Tally::restore(damaged(&tally, which, hits_key, &damage)) {
            let mut sum = HourTally::default();
            for (at, _) in tally.between(Timestamp(i64::MIN), Timestamp(i64::MAX)) {
                prop_assert!(at <= tally.last_hour().unwrap());
            }
            for _ in 0..3 {
                sum.add(&hour);
            }
            prop_assert_eq!(sum.revenue_minor.values().copied().collect::<Vec<_>>(), [i64::MAX]);
        }
        let timeline: Pieces = (0..4_u64).map(|key| (key.to_be_bytes().to_vec(), postcard::to_stdvec(&vec![1_u64, 2, 3]).unwrap())).collect();
        if let Some(timeline) = Timeline::restore(damaged(&timeline, which, hits_key, &damage)) {
            timeline.of(&[Visitor::default()]);
        }
        let orders: Pieces = (0..4_u64).map(|key| (key.to_be_bytes().to_vec(), vec![1])).collect();
        OrdersCounted::restore(damaged(&orders, which, hits_key, &damage));
    }
}
