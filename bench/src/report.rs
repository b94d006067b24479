//! Table rows, and what the system tells about this process.

use hdrhistogram::Histogram;

/// Latencies in microseconds, up to a minute.
pub(crate) fn histogram() -> Histogram<u64> {
    // Three significant digits up to 60 s always fit.
    Histogram::new_with_bounds(1, 60_000_000, 3).unwrap_or_else(|_| unreachable!("fixed, valid bounds"))
}

#[allow(clippy::print_stdout, reason = "a command line tool talks to its user")]
pub(crate) fn row(name: &str, per_second: f64, errors: u64, latency: &Histogram<u64>) {
    let millis = |quantile: f64| latency.value_at_quantile(quantile) as f64 / 1_000.0;
    println!("| run | per second | p50 ms | p90 ms | p99 ms | max ms | errors |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    println!(
        "| {name} | {per_second:.0} | {:.2} | {:.2} | {:.2} | {:.2} | {errors} |",
        millis(0.5),
        millis(0.9),
        millis(0.99),
        latency.max() as f64 / 1_000.0
    );
}

/// A number of bytes of `/proc/self/status`, where there is one (Linux).
pub(crate) fn status_bytes(key: &str) -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    Some(line.trim().trim_end_matches("kB").trim().parse::<f64>().ok()? * 1_024.0)
}
