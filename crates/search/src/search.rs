//! From what was typed to products: read it, match it, and keep the best.

use std::sync::Arc;

use mercer_schema::{Product, SynonymRule};

use crate::query::{How, Typed, Unit, read};
use crate::rank::{Match, Matcher, Weights, has_any, is_in};
use crate::relevant::relevant;
use crate::text::{code, tokens};
use crate::thesaurus::{Alternative, Refusals, Thesaurus};
use crate::{Doc, Language, SearchIndex, Synonyms, mine};

/// What stands beside the index in an answer: words for the same thing, and weights.
#[derive(Debug, Clone, Default)]
pub struct Lexicon {
    /// Learned, by language: they count in the first language of the index.
    learned: Arc<[Thesaurus]>,
    synonyms: Arc<[Synonyms]>,
    shop: ShopWords,
    pub weights: Weights,
}

impl Lexicon {
    /// With synonyms that were learned, besides those of the languages.
    pub fn new(synonyms: &[Synonyms]) -> Self {
        let learned = Language::ALL.into_iter().map(|language| Thesaurus::own(synonyms, language)).collect();
        Self { learned, synonyms: synonyms.into(), ..Self::default() }
    }

    /// The same with the shop's own words. Nothing is built anew.
    #[must_use]
    pub fn with(&self, shop: &ShopWords) -> Self {
        Self { shop: shop.clone(), ..self.clone() }
    }

    /// What was learned.
    pub fn synonyms(&self) -> &[Synonyms] {
        &self.synonyms
    }

    /// Texts that answer what has these stems: the shop's, those that were learned, those of the language; none that the
    /// shop refuses.
    pub(crate) fn find<'a>(
        &'a self,
        stems: &'a [String],
        language: Language,
        is_first: bool,
    ) -> impl Iterator<Item = &'a Alternative> {
        let shop = self.shop.own.get(language as usize).map_or(&[][..], |own| own.find(stems));
        let learned = self.learned.get(language as usize).filter(|_| is_first).map_or(&[][..], |own| own.find(stems));
        let found = learned.iter().chain(Thesaurus::built_in(language).find(stems));
        let refused = self.shop.refused.get(language as usize);
        shop.iter()
            .chain(found.filter(move |other| refused.is_none_or(|refused| !refused.contains(stems, &other.stems))))
    }

    /// Words that `find` knows and from which a word differs by one slip.
    pub(crate) fn near<'a>(
        &'a self,
        word: &'a str,
        language: Language,
        is_first: bool,
    ) -> impl Iterator<Item = &'a str> {
        let own = self.shop.own.get(language as usize);
        let learned = self.learned.get(language as usize).filter(|_| is_first);
        let known = own.into_iter().chain(learned).chain([Thesaurus::built_in(language)]);
        known.flat_map(move |known| known.near(word))
    }
}

/// The shop's own words for the same thing, in every language: which of them a catalog speaks may change.
#[derive(Debug, Clone, Default)]
pub struct ShopWords {
    own: Arc<[Thesaurus]>,
    refused: Arc<[Refusals]>,
}

impl ShopWords {
    pub fn new(rules: &[SynonymRule]) -> Self {
        let told = |is_refused: bool| -> Vec<Synonyms> {
            let rules = rules.iter().filter(|rule| rule.refused == is_refused);
            rules.map(|rule| Synonyms { from: rule.from.clone(), to: rule.to.clone() }).collect()
        };
        let (own, refused) = (told(false), told(true));
        Self {
            own: Language::ALL.into_iter().map(|language| Thesaurus::own(&own, language)).collect(),
            refused: Language::ALL.into_iter().map(|language| Refusals::new(&refused, language)).collect(),
        }
    }
}

/// Words for the same thing that a catalog shows.
pub fn synonyms_of<'a>(products: impl Iterator<Item = &'a Product>, language: Language) -> Vec<Synonyms> {
    mine::synonyms(products, language)
}

/// What was found, and what was understood.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// In order of the products' numbers.
    pub matches: Vec<Match>,
    /// The score of the best of them, never nought.
    pub highest: f32,
    /// What was looked for instead, when a word was typed wrong.
    pub corrected: Option<String>,
    /// Words that the best product lacks, since none has all.
    pub dropped: Vec<String>,
    /// Words that no product has.
    pub unknown: Vec<String>,
    /// Words that nothing found may have.
    pub unwanted: Vec<String>,
    /// All of it was the code of a product.
    pub is_code: bool,
    pub words: Vec<FoundWord>,
    pub(crate) without: Vec<Unit>,
}

