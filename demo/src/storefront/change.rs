//! What the last click changed, and what the shop has to say once: both travel in a cookie to the next page.

use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};

use super::cookie::{self, Jar};
use super::mercer::Known;

/// Smaller moves of a share are not worth a line.
const SMALLEST_MOVE: f64 = 0.004;
const MOST_MOVES: usize = 4;

/// How one event moved what Mercer knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Change {
    /// "You looked at Red Retrospot Mug".
    pub(super) what: String,
    /// The largest first.
    pub(super) moves: Vec<Move>,
}

/// A category's share of interest, before and after.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Move {
    pub(super) name: String,
    pub(super) before: f64,
    pub(super) after: f64,
}

impl Change {
    pub(super) fn between(what: &str, before: Option<&Known>, after: Option<&Known>) -> Self {
        let share = |known: Option<&Known>, name: &str| {
            let categories = known.map(|known| known.affinities.categories.as_slice()).unwrap_or_default();
            categories.iter().find(|(known, _)| known == name).map_or(0.0, |(_, share)| *share)
        };
        let known = [before, after].into_iter().flatten();
        let mut names: Vec<&String> =
            known.flat_map(|known| known.affinities.categories.iter().map(|(name, _)| name)).collect();
        names.sort_unstable();
        names.dedup();
        let mut moves: Vec<Move> = names
            .into_iter()
            .map(|name| Move { name: name.clone(), before: share(before, name), after: share(after, name) })
            .filter(|step| step.size() >= SMALLEST_MOVE)
            .collect();
        moves.sort_by(|a, b| b.size().total_cmp(&a.size()));
        moves.truncate(MOST_MOVES);
        Self { what: what.to_owned(), moves }
    }

    pub(super) fn read(headers: &HeaderMap) -> Option<Self> {
        let change: Self = serde_json::from_str(&cookie::get(headers, cookie::CHANGE)?).ok()?;
        let is_sound = change.moves.iter().all(|step| step.before.is_finite() && step.after.is_finite());
        is_sound.then_some(change)
    }

    pub(super) fn keep(&self, jar: &mut Jar) {
        if let Ok(text) = serde_json::to_string(self) {
            jar.keep_for_visit(cookie::CHANGE, &text);
        }
    }
}

impl Move {
    fn size(&self) -> f64 {
        (self.after - self.before).abs()
    }
}

/// Said once at the top of the next page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Notice {
    pub(super) text: String,
    /// The product of a "not for me" that can be taken back.
    #[serde(default)]
    pub(super) undo: Option<String>,
}

impl Notice {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), undo: None }
    }

    pub(super) fn read(headers: &HeaderMap) -> Option<Self> {
        serde_json::from_str(&cookie::get(headers, cookie::NOTICE)?).ok()
    }

    pub(super) fn keep(&self, jar: &mut Jar) {
        if let Ok(text) = serde_json::to_string(self) {
            jar.keep_for_visit(cookie::NOTICE, &text);
        }
    }
}

#[cfg(test)]
mod tests {
    use mercer_schema::Profile;

    use super::super::mercer::Affinities;
    use super::*;

    fn known(categories: &[(&str, f64)]) -> Known {
        let categories = categories.iter().map(|(name, share)| ((*name).to_owned(), *share)).collect();
        Known { profile: Profile::default(), affinities: Affinities { categories, price_bands: Vec::new() } }
    }

    #[test]
    fn tells_the_largest_moves_first() {
        let before = known(&[("Mugs", 0.5), ("Bags", 0.499), ("Clocks", 0.001)]);
        let after = known(&[("Mugs", 0.7), ("Bags", 0.25), ("Clocks", 0.002), ("Toys", 0.048)]);
        let change = Change::between("You looked at a mug", Some(&before), Some(&after));
        let names: Vec<_> = change.moves.iter().map(|step| step.name.as_str()).collect();
        assert_eq!(names, ["Bags", "Mugs", "Toys"]);
        assert_eq!(change.moves[2].before, 0.0);
    }

    #[test]
    fn a_first_visit_starts_from_nothing() {
        let change = Change::between("x", None, Some(&known(&[("Mugs", 1.0)])));
        assert_eq!(change.moves, [Move { name: "Mugs".into(), before: 0.0, after: 1.0 }]);
        assert!(Change::between("x", None, None).moves.is_empty());
    }
}
