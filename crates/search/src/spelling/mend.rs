//! A query read word by word and with its neighbours: which words are slips, and what was meant.
//!
//! A word that is very short or says something in its language is never touched, nor is one that has a digit, unless it is a
//! single one within a word (*n9ickel*) that is no product's code, nor is one that the catalog has, unless it is rare there or stands beside words that it never stands with (a *stove pie*). Of what is left, each
//! reading of a word (as typed, corrected, two words written as one) is as likely as the catalog has it, times the channel,
//! times how much more often than by chance it stands in one product with its neighbours (pointwise mutual information:
//! Church and Hanks, Computational Linguistics 1990), mixed with chance so that no product need have both. Readings are
//! settled in turns.

use std::ops::Range;
use std::sync::Arc;

use super::{Correction, LIKELY, Reach, SHORTEST_CORRECTED, corrections};
use crate::compounds;
use crate::index::{SearchIndex, Term};
use crate::language::{Language, Words};
use crate::query::{How, share_a_product};
use crate::search::Lexicon;
use crate::text::{Gap, Token, code, partings};

// All likelihoods are natural logarithms; chosen on the half of the pairs that is not held out (docs/results.md).

/// A word is mistyped, and two are written as one.
const SLIP: f64 = -3.0;
const WRITTEN_AS_ONE: f64 = -1.0;
/// A word is mistyped that a digit stands in: nearly all that look so are, and the channel knows of no digits.
const DIGIT_SLIP: f64 = 0.0;
/// A word is mistyped that stands for others.
const SYNONYM_SLIP: f64 = SLIP - 4.0;
/// A word is right that no product has, beside one that one product may have: by so much, and by so much for each letter.
const UNKNOWN: f64 = -4.1;
const UNKNOWN_LETTER: f64 = -0.5;
/// It is right when the catalog has it in another form.
const OTHER_FORM: f64 = -9.0;
/// A word is mistyped that several products have, but none together with any of the others.
const REAL_WORD_SLIP: f64 = -6.0;
/// More products than these have a word that is no slip of the catalog itself, which is less likely than one of the customer.
const RARE: u32 = 2;
const RARE_WORD_SLIP: f64 = -5.0;
/// What standing in one product counts, and how often words that belong together do so other than by chance.
const TOGETHER: f64 = 1.2;
const NOT_BY_CHANCE: f64 = 0.8;
/// Products that are looked at for whether they have a neighbour too.
const SAMPLE: usize = 128;

/// Readings of a word that are weighed.
const MOST_READINGS: usize = 6;
/// Less likely readings than the best are not looked for beside it.
const MARGIN: f64 = 1.5;
/// Others that are looked for beside the best.
const MOST_OTHERS: usize = 2;
/// Times that readings are settled anew.
const SWEEPS: usize = 2;
/// Parts of a word that was split have so many letters, and one of them that is mistyped so many.
const SHORTEST_PART: usize = 3;
const SHORTEST_MENDED_PART: usize = 4;
/// A digit that slipped into a word stands among so many letters.
const LEAST_LETTERS: usize = 4;

/// A word as it was meant.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Meant {
    pub(crate) token: Token,
    /// What was typed for it. Of words that were split all is at the first.
    pub(crate) typed: String,
    pub(crate) how: How,
    /// What else may have been meant, the likeliest first.
    pub(crate) others: Vec<Arc<str>>,
}

impl Meant {
    /// A word that is meant just so.
    pub(crate) fn as_typed(token: &Token) -> Self {
        Self { token: token.clone(), typed: token.written.clone(), how: How::Typed, others: Vec::new() }
    }
}

pub(crate) struct Mender<'a> {
    pub(crate) index: &'a SearchIndex,
    pub(crate) languages: &'a [Language],
    pub(crate) lexicon: &'a Lexicon,
    /// The last word may be only begun.
    pub(crate) is_open: bool,
}

/// One way to read what was typed at a place.
#[derive(Debug, Clone)]
struct Reading {
    words: Vec<Arc<str>>,
    how: How,
    /// The first and the last word, by which neighbours know it.
    ends: [Option<Term>; 2],
    /// Logarithm of how likely it is without its neighbours.
    score: f64,
}

