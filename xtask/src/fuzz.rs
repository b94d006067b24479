//! `cargo xtask fuzz --minutes N`: hostile searches for so long, as they are served.
//!
//! The loop itself is the example `fuzz_search` of `mercer-decide`; what it finds lies under `target/fuzz`.

use std::process::Command;

use crate::metadata::{read, root};

const MINUTES: f64 = 5.0;

/// Runs it; whatever it finds is a fault.
pub(crate) fn check(arguments: &[String]) -> Result<Vec<String>, String> {
    let (mut minutes, mut seed) = (MINUTES, 1_u64);
    for pair in arguments.chunks(2) {
        match pair {
            [name, value] if name == "--minutes" => {
                minutes = value.parse().map_err(|_| format!("{value} is no number"))?;
            }
            [name, value] if name == "--seed" => {
                seed = value.parse().map_err(|_| format!("{value} is no whole number"))?;
            }
            _ => return Err("usage: cargo xtask fuzz [--minutes N] [--seed N]".to_owned()),
        }
    }
    let folder = root(&read(false)?).join("target").join("fuzz").join(format!("faults-{seed}"));
    if folder.exists() {
        return Err(format!("{} holds faults of an earlier run; look at them and remove it", folder.display()));
    }
    let status = Command::new("cargo")
        .args(["run", "--quiet", "--release", "--package", "mercer-decide", "--example", "fuzz_search", "--"])
        .args([minutes.to_string(), folder.display().to_string(), seed.to_string()])
        .status()
        .map_err(|error| format!("cargo: {error}"))?;
    if !status.success() {
        return Err(format!("the fuzzer ended with {status}"));
    }
    Ok(if folder.exists() { vec![format!("faults lie in {}", folder.display())] } else { Vec::new() })
}
