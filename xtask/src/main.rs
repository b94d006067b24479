//! `cargo xtask tidy`: the few rules of the house that rot silently; `cargo xtask licences`: what we may ship.
//!
//! Needs no network. Prints every fault with its place and ends with 1 when there is one.

mod licences;
mod metadata;
mod tidy;

use std::process::ExitCode;

fn main() -> ExitCode {
    let task = std::env::args().nth(1).unwrap_or_default();
    let outcome = match task.as_str() {
        "tidy" => tidy::check(),
        "licences" => licences::check(),
        _ => Err("usage: cargo xtask tidy | licences".to_owned()),
    };
    let faults = match outcome {
        Ok(faults) => faults,
        Err(error) => vec![error],
    };
    for fault in &faults {
        report(fault);
    }
    if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[allow(clippy::print_stderr, reason = "a command line tool talks to its user")]
fn report(fault: &str) {
    eprintln!("{fault}");
}
