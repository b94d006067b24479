//! How long it takes to find what is near among so many vectors: `cargo run --release -p mercer-recommend --example nearest`.
#![allow(clippy::print_stdout)]

use std::time::Instant;

use mercer_recommend::Item;
use mercer_recommend::nearest::Nearest;

const DIMENSIONS: usize = 128;
const QUESTIONS: usize = 300;

fn main() {
    println!("| vectors of {DIMENSIONS} | MB | made, s | p50 ms | p99 ms | one more, µs |");
    println!("| --- | --- | --- | --- | --- | --- |");
    for size in [20_000, 50_000, 200_000, 1_000_000] {
        let items: Vec<(Item, u64)> = (0..size).map(|number| (Item(number), u64::from(number))).collect();
        let started = Instant::now();
        let mut nearest = Nearest::of_items(DIMENSIONS, &items, |seed| vector(*seed));
        let made = started.elapsed().as_secs_f64();
        let mut milliseconds: Vec<f64> = (0..QUESTIONS as u64)
            .map(|number| {
                let query = vector(number * 61 + 5);
                let started = Instant::now();
                assert!(!nearest.find(&query, 200, 0.5).is_empty());
                started.elapsed().as_secs_f64() * 1e3
            })
            .collect();
        milliseconds.sort_unstable_by(f64::total_cmp);
        let published = nearest.clone();
        let started = Instant::now();
        nearest.set(Item(size / 2), &vector(1));
        let more = started.elapsed().as_secs_f64() * 1e6;
        let (p50, p99) = (milliseconds[QUESTIONS / 2], milliseconds[QUESTIONS * 99 / 100]);
        println!(
            "| {size} | {:.0} | {made:.2} | {p50:.2} | {p99:.2} | {more:.0} |",
            published.heap_bytes() as f64 / 1e6
        );
    }
}

/// Numbers that look like chance (SplitMix64).
fn vector(seed: u64) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..DIMENSIONS).map(|_| next()).collect()
}
