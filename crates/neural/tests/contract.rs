//! The network keeps the contract of all recommenders, before and after its bytes, and refuses damaged ones.
#![allow(clippy::unwrap_used)]

use std::sync::OnceLock;

use mercer_neural::{HeldOut, Lessons, NextItem, Settings, Shape};
use mercer_recommend::sessions::Repeats;
use mercer_recommend::{Error, Item, Query, Recommender, Scored};
use proptest::prelude::*;

const ITEMS: u32 = 30;

fn settings() -> Settings {
    let shape = Shape { width: 16, layers: 2, heads: 2, inner: 24, longest: 6 };
    Settings {
        shape,
        epochs: 25,
        batch: 16,
        rate: 0.02,
        warm_up: 10,
        dropout: 0.0,
        input_dropout: 0.0,
        own_dropout: 0.0,
        negatives: 0,
        averaging: 0.0,
        ..Settings::default()
    }
}

/// Every item is followed by the next one, from wherever a sequence begins. Items of one ten share an attribute.
fn model() -> &'static NextItem {
    static MODEL: OnceLock<NextItem> = OnceLock::new();
    MODEL.get_or_init(|| {
        let run = |start: u32| (0..4 + start % 5).map(|step| Item((start + step) % ITEMS)).collect();
        let sequences: Vec<Vec<Item>> = (0..300).map(run).collect();
        let attributes: Vec<Vec<u32>> = (0..ITEMS).map(|item| vec![item / 10]).collect();
        let lessons = Lessons { sequences: &sequences, items: ITEMS as usize, attributes: &attributes, held_out: &[] };
        NextItem::fit(&lessons, &Settings { own_dropout: 0.1, ..settings() }, |_| ()).unwrap()
    })
}

fn bytes(model: &NextItem) -> Vec<u8> {
    model.encode(|item| format!("item {}", item.0), |attribute| format!("ten {attribute}"))
}

fn read(bytes: &[u8]) -> Result<NextItem, Error> {
    let number = |name: &str, kind: &str| name.strip_prefix(kind)?.parse().ok().filter(|number| *number < 1_000);
    NextItem::decode(bytes, |name| number(name, "item ").map(Item), |name| number(name, "ten "))
}

/// The rules of the trait.
fn check(model: &NextItem, query: &Query<'_>, limit: usize) -> Vec<Scored> {
    let found = model.recommend(query, limit);
    assert!(found.len() <= limit && found.iter().all(|scored| scored.score.is_finite()), "{found:?}");
    assert!(found.iter().all(|scored| !query.seeds.contains(&scored.item)), "a seed is proposed: {found:?}");
    let in_order = |pair: &[Scored]| {
        pair[0].score > pair[1].score || (pair[0].score == pair[1].score && pair[0].item < pair[1].item)
    };
    assert!(found.windows(2).all(in_order), "{found:?}");
    assert_eq!(model.recommend(query, limit), found, "asked twice");
    found
}

fn items(numbers: &[u32]) -> Vec<Item> {
    numbers.iter().map(|number| Item(*number)).collect()
}

fn first(model: &NextItem, session: &[u32]) -> Item {
    model.recommend(&Query { session: &items(session), ..Query::default() }, 1)[0].item
}

#[test]
fn it_learns_what_follows() {
    for start in 0..ITEMS {
        let session = [start, (start + 1) % ITEMS, (start + 2) % ITEMS];
        assert_eq!(first(model(), &session), Item((start + 3) % ITEMS));
    }
    let found = check(model(), &Query { session: &items(&[4]), ..Query::default() }, 100);
    assert_eq!(found.len(), ITEMS as usize, "all items are ranked");
    assert!((found.iter().map(|scored| scored.score).sum::<f32>() - 1.0).abs() < 1e-4, "by their probabilities");
}

#[test]
fn training_is_the_same_every_time_and_stops_by_the_held_out_items() {
    let sequences: Vec<Vec<Item>> = (0..40).map(|start| items(&[start % 5, start % 5 + 5])).collect();
    let held_out = [HeldOut { sequence: items(&[2]), next: Item(7), repeats: false }];
    let lessons = Lessons { sequences: &sequences, items: 10, attributes: &[], held_out: &held_out };
    let settings = Settings { epochs: 60, patience: 3, averaging: 0.5, negatives: 6, dropout: 0.1, ..settings() };
    let fit = || {
        let mut epochs = Vec::new();
        let model =
            NextItem::fit(&lessons, &settings, |progress| epochs.push((progress.recall, progress.ndcg))).unwrap();
        (bytes(&model), epochs)
    };
    let ((first, epochs), (second, _)) = (fit(), fit());
    assert_eq!(first, second);
    assert!(epochs.len() < 60 && epochs.contains(&(1.0, 1.0)), "{epochs:?}");
}

