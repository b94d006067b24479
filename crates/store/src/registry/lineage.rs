//! Where a version comes from, and how it did against the champion: what the manifest keeps of its making.

use std::collections::BTreeMap;

use mercer_schema::{ModelVersion, Position, Timestamp};
use serde::{Deserialize, Serialize};

/// Everything that is needed to say what a version was made from, and to make it again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lineage {
    /// The champion when it was trained.
    pub parent: Option<ModelVersion>,
    /// Who or what asked for the training.
    pub requested_by: String,
    pub why: String,
    /// The log was read up to here.
    pub position: Position,
    /// How much was learned from: orders, visits, customers, products, lines.
    pub counts: BTreeMap<String, u64>,
    /// XXH3-128 of everything that was learned from, in hexadecimal: equal data, equal digest.
    pub digest: String,
    pub models: BTreeMap<String, FittedModel>,
    /// Pieces of work that an interrupted run had left.
    pub resumed: usize,
}

/// One model of a version.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FittedModel {
    /// All of its settings, written out.
    pub settings: String,
    /// None for a model without chance in it.
    pub seed: Option<u64>,
}

/// What the comparison with the champion found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    pub passed: bool,
    /// None when there was nobody to compare with.
    pub champion: Option<ModelVersion>,
    /// How the two were compared, in words.
    pub protocol: String,
    /// The cases happened from here on; the candidate's recipes were fitted on what was before.
    pub cut: Option<Timestamp>,
    pub cases: usize,
    pub checks: Vec<Check>,
}

/// One verdict.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// Such as `Next order: recall at 20`.
    pub name: String,
    /// The cases it looks at: `all`, `cold items`, `cold customers`.
    pub slice: String,
    pub cases: usize,
    pub candidate: f64,
    pub champion: Option<f64>,
    /// Candidate less champion on the same cases.
    pub difference: Option<Difference>,
    pub passed: bool,
    pub words: String,
}

/// A mean difference with the interval that decided.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    pub mean: f64,
    pub low: f64,
    pub high: f64,
    /// Confidence of the interval, such as 0.95.
    pub level: f64,
}
