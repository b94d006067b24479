//! Where chance has a say in the order of a search, and by which dice.

use mercer_schema::{DecisionId, Position, SearchRequest, SearchSort, Timestamp};

use crate::page::PageView;
use crate::seed::Dice;

/// What the dice are thrown for. Each has numbers of its own, apart from those of placements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Exploring,
    Interleaving {
        /// Which trial.
        since: Position,
    },
}

/// Dice that follow from who searches what on which day, so that further pages go on from the same order. None where the order
/// is not the search's own, nothing is logged, or nobody can be told to have searched.
pub(super) fn dice(page: &PageView<'_>, request: &SearchRequest, purpose: Purpose) -> Option<Dice> {
    let is_open =
        request.sort == SearchSort::Relevance && !request.q.trim().is_empty() && !request.typing && !request.dry_run;
    let who = page.world.searcher(&request.visitor()).filter(|_| is_open)?;
    let day = page.now.0.div_euclid(Timestamp::DAY);
    let q = &request.q;
    let (id, number) = match purpose {
        Purpose::Exploring => (format!("{who:016x} {day} {q}"), 1 << 20),
        Purpose::Interleaving { since } => (format!("{who:016x} {day} {since} {q}"), (1 << 20) + 1),
    };
    Some(Dice::new(&DecisionId::trusted(id), number))
}
