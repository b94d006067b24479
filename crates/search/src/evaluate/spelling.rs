//! How often a mistyped query is understood as it was meant, and a right one is left alone.
//!
//! Two texts are the same when their letters and digits are: case, accents, signs and where words end do not count, since
//! none of them changes what is found. *By words* is stricter: words must end at the same places. *By stems* is more
//! lenient: `shelf` and `shelves` are two words, `shelf` and `shelfs` are one.

use crate::Language;
use crate::text::{Token, code, tokens};

/// Words of a query that are compared.
const MOST_WORDS: usize = 50;

/// Whether one text is the other, in three ways of looking at it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sameness {
    pub letters: bool,
    pub words: bool,
    pub stems: bool,
}

impl Sameness {
    pub fn of(one: &str, other: &str, language: Language) -> Self {
        let plain = |text: &str| tokens(text, MOST_WORDS).into_iter().map(|token| token.plain).collect::<Vec<_>>();
        let stems = |text: &str| {
            let stem = |token: Token| language.words().stem(&token.written);
            tokens(text, MOST_WORDS).into_iter().map(stem).collect::<String>()
        };
        let words = plain(one) == plain(other);
        // An inch may be a sign or letters, and `women's` is `women`.
        let letters = code(one) == code(other) || plain(one).concat() == plain(other).concat();
        Self { letters, words, stems: letters || stems(one) == stems(other) }
    }
}

/// Whether a query is in the half that nothing may be tuned on: by the last bit of its CRC-32 (ISO 3309), so that the
/// split is the same in any language and for any order of the file.
pub fn is_held(query: &str) -> bool {
    let step = |sum: u32| (0..8).fold(sum, |sum, _| (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg()));
    let sum = query.bytes().fold(u32::MAX, |sum, byte| step(sum ^ u32::from(byte)));
    !sum & 1 == 1
}

/// Two or three neighbouring words of a title, as somebody may search for who knows it: what needs no correction. None of a
/// title that is too short.
pub fn words_of_title(title: &str, seed: u64) -> Option<String> {
    let words: Vec<&str> = title.split_whitespace().collect();
    let mut random = super::Random(seed);
    let length = 2 + random.below(2);
    let start = random.below(words.len().checked_sub(length)? + 1);
    Some(words[start..start + length].join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(one: &str, other: &str) -> [bool; 3] {
        let Sameness { letters, words, stems } = Sameness::of(one, other, Language::English);
        [letters, words, stems]
    }

    #[test]
    fn texts_are_the_same_in_three_ways() {
        assert_eq!(same("Air-Conditioner, 5\"", "air conditioner 5in"), [true, true, true]);
        assert_eq!(same("airconditioner", "air conditioner"), [true, false, true]);
        assert_eq!(same("rain barrels", "rain barrel"), [false, false, true]);
        assert_eq!(same("rain barrels", "rain barrows"), [false, false, false]);
    }

    #[test]
    fn titles_have_queries() {
        assert_eq!(words_of_title("lantern", 1), None);
        for seed in 0..100 {
            let query = words_of_title("white hanging heart lantern", seed).unwrap();
            assert!("white hanging heart lantern".contains(&query) && query.contains(' '), "{query}");
        }
    }

    #[test]
    fn half_of_the_queries_are_held_out() {
        // The check value of CRC-32: 0xcbf43926.
        assert!(!is_held("123456789"));
        let held = (0..1_000).filter(|number| is_held(&format!("query {number}"))).count();
        assert!((450..550).contains(&held), "{held}");
    }
}
