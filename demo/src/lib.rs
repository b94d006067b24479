//! mercer-demo
