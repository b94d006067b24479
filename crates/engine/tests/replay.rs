//! Any logged decision is made again bit for bit, whatever was going on while it was made.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use mercer_engine::Engine;
use mercer_schema::{DecisionId, Fact, ModelVersion, PageDecision, Position, SearchRequest};
use support::{Shop, at, decision_id, request, tester, view};

const DECISIONS: u64 = 4_000;
/// Decisions that may wait for the log; beyond it they would go unlogged.
const WAITING: u64 = 500;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn thousands_of_decisions_made_while_models_are_swapped() {
    let folder = tempfile::tempdir().unwrap();
    let shop = Shop::open(folder.path());
    shop.stock().await;
    let versions = train_three(&shop.engine).await;
    let is_done = Arc::new(AtomicBool::new(false));
    let swaps = tokio::spawn(swap(Arc::clone(&shop.engine), versions.clone(), Arc::clone(&is_done)));
    let events = tokio::spawn(look_around(Arc::clone(&shop.engine), Arc::clone(&is_done)));
    let given = decide_all(&shop.engine).await;
    is_done.store(true, Ordering::Relaxed);
    let (swaps, events) = (swaps.await.unwrap(), events.await.unwrap());
    assert!(swaps > 20 && events > 100, "only {swaps} swaps and {events} events went on meanwhile");

    let logged = logged(&shop.engine).await;
    assert_eq!(logged.len(), given.len(), "every decision is in the log");
    for id in &logged {
        let replayed = shop.engine.replay(id).unwrap();
        assert!(replayed.is_identical, "{id} at {}", replayed.record.position);
        assert_eq!(replayed.answer, given[id]);
    }
    drop(shop);

    // The same from the disk alone, and newest first, so that each one is folded from the beginning.
    let shop = Shop::open(folder.path());
    for id in logged.iter().rev().step_by(1_000) {
        assert_eq!(shop.engine.replay(id).unwrap().answer, given[id]);
    }
}

/// Three models that answer differently: each knows more orders than the one before.
async fn train_three(engine: &Arc<Engine>) -> Vec<ModelVersion> {
    let mut versions = Vec::new();
    for round in 0..3 {
        let more = (0..200).map(|number| support::order(1_000 + round * 200 + number, at(3_000_000), number * 7 % 60));
        engine.accept_events(more.collect(), at(3_000_000)).await.unwrap();
        versions.push(engine.train(tester(), at(3_000_001 + round), |_| {}).await.unwrap().version);
    }
    versions
}

async fn swap(engine: Arc<Engine>, versions: Vec<ModelVersion>, is_done: Arc<AtomicBool>) -> usize {
    for number in 0.. {
        if is_done.load(Ordering::Relaxed) {
            return number;
        }
        // Canaries come and go with the champions; one that is the champion by now is refused.
        let tried = &versions[(number / 2) % versions.len()];
        let _ = engine.start_canary(tried, 0.5, &tester(), at(3_100_000)).await;
        tokio::time::sleep(Duration::from_millis(2)).await;
        engine.promote(&versions[number % versions.len()], &tester(), at(3_100_000)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    0
}

async fn look_around(engine: Arc<Engine>, is_done: Arc<AtomicBool>) -> u64 {
    for number in 0.. {
        if is_done.load(Ordering::Relaxed) {
            return number;
        }
        engine.accept_events(vec![view(number, at(3_100_000 + number))], at(3_100_000 + number)).await.unwrap();
    }
    0
}

async fn decide_all(engine: &Arc<Engine>) -> HashMap<DecisionId, PageDecision> {
    let next = Arc::new(AtomicU64::new(0));
    let deciders = (0..2).map(|_| tokio::spawn(decide_some(Arc::clone(engine), Arc::clone(&next))));
    let mut given = HashMap::new();
    for decider in deciders.collect::<Vec<_>>() {
        given.extend(decider.await.unwrap());
    }
    given
}

async fn decide_some(engine: Arc<Engine>, next: Arc<AtomicU64>) -> Vec<(DecisionId, PageDecision)> {
    let mut given = Vec::new();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= DECISIONS {
            return given;
        }
        if number.is_multiple_of(WAITING) {
            // What is accepted now stands behind all decisions so far: when it is durable, so are they.
            engine.accept_events(vec![view(1_000_000 + number, at(3_050_000))], at(3_050_000)).await.unwrap();
        }
        let id = decision_id(number);
        given.push((id.clone(), engine.decide(request(number), id, at(3_100_000 + number)).decision));
        tokio::task::yield_now().await;
    }
}

/// The ids of all decisions in the log, in its order, once the last one is there.
async fn logged(engine: &Arc<Engine>) -> Vec<DecisionId> {
    engine.accept_events(vec![view(2_000_000, at(3_200_000))], at(3_200_000)).await.unwrap();
    let records = engine.read(Position(0), usize::MAX).unwrap();
    let decided = records.into_iter().filter_map(|record| match record.fact {
        Fact::Decided(decision) => Some(decision.decision_id),
        _ => None,
    });
    decided.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn searches_are_made_again_and_what_many_type_outlives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let shop = Shop::open(folder.path());
    shop.stock().await;
    let mut given = Vec::new();
    for number in 0..200 {
        let word = shop.engine.snapshot().world.catalog.products().nth(number % 40).unwrap().1.title.clone();
        let visitor = support::visitor(number as u64 % 9);
        let request = SearchRequest {
            q: word,
            customer: visitor.customer_id,
            anonymous_id: visitor.anonymous_id,
            ..SearchRequest::default()
        };
        let (id, now) = (decision_id(number as u64), at(3_100_000 + number as u64));
        given.push((id.clone(), shop.engine.search(request, id, now).decision));
        if number == 100 {
            let changed = support::product(1);
            let changed = mercer_schema::Product { title: "Entirely other words".into(), ..changed };
            shop.engine.save_products(vec![changed], at(3_150_000)).await.unwrap();
        }
    }
    logged(&shop.engine).await;
    for (id, answer) in &given {
        let replayed = shop.engine.replay_search(id).unwrap();
        assert!(replayed.is_identical, "{id} at {}", replayed.record.position);
        assert_eq!(&replayed.answer, answer);
    }
    assert!(shop.engine.replay(&given[0].0).is_err(), "a search is no page");
    let wanted = |shop: &Shop| shop.engine.snapshot().world.queries.wanted().cloned().collect::<Vec<_>>();
    let before = wanted(&shop);
    assert!(!before.is_empty());
    drop(shop);
    let shop = Shop::open(folder.path());
    assert_eq!(wanted(&shop), before);
    assert!(shop.engine.replay_search(&given[199].0).unwrap().is_identical);
}
