//! Which model serves: what the log promoted last, as soon as it can be read.
#![allow(clippy::unwrap_used)]

mod support;

use mercer_engine::AlarmKind;
use support::{Shop, at, decision_id, request, tester, view};

#[tokio::test(flavor = "multi_thread")]
async fn a_champion_whose_file_comes_back_serves_again_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let shop = Shop::open(folder.path());
    shop.stock().await;
    let version = shop.engine.train(tester(), at(3_000_001), |_| {}).await.unwrap().version;
    drop(shop);
    let file = folder.path().join("models").join(version.to_string()).join("for_you.model");
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, b"cut short").unwrap();

    for _ in 0..2 {
        let shop = Shop::open(folder.path());
        assert_eq!(shop.engine.snapshot().world.models.version, None, "a broken model does not serve");
        // Something happens, so that a checkpoint is written when the shop closes.
        let now = at(3_000_002);
        shop.engine.accept_events(vec![support::view(shop.engine.snapshot().position().0, now)], now).await.unwrap();
    }
    std::fs::write(&file, whole).unwrap();
    let shop = Shop::open(folder.path());
    assert_eq!(shop.engine.snapshot().world.models.version, Some(version));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_champion_that_cannot_be_read_leaves_its_place_to_the_one_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let shop = Shop::open(folder.path());
    shop.stock().await;
    let first = shop.engine.train(tester(), at(3_000_001), |_| {}).await.unwrap().version;
    let second = shop.engine.train(tester(), at(3_000_100), |_| {}).await.unwrap().version;
    drop(shop);
    let file = folder.path().join("models").join(second.as_str()).join("for_you.model");
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, b"cut short").unwrap();

    let shop = Shop::open(folder.path());
    let snapshot = shop.engine.snapshot();
    assert_eq!(snapshot.world.models.version, Some(first.clone()), "from the checkpoint");
    assert_eq!(snapshot.stages.champion, Some(second.clone()), "what the log says stands");
    let folded = shop.engine.snapshot_at(snapshot.position()).unwrap();
    assert!(snapshot.differences(&folded).is_empty(), "folding the log says the same");
    let given = shop.engine.decide(request(0), decision_id(0), at(3_000_200)).decision;
    shop.engine.accept_events(vec![view(1, at(3_000_201))], at(3_000_201)).await.unwrap();
    assert!(shop.engine.replay(&given.decision_id).unwrap().is_identical);
    shop.engine.look_after_models(at(3_000_202)).await.unwrap();
    let alarms = shop.engine.alarms();
    let told = alarms.iter().find(|alarm| alarm.kind == AlarmKind::ChampionUnreadable).unwrap();
    assert!(told.text.contains(&format!("Version {first}, a champion before it, serves")), "{}", told.text);
    assert!(told.text.contains("put its files back"), "{}", told.text);
    let cards = shop.engine.models().unwrap();
    assert!(cards.iter().all(|card| card.is_champion == (card.manifest.version == first)), "who serves is named");
    drop(shop);

    std::fs::write(&file, whole).unwrap();
    assert_eq!(Shop::open(folder.path()).engine.snapshot().world.models.version, Some(second));
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_aliases_are_set_aside_and_named_anew_from_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let shop = Shop::open(folder.path());
    shop.stock().await;
    let version = shop.engine.train(tester(), at(3_000_001), |_| {}).await.unwrap().version;
    drop(shop);
    let aliases = folder.path().join("models/aliases.json");
    std::fs::write(&aliases, b"{\"format\": 1, \"ali").unwrap();
    let shop = Shop::open(folder.path());
    assert_eq!(shop.engine.snapshot().world.models.version, Some(version));
    assert!(shop.engine.models().unwrap()[0].is_champion, "the alias is mended");
    assert!(folder.path().join("models/aliases.json.damaged").is_file() && aliases.is_file());
}
