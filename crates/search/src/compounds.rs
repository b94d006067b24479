//! Words that a shopper writes together and the catalog apart: *Damenschuhe* for *Schuhe für Damen*.
//!
//! The last part says what it is; between the parts may stand one of the few letters by which the language joins them. A
//! parting counts where one product has both parts.

use crate::index::{SearchIndex, Term};
use crate::language::Language;
use crate::query::share_a_product;
use crate::text::partings;

/// Letters that each part has at least.
const SHORTEST_FIRST: usize = 3;
const SHORTEST_LAST: usize = 4;
/// What joins the parts of a compound in German and Dutch, beside nothing at all.
const JOINTS: [&str; 6] = ["s", "es", "n", "en", "er", "e"];

/// A part of a compound as it stands there, and what it is indexed as.
pub(crate) type Part<'a> = (&'a str, Term);

/// Both parts of a compound, the first one first; of several partings the one of which the rarer part is most frequent.
pub(crate) fn parts<'a>(index: &SearchIndex, languages: &[Language], word: &'a str) -> Option<[Part<'a>; 2]> {
    let compounding: Vec<Language> = languages.iter().copied().filter(|language| language.has_compounds()).collect();
    if compounding.is_empty() {
        return None;
    }
    let known = |part: &str| index.term_of(part, part, &compounding);
    let first_of = |part: &str| {
        let joined = JOINTS.iter().filter_map(|joint| part.strip_suffix(joint));
        let mut ways = std::iter::once(part).chain(joined).filter(|way| way.chars().count() >= SHORTEST_FIRST);
        ways.find_map(known)
    };
    let both = partings(word).filter_map(|(first, last)| {
        (first.chars().count() >= SHORTEST_FIRST && last.chars().count() >= SHORTEST_LAST).then_some(())?;
        // The last part is looked up first: it has fewer ways to be written.
        let term = known(last)?;
        Some([(first, first_of(first)?), (last, term)])
    });
    let both = both.filter(|[(_, first), (_, last)]| first != last && share_a_product(index, *first, *last));
    both.max_by_key(|parts| parts.map(|(_, term)| index.postings(term).len()).into_iter().min())
}
