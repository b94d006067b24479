//! `mercer replay`: logged decisions made again from the log and the models, compared bit for bit.

use mercer_engine::Replayed;
use mercer_schema::{DecisionId, DecisionRecord, Fact, PageDecision, Position};
use serde_json::json;

use crate::cli::Replay;
use crate::config::Config;
use crate::failure::Failure;
use crate::home::Home;
use crate::output;

/// Records looked through at a time for the last decisions.
const PAGE: u64 = 5_000;

pub(crate) fn run(replay: &Replay, config: &Config, as_json: bool) -> Result<(), Failure> {
    let home = Home::open_existing(config)?;
    let mut ids = replay.ids.iter().map(|id| DecisionId::trusted(id.as_str())).collect::<Vec<_>>();
    if let Some(count) = replay.last {
        ids = last_decisions(&home, count)?;
    }
    let total = ids.len();
    // In the order of their positions the log is folded only once.
    let mut wanted = Vec::with_capacity(total);
    for id in ids {
        wanted.push((home.engine.find_decision(&id)?.position, id));
    }
    wanted.sort();
    let bar = output::bar("Replaying decisions", total as u64);
    let mut differing = 0;
    for (_, id) in wanted {
        let replayed = home.engine.replay(&id)?;
        bar.inc(1);
        differing += usize::from(!replayed.is_identical);
        if replay.show || !replayed.is_identical || total <= 20 {
            bar.suspend(|| show(&replayed, replay.show, as_json));
        }
    }
    bar.finish_and_clear();
    if differing > 0 {
        return Err(Failure::job(format!("{differing} of {total} decisions came out differently")));
    }
    if !as_json {
        output::line(format!("{total} of {total} decisions are identical, bit for bit"));
    }
    Ok(())
}

fn show(replayed: &Replayed<DecisionRecord, PageDecision>, whole: bool, as_json: bool) {
    let Replayed { record, answer: decision, is_identical } = replayed;
    if as_json {
        let mut value = json!({ "decision_id": record.decision_id, "identical": is_identical });
        if whole {
            value["decision"] = json!(decision);
        }
        return output::json(&value);
    }
    let verdict = if *is_identical { "identical" } else { "DIFFERENT" };
    output::line(format!("{}  {}  {verdict}", record.decision_id, record.decided_at));
    if whole {
        output::line(serde_json::to_string_pretty(decision).unwrap_or_default());
    }
}

/// Ids of the last `count` decisions in the log.
fn last_decisions(home: &Home, count: usize) -> Result<Vec<DecisionId>, Failure> {
    let mut found = Vec::new();
    let mut until = home.engine.snapshot().position().0;
    while until > 0 && found.len() < count {
        let from = until.saturating_sub(PAGE);
        let page = home.engine.read(Position(from), (until - from) as usize)?;
        found.extend(page.into_iter().rev().filter_map(|record| match record.fact {
            Fact::Decided(decision) => Some(decision.decision_id),
            _ => None,
        }));
        until = from;
    }
    found.truncate(count);
    Ok(found)
}
