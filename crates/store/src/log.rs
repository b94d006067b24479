//! The append-only event log: the one place where a fact becomes true.
//!
//! Positions are dense and rise in the order of appending. What `append` returned for is durable and is never
//! changed or removed. The log does not know what facts mean.

mod keys;
mod memory;
mod sqlite;

use mercer_schema::{Draft, Fact, Position, Record, RecordKey, Timestamp};

pub use self::memory::MemoryLog;
pub use self::sqlite::SqliteLog;
use crate::Error;

/// Where facts are kept in order. Every implementation passes `conformance::event_log`.
pub trait EventLog: Send + Sync {
    /// Stores all drafts or none, in order; durable on return. A draft whose key is known, from before or from
    /// earlier in the same batch, is not stored again and takes no position.
    fn append(&self, drafts: &[Draft]) -> Result<Vec<Appended>, Error>;

    /// The records after a position, at most `limit`, in order.
    fn read(&self, after: Position, limit: usize) -> Result<Vec<Record>, Error>;

    /// Like [`read`](Self::read), but only records of these kinds; they alone count towards `limit`.
    fn read_kinds(&self, after: Position, kinds: &[RecordKind], limit: usize) -> Result<Vec<Record>, Error>;

    /// The position of the last record; 0 when there is none.
    fn head(&self) -> Result<Position, Error>;

    /// The newest record that was stored under this key, as long as the key is not expired.
    fn find(&self, key: RecordKey) -> Result<Option<Record>, Error>;

    /// Forgets the keys of events recorded before a time, so that the keys do not grow without end; returns how
    /// many. Goes through the log in order and stops at the first record that is not older: after the clock
    /// was set back, keys stay longer, never shorter. Keys of other facts, and of drafts that say so, stay for good.
    fn expire_keys(&self, recorded_before: Timestamp) -> Result<u64, Error>;
}

/// What became of a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    Stored(Position),
    /// It is there already, at this position.
    Duplicate(Position),
}

impl Appended {
    pub const fn position(self) -> Position {
        match self {
            Self::Stored(position) | Self::Duplicate(position) => position,
        }
    }
}

/// What a record says, without reading all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordKind {
    Event,
    ProductSaved,
    ProductRemoved,
    PlacementSaved,
    PlacementRemoved,
    ModelPromoted,
    ModelChanged,
    Decided,
    Searched,
    SynonymsSaved,
    SearchRuleSaved,
    SearchRuleRemoved,
    SearchSettingsSaved,
    SearchJudged,
    SearchTrialChanged,
}

impl RecordKind {
    pub const fn of(fact: &Fact) -> Self {
        match fact {
            Fact::Event(_) => Self::Event,
            Fact::ProductSaved(_) => Self::ProductSaved,
            Fact::ProductRemoved(_) => Self::ProductRemoved,
            Fact::PlacementSaved(_) => Self::PlacementSaved,
            Fact::PlacementRemoved(_) => Self::PlacementRemoved,
            Fact::ModelPromoted(_) => Self::ModelPromoted,
            Fact::ModelChanged(_) => Self::ModelChanged,
            Fact::Decided(_) => Self::Decided,
            Fact::Searched(_) => Self::Searched,
            Fact::SynonymsSaved(_) => Self::SynonymsSaved,
            Fact::SearchRuleSaved(_) => Self::SearchRuleSaved,
            Fact::SearchRuleRemoved(_) => Self::SearchRuleRemoved,
            Fact::SearchSettingsSaved(_) => Self::SearchSettingsSaved,
            Fact::SearchJudged(_) => Self::SearchJudged,
            Fact::SearchTrialChanged(_) => Self::SearchTrialChanged,
        }
    }

    /// The number in the file. Never change one: old logs must stay readable.
    const fn number(self) -> i64 {
        match self {
            Self::Event => 1,
            Self::ProductSaved => 2,
            Self::ProductRemoved => 3,
            Self::PlacementSaved => 4,
            Self::PlacementRemoved => 5,
            Self::ModelPromoted => 6,
            Self::Decided => 7,
            // 8 is LASTING_EVENT.
            Self::ModelChanged => 9,
            Self::Searched => 10,
            Self::SynonymsSaved => 11,
            Self::SearchRuleSaved => 12,
            Self::SearchRuleRemoved => 13,
            Self::SearchSettingsSaved => 14,
            Self::SearchJudged => 15,
            Self::SearchTrialChanged => 16,
        }
    }
}

