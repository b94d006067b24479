//! The registry through its public face, and with every file broken in turn.

use std::collections::BTreeMap;
use std::path::Path;

use mercer_schema::{ModelVersion, Position, Properties, Timestamp};

use super::{Alias, DataRange, NewModel, Registry};
use crate::Error;

pub(crate) fn model(content: &[u8]) -> NewModel {
    let mut metrics = Properties::new();
    metrics.insert("ndcg_at_20".into(), 0.1234.into());
    NewModel {
        created_at: Timestamp::from_seconds(1_320_000_000),
        code_version: "0.1.0".into(),
        settings: serde_json::json!({"neighbours": 50}),
        data: DataRange { first: Position(1), last: Position(9), ..DataRange::default() },
        metrics,
        lineage: Default::default(),
        gate: Default::default(),
        files: BTreeMap::from([("a.model".into(), content.to_vec()), ("b.model".into(), Vec::new())]),
    }
}

fn version(text: &str) -> ModelVersion {
    ModelVersion::trusted(text)
}

fn change(path: &Path, change: impl FnOnce(String) -> String) {
    let text = std::fs::read_to_string(path).unwrap();
    std::fs::write(path, change(text)).unwrap();
}

#[test]
fn versions_are_numbered_listed_and_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::open(folder.path()).unwrap();
    assert!(registry.list().unwrap().is_empty());
    let first = registry.create(model(b"one")).unwrap();
    let second = registry.create(model(b"two")).unwrap();
    assert_eq!((first.version.as_str(), second.version.as_str()), ("000001", "000002"));
    let registry = Registry::open(folder.path()).unwrap();
    assert_eq!(registry.list().unwrap(), [second, first.clone()]);
    assert_eq!(registry.manifest(&first.version).unwrap(), first);
    assert_eq!(registry.load(&first.version, "a.model").unwrap(), b"one");
    assert_eq!(registry.load(&first.version, "b.model").unwrap(), b"");
    assert!(matches!(registry.load(&first.version, "c"), Err(Error::UnknownModelFile { .. })));
    assert!(registry.verify().unwrap().is_empty());
}

#[test]
fn aliases_move_and_last() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::open(folder.path()).unwrap();
    assert_eq!(registry.alias(Alias::Champion).unwrap(), None);
    for content in [b"one", b"two"] {
        let version = registry.create(model(content)).unwrap().version;
        registry.set_alias(Alias::Candidate, &version).unwrap();
    }
    registry.set_alias(Alias::Champion, &version("000001")).unwrap();
    let registry = Registry::open(folder.path()).unwrap();
    assert_eq!(registry.alias(Alias::Champion).unwrap(), Some(version("000001")));
    assert_eq!(registry.alias(Alias::Candidate).unwrap(), Some(version("000002")));
    assert!(matches!(registry.set_alias(Alias::Champion, &version("000003")), Err(Error::UnknownModel(_))));
    assert_eq!(registry.alias(Alias::Champion).unwrap(), Some(version("000001")));
}

#[test]
fn only_plain_names_become_paths() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::open(&folder.path().join("models")).unwrap();
    registry.create(model(b"one")).unwrap();
    for name in ["../models/000001", "1", "0000001", "000001/", "", ".."] {
        assert!(matches!(registry.manifest(&version(name)), Err(Error::UnknownModel(_))), "{name}");
    }
    for name in ["../escape", "", ".hidden", "manifest.json", "a/b", "a b"] {
        let mut bad = model(b"one");
        bad.files.insert(name.into(), Vec::new());
        assert!(matches!(registry.create(bad), Err(Error::BadFileName { .. })), "{name}");
    }
    assert_eq!(registry.list().unwrap().len(), 1);
}

#[test]
fn what_a_crash_left_is_removed_and_its_number_used_again() {
    let folder = tempfile::tempdir().unwrap();
    let half = folder.path().join(".new-000001");
    std::fs::create_dir(&half).unwrap();
    std::fs::write(half.join("a.model"), b"ha").unwrap();
    let registry = Registry::open(folder.path()).unwrap();
    assert!(!half.exists());
    assert_eq!(registry.create(model(b"one")).unwrap().version, version("000001"));
}

