//! What the shop says about a product, as weighted words and features.

use mercer_schema::Product;
use rustc_hash::FxHashMap;

use crate::text::for_each_word;

/// Words of one text that count; a description may go on.
const MOST_WORDS: usize = 200;

/// How much a word counts by where it stands.
const TITLE: f32 = 1.0;
const BRAND: f32 = 0.8;
const CATEGORY: f32 = 0.5;
const ATTRIBUTE: f32 = 0.4;
const DESCRIPTION: f32 = 0.3;

/// A word or a feature, hashed.
pub(crate) type Term = u64;

/// A product as a vector of length one, in the order of its terms.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Document {
    pub(crate) terms: Vec<(Term, f32)>,
    pub(crate) group: Option<u64>,
}

impl Document {
    pub(crate) fn of(product: &Product) -> Self {
        let mut counts: FxHashMap<Term, f32> = FxHashMap::default();
        add_words(&mut counts, TITLE, &product.title);
        if let Some(brand) = &product.brand {
            add_feature(&mut counts, BRAND, "brand", brand);
        }
        for level in &product.category {
            add_feature(&mut counts, CATEGORY, "category", level);
            add_words(&mut counts, CATEGORY, level);
        }
        for (name, value) in product.attributes.iter() {
            add_feature(&mut counts, ATTRIBUTE, name, value);
            add_words(&mut counts, ATTRIBUTE, value);
        }
        add_words(&mut counts, DESCRIPTION, &product.description);
        let mut terms: Vec<(Term, f32)> = counts.into_iter().map(|(term, count)| (term, count.ln_1p())).collect();
        terms.sort_unstable_by_key(|(term, _)| *term);
        let length = terms.iter().map(|(_, share)| share * share).sum::<f32>().sqrt();
        terms.iter_mut().for_each(|(_, share)| *share /= length);
        Self { terms, group: product.group_id.as_deref().map(|group| hash(&["", group])) }
    }
}

/// What is asked for, in the form of a product's terms: texts that count so much each.
pub(crate) fn terms_of_words<'a>(words: impl IntoIterator<Item = (&'a str, f32)>) -> Vec<(Term, f32)> {
    let mut counts: FxHashMap<Term, f32> = FxHashMap::default();
    words.into_iter().for_each(|(text, weight)| add_words(&mut counts, weight, text));
    let mut terms: Vec<(Term, f32)> = counts.into_iter().collect();
    terms.sort_unstable_by_key(|(term, _)| *term);
    terms
}

fn add_words(counts: &mut FxHashMap<Term, f32>, weight: f32, text: &str) {
    let mut words = 0;
    for_each_word(text, |word| {
        words += 1;
        if words <= MOST_WORDS {
            *counts.entry(hash(&[word])).or_default() += weight;
        }
    });
}

/// A value as a whole: the brand `Red Bull` shares nothing with the colour red.
fn add_feature(counts: &mut FxHashMap<Term, f32>, weight: f32, name: &str, value: &str) {
    let value = value.trim().to_lowercase();
    if !value.is_empty() {
        *counts.entry(hash(&[name, &value])).or_default() += weight;
    }
}

/// FNV-1a over the parts (Fowler, Noll, Vo), 64 bits: the same on every machine.
pub(crate) fn hash(parts: &[&str]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for part in parts {
        for byte in part.bytes().chain([0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    hash
}
