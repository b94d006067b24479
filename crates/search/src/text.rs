//! Text taken apart into tokens, the same way for products and for what is typed.
//!
//! A token is a run of letters and digits in small letters, accents folded away: `Café` is `cafe`. What stands between
//! two tokens is remembered, since it tells where a phrase ends and which tokens are parts of one name. Nothing is
//! stemmed here; that depends on the language.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// A longer run of letters is no word; what is beyond is cut off.
const LONGEST_TOKEN: usize = 40;

/// What stands before a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gap {
    /// The beginning, or a sign that ends a phrase: a comma, a bracket, a dash between spaces.
    Break,
    Space,
    /// A slash: the token is another word for the one before, or its sibling.
    Slash,
    /// A hyphen, a dot or the like without spaces: both are parts of one name.
    Joined,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    /// In small letters, as it is written: what a stemmer wants.
    pub(crate) written: String,
    /// Without accents: how tokens are compared.
    pub(crate) plain: String,
    pub(crate) gap: Gap,
}

impl Token {
    pub(crate) fn has_digit(&self) -> bool {
        self.plain.bytes().any(|byte| byte.is_ascii_digit())
    }
}

/// Takes a text apart, at most `most` tokens of it.
pub(crate) fn tokens(text: &str, most: usize) -> Vec<Token> {
    let mut reader = Reader { tokens: Vec::new(), run: String::new(), between: String::new(), most };
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let next = characters.peek().copied();
        if character.is_alphanumeric() || is_combining_mark(character) {
            reader.run.push(character);
        } else if reader.goes_on(character, next) {
            reader.run.push(if character == ',' { '.' } else { character });
        } else if is_inch(character) && reader.run.ends_with(|last: char| last.is_ascii_digit()) {
            reader.run.push_str("in");
        } else if !is_silent(character) {
            reader.finish();
            reader.between.push(character);
        }
        if reader.tokens.len() >= most {
            return reader.tokens;
        }
    }
    reader.finish();
    reader.tokens
}

struct Reader {
    tokens: Vec<Token>,
    run: String,
    between: String,
    most: usize,
}

impl Reader {
    /// Whether a sign belongs to the run that it stands in: a decimal point, an apostrophe.
    fn goes_on(&self, character: char, next: Option<char>) -> bool {
        let last = self.run.chars().next_back();
        match character {
            '.' | ',' => {
                let is_decimal = self.run.chars().all(|read| read.is_ascii_digit()) && !self.run.is_empty();
                is_decimal && next.is_some_and(|next| next.is_ascii_digit())
            }
            '\'' | '\u{2019}' => last.is_some_and(char::is_alphabetic) && next.is_some_and(char::is_alphabetic),
            _ => false,
        }
    }

    fn finish(&mut self) {
        if self.run.is_empty() {
            return;
        }
        let run = std::mem::take(&mut self.run);
        let gap = if self.tokens.is_empty() { Gap::Break } else { gap(&self.between) };
        self.between.clear();
        // `women's` is `women`; `l'eau` is two words.
        match run.split_once(['\'', '\u{2019}']) {
            None => self.push(&run, gap),
            Some((word, "s" | "S")) => self.push(word, gap),
            Some((article, word)) => {
                self.push(article, gap);
                self.push(&word.replace(['\'', '\u{2019}'], ""), Gap::Space);
            }
        }
    }

    fn push(&mut self, run: &str, gap: Gap) {
        let written: String = run.chars().take(LONGEST_TOKEN).flat_map(char::to_lowercase).collect();
        let plain = fold(&written);
        if !plain.is_empty() && self.tokens.len() < self.most {
            self.tokens.push(Token { written, plain, gap });
        }
    }
}

/// What stands for inches behind a number.
const fn is_inch(character: char) -> bool {
    matches!(character, '"' | '\u{2033}' | '\u{201d}')
}

/// Signs of trade marks and invisible ones neither end a word nor stand between two.
const fn is_silent(character: char) -> bool {
    matches!(character, '™' | '®' | '©' | '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{feff}')
}

fn gap(between: &str) -> Gap {
    let has_space = between.contains(char::is_whitespace);
    let signs = between.trim();
    match signs {
        "" | "&" | "+" => Gap::Space,
        "/" => Gap::Slash,
        "-" | "." | "_" | "\u{2010}" | "\u{2011}" if !has_space => Gap::Joined,
        _ => Gap::Break,
    }
}

/// Small letters without accents, so that `Schlüssel` and `schlussel` are one.
pub(crate) fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mut folded = String::with_capacity(text.len());
    for character in text.nfkd().filter(|character| !is_combining_mark(*character)).flat_map(char::to_lowercase) {
        match character {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'ø' => folded.push('o'),
            'ł' => folded.push('l'),
            'đ' | 'ð' => folded.push('d'),
            'þ' => folded.push_str("th"),
            'ı' => folded.push('i'),
            _ => folded.push(character),
        }
    }
    folded
}

/// Between the values of a list.
pub(crate) const BETWEEN_LISTED: [char; 3] = [',', ';', '|'];

/// Letters and digits alone, in small letters: how codes are compared.
pub(crate) fn code(text: &str) -> String {
    fold(text).chars().filter(|character| character.is_alphanumeric()).collect()
}

/// All ways to part a word in two.
pub(crate) fn partings(word: &str) -> impl Iterator<Item = (&str, &str)> {
    word.char_indices().filter_map(|(place, _)| word.split_at_checked(place))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plain(text: &str) -> Vec<String> {
        tokens(text, 100).into_iter().map(|token| token.plain).collect()
    }

    #[test]
    fn words_are_told_apart_and_folded() {
        assert_eq!(plain("Café-Tisch, 0,5 l (weiß)"), ["cafe", "tisch", "0.5", "l", "weiss"]);
        assert_eq!(plain("Women's l’eau Pavilion® dv7"), ["women", "l", "eau", "pavilion", "dv7"]);
        assert_eq!(plain("10,000 3.5\" 1,2,3 end."), ["10.000", "3.5in", "1.2", "3", "end"]);
        assert_eq!(plain("ＦＵＬＬ łódź smørrebrød"), ["full", "lodz", "smorrebrod"]);
    }

    #[test]
    fn gaps_tell_phrases_and_names_apart() {
        let gaps = |text: &str| tokens(text, 100).into_iter().map(|token| token.gap).collect::<Vec<_>>();
        assert_eq!(
            gaps("dv7-1211ea red, blue/green - end"),
            [Gap::Break, Gap::Joined, Gap::Space, Gap::Break, Gap::Slash, Gap::Break]
        );
    }

    #[test]
    fn codes_are_letters_and_digits() {
        assert_eq!(code("TN-2110 / b"), "tn2110b");
    }

    proptest! {
        #[test]
        fn any_text_is_taken_apart(text in "\\PC{0,300}", most in 0_usize..20) {
            let tokens = tokens(&text, most);
            prop_assert!(tokens.len() <= most);
            prop_assert!(tokens.iter().all(|token| !token.plain.is_empty() && token.plain == fold(&token.plain)));
        }
    }
}
