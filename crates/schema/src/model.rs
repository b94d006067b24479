//! What becomes of a trained model: promoted, rolled back, tried on some of the customers. Each change is one record.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ModelVersion;

/// A change of which models answer, with who wanted it and why. One record is the whole change, so it is made or not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelChange {
    pub action: ModelAction,
    pub version: ModelVersion,
    /// A person's name, the name of a key, or `Mercer` itself.
    pub by: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}

/// What is done with a version.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelAction {
    /// It is the champion from here on; a canary that runs ends.
    Promoted,
    /// The same, back to an earlier champion.
    RolledBack,
    /// It answers this share of the customers, from 0 to 1; the champion answers the others.
    CanaryStarted { share: f64 },
    /// The champion answers everybody again.
    CanaryStopped,
    /// It is taken out of the registry; what answers stays as it is.
    Removed,
}

/// The side of a canary that a customer is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Arm {
    Champion,
    Canary,
}
