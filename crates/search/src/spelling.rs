//! What somebody may have meant by a word that no product has.
//!
//! The noisy channel (Kernighan, Church and Gale, COLING 1990): a word is likely when many products have it and the slip
//! that leads from it to what was typed is a likely one. Slips cost less between keys that touch, between vowels, and
//! when two letters change places or one is doubled. The vocabulary is walked in order of the alphabet, so that words
//! share the work of their common beginning and branches that are too far off are left at once (Oflazer,
//! Computational Linguistics 1996); the distance is Damerau's (CACM 1964) with each stretch edited once.

use std::sync::{Arc, LazyLock};

use crate::vocabulary::Vocabulary;

/// Words of so many letters get a second slip forgiven.
const LONG_WORD: usize = 8;
/// Shorter words are left as they are: too much is near them.
const SHORTEST_CORRECTED: usize = 3;
/// Words of a branch that is too far off which are passed one by one.
const WORDS_PASSED: usize = 8;
/// How much rarer, as a natural logarithm, a slip of cost 1 makes a word.
const SLIP_WEIGHT: f64 = 4.0;
/// A beginning is seldom wrong.
const FIRST_LETTER: f32 = 0.4;
const DOUBLED: f32 = 0.5;
const SWAPPED: f32 = 0.6;
const NEAR_KEY: f32 = 0.7;
const VOWEL: f32 = 0.7;
const OTHER: f32 = 1.0;
/// Rows of keys on a German, an English and a French keyboard; what lies beside and below touches.
const KEYBOARDS: [[&str; 3]; 3] = [
    ["qwertyuiop", "asdfghjkl", "zxcvbnm"],
    ["qwertzuiop", "asdfghjkl", "yxcvbnm"],
    ["azertyuiop", "qsdfghjklm", "wxcvbn"],
];

/// A word that may have been meant.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Correction {
    pub(crate) word: Arc<str>,
    pub(crate) products: u32,
    /// The cost of the slips.
    pub(crate) cost: f32,
    /// Higher is likelier: a logarithm.
    pub(crate) score: f64,
}

/// The likeliest words, best first. What was typed itself is not among them.
pub(crate) fn corrections(vocabulary: &Vocabulary, typed: &str, most: usize) -> Vec<Correction> {
    let typed: Vec<char> = typed.chars().collect();
    if typed.len() < SHORTEST_CORRECTED {
        return Vec::new();
    }
    let mut found = Walk::new(&typed).run(vocabulary);
    found.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.word.cmp(&b.word)));
    found.truncate(most);
    found
}

/// The likeliest words of which a mistyped beginning was typed, best first.
pub(crate) fn mended_beginnings(vocabulary: &Vocabulary, typed: &str, most: usize) -> Vec<Correction> {
    let typed: Vec<char> = typed.chars().collect();
    if typed.len() <= SHORTEST_CORRECTED {
        return Vec::new();
    }
    let mut walk = Walk::new(&typed);
    (walk.is_beginning, walk.most_cost) = (true, walk.most_cost.min(OTHER));
    let mut found = walk.run(vocabulary);
    found.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.word.cmp(&b.word)));
    found.truncate(most);
    found
}

/// How likely a word is that was typed right.
pub(crate) fn score_as_typed(products: u32) -> f64 {
    f64::from(products + 1).ln()
}

/// What is forgiven a word of so many letters.
const fn most_cost(letters: usize) -> f32 {
    match letters {
        0..=3 => 0.7,
        4..LONG_WORD => 1.4,
        _ => 2.0,
    }
}

struct Walk<'a> {
    typed: &'a [char],
    most_cost: f32,
    /// What was typed may be only the beginning of the word.
    is_beginning: bool,
    /// The letters of the word at hand, and for each a row of distances, with the least in it; one row more than letters.
    word: Vec<char>,
    rows: Vec<(Vec<f32>, f32)>,
    /// Rows that were given up, for the next ones.
    spare: Vec<Vec<f32>>,
}

impl<'a> Walk<'a> {
    fn new(typed: &'a [char]) -> Self {
        let mut first = vec![0.0; typed.len() + 1];
        for place in 1..=typed.len() {
            first[place] = first[place - 1] + surplus(typed, place - 1);
        }
        Self {
            typed,
            most_cost: most_cost(typed.len()),
            is_beginning: false,
            word: Vec::new(),
            rows: vec![(first, 0.0)],
            spare: Vec::new(),
        }
    }

