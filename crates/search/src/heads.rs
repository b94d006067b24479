//! Which words of a text say what a thing is: in *camera bag with strap, black* it is `bag`.
//!
//! A phrase ends at a sign, a number, a colour, a value of the product's own attributes, or a word after which
//! something else is spoken of (`for`, `with`). Its last word is its head, or its first in languages that put it there
//! (*sac à dos*). A product may have several: the parts of a title are written one behind the other.

use rustc_hash::FxHashSet;

use crate::language::{HeadPlace, Words};
use crate::text::{Gap, Token};

/// For each token whether it is the head of a phrase.
pub(crate) fn heads(tokens: &[Token], words: &Words, values: &FxHashSet<String>) -> Vec<bool> {
    let inside = inside(tokens, words, values);
    let is_edge = |place: usize| match words.head {
        HeadPlace::Last => {
            place + 1 == tokens.len() || !inside[place + 1] || matches!(tokens[place + 1].gap, Gap::Break | Gap::Slash)
        }
        HeadPlace::First => place == 0 || !inside[place - 1] || matches!(tokens[place].gap, Gap::Break | Gap::Slash),
    };
    (0..tokens.len()).map(|place| inside[place] && is_edge(place)).collect()
}

/// For each token whether it is part of a phrase that names the thing itself.
fn inside(tokens: &[Token], words: &Words, values: &FxHashSet<String>) -> Vec<bool> {
    let mut inside = vec![false; tokens.len()];
    let mut is_aside = false;
    let mut place = 0;
    while place < tokens.len() {
        let token = &tokens[place];
        if token.gap == Gap::Break {
            is_aside = false;
        }
        if let Some(length) = aside_at(tokens, place, words) {
            is_aside = true;
            place += length;
            continue;
        }
        let says_nothing = token.has_digit()
            || words.stop.contains(&token.plain)
            || words.colours.contains_key(&token.plain)
            || values.contains(&token.plain);
        inside[place] = !is_aside && !says_nothing;
        place += 1;
    }
    inside
}

/// How many tokens from here say that another thing follows.
fn aside_at(tokens: &[Token], place: usize, words: &Words) -> Option<usize> {
    let begins = |phrase: &&Vec<String>| {
        let here = tokens[place..].iter().map(|token| &token.plain);
        phrase.len() <= tokens.len() - place && phrase.iter().eq(here.take(phrase.len()))
    };
    // The first word of a text cannot be an aside: `in` of `in-ear headphones`.
    if place == 0 { None } else { words.aside.iter().find(begins).map(Vec::len) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Language;
    use crate::text::tokens;

    fn heads_of(text: &str, language: Language, values: &[&str]) -> Vec<String> {
        let tokens = tokens(text, 50);
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        let heads = heads(&tokens, language.words(), &values);
        tokens.into_iter().zip(heads).filter(|(_, is_head)| *is_head).map(|(token, _)| token.plain).collect()
    }

    #[test]
    fn the_last_word_of_an_english_phrase() {
        let english = |text: &str| heads_of(text, Language::English, &[]);
        assert_eq!(english("Camera bag with strap, black"), ["bag"]);
        assert_eq!(english("Battery for laptop"), ["battery"]);
        assert_eq!(english("Acme Keyboard cover"), ["cover"]);
        assert_eq!(english("HP 530 Notebook 35.8 cm (14.1\")"), ["hp", "notebook", "cm"]);
        assert_eq!(english("headphones/headset red"), ["headphones", "headset"]);
        assert_eq!(heads_of("USB cable A male", Language::English, &["male"]), ["cable"]);
    }

    #[test]
    fn the_first_word_of_a_french_phrase() {
        assert_eq!(heads_of("Sac à dos pour ordinateur", Language::French, &[]), ["sac"]);
    }
}
