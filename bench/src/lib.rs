//! mercer-bench
