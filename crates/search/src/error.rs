//! What can go wrong inside the index. Nothing that a customer types is an error.

/// The index itself failed, for want of memory or threads.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    #[error("the search index failed ({0}); free some memory and rebuild it from the catalog")]
    Index(#[from] tantivy::TantivyError),
}
