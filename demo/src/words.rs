//! Finding words in a title: whole words, case and plural aside.
//!
//! Both sides are normalised the same way, so a rule for "candle" finds "CANDLES". This is no stemmer; it knows English
//! plurals and nothing else.

use serde::Deserialize;

/// A title as its normalised words, with a space on each side of every word.
#[derive(Debug, Clone)]
pub(crate) struct Words(String);

impl Words {
    pub(crate) fn of(title: &str) -> Self {
        let mut text = String::with_capacity(title.len() + 2);
        text.push(' ');
        let plain = title.to_lowercase().replace(['\'', '’'], "");
        for word in plain.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()) {
            text.push_str(&singular(word));
            text.push(' ');
        }
        Self(text)
    }

    pub(crate) fn has(&self, phrase: &Phrase) -> bool {
        phrase.parts.iter().all(|part| self.0.contains(part.as_str()))
    }

    /// Where the phrase's first part begins.
    pub(crate) fn position(&self, phrase: &Phrase) -> Option<usize> {
        if !self.has(phrase) {
            return None;
        }
        phrase.parts.first().and_then(|part| self.0.find(part.as_str()))
    }
}

/// Words in a row, or several such runs joined by `+`; `*` is in every title.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "String")]
pub(crate) struct Phrase {
    parts: Vec<String>,
}

impl From<String> for Phrase {
    fn from(text: String) -> Self {
        if text.trim() == "*" {
            return Self { parts: Vec::new() };
        }
        Self { parts: text.split('+').map(|part| Words::of(part).0).collect() }
    }
}

/// Fits a title that has one of `any` and none of `not`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Condition {
    any: Vec<Phrase>,
    #[serde(default)]
    not: Vec<Phrase>,
}

impl Condition {
    pub(crate) fn fits(&self, words: &Words) -> bool {
        self.any.iter().any(|phrase| words.has(phrase)) && !self.not.iter().any(|phrase| words.has(phrase))
    }
}

fn singular(word: &str) -> String {
    if let Some(stem) = word.strip_suffix("ies").filter(|stem| stem.len() > 1) {
        return format!("{stem}y");
    }
    for ending in ["xes", "ches", "shes", "sses"] {
        if word.ends_with(ending) {
            return word[..word.len() - 2].to_owned();
        }
    }
    match word.strip_suffix('s') {
        Some(stem) if stem.len() > 2 && !stem.ends_with('s') => stem.to_owned(),
        _ => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(title: &str, phrase: &str) -> bool {
        Words::of(title).has(&Phrase::from(phrase.to_owned()))
    }

    #[test]
    fn finds_whole_words_whatever_their_number() {
        assert!(found("SET OF 6 T-LIGHTS SANTA", "t light"));
        assert!(found("PACK OF 6 HANDBAG GIFT BOXES", "gift box"));
        assert!(found("BUTTERFLIES STICKERS", "butterfly"));
        assert!(!found("CARPET", "car"));
        assert!(!found("STRAWBERRY SHOPPER", "straw"));
    }

    #[test]
    fn joins_runs_by_plus_and_takes_a_star_for_everything() {
        assert!(found("3 WICK CHRISTMAS BRIAR CANDLE", "christmas + candle"));
        assert!(!found("3 WICK BRIAR CANDLE", "christmas + candle"));
        assert!(found("ANYTHING", "*"));
    }
}
