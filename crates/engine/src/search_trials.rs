//! Trials of search settings: which were interleaved with those in force, and whose products were clicked more. A fold of
//! the log.
//!
//! A search is won by the team of which more products were clicked; most searches are won by none. Credit goes by the record of
//! the search, so it does not matter how the settings stand when a click comes.

use mercer_decide::TriedSettings;
use mercer_schema::{
    Draft, Fact, Position, SearchRecord, SearchSettings, SearchTeam, SearchTrial, SearchTrialChange, Timestamp,
};
use serde::{Deserialize, Serialize};

use crate::statistics::{Estimate, Z_95, Z_STOP, proportion, sign_test};
use crate::{Engine, Error};

/// Trials that are remembered.
const MOST_RUNS: usize = 20;

/// A trial that runs or ran, with what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SearchTrialRun {
    pub trial: SearchTrial,
    /// A: what was in force beside it.
    pub live: SearchSettings,
    pub since: Position,
    pub started_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    /// Who started it.
    pub by: String,
    /// Searches whose first page was made by both.
    pub searches: u64,
    pub wins_a: u64,
    pub wins_b: u64,
    /// As many clicks for both, and not none.
    pub ties: u64,
}

/// What a trial says.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SearchTrialVerdict {
    /// The share of the searches with a winner that B won.
    pub share_of_b: Estimate,
    /// How probable a difference as large would be if both were equally good (sign test, two-sided).
    pub p: f64,
    /// Who is clearly better: the difference is beyond what looking again and again could explain.
    pub winner: Option<SearchTeam>,
}

impl SearchTrialRun {
    pub fn verdict(&self) -> SearchTrialVerdict {
        let decided = self.wins_a + self.wins_b;
        let strict = proportion(self.wins_b, decided, Z_STOP);
        let winner = if strict.low > 0.5 { Some(SearchTeam::B) } else { (strict.high < 0.5).then_some(SearchTeam::A) };
        let share_of_b = proportion(self.wins_b, decided, Z_95);
        SearchTrialVerdict { share_of_b, p: sign_test(self.wins_a, self.wins_b), winner }
    }

    fn count(&mut self, clicks: [u32; 2]) -> &mut u64 {
        match clicks[0].cmp(&clicks[1]) {
            std::cmp::Ordering::Greater => &mut self.wins_a,
            std::cmp::Ordering::Less => &mut self.wins_b,
            std::cmp::Ordering::Equal => &mut self.ties,
        }
    }
}

/// A click on what a team had put into the list of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Credit {
    /// Where the world stood when it was searched.
    pub(crate) searched_at: Position,
    /// Clicks on what A and B had put there, without this one and with it.
    pub(crate) before: [u32; 2],
    pub(crate) after: [u32; 2],
}

/// The newest trials, the newest last.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SearchTrials {
    runs: Vec<SearchTrialRun>,
}

impl SearchTrials {
    pub fn runs(&self) -> &[SearchTrialRun] {
        &self.runs
    }

    pub fn running(&self) -> Option<&SearchTrialRun> {
        self.runs.last().filter(|run| run.ended_at.is_none())
    }

    /// What a search must know of the trial that runs.
    pub(crate) fn tried(&self) -> Option<TriedSettings> {
        self.running().map(|run| TriedSettings { trial: run.trial, since: run.since })
    }

    pub(crate) fn change(
        &mut self,
        position: Position,
        at: Timestamp,
        change: &SearchTrialChange,
        live: SearchSettings,
    ) {
        self.end(at);
        let Some(trial) = change.trial else { return };
        self.runs.push(SearchTrialRun {
            trial,
            live,
            since: position,
            started_at: at,
            ended_at: None,
            by: change.by.clone(),
            searches: 0,
            wins_a: 0,
            wins_b: 0,
            ties: 0,
        });
        let beyond = self.runs.len().saturating_sub(MOST_RUNS);
        self.runs.drain(..beyond);
    }

    pub(crate) fn end(&mut self, at: Timestamp) {
        if let Some(run) = self.runs.last_mut().filter(|run| run.ended_at.is_none()) {
            run.ended_at = Some(at);
        }
    }

