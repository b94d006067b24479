//! mercer
fn main() {}
