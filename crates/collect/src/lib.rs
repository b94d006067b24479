//! mercer-collect
