//! Words of a product text, brought to a common form: small letters, no accents, singular, no stop words.
//!
//! For comparing products with each other, mainly in English; words of other languages pass through whole. It is
//! no search analyser: it keeps no positions and corrects nothing.

/// Words that say nothing about a product.
const STOP_WORDS: [&str; 30] = [
    "a", "all", "an", "and", "are", "as", "at", "be", "by", "can", "for", "from", "has", "in", "into", "is", "it",
    "its", "of", "on", "or", "that", "the", "this", "to", "with", "you", "your", "de", "w",
];
/// Longer words are cut: no natural word is longer, and junk must not cost memory.
const LONGEST_WORD: usize = 32;

/// Calls `take` with each word of `text`, in order. Letters and digits that touch are two words: `500ml`.
pub(crate) fn for_each_word(text: &str, mut take: impl FnMut(&str)) {
    let mut word = String::with_capacity(LONGEST_WORD);
    let mut is_number = false;
    for character in text.chars() {
        if character.is_alphanumeric() {
            if is_number != character.is_numeric() {
                finish(&mut word, &mut take);
            }
            is_number = character.is_numeric();
            if word.len() < LONGEST_WORD {
                push_folded(&mut word, character);
            }
        } else if !is_joining(character) {
            finish(&mut word, &mut take);
        }
    }
    finish(&mut word, &mut take);
}

/// Apostrophes and combining accents do not end a word.
const fn is_joining(character: char) -> bool {
    matches!(character, '\'' | '\u{2019}' | '\u{300}'..='\u{36f}' | '\u{ad}' | '\u{200b}'..='\u{200d}')
}

fn finish(word: &mut String, take: &mut impl FnMut(&str)) {
    let is_lone_letter = word.len() == 1 && word.bytes().all(|byte| byte.is_ascii_alphabetic());
    if !word.is_empty() && !is_lone_letter && !STOP_WORDS.contains(&word.as_str()) {
        make_singular(word);
        take(word);
    }
    word.clear();
}

/// Harman's weak stemmer ("How effective is suffixing?", JASIS 1991): only plural endings of longer words.
fn make_singular(word: &mut String) {
    if word.len() <= 3 || !word.is_ascii() {
        return;
    }
    let ends_in = |endings: &[&str]| endings.iter().any(|ending| word.ends_with(ending));
    if ends_in(&["ies"]) && !ends_in(&["eies", "aies"]) {
        word.truncate(word.len() - 3);
        word.push('y');
    } else if ends_in(&["ches", "shes", "sses", "xes", "zes"]) {
        word.truncate(word.len() - 2);
    } else if ends_in(&["s"]) && !ends_in(&["us", "ss", "is"]) {
        word.truncate(word.len() - 1);
    }
}

/// Small letters, and the plain letter under a Latin accent.
fn push_folded(word: &mut String, character: char) {
    for small in character.to_lowercase() {
        match small {
            'à'..='å' | 'ā' | 'ă' | 'ą' => word.push('a'),
            'æ' => word.push_str("ae"),
            'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => word.push('c'),
            'ď' | 'đ' | 'ð' => word.push('d'),
            'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => word.push('e'),
            'ĝ' | 'ğ' | 'ġ' | 'ģ' => word.push('g'),
            'ĥ' | 'ħ' => word.push('h'),
            'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => word.push('i'),
            'ĵ' => word.push('j'),
            'ķ' => word.push('k'),
            'ĺ' | 'ļ' | 'ľ' | 'ł' => word.push('l'),
            'ñ' | 'ń' | 'ņ' | 'ň' => word.push('n'),
            'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' => word.push('o'),
            'œ' => word.push_str("oe"),
            'ŕ' | 'ŗ' | 'ř' => word.push('r'),
            'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => word.push('s'),
            'ß' => word.push_str("ss"),
            'ţ' | 'ť' | 'ŧ' | 'ț' => word.push('t'),
            'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => word.push('u'),
            'ŵ' => word.push('w'),
            'ý' | 'ÿ' | 'ŷ' => word.push('y'),
            'ź' | 'ż' | 'ž' => word.push('z'),
            // What lowercasing splits off, such as the dot of a Turkish capital I.
            '\u{300}'..='\u{36f}' => {}
            _ => word.push(small),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(text: &str) -> Vec<String> {
        let mut words = Vec::new();
        for_each_word(text, |word| words.push(word.to_owned()));
        words
    }

    #[test]
    fn brings_words_to_a_common_form() {
        assert_eq!(words("Crème BRÛLÉE Dishes, set of 6"), ["creme", "brulee", "dish", "set", "6"]);
        assert_eq!(words("CHILDREN'S party-glasses & Cherries"), ["children", "party", "glass", "cherry"]);
        assert_eq!(words("500ml T-LIGHT holders/85123A"), ["500", "ml", "light", "holder", "85123"]);
        assert_eq!(words("cre\u{300}me İstanbul Straße Łódź"), ["creme", "istanbul", "strasse", "lodz"]);
        assert_eq!(words("bus glass iris this"), ["bus", "glass", "iris"]);
        assert_eq!(words("Синяя кружка 青い"), ["синяя", "кружка", "青い"]);
    }

    proptest! {
        #[test]
        fn any_text_gives_short_words(text in "\\PC{0,200}") {
            for word in words(&text) {
                prop_assert!(!word.is_empty() && word.len() <= LONGEST_WORD + 8, "{}", word);
            }
        }

        #[test]
        fn words_are_stable(text in "[a-zA-Z ]{0,80}") {
            let lower: Vec<String> = words(&text.to_uppercase());
            prop_assert_eq!(words(&text), lower);
        }
    }
}
