//! One contract for all recommenders: whatever a model is asked, it answers by the rules of the trait.
//!
//! A new model is added in [`Shop::models`] and, if it can be stored, in [`Shop::stored_and_read`].
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use mercer_recommend::blend::{Blend, Fusion};
use mercer_recommend::boosting::BoostingSettings;
use mercer_recommend::bundles::Bundles;
use mercer_recommend::complements::{self, Complements};
use mercer_recommend::content::ContentIndex;
use mercer_recommend::contrast::{Contrast, ContrastSettings};
use mercer_recommend::factors::{Factors, IalsSettings};
use mercer_recommend::filter::{FilterSettings, GraphFilter};
use mercer_recommend::hybrid::{Catalog, Facts, Hybrid, Lessons, Ranker, RankerSettings, Sources};
use mercer_recommend::interactions::{Customer, Order, tastes};
use mercer_recommend::latent::LatentSettings;
use mercer_recommend::linear::{EaseSettings, Linear, SlimSettings};
use mercer_recommend::neighbours::{Neighbours, Settings};
use mercer_recommend::next_order::{self, NextOrder};
use mercer_recommend::popularity::Popularity;
use mercer_recommend::repurchase::Repurchase;
use mercer_recommend::sessions::{
    Habit, HabitSettings, HybridSettings, Repeats, Revisit, RuleSettings, SessionIndex, StanSettings, VmisSettings,
};
use mercer_recommend::tastes::{TasteSettings, Tastes};
use mercer_recommend::{Changes, Item, Query, Recommender, Scored};
use mercer_schema::{Product, ProductId, Timestamp};
use proptest::prelude::*;

/// Every model, fed with the same behaviour.
#[derive(Default)]
struct Shop {
    popularity: Popularity,
    sessions: SessionIndex,
    content: ContentIndex,
    also_bought: Neighbours,
    bought_together: Neighbours,
    complements: Complements,
    next_order: NextOrder,
    ease: Linear,
    slim: Linear,
    factors: Factors,
    contrast: Contrast,
    filter: GraphFilter,
    tastes: Tastes,
    catalog: Catalog,
    facts: Facts,
    ranker: Ranker,
}

/// The shop's hybrid of two sources.
struct Ranked<'a>(&'a Shop);

impl Ranked<'_> {
    fn ask<T>(&self, question: impl FnOnce(Sources<'_>) -> T) -> T {
        let models: [&dyn Recommender; 2] = [&self.0.next_order, &self.0.slim];
        question(Sources { models: &models, facts: &self.0.facts, catalog: &self.0.catalog })
    }
}

impl Recommender for Ranked<'_> {
    fn recommend(&self, query: &Query<'_>, limit: usize) -> Vec<Scored> {
        self.ask(|sources| Hybrid { sources, ranker: &self.0.ranker }.recommend(query, limit))
    }
}

const WORDS: [&str; 5] = ["red", "mug", "lantern", "gift", "heart"];

