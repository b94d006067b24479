//! What was typed, as units: each a word or a name, with all that it may be found as.
//!
//! Nothing that is typed can be an error or an attack: text is only ever taken apart into words, and their number, and that
//! of what each may be found as, is bounded.

use std::borrow::Cow;
use std::ops::Range;

use rustc_hash::FxHashSet;

use crate::index::{SearchIndex, Term};
use crate::language::{HeadPlace, Language, Words};
use crate::search::Lexicon;
use crate::spelling::{Meant, Mender};
use crate::text::{Gap, Token, code, tokens};
use crate::thesaurus::Alternative;
use crate::{Doc, compounds, measure, minus};

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
    /// All of it as it was understood, when words were corrected.
    pub(crate) corrected: Option<String>,
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
    let words = index.languages()[0].words();
    let text = minus::in_words(&text, words);
    let reader = Reader { index, lexicon, languages: languages(index), is_open, is_meant, reading: Reading::default() };
    let mut reading = reader.read(&text);
    if matches!(text, Cow::Owned(_)) {
        reading.corrected = reading.corrected.map(|corrected| minus::in_signs(&corrected, words));
    }
    reading
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
        let Self { index, lexicon, is_open, .. } = self;
        let mender = Mender { index, languages: &self.languages, lexicon, is_open };
        let words = if self.is_meant { tokens.iter().map(Meant::as_typed).collect() } else { mender.mend(&tokens) };
        self.reading.corrected = corrected(&words);
        let mut wanted = self.without_unwanted(words);
        let head = self.head(&wanted);
        let head = head.map(|place| wanted[place].clone());
        self.drop_stop_words(&mut wanted);
        self.drop_praise(&mut wanted);
        let mut place = 0;
        while place < wanted.len() {
            let length = self.length_of_unit(&wanted, place);
            let is_last = place + length == wanted.len();
            let words = &wanted[place..place + length];
            let mut unit = self.unit(words, is_last && self.is_open);
            unit.is_head = head.as_ref().is_some_and(|head| words.iter().any(|word| word == head));
            // Near words may be looked for, but nobody says that they were meant.
            let is_guessed = unit.forms.iter().all(|form| form.how == How::Corrected);
            if is_guessed && words.iter().all(|word| word.how == How::Typed) {
                self.reading.unknown.push(unit.typed.clone());
            }
            if !unit.forms.is_empty() {
                self.reading.units.push(unit);
            }
            place += length;
        }
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
    fn without_unwanted(&mut self, mut words: Vec<Meant>) -> Vec<Meant> {
        let mut wanted: Vec<Meant> = Vec::with_capacity(words.len());
        let mut place = 0;
        while place < words.len() {
            let unwanted = self.unwanted_behind(&words, place);
            if let Some(last) = unwanted.last() {
                place = last.end;
                for words in unwanted.into_iter().filter_map(|range| words.get(range)) {
                    let mut unit = self.unit(words, false);
                    // Who wants no lunch bag may want a bag.
                    unit.forms.retain(|form| form.how != How::Part);
                    self.reading.unwanted.push(unit);
                }
                continue;
            }
            if self.is_named(&words, place) {
                words[place + 1].token.gap = Gap::Joined;
            }
            wanted.push(words[place].clone());
            place += 1;
        }
        wanted
    }

    /// What a word that says *without* takes out: the name behind it, and one more behind an *and* that ends the text.
    fn unwanted_behind(&self, words: &[Meant], place: usize) -> Vec<Range<usize>> {
        let Some(next) = words.get(place + 1).filter(|_| self.is_negation(&words[place])) else { return Vec::new() };
        // *No 5* is a number.
        let is_numbered = place == 0 && next.token.plain.parse::<f64>().is_ok();
        if is_numbered || self.is_named(words, place) {
            return Vec::new();
        }
        // *Not for christmas*, *without a lid*.
        let is_word = |word: &Meant| !self.is_stop(word) && !self.is_aside(word);
        let skipped = words[place + 1..].iter().position(is_word).unwrap_or(0);
        let name = |start: usize| start..start + self.length_of_unit(words, start);
        let first = name(place + 1 + skipped);
        let and = words.get(first.end).filter(|word| self.is_conjunction(word));
        let second = and.filter(|_| first.end + 1 < words.len()).map(|_| name(first.end + 1));
        let second = second.filter(|second| second.end == words.len());
        std::iter::once(first).chain(second).collect()
    }

    /// Whether a word that says *without* is only a part of a name.
    fn is_named(&self, words: &[Meant], place: usize) -> bool {
        let next = words.get(place + 1).filter(|_| self.is_negation(&words[place]));
        next.is_some_and(|next| self.is_name(&words[place].token, &next.token))
    }

    fn is_negation(&self, word: &Meant) -> bool {
        self.says(word, |words| &words.negation)
    }

    fn is_conjunction(&self, word: &Meant) -> bool {
        self.says(word, |words| &words.conjunction)
    }

    fn is_stop(&self, word: &Meant) -> bool {
        self.says(word, |words| &words.stop)
    }

    fn is_aside(&self, word: &Meant) -> bool {
        let is_it = |phrase: &Vec<String>| matches!(&phrase[..], [aside] if *aside == word.token.plain);
        self.languages.iter().any(|language| language.words().aside.iter().any(is_it))
    }

    fn says(&self, word: &Meant, what: impl Fn(&Words) -> &FxHashSet<String>) -> bool {
        self.languages.iter().any(|language| what(language.words()).contains(&word.token.plain))
    }

    /// Whether two words stand together in a title or are written as one: `non stick` is no negation.
    fn is_name(&self, one: &Token, other: &Token) -> bool {
        other.gap == Gap::Joined
            || self.index.vocabulary.products(&format!("{}{}", one.plain, other.plain)) > 0
            || self.index.stand_together(&one.plain, &other.plain)
    }

    /// The place of the word that says what is looked for.
    fn head(&self, wanted: &[Meant]) -> Option<usize> {
        let words = self.languages[0].words();
        let tokens: Vec<Token> = wanted.iter().map(|word| word.token.clone()).collect();
        let heads = crate::heads::heads(&tokens, words, &FxHashSet::default());
        let head = match words.head {
            HeadPlace::Last => heads.iter().rposition(|is_head| *is_head),
            HeadPlace::First => heads.iter().position(|is_head| *is_head),
        };
        // A brand, a number or a colour alone is what is looked for.
        head.or_else(|| tokens.len().checked_sub(1))
    }

    fn drop_stop_words(&self, words: &mut Vec<Meant>) {
        let last = words.len().saturating_sub(1);
        let keeps: Vec<bool> = (0..words.len())
            .map(|place| {
                let is_part = words.get(place + 1).is_some_and(|next| next.token.gap == Gap::Joined);
                // While it is open the last word may go on: `the` may become `thermos`.
                !self.is_stop(&words[place])
                    || is_part
                    || words[place].token.gap == Gap::Joined
                    || (self.is_open && place == last)
            })
            .collect();
        if keeps.contains(&true) {
            let mut keeps = keeps.into_iter();
            words.retain(|_| keeps.next().unwrap_or(true));
        }
    }

    /// Praise asks for nothing, unless the catalog has it beside its neighbour or as a name: the *best* of *best mug*, not that of
    /// *best dad*. Alone it stays.
    fn drop_praise(&self, words: &mut Vec<Meant>) {
        let is_name = |place: usize| {
            let pair = |first: usize| {
                let second = words.get(first + 1)?;
                Some(self.is_name(&words[first].token, &second.token))
            };
            let is_beside = |first: Option<usize>| first.and_then(pair) == Some(true);
            is_beside(Some(place))
                || is_beside(place.checked_sub(1))
                || !self.index.facets().written(&words[place].token.plain).is_empty()
        };
        let keeps: Vec<bool> =
            (0..words.len()).map(|place| !self.says(&words[place], |words| &words.praise) || is_name(place)).collect();
        if keeps.contains(&true) {
            let mut keeps = keeps.into_iter();
            words.retain(|_| keeps.next().unwrap_or(true));
        }
    }

    /// How many words from here are one unit.
    fn length_of_unit(&self, words: &[Meant], place: usize) -> usize {
        let joined = 1 + words[place + 1..].iter().take_while(|word| word.token.gap == Gap::Joined).count();
        let longest = LONGEST_PHRASE.min(words.len() - place);
        let is_entry = |length: &usize| !self.synonyms(&words[place..place + length]).is_empty();
        // Never a part of what is joined: *usb-c cable*, not the *usb* of *usb-c*.
        let is_whole = |length: &usize| words.get(place + length).is_none_or(|next| next.token.gap != Gap::Joined);
        if let Some(length) = (joined.max(2)..=longest).rev().filter(is_whole).find(is_entry) {
            return length;
        }
        if joined > 1 {
            return joined;
        }
        let Some(next) = words.get(place + 1) else { return 1 };
        let (one, other) = (&words[place].token.plain, &next.token.plain);
        let is_word = || self.index.vocabulary.products(&format!("{one}{other}")) > 0;
        if measure::of(one, other).is_some() || is_word() { 2 } else { 1 }
    }

    fn unit(&self, words: &[Meant], is_open: bool) -> Unit {
        let typed = words.iter().map(|word| word.typed.as_str()).filter(|typed| !typed.is_empty());
        let typed = typed.collect::<Vec<_>>().join(" ");
        let mut forms = Forms::default();
        match words {
            [word] => self.forms_of_word(word, is_open, &mut forms),
            _ => self.forms_of_name(words, &mut forms),
        }
        for alternative in self.synonyms(words) {
            let form = |terms| Form { terms, how: How::Synonym, text: alternative.text.clone() };
            let terms: Option<Vec<Term>> = alternative.stems.iter().map(|stem| self.index.term(stem)).collect();
            forms.extend(terms.map(form));
            // A *t-shirt* may be a *tshirt* in the catalog.
            if alternative.stems.len() > 1 {
                forms.extend(self.index.term(&alternative.stems.concat()).map(|term| form(vec![term])));
            }
        }
        Unit { typed, forms: forms.0, is_head: false }
    }

    fn forms_of_word(&self, word: &Meant, is_open: bool, forms: &mut Forms) {
        let token = &word.token;
        let vocabulary = &self.index.vocabulary;
        let one = |term: Term, how: How, text: &str| Form { terms: vec![term], how, text: text.to_owned() };
        let mut terms = self.index.terms_of(&token.plain);
        terms.extend(
            self.languages.iter().filter_map(|language| self.index.term(&language.words().stem(&token.written))),
        );
        forms.extend(terms.into_iter().map(|term| one(term, word.how, &token.plain)));
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
            let parts = compounds::parts(self.index, &self.languages, &token.plain);
            forms.extend(parts.map(|parts| Form {
                terms: parts.map(|(_, term)| term).to_vec(),
                how: How::Split,
                text: parts.map(|(text, _)| self.index.spelled(text)).join(" "),
            }));
        }
        // A rare word of the catalog may be what was meant after all.
        let as_typed = self.index.terms_of(&word.typed);
        forms.extend(as_typed.into_iter().map(|term| one(term, How::Typed, &word.typed)));
        for other in &word.others {
            forms.extend(self.index.terms_of(other).into_iter().map(|term| one(term, How::Corrected, other)));
        }
    }

    fn forms_of_name(&self, words: &[Meant], forms: &mut Forms) {
        let tokens: Vec<&Token> = words.iter().map(|word| &word.token).collect();
        let typed = tokens.iter().map(|token| token.plain.as_str()).collect::<Vec<_>>().join(" ");
        let together: String = tokens.iter().map(|token| token.plain.replace('.', "")).collect();
        let is_one_name = tokens.iter().skip(1).all(|token| token.gap == Gap::Joined);
        let how = if is_one_name { How::Typed } else { How::Joined };
        let parts: Vec<Option<Term>> =
            tokens.iter().map(|token| self.index.term_of(&token.plain, &token.written, &self.languages)).collect();
        let all: Option<Vec<Term>> = parts.iter().copied().collect();
        let how_apart = if words.iter().any(|word| word.how == How::Split) { How::Split } else { How::Typed };
        forms.extend(all.map(|terms| Form { terms, how: how_apart, text: typed.clone() }));
        for term in self.index.terms_of(&together) {
            forms.extend([Form { terms: vec![term], how, text: together.clone() }]);
        }
        if let [number, unit] = tokens.as_slice()
            && let Some(term) = measure::of(&number.plain, &unit.plain).and_then(|measure| self.index.term(&measure))
        {
            forms.extend([Form { terms: vec![term], how: How::Typed, text: typed.clone() }]);
        }
        let head = match self.languages[0].words().head {
            HeadPlace::Last => parts.last(),
            HeadPlace::First => parts.first(),
        };
        let head = head.copied().flatten().filter(|_| tokens.iter().all(|token| !token.has_digit()));
        forms.extend(head.map(|term| Form { terms: vec![term], how: How::Part, text: typed }));
    }

    fn synonyms(&self, words: &[Meant]) -> Vec<Alternative> {
        let mut found: Vec<Alternative> = Vec::new();
        for (place, language) in self.languages.iter().enumerate() {
            let stem = |word: &Meant| language.words().stem(&word.token.written);
            let stems: Vec<String> = words.iter().map(stem).collect();
            for alternative in self.lexicon.find(&stems, *language, place == 0) {
                if !found.contains(alternative) {
                    found.push(alternative.clone());
                }
            }
        }
        found
    }
}

/// All of a text as it was understood, when words of it were corrected.
fn corrected(words: &[Meant]) -> Option<String> {
    let mut text = String::new();
    for word in words {
        text.push_str(match word.token.gap {
            _ if text.is_empty() => "",
            Gap::Joined if word.how != How::Split => "-",
            Gap::Slash => "/",
            _ => " ",
        });
        text.push_str(&word.token.written);
    }
    words.iter().any(|word| word.how != How::Typed).then_some(text)
}

impl SearchIndex {
    /// What a word of the catalog is indexed as, the most frequent first.
    pub(crate) fn terms_of(&self, word: &str) -> Vec<Term> {
        let stems = self.vocabulary.get(word).map_or(&[][..], |known| &known.stems);
        let mut stems = stems.to_vec();
        stems.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| self.stem(a.0).cmp(self.stem(b.0))));
        stems.into_iter().map(|(term, _)| term).collect()
    }

    /// What a word is indexed as most often: as the catalog has it, or else by its stem.
    pub(crate) fn term_of(&self, plain: &str, written: &str, languages: &[Language]) -> Option<Term> {
        let by_stem = |language: &Language| self.term(&language.words().stem(written));
        self.terms_of(plain).first().copied().or_else(|| languages.iter().find_map(by_stem))
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
