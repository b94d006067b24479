//! Settings that are tried on customers: both make one list, clicks go to the side that chose, and all of it is replayed.
#![allow(clippy::unwrap_used)]

mod support;

use mercer_engine::{Engine, SearchVariant, best_ten};
use mercer_schema::{
    Activity, AnonymousId, DecisionId, Exposure, ProductId, SearchAction, SearchAnswer, SearchRequest, SearchRule,
    SearchRuleId, SearchSettings, SearchSort, SearchTeam, SearchTrial, SearchWhen, Visitor,
};
use support::{Shop, at, event};

const LIVE: SearchSettings = SearchSettings { strength: 1.0, learn_from_clicks: true, exploration: 0.0, meaning: true };
const OTHER: SearchSettings = SearchSettings { learn_from_clicks: false, ..LIVE };

fn q(text: &str, who: &str) -> SearchRequest {
    SearchRequest { q: text.into(), anonymous_id: Some(AnonymousId::trusted(who)), ..SearchRequest::default() }
}

/// Searches and waits for the log.
async fn ask(engine: &Engine, request: SearchRequest, id: &str, second: u64) -> SearchAnswer {
    let before = engine.snapshot().position();
    let answer = engine.search(request, DecisionId::trusted(id), at(second)).decision;
    // Until what it teaches is known, too.
    while engine.snapshot().position() == before {
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    answer
}

async fn click(engine: &Engine, who: &str, search: &str, products: &[&ProductId], second: u64) {
    let visitor = Visitor { anonymous_id: Some(AnonymousId::trusted(who)), customer_id: None };
    for (number, product) in products.iter().enumerate() {
        let seen = Exposure {
            decision_id: DecisionId::trusted(search),
            product_ids: vec![(*product).clone()],
            clicked: true,
            order_id: None,
        };
        let message = format!("{search} {second} {number}");
        let click = event(&message, visitor.clone(), at(second), Activity::Exposure(seen));
        engine.accept_events(vec![click], at(second)).await.unwrap();
    }
}

/// People click what stands far down, so that learning from clicks makes another list.
async fn taught(engine: &Engine) {
    engine.save_search_settings(LIVE, at(3_000_000)).await.unwrap();
    let request = SearchRequest { dry_run: true, limit: Some(40), ..q("blue thing", "zoe") };
    let wanted = engine.search(request, DecisionId::trusted("zoe"), at(3_000_000)).decision.items;
    for number in 0..12_u64 {
        let (who, id, second) = (format!("early-{number}"), format!("s{number}"), 3_000_100 + number * 60);
        ask(engine, q("blue thing", &who), &id, second).await;
        click(engine, &who, &id, &[&wanted[11].product_id, &wanted[17].product_id], second + 5).await;
    }
}

fn of(answer: &SearchAnswer, team: SearchTeam) -> impl Iterator<Item = &ProductId> {
    let both = answer.items.iter().zip(&answer.teams);
    both.filter(move |(_, chosen_by)| **chosen_by == team).map(|(item, _)| &item.product_id)
}

/// What is folded is what would be folded from the beginning.
fn assert_rebuilt(engine: &Engine) {
    let position = engine.snapshot().position();
    assert_eq!(engine.snapshot().differences(&engine.snapshot_at(position).unwrap()), [""; 0]);
}

const DAY: u64 = 3_010_000;
const TRIAL: SearchTrial = SearchTrial { settings: OTHER, share: 1.0 };

#[tokio::test(flavor = "multi_thread")]
async fn clicks_go_to_the_side_that_chose_and_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let shop = Shop::open(folder.path());
    shop.stock().await;
    let engine = &shop.engine;
    taught(engine).await;
    assert!(ask(engine, q("blue thing", "ann"), "before", DAY).await.teams.is_empty());
    assert!(engine.start_search_trial(TRIAL, "ann", at(DAY + 1)).await.unwrap());

    // Ann clicks two of A and one of B; Bob one of B; Cid one of each; Dora and Eve nothing.
    let mut shown = Vec::new();
    for (number, who) in ["ann", "bob", "cid", "dora", "eve"].into_iter().enumerate() {
        let answer = ask(engine, q("blue thing", who), who, DAY + 100 + number as u64).await;
        assert_eq!(answer.teams.len(), answer.items.len());
        assert_eq!(answer.explored, None);
        shown.push(answer);
    }
    let pick = |person: usize, team, nth: usize| of(&shown[person], team).nth(nth).unwrap();
    let (a, b) = (SearchTeam::A, SearchTeam::B);
    click(engine, "ann", "ann", &[pick(0, b, 0), pick(0, a, 1), pick(0, a, 0)], DAY + 200).await;
    click(engine, "bob", "bob", &[pick(1, b, 2)], DAY + 201).await;
    click(engine, "cid", "cid", &[pick(2, a, 0), pick(2, b, 0)], DAY + 202).await;
    // The same again is no other click; nor is one on the search of before.
    click(engine, "bob", "bob", &[pick(1, b, 2)], DAY + 203).await;
    click(engine, "ann", "before", &[pick(0, a, 3)], DAY + 204).await;
    let run = engine.snapshot().search_trials.running().unwrap().clone();
    assert_eq!((run.searches, run.wins_a, run.wins_b, run.ties), (5, 1, 1, 1));
    for id in ["before", "ann", "eve"] {
        assert!(engine.replay_search(&DecisionId::trusted(id)).unwrap().is_identical, "{id}");
    }
    assert_rebuilt(engine);
    let before = engine.snapshot().search_trials.clone();
    drop(shop);
    let shop = Shop::open(folder.path());
    let engine = &shop.engine;
    assert_eq!(engine.snapshot().search_trials, before, "a restart forgets nothing");
    click(engine, "eve", "eve", &[pick(4, a, 0)], DAY + 500).await;
    assert_eq!(engine.snapshot().search_trials.running().unwrap().wins_a, 2, "nor whose choice was what");
    // What was searched in a trial that is over counts no more.
    engine.stop_search_trial("ann", at(DAY + 501)).await.unwrap();
    click(engine, "dora", "dora", &[pick(3, a, 0)], DAY + 502).await;
    assert_eq!(engine.snapshot().search_trials.runs()[0].wins_a, 2);
    assert_rebuilt(engine);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_go_on_and_what_cannot_be_compared_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let shop = Shop::open(folder.path());
    shop.stock().await;
    let engine = &shop.engine;
    taught(engine).await;
    engine.start_search_trial(TRIAL, "ann", at(DAY)).await.unwrap();
    let page = |limit, cursor| SearchRequest { limit: Some(limit), cursor, ..q("blue thing", "ann") };
    let ids = |answer: &SearchAnswer| answer.items.iter().map(|item| item.product_id.clone()).collect::<Vec<_>>();
    // What she is shown first is learned of, and only once.
    ask(engine, page(10, None), "p0", DAY + 1).await;
    let first = ask(engine, page(10, None), "p1", DAY + 1).await;
    let second = ask(engine, page(10, first.next.clone()), "p2", DAY + 2).await;
    let both = ask(engine, page(20, None), "p3", DAY + 3).await;
    assert_eq!([ids(&first), ids(&second)].concat(), ids(&both));
    assert_eq!([first.teams, second.teams].concat(), both.teams);

    let left_out = [
        SearchRequest { sort: SearchSort::PriceUp, ..q("blue thing", "ann") },
        SearchRequest { no_personalization: true, ..q("blue thing", "ann") },
        SearchRequest { q: "blue thing".into(), ..SearchRequest::default() },
        q("oak thing", "ann"),
        q("p17", "ann"),
    ];
    for (number, request) in left_out.into_iter().enumerate() {
        let answer = ask(engine, request, &format!("n{number}"), DAY + 10 + number as u64).await;
        assert!(answer.teams.is_empty() && !answer.items.is_empty(), "{number}: {answer:?}");
    }
    let dry = SearchRequest { dry_run: true, ..q("blue thing", "ann") };
    assert!(engine.search(dry, DecisionId::trusted("x"), at(DAY + 20)).decision.teams.is_empty());
    let rule = |then: SearchAction| SearchRule {
        id: SearchRuleId::trusted("rule"),
        name: "Rule".into(),
        when: SearchWhen { contains: vec!["blue".into()], ..SearchWhen::default() },
        starts_at: None,
        ends_at: None,
        then: vec![then],
        enabled: true,
    };
    let pin = SearchAction::Pin { product_id: ProductId::trusted("p1"), position: 1 };
    engine.save_search_rule(rule(pin), at(DAY + 30)).await.unwrap();
    assert!(ask(engine, q("blue thing", "ann"), "pinned", DAY + 31).await.teams.is_empty());
    let bury = SearchAction::Bury { products: "product.price < 1.5".into() };
    engine.save_search_rule(rule(bury), at(DAY + 32)).await.unwrap();
    let buried = ask(engine, q("blue thing", "ann"), "buried", DAY + 33).await;
    assert_eq!(buried.teams.len(), buried.items.len(), "what holds for both sides is no hindrance");
    assert_eq!(buried.rules[0].did.len(), 1, "and is told once");
    for id in ["p1", "p2", "n0", "pinned", "buried"] {
        assert!(engine.replay_search(&DecisionId::trusted(id)).unwrap().is_identical, "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_is_checked_and_ends_when_the_settings_change() {
    let folder = tempfile::tempdir().unwrap();
    let shop = Shop::open(folder.path());
    shop.stock().await;
    let engine = &shop.engine;
    engine.save_search_settings(LIVE, at(DAY)).await.unwrap();
    for (wrong, field) in [
        (SearchTrial { share: 0.0, ..TRIAL }, "share"),
        (SearchTrial { share: f64::NAN, ..TRIAL }, "share"),
        (SearchTrial { settings: LIVE, ..TRIAL }, "settings"),
        (SearchTrial { settings: SearchSettings { strength: 9.0, ..OTHER }, ..TRIAL }, "settings.strength"),
    ] {
        let refused = engine.start_search_trial(wrong, "ann", at(DAY)).await.unwrap_err();
        assert!(refused.to_string().starts_with(&format!("{field}:")), "{refused}");
    }
    assert!(engine.start_search_trial(TRIAL, "ann", at(DAY + 1)).await.unwrap());
    assert!(!engine.start_search_trial(TRIAL, "ann", at(DAY + 2)).await.unwrap(), "it runs already");
    engine.save_search_settings(OTHER, at(DAY + 3)).await.unwrap();
    assert!(engine.snapshot().search_trials.running().is_none());
    assert!(ask(engine, q("blue thing", "ann"), "after", DAY + 4).await.teams.is_empty());
    let back = SearchTrial { settings: LIVE, share: 0.5 };
    assert!(engine.start_search_trial(back, "bob", at(DAY + 5)).await.unwrap());
    assert!(engine.stop_search_trial("bob", at(DAY + 6)).await.unwrap());
    assert!(!engine.stop_search_trial("bob", at(DAY + 7)).await.unwrap());
    let runs = engine.snapshot().search_trials.runs().to_vec();
    assert_eq!(runs.iter().map(|run| run.by.as_str()).collect::<Vec<_>>(), ["ann", "bob"]);
    assert_eq!(runs[0].ended_at, Some(at(DAY + 3)));
    assert_rebuilt(engine);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_side_whose_products_people_want_wins() {
    let folder = tempfile::tempdir().unwrap();
    let shop = Shop::open(folder.path());
    shop.stock().await;
    let engine = &shop.engine;
    taught(engine).await;
    engine.start_search_trial(TRIAL, "ann", at(DAY)).await.unwrap();
    let best = |variant: SearchVariant, second: u64| -> Vec<ProductId> {
        let world = variant.of(&engine.snapshot().world);
        let found = best_ten(&world, "blue thing", &Visitor::default(), at(second)).items;
        found.into_iter().map(|item| item.product_id).collect()
    };
    for number in 0..25_u64 {
        let (who, id, second) = (format!("late-{number}"), format!("t{number}"), DAY + 1 + number * 60);
        let live = SearchVariant::live(&engine.snapshot().world);
        let other = best(SearchVariant { learn_from_clicks: false, ..live }, second);
        // People want what only A has among the first ten; now and then something else.
        let wanted = best(live, second).into_iter().find(|id| !other.contains(id)).unwrap();
        let answer = ask(engine, q("blue thing", &who), &id, second).await;
        let anything = &answer.items[number as usize % 24].product_id;
        let products: &[&ProductId] = if number % 8 == 0 { &[anything] } else { &[&wanted] };
        click(engine, &who, &id, products, second + 5).await;
    }
    let run = engine.snapshot().search_trials.running().unwrap().clone();
    // A click on what both begin with counts for neither.
    assert!(run.searches == 25 && (21..=25).contains(&(run.wins_a + run.wins_b + run.ties)), "{run:?}");
    let verdict = run.verdict();
    assert_eq!(verdict.winner, Some(SearchTeam::A), "{run:?} {verdict:?}");
    assert!(verdict.p < 0.001 && verdict.share_of_b.high < 0.5, "{verdict:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_of_the_searches_is_tried_and_both_sides_have_as_many_places() {
    let folder = tempfile::tempdir().unwrap();
    let shop = Shop::open(folder.path());
    shop.stock().await;
    let engine = &shop.engine;
    taught(engine).await;
    let trial = SearchTrial { settings: OTHER, share: 0.3 };
    engine.start_search_trial(trial, "ann", at(3_010_000)).await.unwrap();
    let (mut tried, mut first_of_a) = (0, 0);
    for number in 0..400 {
        let request = q("blue thing", &format!("visitor-{number}"));
        let answer = engine.search(request, DecisionId::trusted(format!("d{number}")), at(3_010_001)).decision;
        if answer.teams.is_empty() {
            continue;
        }
        tried += 1;
        let chosen_first = answer.teams.iter().find(|team| **team != SearchTeam::Both);
        first_of_a += usize::from(chosen_first == Some(&SearchTeam::A));
        assert_eq!(
            of(&answer, SearchTeam::A).count().abs_diff(of(&answer, SearchTeam::B).count()),
            answer.teams.iter().filter(|team| **team == SearchTeam::Both).count() % 2
        );
    }
    assert!((85..155).contains(&tried), "{tried}");
    let half = tried / 2;
    assert!(first_of_a.abs_diff(half) < 30, "{first_of_a} of {tried}");
}
