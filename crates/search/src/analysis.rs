//! What of a product goes into the index. It follows from the product and the shop's language alone, so that taking a
//! product out finds exactly what putting it in left behind.

use std::collections::{BTreeMap, BTreeSet};

use mercer_schema::Product;
use rustc_hash::FxHashSet;

use crate::heads::heads;
use crate::language::Words;
use crate::marks::{Field, Marks};
use crate::text::{Gap, Token, fold, tokens};
use crate::{Language, identifier, measure};

/// Tokens of a field that are read; a longer text says nothing more that anybody searches for.
const MOST_TOKENS: usize = 400;
/// A longer value of an attribute is a text, not a value.
const LONGEST_VALUE: usize = 60;
/// Parts of a name that are joined to one word: `t-shirt`, `dv7-1211ea`.
const MOST_JOINED: usize = 4;
/// Ends of names of attributes that name the category of a product that has none.
const CATEGORY_ATTRIBUTES: [&str; 4] = ["product type", "product category", "product kind", "article type"];
/// Parts of names of attributes that say of what kind a product is, or what it goes with.
const KIND_NAMES: [&str; 6] = ["type", "kind", "compat", "category", "typ", "suitable"];

/// A product as the index sees it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Analysis {
    pub(crate) language: Option<Language>,
    /// Where each word stands, by its stem.
    pub(crate) terms: BTreeMap<String, Marks>,
    /// Words as they are written, with their stem: what prefixes and slips are looked up in. Not those of descriptions.
    pub(crate) written: BTreeSet<(String, String)>,
    /// Those of them with accents, without and with them.
    pub(crate) accented: BTreeSet<(String, String)>,
    /// The title's stems, in order.
    pub(crate) title: Vec<String>,
    /// Ids of the product and its family and other codes, letters and digits alone.
    pub(crate) codes: BTreeSet<String>,
    /// Values of attributes that have the form of a code.
    pub(crate) likely_codes: BTreeSet<String>,
    /// Words of each field, as [`Field::ALL`].
    pub(crate) lengths: [usize; 3],
}

impl Analysis {
    pub(crate) fn of(product: &Product, shop: Language) -> Self {
        let language = Language::of(&format!("{} {}", product.title, product.description));
        let mut analyst = Analyst {
            words: language.unwrap_or(shop).words(),
            values: attribute_values(product),
            found: Self::default(),
        };
        analyst.found.language = language;
        analyst.field(Field::Title, &product.title);
        analyst.field(Field::Description, &product.description);
        analyst.attributes(product);
        if let Some(brand) = &product.brand {
            analyst.name(brand, |marks, _| marks.add_brand());
        }
        for (level, name) in product.category.iter().enumerate() {
            let is_leaf = level + 1 == product.category.len();
            analyst.name(name, |marks, is_head| marks.add_category(is_leaf && is_head));
        }
        if product.category.is_empty() {
            let is_category = |name: &str| CATEGORY_ATTRIBUTES.iter().any(|ending| readable(name).ends_with(ending));
            for (_, value) in product.attributes.iter().filter(|(name, _)| is_category(name)) {
                analyst.name(value, |marks, is_head| marks.add_category(is_head));
            }
        }
        analyst.codes(product);
        analyst.found
    }
}

struct Analyst {
    words: &'static Words,
    /// Words of the product's attributes that say what it is like, not what it is.
    values: FxHashSet<String>,
    found: Analysis,
}

impl Analyst {
    fn field(&mut self, field: Field, text: &str) {
        let tokens = tokens(text, MOST_TOKENS);
        self.found.lengths[field as usize] = tokens.len();
        let heads = heads(&tokens, self.words, &self.values);
        for (token, is_head) in tokens.iter().zip(&heads) {
            let stem = self.words.stem(&token.written);
            self.mark(&stem, |marks| marks.add(field, tokens.len(), *is_head));
            if field == Field::Title {
                self.word(token, &stem);
                self.found.title.push(stem);
            }
        }
        for (name, is_head) in names(&tokens, &heads) {
            self.mark(&name, |marks| marks.add(field, tokens.len(), is_head));
            if field == Field::Title && !name.starts_with('=') {
                self.written(&name, &name);
            }
        }
    }

