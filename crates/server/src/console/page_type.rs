//! Kinds of pages by name, for forms.

use mercer_schema::PageType;

/// Each kind as forms send it, and as people read it.
pub(crate) const ALL: [(PageType, &str, &str); 7] = [
    (PageType::Home, "home", "Home"),
    (PageType::Category, "category", "Category"),
    (PageType::Product, "product", "Product"),
    (PageType::Cart, "cart", "Basket"),
    (PageType::Checkout, "checkout", "Checkout"),
    (PageType::Search, "search", "Search"),
    (PageType::Other, "other", "Other"),
];

/// The kind of a name; anything else is `Other`.
pub(crate) fn of_name(name: &str) -> PageType {
    ALL.iter().find(|(_, known, _)| *known == name).map_or(PageType::Other, |(kind, _, _)| *kind)
}

pub(crate) fn name(kind: PageType) -> &'static str {
    ALL.iter().find(|(known, _, _)| *known == kind).map_or("other", |(_, name, _)| *name)
}

/// The kind that a group is most likely for: groups are named after the pages they are on.
pub(crate) fn of_group(group: &str) -> PageType {
    of_name(&group.to_lowercase())
}
