//! What is known of a language out of the box: its stems, the words that carry no meaning, those that ask for
//! something, colours, and groups of words for the same thing.
//!
//! The words are in `languages/*.toml`, compiled in. A text's language is told by its stop words; where there are too
//! few of them, a text has none of its own and is taken as the shop's.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use frostem::{Algorithm, Stemmer};
use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};

use crate::text::{fold, tokens};

/// A text must have so many stop words of a language, and so many more than of the next, to count as written in it.
const TELLING_STOP_WORDS: usize = 3;
const TELLING_LEAD: usize = 2;
/// Tokens of a text that are looked at to tell its language.
const TOKENS_LOOKED_AT: usize = 200;

/// The languages whose words are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    English,
    German,
    French,
    Spanish,
    Italian,
    Dutch,
    Polish,
}

/// Where the word that says what a thing is stands in a phrase: a *camera bag* is a bag, a *sac à dos* is a sac.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum HeadPlace {
    First,
    Last,
}

/// A language's words, folded.
pub(crate) struct Words {
    stemmer: Stemmer,
    pub(crate) head: HeadPlace,
    pub(crate) stop: FxHashSet<String>,
    /// What follows is another thing, which this one is for or has: *battery for laptop*. Phrases as lists of words.
    pub(crate) aside: Vec<Vec<String>>,
    pub(crate) negation: FxHashSet<String>,
    /// *And*, *or*.
    pub(crate) conjunction: FxHashSet<String>,
    pub(crate) below: Vec<Vec<String>>,
    pub(crate) above: Vec<Vec<String>>,
    pub(crate) between: Vec<(Vec<String>, Vec<String>)>,
    pub(crate) around: Vec<Vec<String>>,
    /// Behind the highest price: *5 or less*.
    pub(crate) or_less: Vec<Vec<String>>,
    pub(crate) minor: FxHashSet<String>,
    /// *Cheap*, *best*.
    pub(crate) praise: FxHashSet<String>,
    pub(crate) numbers: FxHashMap<String, f64>,
    pub(crate) size: FxHashSet<String>,
    pub(crate) currency: FxHashSet<String>,
    /// By the word: the English name of the colour's family.
    pub(crate) colours: FxHashMap<String, String>,
    /// Who something is for: by the word, the English name.
    pub(crate) audience: FxHashMap<String, String>,
    /// Groups of texts that mean the same.
    pub(crate) same: Vec<Vec<String>>,
    /// What is searched, and what answers it too.
    pub(crate) also: Vec<(String, Vec<String>)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    head: HeadPlace,
    stop: Vec<String>,
    aside: Vec<String>,
    negation: Vec<String>,
    conjunction: Vec<String>,
    below: Vec<String>,
    above: Vec<String>,
    between: Vec<(String, String)>,
    around: Vec<String>,
    or_less: Vec<String>,
    minor: Vec<String>,
    praise: Vec<String>,
    numbers: BTreeMap<String, u32>,
    size: Vec<String>,
    currency: Vec<String>,
    audience: BTreeMap<String, Vec<String>>,
    colours: BTreeMap<String, Vec<String>>,
    synonyms: Synonyms,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Synonyms {
    same: Vec<Vec<String>>,
    also: BTreeMap<String, Vec<String>>,
}

static WORDS: LazyLock<Vec<Words>> = LazyLock::new(|| Language::ALL.into_iter().map(Words::read).collect());

impl Language {
    pub const ALL: [Self; 7] =
        [Self::English, Self::German, Self::French, Self::Spanish, Self::Italian, Self::Dutch, Self::Polish];

    /// By its two letters: `de`, `de-AT`.
    pub fn parse(tag: &str) -> Option<Self> {
        let letters = tag.get(..2)?.to_ascii_lowercase();
        let is_whole = tag.len() == 2 || tag.as_bytes().get(2).is_some_and(|next| matches!(next, b'-' | b'_'));
        Self::ALL.into_iter().find(|language| is_whole && language.letters() == letters)
    }

    pub const fn letters(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
            Self::French => "fr",
            Self::Spanish => "es",
            Self::Italian => "it",
            Self::Dutch => "nl",
            Self::Polish => "pl",
        }
    }

    /// Words are written together: *Laptoptasche*.
    pub(crate) const fn has_compounds(self) -> bool {
        matches!(self, Self::German | Self::Dutch)
    }

