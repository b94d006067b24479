//! What diverse rows cost: NDCG@10 against the mean distance of the items of a row, for several strengths.
//!
//! `cargo run --release -p mercer-recommend --example arranging -- beauty` reads `amazon-s3rec/Beauty.txt` and its
//! attributes in the folder that `MERCER_DATA` names, or in `../shared/data`; `-- shop orders.csv catalog.jsonl` reads the
//! orders that the example `next_order` reads and the gift shop's catalog as `mercer demo` writes it. A last word (`spread`)
//! measures one method alone. Strengths are chosen on the second-last items and orders: the most diverse (of calibration,
//! the least divergent) of those that lose at most 2 % of NDCG.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::disallowed_methods, reason = "an example looks up where the data is")]

mod shop;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use mercer_recommend::arrange::{Calibration, Objective, blend, calibrate, divergence, diversity, dpp, mmr, spread};
use mercer_recommend::content::ContentIndex;
use mercer_recommend::evaluate::{hold_out_last_orders, ndcg_at};
use mercer_recommend::interactions::lines;
use mercer_recommend::neighbours::{Neighbours, Settings, Weighting};
use mercer_recommend::next_order::{self, NextOrder};
use mercer_recommend::{Item, Query, Recommender, Scored};
use mercer_schema::{Product, ProductId};

const PLACES: usize = 10;
const CANDIDATES: usize = 200;
/// How much the kinds of the past count beside relevance; the better of 0.1 and 0.25 on the second-last items of Beauty.
const TASTE: f64 = 0.1;
const STRENGTHS: [f64; 12] = [0.99, 0.985, 0.98, 0.975, 0.97, 0.96, 0.95, 0.94, 0.93, 0.92, 0.9, 0.8];

/// Candidates, what should be among them, and the shares of kinds in the past.
struct Asked {
    candidates: Vec<Scored>,
    relevant: BTreeSet<Item>,
    past: BTreeMap<u32, f64>,
}

#[derive(Clone, Copy)]
enum Method {
    Ranking,
    Mmr(f64),
    Dpp(f64),
    Spread(f64),
    /// Spread, after what is of the kinds of the customer's past has moved up.
    TasteSpread(f64),
    Calibrated(f64),
}

struct Reached {
    ndcg: f64,
    diversity: f64,
    divergence: f64,
}

/// A method of some strength.
type Strong = fn(f64) -> Method;
type Likeness<'a> = &'a dyn Fn(Item, Item) -> f64;
type Kinds<'a> = &'a dyn Fn(Item) -> Vec<(u32, f64)>;

fn measure(asked: &[Asked], method: Method, likeness: Likeness<'_>, kinds: Kinds<'_>) -> Reached {
    let (mut ndcg, mut distance, mut away) = (0.0, 0.0, 0.0);
    for question in asked {
        let shown = match method {
            Method::Ranking => question.candidates[..PLACES.min(question.candidates.len())].to_vec(),
            Method::Mmr(lambda) => mmr(&question.candidates, PLACES, lambda, likeness),
            Method::Dpp(theta) => dpp(&question.candidates, PLACES, theta, likeness),
            Method::Spread(lambda) => spread(&question.candidates, PLACES, lambda, likeness),
            Method::TasteSpread(lambda) => spread(&by_taste(question, kinds), PLACES, lambda, likeness),
            Method::Calibrated(strength) => calibrate(
                &question.candidates[..question.candidates.len().min(50)],
                PLACES,
                Calibration { strength, past: &question.past },
                kinds,
            ),
        };
        let items: Vec<Item> = shown.iter().map(|scored| scored.item).collect();
        ndcg += ndcg_at(&items, &question.relevant, PLACES);
        distance += diversity(&items, likeness);
        away += divergence(&items, &question.past, kinds);
    }
    let count = asked.len() as f64;
    Reached { ndcg: ndcg / count, diversity: distance / count, divergence: away / count }
}

/// Relevance with some regard to how much of the past is of an item's kinds.
fn by_taste(question: &Asked, kinds: Kinds<'_>) -> Vec<Scored> {
    let taste = |item: Item| {
        let of_past = |(kind, share): (u32, f64)| share * question.past.get(&kind).copied().unwrap_or(0.0);
        Some(kinds(item).into_iter().map(of_past).sum())
    };
    blend(&question.candidates, 1.0, &[Objective { weight: TASTE, value: &taste }])
}

