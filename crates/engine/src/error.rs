//! What can go wrong, and whether trying again helps.

use mercer_schema::{DecisionId, ModelVersion, Position, Timestamp};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Store(#[from] mercer_store::Error),
    #[error("the log refused the records: {0}. Nothing of this request was kept; send it again later")]
    NotAppended(String),
    #[error("Mercer is shutting down and takes no more records; send the request again in a moment")]
    ShuttingDown,
    #[error("no decision `{0}` is in the log; it may have been a dry run")]
    NoSuchDecision(DecisionId),
    #[error("the log ends at position {head}, but the decision was made at {wanted}; is this the right data folder?")]
    LogTooShort { head: Position, wanted: Position },
    #[error("model version {version} cannot be used: {reason}. The previous champion keeps serving")]
    Model { version: ModelVersion, reason: String },
    #[error("there is no model version {0}")]
    NoSuchModel(ModelVersion),
    #[error(
        "model version {version}, which was in force then, was removed on {removed_at}; without it this cannot be answered again as it was. Put its folder back from a backup, where there is one"
    )]
    ModelGone { version: ModelVersion, removed_at: Timestamp },
    #[error("there is nothing to learn from yet: no orders and no product views are in the log")]
    NothingToLearn,
    #[error("the training run broke off: {0}. The champion keeps serving")]
    TrainingBroke(String),
    #[error(
        "`search.encoder` cannot be used: {0}; name a folder as sentence-transformers writes it (docs/networks.md), or leave it empty"
    )]
    Encoder(String),
    #[error("the training stops here, as Mercer shuts down; the next start goes on with it")]
    TrainingStopped,
    #[error("a training run is already under way; wait for it to end")]
    AlreadyTraining,
    /// The version is not where the change would take it from.
    #[error("{0}")]
    WrongStage(String),
    #[error("a canary answers a share of the customers above 0 and at most 1; {0} is none")]
    BadShare(f64),
    #[error("{field}: {message}")]
    Placement { field: String, message: String },
    #[error("{field}: {message}")]
    Refused { field: String, message: String },
    #[error("`{0}` is no cursor that Mercer gave out; start without one")]
    Cursor(String),
}

impl Error {
    /// True when the same call may succeed later without anybody changing anything.
    pub const fn is_temporary(&self) -> bool {
        match self {
            Self::Store(error) => error.is_temporary(),
            _ => matches!(
                self,
                Self::NotAppended(_) | Self::ShuttingDown | Self::TrainingStopped | Self::AlreadyTraining
            ),
        }
    }
}
