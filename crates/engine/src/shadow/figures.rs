//! What the shadow found, in numbers that add up.

use std::collections::BTreeSet;

use mercer_schema::{ModelVersion, PageDecision, ProductId};
use mercer_store::{Tables, Write};
use serde::{Deserialize, Serialize};

const TABLE: &str = "models.shadow";
/// Quarters of a doubling: 64 of them reach from a microsecond to a minute.
const BUCKETS: usize = 104;

/// A candidate beside what was served, on the same pages at the same moments.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ShadowFigures {
    pub version: Option<ModelVersion>,
    pub pages: u64,
    /// Placements that showed anything.
    pub placements: u64,
    /// The candidate panicked; serving never noticed.
    pub failures: u64,
    overlap: f64,
    score_served: f64,
    score_shown: f64,
    scores: u64,
    champion_micros: Vec<u64>,
    candidate_micros: Vec<u64>,
    pub told: Told,
}

/// What customers did after such a page. They could only click on what was served: of products that the candidate alone
/// would have shown, only orders within a day tell anything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    pub clicks: u64,
    /// Clicks on products that the candidate would have shown too.
    pub clicks_shown: u64,
    /// Products ordered within a day by customers who saw such pages.
    pub ordered: u64,
    /// Of these, on the pages that were served, and on the pages of the candidate.
    pub ordered_served: u64,
    pub ordered_shown: u64,
}

impl ShadowFigures {
    /// Mean share of the served products that the candidate would have shown in the same placement.
    pub fn overlap(&self) -> f64 {
        self.overlap / self.placements.max(1) as f64
    }

    /// Mean score of what the candidate would have shown, relative to what was served: 0.1 is a tenth higher.
    pub fn score_shift(&self) -> f64 {
        if self.score_served == 0.0 { 0.0 } else { self.score_shown / self.score_served - 1.0 }
    }

    /// Microseconds for a page: champion and candidate, on the same thread.
    pub fn micros(&self, quantile: f64) -> (u64, u64) {
        (at(&self.champion_micros, quantile), at(&self.candidate_micros, quantile))
    }

    pub(super) fn compare(&mut self, served: &PageDecision, shown: &PageDecision) {
        self.pages += 1;
        for (served, shown) in served.placements.iter().zip(&shown.placements) {
            let ours: BTreeSet<&ProductId> = shown.items.iter().map(|item| &item.product_id).collect();
            let places = served.items.len().max(ours.len());
            if places == 0 {
                continue;
            }
            let common = served.items.iter().filter(|item| ours.contains(&item.product_id)).count();
            self.placements += 1;
            self.overlap += common as f64 / places as f64;
            self.scores += 1;
            let mean = |sum: f64, items: usize| if items == 0 { 0.0 } else { sum / items as f64 };
            self.score_served += mean(served.items.iter().map(|item| item.score).sum(), served.items.len());
            self.score_shown += mean(shown.items.iter().map(|item| item.score).sum(), shown.items.len());
        }
    }

    pub(super) fn time(&mut self, champion: u64, candidate: u64) {
        for (buckets, micros) in [(&mut self.champion_micros, champion), (&mut self.candidate_micros, candidate)] {
            buckets.resize(BUCKETS, 0);
            let bucket = (4.0 * (micros.max(1) as f64).log2()).round() as usize;
            buckets[bucket.min(BUCKETS - 1)] += 1;
        }
    }

    pub(super) fn add(&mut self, told: Told) {
        self.told.clicks += told.clicks;
        self.told.clicks_shown += told.clicks_shown;
        self.told.ordered += told.ordered;
        self.told.ordered_served += told.ordered_served;
        self.told.ordered_shown += told.ordered_shown;
    }

    /// What was kept of a version; nothing of one that was never watched, and of what cannot be read.
    pub(super) fn load(tables: &dyn Tables, version: &ModelVersion) -> Self {
        let kept = tables.get(TABLE, version.as_str().as_bytes()).ok().flatten();
        let kept = kept.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        kept.unwrap_or(Self { version: Some(version.clone()), ..Self::default() })
    }

    pub(super) fn save(&self, tables: &dyn Tables) {
        let Some(version) = self.version.as_ref().filter(|_| self.pages > 0) else { return };
        let Ok(bytes) = serde_json::to_vec(self) else { return };
        let written = tables.write(&[Write::put(TABLE, version.as_str().as_bytes().to_vec(), bytes)]);
        if let Err(error) = written {
            tracing::warn!(%error, "what the shadow found waits for the disk");
        }
    }
}

fn at(buckets: &[u64], quantile: f64) -> u64 {
    let all: u64 = buckets.iter().sum();
    let wanted = (quantile * all as f64).ceil().max(1.0) as u64;
    let mut seen = 0;
    let reached = |count: &u64| {
        seen += count;
        seen >= wanted
    };
    let bucket = buckets.iter().position(reached);
    bucket.map_or(0, |bucket| 2_f64.powf(bucket as f64 / 4.0).round() as u64)
}

#[cfg(test)]
mod tests {
    use mercer_store::MemoryTables;

    use super::*;

    #[test]
    fn times_come_back_within_a_tenth() {
        let mut figures = ShadowFigures::default();
        (1..=1_000).for_each(|micros| figures.time(micros, 10 * micros));
        let (champion, candidate) = figures.micros(0.5);
        assert!(champion.abs_diff(500) <= 50 && candidate.abs_diff(5_000) <= 500, "{champion} {candidate}");
        assert_eq!(ShadowFigures::default().micros(0.99), (0, 0));
    }

    #[test]
    fn figures_last_and_damaged_ones_are_forgotten() {
        let tables = MemoryTables::default();
        let version = ModelVersion::trusted("000002");
        let mut figures = ShadowFigures::load(&tables, &version);
        assert_eq!(figures.pages, 0);
        figures.pages = 7;
        figures.save(&tables);
        assert_eq!(ShadowFigures::load(&tables, &version), figures);
        tables.write(&[Write::put(TABLE, b"000002".to_vec(), b"{".to_vec())]).unwrap();
        assert_eq!(ShadowFigures::load(&tables, &version).pages, 0);
    }
}