impl Shop {
    /// `items` products that are bought in `orders` orders, in overlapping groups of three.
    fn open(items: u32, orders: u32) -> Self {
        let mut shop = Self::default();
        let order = |number: u32| {
            let lines = (0..3).map(|step| (Item((number % 11 * 3 + step * (1 + number % 2)) % items), 1.0)).collect();
            Order { customer: Some(Customer(number % 22)), at: hour(i64::from(number)), lines }
        };
        let orders: Vec<Order> = (0..orders).map(order).collect();
        for order in &orders {
            for (item, weight) in &order.lines {
                shop.popularity.observe(*item, *weight, order.at);
                shop.sessions.observe(u64::from(order.customer.unwrap().0), *item, order.at);
            }
        }
        // A burst at the end, so that something trends.
        (0..30).for_each(|_| shop.popularity.observe(Item(items / 2), 1.0, hour(orders.len() as i64)));
        let mut products = Vec::new();
        for item in 0..items {
            let words: Vec<&str> = (0..3).map(|step| WORDS[(item / (step + 1)) as usize % WORDS.len()]).collect();
            products.push((Item(item), Product::new(ProductId::trusted("p"), words.join(" "))));
        }
        products.iter().for_each(|(item, product)| shop.content.upsert(*item, product));
        let settings = Settings { significance: 0.5, least_together: 1, ..Settings::default() };
        let baskets: Vec<_> = orders.iter().map(|order| order.lines.clone()).collect();
        shop.also_bought = Neighbours::fit(&tastes(&orders), &Settings { significance: 0.0, ..settings });
        shop.bought_together =
            Neighbours::fit(&baskets, &Settings { significance: 0.5, ..Settings::bought_together() });
        let settings = complements::Settings { neighbours: settings, ..complements::Settings::default() };
        let alike = |one: Item, other: Item| f32::from(u8::from(one.0 / 5 == other.0 / 5));
        shop.complements = Complements::fit(&baskets, &settings, alike);
        let tastes = tastes(&orders);
        shop.ease = Linear::fit_ease(&tastes, &EaseSettings { l2: 5.0, ..EaseSettings::default() }).unwrap();
        shop.slim = Linear::fit_slim(&tastes, &SlimSettings { l2: 5.0, ..SlimSettings::default() });
        shop.factors = Factors::fit_ials(&tastes, &IalsSettings { dimensions: 8, ..IalsSettings::default() });
        let settings = ContrastSettings { dimensions: 8, batch: 32, negatives: 16, epochs: 10, ..Default::default() };
        shop.contrast = Contrast::fit(&tastes, &settings);
        shop.filter = GraphFilter::fit(&tastes, &FilterSettings { dimensions: 4, ..FilterSettings::default() });
        shop.next_order = NextOrder::fit(&orders, &next_order::Settings::default());
        shop.map_and_rank(&products, &orders);
        shop
    }

    fn map_and_rank(&mut self, products: &[(Item, Product)], orders: &[Order]) {
        let products = || products.iter().map(|(item, product)| (*item, product));
        let content = LatentSettings { dimensions: 3, ..LatentSettings::default() };
        let settings = TasteSettings { content, ..TasteSettings::default() };
        // Half of the products were never taken.
        let taken =
            tastes(orders).into_iter().map(|taste| taste.into_iter().filter(|(item, _)| item.0 % 2 == 0).collect());
        self.tastes = Tastes::fit(&taken.collect::<Vec<_>>(), products(), &settings);
        self.catalog = Catalog::of_products(products());
        self.facts = Facts::of_orders(orders);
        let boosting = BoostingSettings { trees: 5, least_rows: 2, leaves: 4, ..BoostingSettings::default() };
        let mut lessons = Lessons::new(
            &["next order", "SLIM"],
            RankerSettings { boosting, held_out: 0, ..RankerSettings::default() },
        );
        for order in orders.iter().rev().take(30) {
            let earlier = orders.iter().filter(|other| other.customer == order.customer && other.at < order.at);
            let ordered: Vec<_> =
                earlier.flat_map(|order| order.lines.iter().map(|(item, _)| (order.at, *item))).collect();
            let taken = order.lines.iter().map(|(item, _)| *item).collect();
            let query = Query { ordered: &ordered, now: order.at, ..Query::default() };
            Ranked(self).ask(|sources| lessons.give(&sources, &query, &taken, &Default::default()));
        }
        self.ranker = lessons.fit();
    }

