//! What people search for, folded from their searches: what is typed is carried on from it.
//!
//! A text belongs to whoever typed it until several different people have: only then is it told to others. Texts that look
//! like an address or a number of somebody's are never kept. What is searched now counts more than what was searched
//! then: weights halve with time, as forward decay (Cormode et al., ICDE 2009).

use std::cmp::Reverse;
use std::ops::Bound;
use std::sync::Arc;

use imbl::shared_ptr::DefaultSharedPtr;
use imbl::{GenericHashMap, OrdMap, OrdSet};
use mercer_schema::Timestamp;
use rustc_hash::{FxBuildHasher, FxHashSet};
use serde::{Deserialize, Serialize};

use crate::text::tokens;
use crate::{Language, SearchIndex};

type Map<K, V> = GenericHashMap<K, V, FxBuildHasher, DefaultSharedPtr>;

/// Different people who must have typed a text before others are told of it.
pub const LEAST_PEOPLE: usize = 3;
const HALF_LIFE_DAYS: f64 = 180.0;
/// Longer texts are no queries.
const LONGEST_TEXT: usize = 80;
const MOST_WORDS: usize = 8;
/// Digits in a row that may be a telephone number, a card or an account.
const LONGEST_NUMBER: usize = 7;
/// Texts of one person that are remembered, newest first.
const MOST_OWN: usize = 100;
/// Texts with a word that are looked at, and the most wanted of all that are beside them.
const MOST_WITH_WORD: usize = 400;
const MOST_WANTED: usize = 4_000;

/// A person, by a number that says nothing of who it is.
pub(crate) type Person = u64;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Asked {
    /// Until there are enough of them.
    people: Vec<Person>,
    /// The binary logarithm of the decayed weight.
    level: f64,
}

/// A query that goes on from what was typed.
#[derive(Debug, Clone, PartialEq)]
pub struct Completion {
    pub text: Arc<str>,
    /// The binary logarithm of how much it is searched for; compares among completions only.
    pub level: f64,
    /// This person typed it before.
    pub is_own: bool,
}

/// All queries, by their words.
#[derive(Debug, Clone, Default)]
pub struct Queries {
    asked: OrdMap<Arc<str>, Asked>,
    /// Of what many typed: texts by each of their words, and by how much they are wanted.
    by_word: OrdMap<(Arc<str>, Arc<str>), ()>,
    by_level: OrdSet<(Reverse<u64>, Arc<str>)>,
    own: Map<Person, Vec<Arc<str>>>,
    changed: OrdSet<Vec<u8>>,
}

impl Queries {
    /// Counts a search.
    pub fn observe(&mut self, text: &str, person: u64, at: Timestamp) {
        let Some(text) = common_form(text) else { return };
        let text: Arc<str> = text.into();
        // The same text again and again is one wish; both the shop and its tracker may tell of it.
        if self.own(person).first() == Some(&text) {
            return;
        }
        let before = self.asked.get(&text).cloned().unwrap_or_default();
        let mut now = before.clone();
        let gain = at.0 as f64 / (HALF_LIFE_DAYS * Timestamp::DAY as f64);
        now.level = if before.people.is_empty() { gain } else { log_sum(before.level, gain) };
        if now.people.len() < LEAST_PEOPLE && !now.people.contains(&person) {
            now.people.push(person);
        }
        self.put(Arc::clone(&text), now);
        let own = self.own.entry(person).or_default();
        own.retain(|known| *known != text);
        own.insert(0, text);
        own.truncate(MOST_OWN);
        self.changed.insert(person_key(person));
    }

    /// Forgets what a person typed. Texts that enough others typed as well stay.
    pub fn forget(&mut self, person: u64) {
        for text in self.own.remove(&person).unwrap_or_default() {
            let Some(mut asked) = self.asked.get(&text).cloned() else { continue };
            asked.people.retain(|other| *other != person);
            if asked.people.is_empty() {
                self.take(&text);
                self.changed.insert(text_key(&text));
            } else {
                self.put(text, asked);
            }
        }
        self.changed.insert(person_key(person));
    }

    /// Whether enough people typed it for others to be told.
    pub fn is_public(&self, text: &str) -> bool {
        self.asked.get(text).is_some_and(Asked::is_public)
    }

