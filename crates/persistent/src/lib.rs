//! Collections that are values: a clone shares everything and stays as it is while the original goes on.
//!
//! What the folds of the log keep by number, beside the trees of `imbl` for what they keep by key.

mod few;
mod pages;

pub use few::Few;
pub use pages::Pages;
