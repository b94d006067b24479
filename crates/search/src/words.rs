//! Text taken apart into words, the same way for products and for what is typed.
//!
//! A word has a plain form (small letters, no accents) and an English stem. What is typed is cut to a length that
//! no honest search reaches, before anything else is done with it.

use tantivy::tokenizer::{
    AsciiFoldingFilter, Language, LowerCaser, RemoveLongFilter, SimpleTokenizer, Stemmer, TextAnalyzer, TokenStream,
    TokenizerManager,
};

/// Names of the two analyzers in the index.
pub(crate) const STEM: &str = "mercer_stem";
pub(crate) const PLAIN: &str = "mercer_plain";

/// Characters of what is typed that are read.
const LONGEST_TEXT: usize = 200;
/// Words of it that are looked for.
const MOST_WORDS: usize = 12;
const LONGEST_WORD_BYTES: usize = 40;
/// Left out of a search that has other words.
const STOP_WORDS: [&str; 18] = [
    "a", "an", "and", "are", "at", "by", "for", "from", "in", "is", "it", "of", "on", "or", "that", "the", "to", "with",
];

/// What somebody typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Typed {
    /// All of it in small letters: perhaps an id.
    pub(crate) whole: String,
    pub(crate) words: Vec<Word>,
    /// The last word may go on.
    pub(crate) is_open: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) plain: String,
    pub(crate) stem: String,
}

/// The analyzers of the index.
#[derive(Clone)]
pub(crate) struct Analyzers {
    plain: TextAnalyzer,
    stem: TextAnalyzer,
}

impl Analyzers {
    pub(crate) fn new() -> Self {
        let plain = || {
            TextAnalyzer::builder(SimpleTokenizer::default())
                .filter(RemoveLongFilter::limit(LONGEST_WORD_BYTES))
                .filter(LowerCaser)
                .filter(AsciiFoldingFilter)
        };
        Self { plain: plain().build(), stem: plain().filter(Stemmer::new(Language::English)).build() }
    }

    pub(crate) fn register(&self, manager: &TokenizerManager) {
        manager.register(PLAIN, self.plain.clone());
        manager.register(STEM, self.stem.clone());
    }

    /// Reads what somebody typed.
    pub(crate) fn read(&self, text: &str) -> Typed {
        let visible = |character: char| if character.is_control() { ' ' } else { character };
        let text: String = text.chars().take(LONGEST_TEXT).map(visible).collect();
        let mut words = self.words(&text);
        if words.iter().any(|word| !is_stop_word(word)) {
            // The last word stays while it is open: `the` may become `thermos`.
            let last = words.len() - 1;
            let is_open = !ends_closed(&text);
            let mut place = 0;
            words.retain(|word| {
                place += 1;
                !is_stop_word(word) || (is_open && place - 1 == last)
            });
        }
        words.truncate(MOST_WORDS);
        Typed { whole: text.trim().to_lowercase(), is_open: !ends_closed(&text), words }
    }

    fn words(&self, text: &str) -> Vec<Word> {
        // The stemmer neither adds nor drops words, so both lists run in step.
        let stems = tokens(&self.stem, text);
        let words = tokens(&self.plain, text).into_iter().zip(stems);
        words.map(|(plain, stem)| Word { plain, stem }).collect()
    }

    pub(crate) fn plain_words(&self, text: &str) -> Vec<String> {
        tokens(&self.plain, text)
    }
}

fn tokens(analyzer: &TextAnalyzer, text: &str) -> Vec<String> {
    let mut analyzer = analyzer.clone();
    let mut tokens = Vec::new();
    analyzer.token_stream(text).process(&mut |token| tokens.push(token.text.clone()));
    tokens
}

fn is_stop_word(word: &Word) -> bool {
    STOP_WORDS.contains(&word.plain.as_str())
}

/// A space or a sign after the last word closes it.
fn ends_closed(text: &str) -> bool {
    text.chars().next_back().is_none_or(|last| !last.is_alphanumeric())
}

/// Whether two different words are one slip apart: a letter too many, one too few, another one, or two swapped
/// (Damerau, CACM 1964).
pub(crate) fn is_one_slip(typed: &[char], word: &[char]) -> bool {
    if typed.len().abs_diff(word.len()) > 1 {
        return false;
    }
    let same_start = typed.iter().zip(word).take_while(|(a, b)| a == b).count();
    let (typed, word) = (&typed[same_start..], &word[same_start..]);
    let same_end = typed.iter().rev().zip(word.iter().rev()).take_while(|(a, b)| a == b).count();
    match (&typed[..typed.len() - same_end], &word[..word.len() - same_end]) {
        ([_], [] | [_]) | ([], [_]) => true,
        ([a, b], [c, d]) => a == d && b == c,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plain(text: &str) -> Vec<String> {
        Analyzers::new().read(text).words.into_iter().map(|word| word.plain).collect()
    }

    fn slip(typed: &str, word: &str) -> bool {
        let letters = |text: &str| text.chars().collect::<Vec<_>>();
        is_one_slip(&letters(typed), &letters(word))
    }

    #[test]
    fn reads_words_and_drops_stop_words() {
        assert_eq!(plain("A Lamp for the CAFÉ table "), ["lamp", "cafe", "table"]);
        assert_eq!(plain("of the "), ["of", "the"], "when there is nothing else");
        assert_eq!(plain("red the"), ["red", "the"], "it may go on");
        assert_eq!(plain("red the "), ["red"]);
        let typed = Analyzers::new().read(" 85123A ");
        assert_eq!((typed.whole.as_str(), typed.is_open), ("85123a", false));
    }

    #[test]
    fn stems_are_english() {
        let stems = |text| Analyzers::new().read(text).words.into_iter().map(|word| word.stem).collect::<Vec<_>>();
        assert_eq!(stems("hanging lanterns"), stems("hang lantern"));
    }

    #[test]
    fn one_slip_is_one_slip() {
        for typed in ["lanten", "lanntern", "lamtern", "lantren", "antern", "lanterns"] {
            assert!(slip(typed, "lantern"), "{typed}");
        }
        for typed in ["lantern", "latnren", "lant", "lanternss", "", "nretnal"] {
            assert!(!slip(typed, "lantern"), "{typed}");
        }
    }

    proptest! {
        #[test]
        fn anything_can_be_typed(text in "\\PC{0,300}") {
            let typed = Analyzers::new().read(&text);
            prop_assert!(typed.words.len() <= MOST_WORDS);
            prop_assert!(typed.words.iter().all(|word| !word.plain.is_empty()));
        }

        #[test]
        fn dropping_a_letter_is_a_slip_both_ways(word in "[a-z]{2,12}", at in 0_usize..12) {
            let mut shorter: Vec<char> = word.chars().collect();
            shorter.remove(at % shorter.len());
            let word: Vec<char> = word.chars().collect();
            prop_assert!(is_one_slip(&shorter, &word) && is_one_slip(&word, &shorter));
        }
    }
}
