//! How long a call takes, on a made-up shop: `cargo run --release -p mercer-recommend --example speed -- 100000`.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Instant;

use mercer_recommend::content::ContentIndex;
use mercer_recommend::neighbours::{Neighbours, Settings};
use mercer_recommend::popularity::Popularity;
use mercer_recommend::sessions::SessionIndex;
use mercer_recommend::{Item, Query, Recommender};
use mercer_schema::{Product, ProductId, Timestamp};

/// Numbers that look random (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (((mixed >> 32) * u64::from(bound)) >> 32) as u32
    }

    /// Small numbers are likelier, roughly as sales are.
    fn skewed(&mut self, bound: u32) -> u32 {
        let share = f64::from(self.below(1 << 20)) / f64::from(1 << 20);
        (f64::from(bound) * share.powi(3)) as u32
    }
}

fn time(name: &str, model: &dyn Recommender, items: u32) {
    let mut dice = Dice(9);
    let mut micros: Vec<f64> = Vec::new();
    for round in 0..3_000 {
        let seeds = [Item(dice.skewed(items))];
        let session: Vec<Item> = (0..9).map(|_| Item(dice.skewed(items))).collect();
        let history: Vec<(Item, f32)> = (0..50).map(|_| (Item(dice.skewed(items)), 1.0)).collect();
        let seeds = if round % 2 == 0 { &seeds[..] } else { &[] };
        let query =
            Query { seeds, session: &session, history: &history, now: Timestamp(Timestamp::DAY), ..Query::default() };
        let started = Instant::now();
        std::hint::black_box(model.recommend(&query, 50));
        micros.push(started.elapsed().as_nanos() as f64 / 1e3);
    }
    micros.sort_by(f64::total_cmp);
    let at = |share: f64| micros[(micros.len() as f64 * share) as usize];
    println!("{name:<16} microseconds: p50 {:.1} p90 {:.1} p99 {:.1}", at(0.5), at(0.9), at(0.99));
}

fn main() {
    let items: u32 = std::env::args().nth(1).expect("how many items").parse().expect("a number");
    let mut dice = Dice(1);
    let mut popularity = Popularity::default();
    let mut sessions = SessionIndex::default();
    let contacts = items * 20;
    let started = Instant::now();
    let mut published = (popularity.clone(), sessions.clone());
    for number in 0..contacts {
        let (item, at) = (Item(dice.skewed(items)), Timestamp(i64::from(number) * Timestamp::SECOND / 20));
        popularity.observe(item, 1.0, at);
        sessions.observe(u64::from(dice.below(items)), item, at);
        if number % 100 == 0 {
            published = (popularity.clone(), sessions.clone());
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{contacts} contacts, published every 100: {:.0} a second, {} visits",
        f64::from(contacts) / seconds,
        sessions.len()
    );
    drop(published);

    let words: Vec<String> = (0..5_000_u32)
        .map(|number| {
            format!("w{}", (b'a' + (number % 26) as u8) as char).repeat(1 + number as usize / 900) + &number.to_string()
        })
        .collect();
    let mut content = ContentIndex::default();
    let started = Instant::now();
    for item in 0..items {
        let title: Vec<&str> = (0..7).map(|_| words[dice.skewed(5_000) as usize].as_str()).collect();
        content.upsert(Item(item), &Product::new(ProductId::trusted("p"), title.join(" ")));
    }
    println!("content index in {:.2} s", started.elapsed().as_secs_f64());

    let baskets: Vec<_> = (0..items * 2).map(|_| (0..10).map(|_| (Item(dice.skewed(items)), 1.0)).collect()).collect();
    let started = Instant::now();
    let neighbours =
        Neighbours::fit(&baskets, &Settings { significance: 0.0, least_together: 1, ..Settings::default() });
    println!("neighbours of {} baskets in {:.2} s", baskets.len(), started.elapsed().as_secs_f64());

    time("popular", &popularity.popular(), items);
    time("trending", &popularity.trending(), items);
    time("sessions", &sessions, items);
    time("content", &content, items);
    time("neighbours", &neighbours, items);
}
