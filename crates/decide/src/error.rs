//! What can go wrong in this crate: reading a catalog back. Deciding never fails.

/// A catalog that cannot be read from its pieces.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("the catalog's piece number {expected} is missing; fold the catalog from the log again")]
    MissingPiece { expected: u32 },
    #[error("the catalog's piece number {number} is broken ({reason}); fold the catalog from the log again")]
    BrokenPiece { number: u32, reason: String },
    #[error(
        "the catalog's piece number {number} has format {format}, this version reads {known}; \
         use the newer version that wrote it, or fold the catalog from the log again"
    )]
    UnknownFormat { number: u32, format: u32, known: u32 },
}