    fn run(mut self, vocabulary: &Vocabulary) -> Vec<Correction> {
        let mut found = Vec::new();
        let mut start = Some(String::new());
        while let Some(from) = start.take() {
            let mut hopeless = None;
            let mut passed = 0;
            for (word, known) in vocabulary.from(&from) {
                if hopeless.is_some_and(|letters| self.begins_alike(word, letters)) {
                    passed += 1;
                    // A branch with many words is left by a jump.
                    if passed > WORDS_PASSED {
                        start = hopeless.and_then(|letters| after(&self.word[..letters]));
                        break;
                    }
                    continue;
                }
                passed = 0;
                hopeless = self.enter(word);
                let cost = self.cost();
                if hopeless.is_none() && cost > 0.0 && cost <= self.most_cost {
                    let score = score_as_typed(known.products) - SLIP_WEIGHT * f64::from(cost);
                    found.push(Correction { word: Arc::clone(word), products: known.products, cost, score });
                }
            }
        }
        found
    }

    /// The distance from the word at hand, or from the nearest beginning of it.
    fn cost(&self) -> f32 {
        let whole = |(row, _): &(Vec<f32>, f32)| row.last().copied().unwrap_or(f32::MAX);
        if self.is_beginning {
            self.rows[1..].iter().map(whole).fold(f32::MAX, f32::min)
        } else {
            self.rows.last().map_or(f32::MAX, whole)
        }
    }

    /// Whether a word shares the first letters of the one at hand.
    fn begins_alike(&self, word: &str, letters: usize) -> bool {
        let mut characters = word.chars();
        self.word[..letters].iter().all(|letter| characters.next() == Some(*letter))
    }

    /// Makes `word` the one at hand. Of a beginning that cannot become near enough, the number of its letters.
    fn enter(&mut self, word: &str) -> Option<usize> {
        let shared = self.word.iter().zip(word.chars()).take_while(|(a, b)| **a == *b).count();
        self.word.truncate(shared);
        self.spare.extend(self.rows.drain(shared + 1..).map(|(row, _)| row));
        for letter in word.chars().skip(shared) {
            self.word.push(letter);
            self.push_row();
            let depth = self.word.len();
            // Two letters that change places look back one row more.
            let is_near = self.is_beginning && self.cost() <= self.most_cost;
            if !is_near && self.rows[depth].1.min(self.rows[depth - 1].1) > self.most_cost {
                return Some(depth);
            }
        }
        None
    }

    fn push_row(&mut self) {
        let depth = self.word.len();
        let letter = self.word[depth - 1];
        let before = depth.checked_sub(2).map(|place| self.word[place]);
        let mut row = self.spare.pop().unwrap_or_default();
        row.clear();
        let above = &self.rows[depth - 1].0;
        let first = if depth == 1 { FIRST_LETTER } else { 0.0 };
        row.push(above[0] + first + if before == Some(letter) { DOUBLED } else { OTHER });
        for place in 1..=self.typed.len() {
            let typed = self.typed[place - 1];
            let at_first = if place == 1 && depth == 1 { FIRST_LETTER } else { 0.0 };
            let left_out = above[place] + if before == Some(letter) { DOUBLED } else { OTHER };
            let too_many = row[place - 1] + surplus(self.typed, place - 1);
            let mut best = left_out.min(too_many);
            best = best.min(above[place - 1] + if typed == letter { 0.0 } else { at_first + replaced(typed, letter) });
            if place > 1 && before == Some(typed) && self.typed[place - 2] == letter {
                best = best.min(self.rows[depth - 2].0[place - 2] + SWAPPED);
            }
            row.push(best);
        }
        let least = row.iter().copied().fold(f32::MAX, f32::min);
        self.rows.push((row, least));
    }
}

/// The cost of a letter that was typed and should not have been.
fn surplus(typed: &[char], place: usize) -> f32 {
    if place > 0 && typed[place - 1] == typed[place] {
        DOUBLED
    } else if place == 0 {
        OTHER + FIRST_LETTER
    } else {
        OTHER
    }
}

fn replaced(typed: char, meant: char) -> f32 {
    let is_vowel = |letter: char| matches!(letter, 'a' | 'e' | 'i' | 'o' | 'u' | 'y');
    if is_vowel(typed) && is_vowel(meant) {
        VOWEL
    } else if are_near(typed, meant) {
        NEAR_KEY
    } else {
        OTHER
    }
}

/// Whether two letters lie side by side on any of the keyboards.
fn are_near(one: char, other: char) -> bool {
    let letter = |letter: char| letter.is_ascii_lowercase().then(|| letter as usize - 'a' as usize);
    letter(one).zip(letter(other)).is_some_and(|(one, other)| NEAR[one] & (1 << other) != 0)
}

