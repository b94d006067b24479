//! What was typed, as units: each a word or a name, with all that it may be found as.
//!
//! Nothing that is typed can be an error or an attack: text is only ever taken apart into words, and their number, and that
//! of what each may be found as, is bounded.

use std::sync::Arc;

use rustc_hash::FxHashSet;

use crate::index::{SearchIndex, Term};
use crate::language::{HeadPlace, Language};
use crate::search::Lexicon;
use crate::spelling::{self, Correction};
use crate::text::{Gap, Token, code, tokens};
use crate::thesaurus::Alternative;
use crate::{Doc, measure, minus};

/// Characters and words of what is typed that are read.
const LONGEST_TEXT: usize = 200;
const MOST_WORDS: usize = 16;
/// Words that a synonym may stand for.
const LONGEST_PHRASE: usize = 3;
/// Languages of which at least one product in so many is are those of the shop.
const LANGUAGE_SHARE: u64 = 10;
/// What a beginning may become, and a compound may be.
const MOST_COMPLETIONS: usize = 30;
const MOST_COMPOUNDS: usize = 50;
const SHORTEST_COMPLETED: usize = 2;
/// Words that a slip may have meant which are looked for.
const MOST_CORRECTIONS: usize = 3;
/// A less likely word is no longer looked for beside the likeliest: a logarithm.
const CORRECTION_MARGIN: f64 = 1.5;
/// By so much must a word be likelier than the known one that was typed: a logarithm.
const KNOWN_MARGIN: f64 = 2.0;
/// A word that more products have was meant as it was typed.
const RARE: u32 = 2;
/// A word that is split must have parts of so many letters.
const SHORTEST_PART: usize = 3;
/// Titles that are looked at for whether two words stand together.
const MOST_TITLES_READ: usize = 200;

/// How a form came about, and with that how much it is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Typed,
    /// `t shirt` as `tshirt`.
    Joined,
    /// `tshirt` as `t shirt`.
    Split,
    Synonym,
    Corrected,
    /// A word of which the beginning was typed.
    Completed,
    /// A longer word that ends in what was typed.
    Compound,
    /// The word that says what it is, of several.
    Part,
}

/// What a unit may be found as: all of these terms in one product.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Form {
    pub(crate) terms: Vec<Term>,
    pub(crate) how: How,
    /// As a person would write it.
    pub(crate) text: String,
}

/// A word or a name that was typed.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Unit {
    pub(crate) typed: String,
    pub(crate) forms: Vec<Form>,
    /// It says what is looked for: the `bag` of *camera bag*.
    pub(crate) is_head: bool,
}

/// What was typed.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Reading {
    pub(crate) units: Vec<Unit>,
    /// Words that must not be there.
    pub(crate) unwanted: Vec<Unit>,
    /// Words that no product has, nor anything near them.
    pub(crate) unknown: Vec<String>,
    /// Products of which a code was typed.
    pub(crate) coded: Vec<Doc>,
    /// All of it was a code.
    pub(crate) is_code: bool,
}

impl Reading {
    /// What was understood instead of what was typed, when a word was corrected.
    pub(crate) fn corrected(&self) -> Option<String> {
        let best = |unit: &Unit| unit.forms.first().map(|form| (form.how, form.text.clone()));
        let is_corrected = self.units.iter().any(|unit| matches!(best(unit), Some((How::Corrected | How::Split, _))));
        let words = self.units.iter().map(|unit| best(unit).map_or_else(|| unit.typed.clone(), |(_, text)| text));
        is_corrected.then(|| words.collect::<Vec<_>>().join(" "))
    }
}

/// How a text is to be taken.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Typed {
    /// The last word may go on.
    pub(crate) is_open: bool,
    /// Every word is meant as it was typed: no slip is looked for.
    pub(crate) is_meant: bool,
}

