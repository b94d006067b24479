//! The drawings of `icons/`, and which one stands for a product by the rules of `tiles.toml`.
//!
//! A drawing is an SVG document of 100 by 100 units in four stored colours that any viewer can open.

use std::collections::HashMap;

use rust_embed::RustEmbed;
use serde::Deserialize;

use crate::Error;
use crate::words::{Condition, Words};

const FILE: &str = "demo/tiles.toml";
/// For a category without rules.
const FALLBACK: &str = "gift";

#[derive(RustEmbed)]
#[folder = "icons/"]
struct Drawings;

#[derive(Debug)]
pub(super) struct Icons {
    /// Inner markup by name.
    drawings: HashMap<String, String>,
    categories: HashMap<String, Rules>,
}

#[derive(Debug, Deserialize)]
struct List {
    category: Vec<Rules>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    name: String,
    icon: String,
    #[serde(default)]
    or: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
struct Rule {
    icon: String,
    #[serde(flatten)]
    when: Condition,
}

impl Icons {
    pub(super) fn load() -> Result<Self, Error> {
        let list: List = toml::from_str(include_str!("../../tiles.toml"))
            .map_err(|source| Error::Rules { file: FILE, source: Box::new(source) })?;
        let drawings = Drawings::iter().filter_map(|name| {
            let file = Drawings::get(&name)?;
            let text = String::from_utf8_lossy(&file.data);
            Some((name.strip_suffix(".svg")?.to_owned(), inner(&text).to_owned()))
        });
        let categories = list.category.into_iter().map(|rules| (rules.name.clone(), rules));
        Ok(Self { drawings: drawings.collect(), categories: categories.collect() })
    }

    /// The markup of the drawing for a product of this category with this name.
    pub(super) fn of(&self, category: &str, words: &Words) -> &str {
        let name = self.categories.get(category).map_or(FALLBACK, |rules| {
            rules.or.iter().find(|rule| rule.when.fits(words)).map_or(rules.icon.as_str(), |rule| rule.icon.as_str())
        });
        self.drawings.get(name).map_or("", String::as_str)
    }
}

/// What stands between the `svg` tags.
fn inner(document: &str) -> &str {
    let start = document.find('>').map_or(0, |end| end + 1);
    let end = document.rfind("</svg>").unwrap_or(document.len());
    document.get(start..end).unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_names_a_drawing() {
        let icons = Icons::load().unwrap();
        let named = icons
            .categories
            .values()
            .flat_map(|rules| std::iter::once(&rules.icon).chain(rules.or.iter().map(|rule| &rule.icon)));
        for name in named {
            assert!(icons.drawings.contains_key(name), "there is no icons/{name}.svg");
        }
    }

    #[test]
    fn every_category_of_the_shop_has_a_drawing() {
        let icons = Icons::load().unwrap();
        for product in crate::gift_shop::catalog().unwrap() {
            let leaf = product.leaf_category().unwrap();
            assert!(icons.categories.contains_key(leaf), "tiles.toml knows no category `{leaf}`");
        }
    }
}