fn report(name: &str, only: &str, [valid, test]: [&[Asked]; 2], likeness: Likeness<'_>, kinds: Kinds<'_>) {
    let [plain, plain_test] = [valid, test].map(|asked| measure(asked, Method::Ranking, likeness, kinds));
    println!("{name}: {} validation and {} test questions", valid.len(), test.len());
    let print = |name: &str, reached: &Reached, plain: &Reached| {
        println!(
            "{name:<24} ndcg@10 {:.4} ({:+.1} %)  diversity {:.4} ({:+.1} %)  divergence {:.3} ({:+.1} %)",
            reached.ndcg,
            100.0 * (reached.ndcg / plain.ndcg - 1.0),
            reached.diversity,
            100.0 * (reached.diversity / plain.diversity - 1.0),
            reached.divergence,
            100.0 * (reached.divergence / plain.divergence - 1.0),
        );
    };
    print("ranking, validation", &plain, &plain);
    let methods: [(&str, Strong); 5] = [
        ("mmr", Method::Mmr),
        ("dpp", Method::Dpp),
        ("spread", Method::Spread),
        ("taste, spread", Method::TasteSpread),
        ("calibrated", Method::Calibrated),
    ];
    for (name, method) in methods.into_iter().filter(|(name, _)| name.starts_with(only)) {
        // The most diverse of those that lose at most 2 % of NDCG.
        let mut best: Option<(f64, f64)> = None;
        for strength in STRENGTHS {
            // Of calibration, strength is the other way round.
            let strength = if name == "calibrated" { 2.0 * (1.0 - strength) } else { strength };
            let reached = measure(valid, method(strength), likeness, kinds);
            print(&format!("{name} {strength:.3}, validation"), &reached, &plain);
            let gain = if name == "calibrated" { -reached.divergence } else { reached.diversity };
            if reached.ndcg >= 0.98 * plain.ndcg && best.is_none_or(|(known, _)| gain > known) {
                best = Some((gain, strength));
            }
        }
        if let Some((_, strength)) = best {
            print(
                &format!("{name} {strength:.3}, TEST"),
                &measure(test, method(strength), likeness, kinds),
                &plain_test,
            );
        }
    }
    println!();
}

/// Sequences with the last `skipped` items unknown and the one before them to be found.
fn beauty_questions(sequences: &[Vec<Item>], skipped: usize, kinds: Kinds<'_>) -> Vec<Asked> {
    let known: Vec<(&[Item], Item)> = sequences
        .iter()
        .filter_map(|items| items[..items.len().checked_sub(skipped)?].split_last())
        .map(|(target, known)| (known, *target))
        .collect();
    let baskets: Vec<_> = known.iter().map(|(items, _)| items.iter().map(|item| (*item, 1.0)).collect()).collect();
    let settings =
        Settings { significance: 0.0, least_together: 1, weighting: Weighting::Damped(0.5), ..Settings::default() };
    let model = Neighbours::fit(&baskets, &settings);
    let question = |(items, target): (&[Item], Item)| {
        let history: Vec<(Item, f32)> =
            items.iter().rev().enumerate().map(|(age, item)| (*item, 0.7_f32.powi(age as i32))).collect();
        let mut past = BTreeMap::new();
        items.iter().flat_map(|item| kinds(*item)).for_each(|(kind, share)| *past.entry(kind).or_default() += share);
        let candidates = model.recommend(&Query { history: &history, ..Query::default() }, CANDIDATES);
        Asked { candidates, relevant: BTreeSet::from([target]), past }
    };
    known.into_iter().map(question).collect()
}

