//! The order of search results is learned, examined, served where it is better, and said.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use mercer_decide::TaughtBy;
use mercer_schema::{
    Activity, Commerce, CommerceAction, CustomerId, DecisionId, Draft, Event, Explain, Exposure, Fact, Line, Order,
    OrderId, Position, Product, ProductId, SearchAnswer, SearchRecord, SearchRequest, Timestamp, Visitor,
};
use support::{Shop, event, tester};

const BRANDS: u64 = 3;
const LAMPS: u64 = 60;
const CUSTOMERS: u64 = 150;
const DAYS: u64 = 160;
const PAUSE: u64 = 12;

fn day(number: u64, second: u64) -> Timestamp {
    support::at(number * 86_400 + second)
}

fn lamp(number: u64) -> ProductId {
    ProductId::trusted(format!("lamp-{number}"))
}

/// All are called the same: what is wanted is in no word.
fn lamps() -> Vec<Product> {
    let named = |number: u64| {
        let mut product = Product::new(lamp(number), "Garden lamp");
        product.brand = Some(format!("Brand {}", number % BRANDS));
        product.category = vec!["Garden".into(), "Lamps".into()];
        product
    };
    (0..LAMPS).map(named).collect()
}

fn customer(number: u64) -> CustomerId {
    CustomerId::trusted(format!("c{number}"))
}

/// Of one brand, and never the same again: what the formula thinks the other way round.
fn taken(customer: u64, round: u64) -> u64 {
    customer % BRANDS + BRANDS * ((customer * 7 + round) % (LAMPS / BRANDS))
}

fn ordered(number: u64, round: u64) -> Event {
    let line = Line { product_id: lamp(taken(number, round)), quantity: 1, price: None, position: None };
    let order = Order { id: OrderId::trusted(format!("o{number}-{round}")), total: None };
    let commerce = Commerce {
        action: CommerceAction::OrderCompleted,
        lines: vec![line],
        order: Some(order),
        query: None,
        list: None,
    };
    let visitor = Visitor { customer_id: Some(customer(number)), anonymous_id: None };
    let at = day(round * PAUSE + number % PAUSE, number * 60);
    event(&format!("order-{number}-{round}"), visitor, at, Activity::Commerce(commerce))
}

async fn stocked(path: &std::path::Path) -> Shop {
    let shop = Shop::open(path);
    shop.engine.save_products(lamps(), day(0, 0)).await.unwrap();
    let rounds = DAYS / PAUSE;
    let orders = (0..CUSTOMERS).flat_map(|customer| (0..rounds).map(move |round| ordered(customer, round)));
    shop.engine.accept_events(orders.collect(), day(DAYS, 0)).await.unwrap();
    shop
}

fn asks(shop: &Shop, number: u64, strength: f64) -> SearchAnswer {
    let request = SearchRequest {
        q: "lamp".into(),
        customer: Some(customer(number)),
        strength: Some(strength),
        explain: Explain::Full,
        ..SearchRequest::default()
    };
    shop.engine.search(request, DecisionId::trusted(format!("s{number}-{strength}")), day(DAYS, 0)).decision
}

