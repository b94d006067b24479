//! What happens in a shop, in the words of Segment's e-commerce specification v2.

use serde::{Deserialize, Serialize};

use crate::{Money, OrderId, ProductId};

/// An e-commerce event: an action, the products it is about, and the order if it is about one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Commerce {
    pub action: CommerceAction,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<Line>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Order>,
    /// The words of a search.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// The category or list that was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<String>,
}

/// A product in an event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    pub product_id: ProductId,
    /// Pieces; negative never occurs (a return is another action).
    pub quantity: u32,
    /// Price of one piece.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Money>,
    /// Place in the list it was shown in, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    pub id: OrderId,
    /// What the customer pays; when absent it is the sum of the lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<Money>,
}

macro_rules! actions {
    ($($variant:ident = $name:literal,)+) => {
        /// The events of the specification; [`CommerceAction::name`] gives their spelling there.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum CommerceAction { $(#[doc = $name] $variant,)+ }

        impl CommerceAction {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name as the specification spells it: `Product Added`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }
    };
}

actions! {
    ProductsSearched = "Products Searched",
    ProductListViewed = "Product List Viewed",
    ProductListFiltered = "Product List Filtered",
    PromotionViewed = "Promotion Viewed",
    PromotionClicked = "Promotion Clicked",
    ProductClicked = "Product Clicked",
    ProductViewed = "Product Viewed",
    ProductAdded = "Product Added",
    ProductRemoved = "Product Removed",
    CartViewed = "Cart Viewed",
    CheckoutStarted = "Checkout Started",
    CheckoutStepViewed = "Checkout Step Viewed",
    CheckoutStepCompleted = "Checkout Step Completed",
    PaymentInfoEntered = "Payment Info Entered",
    OrderCompleted = "Order Completed",
    OrderUpdated = "Order Updated",
    OrderRefunded = "Order Refunded",
    OrderCancelled = "Order Cancelled",
    CouponEntered = "Coupon Entered",
    CouponApplied = "Coupon Applied",
    CouponDenied = "Coupon Denied",
    CouponRemoved = "Coupon Removed",
    ProductAddedToWishlist = "Product Added to Wishlist",
    ProductRemovedFromWishlist = "Product Removed from Wishlist",
    WishlistProductAddedToCart = "Wishlist Product Added to Cart",
    ProductShared = "Product Shared",
    CartShared = "Cart Shared",
    ProductReviewed = "Product Reviewed",
}