    /// What goes on from these words, in any order, the last of which may be only begun: what many typed, and what this
    /// person did. Not in order.
    pub fn completions(&self, typed: &str, person: Option<u64>) -> Vec<Completion> {
        let words: Vec<String> = tokens(typed, MOST_WORDS).into_iter().map(|token| token.plain).collect();
        let mut found: Vec<Completion> = Vec::new();
        let mut known: FxHashSet<&str> = FxHashSet::default();
        let mut add = |text: &'_ Arc<str>, is_own: bool| {
            if fits(text, &words)
                && let Some((text, asked)) = self.asked.get_key_value(text)
                && known.insert(text)
            {
                found.push(Completion { text: Arc::clone(text), level: asked.level, is_own });
            }
        };
        let own = person.and_then(|person| self.own.get(&person)).map_or(&[][..], Vec::as_slice);
        own.iter().for_each(|text| add(text, true));
        let longest = words.iter().max_by_key(|word| word.len());
        let with_word: Vec<&Arc<str>> = longest.map_or_else(Vec::new, |word| {
            let from: (Arc<str>, Arc<str>) = (Arc::from(word.as_str()), Arc::from(""));
            let range = self.by_word.range((Bound::Included(from), Bound::Unbounded));
            let begins = range.take_while(|((known, _), ())| known.starts_with(word.as_str()));
            begins.take(MOST_WITH_WORD).map(|((_, text), ())| text).collect()
        });
        with_word.iter().for_each(|text| add(text, false));
        if words.is_empty() || with_word.len() == MOST_WITH_WORD {
            self.by_level.iter().take(MOST_WANTED).for_each(|(_, text)| add(text, false));
        }
        found
    }

    /// The newest of what a person typed, newest first.
    pub fn own(&self, person: u64) -> &[Arc<str>] {
        self.own.get(&person).map_or(&[], Vec::as_slice)
    }

    /// What many typed, the most wanted first.
    pub fn wanted(&self) -> impl Iterator<Item = &Arc<str>> {
        self.by_level.iter().map(|(_, text)| text)
    }

    /// Keyed pieces that changed since the last call; none deletes.
    pub fn drain_changes(&mut self) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
        let changed = std::mem::take(&mut self.changed);
        changed.into_iter().map(|key| (key.clone(), self.piece(&key))).collect()
    }

    /// Builds the fold from all its pieces. `None`: a piece is broken.
    pub fn restore(pieces: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>) -> Option<Self> {
        let mut restored = Self::default();
        for (key, value) in pieces {
            match key.split_first()? {
                (b'p', number) => {
                    let person = Person::from_be_bytes(number.try_into().ok()?);
                    restored.own.insert(person, postcard::from_bytes(&value).ok()?);
                }
                (b'q', text) => {
                    restored.put(std::str::from_utf8(text).ok()?.into(), postcard::from_bytes(&value).ok()?);
                }
                _ => return None,
            }
        }
        restored.changed.clear();
        Some(restored)
    }

    fn piece(&self, key: &[u8]) -> Option<Vec<u8>> {
        match key.split_first()? {
            (b'p', number) => {
                let own = self.own.get(&Person::from_be_bytes(number.try_into().ok()?))?;
                postcard::to_stdvec(own).ok()
            }
            (_, text) => postcard::to_stdvec(self.asked.get(std::str::from_utf8(text).ok()?)?).ok(),
        }
    }

    fn put(&mut self, text: Arc<str>, asked: Asked) {
        self.take(&text);
        if asked.is_public() {
            for token in tokens(&text, MOST_WORDS) {
                self.by_word.insert((token.plain.into(), Arc::clone(&text)), ());
            }
            self.by_level.insert((Reverse(rising(asked.level)), Arc::clone(&text)));
        }
        self.changed.insert(text_key(&text));
        self.asked.insert(text, asked);
    }

    fn take(&mut self, text: &Arc<str>) {
        let Some(asked) = self.asked.remove(text).filter(Asked::is_public) else { return };
        for token in tokens(text, MOST_WORDS) {
            self.by_word.remove(&(token.plain.into(), Arc::clone(text)));
        }
        self.by_level.remove(&(Reverse(rising(asked.level)), Arc::clone(text)));
    }
}

impl SearchIndex {
    /// The words of a text as stems of the shop's language, in order of the alphabet: the same for texts that differ only in the
    /// order of their words or in singular and plural.
    pub fn stems(&self, text: &str) -> Vec<String> {
        let words = self.languages()[0].words();
        let mut stems: Vec<String> =
            tokens(text, MOST_WORDS).into_iter().map(|token| words.stem(&token.written)).collect();
        stems.sort_unstable();
        stems
    }
}

impl Asked {
    fn is_public(&self) -> bool {
        self.people.len() >= LEAST_PEOPLE
    }
}

/// A query in the form in which it is counted; none of what is no query or may say who somebody is.
pub fn common_form(text: &str) -> Option<String> {
    let longest_number = text.split(|letter: char| !letter.is_ascii_digit()).map(str::len).max().unwrap_or(0);
    if text.contains('@') || text.chars().count() > LONGEST_TEXT || longest_number > LONGEST_NUMBER {
        return None;
    }
    let words: Vec<String> = tokens(text, MOST_WORDS + 1).into_iter().map(|token| token.plain).collect();
    (!words.is_empty() && words.len() <= MOST_WORDS).then(|| words.join(" "))
}

