//! New products: every tenth item is kept out of training, and should be found by its attributes.
//!
//! `cargo run --release -p mercer-neural --example cold_items -- Beauty.txt Beauty_item2attributes.json [standing …]`. Asked are all
//! customers for the item before the last, without the new items among those before it. The network is trained once and asked
//! with each standing; without any new items it is asked first.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use mercer_neural::{Lessons, NextItem, Settings};
use mercer_recommend::benchmark::{Question, SequenceData, read_sequences};
use mercer_recommend::evaluate::{Interval, hit_at, mean_interval, ndcg_at};
use mercer_recommend::{Item, Query, Recommender};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Without held-out items to stop by.
const EPOCHS: usize = 24;

const fn is_new(item: Item) -> bool {
    item.0 % 10 == 7
}

fn without_new(items: &[Item]) -> Vec<Item> {
    items.iter().copied().filter(|item| !is_new(*item)).collect()
}

fn ranked(model: &NextItem, question: &Question) -> Vec<Item> {
    let session = without_new(&question.session);
    let wants_new = question.relevant.iter().any(|item| is_new(*item));
    let limit = if wants_new { usize::MAX } else { 20 + question.masked.len() };
    let found = model.recommend(&Query { session: &session, ..Query::default() }, limit);
    found.into_iter().map(|scored| scored.item).filter(|item| !question.masked.contains(item)).collect()
}

fn print(name: &str, model: &NextItem, questions: &[Question]) {
    let (mut all, mut new, mut known, mut any) = (vec![], vec![], vec![], vec![]);
    for question in questions {
        let found = ranked(model, question);
        any.push(hit_at(&found, &question.relevant, 20));
        if question.relevant.iter().any(|item| is_new(*item)) {
            let among: Vec<Item> = found.iter().copied().filter(|item| is_new(*item)).collect();
            all.push(hit_at(&found, &question.relevant, 20));
            new.push(hit_at(&among, &question.relevant, 20));
        } else {
            known.push(ndcg_at(&found, &question.relevant, 10));
        }
    }
    let [all, new, known, any] = [all, new, known, any].map(|values| {
        let Interval { mean, low, high } = mean_interval(&values, 1_000, 1);
        format!("{mean:.4} [{low:.4}, {high:.4}]")
    });
    println!("| {name} | {all} | {new} | {known} | {any} |");
}

fn with_standing(data: &SequenceData, train: &[Vec<Item>], standing: f32, items: usize) -> NextItem {
    let attributes = &data.attributes[..items.min(data.attributes.len())];
    let lessons = Lessons { sequences: train, items: data.items, attributes, held_out: &[] };
    let settings = Settings { epochs: EPOCHS, standing, ..Settings::default() };
    NextItem::fit(&lessons, &settings, |_| ()).expect("training")
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [first, second, standings @ ..] = &arguments[..] else { panic!("two files") };
    let read = |path: &String| std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let data = read_sequences(&read(first), Some(&read(second))).expect("sequences");
    let train: Vec<Vec<Item>> = data.train.iter().map(|items| without_new(items)).collect();
    println!("| | new among all, HR@20 | new among new, HR@20 | known, NDCG@10 | any, HR@20 |");
    for standing in standings {
        let model = with_standing(&data, &train, standing.parse().expect("a share"), data.items);
        print(standing, &model, &data.validation);
    }
}
