//! What all placements of a page share while it is decided.

use mercer_schema::{Explain, Page, Timestamp};
use mercer_search::Language;

use crate::World;
use crate::filter::Seen;
use crate::gate::Person;
use crate::rule::Scope;
use crate::words::language_of;

/// One page, one customer, one moment.
pub(crate) struct PageView<'a> {
    pub(crate) world: &'a World,
    pub(crate) person: &'a Person,
    pub(crate) now: Timestamp,
    /// The variables that rules read.
    pub(crate) scope: Scope<'a>,
    /// The page's own products: of a product page, of the cart.
    pub(crate) own: Seen,
    pub(crate) language: Language,
    pub(crate) explain: Explain,
}

impl<'a> PageView<'a> {
    /// Of a page without products of its own.
    pub(crate) fn new(world: &'a World, person: &'a Person, page: &'a Page, now: Timestamp, explain: Explain) -> Self {
        Self {
            world,
            person,
            now,
            scope: Scope::new(page, person.facts(now), now),
            own: Seen::default(),
            language: language_of(page.locale.as_deref(), world),
            explain,
        }
    }
}
