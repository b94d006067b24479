//! Crate edges, module docs, file sizes, dead links.

use std::fs;
use std::path::{Path, PathBuf};

use crate::metadata::{name, packages, read, root};

/// The house: each crate with the crates that it may use. Organs do not know each other.
const EDGES: &[(&str, &[&str])] = &[
    ("mercer-schema", &[]),
    ("mercer-persistent", &[]),
    ("mercer-store", &["mercer-schema"]),
    ("mercer-collect", &["mercer-schema"]),
    ("mercer-profile", &["mercer-schema"]),
    ("mercer-recommend", &["mercer-schema", "mercer-persistent"]),
    // Holds the tensor library.
    ("mercer-neural", &["mercer-schema", "mercer-recommend"]),
    ("mercer-search", &["mercer-schema", "mercer-persistent"]),
    ("mercer-decide", &["mercer-schema", "mercer-persistent", "mercer-profile", "mercer-recommend", "mercer-search"]),
    (
        "mercer-engine",
        &[
            "mercer-schema",
            "mercer-store",
            "mercer-collect",
            "mercer-profile",
            "mercer-recommend",
            // Trains the transformer; deciding asks it through a trait.
            "mercer-neural",
            "mercer-search",
            "mercer-decide",
        ],
    ),
    (
        "mercer-server",
        &["mercer-schema", "mercer-store", "mercer-collect", "mercer-profile", "mercer-decide", "mercer-engine"],
    ),
    // The demo shop is a stranger: it reaches Mercer over HTTP alone.
    ("mercer-demo", &["mercer-schema", "mercer-collect"]),
    ("mercer-bench", &["mercer-schema", "mercer-recommend"]),
    ("xtask", &[]),
];

/// Lines of a file outside its tests.
const LONGEST_FILE: usize = 800;

pub(crate) fn check() -> Result<Vec<String>, String> {
    let metadata = read(false)?;
    let root = root(&metadata);
    let mut faults = Vec::new();
    for package in packages(&metadata) {
        check_edges(package, &mut faults);
    }
    for file in files(&root)?.into_iter().filter(|file| is_ours_to_read(file)) {
        let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let shown = file.strip_prefix(&root).unwrap_or(&file).display().to_string();
        match file.extension().and_then(|extension| extension.to_str()) {
            Some("rs") => check_rust(&shown, &text, &mut faults),
            Some("md") => check_links(&file, &shown, &text, &mut faults),
            _ => {}
        }
    }
    Ok(faults)
}

fn is_ours_to_read(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "rs" || extension == "md")
}

fn check_edges(package: &serde_json::Value, faults: &mut Vec<String>) {
    let Some((_, allowed)) = EDGES.iter().find(|(known, _)| *known == name(package)) else {
        if name(package) != "mercer" {
            faults.push(format!("{}: a new crate; add it to EDGES in xtask/src/tidy.rs", name(package)));
        }
        return;
    };
    for dependency in package["dependencies"].as_array().into_iter().flatten() {
        let is_ours = dependency["source"].is_null() && !dependency["path"].is_null();
        let is_test_only = dependency["kind"] == "dev";
        if is_ours && !is_test_only && !allowed.contains(&name(dependency)) {
            faults.push(format!("{} must not use {}", name(package), name(dependency)));
        }
    }
}

fn check_rust(shown: &str, text: &str, faults: &mut Vec<String>) {
    if !text.trim_start().starts_with("//!") {
        faults.push(format!("{shown}: starts without a module doc (`//!`)"));
    }
    let lines = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).count();
    if lines > LONGEST_FILE && !shown.contains("tests/") {
        faults.push(format!("{shown}: {lines} lines; split it (at most {LONGEST_FILE})"));
    }
}

/// Relative links must lead to files.
fn check_links(file: &Path, shown: &str, text: &str, faults: &mut Vec<String>) {
    for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        let path = target.split('#').next().unwrap_or_default();
        let is_outside =
            path.is_empty() || path.contains("://") || path.starts_with("mailto:") || path.starts_with('/');
        if !is_outside && !file.parent().is_some_and(|folder| folder.join(path).exists()) {
            faults.push(format!("{shown}: dead link `{target}`"));
        }
    }
}

/// All files below, without build outputs and fetched packages.
fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for entry in entries.flatten() {
        let path = entry.path();
        let skipped = ["target", "node_modules", ".git", ".venv", "mercer-data"];
        let file_name = entry.file_name();
        if skipped.iter().any(|skipped| file_name.to_string_lossy().starts_with(skipped)) {
            continue;
        }
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_doc_and_a_dead_link_are_faults() {
        let mut faults = Vec::new();
        check_rust("a.rs", "fn main() {}", &mut faults);
        check_links(Path::new("/nowhere/a.md"), "a.md", "[x](gone.md) [y](https://a.example)", &mut faults);
        assert_eq!(faults.len(), 2, "{faults:?}");
    }
}
