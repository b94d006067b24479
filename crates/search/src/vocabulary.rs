//! The words of the catalog as they are written, in order of the alphabet: what a beginning may become, what a slip may
//! have meant, which words a compound holds.
//!
//! A word is there as long as a product has it. How many have it is exact.

use std::ops::Bound;
use std::sync::{Arc, OnceLock};

use imbl::{OrdMap, OrdSet};
use mercer_persistent::Few;

use crate::index::Term;

/// Beginnings may become this many words that are looked at.
const MOST_WORDS_READ: usize = 2_000;
/// Shorter words are not looked for as parts of others.
const SHORTEST_PART: usize = 4;
/// The table of all words is laid out anew once so many came or went, and a share of one in so many.
const LEAST_CHANGED: usize = 256;
const CHANGED: usize = 16;

/// A word, and what it is found as.
#[derive(Debug, Clone, Default)]
pub(crate) struct Word {
    /// Products that have it outside of their description.
    pub(crate) products: u32,
    /// Of them, those in a language that writes words together.
    compounding: u32,
    /// Its stems, each with the products in which it has that stem: more than one where languages differ.
    pub(crate) stems: Few<(Term, u32)>,
}

impl Word {
    /// Counts a product in which it has this stem in, or with -1 out.
    fn count(&mut self, stem: Term, has_compounds: bool, by: i32) {
        self.products = self.products.saturating_add_signed(by);
        if has_compounds {
            self.compounding = self.compounding.saturating_add_signed(by);
        }
        let place = self.stems.iter().position(|(known, _)| *known == stem).unwrap_or(self.stems.len());
        let before = self.stems.get(place).map_or(0, |(_, products)| *products);
        self.stems.remove(place);
        let products = before.saturating_add_signed(by);
        if products > 0 {
            self.stems.insert(place, (stem, products));
        }
    }
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Vocabulary {
    /// Of letters alone.
    words: OrdMap<Arc<str>, Word>,
    /// With digits: what nobody misspells.
    codes: OrdMap<Arc<str>, Word>,
    /// Words read from their end, of products in languages that write words together.
    backwards: OrdMap<String, Arc<str>>,
    sorted: Tables,
}

/// The words of letters alone, for who reads every one of them: a table of most, which is laid out anew only once many
/// words came or went since, and one of those that came. Words that went stay until then.
#[derive(Debug, Clone, Default)]
struct Tables {
    /// Made when it is first needed, and shared by all copies.
    most: Arc<OnceLock<Sorted>>,
    newer: OrdSet<Arc<str>>,
    of_newer: Arc<OnceLock<Sorted>>,
    gone: usize,
}

impl Tables {
    /// A word came that was not there.
    fn add(&mut self, word: &Arc<str>) {
        let Some(most) = self.most.get() else {
            // A copy that lacks the word may lay the table out.
            self.most = Arc::default();
            return;
        };
        if most.has(word) {
            self.gone = self.gone.saturating_sub(1);
            return;
        }
        self.newer.insert(Arc::clone(word));
        self.of_newer = Arc::default();
        self.lay_out_anew_if_old();
    }

    /// The last product that had a word went.
    fn remove(&mut self, word: &str) {
        if self.most.get().is_none() {
            return;
        }
        if self.newer.remove(word).is_some() {
            self.of_newer = Arc::default();
        } else {
            self.gone += 1;
            self.lay_out_anew_if_old();
        }
    }

    fn lay_out_anew_if_old(&mut self) {
        let most = self.most.get().map_or(0, Sorted::len);
        if self.newer.len().max(self.gone) > LEAST_CHANGED.max(most / CHANGED) {
            *self = Self::default();
        }
    }
}

/// All words of letters alone in order of the alphabet, laid out to be read from end to end.
#[derive(Debug, Default)]
pub(crate) struct Sorted {
    words: Vec<Arc<str>>,
    letters: Vec<char>,
    /// Where the letters of each word end.
    ends: Vec<u32>,
    /// How many letters each word shares with the one before.
    shared: Vec<u16>,
}

impl<'a> FromIterator<&'a Arc<str>> for Sorted {
    /// Of words in order.
    fn from_iter<Words: IntoIterator<Item = &'a Arc<str>>>(words: Words) -> Self {
        let mut sorted = Self::default();
        words.into_iter().for_each(|word| sorted.push(word));
        sorted
    }
}

