//! The index: which products have a word, and where in them.
//!
//! It is a value: a clone shares everything and stays as it is while the original goes on. What it says depends on the
//! products that are in, not on the order or the way in which they came, so an answer can be made again from the log.

use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use mercer_persistent::{Few, Pages};
use mercer_schema::Product;

use crate::Language;
use crate::accents::Accents;
use crate::analysis::Analysis;
use crate::facets::Facets;
use crate::marks::Marks;
use crate::numbers::Numbers;
use crate::spelling::Channel;
use crate::thesaurus::Thesaurus;
use crate::vocabulary::Vocabulary;

/// What has the form of a code is one when no more products have it.
const MOST_WITH_LIKELY_CODE: usize = 2;

/// A product's number, as the catalog gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Doc(pub u32);

/// A stem's number. Which it is says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Term(pub(crate) u32);

/// A product that has a word, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Posting {
    pub(crate) doc: Doc,
    pub(crate) marks: Marks,
}

/// A stem, and its postings in order of the products' numbers.
#[derive(Debug, Clone)]
struct Stem {
    text: Arc<str>,
    postings: Few<Posting>,
}

/// All products, by their words.
#[derive(Debug, Clone)]
pub struct SearchIndex {
    /// The language of products that do not show theirs.
    shop: Language,
    terms: Pages<Stem>,
    term_numbers: Numbers,
    /// Titles as terms, by product.
    titles: Pages<Option<Arc<[Term]>>>,
    codes: OrdSet<(Term, Doc)>,
    /// Values that have the form of a code, which need be no word.
    likely_codes: OrdMap<Arc<str>, Few<Doc>>,
    facets: Facets,
    pub(crate) vocabulary: Vocabulary,
    accents: Accents,
    pub(crate) totals: Totals,
}

/// Sums over all products.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) products: u64,
    /// Words, by field.
    lengths: [u64; 3],
    /// Products that are written in a language, as [`Language::ALL`].
    languages: [u64; 7],
}

impl Default for SearchIndex {
    fn default() -> Self {
        Self::new(Language::English)
    }
}

impl SearchIndex {
    /// An empty index of a shop in which products are mostly written so.
    pub fn new(shop: Language) -> Self {
        Self {
            shop,
            terms: Pages::default(),
            term_numbers: Numbers::default(),
            titles: Pages::default(),
            codes: OrdSet::new(),
            likely_codes: OrdMap::new(),
            facets: Facets::default(),
            vocabulary: Vocabulary::default(),
            accents: Accents::default(),
            totals: Totals::default(),
        }
    }

    /// Puts a product in. `before` is what stood under this number, if anything did.
    pub fn put(&mut self, doc: Doc, before: Option<&Product>, product: &Product) {
        self.facets.put(doc, product);
        let before = before.map(|product| Analysis::of(product, self.shop));
        let now = Analysis::of(product, self.shop);
        // A price or a stock that changes is not a word.
        if before.as_ref() == Some(&now) {
            return;
        }
        if let Some(before) = before {
            self.forget(doc, &before);
        }
        self.learn(doc, &now);
    }

    /// Takes out the product that stood under this number.
    pub fn remove(&mut self, doc: Doc, before: &Product) {
        self.facets.remove(doc);
        self.forget(doc, &Analysis::of(before, self.shop));
    }

    /// Makes what the first search would have to wait for: what is known of languages and slips, and the table of words.
    pub fn prepare(&self) {
        Thesaurus::built_in(self.shop);
        Channel::get();
        self.vocabulary.largest_table();
    }

    /// A text of words without accents as the catalog writes them.
    pub fn spelled(&self, text: &str) -> String {
        let word = |word| self.accents.of(word, self.vocabulary.products(word)).unwrap_or(word);
        text.split(' ').map(word).collect::<Vec<_>>().join(" ")
    }

