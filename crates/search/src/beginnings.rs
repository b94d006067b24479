//! What the catalog itself can carry on: words of products that begin as the last word that was typed.

use rustc_hash::FxHashMap;

use crate::index::Term;
use crate::query::share_a_product;
use crate::spelling::mended_beginnings;
use crate::text::tokens;
use crate::{Doc, SearchIndex};

/// Words that a beginning may become which are looked at.
const MOST_LOOKED_AT: usize = 60;
const SHORTEST_BEGINNING: usize = 2;
const MOST_WORDS: usize = 8;
/// Titles that are compared with at once.
const MOST_TITLES: usize = u128::BITS as usize;
/// A text that finds products.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beginning {
    pub text: String,
    /// Products with the word that was carried on.
    pub products: u32,
    /// A slip was mended.
    pub is_mended: bool,
}

impl SearchIndex {
    /// Texts that go on from what was typed and that some product fits, those with most products first. A slip in the last
    /// word is mended when nothing begins so.
    pub fn beginnings(&self, typed: &str, most: usize) -> Vec<Beginning> {
        let tokens = tokens(typed, MOST_WORDS);
        let Some((last, before)) = tokens.split_last() else { return Vec::new() };
        if last.plain.len() < SHORTEST_BEGINNING || typed.ends_with(char::is_whitespace) {
            return Vec::new();
        }
        let before_terms: Vec<Vec<Term>> = before.iter().map(|token| self.terms_of(&token.plain)).collect();
        let fits = |word: &str| {
            let terms = self.terms_of(word);
            before_terms.iter().all(|others| {
                others
                    .iter()
                    .any(|other| terms.iter().any(|term| term == other || share_a_product(self, *term, *other)))
            })
        };
        let before_words: String = before.iter().map(|token| format!("{} ", token.written)).collect();
        let text = |word: &str| format!("{before_words}{}", self.spelled(word));
        let begin = self.vocabulary.beginning_with(&last.plain, MOST_LOOKED_AT);
        let mut found: Vec<Beginning> = begin
            .into_iter()
            .filter(|(word, _)| fits(word))
            .take(most)
            .map(|(word, known)| Beginning { text: text(word), products: known.products, is_mended: false })
            .collect();
        if found.is_empty() && !last.has_digit() {
            let mended = mended_beginnings(&self.vocabulary, &last.plain, MOST_LOOKED_AT).into_iter();
            let mended = mended.filter(|correction| fits(&correction.word)).take(most);
            found.extend(mended.map(|correction| Beginning {
                text: text(&correction.word),
                products: correction.products,
                is_mended: true,
            }));
        }
        found
    }

    /// The titles of some products, the first 128 of them, to be asked which has the words of a text.
    pub fn titles_of(&self, products: impl IntoIterator<Item = Doc>) -> Titles<'_> {
        let mut with: FxHashMap<Term, u128> = FxHashMap::default();
        for (place, doc) in products.into_iter().take(MOST_TITLES).enumerate() {
            for term in self.title(doc) {
                *with.entry(*term).or_default() |= 1 << place;
            }
        }
        Titles { index: self, with }
    }
}

/// Titles by their words, each a bit.
#[derive(Debug)]
pub struct Titles<'a> {
    index: &'a SearchIndex,
    with: FxHashMap<Term, u128>,
}

impl Titles<'_> {
    /// The place of the first title that has every word of a text.
    pub fn first_with(&self, text: &str) -> Option<usize> {
        let of_word = |word: &str| {
            let terms = self.index.terms_of(word);
            terms.iter().filter_map(|term| self.with.get(term)).fold(0, |all, titles| all | titles)
        };
        let all = if self.with.is_empty() { 0 } else { u128::MAX };
        let left = tokens(text, MOST_WORDS).iter().fold(all, |left, token| match left {
            0 => 0,
            left => left & of_word(&token.plain),
        });
        (left != 0).then(|| left.trailing_zeros() as usize)
    }
}

#[cfg(test)]
mod tests {
    use mercer_schema::{Product, ProductId};

    use super::*;

    #[test]
    fn the_last_word_is_carried_on_where_a_product_fits() {
        let mut index = SearchIndex::default();
        for (number, title) in ["Red lantern", "Blue lantern", "Blue lamp", "Landscape"].iter().enumerate() {
            let id = ProductId::parse(&format!("p{number}")).unwrap();
            index.put(Doc(number as u32), None, &Product::new(id, *title));
        }
        let texts = |typed: &str| index.beginnings(typed, 5).into_iter().map(|found| found.text).collect::<Vec<_>>();
        assert_eq!(texts("la"), ["lantern", "lamp", "landscape"]);
        assert_eq!(texts("red la"), ["red lantern"]);
        assert_eq!(texts("lnat"), ["lantern"], "a slip");
        assert!(texts("zzz").is_empty() && texts("l").is_empty() && texts("red ").is_empty());
    }
}