/// Reads what was typed.
pub(crate) fn read(index: &SearchIndex, lexicon: &Lexicon, text: &str, how: Typed) -> Reading {
    let Typed { is_open, is_meant } = how;
    let visible = |character: char| if character.is_control() { ' ' } else { character };
    let text: String = text.chars().take(LONGEST_TEXT).map(visible).collect();
    let is_open = is_open && text.ends_with(char::is_alphanumeric);
    let text = minus::in_words(&text, index.languages()[0].words());
    Reader { index, lexicon, languages: languages(index), is_open, is_meant, reading: Reading::default() }.read(&text)
}

/// Languages in which what is typed may be meant.
fn languages(index: &SearchIndex) -> Vec<Language> {
    let least = index.totals.products / LANGUAGE_SHARE;
    let mut languages = index.languages();
    let shop = languages[0];
    languages.retain(|language| *language == shop || index.totals.languages(*language) > least);
    languages
}

struct Reader<'a> {
    index: &'a SearchIndex,
    lexicon: &'a Lexicon,
    languages: Vec<Language>,
    is_open: bool,
    is_meant: bool,
    reading: Reading,
}

impl Reader<'_> {
    fn read(mut self, text: &str) -> Reading {
        let tokens = tokens(text, MOST_WORDS);
        self.read_codes(text, &tokens);
        let mut wanted = self.without_unwanted(tokens);
        let head = self.head(&wanted);
        let head = head.map(|place| wanted[place].clone());
        self.drop_stop_words(&mut wanted);
        let mut place = 0;
        while place < wanted.len() {
            let length = self.length_of_unit(&wanted, place);
            let is_last = place + length == wanted.len();
            let tokens = &wanted[place..place + length];
            let mut unit = self.unit(tokens, is_last && self.is_open);
            unit.is_head = head.as_ref().is_some_and(|head| tokens.iter().any(|token| token == head));
            if unit.forms.is_empty() {
                self.reading.unknown.push(unit.typed);
            } else {
                self.reading.units.push(unit);
            }
            place += length;
        }
        self.settle_by_context();
        self.reading
    }

    fn read_codes(&mut self, text: &str, tokens: &[Token]) {
        let whole = self.index.with_code(&code(text));
        self.reading.is_code = !whole.is_empty();
        let mut coded: Vec<Doc> = whole.to_vec();
        if whole.is_empty() {
            for token in tokens.iter().filter(|token| token.has_digit()) {
                coded.extend(self.index.with_code(&code(&token.plain)));
            }
        }
        coded.sort_unstable();
        coded.dedup();
        self.reading.coded = coded;
    }

    /// Takes out what is not wanted: `without lid`.
    fn without_unwanted(&mut self, tokens: Vec<Token>) -> Vec<Token> {
        let mut wanted: Vec<Token> = Vec::with_capacity(tokens.len());
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            let is_negation = self.languages.iter().any(|language| language.words().negation.contains(&token.plain));
            match tokens.peek_mut() {
                Some(next) if is_negation && !wanted.is_empty() => {
                    if self.is_name(&token, next) {
                        next.gap = Gap::Joined;
                        wanted.push(token);
                        continue;
                    }
                    let unwanted = self.unit(std::slice::from_ref(next), false);
                    self.reading.unwanted.push(unwanted);
                    tokens.next();
                }
                _ => wanted.push(token),
            }
        }
        wanted
    }

    /// Whether two words stand together in a title or are written as one: `non stick` is no negation.
    fn is_name(&self, one: &Token, other: &Token) -> bool {
        other.gap == Gap::Joined
            || self.index.vocabulary.products(&format!("{}{}", one.plain, other.plain)) > 0
            || self.index.stand_together(&one.plain, &other.plain)
    }

    /// The place of the word that says what is looked for.
    fn head(&self, tokens: &[Token]) -> Option<usize> {
        let words = self.languages[0].words();
        let heads = crate::heads::heads(tokens, words, &FxHashSet::default());
        let head = match words.head {
            HeadPlace::Last => heads.iter().rposition(|is_head| *is_head),
            HeadPlace::First => heads.iter().position(|is_head| *is_head),
        };
        // A brand, a number or a colour alone is what is looked for.
        head.or_else(|| tokens.len().checked_sub(1))
    }

    fn drop_stop_words(&self, tokens: &mut Vec<Token>) {
        let is_stop =
            |token: &Token| self.languages.iter().any(|language| language.words().stop.contains(&token.plain));
        let last = tokens.len().saturating_sub(1);
        let keeps: Vec<bool> = (0..tokens.len())
            .map(|place| {
                let is_part = tokens.get(place + 1).is_some_and(|next| next.gap == Gap::Joined);
                // While it is open the last word may go on: `the` may become `thermos`.
                !is_stop(&tokens[place])
                    || is_part
                    || tokens[place].gap == Gap::Joined
                    || (self.is_open && place == last)
            })
            .collect();
        if keeps.contains(&true) {
            let mut keeps = keeps.into_iter();
            tokens.retain(|_| keeps.next().unwrap_or(true));
        }
    }

    /// How many tokens from here are one unit.
    fn length_of_unit(&self, tokens: &[Token], place: usize) -> usize {
        let joined = tokens[place + 1..].iter().take_while(|token| token.gap == Gap::Joined).count();
        if joined > 0 {
            return joined + 1;
        }
        let longest = LONGEST_PHRASE.min(tokens.len() - place);
        let is_entry = |length: &usize| !self.synonyms(&tokens[place..place + length]).is_empty();
        if let Some(length) = (2..=longest).rev().find(is_entry) {
            return length;
        }
        let Some(next) = tokens.get(place + 1) else { return 1 };
        let is_measure = measure::of(&tokens[place].plain, &next.plain).is_some();
        let together = format!("{}{}", tokens[place].plain, next.plain);
        let is_word = self.index.vocabulary.products(&together) > 0;
        if is_measure || is_word { 2 } else { 1 }
    }

    fn unit(&self, tokens: &[Token], is_open: bool) -> Unit {
        let typed = tokens.iter().map(|token| token.plain.as_str()).collect::<Vec<_>>().join(" ");
        let mut forms = Forms::default();
        match tokens {
            [token] => self.forms_of_word(token, is_open, &mut forms),
            _ => self.forms_of_name(tokens, &typed, &mut forms),
        }
        for alternative in self.synonyms(tokens) {
            let terms: Option<Vec<Term>> = alternative.stems.iter().map(|stem| self.index.term(stem)).collect();
            forms.extend(terms.map(|terms| Form { terms, how: How::Synonym, text: alternative.text.clone() }));
        }
        Unit { typed, forms: forms.0, is_head: false }
    }

    fn forms_of_word(&self, token: &Token, is_open: bool, forms: &mut Forms) {
        let vocabulary = &self.index.vocabulary;
        let one = |term: Term, how: How, text: &str| Form { terms: vec![term], how, text: text.to_owned() };
        let mut terms = self.index.terms_of(&token.plain);
        terms.extend(
            self.languages.iter().filter_map(|language| self.index.term(&language.words().stem(&token.written))),
        );
        forms.extend(terms.into_iter().map(|term| one(term, How::Typed, &token.plain)));
        let measure = measure::in_one(&token.plain).and_then(|measure| self.index.term(&measure));
        forms.extend(measure.map(|term| one(term, How::Typed, &token.plain)));
        if is_open && token.plain.len() >= SHORTEST_COMPLETED {
            for (word, _) in vocabulary.beginning_with(&token.plain, MOST_COMPLETIONS) {
                forms.extend(self.index.terms_of(word).into_iter().map(|term| one(term, How::Completed, word)));
            }
        }
        if self.languages.iter().any(|language| language.has_compounds()) {
            for word in vocabulary.compounds_of(&token.plain, MOST_COMPOUNDS) {
                forms.extend(self.index.terms_of(word).into_iter().map(|term| one(term, How::Compound, word)));
            }
        }
        let may_go_on = is_open && !forms.0.is_empty();
        if !token.has_digit() && !may_go_on && !self.is_meant {
            self.mend(token, forms);
        }
    }

    /// Adds what may have been meant: other words, two words written as one.
    fn mend(&self, token: &Token, forms: &mut Forms) {
        let products = self.frequency(&token.plain, forms);
        if products > RARE {
            return;
        }
        let split = self.split(&token.plain);
        if let Some((left, right, terms)) = split {
            forms.extend([Form { terms, how: How::Split, text: format!("{left} {right}") }]);
            return;
        }
        let mut corrections = spelling::corrections(&self.index.vocabulary, &token.plain, MOST_CORRECTIONS);
        if products > 0 {
            let own = spelling::score_as_typed(products);
            corrections.retain(|correction| correction.score > own + KNOWN_MARGIN);
        }
        let best = corrections.first().map_or(0.0, |correction| correction.score);
        corrections.retain(|correction| correction.score > best - CORRECTION_MARGIN);
        for Correction { word, .. } in corrections {
            let corrected = self.index.terms_of(&word).into_iter();
            forms.extend(corrected.map(|term| Form { terms: vec![term], how: How::Corrected, text: word.to_string() }));
        }
    }

    /// Products that have a word, in whatever form.
    fn frequency(&self, word: &str, forms: &Forms) -> u32 {
        let in_forms = forms.0.iter().flat_map(|form| &form.terms).map(|term| self.index.postings(*term).len() as u32);
        in_forms.max().unwrap_or(0).max(self.index.vocabulary.products(word))
    }

    /// Two words that were written as one, if products have them side by side.
    fn split(&self, word: &str) -> Option<(String, String, Vec<Term>)> {
        if self.index.vocabulary.products(word) > 0 {
            return None;
        }
        let places = word.char_indices().map(|(place, _)| place);
        let parts = places.filter_map(|place| word.split_at_checked(place));
        let parts = parts.filter(|(left, right)| left.len() >= SHORTEST_PART && right.len() >= SHORTEST_PART);
        let frequency = |part: &str| self.index.vocabulary.products(part);
        let known = parts.filter(|(left, right)| frequency(left) > 0 && frequency(right) > 0);
        let together = known.filter(|(left, right)| self.index.stand_together(left, right));
        let (left, right) = together.max_by_key(|(left, right)| frequency(left).min(frequency(right)))?;
        let terms = [left, right].iter().filter_map(|part| self.index.terms_of(part).first().copied()).collect();
        Some((left.to_owned(), right.to_owned(), terms))
    }

    fn forms_of_name(&self, tokens: &[Token], typed: &str, forms: &mut Forms) {
        let together: String = tokens.iter().map(|token| token.plain.replace('.', "")).collect();
        let is_one_name = tokens.iter().skip(1).all(|token| token.gap == Gap::Joined);
        let how = if is_one_name { How::Typed } else { How::Joined };
        let parts: Vec<Option<Term>> = tokens.iter().map(|token| self.term_of_token(token)).collect();
        let all: Option<Vec<Term>> = parts.iter().copied().collect();
        forms.extend(all.map(|terms| Form { terms, how: How::Typed, text: typed.to_owned() }));
        for term in self.index.terms_of(&together) {
            forms.extend([Form { terms: vec![term], how, text: together.clone() }]);
        }
        if let [number, unit] = tokens
            && let Some(term) = measure::of(&number.plain, &unit.plain).and_then(|measure| self.index.term(&measure))
        {
            forms.extend([Form { terms: vec![term], how: How::Typed, text: typed.to_owned() }]);
        }
        let head = match self.languages[0].words().head {
            HeadPlace::Last => parts.last(),
            HeadPlace::First => parts.first(),
        };
        let head = head.copied().flatten().filter(|_| tokens.iter().all(|token| !token.has_digit()));
        forms.extend(head.map(|term| Form { terms: vec![term], how: How::Part, text: typed.to_owned() }));
    }

    fn term_of_token(&self, token: &Token) -> Option<Term> {
        let by_stem = |language: &Language| self.index.term(&language.words().stem(&token.written));
        self.index.terms_of(&token.plain).first().copied().or_else(|| self.languages.iter().find_map(by_stem))
    }

    fn synonyms(&self, tokens: &[Token]) -> Vec<Alternative> {
        let mut found: Vec<Alternative> = Vec::new();
        for (place, language) in self.languages.iter().enumerate() {
            let stems: Vec<String> = tokens.iter().map(|token| language.words().stem(&token.written)).collect();
            for alternative in self.lexicon.find(&stems, *language, place == 0) {
                if !found.contains(alternative) {
                    found.push(alternative.clone());
                }
            }
        }
        found
    }

    /// Of several corrections, those go first that stand beside the other words in products.
    fn settle_by_context(&mut self) {
        for place in 0..self.reading.units.len() {
            let unit = &self.reading.units[place];
            if unit.forms.iter().filter(|form| form.how == How::Corrected).count() < 2 {
                continue;
            }
            let others: Vec<Term> = self
                .reading
                .units
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != place)
                .filter_map(|(_, unit)| unit.forms.first()?.terms.first().copied())
                .collect();
            let fits =
                |form: &Form| others.iter().filter(|other| share_a_product(self.index, form.terms[0], **other)).count();
            let mut forms = unit.forms.clone();
            // Stable: of those that fit as well, the likelier stays in front.
            forms.sort_by_key(|form| if form.how == How::Corrected { usize::MAX - fits(form) } else { 0 });
            let best = forms.iter().find(|form| form.how == How::Corrected).map_or(0, &fits);
            forms.retain(|form| form.how != How::Corrected || fits(form) == best);
            self.reading.units[place].forms = forms;
        }
    }
}

