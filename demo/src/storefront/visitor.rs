//! Who asks: read from the request's cookies and headers, nothing else.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use mercer_schema::{AnonymousId, CustomerId};

use super::cart::Cart;
use super::change::{Change, Notice};
use super::cookie::{self, Jar};
use super::shop::Shop;

#[derive(Debug, Clone)]
pub(super) struct Visitor {
    pub(super) anonymous_id: AnonymousId,
    pub(super) customer: Option<CustomerId>,
    pub(super) cart: Cart,
    /// The switch of the shop, and the browser's own objection.
    pub(super) is_switched_off: bool,
    pub(super) has_gpc: bool,
    /// A token of the console: see the shop as somebody else, and leave no trace.
    pub(super) view_as: Option<String>,
    pub(super) change: Option<Change>,
    pub(super) notice: Option<Notice>,
    pub(super) user_agent: Option<String>,
    pub(super) locale: Option<String>,
    pub(super) referrer: Option<String>,
    /// The browser fetches ahead; nobody looks yet.
    pub(super) is_prefetch: bool,
    /// Path and query of the page.
    pub(super) here: String,
    pub(super) origin: String,
    /// What the answer sets.
    pub(super) jar: Jar,
}

impl Visitor {
    fn read(parts: &Parts, fresh_id: impl FnOnce() -> String) -> Self {
        let headers = &parts.headers;
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let mut jar = Jar::default();
        let known = cookie::get(headers, cookie::ANONYMOUS_ID).and_then(|id| AnonymousId::parse(&id).ok());
        let anonymous_id = known.unwrap_or_else(|| {
            let id = AnonymousId::trusted(fresh_id());
            jar.keep_shared(cookie::ANONYMOUS_ID, id.as_str());
            id
        });
        let notice = Notice::read(headers);
        if notice.is_some() {
            jar.drop(cookie::NOTICE);
        }
        Self {
            anonymous_id,
            customer: cookie::get(headers, cookie::CUSTOMER).and_then(|id| CustomerId::parse(&id).ok()),
            cart: cookie::get(headers, cookie::CART).map(|text| Cart::parse(&text)).unwrap_or_default(),
            is_switched_off: cookie::get(headers, cookie::PERSONALIZATION).as_deref() == Some("off"),
            has_gpc: text("sec-gpc").as_deref() == Some("1"),
            view_as: cookie::get(headers, cookie::VIEW_AS),
            change: Change::read(headers),
            notice,
            user_agent: text("user-agent"),
            locale: text("accept-language").and_then(|list| first_language(&list)),
            referrer: text("referer"),
            is_prefetch: is_prefetch(headers),
            here: parts.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
            origin: format!("http://{}", text("host").unwrap_or_default()),
            jar,
        }
    }

    pub(super) fn may_personalize(&self) -> bool {
        !self.is_switched_off && !self.has_gpc
    }

    /// The id under which Mercer knows this visitor.
    pub(super) fn id(&self) -> &str {
        self.customer.as_ref().map_or(self.anonymous_id.as_str(), |customer| customer.as_str())
    }

    pub(super) fn keep_cart(&mut self) {
        if self.cart.is_empty() {
            self.jar.drop(cookie::CART);
        } else {
            self.jar.keep(cookie::CART, &self.cart.to_text());
        }
    }

    /// Becomes a stranger: nothing ties the next page to the pages before.
    pub(super) fn renew(&mut self, fresh_id: String) {
        self.anonymous_id = AnonymousId::trusted(fresh_id);
        self.jar.keep_shared(cookie::ANONYMOUS_ID, self.anonymous_id.as_str());
        self.customer = None;
        self.jar.drop(cookie::CUSTOMER);
        self.change = None;
        self.jar.drop(cookie::CHANGE);
    }
}

impl FromRequestParts<Shop> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, shop: &Shop) -> Result<Self, Infallible> {
        Ok(Self::read(parts, || shop.fresh_id()))
    }
}

fn is_prefetch(headers: &HeaderMap) -> bool {
    let purposes = ["sec-purpose", "purpose", "x-moz"].into_iter().filter_map(|name| headers.get(name));
    purposes.filter_map(|value| value.to_str().ok()).any(|purpose| purpose.contains("prefetch"))
}

/// `en-GB` of `en-GB,en;q=0.9`.
fn first_language(list: &str) -> Option<String> {
    let first = list.split([',', ';']).next()?.trim();
    (!first.is_empty() && first.len() <= 35 && first != "*").then(|| first.to_owned())
}
