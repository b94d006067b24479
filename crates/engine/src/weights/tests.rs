//! Weights are learned from made-up orders in which one source is right and another is not.

use std::collections::BTreeMap;
use std::sync::Arc;

use mercer_decide::{Placements, default_placements};
use mercer_recommend::interactions::Order;
use mercer_recommend::neighbours::{Neighbours, Settings};
use mercer_schema::{Product, ProductId, Timestamp};

use super::*;

const PRODUCTS: u32 = 60;

/// Orders in which every product goes with its neighbour of the other parity, and everybody takes product 0 half of the
/// time.
fn lessons() -> Lessons {
    let order = |number: u32| {
        let first = 2 * (number * 7 % (PRODUCTS / 2));
        let mut lines = vec![(Item(first), 1.0), (Item(first + 1), 1.0)];
        if number.is_multiple_of(2) {
            lines.push((Item(0), 1.0));
        }
        Order { customer: None, at: Timestamp(i64::from(number) * Timestamp::HOUR), lines }
    };
    Lessons { orders: (1..3_000).map(order).collect(), ..Lessons::default() }
}

fn world(placements: Vec<Placement>) -> World {
    let mut world = World::default();
    for number in 0..PRODUCTS {
        let id = ProductId::trusted(format!("p{number}"));
        world.catalog.save(Arc::new(Product::new(id, "Thing")), Timestamp(0));
    }
    world.placements = Arc::new(Placements::compile(placements));
    world
}

fn row(learned_weights: bool, weights: [f64; 2]) -> Placement {
    Placement {
        id: PlacementId::trusted("row"),
        groups: vec!["product".to_owned()],
        size: 3,
        sources: vec![
            Source { kind: SourceKind::BoughtTogether, weight: weights[0] },
            Source { kind: SourceKind::Newest, weight: weights[1] },
        ],
        learned_weights,
        ..default_placements().remove(0)
    }
}

fn fit(lessons: &Lessons) -> Models {
    Models { bought_together: Neighbours::fit(&lessons.baskets(), &Settings::bought_together()), ..Models::default() }
}

#[test]
fn what_foretells_the_rest_of_an_order_weighs_more() {
    let world =
        world(vec![row(true, [1.0, 4.0]), Placement { id: PlacementId::trusted("written"), ..row(false, [1.0, 4.0]) }]);
    let learned = learn(&lessons(), &world, fit);
    assert_eq!(learned.keys().map(PlacementId::as_str).collect::<Vec<_>>(), ["row"]);
    let weights: BTreeMap<SourceKind, f64> =
        learned.values().flatten().map(|source| (source.kind, source.weight)).collect();
    // As written it has a fourth of the other's weight.
    assert!(weights[&SourceKind::BoughtTogether] >= weights[&SourceKind::Newest], "{weights:?}");
    assert!((weights.values().sum::<f64>() - 5.0).abs() < 1e-9, "the sum stays: {weights:?}");
}

#[test]
fn little_data_changes_nothing() {
    let world = world(vec![row(true, [1.0, 4.0])]);
    let few = Lessons { orders: lessons().orders.into_iter().take(200).collect(), ..Lessons::default() };
    assert_eq!(learn(&few, &world, fit), Weights::new());
    assert_eq!(learn(&Lessons::default(), &world, fit), Weights::new());
}

#[test]
fn bytes_give_the_same_weights_and_broken_ones_are_refused() {
    let source = |kind, weight| Source { kind, weight };
    let weights: Weights = [
        (PlacementId::trusted("home"), vec![source(SourceKind::Popular, 0.0), source(SourceKind::ForYou, 2.5)]),
        (PlacementId::trusted("none"), Vec::new()),
    ]
    .into();
    let bytes = encode(&weights);
    assert_eq!(read(&bytes).unwrap(), weights);
    for end in 0..bytes.len() {
        assert!(read(&bytes[..end]).is_err(), "{end}");
    }
    let negative: Weights = [(PlacementId::trusted("home"), vec![source(SourceKind::Popular, -1.0)])].into();
    assert!(read(&encode(&negative)).is_err());
}

#[test]
fn the_worth_of_learned_weights_is_told_with_an_interval() {
    let world = world(vec![row(true, [1.0, 4.0])]);
    let judged = worth(&lessons(), &world);
    let [row] = judged.as_slice() else { panic!("{judged:?}") };
    assert!(row.cases >= LEAST_QUESTIONS && row.learned.mean > row.written.mean, "{row:?}");
    assert!(row.against_written.low > 0.0 && row.against_equal.low >= 0.0, "{row:?}");
    let of = |kind| row.weights.iter().find(|source| source.kind == kind).unwrap().weight;
    assert!(of(SourceKind::BoughtTogether) > 1.0 && of(SourceKind::Newest) < 4.0);
    assert!(worth(&Lessons::default(), &world).is_empty());
}
