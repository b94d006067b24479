//! Making a logged decision again: fold the log up to its position, decide, compare bit for bit.

use mercer_schema::{
    DecideRequest, DecisionId, DecisionRecord, Draft, Fact, PageDecision, Position, RecordedPlacement, SearchAnswer,
    SearchRecord, SearchRequest, Timestamp,
};
use mercer_search::Language;
use mercer_store::EventLog;
use serde::Serialize;
use xxhash_rust::xxh3::xxh3_128;

use crate::Error;
use crate::fold::Snapshot;
use crate::keys::decision_key;
use crate::models::ModelSource;

/// Records read at a time while folding.
const PAGE: usize = 5_000;
/// They share what they have in common.
const KEPT_WORLDS: usize = 16;

/// An answer made again.
#[derive(Debug, Clone)]
pub struct Replayed<R, A> {
    pub record: R,
    /// The whole answer, as it was given.
    pub answer: A,
    /// The new answer has the digest of the logged one.
    pub is_identical: bool,
}

/// The JSON of an answer, from which its digest is made.
pub(crate) fn json_of<T: Serialize>(answer: &T) -> Vec<u8> {
    // Plain data with text keys always serializes; an empty text would only make a replay differ.
    serde_json::to_vec(answer).unwrap_or_default()
}

/// What the log keeps of a decision.
pub(crate) fn decision_draft(request: DecideRequest, decision: &PageDecision, json: &[u8]) -> Draft {
    let placements = decision.placements.iter().map(|placement| RecordedPlacement {
        placement: placement.placement.clone(),
        product_ids: placement.items.iter().map(|item| item.product_id.clone()).collect(),
        propensities: placement.items.iter().map(|item| item.propensity).collect(),
        top_score: placement.items.iter().filter(|item| item.source.is_some()).map(|item| item.score).reduce(f64::max),
    });
    let record = DecisionRecord {
        decision_id: decision.decision_id.clone(),
        position: decision.position,
        decided_at: decision.decided_at,
        placements: placements.collect(),
        arm: decision.arm,
        digest: digest(json),
        request,
    };
    Draft {
        recorded_at: decision.decided_at,
        key: Some(decision_key(&decision.decision_id)),
        key_lasts: true,
        fact: Fact::Decided(Box::new(record)),
    }
}

/// What the log keeps of a search.
pub(crate) fn search_draft(request: SearchRequest, answer: &SearchAnswer, json: &[u8]) -> Draft {
    let record = SearchRecord {
        decision_id: answer.decision_id.clone(),
        position: answer.position,
        decided_at: answer.decided_at,
        total: answer.total,
        by_meaning: answer.query.by_meaning,
        product_ids: answer.items.iter().map(|item| item.product_id.clone()).collect(),
        propensities: answer.items.iter().map(|item| item.propensity).collect(),
        explored: answer.explored,
        teams: answer.teams.clone(),
        corrected: answer.query.corrected.clone(),
        arm: answer.arm,
        digest: digest(json),
        request,
    };
    Draft {
        recorded_at: answer.decided_at,
        key: Some(decision_key(&answer.decision_id)),
        key_lasts: true,
        fact: Fact::Searched(Box::new(record)),
    }
}

/// XXH3-128 of the answer's JSON.
fn digest(json: &[u8]) -> String {
    format!("{:032x}", xxh3_128(json))
}

/// The logged decision with this id, or with the id of one of its placements.
pub(crate) fn find(log: &dyn EventLog, id: &DecisionId) -> Result<DecisionRecord, Error> {
    match log.find(decision_key(id))?.map(|record| record.fact) {
        Some(Fact::Decided(decision)) => Ok(*decision),
        _ => Err(Error::NoSuchDecision(id.clone())),
    }
}

/// The logged search with this id.
pub(crate) fn find_search(log: &dyn EventLog, id: &DecisionId) -> Result<SearchRecord, Error> {
    match log.find(decision_key(id))?.map(|record| record.fact) {
        Some(Fact::Searched(search)) => Ok(*search),
        _ => Err(Error::NoSuchDecision(id.clone())),
    }
}

/// Worlds of the past that were asked for lately, in order. Answers of one moment stand in the log a little out of order, and
/// none of them folds it from the beginning again.
#[derive(Debug, Default)]
pub(crate) struct Past(Vec<Snapshot>);

impl Past {
    /// What was known at a position.
    pub(crate) fn at(
        &mut self,
        position: Position,
        language: Language,
        (log, models): (&dyn EventLog, &dyn ModelSource),
    ) -> Result<Snapshot, Error> {
        let place = self.0.partition_point(|known| known.position() <= position);
        let before = place.checked_sub(1).and_then(|place| self.0.get(place));
        let mut snapshot = before.cloned().unwrap_or_else(|| Snapshot::empty(language));
        if before.is_some() && snapshot.position() == position {
            return Ok(snapshot);
        }
        if before.is_none() {
            self.0.clear();
        }
        fold_to(log, models, &mut snapshot, position)?;
        self.0.insert(place, snapshot.clone());
        if self.0.len() > KEPT_WORLDS {
            self.0.remove(0);
        }
        Ok(snapshot)
    }
}

/// Folds the log onwards from `snapshot` until it stands at `position`.
pub(crate) fn fold_to(
    log: &dyn EventLog,
    models: &dyn ModelSource,
    snapshot: &mut Snapshot,
    position: Position,
) -> Result<(), Error> {
    while snapshot.position() < position {
        let wanted = (position.0 - snapshot.position().0).min(PAGE as u64) as usize;
        let page = log.read(snapshot.position(), wanted)?;
        if page.is_empty() {
            return Err(Error::LogTooShort { head: snapshot.position(), wanted: position });
        }
        for record in &page {
            snapshot.advance(record, models);
        }
    }
    Ok(())
}

/// The position of the last record that was there at `time`.
pub(crate) fn position_at(log: &dyn EventLog, time: Timestamp) -> Result<Position, Error> {
    // Records are written in the order of the server's clock: bisect.
    let (mut known, mut beyond) = (0, log.head()?.0 + 1);
    while known + 1 < beyond {
        let middle = known + (beyond - known) / 2;
        let is_before = log.read(Position(middle - 1), 1)?.first().is_some_and(|record| record.recorded_at <= time);
        if is_before { known = middle } else { beyond = middle }
    }
    Ok(Position(known))
}

/// Decides again in `snapshot`, which stands at the decision's position.
pub(crate) fn decide_again(snapshot: &Snapshot, record: DecisionRecord) -> Replayed<DecisionRecord, PageDecision> {
    let answer = mercer_decide::decide(&snapshot.world, &record.request, record.decision_id.clone(), record.decided_at);
    Replayed { is_identical: digest(&json_of(&answer)) == record.digest, answer, record }
}

/// Answers a search again in `snapshot`, which stands at its position.
pub(crate) fn search_again(snapshot: &Snapshot, record: SearchRecord) -> Replayed<SearchRecord, SearchAnswer> {
    let (id, now) = (record.decision_id.clone(), record.decided_at);
    let answer = mercer_decide::search(&snapshot.world, &record.request, id, now);
    Replayed { is_identical: digest(&json_of(&answer)) == record.digest, answer, record }
}
