//! How the catalog writes words that are looked for without accents: *kuhlschrank* is told as *kühlschrank*.

use std::sync::Arc;

use imbl::OrdMap;

/// By the word without accents and as it is written, the products that write it so. Words without accents are not here.
#[derive(Debug, Clone, Default)]
pub(crate) struct Accents(OrdMap<(Arc<str>, Arc<str>), u32>);

impl Accents {
    /// One more product writes a word so, or with -1 one less.
    pub(crate) fn count(&mut self, plain: &str, written: &str, by: i32) {
        let key = (Arc::from(plain), Arc::from(written));
        let products = self.0.get(&key).copied().unwrap_or_default().saturating_add_signed(by);
        if products > 0 {
            self.0.insert(key, products);
        } else {
            self.0.remove(&key);
        }
    }

    /// How a word is mostly written, if it is mostly written with accents by the products that have it.
    pub(crate) fn of(&self, plain: &str, products: u32) -> Option<&str> {
        let from = (Arc::from(plain), Arc::from(""));
        let forms = self.0.range(from..).take_while(|((of, _), _)| **of == *plain);
        let ((_, written), writing) = forms.max_by_key(|(_, products)| **products)?;
        (*writing > products / 2).then_some(written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_written_as_most_products_write_it() {
        let mut accents = Accents::default();
        accents.count("kuche", "küche", 1);
        accents.count("kuche", "küche", 1);
        accents.count("kuche", "kuché", 1);
        accents.count("kuchen", "küchen", 1);
        assert_eq!((accents.of("kuche", 3), accents.of("kuche", 4)), (Some("küche"), None));
        accents.count("kuche", "küche", -2);
        assert_eq!((accents.of("kuche", 1), accents.of("kuch", 1)), (Some("kuché"), None));
    }
}
