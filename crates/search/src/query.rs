//! From words to a query: what must be there, and what each word may be found as.
//!
//! Queries are built term by term; no text from outside is ever parsed. The number of terms is bounded by the
//! number of words read and by the expansions allowed for each.

use std::collections::BTreeMap;

use tantivy::query::{
    AllQuery, BooleanQuery, BoostQuery, ConstScoreQuery, DisjunctionMaxQuery, EmptyQuery, Occur, Query, TermQuery,
};
use tantivy::schema::IndexRecordOption;
use tantivy::{Searcher, Term};

use crate::fields::Fields;
use crate::words::{Typed, Word, is_one_slip};

/// Above any sum of word scores.
const EXACT_SCORE: f32 = 100_000.0;
/// What a completed or corrected word is worth; a word in the title is worth 4.
const COMPLETED: f32 = 2.0;
const CORRECTED: f32 = 1.0;
/// Share of the other fields' scores that is added to the best one's.
const TIE_BREAKER: f32 = 0.1;
/// Words a beginning is completed to, and a slip corrected to: those in most products.
const MOST_EXPANSIONS: usize = 30;
/// Words of a segment that are looked at for one beginning, and for all slips.
const MOST_COMPLETIONS_READ: usize = 2_000;
const MOST_WORDS_READ: usize = 200_000;
/// Shorter words are not completed, and not corrected: too much is near them.
const SHORTEST_COMPLETED: usize = 2;
const SHORTEST_CORRECTED: usize = 4;

/// How forgiving a search is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// Every word, the last one perhaps only begun.
    AsTyped,
    /// Every word, each perhaps with a slip.
    Corrected,
    /// Any word.
    AnyWord,
}

impl Attempt {
    pub(crate) const ALL: [Self; 3] = [Self::AsTyped, Self::Corrected, Self::AnyWord];
}

/// Products that fit what was typed. The id typed exactly stands on top.
pub(crate) fn find(
    searcher: &Searcher,
    fields: &Fields,
    typed: &Typed,
    attempt: Attempt,
) -> tantivy::Result<Box<dyn Query>> {
    let expansions = match attempt {
        Attempt::AsTyped => completions(searcher, fields, typed)?,
        Attempt::Corrected => corrections(searcher, fields, typed)?,
        Attempt::AnyWord => vec![Vec::new(); typed.words.len()],
    };
    let worth = if attempt == Attempt::AsTyped { COMPLETED } else { CORRECTED };
    let words = typed.words.iter().zip(expansions).map(|(word, others)| word_query(fields, word, &others, worth));
    let words: Vec<Box<dyn Query>> = words.collect();
    let all: Box<dyn Query> = match (words.is_empty(), attempt) {
        (true, _) => Box::new(EmptyQuery),
        (false, Attempt::AnyWord) => Box::new(BooleanQuery::union(words)),
        (false, _) => Box::new(BooleanQuery::intersection(words)),
    };
    let exact: Box<dyn Query> =
        Box::new(ConstScoreQuery::new(term(Term::from_field_text(fields.code, &typed.whole)), EXACT_SCORE));
    Ok(Box::new(BooleanQuery::union(vec![exact, all])))
}

/// The same among products that have all these terms.
pub(crate) fn narrowed(query: Box<dyn Query>, terms: Vec<Term>) -> Box<dyn Query> {
    if terms.is_empty() {
        return query;
    }
    let filters = terms.into_iter().map(|filter| {
        let query: Box<dyn Query> = Box::new(ConstScoreQuery::new(term(filter), 0.0));
        (Occur::Must, query)
    });
    Box::new(BooleanQuery::new(std::iter::once((Occur::Must, query)).chain(filters).collect()))
}

/// Every product.
pub(crate) fn everything() -> Box<dyn Query> {
    Box::new(AllQuery)
}

pub(crate) fn term(term: Term) -> Box<dyn Query> {
    Box::new(TermQuery::new(term, IndexRecordOption::Basic))
}

