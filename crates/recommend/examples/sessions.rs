//! Measures VMIS-kNN on sessions: `SessionId`, `ItemId`, `Time` (seconds), separated by tabs, with a header.
//!
//! `cargo run --release -p mercer-recommend --example sessions -- train.txt test.txt`. Every click of a test session
//! after the first is to be found among 20 from those before it; the current item is not proposed.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::HashMap;
use std::time::Instant;

use mercer_recommend::evaluate::mean_interval;
use mercer_recommend::sessions::{IndexSettings, SessionIndex, VmisSettings};
use mercer_recommend::{Item, Query, Recommender};
use mercer_schema::Timestamp;

struct Click {
    session: u64,
    item: Item,
    at: Timestamp,
}

/// Clicks in the order of time.
fn read(path: &str, items: &mut HashMap<String, u32>) -> Vec<Click> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let click = |line: &str| {
        let fields: Vec<&str> = line.split('\t').collect();
        let [session, item, time] = fields[..] else { panic!("not three fields: {line}") };
        let next = items.len() as u32;
        let item = Item(*items.entry(item.to_owned()).or_insert(next));
        let at = Timestamp((time.parse::<f64>().expect("a time") * 1e6) as i64);
        Click { session: session.parse().expect("a number"), item, at }
    };
    let mut clicks: Vec<Click> = text.lines().skip(1).map(click).collect();
    clicks.sort_by_key(|click| click.at);
    clicks
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [train, test] = &arguments[..] else { panic!("the paths of the training and the test file") };
    let mut items = HashMap::new();
    let (train, test) = (read(train, &mut items), read(test, &mut items));

    let started = Instant::now();
    // Sessions are given here, so pauses do not cut them.
    let mut index = SessionIndex::new(IndexSettings { pause_minutes: u32::MAX, ..IndexSettings::default() });
    train.iter().for_each(|click| index.observe(click.session, click.item, click.at));
    let seconds = started.elapsed().as_secs_f64();
    println!("{} clicks, {} sessions, {:.0} clicks/s", train.len(), index.len(), train.len() as f64 / seconds);

    let mut sessions: HashMap<u64, Vec<Item>> = HashMap::new();
    test.iter().for_each(|click| sessions.entry(click.session).or_default().push(click.item));
    let (mut hits, mut ranks, mut micros) = (Vec::new(), Vec::new(), Vec::new());
    let model = index.vmis(VmisSettings { repeats: true, ..VmisSettings::default() });
    for clicks in sessions.values() {
        for next in 1..clicks.len() {
            let started = Instant::now();
            let found = model.recommend(&Query { session: &clicks[..next], ..Query::default() }, 20);
            micros.push(started.elapsed().as_nanos() as f64 / 1e3);
            let place = found.iter().position(|scored| scored.item == clicks[next]);
            hits.push(f64::from(u8::from(place.is_some())));
            ranks.push(place.map_or(0.0, |place| 1.0 / (place + 1) as f64));
        }
    }
    let (hit, rank) = (mean_interval(&hits, 1_000, 1), mean_interval(&ranks, 1_000, 1));
    println!("{} predictions, HR@20 {:.4} [{:.4}, {:.4}]", hits.len(), hit.mean, hit.low, hit.high);
    println!("MRR@20 {:.4} [{:.4}, {:.4}]", rank.mean, rank.low, rank.high);
    micros.sort_by(f64::total_cmp);
    let at = |share: f64| micros[(micros.len() as f64 * share) as usize];
    println!("microseconds: p50 {:.0} p90 {:.0} p99 {:.0}", at(0.5), at(0.9), at(0.99));
}