/// For each letter, a bit for each letter beside it.
static NEAR: LazyLock<[u32; 26]> = LazyLock::new(|| {
    let keys = |letter: u8| KEYBOARDS.iter().filter_map(move |rows| Some((rows, place(rows, char::from(letter))?)));
    let mut near = [0; 26];
    for (number, one) in (b'a'..=b'z').enumerate() {
        for (rows, here) in keys(one) {
            let touching = |other: &u8| place(rows, char::from(*other)).is_some_and(|there| touch(here, there));
            (b'a'..=b'z').filter(touching).for_each(|other| near[number] |= 1 << (other - b'a'));
        }
    }
    near
});

/// The row and the column of a key.
fn place(rows: &[&str; 3], letter: char) -> Option<(usize, usize)> {
    rows.iter().enumerate().find_map(|(row, keys)| Some((row, keys.find(letter)?)))
}

fn touch((row, column): (usize, usize), (other_row, other_column): (usize, usize)) -> bool {
    match row.abs_diff(other_row) {
        0 => column.abs_diff(other_column) == 1,
        // Rows are set off to the right: a key touches the one below and the one to the left of that.
        1 => {
            let (upper, lower) = if row < other_row { (column, other_column) } else { (other_column, column) };
            upper == lower || upper == lower + 1
        }
        _ => false,
    }
}

/// The first text that sorts behind every text that begins so.
fn after(beginning: &[char]) -> Option<String> {
    let (last, rest) = beginning.split_last()?;
    let next = char::from_u32(u32::from(*last) + 1).or_else(|| (*last < '\u{e000}').then_some('\u{e000}'));
    match next {
        Some(next) => Some(rest.iter().copied().chain([next]).collect()),
        None => after(rest),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn vocabulary(words: &[(&str, u32)]) -> Vocabulary {
        let mut vocabulary = Vocabulary::default();
        for (word, products) in words {
            (0..*products).for_each(|_| vocabulary.insert(word, word, false));
        }
        vocabulary
    }

    fn best(vocabulary: &Vocabulary, typed: &str) -> Option<String> {
        corrections(vocabulary, typed, 1).first().map(|found| found.word.to_string())
    }

    #[test]
    fn slips_lead_back_to_the_word() {
        let words = vocabulary(&[("lantern", 20), ("lamp", 90), ("lan", 3), ("toilet", 30), ("toiled", 1), ("dv7", 9)]);
        for typed in ["lanten", "lanntern", "lamtern", "lantren", "antern", "lanternn", "lxntern"] {
            assert_eq!(best(&words, typed).as_deref(), Some("lantern"), "{typed}");
        }
        assert_eq!(best(&words, "toliet").as_deref(), Some("toilet"));
        for typed in ["zzzzzz", "dv6", "la", "nretnal", ""] {
            assert_eq!(best(&words, typed), None, "{typed}");
        }
    }

    #[test]
    fn the_likelier_slip_and_the_more_frequent_word_win() {
        // `o` lies beside `i`, `x` does not.
        assert_eq!(best(&vocabulary(&[("pin", 5), ("pxn", 5), ("pen", 5)]), "pon").as_deref(), Some("pen"));
        assert_eq!(best(&vocabulary(&[("water", 50), ("wafer", 2)]), "waxer").as_deref(), Some("water"));
    }

    /// The same distance from a full table, as a second opinion.
    fn distance(word: &[char], typed: &[char]) -> f32 {
        let mut walk = Walk::new(typed);
        walk.most_cost = f32::MAX;
        let text: String = word.iter().collect();
        walk.enter(&text);
        walk.rows.last().and_then(|(row, _)| row.last()).copied().unwrap_or(f32::MAX)
    }

    proptest! {
        #[test]
        fn the_walk_finds_what_a_look_at_each_word_finds(
            words in prop::collection::btree_set("[abc]{3,9}", 1..40),
            typed in "[abc]{3,9}",
        ) {
            let known: Vec<(&str, u32)> = words.iter().map(|word| (word.as_str(), 1)).collect();
            let typed_letters: Vec<char> = typed.chars().collect();
            let mut found: Vec<String> =
                corrections(&vocabulary(&known), &typed, 100).into_iter().map(|found| found.word.to_string()).collect();
            found.sort();
            let near = |word: &&String| {
                let cost = distance(&word.chars().collect::<Vec<_>>(), &typed_letters);
                cost > 0.0 && cost <= most_cost(typed_letters.len())
            };
            let expected: Vec<String> = words.iter().filter(near).cloned().collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn any_text_may_be_corrected(words in prop::collection::vec("\\PC{1,8}", 0..10), typed in "\\PC{0,12}") {
            let known: Vec<(&str, u32)> = words.iter().map(|word| (word.as_str(), 1)).collect();
            corrections(&vocabulary(&known), &typed, 5);
        }
    }
}
