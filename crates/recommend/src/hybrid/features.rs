//! Candidates and their rows.

use rustc_hash::FxHashMap;

use super::describe::{DESCRIBED, Describing, described};
use super::{Depth, Sources};
use crate::ranking::{better, keep_first};
use crate::{Item, Query, Scored};

/// Of each source.
const OF_SOURCE: [&str; 3] = ["rank", "share", "score"];
const TOGETHER: [&str; 2] = ["fused", "proposed"];
/// Reciprocal rank fusion's constant.
const OFFSET: f32 = 60.0;

pub(super) fn names(sources: &[String]) -> Vec<String> {
    let common = described().chain(TOGETHER).map(str::to_owned);
    common.chain(sources.iter().flat_map(|source| OF_SOURCE.map(|name| format!("{source}.{name}")))).collect()
}

/// What each source's numbers contribute, of a row of contributions.
pub(super) fn by_source(contributions: &[f32], sources: usize) -> Vec<f32> {
    let start = contributions.len().saturating_sub(sources * OF_SOURCE.len());
    contributions[start..].chunks(OF_SOURCE.len()).map(|parts| parts.iter().sum()).collect()
}

/// Sources that a ranker has at most.
pub(super) const MOST_SOURCES: usize = 8;
/// Numbers that the first guess is made of: of each source the logarithms of rank and share. A source that does not propose an
/// item is taken to have it right behind its last.
pub(super) const GUESS: usize = 2 * MOST_SOURCES;

/// The candidates of one question.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    pub(super) items: Vec<Item>,
    /// Sums of reciprocal ranks.
    pub(super) fused: Vec<f32>,
    width: usize,
    /// Row after row.
    pub(super) rows: Vec<f32>,
    /// What the first guess is made of, candidate after candidate.
    pub(super) guesses: Vec<[f32; GUESS]>,
    sources: usize,
    /// Whom each source names, candidate after candidate.
    causes: Vec<Option<Item>>,
}

impl Candidates {
    pub(super) fn of(sources: &Sources<'_>, depth: Depth, query: &Query<'_>) -> Self {
        let answers: Vec<Vec<Scored>> = sources.models.iter().map(|model| model.recommend(query, depth.each)).collect();
        let mut fused: FxHashMap<Item, f32> = FxHashMap::default();
        for answer in &answers {
            for (place, scored) in answer.iter().enumerate() {
                *fused.entry(scored.item).or_default() += 1.0 / (OFFSET + place as f32 + 1.0);
            }
        }
        let mut chosen: Vec<Scored> =
            fused.into_iter().map(|(item, score)| Scored { item, score, because_of: None }).collect();
        chosen.retain(|scored| !query.seeds.contains(&scored.item));
        keep_first(&mut chosen, depth.all, better);
        let mut candidates = Self { sources: answers.len(), ..Self::default() };
        candidates.items = chosen.iter().map(|scored| scored.item).collect();
        candidates.fused = chosen.iter().map(|scored| scored.score).collect();
        candidates.describe(sources, &answers, query);
        candidates
    }

    fn describe(&mut self, sources: &Sources<'_>, answers: &[Vec<Scored>], query: &Query<'_>) {
        let common = DESCRIBED + TOGETHER.len();
        self.width = common + answers.len() * OF_SOURCE.len();
        self.rows.reserve(self.width * self.items.len());
        self.causes.resize(answers.len() * self.items.len(), None);
        let describing = Describing::new(sources.facts, sources.catalog, query);
        for (item, fused) in self.items.iter().zip(&self.fused) {
            describing.write(*item, &mut self.rows);
            self.rows.extend([*fused, 0.0]);
            self.rows.resize(self.rows.len() + answers.len() * OF_SOURCE.len(), f32::NAN);
        }
        let places: FxHashMap<Item, usize> = self.items.iter().copied().zip(0..).collect();
        self.guesses = vec![[0.0; GUESS]; self.items.len()];
        for (source, answer) in answers.iter().enumerate().take(MOST_SOURCES) {
            let behind = [
                log_rank(answer.len()),
                answer.first().zip(answer.last()).map_or(0.0, |(best, last)| log_share(last.score / best.score)),
            ];
            self.guesses.iter_mut().for_each(|guess| guess[2 * source..2 * source + 2].copy_from_slice(&behind));
            let best = answer.first().map_or(1.0, |best| best.score);
            for (rank, scored) in answer.iter().enumerate() {
                let Some(place) = places.get(&scored.item).copied() else { continue };
                let row = &mut self.rows[place * self.width..(place + 1) * self.width];
                row[common - 1] += 1.0;
                let own = &mut row[common + source * OF_SOURCE.len()..];
                let share = scored.score / best;
                (own[0], own[1], own[2]) = (log_rank(rank), share, scored.score);
                self.guesses[place][2 * source..2 * source + 2].copy_from_slice(&[log_rank(rank), log_share(share)]);
                self.causes[place * self.sources + source] = scored.because_of;
            }
        }
    }

    pub(super) fn row(&self, place: usize) -> &[f32] {
        &self.rows[place * self.width..(place + 1) * self.width]
    }

    pub(super) fn is_proposed_by(&self, place: usize, source: usize) -> bool {
        let of_sources = self.width - self.sources * OF_SOURCE.len();
        !self.row(place)[of_sources + source * OF_SOURCE.len()].is_nan()
    }

    pub(super) fn causes(&self, place: usize) -> &[Option<Item>] {
        &self.causes[place * self.sources..(place + 1) * self.sources]
    }
}

fn log_rank(rank: usize) -> f32 {
    (rank as f32).ln_1p()
}

fn log_share(share: f32) -> f32 {
    if share > 0.0 { share.max(1e-6).ln() } else { 1e-6_f32.ln() }
}
