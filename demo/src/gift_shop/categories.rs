//! Where a product belongs, by the rules of `categories.toml`. Two levels: department and category.

use serde::Deserialize;

use crate::Error;
use crate::words::{Condition, Words};

const FILE: &str = "demo/categories.toml";

#[derive(Debug, Deserialize)]
pub(super) struct Categories {
    #[serde(rename = "rule")]
    rules: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
struct Rule {
    path: [String; 2],
    #[serde(flatten)]
    when: Condition,
}

impl Categories {
    pub(super) fn load() -> Result<Self, Error> {
        toml::from_str(include_str!("../../categories.toml"))
            .map_err(|source| Error::Rules { file: FILE, source: Box::new(source) })
    }

    /// The path of the first rule that fits; empty when none does.
    pub(super) fn of(&self, words: &Words) -> Vec<String> {
        self.rules.iter().find(|rule| rule.when.fits(words)).map_or_else(Vec::new, |rule| rule.path.to_vec())
    }
}
