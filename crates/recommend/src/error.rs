//! What can go wrong when a model or the state of a fold is read back. Asking a model never fails.

/// Bytes that are no model or no fold of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("these bytes are no `{expected}` model; choose another file or train again")]
    NotThisModel { expected: &'static str },
    #[error(
        "the `{model}` model has format {found} and this program reads up to {known}; upgrade Mercer or train again"
    )]
    NewerModel { model: &'static str, found: u16, known: u16 },
    #[error("the `{model}` model is broken ({reason}); restore the file or train again")]
    BrokenModel { model: &'static str, reason: &'static str },
    #[error("a saved piece of `{fold}` is broken ({reason}); drop the checkpoint and fold the log again")]
    BrokenPiece { fold: &'static str, reason: &'static str },
    #[error(
        "the saved pieces of `{fold}` have format {found} and this program reads {known}; fold the log again, \
         or upgrade Mercer"
    )]
    OtherFold { fold: &'static str, found: u16, known: u16 },
}