impl SearchIndex {
    /// What a word of the catalog is indexed as, the most frequent first.
    pub(crate) fn terms_of(&self, word: &str) -> Vec<Term> {
        let stems = self.vocabulary.get(word).map_or(&[][..], |known| &known.stems);
        let mut stems: Vec<&(Arc<str>, u32)> = stems.iter().collect();
        stems.sort_by_key(|(_, products)| std::cmp::Reverse(*products));
        stems.into_iter().filter_map(|(stem, _)| self.term(stem)).collect()
    }

    /// Whether a title has the two words side by side.
    pub(crate) fn stand_together(&self, one: &str, other: &str) -> bool {
        let (one, other) = (self.terms_of(one), self.terms_of(other));
        let has_both =
            |title: &[Term], one: Term| title.windows(2).any(|pair| pair[0] == one && other.contains(&pair[1]));
        one.iter().any(|one| {
            let docs = self.postings(*one).iter().take(MOST_TITLES_READ);
            docs.into_iter().any(|posting| has_both(self.title(posting.doc), *one))
        })
    }
}

/// Whether a product has both words outside of its description.
pub(crate) fn share_a_product(index: &SearchIndex, one: Term, other: Term) -> bool {
    let (one, other) = (index.postings(one), index.postings(other));
    let (few, many) = if one.len() < other.len() { (one, other) } else { (other, one) };
    few.iter().filter(|posting| posting.marks.is_prominent()).any(|posting| {
        many.binary_search_by_key(&posting.doc, |other| other.doc).is_ok_and(|place| many[place].marks.is_prominent())
    })
}

/// Forms of a unit, each set of terms once: the first that names it says what it is worth.
#[derive(Default)]
struct Forms(Vec<Form>);

impl Forms {
    fn extend(&mut self, forms: impl IntoIterator<Item = Form>) {
        for form in forms {
            if !form.terms.is_empty() && self.0.iter().all(|known| known.terms != form.terms) {
                self.0.push(form);
            }
        }
    }
}