    fn models(&self) -> Vec<(&'static str, Box<dyn Recommender + '_>)> {
        let repeats = VmisSettings { repeats: Repeats::Earlier, ..VmisSettings::default() };
        vec![
            ("popular", Box::new(self.popularity.popular())),
            ("trending", Box::new(self.popularity.trending())),
            ("sessions", Box::new(self.sessions.vmis(VmisSettings::default()))),
            ("sessions with repeats", Box::new(self.sessions.vmis(repeats))),
            ("STAN", Box::new(self.sessions.stan(StanSettings::stan()))),
            ("VSTAN", Box::new(self.sessions.stan(StanSettings { repeats: Repeats::All, ..StanSettings::vstan() }))),
            ("sequential rules", Box::new(self.sessions.rules(RuleSettings::sequential()))),
            ("association rules", Box::new(self.sessions.rules(RuleSettings::association()))),
            ("revisits", Box::new(Revisit::default())),
            ("sessions together", Box::new(self.sessions.hybrid(HybridSettings::default()))),
            ("sessions by habit", Box::new(Habit { model: &self.sessions, settings: HabitSettings::default() })),
            ("a blend by rank", Box::new(self.blend(Fusion::Rank { offset: 10.0 }))),
            ("a blend by best score", Box::new(self.blend(Fusion::Best))),
            ("content", Box::new(&self.content)),
            ("also bought", Box::new(&self.also_bought)),
            ("bought together", Box::new(&self.bought_together)),
            ("complements", Box::new(&self.complements)),
            ("next order", Box::new(&self.next_order)),
            ("EASE", Box::new(&self.ease)),
            ("SLIM", Box::new(&self.slim)),
            ("iALS", Box::new(&self.factors)),
            ("SimpleX", Box::new(&self.contrast)),
            ("graph filter", Box::new(&self.filter)),
            ("tastes", Box::new(&self.tastes)),
            ("hybrid", Box::new(Ranked(self))),
        ]
    }

    fn blend(&self, fusion: Fusion) -> Blend<'_> {
        Blend { parts: vec![(&self.sessions, 1.0), (&self.content, 0.5), (&self.also_bought, 2.0)], fusion, depth: 50 }
    }

    /// All models through bytes and back. The content index is made from the catalog, so it is only cloned.
    fn stored_and_read(mut self) -> (Self, Self) {
        let name = |item: Item| format!("product {}", item.0);
        let resolve = |name: &str| name.strip_prefix("product ")?.parse().ok().map(Item);
        let pieces = |changes: Changes| {
            let kept: BTreeMap<_, _> = changes.into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
            kept.into_iter().rev()
        };
        let read = Self {
            popularity: Popularity::restore(pieces(self.popularity.drain_changes())).unwrap(),
            sessions: SessionIndex::restore(pieces(self.sessions.drain_changes())).unwrap(),
            content: self.content.clone(),
            also_bought: Neighbours::decode(&self.also_bought.encode(name), resolve).unwrap(),
            bought_together: Neighbours::decode(&self.bought_together.encode(name), resolve).unwrap(),
            complements: Complements::decode(&self.complements.encode(name), resolve).unwrap(),
            next_order: NextOrder::decode(&self.next_order.encode(name), resolve).unwrap(),
            ease: Linear::decode(&self.ease.encode(name), resolve).unwrap(),
            slim: Linear::decode(&self.slim.encode(name), resolve).unwrap(),
            factors: Factors::decode(&self.factors.encode(name), resolve).unwrap(),
            contrast: Contrast::decode(&self.contrast.encode(name), resolve).unwrap(),
            filter: GraphFilter::decode(&self.filter.encode(name), resolve).unwrap(),
            tastes: Tastes::decode(&self.tastes.encode(name), resolve).unwrap(),
            catalog: self.catalog.clone(),
            facts: Facts::decode(&self.facts.encode(name), resolve).unwrap(),
            ranker: Ranker::decode(&self.ranker.encode()).unwrap(),
        };
        (self, read)
    }
}

fn hour(hours: i64) -> Timestamp {
    Timestamp(hours * Timestamp::HOUR)
}

/// The history as orders, one for each weight.
fn ordered_of(history: &[(Item, f32)]) -> Vec<(Timestamp, Item)> {
    history.iter().map(|(item, weight)| (Timestamp((weight * 1e12) as i64), *item)).collect()
}

