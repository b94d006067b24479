//! A minus in front of a word: *mug -red* is a mug without red.
//!
//! Only a minus that stands at the beginning of a word counts, and only before a letter: a hyphen, a dash between spaces
//! and a number below zero stay what they are.

use std::borrow::Cow;

use crate::language::Words;

/// The text with such words behind all others, after a word that says the same. A text of nothing else stays as it is.
pub(crate) fn in_words<'a>(text: &'a str, words: &Words) -> Cow<'a, str> {
    let unwanted = |word: &str| {
        let rest = word.strip_prefix(['-', '\u{2212}', '\u{2013}'])?;
        rest.starts_with(char::is_alphabetic).then(|| rest.to_owned())
    };
    let Some(negation) = negation(words) else { return text.into() };
    let (mut kept, mut out) = (Vec::new(), Vec::new());
    for word in text.split_whitespace() {
        match unwanted(word) {
            Some(word) => out.push(format!("{negation} {word}")),
            None => kept.push(word.to_owned()),
        }
    }
    if out.is_empty() || kept.is_empty() {
        return text.into();
    }
    kept.extend(out);
    kept.join(" ").into()
}

/// Such a text as a person would type it.
pub(crate) fn in_signs(text: &str, words: &Words) -> String {
    negation(words).map_or_else(|| text.to_owned(), |negation| text.replace(&format!(" {negation} "), " -"))
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
        for text in ["t-shirt", "mug - red", "mug -5", "-red", "mug --red", "", "under -", "AB -- C"] {
            assert_eq!(read(text), text);
        }
    }
}
