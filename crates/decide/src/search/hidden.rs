//! What the shop hides from a search, for those who suggest: nothing is suggested that cannot be found.

use mercer_recommend::Item;
use mercer_schema::{Product, SearchAction, SearchRequest};

use super::narrow::own_rule;
use super::rules::{Products, Rules, products_of};
use crate::filter::AskedRule;
use crate::notes::Notes;
use crate::page::PageView;

/// The rules that stand for a search, as far as they hide or lead elsewhere, and the request's own filter.
pub(crate) struct Hidden<'a> {
    page: &'a PageView<'a>,
    asked: Vec<Products<'a>>,
    filter: Option<AskedRule>,
    pub(crate) redirect: Option<String>,
}

impl<'a> Hidden<'a> {
    pub(crate) fn from(page: &'a PageView<'a>, request: &SearchRequest) -> Self {
        // What fails is told by the search itself.
        let mut notes = Notes::default();
        let rules = Rules::new(page, (request, None), &mut notes);
        let (mut asked, mut redirect) = (Vec::new(), None);
        for applied in &rules.applied {
            for (place, action) in applied.rule.rule.then.iter().enumerate() {
                match action {
                    SearchAction::Hide { .. } => asked.extend(products_of(page, applied.rule, place)),
                    SearchAction::Redirect { url } => drop(redirect.get_or_insert_with(|| url.clone())),
                    _ => {}
                }
            }
        }
        Self { page, asked, filter: own_rule(page, request, &mut notes), redirect }
    }

    /// Nothing at all is hidden.
    pub(crate) const fn is_empty(&self) -> bool {
        self.asked.is_empty() && self.filter.is_none()
    }

    pub(crate) fn has(&mut self, item: Item, product: &Product) -> bool {
        self.asked.iter_mut().any(|asked| asked.has(self.page, item, product))
            || self.filter.as_mut().is_some_and(|filter| !filter.holds(self.page, item, product))
    }
}
