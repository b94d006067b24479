//! Versions are removed when nothing needs them, and what they decided says so.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use mercer_engine::{Error, ModelOptions};
use mercer_schema::{ModelAction, ModelVersion};
use support::{Shop, at, decision_id, request, tester, view};

fn version(number: u64) -> ModelVersion {
    ModelVersion::trusted(format!("{number:06}"))
}

fn versions(shop: &Shop) -> Vec<ModelVersion> {
    shop.engine.models().unwrap().into_iter().map(|card| card.manifest.version).collect()
}

/// Four versions, each of them the champion for a while, and a decision of each.
async fn with_four(shop: &Shop) {
    shop.stock().await;
    for number in 1..=4 {
        let now = 3_000_000 + number * 1_000;
        let trained = shop.engine.train(tester(), at(now), |_| {}).await.unwrap();
        assert!(trained.promoted && trained.version == version(number), "{trained:?}");
        shop.engine.decide(request(0), decision_id(number), at(now + 500));
        shop.engine.accept_events(vec![view(number, at(now + 501))], at(now + 501)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_training_the_oldest_go_that_nothing_needs_and_the_audit_trail_tells_it() {
    let folder = tempfile::tempdir().unwrap();
    let shop = Shop::open_with(folder.path(), ModelOptions { keep_versions: 2, ..ModelOptions::default() });
    with_four(&shop).await;
    // The second is what the third, to which a roll-back leads, was compared with.
    assert_eq!(versions(&shop), [4, 3, 2].map(version));
    let snapshot = shop.engine.snapshot();
    let told: Vec<_> = snapshot.stages.changes.iter().filter(|change| change.action == ModelAction::Removed).collect();
    assert_eq!((told.len(), &told[0].version, &*told[0].by), (1, &version(1), "Mercer"));
    assert!(told[0].why.contains("newest 2 versions"), "{}", told[0].why);
    assert_eq!(snapshot.world.models.version, Some(version(4)), "what serves is as it was");
    drop(shop);

    let shop = Shop::open(folder.path());
    let snapshot = shop.engine.snapshot();
    assert_eq!(snapshot.stages.champion, Some(version(4)));
    assert!(snapshot.differences(&shop.engine.snapshot_at(snapshot.position()).unwrap()).is_empty());
    let gone = shop.engine.replay(&decision_id(1)).unwrap_err();
    assert!(matches!(&gone, Error::ModelGone { version: named, .. } if *named == version(1)), "{gone}");
    assert!(gone.to_string().contains("was removed on 2025-"), "{gone}");
    let then = shop.engine.find_decision(&decision_id(1)).unwrap();
    let as_of = shop.engine.decide_as_of(&request(0), decision_id(9), then.decided_at);
    assert!(matches!(as_of, Err(Error::ModelGone { .. })), "{as_of:?}");
    for number in 2..=4 {
        assert!(shop.engine.replay(&decision_id(number)).unwrap().is_identical, "{number}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn by_hand_a_version_goes_unless_it_is_needed_and_a_canary_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let shop = Shop::open_with(folder.path(), ModelOptions { keep_versions: 0, ..ModelOptions::default() });
    with_four(&shop).await;
    assert_eq!(versions(&shop).len(), 4, "0 keeps all");
    shop.engine.start_canary(&version(3), 0.5, &tester(), at(3_010_300)).await.unwrap();
    let before = shop.engine.snapshot().position();
    for (number, reason) in [(4, "is the champion"), (3, "is tried"), (2, "compared with")] {
        let refused = shop.engine.remove_model(&version(number), &tester(), at(3_010_301)).await.unwrap_err();
        assert!(matches!(&refused, Error::WrongStage(told) if told.contains(reason)), "{number}: {refused}");
    }
    let unknown = shop.engine.remove_model(&version(9), &tester(), at(3_010_301)).await;
    assert!(matches!(unknown, Err(Error::NoSuchModel(_))), "{unknown:?}");
    assert_eq!(shop.engine.snapshot().position(), before, "what is refused is no record");

    shop.engine.remove_model(&version(1), &tester(), at(3_010_302)).await.unwrap();
    let snapshot = shop.engine.snapshot();
    assert!(snapshot.stages.canary.is_some() && snapshot.world.canary.is_some());
    let told = snapshot.stages.changes.last().unwrap();
    assert_eq!((told.action, &told.version, &*told.by), (ModelAction::Removed, &version(1), "tester"));
    assert!(!folder.path().join("models/000001").exists());
    // It is still in memory; what is not on the disk is not made the champion.
    assert!(matches!(
        shop.engine.promote(&version(1), &tester(), at(3_010_303)).await,
        Err(Error::Model { reason, .. }) if reason.contains("000001")
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_roll_back_leads_and_the_newest_stay() {
    let folder = tempfile::tempdir().unwrap();
    let shop = Shop::open_with(folder.path(), ModelOptions { promote: false, ..ModelOptions::default() });
    shop.stock().await;
    for number in 1..=3 {
        shop.engine.train(tester(), at(3_000_000 + number), |_| {}).await.unwrap();
    }
    for number in [1, 2] {
        shop.engine.promote(&version(number), &tester(), at(3_000_010)).await.unwrap();
    }
    std::fs::remove_file(folder.path().join("models/aliases.json")).unwrap();
    for (number, reason) in [(1, "where a roll-back leads"), (2, "is the champion"), (3, "is the newest")] {
        let refused = shop.engine.remove_model(&version(number), &tester(), at(3_000_020)).await.unwrap_err();
        assert!(refused.to_string().contains(reason), "{number}: {refused}");
    }
}
