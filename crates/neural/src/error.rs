//! What can go wrong in training. Asking a model never fails.

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the network cannot be built: {0}")]
    Settings(&'static str),
    #[error("training failed: {0}")]
    Library(#[from] candle_core::Error),
    #[error("training went astray in epoch {epoch}: the loss is no number; try a smaller rate")]
    Astray { epoch: usize },
}