fn told(shop: &Shop) -> String {
    let manifest = shop.engine.models().unwrap().remove(0).manifest;
    let check = manifest.gate.checks.into_iter().find(|check| check.name.starts_with("Search: "));
    check.map(|check| check.words).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_teach_an_order_that_serves_once_it_is_better_and_is_replayed() {
    let folder = tempfile::tempdir().unwrap();
    let shop = stocked(folder.path()).await;
    let before = asks(&shop, 7, 1.0);
    assert!(before.explanations.iter().flat_map(|told| &told.parts).all(|part| !part.name.starts_with("ranker")));
    shop.engine.train(tester(), day(DAYS, 1), |_| {}).await.unwrap();
    assert_eq!(told(&shop), "", "the first version is there at once, with the formula");
    shop.engine.train(tester(), day(DAYS, 2), |_| {}).await.unwrap();
    let words = told(&shop);
    let exam = *shop.engine.snapshot().world.models.search_ranker.exam();
    assert!(words.contains("titles") && words.contains("it serves"), "{words} {exam:?}");
    let snapshot = shop.engine.snapshot();
    let ranker = &snapshot.world.models.search_ranker;
    assert!(ranker.serves() && ranker.taught_by() == TaughtBy::Orders && ranker.exam().low > 0.0);
    let after = asks(&shop, 7, 1.0);
    assert!(after.explanations[0].parts.iter().any(|part| part.name.starts_with("ranker: ")), "{after:?}");
    let own = |answer: &SearchAnswer| {
        let is_own = |id: &str| id.trim_start_matches("lamp-").parse::<u64>().unwrap() % BRANDS == 7 % BRANDS;
        answer.items.iter().take(8).filter(|item| is_own(item.product_id.as_str())).count()
    };
    assert!(own(&after) >= 5, "{}", own(&after));
    assert_ne!(asks(&shop, 7, 0.0).items, after.items);

    // The answer is made again from log and registry.
    let id = DecisionId::trusted("s7-1");
    for _ in 0..200 {
        if shop.engine.find_search(&id).is_ok_and(|record| record.position > Position(0)) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let replayed = shop.engine.replay_search(&id).unwrap();
    assert!(replayed.is_identical, "a learned order is a function of the log");

    // From now on a version must not lose to what serves.
    let rounds = DAYS / PAUSE;
    let later = (0..CUSTOMERS).map(|customer| ordered(customer, rounds));
    shop.engine.accept_events(later.collect(), day(DAYS + PAUSE, 0)).await.unwrap();
    shop.engine.train(tester(), day(DAYS + PAUSE, 1), |_| {}).await.unwrap();
    let gate = shop.engine.models().unwrap().remove(0).manifest.gate;
    let beside = gate.checks.iter().find(|check| check.name == "Search: reciprocal rank of what was wanted").unwrap();
    assert!(beside.cases >= 100 && beside.champion.is_some_and(|champion| champion > 0.0), "{beside:?}");
    assert!(beside.passed, "{beside:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_ranker_is_refused_and_the_formula_serves_on() {
    let folder = tempfile::tempdir().unwrap();
    let version = {
        let shop = Shop::open_with(
            folder.path(),
            mercer_engine::ModelOptions { promote: false, ..mercer_engine::ModelOptions::default() },
        );
        shop.engine.save_products(lamps(), day(0, 0)).await.unwrap();
        let orders = (0..30).flat_map(|customer| (0..3).map(move |round| ordered(customer, round)));
        shop.engine.accept_events(orders.collect(), day(DAYS, 0)).await.unwrap();
        let trained = shop.engine.train(tester(), day(DAYS, 1), |_| {}).await.unwrap();
        assert_eq!(told(&shop), "", "too little to learn from: there is no ranker, and nothing is said of one");
        trained.version
    };
    let file = folder.path().join("models").join(version.as_str()).join("search_ranker.model");
    std::fs::File::options().write(true).open(&file).unwrap().set_len(30).unwrap();
    let shop = Shop::open(folder.path());
    let error = shop.engine.promote(&version, &tester(), day(DAYS, 2)).await.unwrap_err().to_string();
    assert!(error.contains(version.as_str()), "{error}");
    assert!(!asks(&shop, 7, 1.0).items.is_empty());
}

/// What a search showed: ten lamps of all brands in an order that says nothing.
fn searched(number: u64, round: u64) -> SearchRecord {
    let at = day(round * PAUSE + number % PAUSE, number * 60 + 1_000);
    let first = (number * 13 + round * 31) % LAMPS;
    let request = SearchRequest { q: "lamp".into(), customer: Some(customer(number)), ..SearchRequest::default() };
    SearchRecord {
        decision_id: DecisionId::trusted(format!("l{number}-{round}")),
        position: Position(0),
        decided_at: at,
        request,
        total: LAMPS as usize,
        product_ids: (0..10).map(|step| lamp((first + step) % LAMPS)).collect(),
        propensities: vec![1.0; 10],
        explored: None,
        by_meaning: 0,
        teams: Vec::new(),
        corrected: None,
        arm: None,
        digest: String::new(),
    }
}

/// Everybody clicks the lamp of their brand, wherever it stood.
fn clicked(search: &SearchRecord, number: u64) -> Event {
    let is_own = |id: &&ProductId| {
        id.as_str().trim_start_matches("lamp-").parse::<u64>().is_ok_and(|lamp| lamp % BRANDS == number % BRANDS)
    };
    let own: Vec<ProductId> = search.product_ids.iter().filter(is_own).cloned().collect();
    let exposure =
        Exposure { decision_id: search.decision_id.clone(), product_ids: own, clicked: true, order_id: None };
    let visitor = Visitor { customer_id: Some(customer(number)), anonymous_id: None };
    let message = format!("click-{}", search.decision_id);
    event(&message, visitor, search.decided_at.plus(20 * Timestamp::SECOND), Activity::Exposure(exposure))
}

#[tokio::test(flavor = "multi_thread")]
async fn logged_searches_teach_instead_where_there_are_enough() {
    let folder = tempfile::tempdir().unwrap();
    let shop = stocked(folder.path()).await;
    let mut drafts = Vec::new();
    let draft = |at: Timestamp, fact: Fact| Draft { recorded_at: at, key: None, key_lasts: false, fact };
    for round in 2..DAYS / PAUSE {
        for number in 0..CUSTOMERS {
            let search = searched(number, round);
            let (at, click) = (search.decided_at, clicked(&search, number));
            drafts.push(draft(at, Fact::Searched(Box::new(search))));
            drafts.push(draft(at, Fact::Event(Box::new(click))));
        }
    }
    shop.engine.accept(drafts).await.unwrap();
    for second in 1..3 {
        shop.engine.train(tester(), day(DAYS, second), |_| {}).await.unwrap();
    }
    let words = told(&shop);
    assert!(words.contains("logged searches"), "{words}");
    assert_eq!(shop.engine.snapshot().world.models.search_ranker.taught_by(), TaughtBy::Searches);
}
