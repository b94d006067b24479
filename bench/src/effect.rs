//! From sending an event to a decision that reflects it: a new visitor looks at a product and asks for the row of
//! recently viewed products until that product stands in it.

use std::time::{Duration, Instant};

use crate::Target;
use crate::client::{Connection, post, product_ids};
use crate::report;

type Failure = Box<dyn std::error::Error>;

/// An effect that takes longer than this is counted as an error.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) async fn run(target: &Target, tries: usize) -> Result<(), Failure> {
    let products = product_ids(&target.server, &target.decide_key).await?;
    let mut connection = Connection::open(&target.server).await?;
    let (mut errors, mut latency, started) = (0, report::histogram(), Instant::now());
    for number in 0..tries {
        let product = products.get(number % products.len().max(1)).ok_or("the catalog is empty")?;
        let visitor = format!("effect-{}-{number}", std::process::id());
        let event = format!(
            "{{\"type\":\"track\",\"event\":\"Product Viewed\",\"messageId\":\"{visitor}\",\"anonymousId\":\"{visitor}\",\
             \"properties\":{{\"product_id\":\"{product}\"}}}}"
        );
        let question = format!(
            "{{\"anonymous_id\":\"{visitor}\",\"page\":{{\"type\":\"home\"}},\"placements\":[\"home-recently-viewed\"],\
             \"dry_run\":true,\"fields\":[\"title\"]}}"
        );
        let question = post(&target.server, "/v1/decide", &target.decide_key, &question);
        let sent = Instant::now();
        connection.send(&post(&target.server, "/v1/track", &target.write_key, &event)).await?;
        let wanted = format!("\"product_id\":\"{product}\"");
        loop {
            let answer = connection.send(&question).await?;
            if String::from_utf8_lossy(&answer.body).contains(&wanted) {
                latency.record(sent.elapsed().as_micros().max(1) as u64)?;
                break;
            }
            if sent.elapsed() > PATIENCE {
                errors += 1;
                break;
            }
        }
    }
    let per_second = tries as f64 / started.elapsed().as_secs_f64();
    report::row("event sent to decision that reflects it", per_second, errors, &latency);
    Ok(())
}
