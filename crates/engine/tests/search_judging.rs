//! What people judged lives in the log, and says how good the search is as it is set and as it could be.
#![allow(clippy::unwrap_used)]

mod support;

use mercer_engine::{JudgmentList, JudgmentsSaved, QualityCompared, SearchVariant, best_ten, measured, pool};
use mercer_schema::{
    DecisionId, ProductId, SearchAction, SearchRequest, SearchRule, SearchRuleId, SearchWhen, Visitor,
};
use support::{Shop, at};

fn list(text: &str) -> JudgmentList {
    let mut list = JudgmentList::by("ann");
    list.add_lines(text);
    list
}

#[tokio::test(flavor = "multi_thread")]
async fn judgments_survive_a_restart_and_a_rebuild_and_change_no_answer() {
    let folder = tempfile::tempdir().unwrap();
    let shop = Shop::open(folder.path());
    shop.stock().await;
    let engine = &shop.engine;
    let request = SearchRequest { q: "blue thing".into(), ..SearchRequest::default() };
    let before = engine.search(request.clone(), DecisionId::trusted("d1"), at(3_000_000)).decision;
    let saved =
        engine.save_judgments(list("Blue THING\tp1\t3\nblue thing\tp4\t0\noak\tnone\t1\n"), at(3_000_001)).await;
    assert_eq!(saved.unwrap(), JudgmentsSaved { changed: 3, unchanged: 0, unknown_products: 1 });
    let position = engine.snapshot().position();
    let saved = engine.save_judgments(list("blue thing\tp1\t3\n"), at(3_000_002)).await.unwrap();
    assert_eq!((saved.unchanged, engine.snapshot().position()), (1, position), "what is known so leaves no record");
    let refused = engine.save_judgments(list("oak\tp2\t1\noak\tp3\t7\n"), at(3_000_003)).await.unwrap_err();
    assert!(refused.to_string().contains("line 2"), "{refused}");
    assert_eq!(engine.snapshot().judgments.len(), 3, "all or nothing");
    let mut back = JudgmentList::by("bob");
    back.add("it", "oak", "none", None);
    engine.save_judgments(back, at(3_000_004)).await.unwrap();
    let kept = engine.snapshot().judgments.write();
    assert_eq!(kept, "blue thing\tp1\t3\nblue thing\tp4\t0\n");
    let after = engine.search(request, DecisionId::trusted("d2"), at(3_000_005)).decision;
    assert_eq!(after.items, before.items);
    let position = engine.snapshot().position();
    assert!(engine.snapshot().differences(&engine.snapshot_at(position).unwrap()).is_empty());
    drop(shop);
    let shop = Shop::open(folder.path());
    assert_eq!(shop.engine.snapshot().judgments.write(), kept);
    assert_eq!(shop.engine.snapshot().judgments.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_is_measured_by_what_was_judged() {
    let folder = tempfile::tempdir().unwrap();
    let shop = Shop::open(folder.path());
    shop.stock().await;
    let engine = &shop.engine;
    let (nobody, now) = (Visitor::default(), at(3_000_000));
    let best: Vec<ProductId> = best_ten(&engine.snapshot().world, "oak thing", &nobody, now)
        .items
        .into_iter()
        .map(|item| item.product_id)
        .collect();
    assert_eq!(best.len(), 10);
    // What stands first is good, and everything of the first ten is judged.
    let lines: String =
        best.iter().enumerate().map(|(place, id)| format!("oak thing\t{id}\t{}\n", u8::from(place == 0) * 3)).collect();
    engine.save_judgments(list(&lines), now).await.unwrap();
    engine.save_judgments(list("blue\tp1\t0\n"), now).await.unwrap();
    let snapshot = engine.snapshot();
    let found = measured(&snapshot, &snapshot.world, &nobody, now);
    assert_eq!(
        (found.queries, found.ndcg.mean, found.judged),
        (1, 1.0, 1.0),
        "a query without a good product says nothing"
    );
    // A rule puts something else first.
    let rule = SearchRule {
        id: SearchRuleId::trusted("pin"),
        name: "Pin".into(),
        when: SearchWhen { contains: vec!["oak".into()], ..SearchWhen::default() },
        starts_at: None,
        ends_at: None,
        then: vec![SearchAction::Pin { product_id: ProductId::trusted("p0"), position: 1 }],
        enabled: true,
    };
    engine.save_search_rule(rule, now).await.unwrap();
    let snapshot = engine.snapshot();
    let other = SearchVariant { without_rules: true, ..SearchVariant::live(&snapshot.world) };
    let compared = QualityCompared::new(&snapshot, &other, &nobody, now);
    let lost = 1.0 - 1.0 / 3_f64.log2();
    assert!((compared.difference.mean - lost).abs() < 1e-9, "{compared:?}");
    assert!((compared.a.judged - 0.9).abs() < 1e-9 && compared.b.judged == 1.0, "{compared:?}");
    assert_eq!(compared.condensed_difference.mean, 0.0, "nobody judged what was pinned");
    assert_eq!(compared.gains[0].query, "oak thing");
    let pooled = pool(&[&snapshot.world, &other.of(&snapshot.world)], "oak thing", "ann", now);
    assert_eq!(pooled.len(), 11);
    assert_eq!(pooled, pool(&[&snapshot.world, &other.of(&snapshot.world)], "oak thing", "ann", now));
    assert_ne!(
        pooled,
        pool(&[&snapshot.world, &other.of(&snapshot.world)], "oak thing", "bob", now),
        "each their own order"
    );
}
