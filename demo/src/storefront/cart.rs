//! The basket: products and pieces, kept in a cookie. Prices are never taken from it.

use mercer_schema::ProductId;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// So that the cookie stays small.
const MOST_LINES: usize = 40;
const MOST_PIECES: u32 = 99;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Cart {
    lines: Vec<(ProductId, u32)>,
}

impl Cart {
    /// Reads `85123A:2.22423:1`; what cannot be read is left out.
    pub(super) fn parse(text: &str) -> Self {
        let mut cart = Self::default();
        for (id, pieces) in text.split('.').filter_map(|line| line.split_once(':')) {
            let id = percent_decode_str(id).decode_utf8().ok().and_then(|id| ProductId::parse(&id).ok());
            if let (Some(id), Ok(pieces)) = (id, pieces.parse()) {
                cart.add(id, pieces);
            }
        }
        cart
    }

    pub(super) fn to_text(&self) -> String {
        let lines = self.lines.iter();
        lines
            .map(|(id, pieces)| format!("{}:{pieces}", utf8_percent_encode(id.as_str(), NON_ALPHANUMERIC)))
            .collect::<Vec<_>>()
            .join(".")
    }

    /// Adds pieces of a product; false when the basket cannot hold another product.
    pub(super) fn add(&mut self, id: ProductId, pieces: u32) -> bool {
        let pieces = pieces.clamp(1, MOST_PIECES);
        if let Some((_, held)) = self.lines.iter_mut().find(|(held, _)| *held == id) {
            *held = (*held + pieces).min(MOST_PIECES);
            return true;
        }
        let has_room = self.lines.len() < MOST_LINES;
        if has_room {
            self.lines.push((id, pieces));
        }
        has_room
    }

    /// Sets the pieces of a product that is in the basket; none takes it out. Answers how many there were.
    pub(super) fn set(&mut self, id: &ProductId, pieces: u32) -> u32 {
        let Some(index) = self.lines.iter().position(|(held, _)| held == id) else {
            return 0;
        };
        let before = self.lines[index].1;
        if pieces == 0 {
            self.lines.remove(index);
        } else {
            self.lines[index].1 = pieces.min(MOST_PIECES);
        }
        before
    }

    pub(super) fn lines(&self) -> &[(ProductId, u32)] {
        &self.lines
    }

    pub(super) fn pieces(&self) -> u32 {
        self.lines.iter().map(|(_, pieces)| pieces).sum()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn survives_the_cookie(lines in proptest::collection::vec(("[ -~]{1,12}", 1_u32..150), 0..50)) {
            let mut cart = Cart::default();
            for (id, pieces) in lines {
                if let Ok(id) = ProductId::parse(&id) {
                    cart.add(id, pieces);
                }
            }
            prop_assert!(cart.lines().len() <= MOST_LINES);
            prop_assert_eq!(Cart::parse(&cart.to_text()), cart);
        }

        #[test]
        fn any_text_is_read(text in "\\PC{0,300}") {
            let cart = Cart::parse(&text);
            prop_assert!(cart.lines().iter().all(|(_, pieces)| (1..=MOST_PIECES).contains(pieces)));
        }
    }

    #[test]
    fn setting_none_takes_out() {
        let mut cart = Cart::parse("a:2.b:1");
        assert_eq!(cart.set(&ProductId::trusted("a"), 0), 2);
        assert_eq!(cart.set(&ProductId::trusted("nothing"), 3), 0);
        assert_eq!((cart.to_text().as_str(), cart.pieces()), ("b:1", 1));
    }
}
