//! A minus in front of a word: *mug -red* is a mug without red.
//!
//! Only a minus that stands at the beginning of a word counts, and only before a letter: a hyphen, a dash between spaces
//! and a number below zero stay what they are.

use std::borrow::Cow;

use crate::language::Words;

const DASHES: [char; 3] = ['-', '\u{2212}', '\u{2013}'];
const QUOTES: [char; 5] = ['"', '\'', '\u{201c}', '\u{201d}', '\u{201e}'];

/// The text with such words behind all others, after a word that says the same. Words in quotes stay together.
pub(crate) fn in_words<'a>(text: &'a str, words: &Words) -> Cow<'a, str> {
    let Some(negation) = negation(words) else { return text.into() };
    let (mut kept, mut out) = (Vec::new(), Vec::new());
    let mut typed = text.split_whitespace();
    while let Some(word) = typed.next() {
        let Some(first) = unwanted(word) else {
            kept.push(word.to_owned());
            continue;
        };
        let mut phrase = vec![first];
        let is_open = first.strip_prefix(QUOTES).is_some_and(|quoted| !quoted.ends_with(QUOTES));
        if is_open && let Some(more) = typed.clone().position(|word| word.ends_with(QUOTES)) {
            phrase.extend(typed.by_ref().take(more + 1));
        }
        out.push(format!("{negation} {}", phrase.join("-").replace(QUOTES, "")));
    }
    if out.is_empty() {
        return text.into();
    }
    kept.extend(out);
    kept.join(" ").into()
}

/// What stands behind a minus at the beginning of a word.
fn unwanted(word: &str) -> Option<&str> {
    let word = word.trim_start_matches([',', ';']);
    let rest = word.trim_start_matches(DASHES);
    let is_word = rest.trim_start_matches(QUOTES).starts_with(char::is_alphabetic);
    (rest.len() < word.len() && is_word).then_some(rest)
}

/// Such a text as a person would type it.
pub(crate) fn in_signs(text: &str, words: &Words) -> String {
    let Some(negation) = negation(words) else { return text.to_owned() };
    format!(" {text}").replace(&format!(" {negation} "), " -").trim_start().to_owned()
}

/// The longest word that says *without*: it stands in no name beside its word.
fn negation(words: &Words) -> Option<&String> {
    words.negation.iter().max_by_key(|word| (word.len(), word.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Language;

    #[test]
    fn a_minus_at_the_beginning_of_a_word_is_without() {
        let read = |text: &'static str| in_words(text, Language::English.words()).into_owned();
        assert_eq!(read("-red mug -lid"), "mug excluding red excluding lid");
        assert_eq!(in_signs("mug excluding red excluding lid", Language::English.words()), "mug -red -lid");
        assert_eq!((read("-red"), read("mug ,--red")), ("excluding red".into(), "mug excluding red".into()));
        assert_eq!(read("candle -\"christmas tree\" red"), "candle red excluding christmas-tree");
        assert_eq!(in_signs("excluding red", Language::English.words()), "-red");
        for text in ["t-shirt", "mug - red", "mug -5", "", "under -", "AB -- C"] {
            assert_eq!(read(text), text);
        }
    }
}