/// The rules of the trait.
fn check(name: &str, model: &dyn Recommender, query: &Query<'_>, limit: usize) -> Vec<Scored> {
    let found = model.recommend(query, limit);
    assert!(found.len() <= limit, "{name}: {} for a limit of {limit}", found.len());
    assert!(found.iter().all(|scored| scored.score.is_finite()), "{name}: {found:?}");
    assert!(found.iter().all(|scored| !query.seeds.contains(&scored.item)), "{name} proposes a seed: {found:?}");
    let in_order = |pair: &[Scored]| {
        pair[0].score > pair[1].score || (pair[0].score == pair[1].score && pair[0].item < pair[1].item)
    };
    // Strictly in order by score and item number also means that none is there twice.
    assert!(found.windows(2).all(in_order), "{name}: {found:?}");
    assert_eq!(found.len(), found.iter().map(|scored| scored.item).collect::<std::collections::BTreeSet<_>>().len());
    let asked = |item: &Item| {
        query.seeds.contains(item)
            || query.session.contains(item)
            || query.history.iter().any(|(known, _)| known == item)
            || query.ordered.iter().any(|(_, known)| known == item)
    };
    assert!(found.iter().filter_map(|scored| scored.because_of).all(|cause| asked(&cause)), "{name}: {found:?}");
    assert_eq!(model.recommend(query, limit), found, "{name} asked twice");
    found
}

fn items(numbers: &[u32]) -> Vec<Item> {
    numbers.iter().map(|number| Item(*number)).collect()
}

#[test]
fn each_finds_something_where_there_is_something() {
    let shop = Shop::open(40, 600);
    let (seeds, session) = (items(&[3]), items(&[6, 4]));
    let history = [(Item(3), 1.0), (Item(7), 0.5)];
    let ordered = ordered_of(&history);
    let query = Query {
        seeds: &seeds,
        session: &session,
        history: &history,
        ordered: &ordered,
        now: hour(600),
        ..Query::default()
    };
    for (name, model) in shop.models() {
        assert!(!check(name, &*model, &query, 10).is_empty(), "{name} found nothing");
    }
}

#[test]
fn an_empty_shop_and_a_shop_with_one_item_are_answered() {
    let (seeds, session, history) = (items(&[0]), items(&[0]), [(Item(0), 1.0)]);
    let ordered = ordered_of(&history);
    let full = Query {
        seeds: &seeds,
        session: &session,
        history: &history,
        ordered: &ordered,
        now: hour(1),
        ..Query::default()
    };
    for shop in [Shop::default(), Shop::open(1, 5)] {
        for (name, model) in shop.models() {
            assert!(check(name, &*model, &full, 10).is_empty(), "{name}: the only item is the seed");
            check(name, &*model, &Query::default(), 10);
        }
    }
}

#[test]
fn a_model_of_a_larger_shop_tells_that_it_holds_more() {
    let held = |items, orders| {
        let (_, shop) = Shop::open(items, orders).stored_and_read();
        [
            ("neighbours", shop.also_bought.heap_bytes()),
            ("complements", shop.complements.heap_bytes()),
            ("next order", shop.next_order.heap_bytes()),
            ("factors", shop.factors.heap_bytes()),
            ("tastes", shop.tastes.heap_bytes()),
            ("facts", shop.facts.heap_bytes()),
        ]
    };
    for ((name, small), (_, large)) in held(10, 60).into_iter().zip(held(40, 600)) {
        assert!(large > small && small > 0, "{name}: {small} and {large}");
    }
}

#[test]
fn unknown_items_and_odd_weights_are_no_matter() {
    let shop = Shop::open(40, 600);
    let unknown = items(&[u32::MAX, 1_000_000, 40, u32::MAX]);
    let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -1.0, 0.0, f32::MAX, f32::MIN_POSITIVE];
    let history: Vec<(Item, f32)> = odd.iter().zip(0..).map(|(weight, item)| (Item(item), *weight)).collect();
    let far = [(Item(u32::MAX), 1.0)];
    for now in [Timestamp(i64::MIN), Timestamp(0), Timestamp(i64::MAX)] {
        for (name, model) in shop.models() {
            check(
                name,
                &*model,
                &Query {
                    seeds: &unknown,
                    session: &unknown,
                    history: &history,
                    ordered: &ordered_of(&history),
                    now,
                    ..Query::default()
                },
                10,
            );
            check(name, &*model, &Query { history: &far, now, ..Query::default() }, 10);
        }
    }
}

