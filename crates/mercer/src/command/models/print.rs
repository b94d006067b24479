//! What the API answers about models, as lines for people.

use serde_json::Value;

use crate::output::{line, remark};

pub(super) fn list(told: &Value) {
    let (models, damaged) = (entries(&told["models"]), entries(&told["damaged"]));
    if models.is_empty() && damaged.is_empty() {
        return remark("nothing is trained yet; `mercer train` makes the first version");
    }
    line(format!("{:<8}  {:<16}  {:<7}  stage", "version", "trained (UTC)", "gate"));
    for model in models {
        let stages = [("champion", "champion"), ("candidate", "newest")];
        let mut stage: Vec<String> =
            stages.iter().filter(|(name, _)| model[*name] == true).map(|(_, word)| (*word).to_owned()).collect();
        if let Some(share) = model["canary_share"].as_f64() {
            stage.push(format!("canary on {:.1} %", share * 100.0));
        }
        let gate = if model["passed_gate"] == true { "passed" } else { "-" };
        line(format!(
            "{:<8}  {:<16}  {gate:<7}  {}",
            text(&model["version"]),
            minute(&model["created_at"]),
            stage.join(", ")
        ));
    }
    for version in damaged {
        line(format!("{:<8}  DAMAGED: {}", text(&version["version"]), text(&version["cause"])));
    }
}

pub(super) fn card(told: &Value) {
    let lineage = &told["lineage"];
    line(format!("version {} of {}", text(&told["version"]), minute(&told["created_at"])));
    line(format!("  asked for by  {} {}", text(&lineage["requested_by"]), in_brackets(&lineage["why"])));
    line(format!("  parent        {}", or_none(&lineage["parent"])));
    line(format!(
        "  data          records {} to {}, digest {}",
        told["data"]["first"],
        told["data"]["last"],
        text(&lineage["digest"])
    ));
    for (name, count) in lineage["counts"].as_object().into_iter().flatten() {
        line(format!("    {name:<24} {count}"));
    }
    gate(&told["gate"]);
    if let Some(shadow) = told["shadow"].as_object() {
        line("shadow");
        for (name, value) in shadow {
            line(format!("  {name:<24} {value}"));
        }
    }
    entries(&told["canaries"]).iter().for_each(one_canary);
}

/// The comparison with the champion: a line a check.
pub(crate) fn gate(gate: &Value) {
    let fate = if gate["passed"] == true { "passed" } else { "not passed" };
    line(format!("gate: {fate}, against {}", or_none(&gate["champion"])));
    line(format!("  {}", text(&gate["protocol"])));
    for check in entries(&gate["checks"]) {
        let mark = if check["passed"] == true { "ok  " } else { "LOST" };
        let figure = |value: &Value| value.as_f64().map_or_else(|| "-".to_owned(), figure);
        let difference = match check["difference"].as_object() {
            Some(found) => format!("  {} to {}", figure(&found["low"]), figure(&found["high"])),
            None => String::new(),
        };
        let name = format!("{} ({})", text(&check["name"]), text(&check["slice"]));
        line(format!(
            "  {mark}  {name:<48} {:>10} against {:>10}{difference}",
            figure(&check["candidate"]),
            figure(&check["champion"])
        ));
    }
}

pub(super) fn training(told: &Value) {
    if told["running"] == true {
        line(format!("{} of {}: {}", told["done"], told["steps"], text(&told["doing"])));
    } else if let Some(error) = told["error"].as_str() {
        line(format!("failed: {error}"));
    } else if let Some(version) = told["version"].as_str() {
        line(format!("made version {version}"));
    } else {
        line("nothing was trained since the start");
    }
}

pub(super) fn serves(told: &Value) {
    line(format!("version {} serves now", text(&told["version"])));
}

pub(super) fn removed(told: &Value) {
    line(format!("version {} is removed", text(&told["version"])));
}

pub(super) fn stopped(told: &Value) {
    line(format!("the canary with version {} is stopped; the champion answers everybody", text(&told["version"])));
}

pub(super) fn canary(told: &Value) {
    match told["running"].as_object() {
        Some(_) => one_canary(&told["running"]),
        None => line("no canary runs"),
    }
}

fn one_canary(canary: &Value) {
    let until =
        canary["ended_at"].as_str().map_or_else(|| "runs".to_owned(), |at| format!("until {}", minute(&at.into())));
    line(format!(
        "canary: version {} on {:.1} % of the customers since {}, {until}",
        text(&canary["version"]),
        canary["share"].as_f64().unwrap_or_default() * 100.0,
        minute(&canary["started_at"])
    ));
    for (arm, name) in [("canary_counts", "canary"), ("champion_counts", "champion")] {
        let counts = &canary[arm];
        line(format!(
            "  {name:<10} {} customers, {} decisions, {} clicks, {} orders",
            counts["people"], counts["decisions"], counts["clicks"], counts["orders"]
        ));
    }
    for compared in entries(&canary["compared"]) {
        let percent = |value: &Value| value.as_f64().unwrap_or_default() * 100.0;
        line(format!(
            "  {:<24} {:.2} % against {:.2} %, difference {:+.2} ({:+.2} to {:+.2})",
            text(&compared["name"]),
            percent(&compared["canary"]["mean"]),
            percent(&compared["champion"]["mean"]),
            percent(&compared["difference"]["mean"]),
            percent(&compared["difference"]["low"]),
            percent(&compared["difference"]["high"]),
        ));
    }
}

pub(super) fn changes(told: &Value) {
    for change in entries(&told["changes"]) {
        line(format!(
            "{}  {:<14} {} (champion until then: {}), by {} {}",
            minute(&change["at"]),
            text(&change["action"]).replace('_', " "),
            text(&change["version"]),
            or_none(&change["before"]),
            or_none(&change["by"]),
            in_brackets(&change["why"])
        ));
    }
}

pub(super) fn health(told: &Value) {
    let alarms = entries(&told["alarms"]);
    if alarms.is_empty() {
        line("nothing is wrong with the models");
    }
    alarms.iter().for_each(|alarm| line(format!("ALARM  {}", text(&alarm["text"]))));
    for day in entries(&told["drift"]["days"]) {
        for input in entries(&day["inputs"]) {
            let mark = if input["has_drifted"] == true { "DRIFT" } else { "ok   " };
            line(format!(
                "{mark}  {}  {:<22} distance {:.3}  {}",
                minute(&day["day"]).get(..10).unwrap_or_default(),
                text(&input["title"]),
                input["distance"].as_f64().unwrap_or_default(),
                text(&input["words"])
            ));
        }
    }
}

fn entries(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn or_none(value: &Value) -> &str {
    Some(text(value)).filter(|text| !text.is_empty()).unwrap_or("none")
}

fn in_brackets(value: &Value) -> String {
    if text(value).is_empty() { String::new() } else { format!("({})", text(value)) }
}

fn minute(value: &Value) -> String {
    text(value).chars().take(16).collect::<String>().replace('T', " ")
}

fn figure(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.4}") }
}
