//! Requests at a fixed rate. Open loop: every request has its time, and a late answer counts from that time on, so that a
//! stalled server cannot hide behind a waiting client (no coordinated omission).

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::Target;
use crate::client::Connection;
use crate::report;

type Failure = Box<dyn std::error::Error>;

/// Sends the requests again and again, so many a second. `name` is told how many items an answer has on average.
pub(crate) async fn run(
    target: &Target,
    rate: u64,
    requests: Vec<Vec<u8>>,
    name: impl Fn(f64) -> String,
) -> Result<(), Failure> {
    let requests = Arc::new(requests);
    let total = rate * target.seconds;
    let (hand_out, take) = async_queue(target.connections);
    let mut workers = tokio::task::JoinSet::new();
    for queue in take {
        let (server, requests) = (target.server.clone(), Arc::clone(&requests));
        workers.spawn(async move { work(&server, &requests, queue).await.map_err(|error| error.to_string()) });
    }
    let started = Instant::now();
    let pacer = std::thread::spawn(move || pace(started, rate, total, &hand_out));
    let (mut answered, mut errors, mut items, mut latency) = (0_u64, 0, 0_usize, report::histogram());
    while let Some(outcome) = workers.join_next().await {
        let own = outcome??;
        answered += own.latency.len();
        errors += own.errors;
        items += own.items;
        latency.add(own.latency)?;
    }
    pacer.join().map_err(|_| "the pacer stopped")?;
    let per_second = answered as f64 / started.elapsed().as_secs_f64();
    report::row(&name(items as f64 / answered.max(1) as f64), per_second, errors, &latency);
    Ok(())
}

/// Hands out each request when it is due. A thread of its own: the runtime's timer is late by up to a millisecond, which
/// would count as the server's time.
fn pace(started: Instant, rate: u64, total: u64, hand_out: &[Sender]) {
    for number in 0..total {
        let due = started + Duration::from_nanos(number * 1_000_000_000 / rate);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        // A worker that is gone tells its error itself.
        let _ = hand_out[number as usize % hand_out.len()].send((due, number));
    }
}

type Due = (Instant, u64);
type Sender = tokio::sync::mpsc::UnboundedSender<Due>;
type Receiver = tokio::sync::mpsc::UnboundedReceiver<Due>;

fn async_queue(connections: usize) -> (Vec<Sender>, Vec<Receiver>) {
    (0..connections).map(|_| tokio::sync::mpsc::unbounded_channel()).unzip()
}

struct Outcome {
    latency: hdrhistogram::Histogram<u64>,
    errors: u64,
    items: usize,
}

async fn work(server: &str, requests: &[Vec<u8>], mut queue: Receiver) -> Result<Outcome, Failure> {
    let mut connection = Connection::open(server).await?;
    let mut outcome = Outcome { latency: report::histogram(), errors: 0, items: 0 };
    while let Some((due, number)) = queue.recv().await {
        let answer = connection.send(&requests[number as usize % requests.len()]).await?;
        outcome.latency.record(due.elapsed().as_micros().max(1) as u64)?;
        outcome.errors += u64::from(answer.status != 200);
        outcome.items += count(&answer.body, b"\"product_id\":");
    }
    Ok(outcome)
}

fn count(body: &[u8], needle: &[u8]) -> usize {
    body.windows(needle.len()).filter(|window| *window == needle).count()
}
