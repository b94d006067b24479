//! What cargo knows of the workspace and its dependencies.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

/// `cargo metadata`. Dependencies are those of all features, also of those that the default build leaves out; crates
/// that cargo has not fetched yet are fetched. Without dependencies it never touches the network.
pub(crate) fn read(with_dependencies: bool) -> Result<Value, String> {
    let mut command = Command::new("cargo");
    command.args(["metadata", "--format-version", "1", "--locked"]);
    command.args(if with_dependencies { ["--all-features"].as_slice() } else { &["--no-deps", "--offline"] });
    let output = command.output().map_err(|error| format!("cargo metadata does not run: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr)));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| format!("cargo metadata is no JSON: {error}"))
}

pub(crate) fn root(metadata: &Value) -> PathBuf {
    PathBuf::from(metadata["workspace_root"].as_str().unwrap_or("."))
}

pub(crate) fn packages(metadata: &Value) -> impl Iterator<Item = &Value> {
    metadata["packages"].as_array().into_iter().flatten()
}

pub(crate) fn name(package: &Value) -> &str {
    package["name"].as_str().unwrap_or_default()
}
