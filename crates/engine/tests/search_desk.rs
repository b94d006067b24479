//! Synonyms and rules of the search live in the log: replay, restart and rebuild have them as they were.
#![allow(clippy::unwrap_used)]

mod support;

use mercer_schema::{
    Activity, AnonymousId, Commerce, CommerceAction, DecisionId, Line, ProductId, SearchAction, SearchRequest,
    SearchRule, SearchRuleId, SearchWhen, SynonymRule, Visitor,
};
use support::{Shop, at, event, tester};

fn q(text: &str, who: &str) -> SearchRequest {
    SearchRequest { q: text.into(), anonymous_id: Some(AnonymousId::trusted(who)), ..SearchRequest::default() }
}

fn pin(id: &str) -> SearchRule {
    SearchRule {
        id: SearchRuleId::trusted("pin"),
        name: "Pin".into(),
        when: SearchWhen { contains: vec!["oak".into()], ..SearchWhen::default() },
        starts_at: None,
        ends_at: None,
        then: vec![SearchAction::Pin { product_id: ProductId::trusted(id), position: 1 }],
        enabled: true,
    }
}

fn same(to: &[&str]) -> Vec<SynonymRule> {
    vec![SynonymRule { from: None, to: to.iter().map(|text| (*text).to_owned()).collect(), refused: false }]
}

#[tokio::test(flavor = "multi_thread")]
async fn searches_are_replayed_with_the_rules_of_their_time() {
    let folder = tempfile::tempdir().unwrap();
    let shop = Shop::open(folder.path());
    shop.stock().await;
    let engine = &shop.engine;
    let ask =
        |text: &str, id: &str, second: u64| engine.search(q(text, "ann"), DecisionId::trusted(id), at(second)).decision;
    assert_eq!(ask("oaken gizmo", "d1", 3_000_000).total, 0);
    assert!(engine.save_synonyms(same(&["oaken gizmo", "oak"]), at(3_000_001)).await.unwrap());
    assert!(!engine.save_synonyms(same(&["oaken gizmo", "oak"]), at(3_000_002)).await.unwrap(), "it stood so already");
    assert!(ask("oaken gizmo", "d2", 3_000_003).total > 0);
    assert!(engine.save_search_rule(pin("p0"), at(3_000_004)).await.unwrap());
    let pinned = ask("oak", "d3", 3_000_005);
    assert_eq!((pinned.items[0].product_id.as_str(), pinned.rules.len()), ("p0", 1));
    assert!(engine.save_search_rule(pin("p1"), at(3_000_006)).await.unwrap());
    assert_eq!(ask("oak", "d4", 3_000_007).items[0].product_id.as_str(), "p1");
    assert!(engine.remove_search_rule(&SearchRuleId::trusted("pin"), at(3_000_008)).await.unwrap());
    assert!(ask("oak", "d5", 3_000_009).rules.is_empty());
    assert!(engine.save_synonyms(Vec::new(), at(3_000_010)).await.unwrap());
    let kept = (same(&["lamp", "light"]), pin("p2"));
    engine.save_synonyms(kept.0.clone(), at(3_000_011)).await.unwrap();
    engine.save_search_rule(kept.1.clone(), at(3_000_012)).await.unwrap();
    let refused = engine.save_synonyms(same(&["lonely"]), at(3_000_013)).await.unwrap_err();
    assert!(refused.to_string().contains("rules[0].to"), "{refused}");
    for number in 1..=5 {
        assert!(engine.replay_search(&DecisionId::trusted(format!("d{number}"))).unwrap().is_identical, "d{number}");
    }
    let position = engine.snapshot().position();
    let rebuilt = engine.snapshot_at(position).unwrap();
    assert!(engine.snapshot().differences(&rebuilt).is_empty());
    drop(shop);
    let shop = Shop::open(folder.path());
    let world = &shop.engine.snapshot().world;
    assert_eq!(world.synonyms.rules(), kept.0);
    assert_eq!(world.search_rules.iter().collect::<Vec<_>>(), [&kept.1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_several_people_search_next_is_proposed_at_a_training() {
    let folder = tempfile::tempdir().unwrap();
    let shop = Shop::open(folder.path());
    shop.stock().await;
    let engine = &shop.engine;
    for (number, who) in ["ann", "bob", "cid"].into_iter().enumerate() {
        let second = 3_000_000 + number as u64 * 1_000;
        let visitor = Visitor { anonymous_id: Some(AnonymousId::trusted(who)), customer_id: None };
        engine.search(q("azure gadget", who), DecisionId::trusted(format!("a{number}")), at(second));
        let found = engine.search(q("blue thing", who), DecisionId::trusted(format!("b{number}")), at(second + 60));
        // One person alone went on like this.
        if who == "ann" {
            engine.search(q("secret of ann", who), DecisionId::trusted("s"), at(second + 100));
        }
        if who == "bob" {
            let line = Line {
                product_id: found.decision.items[0].product_id.clone(),
                quantity: 1,
                price: None,
                position: None,
            };
            let action = CommerceAction::ProductClicked;
            let click = Commerce { action, lines: vec![line], order: None, query: None, list: None };
            let click = event("click", visitor, at(second + 90), Activity::Commerce(click));
            engine.accept_events(vec![click], at(second + 90)).await.unwrap();
        }
    }
    // Searches are logged behind the caller's back.
    for _ in 0..200 {
        if engine.find_search(&DecisionId::trusted("b2")).is_ok() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    engine.train(tester(), at(3_100_000), |_| {}).await.unwrap();
    let snapshot = engine.snapshot();
    let proposed = &snapshot.world.models.reformulations;
    assert_eq!(proposed.len(), 1, "{proposed:?}");
    let first = &proposed[0];
    assert_eq!(
        (first.from.as_str(), first.to.as_str(), first.people, first.clicked),
        ("azure gadget", "blue thing", 3, 1)
    );
    let answer = engine.search(
        SearchRequest { dry_run: true, ..q("azure gadget", "dora") },
        DecisionId::trusted("x"),
        at(3_100_001),
    );
    assert_eq!(answer.decision.total, 0, "a proposal is not in use");
}
