//! New products: every tenth item is kept out of everything that is learned, and should be found by what it is.
//!
//! `cargo run --release -p mercer-recommend --example cold_items -- sequences Beauty.txt Beauty_item2attributes.json [test]` or
//! `… -- orders orders.csv catalog.jsonl [test]` (the files of the example `hybrid`). Asked are the customers whose held-out
//! item or order has such an item: the item before the last, or the second-last order; with `test`, the last. Each model ranks
//! all items, and once more the new ones alone.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod shop;

use std::collections::{BTreeSet, HashMap};

use mercer_recommend::benchmark::{Question, read_sequences};
use mercer_recommend::content::ContentIndex;
use mercer_recommend::evaluate::{Interval, hit_at, hold_out_last_orders, mean_interval};
use mercer_recommend::factors::{Factors, IalsSettings};
use mercer_recommend::interactions::{self, Basket};
use mercer_recommend::latent::{ItemVectors, Latent, LatentSettings};
use mercer_recommend::mapping::{Mapping, MappingSettings};
use mercer_recommend::{Item, Query, Recommender, Scored, best_of};
use mercer_schema::Product;

const fn is_new(item: Item) -> bool {
    item.0 % 10 == 7
}

/// What to learn from, without any new item; what is known of all items; and whom to ask.
struct Data {
    train: Vec<Basket>,
    content: ItemVectors,
    words: ContentIndex,
    asked: Vec<Question>,
    items: usize,
}

fn without_new(basket: &Basket) -> Basket {
    basket.iter().filter(|(item, _)| !is_new(*item)).copied().collect()
}

fn asked(history: &Basket, relevant: impl IntoIterator<Item = Item>) -> Question {
    let relevant = relevant.into_iter().collect();
    Question { history: without_new(history), relevant, ..Question::default() }
}

fn sequences(sequences: &str, attributes: &str, is_test: bool, settings: &LatentSettings) -> Data {
    let data = read_sequences(sequences, Some(attributes)).expect("sequences");
    let questions = if is_test { &data.test } else { &data.validation };
    let train = data.train.iter().map(|items| without_new(&items.iter().map(|item| (*item, 1.0)).collect()));
    Data {
        train: train.collect(),
        content: Latent::fit_attributes(&data.attributes, settings).vectors_of_attributes(&data.attributes),
        words: ContentIndex::default(),
        asked: questions.iter().map(|question| asked(&question.history, question.relevant.iter().copied())).collect(),
        items: data.items,
    }
}

fn orders(orders: &str, catalog: &str, is_test: bool, settings: &LatentSettings) -> Data {
    let mut items = HashMap::new();
    let orders = shop::read_orders(orders, &mut items, |_| 1.0);
    let products: Vec<Product> = catalog.lines().map(|line| serde_json::from_str(line).expect("a product")).collect();
    let known = || products.iter().filter_map(|product| Some((*items.get(product.id.as_str())?, product)));
    let split = hold_out_last_orders(&orders, usize::from(!is_test));
    let mut words = ContentIndex::default();
    known().for_each(|(item, product)| words.upsert(item, product));
    let question = |case: &mercer_recommend::evaluate::Case| {
        let history = interactions::tastes(&case.history).pop().unwrap_or_default();
        asked(&history, case.relevant.iter().copied())
    };
    Data {
        train: interactions::tastes(&split.train).iter().map(without_new).collect(),
        content: Latent::fit(&products, settings).vectors(known()),
        words,
        asked: split.cases.iter().map(question).collect(),
        items: items.len(),
    }
}

/// The cosine to the mean of the history's content.
struct Alike<'a>(&'a ItemVectors);

impl Recommender for Alike<'_> {
    fn recommend(&self, query: &Query<'_>, limit: usize) -> Vec<Scored> {
        let mut mean = vec![0.0; self.0.dimensions()];
        for (vector, weight) in query.history.iter().filter_map(|(item, weight)| Some((self.0.of(*item)?, weight))) {
            mean.iter_mut().zip(vector).for_each(|(mean, value)| *mean += weight * value);
        }
        let known = query.history.iter().map(|(item, _)| *item).collect::<BTreeSet<_>>();
        let scored = |item: Item| {
            let vector = self.0.of(item)?;
            let dot: f32 = vector.iter().zip(&mean).map(|(a, b)| a * b).sum();
            let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
            Some(Scored { item, score: dot / length, because_of: None })
        };
        let others = (0..self.0.size() as u32).map(Item).filter(|item| !known.contains(item));
        best_of(others.filter_map(scored).collect(), limit)
    }
}

