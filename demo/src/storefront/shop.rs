//! What all pages share: the settings, the way to Mercer, and two small caches.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use mercer_schema::{DecideRequest, Page, PageDecision, Product, ProductId, Timestamp};

use super::change::Change;
use super::event::Story;
use super::mercer::{Category, Known, Mercer};
use super::settings::ShopSettings;
use super::trouble::Trouble;
use super::visitor::Visitor;
use crate::Error;

/// How long the menu may be out of date.
const CATEGORIES_FOR: i64 = 20 * Timestamp::SECOND;
/// Products whose pictures can be drawn without asking Mercer; the cache starts anew when it is full.
const MOST_SEEN: usize = 8_192;

#[derive(Clone)]
pub(super) struct Shop {
    inner: Arc<Inner>,
}

struct Inner {
    settings: ShopSettings,
    mercer: Mercer,
    categories: Mutex<Option<(Timestamp, Arc<Vec<Category>>)>>,
    seen: Mutex<HashMap<ProductId, Product>>,
}

/// What Mercer knew before and after a page's event.
#[derive(Debug, Default)]
pub(super) struct Scene {
    pub(super) known: Option<Known>,
    pub(super) change: Option<Change>,
}

impl Shop {
    pub(super) fn open(settings: ShopSettings) -> Result<Self, Error> {
        let mercer = Mercer::open(&settings)?;
        let inner = Inner { settings, mercer, categories: Mutex::default(), seen: Mutex::default() };
        Ok(Self { inner: Arc::new(inner) })
    }

    pub(super) fn settings(&self) -> &ShopSettings {
        &self.inner.settings
    }

    pub(super) fn mercer(&self) -> &Mercer {
        &self.inner.mercer
    }

    pub(super) fn now(&self) -> Timestamp {
        (self.inner.settings.clock)()
    }

    /// 32 random hexadecimal digits.
    pub(super) fn fresh_id(&self) -> String {
        format!("{:032x}", (self.inner.settings.random)())
    }

    /// The categories, at most [`CATEGORIES_FOR`] old.
    pub(super) async fn categories(&self) -> Result<Arc<Vec<Category>>, Trouble> {
        let now = self.now();
        let cached = self.inner.categories.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, categories)) = cached.filter(|(at, _)| now.since(*at).abs() < CATEGORIES_FOR) {
            return Ok(categories);
        }
        let categories = Arc::new(self.mercer().categories().await?);
        // An empty shop is being filled right now: ask again with the next page.
        if !categories.is_empty() {
            *self.inner.categories.lock().unwrap_or_else(PoisonError::into_inner) =
                Some((now, Arc::clone(&categories)));
        }
        Ok(categories)
    }

    /// Remembers what a product's picture needs.
    pub(super) fn saw(&self, product: &Product) {
        let mut seen = self.inner.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= MOST_SEEN {
            seen.clear();
        }
        if !seen.contains_key(&product.id) {
            let mut picture = Product::new(product.id.clone(), product.title.clone());
            picture.category.clone_from(&product.category);
            seen.insert(product.id.clone(), picture);
        }
    }

    /// A product with as much as its picture needs.
    pub(super) async fn pictured(&self, id: &ProductId) -> Result<Option<Product>, Trouble> {
        let seen = self.inner.seen.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned();
        match seen {
            Some(product) => Ok(Some(product)),
            None => self.mercer().product(id).await,
        }
    }

    /// What Mercer knows of the visitor; nothing when it does not answer.
    pub(super) async fn known(&self, visitor: &Visitor) -> Option<Known> {
        if visitor.view_as.is_some() {
            return None;
        }
        let (known, categories) = tokio::join!(self.mercer().customer(visitor.id()), self.categories());
        let mut known = known.unwrap_or_else(|trouble| {
            tracing::warn!(error = %trouble, "the panel stays empty");
            None
        });
        if let (Some(known), Ok(categories)) = (&mut known, categories) {
            known.affinities.narrow(&categories);
        }
        known
    }

    /// Tells Mercer. An event that cannot be delivered costs no page.
    pub(super) async fn tell(&self, visitor: &Visitor, story: &Story) -> bool {
        if visitor.view_as.is_some() || visitor.is_prefetch {
            return true;
        }
        let body = story.to_batch(visitor, &self.fresh_id(), self.now());
        match self.mercer().send(&body).await {
            Ok(()) => true,
            Err(trouble) => {
                tracing::warn!(error = %trouble, "an event of the shop was not delivered");
                false
            }
        }
    }

    /// Tells Mercer and keeps what that changed for the next page.
    pub(super) async fn tell_and_compare(&self, visitor: &mut Visitor, story: &Story) -> bool {
        let before = self.known(visitor).await;
        let is_told = self.tell(visitor, story).await;
        let after = self.known(visitor).await;
        if visitor.view_as.is_none() {
            Change::between(&story.words, before.as_ref(), after.as_ref()).keep(&mut visitor.jar);
        }
        is_told
    }

    /// What happened on this page and what came of it.
    pub(super) fn scene(
        &self,
        visitor: &mut Visitor,
        story: &Story,
        before: Option<&Known>,
        after: Option<Known>,
    ) -> Scene {
        if visitor.view_as.is_some() || visitor.is_prefetch {
            return Scene::default();
        }
        let change = Change::between(&story.words, before, after.as_ref());
        // A look at a list or a page moves nothing: the last real change stays on show.
        if change.moves.is_empty() && visitor.change.is_some() {
            return Scene { known: after, change: visitor.change.clone() };
        }
        change.keep(&mut visitor.jar);
        Scene { known: after, change: Some(change) }
    }

    /// The rows of a page. Without an answer the page stands without them.
    pub(super) async fn decide(&self, visitor: &Visitor, group: &str, page: Page) -> Option<PageDecision> {
        let request = DecideRequest {
            customer: visitor.customer.clone(),
            anonymous_id: Some(visitor.anonymous_id.clone()),
            page: Page { locale: visitor.locale.clone(), ..page },
            group: Some(group.to_owned()),
            view_as: visitor.view_as.clone(),
            dry_run: visitor.is_prefetch,
            no_personalization: !visitor.may_personalize(),
            ..DecideRequest::default()
        };
        match self.mercer().decide(&request).await {
            Ok(decision) => Some(decision),
            Err(trouble) => {
                tracing::warn!(error = %trouble, group, "a page stands without its rows");
                None
            }
        }
    }
}

impl std::fmt::Debug for Shop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shop").field("api_base", &self.inner.settings.api_base).finish_non_exhaustive()
    }
}