#[test]
fn a_new_item_is_known_by_its_attributes() {
    let mut model = model().clone();
    let session = items(&[21, 22]);
    let query = Query { session: &session, ..Query::default() };
    assert!(!model.admit(Item(50), &[9]), "nothing is known of it");
    assert!(model.admit(Item(50), &[2]) && model.admit(Item(40), &[0, 7]) && model.admit(Item(3), &[]));
    assert_eq!(model.len(), ITEMS as usize + 2);
    let found = check(&model, &query, 100);
    let place = |item: u32| found.iter().position(|scored| scored.item == Item(item)).unwrap();
    assert!(place(50) < place(40), "the new one of the same ten comes first");
    assert_eq!(read(&bytes(&model)).unwrap(), model);
    check(&model, &Query { session: &items(&[50, 40]), ..Query::default() }, 5);
}

#[test]
fn repeats_are_proposed_as_told() {
    let session = items(&[1, 2]);
    let query = Query { session: &session, ..Query::default() };
    for (repeats, missing) in [(Repeats::All, vec![]), (Repeats::Earlier, vec![2]), (Repeats::None, vec![1, 2])] {
        let mut bytes = bytes(model());
        // Behind the head come five sizes, then the repeats.
        let at = 4 + 4 + "next-item".len() + 2 + 5 * 4;
        bytes[at] = repeats as u8;
        let found = check(&read(&bytes).unwrap(), &query, 100);
        let not_there: Vec<u32> = (0..ITEMS).filter(|item| found.iter().all(|found| found.item.0 != *item)).collect();
        assert_eq!(not_there, missing);
    }
}

#[test]
fn what_cannot_be_trained_is_said() {
    let nothing = Lessons::default();
    let odd = Settings { shape: Shape { width: 10, heads: 4, ..Shape::default() }, ..settings() };
    assert!(NextItem::fit(&nothing, &odd, |_| ()).is_err());
    let empty = NextItem::fit(&nothing, &settings(), |_| ()).unwrap();
    assert!(empty.is_empty() && check(&empty, &Query { session: &items(&[1]), ..Query::default() }, 5).is_empty());
    assert_eq!(read(&bytes(&empty)).unwrap(), empty);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 2))]

    #[test]
    fn it_keeps_the_contract_also_read_from_bytes(
        seeds in proptest::collection::vec(0_u32..40, 0..4),
        session in proptest::collection::vec(prop_oneof![9 => 0_u32..40, 1 => Just(u32::MAX)], 0..12),
        history in proptest::collection::vec((0_u32..40, -1.0_f32..3.0), 0..6),
        limit in 0_usize..40,
    ) {
        let (seeds, session) = (items(&seeds), items(&session));
        let history: Vec<(Item, f32)> = history.into_iter().map(|(item, weight)| (Item(item), weight)).collect();
        let query = Query { seeds: &seeds, session: &session, history: &history, ..Query::default() };
        let found = check(model(), &query, limit);
        let more = check(model(), &query, limit + 7);
        prop_assert_eq!(&more[..found.len()], &found[..], "a longer answer begins with the shorter one");
        prop_assert!(found.len() == limit || more.len() == found.len());
        let bits = |found: &[Scored]| -> Vec<_> {
            found.iter().map(|scored| (scored.item, scored.score.to_bits(), scored.because_of)).collect()
        };
        prop_assert_eq!(bits(&read(&bytes(model())).unwrap().recommend(&query, limit)), bits(&found));
    }

    #[test]
    fn damaged_bytes_are_refused_or_are_a_model(
        at in any::<prop::sample::Index>(), cut in 0_usize..6, put in prop::collection::vec(any::<u8>(), 0..6),
        junk in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let whole = bytes(model());
        let at = at.index(whole.len());
        let mut damaged = whole.clone();
        damaged.splice(at..(at + cut).min(whole.len()), put);
        if let Ok(model) = read(&damaged) {
            check(&model, &Query { session: &items(&[3, 4]), ..Query::default() }, 10);
        }
        prop_assert!(read(&whole[..at]).is_err());
        prop_assert!(read(&[b"MRCR".as_slice(), &junk].concat()).is_err());
    }
}
