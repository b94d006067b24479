//! mercer-recommend
