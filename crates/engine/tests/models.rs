//! Models are kept safe: the gate, resuming, canaries, going back, and files that are broken.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mercer_engine::{AlarmKind, Audit, Error, ModelOptions, Outcome};
use mercer_schema::{
    Activity, Arm, CustomerId, DecideRequest, Exposure, Fact, ModelAction, ModelVersion, Position, Timestamp, Visitor,
};
use support::{Shop, at, decision_id, event, order, request, tester, view};

/// More orders of the same kind, after what the shop was stocked with.
async fn more(shop: &Shop, round: u64) {
    let orders = (0..200).map(|number| {
        order(1_000 + round * 200 + number, at(3_000_000 + round * 50_000 + number * 200), number * 7 % 60)
    });
    shop.engine.accept_events(orders.collect(), at(3_000_000 + round * 50_000)).await.unwrap();
}

async fn trained(shop: &Shop, second: u64) -> ModelVersion {
    shop.engine.train(tester(), at(second), |_| {}).await.unwrap().version
}

fn damage(folder: &Path, version: &ModelVersion, damage: impl Fn(&Path)) -> Vec<u8> {
    let file = folder.join("models").join(version.as_str()).join("for_you.model");
    let whole = std::fs::read(&file).unwrap();
    damage(&file);
    whole
}

