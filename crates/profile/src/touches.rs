//! Which contacts with products an event is.
//!
//! Invariant: a function of the event alone. What an order's later history does to its purchases (a second report of
//! it, an update, a cancellation) is not seen here but in `orders`.

use mercer_schema::{Activity, CommerceAction, Event, Line, ProductId, Touch, TouchKind};

/// The contacts with products that an event reports, one for each of its lines.
///
/// A shop that reports an order from browser and server reports its purchases twice; [`crate::Profiles`] counts
/// them once.
pub fn touches_of(event: &Event) -> impl Iterator<Item = Touch> + '_ {
    let kind = kind_of(&event.activity);
    let touched = kind.map(|kind| {
        let at = event.occurred_at;
        lines_of(&event.activity).map(move |(product_id, quantity)| Touch {
            at,
            product_id: product_id.clone(),
            kind,
            quantity,
        })
    });
    touched.into_iter().flatten()
}

pub(crate) const fn kind_of(activity: &Activity) -> Option<TouchKind> {
    match activity {
        Activity::Commerce(commerce) => kind_of_action(commerce.action),
        Activity::Exposure(exposure) if exposure.clicked => Some(TouchKind::Clicked),
        _ => None,
    }
}

const fn kind_of_action(action: CommerceAction) -> Option<TouchKind> {
    use CommerceAction as Action;
    Some(match action {
        Action::ProductViewed => TouchKind::Viewed,
        Action::ProductClicked => TouchKind::Clicked,
        Action::ProductAdded | Action::WishlistProductAddedToCart => TouchKind::AddedToCart,
        Action::ProductRemoved => TouchKind::RemovedFromCart,
        Action::ProductAddedToWishlist => TouchKind::AddedToWishlist,
        Action::ProductRemovedFromWishlist => TouchKind::RemovedFromWishlist,
        Action::OrderCompleted => TouchKind::Purchased,
        Action::OrderRefunded => TouchKind::Returned,
        Action::ProductShared | Action::CartShared => TouchKind::Shared,
        Action::ProductReviewed => TouchKind::Reviewed,
        _ => return None,
    })
}

/// The products that an event is about, with their pieces.
pub(crate) fn lines_of(activity: &Activity) -> impl Iterator<Item = (&ProductId, u32)> {
    let (lines, products): (&[Line], &[ProductId]) = match activity {
        Activity::Commerce(commerce) => (&commerce.lines, &[]),
        Activity::Exposure(exposure) => (&[], &exposure.product_ids),
        _ => (&[], &[]),
    };
    let bought = lines.iter().map(|line| (&line.product_id, line.quantity));
    bought.chain(products.iter().map(|product| (product, 1)))
}
