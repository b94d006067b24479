//! Colour, material and design, where the title says them. Nothing is guessed: what no word says stays unsaid.

use serde::Deserialize;

use crate::Error;
use crate::words::{Phrase, Words};

const FILE: &str = "demo/attributes.toml";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Vocabulary {
    colour: Vec<Colour>,
    material: Vec<Term>,
    design: Vec<Term>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Colour {
    name: String,
    tint: String,
    words: Vec<Phrase>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Term {
    name: String,
    words: Vec<Phrase>,
}

/// What a title says of the product.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// In the order in which the title names them.
    pub(super) colours: Vec<String>,
    pub(super) material: Option<String>,
    pub(super) design: Option<String>,
    /// Pieces of a set or pack.
    pub(super) pieces: Option<u32>,
}

impl Vocabulary {
    pub(crate) fn load() -> Result<Self, Error> {
        toml::from_str(include_str!("../../attributes.toml"))
            .map_err(|source| Error::Rules { file: FILE, source: Box::new(source) })
    }

    pub(super) fn read(&self, title: &str, words: &Words) -> Said {
        Said {
            colours: self.colours(words).into_iter().map(|colour| colour.name.clone()).collect(),
            material: first(&self.material, words),
            design: first(&self.design, words),
            pieces: pieces(title),
        }
    }

    /// The tints of the colours that a title names, in the order in which it names them.
    pub(crate) fn tints(&self, words: &Words) -> Vec<&str> {
        self.colours(words).into_iter().map(|colour| colour.tint.as_str()).collect()
    }

    fn colours(&self, words: &Words) -> Vec<&Colour> {
        let mut found: Vec<(usize, &Colour)> = self
            .colour
            .iter()
            .filter_map(|colour| Some((colour.words.iter().filter_map(|word| words.position(word)).min()?, colour)))
            .collect();
        found.sort_by_key(|(position, _)| *position);
        found.into_iter().map(|(_, colour)| colour).collect()
    }
}

fn first(terms: &[Term], words: &Words) -> Option<String> {
    terms.iter().find(|term| term.words.iter().any(|word| words.has(word))).map(|term| term.name.clone())
}

/// The number in "Set of 6", "Pack of 12", "Box of 6".
fn pieces(title: &str) -> Option<u32> {
    let lower = title.to_lowercase();
    let mut words = lower.split_whitespace();
    while let Some(word) = words.next() {
        let opens = matches!(word, "set" | "pack" | "box" | "bundle");
        if opens && words.clone().next() == Some("of") {
            return words.nth(1)?.parse().ok().filter(|count| (2..=500).contains(count));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(title: &str) -> Said {
        Vocabulary::load().unwrap().read(title, &Words::of(title))
    }

    #[test]
    fn reads_what_the_title_says() {
        let said = read("Set of 6 Red Retrospot Glass Bowls");
        assert_eq!(said.colours, ["Red"]);
        assert_eq!(said.material.as_deref(), Some("Glass"));
        assert_eq!(said.design.as_deref(), Some("Retrospot"));
        assert_eq!(said.pieces, Some(6));
        assert_eq!(read("Blue/Cream Stripe Cushion Cover").colours, ["Blue", "Cream"]);
    }

    #[test]
    fn says_nothing_of_its_own() {
        assert_eq!(read("Sombrero"), Said::default());
        assert_eq!(read("Set of Salt and Pepper Pots").pieces, None);
    }
}
