//! Which event a name means: the e-commerce specification v2, its v1 word order, GA4's names, and Mercer's own.
//!
//! Invariant: case and separators never matter (`Product Added`, `product_added`, `ProductAdded`). A name that is
//! not known here is the shop's own event, never an error.

use std::collections::HashMap;
use std::sync::LazyLock;

use mercer_schema::CommerceAction as Action;

/// What a known name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    Commerce(Action),
    /// "Not for me", or that taken back.
    Feedback {
        dismissed: bool,
    },
    /// A slot of ours was seen, or an item of it was clicked.
    Exposure {
        clicked: bool,
    },
    /// How much search may know of the customer, in their words.
    Preference,
    /// GA4's page or screen view; Segment has calls of its own for it.
    View,
    /// GA4's login or sign-up, the moment at which it names a customer.
    SignIn,
}

/// Names that the rules of [`TABLE`] do not derive from the specification's.
const OTHERS: &[(&str, Known)] = &[
    // Segment v1 and common variants.
    ("Viewed Product Category", Known::Commerce(Action::ProductListViewed)),
    ("Product Category Viewed", Known::Commerce(Action::ProductListViewed)),
    ("Filtered Product Category", Known::Commerce(Action::ProductListFiltered)),
    ("Order Canceled", Known::Commerce(Action::OrderCancelled)),
    ("Canceled Order", Known::Commerce(Action::OrderCancelled)),
    ("Added Product to Wishlist", Known::Commerce(Action::ProductAddedToWishlist)),
    ("Removed Product from Wishlist", Known::Commerce(Action::ProductRemovedFromWishlist)),
    ("Added Wishlist Product to Cart", Known::Commerce(Action::WishlistProductAddedToCart)),
    // GA4.
    ("search", Known::Commerce(Action::ProductsSearched)),
    ("view_search_results", Known::Commerce(Action::ProductsSearched)),
    ("view_item_list", Known::Commerce(Action::ProductListViewed)),
    ("view_item", Known::Commerce(Action::ProductViewed)),
    ("select_item", Known::Commerce(Action::ProductClicked)),
    ("view_promotion", Known::Commerce(Action::PromotionViewed)),
    ("select_promotion", Known::Commerce(Action::PromotionClicked)),
    ("add_to_cart", Known::Commerce(Action::ProductAdded)),
    ("remove_from_cart", Known::Commerce(Action::ProductRemoved)),
    ("view_cart", Known::Commerce(Action::CartViewed)),
    ("begin_checkout", Known::Commerce(Action::CheckoutStarted)),
    ("add_shipping_info", Known::Commerce(Action::CheckoutStepCompleted)),
    ("add_payment_info", Known::Commerce(Action::PaymentInfoEntered)),
    ("purchase", Known::Commerce(Action::OrderCompleted)),
    ("refund", Known::Commerce(Action::OrderRefunded)),
    ("add_to_wishlist", Known::Commerce(Action::ProductAddedToWishlist)),
    ("page_view", Known::View),
    ("screen_view", Known::View),
    ("login", Known::SignIn),
    ("sign_up", Known::SignIn),
    // Mercer.
    ("Product Dismissed", Known::Feedback { dismissed: true }),
    ("Product Dismissal Undone", Known::Feedback { dismissed: false }),
    ("Search Preference Updated", Known::Preference),
    ("Recommendation Viewed", Known::Exposure { clicked: false }),
    ("Recommendation Clicked", Known::Exposure { clicked: true }),
];

/// Longest key; what is longer cannot be known.
const MAX_BYTES: usize = 32;

static TABLE: LazyLock<HashMap<String, Known>> = LazyLock::new(|| {
    let mut table: HashMap<String, Known> =
        OTHERS.iter().filter_map(|(name, known)| Some((key(name, &mut [0; MAX_BYTES])?.to_owned(), *known))).collect();
    for &action in Action::ALL {
        let name = action.name();
        // v1 put the verb first: "Viewed Product".
        let verb_first = name.rsplit_once(' ').map(|(object, verb)| format!("{verb} {object}"));
        for name in [Some(name), verb_first.as_deref()].into_iter().flatten() {
            if let Some(key) = key(name, &mut [0; MAX_BYTES]) {
                table.insert(key.to_owned(), Known::Commerce(action));
            }
        }
    }
    table
});

pub(crate) fn lookup(name: &str) -> Option<Known> {
    TABLE.get(key(name, &mut [0; MAX_BYTES])?).copied()
}

/// The letters and digits of a name in lower case; none when it has others than ASCII ones or too many.
fn key<'b>(name: &str, buffer: &'b mut [u8; MAX_BYTES]) -> Option<&'b str> {
    let mut length = 0;
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() {
            *buffer.get_mut(length)? = byte.to_ascii_lowercase();
            length += 1;
        } else if !matches!(byte, b' ' | b'_' | b'-' | b'.' | b':' | b'/') {
            return None;
        }
    }
    std::str::from_utf8(buffer.get(..length)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_the_specification_is_known_in_any_spelling() {
        for &action in Action::ALL {
            let name = action.name();
            let spellings =
                [name.to_owned(), name.to_uppercase(), name.replace(' ', "_").to_lowercase(), name.replace(' ', "")];
            for spelling in spellings {
                assert_eq!(lookup(&spelling), Some(Known::Commerce(action)), "{spelling}");
            }
        }
    }

    #[test]
    fn other_names_mean_what_their_authors_meant() {
        for (name, action) in [
            ("Viewed Product", Action::ProductViewed),
            ("Viewed Product Category", Action::ProductListViewed),
            ("Added Product", Action::ProductAdded),
            ("Removed Product", Action::ProductRemoved),
            ("Completed Order", Action::OrderCompleted),
            ("Searched Products", Action::ProductsSearched),
            ("Completed Checkout Step", Action::CheckoutStepCompleted),
            ("Entered Payment Info", Action::PaymentInfoEntered),
            ("Added Product to Wishlist", Action::ProductAddedToWishlist),
            ("view_item", Action::ProductViewed),
            ("view_item_list", Action::ProductListViewed),
            ("Add To Cart", Action::ProductAdded),
            ("purchase", Action::OrderCompleted),
            ("refund", Action::OrderRefunded),
        ] {
            assert_eq!(lookup(name), Some(Known::Commerce(action)), "{name}");
        }
        assert_eq!(lookup("product_dismissed"), Some(Known::Feedback { dismissed: true }));
        assert_eq!(lookup("Recommendation Clicked"), Some(Known::Exposure { clicked: true }));
    }

    #[test]
    fn nothing_is_lost_to_the_length_of_keys_or_to_a_clash() {
        for (name, known) in OTHERS {
            assert_eq!(lookup(name), Some(*known), "{name}");
        }
    }

    #[test]
    fn the_shops_own_names_stay_its_own() {
        for name in ["", "Product", "Produkt angesehen", "Product Viewed!", "Größe Product Viewed", &"x".repeat(99)] {
            assert_eq!(lookup(name), None, "{name}");
        }
    }
}