    pub(crate) fn words(self) -> &'static Words {
        &WORDS[self as usize]
    }

    /// The language in which a text is written, if it says enough to tell.
    pub fn of(text: &str) -> Option<Self> {
        let mut counts = [0_usize; Self::ALL.len()];
        for token in tokens(text, TOKENS_LOOKED_AT) {
            for (language, count) in Self::ALL.into_iter().zip(&mut counts) {
                *count += usize::from(language.words().stop.contains(&token.plain));
            }
        }
        let mut ranked: Vec<(usize, Self)> = counts.into_iter().zip(Self::ALL).collect();
        ranked.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
        let ((most, language), (next, _)) = (ranked[0], ranked[1]);
        (most >= TELLING_STOP_WORDS && most >= next + TELLING_LEAD).then_some(language)
    }

    const fn file(self) -> &'static str {
        match self {
            Self::English => include_str!("../languages/en.toml"),
            Self::German => include_str!("../languages/de.toml"),
            Self::French => include_str!("../languages/fr.toml"),
            Self::Spanish => include_str!("../languages/es.toml"),
            Self::Italian => include_str!("../languages/it.toml"),
            Self::Dutch => include_str!("../languages/nl.toml"),
            Self::Polish => include_str!("../languages/pl.toml"),
        }
    }

    const fn algorithm(self) -> Algorithm {
        match self {
            Self::English => Algorithm::English,
            Self::German => Algorithm::German,
            Self::French => Algorithm::French,
            Self::Spanish => Algorithm::Spanish,
            Self::Italian => Algorithm::Italian,
            Self::Dutch => Algorithm::Dutch,
            Self::Polish => Algorithm::Polish,
        }
    }
}

impl Words {
    #[expect(clippy::expect_used, reason = "the files are compiled in, and a test reads each of them")]
    fn read(language: Language) -> Self {
        let file: File = toml::from_str(language.file()).expect("a language file that was tested");
        let phrases = |texts: &[String]| texts.iter().map(|text| plain_words(text)).collect::<Vec<_>>();
        let set = |texts: &[String]| texts.iter().map(|text| fold(text)).collect::<FxHashSet<_>>();
        let by_word = |families: &BTreeMap<String, Vec<String>>| {
            let words =
                families.iter().flat_map(|(name, words)| words.iter().map(move |word| (fold(word), name.clone())));
            words.collect::<FxHashMap<_, _>>()
        };
        let mut aside = phrases(&file.aside);
        // The longer ones first: `compatible with` before `with`.
        aside.sort_by_key(|phrase| std::cmp::Reverse(phrase.len()));
        Self {
            stemmer: Stemmer::new(language.algorithm()),
            head: file.head,
            stop: set(&file.stop),
            aside,
            negation: set(&file.negation),
            conjunction: set(&file.conjunction),
            below: phrases(&file.below),
            above: phrases(&file.above),
            between: file.between.iter().map(|(from, to)| (plain_words(from), plain_words(to))).collect(),
            around: phrases(&file.around),
            or_less: phrases(&file.or_less),
            minor: set(&file.minor),
            praise: set(&file.praise),
            numbers: file.numbers.iter().map(|(word, number)| (fold(word), f64::from(*number))).collect(),
            size: set(&file.size),
            currency: set(&file.currency),
            colours: by_word(&file.colours),
            audience: by_word(&file.audience),
            same: file.synonyms.same,
            also: file.synonyms.also.into_iter().collect(),
        }
    }

    /// The stem of a word as it is written, folded. Words with digits have none but themselves.
    pub(crate) fn stem(&self, written: &str) -> String {
        if written.bytes().any(|byte| byte.is_ascii_digit()) {
            return fold(written);
        }
        fold(&self.stemmer.stem(written))
    }
}

fn plain_words(text: &str) -> Vec<String> {
    tokens(text, TOKENS_LOOKED_AT).into_iter().map(|token| token.plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_its_words() {
        for language in Language::ALL {
            let words = language.words();
            assert!(words.stop.len() > 20 && !words.aside.is_empty() && !words.negation.is_empty(), "{language:?}");
            assert!(words.colours.len() > 20 && words.same.len() > 20, "{language:?}");
            assert!(words.same.iter().all(|group| group.len() > 1), "{language:?}");
            assert_eq!(Language::parse(language.letters()), Some(language));
        }
        assert_eq!(Language::parse("de-AT"), Some(Language::German));
        assert_eq!(Language::parse("den"), None);
    }

    #[test]
    fn a_language_is_told_by_its_stop_words() {
        assert_eq!(Language::of("A lamp for the desk, with a switch that is on the cord"), Some(Language::English));
        assert_eq!(
            Language::of("Die Lampe für den Schreibtisch mit einem Schalter und der Farbe"),
            Some(Language::German)
        );
        assert_eq!(Language::of("La lampe pour le bureau avec un interrupteur dans la main"), Some(Language::French));
        assert_eq!(Language::of("USB 2.0 16 GB"), None);
    }

    #[test]
    fn stems_bring_forms_together() {
        assert_eq!(Language::English.words().stem("lanterns"), Language::English.words().stem("lantern"));
        assert_eq!(Language::German.words().stem("schlüssel"), "schlussel");
        assert_eq!(Language::English.words().stem("500ml"), "500ml");
    }
}