impl Found {
    /// Whether nothing is asked for but that something is left out.
    pub fn is_only_without(&self) -> bool {
        self.words.is_empty() && self.unknown.is_empty() && !self.unwanted.is_empty()
    }

    /// With these products in place of those that words found, all with a score of 1.
    #[must_use]
    pub fn instead(self, matches: Vec<Match>) -> Self {
        Self { matches, highest: 1.0, ..self }
    }

    /// Products that nobody asked for by words, all with a score of 1.
    pub fn without_words(matches: Vec<Match>) -> Self {
        Self::default().instead(matches)
    }
}

/// A word, or several that belong together, and as what it was looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundWord {
    pub typed: String,
    /// Other texts that were looked for, with why.
    pub also: Vec<(String, &'static str)>,
}

impl SearchIndex {
    /// Whether all of a text is the code of a product.
    pub fn is_code(&self, text: &str) -> bool {
        !self.with_code(&code(text)).is_empty()
    }

    /// Whether the catalog writes every word of a text as it is written there.
    pub fn knows(&self, text: &str) -> bool {
        tokens(text, usize::MAX).iter().all(|token| self.vocabulary.products(&token.plain) > 0)
    }

    /// All products that have some of what was typed. The last word may be only begun when `is_open`.
    pub fn find(&self, lexicon: &Lexicon, text: &str, is_open: bool) -> Found {
        self.find_read(lexicon, text, Typed { is_open, is_meant: false })
    }

    /// The same with every word as it was typed: no slip is forgiven.
    pub fn find_as_typed(&self, lexicon: &Lexicon, text: &str, is_open: bool) -> Found {
        self.find_read(lexicon, text, Typed { is_open, is_meant: true })
    }

    fn find_read(&self, lexicon: &Lexicon, text: &str, how: Typed) -> Found {
        let reading = read(self, lexicon, text, how);
        let matches = relevant(&Matcher::new(self, &reading, &lexicon.weights));
        let first = matches.iter().reduce(|best, found| if found.score > best.score { found } else { best });
        let is_dropped = |unit: &&Unit| {
            let is_missing = first.is_some_and(|first| !first.is_coded && !is_in(self, unit, first.doc));
            is_missing && !reading.unknown.contains(&unit.typed)
        };
        Found {
            dropped: reading.units.iter().filter(is_dropped).map(|unit| unit.typed.clone()).collect(),
            highest: first.map_or(0.0, |first| first.score).max(f32::MIN_POSITIVE),
            matches,
            corrected: reading.corrected,
            words: reading
                .units
                .iter()
                .map(|unit| FoundWord { typed: unit.typed.clone(), also: others(unit) })
                .collect(),
            unwanted: reading.unwanted.iter().map(|unit| unit.typed.clone()).collect(),
            without: reading.unwanted,
            is_code: reading.is_code,
            unknown: reading.unknown,
        }
    }

    /// Whether a product has nothing of what was not wanted.
    pub fn is_wanted(&self, found: &Found, doc: Doc) -> bool {
        !has_any(self, &found.without, doc)
    }

    /// The best products for what was typed.
    pub fn search(&self, lexicon: &Lexicon, text: &str, limit: usize) -> Vec<Match> {
        best(self.find(lexicon, text, false).matches, limit)
    }
}

/// The best, best first; of equals the one with the lower number.
pub fn best(matches: impl IntoIterator<Item = Match>, limit: usize) -> Vec<Match> {
    let order = |a: &Match, b: &Match| b.score.total_cmp(&a.score).then(a.doc.cmp(&b.doc));
    if limit == 0 {
        return Vec::new();
    }
    let mut kept: Vec<Match> = Vec::new();
    // What is below the last of the best so far is not kept, and of what is kept there are never more than twice as many.
    let mut least = f32::NEG_INFINITY;
    for next in matches {
        if next.score.total_cmp(&least).is_lt() {
            continue;
        }
        kept.push(next);
        if kept.len() >= limit.saturating_mul(2) {
            kept.select_nth_unstable_by(limit - 1, order);
            kept.truncate(limit);
            least = kept[limit - 1].score;
        }
    }
    kept.sort_unstable_by(order);
    kept.truncate(limit);
    kept
}

fn others(unit: &Unit) -> Vec<(String, &'static str)> {
    let why = |how: How| match how {
        How::Typed | How::Part => None,
        How::Joined => Some("joined"),
        How::Split => Some("split"),
        How::Synonym => Some("synonym"),
        How::Corrected => Some("corrected"),
        How::Completed => Some("completed"),
        How::Compound => Some("compound"),
    };
    unit.forms.iter().filter_map(|form| Some((form.text.clone(), why(form.how)?))).collect()
}