    pub(crate) fn searched(&mut self, search: &SearchRecord) {
        if let Some(run) = self.of(search.position).filter(|_| !search.teams.is_empty()) {
            run.searches += 1;
        }
    }

    pub(crate) fn clicked(&mut self, credit: &Credit) {
        let Some(run) = self.of(credit.searched_at) else { return };
        if credit.before != [0, 0] {
            let counted = run.count(credit.before);
            *counted = counted.saturating_sub(1);
        }
        *run.count(credit.after) += 1;
    }

    /// The trial that runs, for what was searched while it did.
    fn of(&mut self, searched_at: Position) -> Option<&mut SearchTrialRun> {
        self.runs.last_mut().filter(|run| run.ended_at.is_none() && searched_at >= run.since)
    }
}

impl Engine {
    /// Interleaves settings with those in force, on a share of the searches. False when they are tried already.
    pub async fn start_search_trial(&self, trial: SearchTrial, by: &str, now: Timestamp) -> Result<bool, Error> {
        if let Some((field, message)) = trial.fault() {
            return Err(Error::Refused { field: field.to_owned(), message: message.to_owned() });
        }
        let snapshot = self.snapshot();
        let (live, other) = (snapshot.world.search_settings, trial.settings);
        if other == (SearchSettings { exploration: other.exploration, ..live }) {
            let message = "These settings are in force already: change the strength, or what clicks or meaning do.";
            let message = message.to_owned();
            return Err(Error::Refused { field: "settings".to_owned(), message });
        }
        if snapshot.search_trials.running().is_some_and(|run| run.trial == trial) {
            return Ok(false);
        }
        self.change_search_trial(Some(trial), by, now).await?;
        Ok(true)
    }

    /// False when none runs.
    pub async fn stop_search_trial(&self, by: &str, now: Timestamp) -> Result<bool, Error> {
        if self.snapshot().search_trials.running().is_none() {
            return Ok(false);
        }
        self.change_search_trial(None, by, now).await?;
        Ok(true)
    }

    async fn change_search_trial(&self, trial: Option<SearchTrial>, by: &str, now: Timestamp) -> Result<(), Error> {
        let fact = Fact::SearchTrialChanged(Box::new(SearchTrialChange { trial, by: by.to_owned() }));
        self.accept(vec![Draft { recorded_at: now, key: None, key_lasts: false, fact }]).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_has_one_winner_however_the_clicks_come() {
        let mut trials = SearchTrials::default();
        let settings = SearchSettings::default();
        let change = SearchTrialChange { trial: Some(SearchTrial { settings, share: 0.5 }), by: "ann".into() };
        trials.change(Position(10), Timestamp(0), &change, settings);
        let mut click = |at: u64, before, after| {
            trials.clicked(&Credit { searched_at: Position(at), before, after });
            let run = trials.running().unwrap();
            (run.wins_a, run.wins_b, run.ties)
        };
        assert_eq!(click(9, [0, 0], [1, 0]), (0, 0, 0), "searched before it began");
        assert_eq!(click(10, [0, 0], [1, 0]), (1, 0, 0));
        assert_eq!(click(10, [1, 0], [1, 1]), (0, 0, 1));
        assert_eq!(click(10, [1, 1], [1, 2]), (0, 1, 0));
        trials.end(Timestamp(1));
        trials.clicked(&Credit { searched_at: Position(11), before: [0, 0], after: [1, 0] });
        assert_eq!(trials.runs()[0].wins_a, 0, "it is over");
    }

    #[test]
    fn a_difference_is_clear_only_when_looking_often_does_not_explain_it() {
        let run = |wins_a, wins_b| SearchTrialRun {
            trial: SearchTrial { settings: SearchSettings::default(), share: 0.5 },
            live: SearchSettings::default(),
            since: Position(1),
            started_at: Timestamp(0),
            ended_at: None,
            by: String::new(),
            searches: 1_000,
            wins_a,
            wins_b,
            ties: 0,
        };
        assert_eq!(run(40, 60).verdict().winner, None, "p is .057");
        assert_eq!(run(400, 600).verdict().winner, Some(SearchTeam::B));
        assert_eq!(run(600, 400).verdict().winner, Some(SearchTeam::A));
        assert_eq!(run(0, 0).verdict().winner, None);
    }
}