/// Like the weightiest of the history.
struct Words<'a>(&'a ContentIndex);

impl Recommender for Words<'_> {
    fn recommend(&self, query: &Query<'_>, limit: usize) -> Vec<Scored> {
        let seeds: Vec<Item> = query.history.iter().map(|(item, _)| *item).collect();
        self.0.similar(&seeds, limit)
    }
}

fn print(name: &str, model: &dyn Recommender, data: &Data) {
    let (mut among_all, mut among_new, mut every) = ([vec![], vec![]], [vec![], vec![]], vec![]);
    for question in &data.asked {
        let query = Query { history: &question.history, ..Query::default() };
        let wanted: BTreeSet<Item> = question.relevant.iter().copied().filter(|item| is_new(*item)).collect();
        let limit = if wanted.is_empty() { 20 } else { usize::MAX };
        let ranked: Vec<Item> = model.recommend(&query, limit).iter().map(|scored| scored.item).collect();
        every.push(hit_at(&ranked, &question.relevant, 20));
        if wanted.is_empty() {
            continue;
        }
        let new: Vec<Item> = ranked.iter().copied().filter(|item| is_new(*item)).collect();
        for (place, cutoff) in [10, 20].into_iter().enumerate() {
            among_all[place].push(hit_at(&ranked, &wanted, cutoff));
            among_new[place].push(hit_at(&new, &wanted, cutoff));
        }
    }
    let shown = |values: &Vec<f64>| {
        let Interval { mean, low, high } = mean_interval(values, 1_000, 1);
        format!("{mean:.4} [{low:.4}, {high:.4}]")
    };
    let [all_10, all_20] = among_all.each_ref().map(shown);
    let [new_10, new_20] = among_new.each_ref().map(shown);
    println!(
        "{name:<38} new among all: HR@10 {all_10} HR@20 {all_20}  among new: HR@10 {new_10} HR@20 {new_20}  any: HR@20 {}",
        shown(&every)
    );
}

fn mapped(data: &Data, takers: &[u32], ials: &IalsSettings, settings: &MappingSettings) -> Factors {
    let mut factors = Factors::fit_ials(&data.train, ials);
    if let Some(mapping) = Mapping::fit(&data.content, &factors, takers, settings) {
        mapping.apply(&data.content, takers, settings, &mut factors);
    }
    factors
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [form, first, second, rest @ ..] = &arguments[..] else { panic!("a form and two files") };
    let read = |path: &String| std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let is_test = rest.first().is_some_and(|word| word == "test");
    let settings = LatentSettings { dimensions: 512, ..LatentSettings::default() };
    let make = if form == "sequences" { sequences } else { orders };
    let data = make(&read(first), &read(second), is_test, &settings);
    let mut takers = vec![0; data.items];
    data.train.iter().flatten().for_each(|(item, _)| takers[item.index()] += 1);
    let new = (0..data.items as u32).filter(|item| is_new(Item(*item))).count();
    let cases = data.asked.iter().filter(|question| question.relevant.iter().any(|item| is_new(*item))).count();
    println!("{cases} cases, {new} new items of {}", data.items);
    if !data.words.is_empty() {
        print("alike in words", &Words(&data.words), &data);
    }
    print("alike in content", &Alike(&data.content), &data);
    let default = MappingSettings::default();
    let tried = if is_test {
        vec![default]
    } else {
        let settings = |standing, prior| MappingSettings { standing, prior, ..default };
        vec![settings(0.5, 0.0), default, settings(0.95, 0.0), settings(0.85, 3.0)]
    };
    for settings in tried {
        let ials = IalsSettings { dimensions: 128, ..IalsSettings::default() };
        let name = format!("mapped, prior {}, standing {}", settings.prior, settings.standing);
        print(&name, &mapped(&data, &takers, &ials, &settings), &data);
    }
}
