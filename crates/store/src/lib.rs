//! mercer-store
