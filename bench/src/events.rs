//! Durable events a second: each connection sends its next request when the last one is acknowledged.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::Target;
use crate::client::{Connection, post, product_ids};
use crate::report;

type Failure = Box<dyn std::error::Error>;

pub(crate) async fn run(target: &Target, batch: usize) -> Result<(), Failure> {
    let products = product_ids(&target.server, &target.decide_key).await?;
    if products.is_empty() {
        return Err("the catalog is empty: nothing to send events about".into());
    }
    let started = Instant::now();
    let until = started + Duration::from_secs(target.seconds);
    let mut workers = tokio::task::JoinSet::new();
    for number in 0..target.connections {
        let worker = Worker { target: target.clone(), products: products.clone(), number, batch };
        workers.spawn(async move { worker.run(until).await.map_err(|error| error.to_string()) });
    }
    let (mut events, mut errors, mut latency) = (0, 0, report::histogram());
    while let Some(outcome) = workers.join_next().await {
        let (acknowledged, failed, own) = outcome??;
        events += acknowledged;
        errors += failed;
        latency.add(own)?;
    }
    let per_second = events as f64 / started.elapsed().as_secs_f64();
    report::row(&format!("durable events, {batch} a request"), per_second, errors, &latency);
    Ok(())
}

struct Worker {
    target: Target,
    products: Vec<String>,
    number: usize,
    batch: usize,
}

impl Worker {
    async fn run(self, until: Instant) -> Result<(u64, u64, Histogram<u64>), Failure> {
        let mut connection = Connection::open(&self.target.server).await?;
        let (mut events, mut errors, mut latency) = (0, 0, report::histogram());
        let salt = std::process::id();
        for round in 0_u64.. {
            let started = Instant::now();
            if started >= until {
                break;
            }
            let body = self.body(salt, round);
            let path = if self.batch == 1 { "/v1/track" } else { "/v1/batch" };
            let answer = connection.send(&post(&self.target.server, path, &self.target.write_key, &body)).await?;
            latency.record(started.elapsed().as_micros().max(1) as u64)?;
            match answer.status {
                200 if contains(&answer.body, b"\"rejected\":0") => events += self.batch as u64,
                _ => errors += 1,
            }
        }
        Ok((events, errors, latency))
    }

    fn body(&self, salt: u32, round: u64) -> String {
        let event = |index: usize| {
            let serial = round * self.batch as u64 + index as u64;
            let product = &self.products[(serial as usize * 7 + self.number * 13) % self.products.len()];
            format!(
                "{{\"type\":\"track\",\"event\":\"Product Viewed\",\"messageId\":\"{salt}-{}-{serial}\",\
                 \"anonymousId\":\"bench-{}-{}\",\"properties\":{{\"product_id\":\"{product}\",\"price\":2.55,\
                 \"currency\":\"GBP\"}},\"context\":{{\"page\":{{\"url\":\"https://shop.example/p/{product}\"}},\
                 \"library\":{{\"name\":\"bench\",\"version\":\"1\"}}}}}}",
                self.number,
                self.number,
                serial / 20,
            )
        };
        if self.batch == 1 {
            return event(0);
        }
        let events: Vec<String> = (0..self.batch).map(event).collect();
        format!("{{\"batch\":[{}]}}", events.join(","))
    }
}

fn contains(body: &[u8], needle: &[u8]) -> bool {
    body.windows(needle.len()).any(|window| window == needle)
}