#[tokio::test(flavor = "multi_thread")]
async fn the_manifest_tells_where_a_version_comes_from_and_how_it_did() {
    let folder = tempfile::tempdir().unwrap();
    let shop = Shop::open(folder.path());
    shop.stock().await;
    let first = shop.engine.train(tester(), at(3_000_001), |_| {}).await.unwrap();
    assert!(first.promoted && first.gate.passed && first.gate.champion.is_none(), "{:?}", first.gate);
    let snapshot = shop.engine.snapshot();
    let promoted = snapshot.stages.changes.last().unwrap();
    let made = shop.engine.models().unwrap().remove(0).manifest.created_at;
    assert!(made == at(3_000_001) && promoted.at > made, "dated at the end of the run, not at its begin: {promoted:?}");
    more(&shop, 1).await;
    let second = shop.engine.train(Audit::new("ann", "new season"), at(3_100_000), |_| {}).await.unwrap();
    let card = shop.engine.models().unwrap().remove(0).manifest;
    assert_eq!(card.version, second.version);
    let lineage = &card.lineage;
    assert_eq!(
        (lineage.parent.as_ref(), &*lineage.requested_by, &*lineage.why),
        (Some(&first.version), "ann", "new season")
    );
    assert_eq!((lineage.counts["orders"], lineage.models.len(), lineage.digest.len()), (800, 13, 32));
    let gate = &card.gate;
    assert_eq!(gate.champion, Some(first.version));
    assert!(gate.protocol.contains("came after everything the champion had learned from"), "{}", gate.protocol);
    assert!(gate.cases >= 200 && gate.cut > Some(at(2_399_000)));
    for name in ["Next order: recall at 20", "Products shown", "Time to answer, median µs", "Memory, bytes"] {
        let check = gate.checks.iter().find(|check| check.name == name).unwrap_or_else(|| panic!("{name}: {gate:?}"));
        assert!(check.champion.is_some() && !check.words.is_empty(), "{check:?}");
    }
    let slices: Vec<&str> = gate.checks.iter().map(|check| check.slice.as_str()).collect();
    assert!(slices.contains(&"cold items"), "{slices:?}");
    // The same data and recipes again: nothing new to judge by, and nothing is lost.
    let third = shop.engine.train(tester(), at(3_100_001), |_| {}).await.unwrap();
    assert!(third.gate.passed && third.gate.protocol.contains("Too little has happened"), "{}", third.gate.protocol);
    let digest = shop.engine.models().unwrap().remove(0).manifest.lineage.digest;
    assert_eq!(digest, card.lineage.digest, "equal data, equal digest");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_that_loses_waits_and_the_champion_serves_on() {
    let folder = tempfile::tempdir().unwrap();
    let shop = Shop::open(folder.path());
    shop.stock().await;
    let champion = trained(&shop, 3_000_001).await;
    drop(shop);
    // A shop in which customers come back for what goes with what they had, as the champion has learned. The candidate is
    // fitted by a Mercer of another version on days that say nothing: its recipe cannot be judged by the champion's files.
    let shop = Shop::open_as(folder.path(), "another version", ModelOptions::default());
    let tried = shop.engine.train(tester(), at(3_000_002), |_| {}).await.unwrap();
    assert!(!tried.promoted && tried.gate.protocol.contains("Nothing fair can be said"), "{:?}", tried.gate.protocol);
    assert_eq!(shop.engine.snapshot().world.models.version, Some(champion));
    // Some days later the two can be compared on days that neither has seen.
    more(&shop, 1).await;
    let tried = shop.engine.train(tester(), at(3_100_000), |_| {}).await.unwrap();
    assert!(tried.gate.protocol.contains("came after everything"), "{:?}", tried.gate.protocol);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_cut_off_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let shop = Shop::open(folder.path());
    shop.stock().await;
    let step = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&step);
    let cut_off = shop.engine.train(tester(), at(3_000_001), move |_| {
        assert!(counted.fetch_add(1, Ordering::Relaxed) < 8, "the power goes");
    });
    cut_off.await.unwrap_err();
    assert!(matches!(shop.engine.training().outcome, Some(Outcome::Failed { .. })));
    assert!(folder.path().join("models/run/run.json").is_file());
    drop(shop);

    let shop = Shop::open(folder.path());
    let left = shop.engine.interrupted_training(at(3_000_100)).unwrap();
    assert_eq!(left, tester());
    // What happens meanwhile is for the next run: this one goes on with the data it began with.
    shop.engine.accept_events(vec![view(1, at(3_000_002))], at(3_000_002)).await.unwrap();
    let trained = shop.engine.train(left, at(3_000_100), |_| {}).await.unwrap();
    let manifest = shop.engine.models().unwrap().remove(0).manifest;
    assert_eq!((manifest.version, manifest.lineage.resumed), (trained.version, 6));
    assert!(!folder.path().join("models/run").exists());
    assert_eq!(shop.engine.training().resumed, 6);
    assert!(shop.engine.interrupted_training(at(3_000_101)).is_none());

    // A whole run on the same data makes the same files.
    let whole = tempfile::tempdir().unwrap();
    let other = Shop::open(whole.path());
    other.stock().await;
    other.engine.train(tester(), at(3_000_001), |_| {}).await.unwrap();
    assert_eq!(other.engine.models().unwrap().remove(0).manifest.files, manifest.files);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_training_stops_with_the_step_it_is_at_when_mercer_does_and_the_next_start_goes_on_with_it() {
    let folder = tempfile::tempdir().unwrap();
    Shop::open(folder.path()).stock().await;
    for steps in [1, 8] {
        let shop = Shop::open(folder.path());
        let (step, stopping) = (AtomicUsize::new(1), Arc::downgrade(&shop.engine));
        let stopped = shop.engine.train(Audit::new("ann", "new season"), at(3_000_001), move |_| {
            if step.fetch_add(1, Ordering::Relaxed) == steps {
                stopping.upgrade().unwrap().stop_training();
            }
        });
        assert!(matches!(stopped.await, Err(Error::TrainingStopped)), "{steps}");
        assert_eq!(shop.engine.training().outcome, Some(Outcome::Stopped));
        shop.engine.look_after_models(at(3_000_002)).await.unwrap();
        assert!(shop.engine.alarms().is_empty(), "nothing is wrong with it: {:?}", shop.engine.alarms());
        assert!(shop.engine.train(tester(), at(3_000_003), |_| {}).await.is_err(), "none begins any more");
        drop(shop);
        let shop = Shop::open(folder.path());
        assert_eq!(shop.engine.interrupted_training(at(3_000_100)), Some(Audit::new("ann", "new season")), "{steps}");
    }
    let shop = Shop::open(folder.path());
    let left = shop.engine.interrupted_training(at(3_000_100)).unwrap();
    let trained = shop.engine.train(left, at(3_000_100), |_| {}).await.unwrap();
    let manifest = shop.engine.models().unwrap().remove(0).manifest;
    assert_eq!((manifest.version, manifest.lineage.resumed, trained.promoted), (trained.version, 6, true));
    assert_eq!((&*manifest.lineage.requested_by, &*manifest.lineage.why), ("ann", "new season"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_yesterday_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    let shop = Shop::open(folder.path());
    shop.stock().await;
    let step = AtomicUsize::new(0);
    let cut_off = shop.engine.train(tester(), at(3_000_001), move |_| {
        assert!(step.fetch_add(1, Ordering::Relaxed) < 8, "the power goes");
    });
    cut_off.await.unwrap_err();
    let tomorrow = at(3_000_001).plus(Timestamp::DAY);
    assert!(shop.engine.interrupted_training(tomorrow).is_none());
    shop.engine.accept_events(vec![order(5_000, at(3_000_010), 3)], at(3_000_010)).await.unwrap();
    shop.engine.train(tester(), tomorrow, |_| {}).await.unwrap();
    assert_eq!(shop.engine.models().unwrap().remove(0).manifest.lineage.resumed, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_and_foreign_files_are_refused_and_the_champion_serves_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut champion = None;
    let mut candidates = Vec::new();
    {
        let shop = Shop::open(folder.path());
        shop.stock().await;
        champion.replace(trained(&shop, 3_000_001).await);
    }
    {
        let shop = Shop::open_with(folder.path(), ModelOptions { promote: false, ..ModelOptions::default() });
        for round in 0..3 {
            candidates.push(trained(&shop, 3_000_002 + round).await);
        }
    }
    damage(folder.path(), &candidates[0], |file| std::fs::write(file, b"Dear diary").unwrap());
    damage(folder.path(), &candidates[1], |file| {
        std::fs::File::options().write(true).open(file).unwrap().set_len(9).unwrap();
    });
    // A file of another model under this name, with a manifest that says so.
    let third = folder.path().join("models").join(candidates[2].as_str());
    std::fs::copy(third.join("repurchase.model"), third.join("for_you.model")).unwrap();
    let manifest = std::fs::read_to_string(third.join("manifest.json")).unwrap();
    let mut manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    manifest["files"]["for_you.model"] = manifest["files"]["repurchase.model"].clone();
    std::fs::write(third.join("manifest.json"), manifest.to_string()).unwrap();

    let shop = Shop::open(folder.path());
    let serving = || shop.engine.snapshot().world.models.version.clone();
    for candidate in candidates.iter().chain([&ModelVersion::trusted("000099")]) {
        let before = shop.engine.snapshot().position();
        let promoted = shop.engine.promote(candidate, &tester(), at(3_000_010)).await.unwrap_err().to_string();
        let tried = shop.engine.start_canary(candidate, 0.5, &tester(), at(3_000_010)).await.unwrap_err().to_string();
        for error in [promoted, tried] {
            assert!(error.contains(candidate.as_str()) && error.contains("previous champion keeps serving"), "{error}");
        }
        assert_eq!(shop.engine.snapshot().position(), before, "nothing is in the log");
        assert_eq!(serving(), champion);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn going_back_is_one_record_and_tells_who_and_why() {
    let folder = tempfile::tempdir().unwrap();
    let shop = Shop::open(folder.path());
    shop.stock().await;
    assert!(shop.engine.roll_back(&tester(), at(3_000_000)).await.is_err(), "there is nothing to go back to");
    let first = trained(&shop, 3_000_001).await;
    let second = trained(&shop, 3_000_002).await;
    let before = shop.engine.snapshot().position();
    let again = shop.engine.promote(&second, &tester(), at(3_000_003)).await.unwrap_err().to_string();
    assert!(again.contains("is the champion already"), "{again}");
    assert_eq!(shop.engine.snapshot().position(), before, "what changes nothing is no record");
    let back = shop.engine.roll_back(&Audit::new("ann", "empty rows"), at(3_000_003)).await.unwrap();
    assert_eq!(back, first);
    let snapshot = shop.engine.snapshot();
    assert_eq!(snapshot.position(), Position(before.0 + 1));
    assert_eq!(
        (snapshot.world.models.version.clone(), snapshot.stages.champion.clone()),
        (Some(first.clone()), Some(first.clone()))
    );
    let told = snapshot.stages.changes.last().unwrap();
    assert_eq!((&*told.by, &*told.why, &told.before), ("ann", "empty rows", &Some(second)));
    assert_eq!((told.action, told.at), (ModelAction::RolledBack, at(3_000_003)));
    drop(shop);
    let shop = Shop::open(folder.path());
    assert_eq!(shop.engine.snapshot().stages, snapshot.stages, "after a start too");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_answers_a_share_of_the_customers_and_every_decision_is_made_again_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let shop = Shop::open_with(folder.path(), ModelOptions { promote: false, ..ModelOptions::default() });
    shop.stock().await;
    let champion = trained(&shop, 3_000_001).await;
    shop.engine.promote(&champion, &tester(), at(3_000_002)).await.unwrap();
    more(&shop, 1).await;
    let candidate = trained(&shop, 3_100_000).await;
    for share in [0.0, -1.0, 1.5, f64::NAN] {
        assert!(shop.engine.start_canary(&candidate, share, &tester(), at(3_100_001)).await.is_err(), "{share}");
    }
    assert!(shop.engine.start_canary(&champion, 0.5, &tester(), at(3_100_001)).await.is_err());
    let mut given = Vec::new();
    let mut decide = |from: u64, until: u64| {
        for number in from..until {
            let decided = shop.engine.decide(request(number), decision_id(number), at(3_100_010 + number)).decision;
            given.push(decided);
        }
    };
    decide(0, 100);
    shop.engine.start_canary(&candidate, 0.4, &tester(), at(3_100_002)).await.unwrap();
    assert!(shop.engine.start_canary(&candidate, 0.4, &tester(), at(3_100_002)).await.is_err(), "one at a time");
    decide(100, 400);
    assert_eq!(shop.engine.stop_canary(&tester(), at(3_100_003)).await.unwrap(), candidate);
    decide(400, 500);
    shop.engine.promote(&candidate, &tester(), at(3_100_004)).await.unwrap();
    decide(500, 600);

    let arms = |arm: Option<Arm>| given.iter().filter(|decision| decision.arm == arm).count();
    let (on_canary, on_champion) = (arms(Some(Arm::Canary)), arms(Some(Arm::Champion)));
    assert_eq!(on_canary + on_champion, 200, "of 300 requests, a third names nobody");
    assert!((40..=120).contains(&on_canary), "{on_canary}");
    // The same customer stays on one side.
    for number in 100..400 {
        let sides = (100..400).filter(|other| request(*other).visitor() == request(number).visitor());
        let sides: Vec<_> = sides.map(|other| given[other as usize].arm).collect();
        assert!(sides.iter().all(|side| *side == sides[0]), "{:?}", request(number).visitor());
    }
    shop.engine.accept_events(vec![view(2_000_000, at(3_200_000))], at(3_200_000)).await.unwrap();
    for decision in &given {
        let replayed = shop.engine.replay(&decision.decision_id).unwrap();
        assert!(replayed.is_identical, "{}", decision.decision_id);
        assert_eq!(replayed.record.arm, decision.arm);
    }
    let ended = shop.engine.snapshot().stages.ended.last().cloned().unwrap();
    assert_eq!(ended.canary.decisions, on_canary as u64);
    drop(shop);
    // From the disk alone; a fold from the beginning agrees with the checkpoint.
    let shop = Shop::open(folder.path());
    let rebuilt = shop.engine.snapshot_at(shop.engine.snapshot().position()).unwrap();
    assert!(shop.engine.snapshot().differences(&rebuilt).is_empty());
    for decision in given.iter().rev().step_by(37) {
        assert!(shop.engine.replay(&decision.decision_id).unwrap().is_identical);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_that_is_clearly_worse_is_stopped_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let shop = Shop::open_with(folder.path(), ModelOptions { promote: false, ..ModelOptions::default() });
    shop.stock().await;
    let champion = trained(&shop, 3_000_001).await;
    shop.engine.promote(&champion, &tester(), at(3_000_002)).await.unwrap();
    let candidate = trained(&shop, 3_000_003).await;
    shop.engine.start_canary(&candidate, 0.5, &tester(), at(3_000_004)).await.unwrap();
    for number in 0..600_u64 {
        let customer = CustomerId::trusted(format!("v{number}"));
        let asked = DecideRequest { customer: Some(customer.clone()), ..request(0) };
        let decision = shop.engine.decide(asked, decision_id(number), at(3_000_010)).decision;
        // Half of the champion's customers click, and a tenth of the others.
        let has_clicked = match decision.arm.unwrap() {
            Arm::Champion => number % 2 == 0,
            Arm::Canary => number % 10 == 0,
        };
        let visitor = Visitor { customer_id: Some(customer), anonymous_id: None };
        let placement = &decision.placements[0];
        let exposure = Exposure {
            decision_id: placement.decision_id.clone(),
            product_ids: vec![placement.items[0].product_id.clone()],
            clicked: has_clicked,
            order_id: None,
        };
        let seen = event(&format!("seen-{number}"), visitor, at(3_000_011), Activity::Exposure(exposure));
        shop.engine.accept_events(vec![seen], at(3_000_011)).await.unwrap();
    }
    let [on_champion, on_canary] = shop.engine.snapshot().trial.arms();
    assert_eq!(on_champion.people + on_canary.people, 600);
    assert!(on_champion.clickers > 2 * on_canary.clickers);
    shop.engine.look_after_models(at(3_000_020)).await.unwrap();
    let snapshot = shop.engine.snapshot();
    assert!(snapshot.stages.canary.is_none() && snapshot.world.canary.is_none());
    let told = snapshot.stages.changes.last().unwrap();
    assert!(told.by == "Mercer" && told.why.contains("customers who clicked"), "{told:?}");
    assert!(
        shop.engine.alarms().iter().any(|alarm| alarm.kind == AlarmKind::CanaryStopped),
        "{:?}",
        shop.engine.alarms()
    );
    let records = shop.engine.read(Position(0), usize::MAX).unwrap();
    assert!(matches!(&records.last().unwrap().fact, Fact::ModelChanged(change) if change.by == "Mercer"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_that_waits_is_asked_in_the_shadow_and_serving_never_waits() {
    let folder = tempfile::tempdir().unwrap();
    let options = ModelOptions { promote: false, shadow_share: 1.0, ..ModelOptions::default() };
    let shop = Shop::open_with(folder.path(), options);
    shop.stock().await;
    let champion = trained(&shop, 3_000_001).await;
    shop.engine.promote(&champion, &tester(), at(3_000_002)).await.unwrap();
    more(&shop, 1).await;
    let candidate = trained(&shop, 3_100_000).await;
    let mut asked = 0;
    let figures = loop {
        // Far more than it can take: what does not fit is dropped.
        for _ in 0..500 {
            shop.engine.decide(request(asked), decision_id(asked), at(3_100_001));
            asked += 1;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        if let Some(figures) = shop.engine.shadow_figures(&candidate).filter(|figures| figures.pages >= 50) {
            break figures;
        }
        assert!(asked < 50_000, "the shadow looked at nothing");
    };
    assert_eq!(figures.failures, 0);
    assert!(figures.overlap() > 0.3 && figures.overlap() <= 1.0, "{}", figures.overlap());
    assert!(figures.score_shift().is_finite() && figures.micros(0.5).0 > 0);
    drop(shop);
    let shop = Shop::open(folder.path());
    assert!(shop.engine.shadow_figures(&candidate).unwrap().pages >= figures.pages, "kept over a restart");
    assert!(shop.engine.shadow_figures(&champion).is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn days_that_look_different_and_a_champion_of_old_are_alarms() {
    let folder = tempfile::tempdir().unwrap();
    let shop = Shop::open(folder.path());
    shop.stock().await;
    trained(&shop, 3_000_001).await;
    shop.engine.look_after_models(at(3_000_002)).await.unwrap();
    assert!(shop.engine.alarms().is_empty(), "{:?}", shop.engine.alarms());
    // The next day, nobody orders any more: everybody looks at one kind of thing.
    let day = at(3_000_000).plus(Timestamp::DAY);
    let views = (0..1_000).map(|number| {
        let mut seen = view(number, day.plus(number as i64));
        if let Activity::Commerce(commerce) = &mut seen.activity {
            commerce.lines[0].product_id = mercer_schema::ProductId::trusted("p12");
        }
        seen
    });
    shop.engine.accept_events(views.collect(), day).await.unwrap();
    shop.engine.look_after_models(day.plus(2 * Timestamp::DAY)).await.unwrap();
    let alarms = shop.engine.alarms();
    assert!(alarms.len() == 1 && alarms[0].kind == AlarmKind::Drift, "{alarms:?}");
    assert!(alarms[0].text.contains("Mix of events"), "{alarms:?}");
    let drift = shop.engine.drift();
    assert!(drift.days[0].inputs.iter().any(|input| input.has_drifted && input.distance > 0.5));
    shop.engine.look_after_models(day.plus(30 * Timestamp::DAY)).await.unwrap();
    assert!(shop.engine.alarms().iter().any(|alarm| alarm.kind == AlarmKind::ChampionStale));
}