impl Sorted {
    fn has(&self, word: &Arc<str>) -> bool {
        self.words.binary_search(word).is_ok()
    }

    fn push(&mut self, word: &Arc<str>) {
        let start = self.letters.len();
        self.letters.extend(word.chars());
        let before = self.letters(self.words.len().wrapping_sub(1));
        let shared = before.iter().zip(&self.letters[start..]).take_while(|(one, other)| one == other).count();
        self.shared.push(shared as u16);
        self.ends.push(self.letters.len() as u32);
        self.words.push(Arc::clone(word));
    }

    pub(crate) const fn len(&self) -> usize {
        self.words.len()
    }

    pub(crate) fn word(&self, place: usize) -> &Arc<str> {
        &self.words[place]
    }

    pub(crate) fn letters(&self, place: usize) -> &[char] {
        let Some(end) = self.ends.get(place) else { return &[] };
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.letters[start as usize..*end as usize]
    }

    /// How many letters a word shares with the one before it.
    pub(crate) fn shared(&self, place: usize) -> usize {
        usize::from(self.shared[place])
    }

    /// The next word that shares fewer letters with those before it.
    pub(crate) fn behind(&self, place: usize, letters: usize) -> usize {
        let rest = self.shared.get(place + 1..).unwrap_or(&[]);
        place + 1 + rest.iter().position(|shared| usize::from(*shared) < letters).unwrap_or(rest.len())
    }
}

impl Vocabulary {
    /// One more product has a word, with this stem and its text.
    pub(crate) fn insert(&mut self, word: &str, (stem, text): (Term, &Arc<str>), has_compounds: bool) {
        if self.get(word).is_none() {
            // Most words are their own stem.
            let word = if *word == **text { Arc::clone(text) } else { Arc::from(word) };
            if !has_digit(&word) {
                self.sorted.add(&word);
            }
            self.kind_of(&word).insert(word, Word::default());
        }
        if has_compounds && word.len() >= 2 * SHORTEST_PART {
            self.backwards.entry(reversed(word)).or_insert_with(|| Arc::from(word));
        }
        if let Some(known) = self.kind_of(word).get_mut(word) {
            known.count(stem, has_compounds, 1);
        }
    }

    pub(crate) fn remove(&mut self, word: &str, stem: Term, has_compounds: bool) {
        let words = self.kind_of(word);
        let Some(known) = words.get_mut(word) else { return };
        known.count(stem, has_compounds, -1);
        let (is_gone, is_in_compounds) = (known.products == 0, known.compounding > 0);
        if is_gone {
            words.remove(word);
            if !has_digit(word) {
                self.sorted.remove(word);
            }
        }
        if !is_in_compounds {
            self.backwards.remove(&reversed(word));
        }
    }

    pub(crate) fn get(&self, word: &str) -> Option<&Word> {
        if has_digit(word) { &self.codes } else { &self.words }.get(word)
    }

    pub(crate) fn products(&self, word: &str) -> u32 {
        self.get(word).map_or(0, |word| word.products)
    }

    /// Tables that together have all words of letters alone, and some that no product has any more.
    pub(crate) fn tables(&self) -> [&Sorted; 2] {
        let Tables { newer, of_newer, .. } = &self.sorted;
        [self.largest_table(), of_newer.get_or_init(|| newer.iter().collect())]
    }

    /// The one that takes long to lay out.
    pub(crate) fn largest_table(&self) -> &Sorted {
        self.sorted.most.get_or_init(|| self.words.keys().collect())
    }

    /// Words that begin so, those in most products first.
    pub(crate) fn beginning_with(&self, beginning: &str, most: usize) -> Vec<(&Arc<str>, &Word)> {
        let from = (Bound::Included(beginning), Bound::Unbounded);
        let begins = |(word, _): &(&Arc<str>, &Word)| word.starts_with(beginning);
        let both = [&self.words, &self.codes].into_iter();
        let mut found: Vec<_> =
            both.flat_map(|words| words.range::<_, str>(from).take_while(begins).take(MOST_WORDS_READ)).collect();
        found.sort_by_key(|(_, word)| std::cmp::Reverse(word.products));
        found.truncate(most);
        found
    }