#[test]
fn a_removed_version_is_gone_and_what_a_crash_left_of_it_too() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::open(folder.path()).unwrap();
    let [first, second, third] = [b"one", b"two", b"new"].map(|content| registry.create(model(content)).unwrap());
    registry.remove(&first.version).unwrap();
    assert!(!registry.has(&first.version) && registry.has(&second.version));
    assert!(matches!(registry.remove(&first.version), Err(Error::UnknownModel(_))));
    assert!(matches!(registry.remove(&version("../models")), Err(Error::UnknownModel(_))));
    // A crash between the rename and the end.
    std::fs::rename(folder.path().join("000002"), folder.path().join(".new-000002")).unwrap();
    assert_eq!(registry.list().unwrap().len(), 1);
    let registry = Registry::open(folder.path()).unwrap();
    assert!(!folder.path().join(".new-000002").exists());
    assert_eq!(registry.newest().unwrap(), Some(third.version));
    assert_eq!(registry.create(model(b"four")).unwrap().version, version("000004"), "no number is given twice");
}

#[test]
fn a_version_that_cannot_be_written_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::open(folder.path()).unwrap();
    let mut unwritable = model(b"one");
    // A name that the rules allow and no file system does.
    unwritable.files.insert("z".repeat(300), vec![1; 100]);
    registry.create(unwritable).unwrap_err();
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none());
}

#[test]
fn a_broken_file_is_refused_by_name() {
    type Break = fn(&Path);
    let breaks: [(&str, Break); 4] = [
        ("truncated", |path| std::fs::write(path, b"on").unwrap()),
        ("changed", |path| std::fs::write(path, b"oNe").unwrap()),
        ("missing", |path| std::fs::remove_file(path).unwrap()),
        ("longer", |path| std::fs::write(path, b"one!").unwrap()),
    ];
    for (what, broken) in breaks {
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::open(folder.path()).unwrap();
        let created = registry.create(model(b"one")).unwrap();
        broken(&folder.path().join("000001/a.model"));
        let error = registry.load(&created.version, "a.model").unwrap_err().to_string();
        assert!(error.contains("000001/a.model") && error.contains("mercer train"), "{what}: {error}");
        assert_eq!(registry.load(&created.version, "b.model").unwrap(), b"", "{what}");
        assert_eq!(registry.verify().unwrap().len(), 1, "{what}");
    }
}

#[test]
fn a_broken_newer_or_foreign_manifest_is_refused_by_name_and_hides_no_other() {
    let breaks: [fn(String) -> String; 5] = [
        |text| text[..text.len() / 2].to_owned(),
        |text| text.replace("\"format\": 1", "\"format\": 2"),
        |text| text.replace("000002", "000007"),
        |_| "[]".into(),
        |_| String::new(),
    ];
    for broken in breaks {
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::open(folder.path()).unwrap();
        let first = registry.create(model(b"one")).unwrap();
        registry.create(model(b"two")).unwrap();
        change(&folder.path().join("000002/manifest.json"), broken);
        let registry = Registry::open(folder.path()).unwrap();
        let error = registry.load(&version("000002"), "a.model").unwrap_err();
        assert!(error.to_string().contains("000002/manifest.json"), "{error}");
        assert_eq!(registry.list().unwrap(), [first]);
        assert_eq!(registry.verify().unwrap().len(), 1);
        let damaged = registry.damaged().unwrap();
        assert_eq!((damaged.len(), &damaged[0].version), (1, &version("000002")));
        assert_eq!(damaged[0].cause.to_string(), error.to_string());
        // Its number is never given to another model.
        assert_eq!(registry.create(model(b"three")).unwrap().version, version("000003"));
    }
}

#[test]
fn newer_aliases_are_refused_and_broken_ones_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::open(folder.path()).unwrap();
    let created = registry.create(model(b"one")).unwrap();
    registry.set_alias(Alias::Champion, &created.version).unwrap();
    let path = folder.path().join("aliases.json");
    change(&path, |text| text.replace("\"format\": 1", "\"format\": 9"));
    let error = Registry::open(folder.path()).unwrap_err();
    assert!(matches!(error, Error::Newer { found: 9, known: 1, .. }), "{error}");
    for broken in ["{\"format\": 1, \"aliases\": {\"cham", "", "{\"format\": 1, \"aliases\": {\"king\": \"000001\"}}"] {
        std::fs::write(&path, broken).unwrap();
        let registry = Registry::open(folder.path()).unwrap();
        let told = registry.set_aside().unwrap().to_string();
        assert!(told.contains("aliases.json") && told.contains("names the champion anew"), "{told}");
        assert_eq!(registry.alias(Alias::Champion).unwrap(), None);
        let kept = std::fs::read_to_string(folder.path().join("aliases.json.damaged")).unwrap();
        assert_eq!(kept, broken, "for whoever wants to know what happened");
        registry.set_alias(Alias::Champion, &created.version).unwrap();
    }
    let registry = Registry::open(folder.path()).unwrap();
    assert!(registry.set_aside().is_none() && registry.alias(Alias::Champion).unwrap() == Some(created.version));
}
