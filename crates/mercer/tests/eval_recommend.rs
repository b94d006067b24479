//! `mercer eval recommend` as people call it: what is asked, what is refused, and what the outcome tells.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// Forty customers of two tastes.
const CUSTOMERS: u32 = 40;

fn mercer(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mercer"));
    command.current_dir(folder).args(arguments).args(["--data", "data"]);
    command.output().unwrap()
}

/// The error of a call that must fail with this code.
fn refused(folder: &Path, code: i32, arguments: &[&str]) -> String {
    let output = mercer(folder, arguments);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {told}");
    told
}

fn answer(folder: &Path, arguments: &[&str]) -> String {
    let output = mercer(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn lines(from: u32, until: u32) -> String {
    let mut text = String::new();
    for customer in 0..CUSTOMERS {
        write!(text, "c{customer}").unwrap();
        for step in from..until {
            write!(text, " i{}", (customer + step * 3) % 8 + 10 * (customer % 2)).unwrap();
        }
        text.push('\n');
    }
    text
}

fn files() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("train.txt", lines(0, 4)),
        ("test.txt", lines(4, 5)),
        ("nothing.txt", String::new()),
        ("heading.tsv", "SessionId\tItemId\tTime\n".to_owned()),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

const INTERACTIONS: [&str; 4] = ["eval", "recommend", "--format", "interactions"];

fn asked(train: &'static str, test: &'static str, more: &[&'static str]) -> Vec<&'static str> {
    [&INTERACTIONS[..], &["--train", train, "--test", test], more].concat()
}

#[test]
fn nothing_to_learn_from_or_to_ask_is_an_error_that_names_the_file() {
    let folder = files();
    let models = &["--models", "popularity"];
    let told = refused(folder.path(), 1, &asked("nothing.txt", "test.txt", models));
    assert!(told.contains("nothing.txt: nothing in it can be learned from"), "{told}");
    let told = refused(folder.path(), 1, &asked("train.txt", "nothing.txt", models));
    assert!(told.contains("nothing.txt: nothing in it can be asked"), "{told}");
    let sessions = ["eval", "recommend", "--format", "sessions", "--train", "heading.tsv", "--test", "heading.tsv"];
    let told = refused(folder.path(), 1, &sessions);
    assert!(told.contains("heading.tsv: nothing in it can be learned from"), "{told}");
    let told = refused(folder.path(), 2, &INTERACTIONS);
    assert!(told.contains("--train FILE"), "{told}");
}

#[test]
fn the_outcome_tells_its_cases_and_its_rules() {
    let folder = files();
    let table = answer(folder.path(), &asked("train.txt", "test.txt", &["--models", "popularity"]));
    assert!(table.starts_with("| model, of 40 cases |"), "{table}");
    assert!(table.contains("cold items HR@20, of 0 |") && table.contains(" | – | – | "), "{table}");
    let json = answer(folder.path(), &asked("train.txt", "test.txt", &["--models", "popularity", "--json"]));
    let json: Value = serde_json::from_str(&json).unwrap();
    let protocol = &json["protocol"];
    assert_eq!(
        (&protocol["format"], &protocol["cases"], &protocol["seed"]),
        (&"interactions".into(), &40.into(), &1.into())
    );
    for rule in ["ties", "cold_items", "cold_customers"] {
        assert!(protocol[rule].is_string(), "{rule}: {protocol}");
    }
    assert!(json["models"][0]["cold_items"]["metrics"]["HR@20"].is_null(), "{json}");
}

#[test]
fn models_beside_the_automatic_ones_are_added_and_what_means_nothing_is_refused() {
    let folder = files();
    let table = answer(folder.path(), &asked("train.txt", "test.txt", &["--models", "auto,ease,turbo,slim"]));
    let models: Vec<&str> = table.lines().skip(2).filter_map(|line| line.split(" |").next()).collect();
    assert_eq!(models.iter().filter(|model| **model == "| slim").count(), 1, "{models:?}");
    assert!(models.ends_with(&["| ease", "| turbo"]) && models.len() > 5, "{models:?}");
    for (models, why) in [
        ("slim,blend", "names no models"),
        ("slim,blend:slim=nan", "no weight"),
        ("slim,blend:slim=inf", "no weight"),
        ("slim,blend:slim=0", "weight above 0"),
        ("slim:depth=1", "it has no setting `depth`; there are "),
    ] {
        let call = [&asked("train.txt", "test.txt", &["--models"])[..], &[models]].concat();
        let told = refused(folder.path(), 2, &call);
        assert!(told.contains(why), "{models}: {told}");
    }
    let network =
        ["eval", "recommend", "--format", "sequences", "--train", "train.txt", "--models", "transformer:epochs=0"];
    let told = refused(folder.path(), 2, &network);
    assert!(told.contains("`epochs=0`"), "{told}");
}

#[test]
fn a_shops_own_orders_need_no_file() {
    let folder = files();
    let mut orders = "order_id,order_date,customer_id,sku,quantity,price\n".to_owned();
    for number in 0..200_u32 {
        let (customer, month, day) = (number % CUSTOMERS, 1 + number / 40, 1 + number % 28);
        writeln!(orders, "o{number},2026-{month:02}-{day:02},c{customer},s{},1,2.00 EUR", (customer + month) % 9)
            .unwrap();
    }
    std::fs::write(folder.path().join("orders.csv"), orders).unwrap();
    answer(folder.path(), &["import", "orders", "orders.csv"]);
    let call = |more: &[&'static str]| {
        [&["eval", "recommend", "--format", "events", "--models", "popularity", "--json"][..], more].concat()
    };
    let split = |more: &[&'static str]| {
        let outcome: Value = serde_json::from_str(&answer(folder.path(), &call(more))).unwrap();
        assert!(outcome["models"][0]["cases"].as_u64() > Some(0), "{outcome}");
        outcome["protocol"]["split"].clone()
    };
    let days = |days: u32| serde_json::json!({ "by": "time", "days": days });
    assert_eq!((split(&[]), split(&["--split", "time"])), (days(30), days(30)));
    assert_eq!(split(&["--split", "time", "--days", "10"]), days(10));
    let last = serde_json::json!({ "by": "last" });
    assert_eq!((split(&["--split", "last"]), split(&["--last"])), (last.clone(), last));
    let told = refused(folder.path(), 1, &call(&["--days", "5000"]));
    assert!(told.contains("--days 5000: no order is older"), "{told}");
    for wrong in [&["--days", "-3"][..], &["--days", "0"], &["--split", "last", "--days", "3"]] {
        refused(folder.path(), 2, &call(wrong));
    }
}
