//! mercer-engine