/// The number of an event whose key lasts: expiry tells it by the column alone.
const LASTING_EVENT: i64 = 8;

/// The number under which a draft is stored.
const fn number_of(draft: &Draft) -> i64 {
    match RecordKind::of(&draft.fact) {
        RecordKind::Event if draft.key_lasts => LASTING_EVENT,
        kind => kind.number(),
    }
}

/// The numbers under which records of these kinds were stored.
fn numbers_of(kinds: &[RecordKind]) -> Vec<i64> {
    let lasting = kinds.contains(&RecordKind::Event).then_some(LASTING_EVENT);
    kinds.iter().map(|kind| kind.number()).chain(lasting).collect()
}

/// The JSON of a fact that will come back as it goes in. Any other is refused: a score that is no number, or a time
/// without a calendar date, would keep the whole log from being read.
///
/// Events and decisions are many, and all but their times and probabilities was parsed a moment ago: only those are
/// looked at. Everything else, and in debug builds all of it, is read back and compared.
fn body(index: usize, fact: &Fact) -> Result<String, Error> {
    let unwritable = |problem: String| Error::Unwritable { index, problem };
    let body = serde_json::to_string(fact).map_err(|error| unwritable(error.to_string()))?;
    let times = match fact {
        Fact::Event(event) => [event.occurred_at, event.received_at],
        Fact::Decided(decision) => [decision.decided_at, decision.request.as_of.unwrap_or(decision.decided_at)],
        Fact::Searched(search) => [search.decided_at; 2],
        _ => [Timestamp::default(); 2],
    };
    if !times.iter().all(|time| DATED_MICROS.contains(&time.0)) {
        return Err(unwritable("a time is outside the years 1 to 9998".into()));
    }
    let is_number = |share: &f64| share.is_finite();
    let are_numbers = match fact {
        Fact::Decided(decision) => {
            decision.placements.iter().flat_map(|placement| &placement.propensities).all(is_number)
        }
        Fact::Searched(search) => search.propensities.iter().chain(&search.request.strength).all(is_number),
        _ => true,
    };
    if !are_numbers {
        return Err(unwritable("a propensity is no number".into()));
    }
    if matches!(fact, Fact::Event(_) | Fact::Decided(_) | Fact::Searched(_)) && !cfg!(debug_assertions) {
        return Ok(body);
    }
    match serde_json::from_str::<Fact>(&body) {
        Ok(again) if again == *fact => Ok(body),
        Ok(_) => Err(unwritable("it comes back changed".into())),
        Err(error) => Err(unwritable(error.to_string())),
    }
}

/// The years 1 to 9998: their times have a date in every time zone, and so a text that comes back.
const DATED_MICROS: std::ops::Range<i64> = -62_135_596_800_000_000..253_370_764_800_000_000;

#[cfg(test)]
mod tests {
    use mercer_schema::Activity;
    use proptest::prelude::*;

    use super::*;
    use crate::conformance::sample;

    fn comes_back(micros: i64) -> bool {
        let mut event = sample::event(1, Activity::PageViewed { name: None });
        event.occurred_at = Timestamp(micros);
        body(0, &Fact::Event(Box::new(event))).is_ok()
    }

    proptest! {
        #[test]
        fn every_dated_time_comes_back(micros in DATED_MICROS) {
            prop_assert!(comes_back(micros));
        }
    }

    #[test]
    fn the_dated_times_are_whole_years() {
        let (first, end) = (DATED_MICROS.start, DATED_MICROS.end);
        assert_eq!(Timestamp(first), Timestamp::parse("0001-01-01T00:00:00Z").unwrap());
        assert_eq!(Timestamp(end), Timestamp::parse("9999-01-01T00:00:00Z").unwrap());
        assert!(comes_back(first) && comes_back(end - 1));
        assert!(![i64::MIN, first - 1, end, i64::MAX].into_iter().any(comes_back));
    }
}