    fn kind_of(&mut self, word: &str) -> &mut OrdMap<Arc<str>, Word> {
        if has_digit(word) { &mut self.codes } else { &mut self.words }
    }

    /// Longer words that end so: *Laptoptasche* for `tasche`.
    pub(crate) fn compounds_of(&self, ending: &str, most: usize) -> Vec<&Arc<str>> {
        if self.backwards.is_empty() || ending.len() < SHORTEST_PART {
            return Vec::new();
        }
        let ending = reversed(ending);
        let range = self.backwards.range((Bound::Excluded(ending.clone()), Bound::Unbounded));
        range.take_while(|(backwards, _)| backwards.starts_with(&ending)).take(most).map(|(_, word)| word).collect()
    }
}

fn has_digit(word: &str) -> bool {
    word.bytes().any(|byte| byte.is_ascii_digit())
}

fn reversed(word: &str) -> String {
    word.chars().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn insert(words: &mut Vocabulary, word: &str, (stem, text): (u32, &str), has_compounds: bool) {
        words.insert(word, (Term(stem), &Arc::from(text)), has_compounds);
    }

    /// Words of the tables that products have, in order.
    fn in_tables(words: &Vocabulary) -> Vec<&str> {
        let all = words.tables().into_iter().flat_map(|table| &table.words).map(|word| &**word);
        let mut found: Vec<&str> = all.filter(|word| words.get(word).is_some()).collect();
        found.sort_unstable();
        found
    }

    #[test]
    fn words_come_and_go_with_their_products() {
        let mut words = Vocabulary::default();
        insert(&mut words, "lampen", (0, "lamp"), true);
        insert(&mut words, "lampen", (1, "lampen"), true);
        insert(&mut words, "laptoptasche", (2, "laptoptasch"), true);
        assert_eq!(words.products("lampen"), 2);
        let beginning = |words: &Vocabulary| {
            words.beginning_with("la", 9).iter().map(|(word, _)| word.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(beginning(&words), ["lampen", "laptoptasche"]);
        assert_eq!(words.compounds_of("tasche", 9).len(), 1);
        words.remove("lampen", Term(0), true);
        assert_eq!(words.get("lampen").map(|word| word.stems.len()), Some(1));
        assert_eq!(in_tables(&words).len(), 2);
        words.remove("lampen", Term(1), true);
        assert_eq!(in_tables(&words).len(), 1, "never older than the words");
        words.remove("laptoptasche", Term(2), true);
        assert_eq!((words.beginning_with("", 9).len(), words.compounds_of("tasche", 9).len()), (0, 0));
    }

    #[test]
    fn a_word_ends_compounds_as_long_as_a_product_writes_words_together() {
        let mut words = Vocabulary::default();
        for has_compounds in [true, false] {
            insert(&mut words, "laptoptasche", (0, "laptoptasch"), has_compounds);
        }
        words.remove("laptoptasche", Term(0), true);
        assert_eq!((words.products("laptoptasche"), words.compounds_of("tasche", 9).len()), (1, 0));
    }

    #[test]
    fn a_copy_that_lays_out_its_table_does_not_hide_words_that_came_since() {
        let mut words = Vocabulary::default();
        insert(&mut words, "lamp", (0, "lamp"), false);
        let copy = words.clone();
        insert(&mut words, "chair", (1, "chair"), false);
        assert_eq!(in_tables(&copy), ["lamp"]);
        assert_eq!(in_tables(&words), ["chair", "lamp"]);
    }

    #[test]
    fn tables_have_all_words_however_they_came() {
        let word = |number: u32| -> String {
            number.to_string().chars().map(|digit| char::from(b'a' + digit as u8 - b'0')).collect()
        };
        let mut words = Vocabulary::default();
        let mut known = std::collections::BTreeSet::new();
        for step in 0..6 * LEAST_CHANGED as u32 {
            let (came, gone) = (word(step * 7_919 % 4_000), word(step * 31 % 4_000));
            insert(&mut words, &came, (0, &came), false);
            known.insert(came);
            if step % 2 == 0 && known.remove(&gone) {
                while words.get(&gone).is_some() {
                    words.remove(&gone, Term(0), false);
                }
            }
            if step % 50 == 0 {
                assert!(in_tables(&words).into_iter().eq(known.iter().map(String::as_str)), "step {step}");
            }
        }
    }
}
