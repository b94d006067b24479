//! `cargo xtask tidy`: the few rules of the house that rot silently; `cargo xtask licences`: what we may ship; `cargo xtask
//! fuzz`: hostile searches for some minutes.
//!
//! Needs no network. Prints every fault with its place and ends with 1 when there is one.

mod fuzz;
mod licences;
mod metadata;
mod tidy;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (task, rest) = arguments.split_first().map_or(("", &[][..]), |(task, rest)| (task.as_str(), rest));
    let outcome = match task {
        "tidy" => tidy::check(),
        "licences" => licences::check(),
        "fuzz" => fuzz::check(rest),
        _ => Err("usage: cargo xtask tidy | licences | fuzz".to_owned()),
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
