//! Synonyms and rules of the search live in the log: replay, restart and rebuild have them as they were.
#![allow(clippy::unwrap_used)]

mod support;

use mercer_schema::{
    Activity, AnonymousId, Commerce, CommerceAction, DecisionId, Explain, Exposure, Line, Money, ProductId,
    SearchAction, SearchRequest, SearchRule, SearchRuleId, SearchSettings, SearchWhen, SynonymRule, Visitor,
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

#[tokio::test(flavor = "multi_thread")]
async fn what_became_of_searches_is_counted_once_and_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let shop = Shop::open(folder.path());
    shop.stock().await;
    let engine = &shop.engine;
    let who = |name: &str| Visitor { anonymous_id: Some(AnonymousId::trusted(name)), customer_id: None };
    let ask = async |text: &str, name: &str, id: &str, second: u64| {
        let found = engine.search(q(text, name), DecisionId::trusted(id), at(second)).decision;
        for _ in 0..200 {
            if engine.find_search(&DecisionId::trusted(id)).is_ok() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        found
    };
    let does = async |message: &str, name: &str, second: u64, activity: Activity| {
        engine.accept_events(vec![event(message, who(name), at(second), activity)], at(second)).await.unwrap();
    };
    let day = 3_024_000;
    // Ann finds nothing, says it otherwise, clicks one and orders it; the order is reported twice.
    ask("azure gadget", "ann", "d1", day).await;
    let found = ask("blue thing", "ann", "d2", day + 60).await;
    let id = found.items[0].product_id.clone();
    let click = Exposure {
        decision_id: DecisionId::trusted("d2"),
        product_ids: vec![id.clone()],
        clicked: true,
        order_id: None,
    };
    does("c1", "ann", day + 70, Activity::Exposure(click.clone())).await;
    does("c2", "ann", day + 71, Activity::Exposure(click)).await;
    let price = Some(Money { minor: 150, currency: mercer_schema::Currency::parse("EUR").unwrap() });
    let order = Commerce {
        action: CommerceAction::OrderCompleted,
        lines: vec![Line { product_id: id, quantity: 2, price, position: None }],
        order: None,
        query: None,
        list: None,
    };
    does("o1", "ann", day + 100, Activity::Commerce(order.clone())).await;
    does("o2", "ann", day + 101, Activity::Commerce(order)).await;
    // Bob looks and leaves, and has a page more of it.
    ask("Blue  THING", "bob", "d3", day + 200).await;
    let more = SearchRequest { cursor: Some("24".into()), ..q("blue thing", "bob") };
    engine.search(more, DecisionId::trusted("d4"), at(day + 210));
    // An address is kept under no name.
    ask("me@shop.example", "bob", "d5", day + 2_000).await;

    let figures = engine.snapshot().search_figures.of_days(1, at(day + 3_000));
    let of = |query: &str| figures.iter().find(|(known, _)| **known == *query).map(|(_, figures)| figures.clone());
    assert_eq!(figures.len(), 3, "{figures:?}");
    let gadget = of("azure gadget").unwrap();
    assert_eq!((gadget.searches, gadget.without_results, gadget.refined, gadget.abandoned()), (1, 1, 1, 1));
    let thing = of("blue thing").unwrap();
    assert_eq!((thing.searches, thing.clicked, thing.ordered, thing.refined), (2, 1, 1, 0));
    assert_eq!(thing.revenue.values().copied().collect::<Vec<_>>(), [300], "once, whoever reports it");
    assert_eq!(thing.samples.len(), 2);
    assert!(of("").unwrap().searches == 1);
    assert!(engine.snapshot().search_figures.of_days(1, at(day + 3 * 86_400)).is_empty());
    let position = engine.snapshot().position();
    assert!(engine.snapshot().differences(&engine.snapshot_at(position).unwrap()).is_empty());
    drop(shop);
    let shop = Shop::open(folder.path());
    assert_eq!(shop.engine.snapshot().search_figures.of_days(1, at(day + 3_000)), figures);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_click_for_a_query_rises_for_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let shop = Shop::open(folder.path());
    shop.stock().await;
    let engine = &shop.engine;
    let settings = SearchSettings { exploration: 0.0, ..SearchSettings::default() };
    assert!(engine.save_search_settings(settings, at(3_000_000)).await.unwrap());
    assert!(!engine.save_search_settings(settings, at(3_000_001)).await.unwrap(), "it stood so already");
    let wrong = engine.save_search_settings(SearchSettings { strength: 3.0, ..settings }, at(3_000_001)).await;
    assert!(wrong.unwrap_err().to_string().contains("strength"));
    let by_clicks = |answer: &mercer_schema::SearchAnswer, id: &ProductId| {
        let told = answer.explanations.iter().find(|told| told.product_id == *id)?;
        told.parts.iter().find(|part| part.name == "clicked").map(|part| part.value)
    };
    let places = |answer: &mercer_schema::SearchAnswer, id: &ProductId| {
        answer.items.iter().position(|item| item.product_id == *id).unwrap()
    };
    let stranger = SearchRequest { dry_run: true, limit: Some(40), explain: Explain::Full, ..q("blue thing", "zoe") };
    let ask = |second: u64| engine.search(stranger.clone(), DecisionId::trusted("zoe"), at(second)).decision;
    let before = ask(3_000_002);
    let wanted = before.items[11].product_id.clone();
    for number in 0..15_u64 {
        let (who, id) = (format!("visitor-{number}"), DecisionId::trusted(format!("s{number}")));
        let second = 3_000_100 + number * 60;
        let before = engine.snapshot().position();
        engine.search(q("blue thing", &who), id.clone(), at(second));
        while engine.snapshot().position() == before {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        let visitor = Visitor { anonymous_id: Some(AnonymousId::trusted(who.as_str())), customer_id: None };
        let seen = Exposure { decision_id: id, product_ids: vec![wanted.clone()], clicked: true, order_id: None };
        let click = event(&format!("click {number}"), visitor, at(second + 5), Activity::Exposure(seen));
        engine.accept_events(vec![click], at(second + 5)).await.unwrap();
    }
    let after = ask(3_010_000);
    assert!(places(&after, &wanted) < 5, "{}", places(&after, &wanted));
    assert!(by_clicks(&before, &wanted).is_none() && by_clicks(&after, &wanted) > Some(1.0));
    let other = engine.search(
        SearchRequest { q: "oak thing".into(), ..stranger.clone() },
        DecisionId::trusted("x"),
        at(3_010_001),
    );
    assert!(other.decision.explanations.iter().all(|told| by_clicks(&other.decision, &told.product_id).is_none()));
    assert!(engine.replay_search(&DecisionId::trusted("s3")).unwrap().is_identical);
    let position = engine.snapshot().position();
    assert!(engine.snapshot().differences(&engine.snapshot_at(position).unwrap()).is_empty());
    drop(shop);
    let shop = Shop::open(folder.path());
    let engine = &shop.engine;
    let again = engine.search(stranger.clone(), DecisionId::trusted("zoe"), at(3_010_000)).decision;
    assert_eq!(again.items, after.items, "a restart forgets nothing");
    let unlearned = SearchSettings { learn_from_clicks: false, ..settings };
    engine.save_search_settings(unlearned, at(3_010_002)).await.unwrap();
    let without = engine.search(stranger, DecisionId::trusted("zoe"), at(3_010_003)).decision;
    assert_eq!(by_clicks(&without, &wanted), None);
}
