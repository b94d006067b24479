//! Whether what was typed names something instead of describing it.
//!
//! Who types a code, a model number or a brand wants just that: what means nearly the same is no answer to it.

use crate::facets::FacetField;
use crate::index::SearchIndex;
use crate::measure;
use crate::text::{Token, code, tokens};

/// Words of what is typed that are looked at.
const MOST_WORDS: usize = 16;
/// A number of so many digits that measures nothing is one of a model.
const LONG_NUMBER: usize = 3;
/// `1080p` says how much, `1211ea` which.
const LONGEST_AMOUNT: usize = 4;

impl SearchIndex {
    /// Whether a text is or holds a code or a model number, or is a brand and nothing else.
    pub fn is_naming(&self, text: &str) -> bool {
        let tokens = tokens(text, MOST_WORDS);
        let has_number = (0..tokens.len()).any(|place| self.is_number_of_a_model(&tokens, place));
        has_number || self.is_code(text) || self.is_brand(&tokens)
    }

    fn is_number_of_a_model(&self, tokens: &[Token], place: usize) -> bool {
        let word = &tokens[place].plain;
        if !tokens[place].has_digit() {
            return false;
        }
        if !self.with_code(&code(word)).is_empty() {
            return true;
        }
        let is_measure = measure::in_one(word).is_some()
            || tokens.get(place + 1).is_some_and(|next| measure::of(word, &next.plain).is_some());
        if is_measure {
            return false;
        }
        let digits = word.bytes().take_while(u8::is_ascii_digit).count();
        let rest = &word[digits..];
        if rest.is_empty() {
            return digits >= LONG_NUMBER;
        }
        let is_decimal = rest.strip_prefix('.').is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
        let is_amount = digits > 0 && digits <= LONGEST_AMOUNT && rest.chars().count() == 1;
        !is_decimal && !is_amount
    }

    fn is_brand(&self, tokens: &[Token]) -> bool {
        let text = tokens.iter().map(|token| token.plain.as_str()).collect::<Vec<_>>().join(" ");
        let values = self.facets().written(&text);
        values.into_iter().any(|value| self.facets().field(value) == Some(&FacetField::Brand))
    }
}

#[cfg(test)]
mod tests {
    use mercer_schema::{Product, ProductId};
    use proptest::prelude::*;

    use super::*;
    use crate::Doc;

    fn index() -> SearchIndex {
        let mut index = SearchIndex::default();
        let mut product = Product::new(ProductId::trusted("85123A"), "Acme Pavilion dv7 notebook");
        product.brand = Some("Hewlett & Packard".into());
        index.put(Doc(0), None, &product);
        index
    }

    #[test]
    fn codes_model_numbers_and_brands_name_and_descriptions_do_not() {
        let index = index();
        for text in ["85123a", "lantern 85123a", "dv7", "hp dv7-1211ea", "1211ea", "brother 2110", "hewlett packard"] {
            assert!(index.is_naming(text), "{text}");
        }
        for text in [
            "notebook",
            "17 inch bag",
            "500ml bottle",
            "usb 3.0 hub",
            "1080p camera",
            "4k tv",
            "hewlett packard bag",
            "",
        ] {
            assert!(!index.is_naming(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_told(text in "\\PC{0,60}") {
            index().is_naming(&text);
        }
    }
}
