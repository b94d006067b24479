//! How many events a second the log takes: `cargo run --release -p mercer-store --features conformance --example append_rate -- [MILLIONS]`.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "an example that prints what it measured")]

use std::time::Instant;

use mercer_schema::{Draft, Position};
use mercer_store::conformance::sample;
use mercer_store::{EventLog, Lake, SqliteLog};

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let log = SqliteLog::create(&folder.path().join("log.db")).unwrap();
    let mut next = 0;
    let millions: u64 = std::env::args().nth(1).map_or(2, |argument| argument.parse().unwrap());
    let long = std::iter::repeat_n((1_000, 1_000_000), millions as usize);
    for (batch, total) in [(1, 500), (100, 50_000)].into_iter().chain(long).chain([(4_000, 1_000_000)]) {
        let (started, cpu) = (Instant::now(), cpu_seconds());
        let mut appending = 0.0;
        for _ in 0..total / batch {
            let drafts: Vec<Draft> = (next..next + batch).map(sample::ordered).collect();
            next += batch;
            let appended = Instant::now();
            log.append(&drafts).unwrap();
            appending += appended.elapsed().as_secs_f64();
        }
        println!(
            "append, batches of {batch}: {:.0}/s ({:.1} s with making the events; {:.1} us of processor each)",
            total as f64 / appending,
            started.elapsed().as_secs_f64(),
            1e6 * (cpu_seconds() - cpu) / total as f64,
        );
    }
    let bytes = serde_json::to_vec(&sample::ordered(1).fact).unwrap().len();
    let cpu = cpu_seconds();
    for number in 0..200_000 {
        std::hint::black_box(sample::ordered(number));
    }
    println!("making an event: {:.1} us of processor", 5.0 * (cpu_seconds() - cpu));
    let (cpu, fact) = (cpu_seconds(), sample::ordered(1).fact);
    for _ in 0..200_000 {
        let body = serde_json::to_vec(&fact).unwrap();
        assert!(serde_json::from_slice::<mercer_schema::Fact>(&body).unwrap() == fact);
    }
    println!("its JSON, out and in again: {:.1} us of processor", 5.0 * (cpu_seconds() - cpu));
    let file = std::fs::metadata(folder.path().join("log.db")).unwrap().len();
    println!("an event has {bytes} bytes of JSON; {:.0} bytes of file a record", file as f64 / next as f64);

    let started = Instant::now();
    let (mut at, mut read) = (Position(0), 0);
    while let Some(last) = log.read(at, 5_000).unwrap().last().map(|record| record.position) {
        read += last.0 - at.0;
        at = last;
    }
    println!("read: {:.0}/s", read as f64 / started.elapsed().as_secs_f64());

    let lake = Lake::open(&folder.path().join("lake")).unwrap();
    let started = Instant::now();
    lake.extend(&log).unwrap();
    println!("lake written: {:.0}/s", next as f64 / started.elapsed().as_secs_f64());
    let started = Instant::now();
    let mut rows = 0_u64;
    lake.lines(Position(0), |_| rows += 1).unwrap();
    println!("lake lines read: {:.0}/s", rows as f64 / started.elapsed().as_secs_f64());

    let started = Instant::now();
    let expired = log.expire_keys(sample::recorded_at(next)).unwrap();
    println!("keys expired: {:.0}/s", expired as f64 / started.elapsed().as_secs_f64());
}

/// Processor time of this process so far, where Linux tells it: steadier than a clock on a busy machine.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks: f64 = stat.split(' ').skip(13).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
    ticks / 100.0
}
