//! What is measured of a ranking, by the names that papers use: `HR@20`, `MRR@20`, `Recall@20`, `NDCG@20`, `Precision@20`.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::Item;
use crate::evaluate::{hit_at, ndcg_at, recall_at, reciprocal_rank_at};

/// A measure of the first `cutoff` places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    pub measure: Measure,
    pub cutoff: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    HitRate,
    ReciprocalRank,
    Recall,
    Ndcg,
    /// Share of the places that hold what should be found.
    Precision,
}

const NAMES: [(&str, Measure); 5] = [
    ("HR", Measure::HitRate),
    ("MRR", Measure::ReciprocalRank),
    ("Recall", Measure::Recall),
    ("NDCG", Measure::Ndcg),
    ("Precision", Measure::Precision),
];

impl Metric {
    pub fn of(&self, ranked: &[Item], relevant: &BTreeSet<Item>) -> f64 {
        match self.measure {
            Measure::HitRate => hit_at(ranked, relevant, self.cutoff),
            Measure::ReciprocalRank => reciprocal_rank_at(ranked, relevant, self.cutoff),
            Measure::Recall => recall_at(ranked, relevant, self.cutoff),
            Measure::Ndcg => ndcg_at(ranked, relevant, self.cutoff),
            Measure::Precision => {
                recall_at(ranked, relevant, self.cutoff) * relevant.len() as f64 / self.cutoff.max(1) as f64
            }
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NAMES.iter().find(|(_, measure)| *measure == self.measure).map_or("", |(name, _)| name);
        write!(f, "{name}@{}", self.cutoff)
    }
}

/// Why a metric could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no metric; write one as NAME@PLACES with HR, MRR, Recall, NDCG or Precision, such as NDCG@10")]
pub struct UnknownMetric(String);

impl FromStr for Metric {
    type Err = UnknownMetric;

    fn from_str(text: &str) -> Result<Self, UnknownMetric> {
        let unknown = || UnknownMetric(text.to_owned());
        let (name, cutoff) = text.split_once('@').ok_or_else(unknown)?;
        let known = NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).ok_or_else(unknown)?;
        let cutoff = cutoff.parse().ok().filter(|cutoff| *cutoff > 0).ok_or_else(unknown)?;
        Ok(Self { measure: known.1, cutoff })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written() {
        for name in ["HR@20", "MRR@20", "Recall@5", "NDCG@10", "Precision@1"] {
            assert_eq!(name.parse::<Metric>().unwrap().to_string(), name);
        }
        assert_eq!("ndcg@10".parse::<Metric>().unwrap().to_string(), "NDCG@10");
        for wrong in ["NDCG", "NDCG@0", "NDCG@ten", "AUC@10", "@3"] {
            assert!(wrong.parse::<Metric>().unwrap_err().to_string().starts_with(&format!("`{wrong}` is no metric")));
        }
    }

    #[test]
    fn precision_counts_the_places() {
        let precision: Metric = "Precision@4".parse().unwrap();
        assert!((precision.of(&[1, 2, 3, 4].map(Item), &[2, 4, 9].map(Item).into()) - 0.5).abs() < 1e-12);
    }
}