    /// All attributes are one field; of a mark that is true, its name says something.
    fn attributes(&mut self, product: &Product) {
        let mut texts = Vec::new();
        for (name, value) in product.attributes.iter() {
            if identifier::is_named(name) || value.starts_with("http") || is_date(value) {
                continue;
            }
            if is_true(value) {
                texts.push((tokens(&readable(name), MOST_TOKENS), false));
            } else if value.parse::<f64>().is_err() && !is_false(value) {
                texts.push((tokens(value, MOST_TOKENS), value.chars().count() <= LONGEST_VALUE));
            }
        }
        let length = texts.iter().map(|(tokens, _)| tokens.len()).sum();
        self.found.lengths[Field::Attributes as usize] = length;
        for (tokens, is_value) in texts {
            for token in &tokens {
                let stem = self.words.stem(&token.written);
                self.mark(&stem, |marks| marks.add(Field::Attributes, length, false));
                if is_value {
                    self.word(token, &stem);
                }
            }
            for (name, _) in names(&tokens, &vec![false; tokens.len()]) {
                self.mark(&name, |marks| marks.add(Field::Attributes, length, false));
            }
        }
    }

    /// A brand or a category. `mark` is told whether the word is the head of the name.
    fn name(&mut self, text: &str, mark: impl Fn(&mut Marks, bool)) {
        let tokens = tokens(text, MOST_TOKENS);
        let heads = heads(&tokens, self.words, &FxHashSet::default());
        for (token, is_head) in tokens.iter().zip(&heads) {
            let stem = self.words.stem(&token.written);
            self.mark(&stem, |marks| mark(marks, *is_head));
            self.word(token, &stem);
        }
        for (name, is_head) in names(&tokens, &heads) {
            self.mark(&name, |marks| mark(marks, is_head));
            self.written(&name, &name);
        }
    }

    fn codes(&mut self, product: &Product) {
        for code in identifier::named(product) {
            self.mark(&code, Marks::add_code);
            self.written(&code, &code);
            self.found.codes.insert(code);
        }
        self.found.likely_codes.extend(identifier::by_form(product));
    }

    fn mark(&mut self, stem: &str, change: impl FnOnce(&mut Marks)) {
        match self.found.terms.get_mut(stem) {
            Some(marks) => change(marks),
            None => {
                let mut marks = Marks::default();
                change(&mut marks);
                self.found.terms.insert(stem.to_owned(), marks);
            }
        }
    }

    fn word(&mut self, token: &Token, stem: &str) {
        self.written(&token.plain, stem);
        if token.written != token.plain {
            self.found.accented.insert((token.plain.clone(), token.written.clone()));
        }
    }

    fn written(&mut self, plain: &str, stem: &str) {
        self.found.written.insert((plain.to_owned(), stem.to_owned()));
    }
}

/// What neighbouring tokens say together: names written with hyphens as one word, and measures.
fn names(tokens: &[Token], heads: &[bool]) -> Vec<(String, bool)> {
    let mut names = Vec::new();
    let mut start = 0;
    for place in 0..tokens.len() {
        let token = &tokens[place];
        if token.gap != Gap::Joined {
            start = place;
        } else if place - start < MOST_JOINED && tokens.get(place + 1).is_none_or(|next| next.gap != Gap::Joined) {
            let name = tokens[start..=place].iter().map(|part| part.plain.replace('.', "")).collect();
            names.push((name, heads[place]));
        }
        names.extend(measure::in_one(&token.plain).map(|measure| (measure, false)));
        if let Some(unit) = tokens.get(place + 1)
            && unit.gap != Gap::Break
        {
            names.extend(measure::of(&token.plain, &unit.plain).map(|measure| (measure, false)));
        }
    }
    names
}

