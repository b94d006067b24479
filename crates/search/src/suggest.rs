//! Completions of what is being typed: categories, then titles of products.
//!
//! Only what a search would find is suggested.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use tantivy::collector::Count;
use tantivy::{Searcher, Term};

use crate::query::term;
use crate::{Error, SearchIndex};

/// Category names looked at; a shop has hundreds.
const MOST_CATEGORIES_READ: usize = 20_000;
/// Matching categories that are counted.
const MOST_CATEGORIES_COUNTED: usize = 50;
/// Of so many suggestions, one is a category, if enough fit.
const ONE_CATEGORY_IN: usize = 3;

impl SearchIndex {
    /// At most `limit` texts that go on from what was typed; each finds something.
    pub fn suggest(&self, typed: &str, limit: usize) -> Result<Vec<String>, Error> {
        let typed = self.analyzers.read(typed);
        let Some(searcher) = self.searcher().filter(|_| limit > 0 && !typed.words.is_empty()) else {
            return Ok(Vec::new());
        };
        let beginnings: Vec<&str> = typed.words.iter().map(|word| word.plain.as_str()).collect();
        let mut suggestions = self.categories(&searcher, &beginnings)?;
        suggestions.truncate(limit.div_ceil(ONE_CATEGORY_IN));
        // Variants share a title, so more are asked for than shown.
        let titles = self.titles(&searcher, &typed, limit.saturating_mul(4))?;
        let mut known: BTreeSet<String> = suggestions.iter().map(|text| text.to_lowercase()).collect();
        suggestions.extend(titles.into_iter().filter(|title| known.insert(title.to_lowercase())));
        suggestions.truncate(limit);
        Ok(suggestions)
    }

    /// Categories in whose name each of the beginnings begins a word; the fullest first.
    fn categories(&self, searcher: &Searcher, beginnings: &[&str]) -> Result<Vec<String>, Error> {
        let mut names = BTreeSet::new();
        for segment in searcher.segment_readers() {
            let inverted = segment.inverted_index(self.fields.category_name)?;
            let mut stream = inverted.terms().range().into_stream().map_err(tantivy::TantivyError::from)?;
            for _ in 0..MOST_CATEGORIES_READ {
                if !stream.advance() {
                    break;
                }
                let Ok(name) = std::str::from_utf8(stream.key()) else { continue };
                if names.len() < MOST_CATEGORIES_COUNTED && self.begins_words_of(name, beginnings) {
                    names.insert(name.to_owned());
                }
            }
        }
        let mut counted = Vec::with_capacity(names.len());
        for name in names {
            // The index may still hold the name of a category whose last product is gone.
            let products = searcher.search(&*term(Term::from_field_text(self.fields.category_name, &name)), &Count)?;
            counted.extend((products > 0).then_some((products, name)));
        }
        counted.sort_by_key(|(products, _)| Reverse(*products));
        Ok(counted.into_iter().map(|(_, name)| name).collect())
    }

    fn begins_words_of(&self, name: &str, beginnings: &[&str]) -> bool {
        let words = self.analyzers.plain_words(name);
        beginnings.iter().all(|beginning| words.iter().any(|word| word.starts_with(beginning)))
    }
}