fn beauty(only: &str) {
    let folder = std::env::var("MERCER_DATA").unwrap_or_else(|_| "../shared/data".to_owned());
    let read = |name: &str| {
        let path = format!("{folder}/amazon-s3rec/{name}");
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
    };
    let sequence = |line: &str| line.split(' ').skip(1).map(|item| Item(item.parse().unwrap())).collect();
    let sequences: Vec<Vec<Item>> = read("Beauty.txt").lines().map(sequence).collect();
    let mut attributes: HashMap<u32, Vec<u32>> =
        serde_json::from_str(&read("Beauty_item2attributes.json")).expect("attributes by item");
    attributes.values_mut().for_each(|of_item| of_item.sort_unstable());
    let of = |item: Item| attributes.get(&item.0).map_or(&[][..], Vec::as_slice);
    let common = |one: Item, other: Item| of(one).iter().filter(|kind| of(other).binary_search(kind).is_ok()).count();
    let jaccard = |one: Item, other: Item| {
        let both = common(one, other) as f64;
        let either = (of(one).len() + of(other).len()) as f64 - both;
        if one == other { 1.0 } else { both / either.max(1.0) }
    };
    let kinds = |item: Item| {
        let share = 1.0 / of(item).len().max(1) as f64;
        of(item).iter().map(|kind| (*kind, share)).collect::<Vec<_>>()
    };
    let [valid, test] = [1, 0].map(|skipped| beauty_questions(&sequences, skipped, &kinds));
    report("Beauty, Jaccard index of the attributes", only, [&valid, &test], &jaccard, &kinds);
    let shares_one = |one: Item, other: Item| f64::from(u8::from(common(one, other) > 0));
    report("Beauty, alike when they share an attribute", only, [&valid, &test], &shares_one, &kinds);
}

fn shop(orders: &str, catalog: &str, only: &str) {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let (orders, catalog) = (read(orders), read(catalog));
    let mut items: HashMap<String, Item> = HashMap::new();
    let orders = shop::read_orders(&orders, &mut items, |_| 1.0);
    let mut index = ContentIndex::default();
    let (mut categories, mut category_of) = (HashMap::new(), HashMap::new());
    for line in catalog.lines() {
        let product: serde_json::Value = serde_json::from_str(line).expect("a product a line");
        let Some(item) = product["id"].as_str().and_then(|id| items.get(id)) else { continue };
        let title = product["title"].as_str().unwrap_or_default();
        index.upsert(*item, &Product::new(ProductId::trusted("p"), title));
        if let Some(leaf) = product["category"].as_array().and_then(|levels| levels.last()?.as_str()) {
            let next = categories.len() as u32;
            category_of.insert(*item, *categories.entry(leaf.to_owned()).or_insert(next));
        }
    }
    let likeness = |one: Item, other: Item| if one == other { 1.0 } else { f64::from(index.likeness(one, other)) };
    let kinds = |item: Item| category_of.get(&item).map(|kind| (*kind, 1.0)).into_iter().collect::<Vec<_>>();
    let asked = |skipped: usize| -> Vec<Asked> {
        let split = hold_out_last_orders(&orders, skipped);
        let model = NextOrder::fit(&split.train, &next_order::Settings::default());
        let question = |case: &mercer_recommend::evaluate::Case| {
            let ordered: Vec<_> = lines(&case.history).collect();
            let mut past = BTreeMap::new();
            ordered
                .iter()
                .flat_map(|(_, item)| kinds(*item))
                .for_each(|(kind, one)| *past.entry(kind).or_default() += one);
            let query = Query { ordered: &ordered, now: case.at, ..Query::default() };
            Asked { candidates: model.recommend(&query, CANDIDATES), relevant: case.relevant.clone(), past }
        };
        split.cases.iter().map(question).collect()
    };
    let [valid, test] = [asked(1), asked(0)];
    report("gift shop, cosine of the titles", only, [&valid, &test], &likeness, &kinds);
    let category = |one: Item, other: Item| {
        let categories = category_of.get(&one).zip(category_of.get(&other));
        f64::from(u8::from(one == other || categories.is_some_and(|(one, other)| one == other)))
    };
    report("gift shop, alike when of one category", only, [&valid, &test], &category, &kinds);
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["beauty"] => beauty(""),
        ["beauty", only] => beauty(only),
        ["shop", orders, catalog] => shop(orders, catalog, ""),
        ["shop", orders, catalog, only] => shop(orders, catalog, only),
        _ => panic!("beauty, or shop with the paths of orders and catalog"),
    }
}