/// A place in the query: one token, or two that are one word.
struct Slot {
    tokens: Range<usize>,
    readings: Vec<Reading>,
    /// How likely each reading is beside its neighbours.
    scores: Vec<f64>,
    chosen: usize,
}

impl Mender<'_> {
    pub(crate) fn mend(&self, tokens: &[Token]) -> Vec<Meant> {
        let mut slots = self.slots(tokens);
        if slots.iter().any(|slot| slot.readings.len() > 1) {
            for _ in 0..SWEEPS {
                self.settle(&mut slots);
            }
        }
        slots.into_iter().flat_map(|slot| self.told(&slot, tokens)).collect()
    }

    fn slots(&self, tokens: &[Token]) -> Vec<Slot> {
        let mut slots = Vec::with_capacity(tokens.len());
        let mut place = 0;
        while place < tokens.len() {
            let joined = tokens.get(place + 1).and_then(|next| self.joined(&tokens[place], next));
            let length = if joined.is_some() { 2 } else { 1 };
            let is_begun = self.is_open && place + length == tokens.len() && self.may_go_on(&tokens[place]);
            let readings = match joined {
                Some(joined) => vec![joined],
                None if is_begun => vec![self.as_typed(&tokens[place], 0.0)],
                None => self.readings(tokens, place),
            };
            slots.push(Slot {
                tokens: place..place + length,
                scores: readings.iter().map(|reading| reading.score).collect(),
                readings,
                chosen: 0,
            });
            place += length;
        }
        slots
    }

    /// Two words that are one in the catalog, of which it does not know both apart.
    fn joined(&self, one: &Token, other: &Token) -> Option<Reading> {
        let is_unknown = |token: &Token| !self.is_fixed(token) && self.products(token) == 0;
        if one.has_digit() || other.has_digit() || other.gap != Gap::Space || !(is_unknown(one) || is_unknown(other)) {
            return None;
        }
        let together = format!("{}{}", one.plain, other.plain);
        let products = self.index.vocabulary.products(&together);
        (products > 0).then(|| self.reading([together.as_str()], How::Joined, self.share(products)))
    }

    fn readings(&self, tokens: &[Token], place: usize) -> Vec<Reading> {
        let token = &tokens[place];
        if self.is_fixed(token) {
            return vec![self.as_typed(token, 0.0)];
        }
        let products = self.products(token);
        if products > 0 && (self.has_other_number(&token.plain) || self.is_inflected(token)) {
            return vec![self.as_typed(token, self.share(products))];
        }
        if products == 0 && compounds::parts(self.index, self.languages, &token.plain).is_some() {
            return vec![self.as_typed(token, 0.0)];
        }
        let written = self.index.vocabulary.products(&token.plain);
        let score = match (written, products) {
            (0, 0) => self.share(0) + UNKNOWN + UNKNOWN_LETTER * token.plain.chars().count() as f64,
            (0, _) => self.share(products) + OTHER_FORM,
            _ => self.share(products),
        };
        let is_known = written > 0 && products > RARE;
        let mut readings = vec![self.as_typed(token, score)];
        if is_known && !self.is_out_of_place(tokens, place) {
            return readings;
        }
        if written == 0 {
            readings.extend(self.split(&token.plain));
        }
        let reach = if written == 0 { Reach::Far } else { Reach::Near };
        let mut found = corrections(&self.index.vocabulary, &token.plain, MOST_READINGS, reach);
        if token.has_digit() {
            found.retain(|correction| correction.word.chars().all(char::is_alphabetic));
        }
        let is_one_word = readings.len() > 1 || found.first().is_some_and(|best| best.score > LIKELY);
        if written == 0 && products == 0 && !is_one_word {
            readings.extend(self.split_mended(&token.plain));
        }
        if written == 0 && products == 0 && !token.has_digit() {
            readings.extend(self.near_synonym(&token.plain));
        }
        for Correction { word, products: having, cost, .. } in found {
            if products == 0 || !is_plural(&word, &token.plain) {
                let slip = match written {
                    0 if token.has_digit() => DIGIT_SLIP,
                    0 => SLIP,
                    1..=RARE => RARE_WORD_SLIP,
                    _ => REAL_WORD_SLIP,
                };
                let score = self.share(having) - f64::from(cost) + slip;
                readings.push(self.reading([&*word], How::Corrected, score));
            }
        }
        readings
    }

    /// A word that stands for others of the catalog and from which this one differs by a slip: *couhc* where there are sofas.
    fn near_synonym(&self, word: &str) -> Option<Reading> {
        let of = |(place, language): (usize, &Language)| {
            let (language, is_first) = (*language, place == 0);
            let near = self.lexicon.near(word, language, is_first);
            near.filter_map(move |meant| Some((self.answering(meant, language, is_first)?, meant))).max()
        };
        let (products, meant) = self.languages.iter().enumerate().filter_map(of).max()?;
        Some(Reading {
            words: vec![Arc::from(meant)],
            how: How::Corrected,
            ends: [None; 2],
            score: self.share(products) + SYNONYM_SLIP,
        })
    }

    /// Products that have what a word stands for: of its synonyms, the most frequent.
    fn answering(&self, word: &str, language: Language, is_first: bool) -> Option<u32> {
        let stems = [language.words().stem(word)];
        let rarest = |stems: &[String]| {
            let products = stems.iter().map(|stem| self.index.term(stem).map(|term| self.index.postings(term).len()));
            products.collect::<Option<Vec<_>>>()?.into_iter().min()
        };
        self.lexicon
            .find(&stems, language, is_first)
            .filter_map(|other| rarest(&other.stems))
            .max()
            .map(|most| most as u32)
    }

    /// Whether the catalog has a word that it does not write so with an `s` more or less.
    fn has_other_number(&self, word: &str) -> bool {
        let has = |word: &str| self.index.vocabulary.products(word) > 0;
        let singular = ["s", "es"].iter().filter_map(|ending| word.strip_suffix(ending)).any(has);
        !has(word) && (singular || has(&format!("{word}s")))
    }

    /// Whether a word of which products have the stem may be another form of it: *rote* for *rot*. English has an `s` alone.
    fn is_inflected(&self, token: &Token) -> bool {
        let is_written = self.index.vocabulary.products(&token.plain) > 0;
        self.languages[0] != Language::English && !is_written && self.term(token).is_some()
    }

    /// Whether there are other words in the query, and no product has this one together with any of them.
    fn is_out_of_place(&self, tokens: &[Token], place: usize) -> bool {
        let Some(term) = self.term(&tokens[place]) else { return false };
        let others = (0..tokens.len()).filter(|other| *other != place);
        let others = others.filter(|other| !self.is_function_word(&tokens[*other]) && !tokens[*other].has_digit());
        let mut others = others.filter_map(|other| self.term(&tokens[other])).filter(|other| *other != term).peekable();
        others.peek().is_some() && !others.any(|other| share_a_product(self.index, term, other))
    }

    /// Two words that were written as one, if products have them side by side.
    fn split(&self, word: &str) -> Option<Reading> {
        let vocabulary = &self.index.vocabulary;
        let parts = partings(word).filter(|(left, right)| left.len() >= SHORTEST_PART && right.len() >= SHORTEST_PART);
        let frequency = |part: &str| vocabulary.products(part);
        let known = parts.filter(|(left, right)| frequency(left) > 0 && frequency(right) > 0);
        let together = known.filter(|(left, right)| self.index.stand_together(left, right));
        let (left, right) = together.max_by_key(|(left, right)| frequency(left).min(frequency(right)))?;
        let rarer = frequency(left).min(frequency(right));
        Some(self.reading([left, right], How::Split, self.share(rarer) + WRITTEN_AS_ONE))
    }

    /// Two words that were written as one, of which one is mistyped too (*cordlessrotry*), if products have them side by side.
    fn split_mended(&self, word: &str) -> Option<Reading> {
        let vocabulary = &self.index.vocabulary;
        let mended = |part: &str| {
            let is_long = part.chars().count() >= SHORTEST_MENDED_PART;
            let found = is_long.then(|| corrections(vocabulary, part, 1, Reach::Near));
            found.and_then(|found| found.into_iter().next())
        };
        let is_known = |part: &str| part.chars().count() >= SHORTEST_PART && vocabulary.products(part) > RARE;
        let readings = partings(word).flat_map(|(left, right)| {
            let of_right = is_known(left).then(|| mended(right)).flatten();
            let of_left = is_known(right).then(|| mended(left)).flatten();
            let both = [
                of_right.map(|found| (Arc::from(left), Arc::clone(&found.word), found)),
                of_left.map(|found| (Arc::clone(&found.word), Arc::from(right), found)),
            ];
            both.into_iter().flatten()
        });
        let readings = readings.filter(|(left, right, _)| self.index.stand_together(left, right));
        let scored = readings.map(|(left, right, slip)| {
            let rarer = vocabulary.products(&left).min(vocabulary.products(&right));
            let score = self.share(rarer) + WRITTEN_AS_ONE + SLIP - f64::from(slip.cost);
            self.reading([&*left, &*right], How::Split, score)
        });
        scored.max_by(|one, other| one.score.total_cmp(&other.score))
    }

    fn reading<const WORDS: usize>(&self, words: [&str; WORDS], how: How, score: f64) -> Reading {
        let term = |word: Option<&&str>| self.index.terms_of(word?).first().copied();
        let ends = [term(words.first()), term(words.last())];
        Reading { words: words.map(Arc::from).into(), how, ends, score }
    }

    fn as_typed(&self, token: &Token, score: f64) -> Reading {
        let term = if self.is_function_word(token) { None } else { self.term(token) };
        Reading { words: vec![Arc::from(token.plain.as_str())], how: How::Typed, ends: [term, term], score }
    }

    /// Chooses at each place the reading that is likeliest beside its neighbours as they are chosen now.
    fn settle(&self, slots: &mut [Slot]) {
        for place in 0..slots.len() {
            if slots[place].readings.len() < 2 {
                continue;
            }
            let chosen = |slot: &Slot, end: usize| slot.readings[slot.chosen].ends[end];
            let left = slots[..place].iter().rev().find_map(|slot| chosen(slot, 1));
            let right = slots[place + 1..].iter().find_map(|slot| chosen(slot, 0));
            let likelihood = |reading: &Reading| {
                let [first, last] = reading.ends;
                reading.score + TOGETHER * (self.affinity(left, first) + self.affinity(last, right))
            };
            let scores: Vec<f64> = slots[place].readings.iter().map(likelihood).collect();
            let best = (0..scores.len()).reduce(|best, next| if scores[next] > scores[best] { next } else { best });
            (slots[place].chosen, slots[place].scores) = (best.unwrap_or(0), scores);
        }
    }

    /// How much likelier than by chance two words stand in one product: a logarithm.
    fn affinity(&self, one: Option<Term>, other: Option<Term>) -> f64 {
        let (Some(one), Some(other)) = (one, other) else { return 0.0 };
        let (one, other) = (self.index.postings(one), self.index.postings(other));
        let (few, many) = if one.len() < other.len() { (one, other) } else { (other, one) };
        let step = few.len().div_ceil(SAMPLE).max(1);
        let looked_at = few.iter().step_by(step);
        let total = looked_at.len();
        let both =
            looked_at.filter(|posting| many.binary_search_by_key(&posting.doc, |other| other.doc).is_ok()).count();
        let share = both as f64 / total.max(1) as f64;
        let by_chance = many.len() as f64 / self.index.len().max(1) as f64;
        (NOT_BY_CHANCE * share / by_chance.max(f64::MIN_POSITIVE) + (1.0 - NOT_BY_CHANCE)).ln()
    }

    fn may_go_on(&self, token: &Token) -> bool {
        !self.index.vocabulary.beginning_with(&token.plain, 1).is_empty() || self.products(token) > 0
    }

    /// Words that are never taken for slips.
    fn is_fixed(&self, token: &Token) -> bool {
        (token.has_digit() && !self.has_stray_digit(&token.plain))
            || token.plain.chars().count() < SHORTEST_CORRECTED
            || self.is_function_word(token)
            || self.languages.iter().enumerate().any(|(place, language)| {
                let stem = [language.words().stem(&token.written)];
                self.lexicon.find(&stem, *language, place == 0).next().is_some()
            })
    }

    /// Whether a digit slipped into a word. Model numbers have several, or have theirs at an end, and codes are what they are.
    fn has_stray_digit(&self, word: &str) -> bool {
        let letters = word.chars().filter(|character| character.is_alphabetic()).count();
        letters >= LEAST_LETTERS
            && letters + 1 == word.chars().count()
            && word.starts_with(char::is_alphabetic)
            && word.ends_with(char::is_alphabetic)
            && self.index.with_code(&code(word)).is_empty()
    }

    fn is_function_word(&self, token: &Token) -> bool {
        let is_in = |words: &Words| {
            let phrases = words.aside.iter().chain(&words.below).chain(&words.above).chain(&words.around);
            words.praise.contains(&token.plain)
                || words.numbers.contains_key(&token.plain)
                || words.stop.contains(&token.plain)
                || words.negation.contains(&token.plain)
                || words.size.contains(&token.plain)
                || words.currency.contains(&token.plain)
                || words.audience.contains_key(&token.plain)
                || phrases.flatten().any(|word| *word == token.plain)
        };
        self.languages.iter().any(|language| is_in(language.words()))
    }

    /// Products that have a word, in whatever form.
    fn products(&self, token: &Token) -> u32 {
        let written = self.index.vocabulary.products(&token.plain);
        self.term(token).map_or(0, |term| self.index.postings(term).len() as u32).max(written)
    }

    fn term(&self, token: &Token) -> Option<Term> {
        self.index.term_of(&token.plain, &token.written, self.languages)
    }

    /// What is told of a place.
    fn told(&self, slot: &Slot, tokens: &[Token]) -> Vec<Meant> {
        let typed: Vec<&str> = tokens[slot.tokens.clone()].iter().map(|token| token.plain.as_str()).collect();
        let first = &tokens[slot.tokens.start];
        let chosen = &slot.readings[slot.chosen];
        if chosen.how == How::Typed && chosen.ends[0].is_some() {
            // What the catalog has is looked for as it is.
            return vec![as_typed(first, Vec::new())];
        }
        let mut others: Vec<(f64, &Reading)> = slot.scores.iter().copied().zip(&slot.readings).collect();
        others.retain(|(_, other)| other.how == How::Corrected);
        others.sort_by(|a, b| b.0.total_cmp(&a.0));
        let best = others.first().map_or(0.0, |(score, _)| *score);
        others.retain(|(score, other)| *score > best - MARGIN && other.words != chosen.words);
        let others: Vec<Arc<str>> =
            others.into_iter().take(MOST_OTHERS).flat_map(|(_, other)| other.words.iter().cloned()).collect();
        if chosen.how == How::Typed {
            return vec![as_typed(first, others)];
        }
        let meant = |(place, word): (usize, &Arc<str>)| Meant {
            token: Token {
                written: self.index.spelled(word),
                plain: word.to_string(),
                gap: if place == 0 { first.gap } else { Gap::Joined },
            },
            typed: if place == 0 { typed.join(" ") } else { String::new() },
            how: chosen.how,
            others: if place == 0 { others.clone() } else { Vec::new() },
        };
        chosen.words.iter().enumerate().map(meant).collect()
    }

    /// The logarithm of the share of products that so many are.
    fn share(&self, products: u32) -> f64 {
        (f64::from(products + 1) / (self.index.len() + 1) as f64).ln()
    }
}

/// Whether two words are the same but for an `s` or `es` at the end.
fn is_plural(one: &str, other: &str) -> bool {
    let is_of =
        |longer: &str, shorter: &str| longer.strip_prefix(shorter).is_some_and(|rest| matches!(rest, "s" | "es"));
    is_of(one, other) || is_of(other, one)
}

fn as_typed(token: &Token, others: Vec<Arc<str>>) -> Meant {
    Meant { token: token.clone(), typed: token.plain.clone(), how: How::Typed, others }
}
