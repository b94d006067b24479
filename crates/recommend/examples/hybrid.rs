//! Tunes the numbers of the session hybrid on validation parts, all of them at once, climbing one number at a time.
//!
//! `cargo run --release -p mercer-recommend --example hybrid -- 5000 train.txt valid.txt train2.txt valid2.txt` asks 5,000
//! questions of each. What it finds is to be measured once on the test files, with `mercer eval recommend`.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeSet, HashMap};

use mercer_recommend::benchmark::{Question, read_sessions};
use mercer_recommend::sessions::{
    HybridSettings, IndexSettings, Returns, Revisit, RuleSettings, SessionIndex, StanSettings,
};
use mercer_recommend::{Item, Query, Recommender};

/// Visits, rules, revisits.
const PARTS: usize = 3;
const NAMES: [&str; 8] =
    ["visits", "rules", "revisit", "doubt", "stay share", "stay strength", "back share", "back strength"];
const CHOICES: [f32; 17] = [0.0, 0.03, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0, 1.4, 2.0, 3.0, 5.0, 10.0, 20.0, 40.0];

/// The answers of all parts to one question, as shares.
struct Asked {
    session: Vec<Item>,
    target: Item,
    /// Visits with the item looked at now.
    visits: f32,
    answers: Vec<Vec<(Item, f32)>>,
}

fn ask_all(train: &str, valid: &str, count: usize) -> Vec<Asked> {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let data = read_sessions(&read(train), &read(valid)).unwrap();
    let longest = data.train.iter().map(Vec::len).max().unwrap();
    let settings = IndexSettings { kept_per_item: 2_500, pause_minutes: u32::MAX, longest };
    let mut index = SessionIndex::new(settings);
    for (visitor, session) in (0..).zip(&data.train) {
        session.iter().for_each(|(item, at)| index.observe(visitor, *item, *at));
    }
    let (hybrid, repeats) = (HybridSettings::default(), data.repeats);
    let visits = index.stan(StanSettings { repeats, ..hybrid.visits.0 });
    let rules = index.rules(RuleSettings { repeats, ..hybrid.rules.0 });
    let parts: [&dyn Recommender; PARTS] = [&visits, &rules, &Revisit { repeats, ..hybrid.revisit.0 }];
    let mut visits_with: HashMap<Item, usize> = HashMap::new();
    for session in &data.train {
        let items: BTreeSet<Item> = session.iter().map(|(item, _)| *item).collect();
        items.into_iter().for_each(|item| *visits_with.entry(item).or_default() += 1);
    }
    let answer = |question: &Question| {
        let query = Query { session: &question.session, now: question.at, ..Query::default() };
        let shares = |part: &dyn Recommender| -> Vec<(Item, f32)> {
            let found = part.recommend(&query, 100);
            let total: f32 = found.iter().map(|scored| scored.score).sum();
            found.iter().map(|scored| (scored.item, scored.score / total)).collect()
        };
        let answers = parts.iter().map(|part| shares(*part)).collect();
        let (target, session) = (*question.relevant.first().unwrap(), question.session.clone());
        let visits = session.last().and_then(|item| visits_with.get(item)).copied().unwrap_or_default() as f32;
        Asked { session, target, visits, answers }
    };
    data.questions.iter().step_by((data.questions.len() / count).max(1)).map(answer).collect()
}

/// HR@20 and MRR@20 with these numbers, in the order of their names.
fn measure(asked: &[Asked], numbers: &[f32], table: &mut [f32]) -> (f64, f64) {
    let (mut hits, mut ranks) = (0.0, 0.0);
    let (stay, back) =
        (Returns { share: numbers[4], strength: numbers[5] }, Returns { share: numbers[6], strength: numbers[7] });
    for case in asked {
        let mut items = Vec::new();
        let weights = [numbers[0], numbers[1], numbers[2] * numbers[3] / (case.visits + numbers[3])];
        for (answer, weight) in case.answers.iter().zip(&weights) {
            for (item, share) in answer.iter().filter(|_| *weight > 0.0) {
                if table[item.index()] == 0.0 {
                    items.push(*item);
                }
                table[item.index()] += weight * share;
            }
        }
        let (steps, mut seen) = (case.session.len() - 1, case.session.clone());
        seen.sort_unstable();
        seen.dedup();
        let stays = case.session.windows(2).filter(|pair| pair[0] == pair[1]).count();
        let back = back.factor(steps + 1 - seen.len() - stays, steps);
        let stay = stay.factor(stays, steps);
        let current = *case.session.last().unwrap();
        for item in seen {
            if let Some(score) = table.get_mut(item.index()) {
                *score *= if item == current { stay } else { back };
            }
        }
        let score = table.get(case.target.index()).copied().unwrap_or_default();
        let is_before =
            |item: &&Item| table[item.index()] > score || (table[item.index()] == score && **item < case.target);
        let rank = items.iter().filter(is_before).count() + 1;
        if score > 0.0 && rank <= 20 {
            hits += 1.0;
            ranks += 1.0 / rank as f64;
        }
        items.iter().for_each(|item| table[item.index()] = 0.0);
    }
    (hits / asked.len() as f64, ranks / asked.len() as f64)
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (count, files) = arguments.split_first().expect("how many questions, and files");
    let count = count.parse().expect("a number");
    let sets: Vec<Vec<Asked>> = files.chunks_exact(2).map(|pair| ask_all(&pair[0], &pair[1], count)).collect();
    let mut table = vec![0.0; 200_000];
    let mut value = |numbers: &[f32]| -> (f64, Vec<(f64, f64)>) {
        let reached: Vec<(f64, f64)> = sets.iter().map(|asked| measure(asked, numbers, &mut table)).collect();
        (reached.iter().map(|(hit_rate, mrr)| hit_rate + mrr).sum(), reached)
    };
    let HybridSettings { visits, rules, revisit, doubt, habit, .. } = HybridSettings::default();
    let Returns { share, strength } = habit.stay;
    let mut numbers = vec![visits.1, rules.1, revisit.1, doubt, share, strength, habit.back.share, habit.back.strength];
    let mut best = value(&numbers).0;
    loop {
        println!("{NAMES:?} {numbers:?} reach {:.4?}", value(&numbers).1);
        let before = best;
        for place in 0..numbers.len() {
            for choice in CHOICES {
                let mut tried = numbers.clone();
                tried[place] = choice;
                let reached = value(&tried).0;
                if reached > best + 1e-4 {
                    (best, numbers) = (reached, tried);
                }
            }
        }
        if best <= before + 1e-3 {
            break;
        }
    }
    println!("{NAMES:?} {numbers:?} reach {:.4?}", value(&numbers).1);
}
