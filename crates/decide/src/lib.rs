//! mercer-decide
