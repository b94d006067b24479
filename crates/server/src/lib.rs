//! mercer-server
