//! `mercer replay`: logged decisions, of pages and of searches, made again from the log and the models, compared bit for bit.

use mercer_engine::{Error, Replayed};
use mercer_schema::{DecisionId, Fact, Position, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};

use crate::cli::Replay;
use crate::config::Config;
use crate::failure::Failure;
use crate::home::Home;
use crate::output;

/// Records looked through at a time for the last decisions.
const PAGE: u64 = 5_000;

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Decided {
    Page,
    Search,
}

/// One that was made again.
struct Again {
    decided_at: Timestamp,
    answer: Value,
    is_identical: bool,
}

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
        let (position, decided) = find(&home, &id)?;
        wanted.push((position, decided, id));
    }
    wanted.sort();
    let bar = output::bar("Replaying decisions", total as u64);
    let (mut differing, mut gone) = (0, 0);
    for (_, decided, id) in wanted {
        let again = match decided {
            Decided::Page => home.engine.replay(&id).map(|made| again(made, |record| record.decided_at)),
            Decided::Search => home.engine.replay_search(&id).map(|made| again(made, |record| record.decided_at)),
        };
        bar.inc(1);
        let again = match again {
            Err(error @ Error::ModelGone { .. }) if total > 1 => {
                gone += 1;
                bar.suspend(|| show_gone(&id, &error, as_json));
                continue;
            }
            again => again?,
        };
        differing += usize::from(!again.is_identical);
        if replay.show || !again.is_identical || total <= 20 {
            bar.suspend(|| show(&id, &again, replay.show, as_json));
        }
    }
    bar.finish_and_clear();
    if differing > 0 {
        return Err(Failure::job(format!("{differing} of {total} decisions came out differently")));
    }
    if gone > 0 {
        let message =
            format!("{gone} of {total} decisions need model versions that were removed; the others are identical");
        return Err(Failure::job(message));
    }
    if !as_json {
        output::line(format!("{total} of {total} decisions are identical, bit for bit"));
    }
    Ok(())
}

fn find(home: &Home, id: &DecisionId) -> Result<(Position, Decided), Error> {
    home.engine.find_decision(id).map(|record| (record.position, Decided::Page)).or_else(|unknown| {
        let search = home.engine.find_search(id).map_err(|_| unknown)?;
        Ok((search.position, Decided::Search))
    })
}

fn again<R, A: Serialize>(replayed: Replayed<R, A>, at: impl Fn(&R) -> Timestamp) -> Again {
    let Replayed { record, answer, is_identical } = replayed;
    Again { decided_at: at(&record), answer: json!(answer), is_identical }
}

fn show(id: &DecisionId, again: &Again, whole: bool, as_json: bool) {
    let Again { decided_at, answer, is_identical } = again;
    if as_json {
        let mut value = json!({ "decision_id": id, "identical": is_identical });
        if whole {
            value["decision"] = answer.clone();
        }
        return output::json(&value);
    }
    let verdict = if *is_identical { "identical" } else { "DIFFERENT" };
    output::line(format!("{id}  {decided_at}  {verdict}"));
    if whole {
        output::line(serde_json::to_string_pretty(answer).unwrap_or_default());
    }
}

fn show_gone(id: &DecisionId, error: &Error, as_json: bool) {
    if as_json {
        return output::json(&json!({ "decision_id": id, "identical": null, "error": error.to_string() }));
    }
    output::line(format!("{id}  GONE       {error}"));
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
            Fact::Searched(search) => Some(search.decision_id),
            _ => None,
        }));
        until = from;
    }
    found.truncate(count);
    Ok(found)
}