#[test]
fn huge_questions_are_answered() {
    let shop = Shop::open(2_000, 3_000);
    let all: Vec<Item> = (0..2_000).chain(0..2_000).map(Item).collect();
    let history: Vec<(Item, f32)> = all.iter().map(|item| (*item, 1.0 + (item.0 % 7) as f32)).collect();
    for (name, model) in shop.models() {
        check(
            name,
            &*model,
            &Query {
                seeds: &[],
                session: &all,
                history: &history,
                ordered: &ordered_of(&history),
                now: hour(3_000),
                ..Query::default()
            },
            usize::MAX,
        );
        let found = check(
            name,
            &*model,
            &Query {
                seeds: &all,
                session: &all,
                history: &history,
                ordered: &ordered_of(&history),
                now: hour(0),
                ..Query::default()
            },
            50,
        );
        assert!(found.is_empty(), "{name}: every item is a seed");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 6))]

    #[test]
    fn every_model_keeps_the_contract(
        size in 1_u32..60,
        orders in 0_u32..200,
        seeds in proptest::collection::vec(0_u32..70, 0..4),
        session in proptest::collection::vec(0_u32..70, 0..12),
        history in proptest::collection::vec((0_u32..70, -1.0_f32..3.0), 0..20),
        now in -10_i64..400,
        limit in 0_usize..30,
    ) {
        let (shop, read) = Shop::open(size, orders).stored_and_read();
        let (seeds, session) = (items(&seeds), items(&session));
        let history: Vec<(Item, f32)> = history.into_iter().map(|(item, weight)| (Item(item), weight)).collect();
        let ordered = ordered_of(&history);
        let query = Query { seeds: &seeds, session: &session, history: &history, ordered: &ordered, now: hour(now), ..Query::default() };
        for ((name, model), (_, read)) in shop.models().into_iter().zip(read.models()) {
            let found = check(name, &*model, &query, limit);
            let more = check(name, &*model, &query, limit + 7);
            prop_assert_eq!(&more[..found.len()], &found[..], "{}: a longer answer begins with the shorter one", name);
            prop_assert!(found.len() == limit || more.len() == found.len(), "{}", name);
            let bits = |found: &[Scored]| -> Vec<_> {
                found.iter().map(|scored| (scored.item, scored.score.to_bits(), scored.because_of)).collect()
            };
            prop_assert_eq!(bits(&read.recommend(&query, limit)), bits(&found), "{} read from bytes", name);
        }
    }
}

/// Bytes in which some are set, some are cut out, and some are put in.
fn damaged(bytes: &[u8], damage: &[(prop::sample::Index, u8, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (at, cut, inserted) in damage.iter() {
        if bytes.is_empty() {
            break;
        }
        let at = at.index(bytes.len());
        let end = (at + usize::from(*cut)).min(bytes.len());
        bytes.splice(at..end, inserted.iter().copied());
    }
    bytes
}

fn any_damage() -> impl Strategy<Value = Vec<(prop::sample::Index, u8, Vec<u8>)>> {
    let inserted = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..5),
        prop::sample::select(vec![
            vec![0xff; 4],
            vec![0xff; 8],
            vec![0x7f, 0x80, 0, 0],
            vec![0, 0, 0xc0, 0x7f],
            vec![0; 64]
        ]),
    ];
    prop::collection::vec((any::<prop::sample::Index>(), 0_u8..6, inserted), 1..4)
}

