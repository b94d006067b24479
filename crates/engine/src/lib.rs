//! The only state that changes: records go into the log, the log is folded into a world, decisions read it.
//!
//! [`Engine::accept`] makes facts durable, folds them and publishes a new immutable world before it returns, so
//! the next decision already knows them. Everything in the world is a function of the log up to a position;
//! checkpoints only shorten the way there. The engine reads no clock and knows no protocol.

mod alarms;
mod background;
mod bad_rows;
mod changes;
mod checkpoint;
mod drift;
mod engine;
mod error;
mod finding;
mod fold;
mod gate;
mod history;
#[cfg(test)]
mod hostile;
mod ingest;
mod judged_searches;
mod judgement;
mod judgments;
mod keys;
mod lessons;
mod lexicon;
mod models;
mod orders;
mod past_searches;
mod progress;
mod ranking;
mod recipes;
mod reformulations;
mod replay;
mod search_figures;
mod search_ranking;
mod search_trials;
mod sequences;
mod shadow;
mod stages;
mod statistics;
mod tally;
mod title_queries;
mod train;
mod trial;
mod vectors;
mod weights;

pub use alarms::{Alarm, AlarmKind};
pub use bad_rows::KeptBadRow;
pub use drift::{DayDrift, DriftReport, Input, InputDrift};
pub use engine::{Answer, Engine, ModelOptions, Options, Parts, Saved};
pub use error::Error;
pub use finding::{Differences, FindingJudged, SuggestingJudged, Way};
pub use fold::Snapshot;
pub use history::Timeline;
pub use judged_searches::{Gain, Measured, QualityCompared, SearchVariant, best_ten, measured, pool};
pub use judgement::Judged;
pub use judgments::{JudgmentList, Judgments, JudgmentsSaved};
pub use keys::{decision_key, message_key};
pub use mercer_decide::default_placements;
pub use mercer_store::{Check, DataRange, Difference, FileEntry, FittedModel, Gate, Lineage, Manifest};
pub use models::ModelCard;
pub use orders::OrdersCounted;
pub use progress::{Outcome, Progress};
pub use replay::Replayed;
pub use search_figures::{QueryFigures, SearchFigures};
pub use search_trials::{SearchTrialRun, SearchTrialVerdict, SearchTrials};
pub use shadow::ShadowFigures;
pub use stages::{Audit, CanaryStage, Changed, EndedCanary, Stages};
pub use statistics::Estimate;
pub use tally::{HourTally, Tally};
pub use title_queries::Wording;
pub use train::{EVENTS_SEEN, ORDERS_SEEN, Trained, TrainingTicket};
pub use trial::{ArmCounts, Compared, compared};
pub use weights::WeightsJudged;