fn attribute_values(product: &Product) -> FxHashSet<String> {
    let says_how = |name: &str| !KIND_NAMES.iter().any(|kind| name.to_lowercase().contains(kind));
    let values = product.attributes.iter().filter(|(name, value)| says_how(name) && value.len() <= LONGEST_VALUE);
    values.flat_map(|(_, value)| tokens(value, MOST_TOKENS)).map(|token| token.plain).collect()
}

/// `2009-12-10`, with or without a time.
fn is_date(value: &str) -> bool {
    let bytes = value.as_bytes();
    let is_form =
        |(place, byte): (usize, &u8)| if matches!(place, 4 | 7) { *byte == b'-' } else { byte.is_ascii_digit() };
    bytes.len() >= 10 && bytes[..10].iter().enumerate().all(is_form)
}

fn is_true(value: &str) -> bool {
    matches!(fold(value.trim()).as_str(), "true" | "yes" | "ja" | "oui" | "si" | "tak")
}

fn is_false(value: &str) -> bool {
    matches!(fold(value.trim()).as_str(), "false" | "no" | "nein" | "non" | "nee" | "nie")
}

/// An attribute's name as words: `rohs_compliance` and `rohsCompliance` are `rohs compliance`.
pub fn readable(name: &str) -> String {
    let mut words = String::with_capacity(name.len() + 4);
    let mut was_small = false;
    for character in name.chars() {
        if character.is_uppercase() && was_small {
            words.push(' ');
        }
        was_small = character.is_lowercase() || character.is_ascii_digit();
        words.push(if matches!(character, '_' | '-' | '.') {
            ' '
        } else {
            character.to_lowercase().next().unwrap_or(' ')
        });
    }
    words.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use mercer_schema::ProductId;

    use super::*;

    fn analysed(title: &str, change: impl FnOnce(&mut Product)) -> Analysis {
        let mut product = Product::new(ProductId::parse("85-123A").unwrap(), title);
        change(&mut product);
        Analysis::of(&product, Language::English)
    }

    #[test]
    fn names_and_measures_are_words_of_their_own() {
        let found = analysed("HP dv7-1211ea T-Shirt 0.5 l", |_| ());
        for term in ["hp", "dv7", "1211ea", "dv71211ea", "tshirt", "shirt", "=500ml", "85123a"] {
            assert!(found.terms.contains_key(term), "{term} in {:?}", found.terms);
        }
        assert_eq!(found.codes.iter().collect::<Vec<_>>(), ["85123a"]);
        assert!(found.terms["tshirt"].is_head(Field::Title));
    }

    #[test]
    fn attributes_say_what_they_say() {
        let found = analysed("Lamp", |product| {
            product.attributes.insert("colour", "Dark red");
            product.attributes.insert("rohsCompliance", "true");
            product.attributes.insert("weight", "3460.0");
            product.attributes.insert("released", "2009-12-10T00:00:00Z");
            product.attributes.insert("ean", "0095205603217");
        });
        for term in ["dark", "red", "roh", &Language::English.words().stem("compliance")] {
            assert!(found.terms[term].is_in(Field::Attributes), "{term}");
        }
        assert!(!found.terms.contains_key("3460.0") && !found.terms.contains_key("2009"));
        assert!(found.terms["0095205603217"].is_prominent());
    }

    #[test]
    fn a_category_head_is_told_from_its_other_words() {
        let found = analysed("Thing", |product| product.category = vec!["Home".into(), "Camera bags".into()]);
        assert!(found.terms["bag"].is_leaf());
        assert!(found.terms["camera"].is_category() && !found.terms["camera"].is_leaf());
        assert!(!found.terms["home"].is_leaf());
    }
}