/// One word in its best field, or as one of the others.
fn word_query(fields: &Fields, word: &Word, others: &[String], worth: f32) -> Box<dyn Query> {
    let boosted = |query: Box<dyn Query>, weight: f32| -> Box<dyn Query> { Box::new(BoostQuery::new(query, weight)) };
    let stemmed = fields.weighted().into_iter().map(|(field, weight)| {
        let found = TermQuery::new(Term::from_field_text(field, &word.stem), IndexRecordOption::WithFreqs);
        boosted(Box::new(found), weight)
    });
    let others = others.iter().map(|other| boosted(term(Term::from_field_text(fields.word, other)), worth));
    Box::new(DisjunctionMaxQuery::with_tie_breaker(stemmed.chain(others).collect(), TIE_BREAKER))
}

/// For each word what else it may be found as: only the last one, and only while it is open.
fn completions(searcher: &Searcher, fields: &Fields, typed: &Typed) -> tantivy::Result<Vec<Vec<String>>> {
    let mut others = vec![Vec::new(); typed.words.len()];
    if let (Some(word), Some(last), true) = (typed.words.last(), others.last_mut(), typed.is_open)
        && word.plain.chars().count() >= SHORTEST_COMPLETED
    {
        *last = beginning_with(searcher, fields, &word.plain)?;
    }
    Ok(others)
}

fn beginning_with(searcher: &Searcher, fields: &Fields, beginning: &str) -> tantivy::Result<Vec<String>> {
    let mut frequencies = BTreeMap::new();
    for segment in searcher.segment_readers() {
        let inverted = segment.inverted_index(fields.word)?;
        let mut words = inverted.terms().range().ge(beginning.as_bytes()).into_stream()?;
        for _ in 0..MOST_COMPLETIONS_READ {
            if !words.advance() || !words.key().starts_with(beginning.as_bytes()) {
                break;
            }
            count(&mut frequencies, words.key(), words.value().doc_freq);
        }
    }
    Ok(most_frequent(frequencies))
}

/// For each word that is long enough, the words one slip away.
fn corrections(searcher: &Searcher, fields: &Fields, typed: &Typed) -> tantivy::Result<Vec<Vec<String>>> {
    let letters: Vec<Vec<char>> = typed.words.iter().map(|word| word.plain.chars().collect()).collect();
    let is_corrected =
        |letters: &[char]| letters.len() >= SHORTEST_CORRECTED && !letters.iter().all(|letter| letter.is_ascii_digit());
    let mut found: Vec<BTreeMap<String, u32>> = vec![BTreeMap::new(); letters.len()];
    let mut candidate: Vec<char> = Vec::new();
    for segment in searcher.segment_readers() {
        let inverted = segment.inverted_index(fields.word)?;
        let mut words = inverted.terms().range().into_stream()?;
        for _ in 0..MOST_WORDS_READ {
            if !words.advance() {
                break;
            }
            let Ok(text) = std::str::from_utf8(words.key()) else { continue };
            candidate.clear();
            candidate.extend(text.chars());
            for (letters, found) in letters.iter().zip(&mut found) {
                if is_corrected(letters) && is_one_slip(letters, &candidate) {
                    count(found, words.key(), words.value().doc_freq);
                }
            }
        }
    }
    Ok(found.into_iter().map(most_frequent).collect())
}

fn count(frequencies: &mut BTreeMap<String, u32>, word: &[u8], products: u32) {
    if let Ok(word) = std::str::from_utf8(word) {
        *frequencies.entry(word.to_owned()).or_default() += products;
    }
}

fn most_frequent(frequencies: BTreeMap<String, u32>) -> Vec<String> {
    let mut words: Vec<(String, u32)> = frequencies.into_iter().collect();
    // Stable, so that words in equally many products stay in alphabetical order.
    words.sort_by_key(|(_, products)| std::cmp::Reverse(*products));
    words.truncate(MOST_EXPANSIONS);
    words.into_iter().map(|(word, _)| word).collect()
}