/// The same with the stem of each word: *red mugs* and *red mug* are one.
pub fn stemmed_form(text: &str, language: Language) -> Option<String> {
    common_form(text)?;
    let words = language.words();
    Some(tokens(text, MOST_WORDS).iter().map(|token| words.stem(&token.written)).collect::<Vec<_>>().join(" "))
}

/// Whether each of the words begins another word of the text.
fn fits(text: &str, words: &[String]) -> bool {
    let mut free: Vec<&str> = text.split(' ').collect();
    words.iter().all(|word| {
        let exact = free.iter().position(|known| *known == word.as_str());
        match exact.or_else(|| free.iter().position(|known| known.starts_with(word.as_str()))) {
            Some(place) => {
                free.swap_remove(place);
                true
            }
            None => false,
        }
    })
}

/// The binary logarithm of the sum of two powers of two.
fn log_sum(a: f64, b: f64) -> f64 {
    let (large, small) = if a > b { (a, b) } else { (b, a) };
    large + (1.0 + (small - large).exp2()).log2()
}

/// A number's bits, so that they order as the numbers do.
const fn rising(level: f64) -> u64 {
    let bits = level.to_bits();
    if bits >> 63 == 0 { bits | 1 << 63 } else { !bits }
}

fn text_key(text: &str) -> Vec<u8> {
    [b"q", text.as_bytes()].concat()
}

fn person_key(person: Person) -> Vec<u8> {
    [&b"p"[..], &person.to_be_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(queries: &Queries, typed: &str, person: Option<Person>) -> Vec<String> {
        let mut found = queries.completions(typed, person);
        found.sort_by(|a, b| b.level.total_cmp(&a.level));
        found.into_iter().map(|found| found.text.to_string()).collect()
    }

    fn day(number: i64) -> Timestamp {
        Timestamp(number * Timestamp::DAY)
    }

    #[test]
    fn a_text_is_told_to_others_only_when_several_typed_it() {
        let mut queries = Queries::default();
        for person in [1, 1, 2, 1] {
            queries.observe("Red  Lantern", person, day(1));
        }
        assert!(texts(&queries, "lan", Some(9)).is_empty() && texts(&queries, "", None).is_empty());
        assert_eq!(texts(&queries, "lan", Some(1)), ["red lantern"]);
        queries.observe("red lantern", 3, day(2));
        assert_eq!(texts(&queries, "lan r", Some(9)), ["red lantern"], "in any order");
        assert!(texts(&queries, "lanx", None).is_empty());
        queries.forget(1);
        assert!(texts(&queries, "lan", None).is_empty(), "two others are not enough");
        assert!(texts(&queries, "lan", Some(1)).is_empty());
    }

    #[test]
    fn what_may_say_who_somebody_is_is_not_kept() {
        for text in
            ["anna@example.org", "0170 12345678", "4111111111111111", "a b c d e f g h i", "  ", &"x".repeat(99)]
        {
            assert_eq!(common_form(text), None, "{text}");
        }
        assert_eq!(common_form("Café-Tisch 85123A").as_deref(), Some("cafe tisch 85123a"));
    }

    #[test]
    fn the_newer_counts_more() {
        let mut queries = Queries::default();
        for person in 0..8 {
            queries.observe("lantern", person, day(0));
        }
        for person in 0..4 {
            queries.observe("lamp", person, day(720));
        }
        assert_eq!(texts(&queries, "la", None), ["lamp", "lantern"]);
    }

    proptest! {
        #[test]
        fn the_fold_comes_back_from_its_pieces(
            searches in prop::collection::vec(("[ab]{1,2}( [ab])?", 0_u64..5, 0_i64..100), 0..60),
            forgotten in prop::option::of(0_u64..5),
        ) {
            let mut queries = Queries::default();
            let mut pieces = std::collections::BTreeMap::new();
            let mut save = |queries: &mut Queries| for (key, value) in queries.drain_changes() {
                match value {
                    Some(value) => drop(pieces.insert(key, value)),
                    None => drop(pieces.remove(&key)),
                }
            };
            for (place, (text, person, at)) in searches.iter().enumerate() {
                queries.observe(text, *person, day(*at));
                if place % 7 == 0 { save(&mut queries); }
            }
            forgotten.into_iter().for_each(|person| queries.forget(person));
            save(&mut queries);
            let again = Queries::restore(pieces).unwrap();
            for person in [None, Some(0), Some(3)] {
                prop_assert_eq!(texts(&queries, "a", person), texts(&again, "a", person));
                prop_assert_eq!(texts(&queries, "", person), texts(&again, "", person));
            }
        }
    }
}
