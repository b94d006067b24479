//! What can go wrong in training and in reading an encoder. Asking a model never fails.

use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the network cannot be built: {0}")]
    Settings(&'static str),
    #[error("the tensor library failed: {0}")]
    Library(#[from] candle_core::Error),
    #[error("training went astray in epoch {epoch}: the loss is no number; try a smaller rate")]
    Astray { epoch: usize },
    #[error("{}: {problem}", path.display())]
    Folder { path: PathBuf, problem: String },
    #[error("a text cannot be cut into tokens: {0}")]
    Tokens(String),
}