    /// Products that can be found.
    pub fn len(&self) -> usize {
        self.totals.products as usize
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub const fn facets(&self) -> &Facets {
        &self.facets
    }

    /// The language of products that do not show theirs.
    pub const fn shop_language(&self) -> Language {
        self.shop
    }

    /// How many products show that they are written in a language.
    pub const fn written_in(&self, language: Language) -> u64 {
        self.totals.languages(language)
    }

    /// Languages in which products are written, the shop's own first.
    pub(crate) fn languages(&self) -> Vec<Language> {
        let mut others: Vec<(u64, Language)> = self.totals.languages.iter().copied().zip(Language::ALL).collect();
        others.retain(|(products, language)| *products > 0 && *language != self.shop);
        others.sort_by_key(|(products, _)| std::cmp::Reverse(*products));
        std::iter::once(self.shop).chain(others.into_iter().map(|(_, language)| language)).collect()
    }

    /// The number of a stem that some product has.
    pub(crate) fn term(&self, stem: &str) -> Option<Term> {
        self.numbered(stem).filter(|term| !self.postings(*term).is_empty())
    }

    pub(crate) fn postings(&self, term: Term) -> &[Posting] {
        self.terms.get(term.0 as usize).map_or(&[], |stem| &stem.postings)
    }

    /// The text of a stem.
    pub(crate) fn stem(&self, term: Term) -> &str {
        self.terms.get(term.0 as usize).map_or("", |stem| &stem.text)
    }

    /// The title's words in order, as terms.
    pub(crate) fn title(&self, doc: Doc) -> &[Term] {
        self.titles.get(doc.0 as usize).and_then(Option::as_deref).unwrap_or(&[])
    }

    /// Products of which a code is this one, letters and digits alone.
    pub(crate) fn with_code(&self, code: &str) -> Vec<Doc> {
        let term = self.term(code);
        let named = term.into_iter().flat_map(|term| self.codes.range((term, Doc(0))..=(term, Doc(u32::MAX))));
        let named: Vec<Doc> = named.map(|(_, doc)| *doc).collect();
        if !named.is_empty() {
            return named;
        }
        let likely = self.likely_codes.get(code).map_or(&[][..], |docs| docs);
        // As a word it may stand in titles and texts of others, too.
        let as_word = term.map_or(0, |term| self.postings(term).len());
        if likely.len().max(as_word) <= MOST_WITH_LIKELY_CODE { likely.to_vec() } else { Vec::new() }
    }

    /// Numbers given so far.
    pub(crate) fn docs(&self) -> usize {
        self.titles.len()
    }

    /// Words of a field in a product, on average.
    pub(crate) fn average_length(&self, field: usize) -> f32 {
        (self.totals.lengths[field] as f32 / self.totals.products.max(1) as f32).max(1.0)
    }

    fn learn(&mut self, doc: Doc, analysis: &Analysis) {
        for (stem, marks) in &analysis.terms {
            let term = self.number(stem);
            let Some(stem) = self.terms.get_mut(term.0 as usize) else { continue };
            stem.postings.insert_by_key(Posting { doc, marks: *marks }, |posting| posting.doc);
        }
        let has_compounds = self.has_compounds(analysis);
        // What is written and what is a code are among the terms.
        for (word, stem) in &analysis.written {
            if let Some(term) = self.numbered(stem) {
                self.vocabulary.insert(word, (term, &self.terms[term.0 as usize].text), has_compounds);
            }
        }
        analysis.accented.iter().for_each(|(plain, written)| self.accents.count(plain, written, 1));
        for code in &analysis.codes {
            if let Some(term) = self.numbered(code) {
                self.codes.insert((term, doc));
            }
        }
        for code in &analysis.likely_codes {
            self.likely_codes.entry(Arc::from(code.as_str())).or_default().insert_by_key(doc, |doc| *doc);
        }
        let title: Arc<[Term]> = analysis.title.iter().filter_map(|stem| self.numbered(stem)).collect();
        self.titles.put(doc.0 as usize, Some(title), || None);
        self.totals.add(analysis, 1);
    }

    fn has_compounds(&self, analysis: &Analysis) -> bool {
        analysis.language.unwrap_or(self.shop).has_compounds()
    }

    fn forget(&mut self, doc: Doc, analysis: &Analysis) {
        for stem in analysis.terms.keys() {
            let stem = self.numbered(stem).and_then(|term| self.terms.get_mut(term.0 as usize));
            if let Some(stem) = stem {
                stem.postings.remove_by_key(&doc, |posting| posting.doc);
            }
        }
        let has_compounds = self.has_compounds(analysis);
        for (word, stem) in &analysis.written {
            if let Some(term) = self.numbered(stem) {
                self.vocabulary.remove(word, term, has_compounds);
            }
        }
        analysis.accented.iter().for_each(|(plain, written)| self.accents.count(plain, written, -1));
        for code in &analysis.codes {
            if let Some(term) = self.numbered(code) {
                self.codes.remove(&(term, doc));
            }
        }
        for code in &analysis.likely_codes {
            let Some(docs) = self.likely_codes.get_mut(code.as_str()) else { continue };
            docs.remove_by_key(&doc, |doc| *doc);
            if docs.is_empty() {
                self.likely_codes.remove(code.as_str());
            }
        }
        if let Some(title) = self.titles.get_mut(doc.0 as usize) {
            *title = None;
        }
        self.totals.add(analysis, -1);
    }

    fn numbered(&self, stem: &str) -> Option<Term> {
        self.term_numbers.find(&stem, |number| *self.terms[number as usize].text == *stem).map(Term)
    }

    fn number(&mut self, stem: &str) -> Term {
        let next = self.terms.len() as u32;
        let terms = &self.terms;
        let number = self.term_numbers.number(&stem, next, |number| *terms[number as usize].text == *stem);
        if number == next {
            self.terms.push(Stem { text: Arc::from(stem), postings: Few::None });
        }
        Term(number)
    }
}

impl Totals {
    pub(crate) const fn languages(&self, language: Language) -> u64 {
        self.languages[language as usize]
    }

    fn add(&mut self, analysis: &Analysis, sign: i64) {
        self.products = self.products.saturating_add_signed(sign);
        for (total, length) in self.lengths.iter_mut().zip(analysis.lengths) {
            *total = total.saturating_add_signed(sign * length as i64);
        }
        if let Some(language) = analysis.language {
            let products = &mut self.languages[language as usize];
            *products = products.saturating_add_signed(sign);
        }
    }
}
