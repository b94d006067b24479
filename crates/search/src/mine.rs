//! Synonyms that the catalog itself shows: one field of a product says *notebook case*, another *laptop case*, and elsewhere
//! *notebook/laptop* is written.
//!
//! Both signs are asked for, of several products and brands: words that stand in for each other before the same word, and
//! words that are set beside each other with a slash. Either alone also ties what only goes together (*audio/video*).

use std::collections::{BTreeMap, BTreeSet};

use mercer_schema::Product;
use rustc_hash::FxHashMap;

use crate::Language;
use crate::text::{Gap, Token, tokens};
use crate::thesaurus::Synonyms;

const MOST_TOKENS: usize = 100;
const SHORTEST_WORD: usize = 3;
/// Products in which both are written with a slash between them.
const LEAST_SLASHES: usize = 3;
/// Brands of the products in which one stands for the other, and words before which they do.
const LEAST_BRANDS: usize = 3;
const LEAST_CONTEXTS: usize = 2;

/// Two stems, in order of the alphabet.
type Pair = (String, String);

#[derive(Default)]
struct Evidence {
    slashes: usize,
    brands: BTreeSet<String>,
    contexts: BTreeSet<String>,
    /// How each of them is written, with how often.
    written: [BTreeMap<String, usize>; 2],
}

/// Pairs of words for the same thing.
pub(crate) fn synonyms<'a>(products: impl Iterator<Item = &'a Product>, shop: Language) -> Vec<Synonyms> {
    let mut evidence: BTreeMap<Pair, Evidence> = BTreeMap::new();
    for product in products {
        let fields = [product.title.as_str(), &product.description].map(|text| words(text, shop));
        for (pair, written) in slashed(&fields) {
            let known = evidence.entry(pair).or_default();
            known.slashes += 1;
            for (counts, written) in known.written.iter_mut().zip(written) {
                *counts.entry(written).or_default() += 1;
            }
        }
        for (pair, context) in substituted(&fields) {
            let known = evidence.entry(pair).or_default();
            known.brands.extend(product.brand.clone());
            known.contexts.insert(context);
        }
    }
    let shown = evidence.into_values().filter(|known| {
        known.slashes >= LEAST_SLASHES && known.brands.len() >= LEAST_BRANDS && known.contexts.len() >= LEAST_CONTEXTS
    });
    shown.map(|known| Synonyms { from: None, to: known.written.iter().filter_map(most_frequent).collect() }).collect()
}

fn most_frequent(written: &BTreeMap<String, usize>) -> Option<String> {
    written.iter().max_by_key(|(_, count)| **count).map(|(word, _)| word.clone())
}

struct Word {
    token: Token,
    stem: String,
}

fn words(text: &str, shop: Language) -> Vec<Word> {
    let stem = |token: Token| Word { stem: shop.words().stem(&token.written), token };
    tokens(text, MOST_TOKENS).into_iter().map(stem).collect()
}

fn is_word(word: &Word) -> bool {
    word.token.plain.len() >= SHORTEST_WORD && word.token.plain.chars().all(char::is_alphabetic)
}

fn pair(one: &str, other: &str) -> Pair {
    if one < other { (one.to_owned(), other.to_owned()) } else { (other.to_owned(), one.to_owned()) }
}

/// Words with a slash between them, each pair once, with how they are written.
fn slashed(fields: &[Vec<Word>; 2]) -> BTreeMap<Pair, [String; 2]> {
    let mut found = BTreeMap::new();
    for neighbours in fields.iter().flat_map(|words| words.windows(2)) {
        let [one, other] = neighbours else { continue };
        if other.token.gap == Gap::Slash && is_word(one) && is_word(other) && one.stem != other.stem {
            let (first, second) = if one.stem < other.stem { (one, other) } else { (other, one) };
            let written = [first.token.plain.clone(), second.token.plain.clone()];
            found.insert(pair(&one.stem, &other.stem), written);
        }
    }
    found
}

/// Words that only one of the fields has, before a word that both have, with that word.
fn substituted(fields: &[Vec<Word>; 2]) -> BTreeSet<(Pair, String)> {
    let [title, description] = fields;
    let before = |words: &[Word], others: &[Word]| {
        let mut found: FxHashMap<String, Vec<String>> = FxHashMap::default();
        for neighbours in words.windows(2) {
            let [word, next] = neighbours else { continue };
            if is_word(word) && next.token.gap != Gap::Break && others.iter().all(|other| other.stem != word.stem) {
                found.entry(next.stem.clone()).or_default().push(word.stem.clone());
            }
        }
        found
    };
    let (of_title, of_description) = (before(title, description), before(description, title));
    let mut found = BTreeSet::new();
    for (context, ones) in &of_title {
        for other in of_description.get(context).into_iter().flatten() {
            found.extend(ones.iter().map(|one| (pair(one, other), context.clone())));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use mercer_schema::ProductId;

    use super::*;

    fn product(number: usize, title: &str, description: &str) -> Product {
        let mut product = Product::new(ProductId::parse(&format!("p{number}")).unwrap(), title);
        product.description = description.to_owned();
        product.brand = Some(format!("brand {}", number % 4));
        product
    }

    #[test]
    fn both_signs_are_needed() {
        let mut catalog = Vec::new();
        for number in 0..8 {
            let thing = ["case", "bag", "stand"][number % 3];
            catalog.push(product(number, &format!("Acme notebook {thing}"), &format!("Laptop {thing}, black")));
            catalog.push(product(100 + number, "Notebook/laptop cooler", ""));
            // A pair that goes together, and one that only stands in the same place.
            catalog.push(product(200 + number, &format!("audio/video {thing}"), ""));
            catalog.push(product(300 + number, &format!("red {thing}"), &format!("fine {thing}")));
        }
        let found = synonyms(catalog.iter(), Language::English);
        assert_eq!(found, [Synonyms { from: None, to: vec!["laptop".into(), "notebook".into()] }]);
    }
}
