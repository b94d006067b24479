//! mercer-profile