proptest! {
    /// A model's file that was damaged is refused, or it is a model like any other.
    #[test]
    fn a_damaged_model_is_refused_or_keeps_the_contract(damage in any_damage(), junk in prop::collection::vec(any::<u8>(), 0..200)) {
        thread_local!(static SHOP: Shop = Shop::open(40, 300));
        let resolve = |name: &str| name.parse().ok().filter(|number| *number < 1_000).map(Item);
        let (seeds, session, history) = (items(&[3]), items(&[6, 4]), [(Item(3), 1.0), (Item(7), 0.5)]);
        let ordered = ordered_of(&history);
        let query = Query { seeds: &seeds, session: &session, history: &history, ordered: &ordered, now: hour(300), ..Query::default() };
        SHOP.with(|shop| {
            let name = |item: Item| item.0.to_string();
            let neighbours = damaged(&shop.also_bought.encode(name), &damage);
            if let Ok(model) = Neighbours::decode(&neighbours, resolve) {
                check("also bought", &model, &query, 10);
            }
            let complements = damaged(&shop.complements.encode(name), &damage);
            if let Ok(model) = Complements::decode(&complements, resolve) {
                check("complements", &model, &query, 10);
            }
            let next_order = damaged(&shop.next_order.encode(name), &damage);
            if let Ok(model) = NextOrder::decode(&next_order, resolve) {
                check("next order", &model, &query, 10);
            }
            if let Ok(model) = Linear::decode(&damaged(&shop.slim.encode(name), &damage), resolve) {
                check("SLIM", &model, &query, 10);
            }
            if let Ok(model) = Factors::decode(&damaged(&shop.factors.encode(name), &damage), resolve) {
                check("iALS", &model, &query, 10);
            }
            if let Ok(model) = Contrast::decode(&damaged(&shop.contrast.encode(name), &damage), resolve) {
                check("SimpleX", &model, &query, 10);
            }
            if let Ok(model) = GraphFilter::decode(&damaged(&shop.filter.encode(name), &damage), resolve) {
                check("graph filter", &model, &query, 10);
            }
            let models: [&dyn Recommender; 2] = [&shop.next_order, &shop.slim];
            if let Ok(ranker) = Ranker::decode(&damaged(&shop.ranker.encode(), &damage)) {
                let sources = Sources { models: &models, facts: &shop.facts, catalog: &shop.catalog };
                check("hybrid", &Hybrid { sources, ranker: &ranker }, &query, 10);
            }
            if let Ok(facts) = Facts::decode(&damaged(&shop.facts.encode(name), &damage), resolve) {
                let sources = Sources { models: &models, facts: &facts, catalog: &shop.catalog };
                check("hybrid with other facts", &Hybrid { sources, ranker: &shop.ranker }, &query, 10);
            }
        });
        for bytes in [junk.clone(), [b"MRCR".as_slice(), &junk].concat()] {
            prop_assert!(Neighbours::decode(&bytes, resolve).is_err());
            prop_assert!(NextOrder::decode(&bytes, resolve).is_err());
            prop_assert!(Repurchase::decode(&bytes, resolve).is_err());
            prop_assert!(Complements::decode(&bytes, resolve).is_err());
            prop_assert!(Bundles::decode(&bytes, resolve).is_err());
        }
    }

    /// The same for the pieces of the live indexes.
    #[test]
    fn damaged_pieces_are_refused_or_keep_the_contract(damage in any_damage(), which in any::<prop::sample::Index>(), key in any::<bool>()) {
        thread_local!(static PIECES: [Vec<(Vec<u8>, Vec<u8>)>; 2] = {
            let mut shop = Shop::open(12, 60);
            [shop.popularity.drain_changes(), shop.sessions.drain_changes()]
                .map(|changes| changes.into_iter().filter_map(|(key, value)| Some((key, value?))).collect())
        });
        let session = items(&[6, 4]);
        let query = Query { session: &session, now: hour(60), ..Query::default() };
        let broken = |pieces: &[(Vec<u8>, Vec<u8>)]| {
            let mut pieces = pieces.to_vec();
            let place = which.index(pieces.len());
            let part = if key { &mut pieces[place].0 } else { &mut pieces[place].1 };
            *part = damaged(part, &damage);
            pieces
        };
        PIECES.with(|[popularity, sessions]| {
            if let Ok(mut read) = Popularity::restore(broken(popularity)) {
                check("popular", &read.popular(), &query, 10);
                check("trending", &read.trending(), &query, 10);
                read.observe(Item(1), 1.0, hour(61));
            }
            if let Ok(mut read) = SessionIndex::restore(broken(sessions)) {
                check("sessions", &read.vmis(VmisSettings::default()), &query, 10);
                read.observe(1, Item(1), hour(61));
            }
        });
    }
}
