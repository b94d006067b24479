//! Page decisions at a fixed rate. Open loop: every request has its time, and a late answer counts from that
//! time on, so that a stalled server cannot hide behind a waiting client (no coordinated omission).

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::Target;
use crate::client::{Connection, post, product_ids};
use crate::report;

type Failure = Box<dyn std::error::Error>;

pub(crate) async fn run(target: &Target, rate: u64, group: &str, page: &str) -> Result<(), Failure> {
    let products = product_ids(&target.server, &target.decide_key).await?;
    let requests: Arc<Vec<Vec<u8>>> = Arc::new((0..997).map(|n| request(target, group, page, &products, n)).collect());
    let total = rate * target.seconds;
    let (hand_out, take) = async_queue(target.connections);
    let mut workers = tokio::task::JoinSet::new();
    for queue in take {
        let (server, requests) = (target.server.clone(), Arc::clone(&requests));
        workers.spawn(async move { work(&server, &requests, queue).await.map_err(|error| error.to_string()) });
    }
    let started = Instant::now();
    for number in 0..total {
        let due = started + Duration::from_nanos(number * 1_000_000_000 / rate);
        tokio::time::sleep_until(due.into()).await;
        let worker = &hand_out[number as usize % hand_out.len()];
        worker.send((due, number)).map_err(|_| "a connection broke")?;
    }
    drop(hand_out);
    let (mut answered, mut errors, mut items, mut latency) = (0_u64, 0, 0_usize, report::histogram());
    while let Some(outcome) = workers.join_next().await {
        let own = outcome??;
        answered += own.latency.len();
        errors += own.errors;
        items += own.items;
        latency.add(own.latency)?;
    }
    let per_second = answered as f64 / started.elapsed().as_secs_f64();
    let name = format!("page decisions `{group}`, {:.1} items each, open loop", items as f64 / answered.max(1) as f64);
    report::row(&name, per_second, errors, &latency);
    Ok(())
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

/// Half the requests come from known customers, half from browsers; product pages look at a product.
fn request(target: &Target, group: &str, page: &str, products: &[String], number: usize) -> Vec<u8> {
    let visitor = if number.is_multiple_of(2) {
        format!("\"customer\":\"{}\"", 12_347 + number * 5)
    } else {
        format!("\"anonymous_id\":\"bench-{}-{}\"", number % 64, number / 64)
    };
    let seeds = match products.get(number % products.len().max(1)) {
        Some(product) if page == "product" || page == "cart" => format!(",\"product_ids\":[\"{product}\"]"),
        _ => String::new(),
    };
    let body = format!(
        "{{{visitor},\"page\":{{\"type\":\"{page}\"{seeds}}},\"group\":\"{group}\",\
         \"fields\":[\"title\",\"price\",\"image_url\",\"url\"]}}"
    );
    post(&target.server, "/v1/decide", &target.decide_key, &body)
}
