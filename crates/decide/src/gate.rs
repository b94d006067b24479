//! Phase *gate*: who asks, and may behaviour shape the answer?
//!
//! Nothing later looks at a profile but through [`Person`]. For a customer who objects it is the same value as
//! for a visitor whom nobody has ever seen, so nothing personal can leak into the answer.

use mercer_profile::{Affinities, affinities};
use mercer_recommend::Item;
use mercer_schema::{Country, DecideRequest, Profile, SearchSettings, Timestamp, Touch, TouchKind, Whereabouts};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::notes::Notes;
use crate::rule::CustomerFacts;
use crate::{Catalog, World};

/// A visit is running while its last event is at most this old; the same pause ends a session in the profile.
const VISIT_PAUSE: i64 = 30 * Timestamp::MINUTE;
/// What request, shop and customer together may make of it.
const MOST_STRENGTH: f64 = 4.0;
/// Categories and brands that rules see as liked.
const MOST_TASTES: usize = 5;

/// What the answer may know of the customer.
#[derive(Debug, Default)]
pub(crate) struct Person {
    profile: Option<Profile>,
    /// The customer objects: the answer is made as for an unknown visitor.
    pub(crate) objects: bool,
    /// The running visit, oldest first.
    pub(crate) session: Vec<Item>,
    /// What the customer ordered when.
    pub(crate) ordered: Vec<(Timestamp, Item)>,
    /// Looked at, newest first.
    pub(crate) viewed: Vec<Item>,
    pub(crate) bought: FxHashMap<Item, Bought>,
    bought_groups: FxHashMap<String, Timestamp>,
    pub(crate) dismissed: FxHashSet<Item>,
    pub(crate) whereabouts: Whereabouts,
    liked_categories: Vec<String>,
    liked_brands: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bought {
    pub(crate) times: u32,
    pub(crate) last: Timestamp,
    /// Sent back after the last purchase.
    pub(crate) returned: bool,
}

const fn is_look(kind: TouchKind) -> bool {
    matches!(kind, TouchKind::Viewed | TouchKind::Clicked | TouchKind::AddedToCart)
}

/// Looks the visitor up, unless an objection stands.
pub(crate) fn admit(world: &World, request: &DecideRequest, now: Timestamp, notes: &mut Notes) -> Person {
    let profile = world.profiles.view(&request.visitor());
    let consent = profile.as_ref().and_then(|profile| profile.consent);
    if request.no_personalization || consent.is_some_and(|consent| !consent.personalization || consent.gpc) {
        notes.add("The customer objects to personalization: this is the answer for an unknown visitor.");
        return Person { objects: true, ..Person::default() };
    }
    let mut person = profile.map_or_else(Person::default, |profile| Person::new(profile, &world.catalog, now));
    person.whereabouts = told_by(request).or(person.whereabouts);
    person
}

/// What the request says of where the customer is, be it by the page's locale.
fn told_by(request: &DecideRequest) -> Whereabouts {
    let country = request.page.locale.as_deref().and_then(Country::of_locale);
    request.context.or(Whereabouts { country, ..Whereabouts::default() })
}

impl Person {
    fn new(profile: Profile, catalog: &Catalog, now: Timestamp) -> Self {
        let mut person = Self::default();
        let visit = profile.last_visit.filter(|visit| now.since(visit.last_at) <= VISIT_PAUSE);
        for touch in &profile.touches {
            let Some(item) = catalog.item(&touch.product_id) else { continue };
            if touch.kind == TouchKind::Purchased {
                person.ordered.push((touch.at, item));
            }
            person.remember(item, touch, catalog);
            if is_look(touch.kind)
                && visit.is_some_and(|visit| touch.at >= visit.started_at)
                && person.session.last() != Some(&item)
            {
                person.session.push(item);
            }
        }
        person.viewed = newest_views(&profile, catalog);
        person.dismissed = profile.dismissed.iter().filter_map(|id| catalog.item(id)).collect();
        person.whereabouts = profile.whereabouts;
        person.profile = Some(profile);
        person
    }

    fn remember(&mut self, item: Item, touch: &Touch, catalog: &Catalog) {
        match touch.kind {
            TouchKind::Purchased => {
                let bought = self.bought.entry(item).or_insert(Bought { times: 0, last: touch.at, returned: false });
                // Lines of one day are one purchase: `last` starts as this very touch.
                let is_another_day = bought.times == 0 || touch.at.day() != bought.last.day();
                let times = bought.times + u32::from(is_another_day);
                *bought = Bought { times, last: bought.last.max(touch.at), returned: false };
                if let Some(group) = catalog.product(item).and_then(|product| product.group_id.as_ref()) {
                    let last = self.bought_groups.entry(group.clone()).or_insert(touch.at);
                    *last = touch.at.max(*last);
                }
            }
            TouchKind::Returned => {
                if let Some(bought) = self.bought.get_mut(&item) {
                    bought.returned = true;
                }
            }
            _ => {}
        }
    }

    /// Finds out what the customer likes, for rules that ask.
    pub(crate) fn find_tastes(&mut self, catalog: &Catalog, now: Timestamp) {
        let found = self.affinities(catalog, now);
        self.liked_categories = found.categories.into_iter().take(MOST_TASTES).map(|(name, _)| name).collect();
        self.liked_brands = found.brands.into_iter().take(MOST_TASTES).map(|(name, _)| name).collect();
    }

    /// How much the customer has to do with each category, wide ones too.
    pub(crate) fn category_weights(&self, catalog: &Catalog, now: Timestamp) -> Vec<(String, f64)> {
        let mut categories = self.affinities(catalog, now).categories;
        categories.retain(|(_, weight)| *weight > 0.0);
        categories
    }

    pub(crate) fn affinities(&self, catalog: &Catalog, now: Timestamp) -> Affinities {
        let of = |profile| affinities(profile, |id| catalog.get(id).map(AsRef::as_ref), now);
        self.profile.as_ref().map(of).unwrap_or_default()
    }

    /// What was looked at or put into the basket from a moment on.
    pub(crate) fn looked_at_since(&self, catalog: &Catalog, since: Timestamp) -> impl Iterator<Item = Item> {
        self.looks(catalog).filter(move |(_, at)| *at >= since).map(|(item, _)| item)
    }

    /// What was looked at or put into the basket when, oldest first.
    pub(crate) fn looks(&self, catalog: &Catalog) -> impl Iterator<Item = (Item, Timestamp)> {
        let touches = self.profile.iter().flat_map(|profile| &profile.touches).filter(move |touch| is_look(touch.kind));
        touches.filter_map(|touch| Some((catalog.item(&touch.product_id)?, touch.at)))
    }

    /// How much what is known of the customer may change what they find: what the request asks for, as the shop and the customer
    /// have it. An objection leaves nothing to be known.
    pub(crate) fn search_strength(&self, asked: Option<f64>, settings: &SearchSettings) -> f64 {
        let asked = asked.filter(|strength| !strength.is_nan()).unwrap_or(1.0).clamp(0.0, 2.0);
        (asked * settings.strength * self.own_strength()).clamp(0.0, MOST_STRENGTH)
    }

    /// As the customer set it; 1 where they did not.
    pub(crate) fn own_strength(&self) -> f64 {
        let stated = self.profile.as_ref().and_then(|profile| profile.preferences);
        stated.unwrap_or_default().search_strength
    }

    pub(crate) fn facts(&self, now: Timestamp) -> CustomerFacts<'_> {
        CustomerFacts {
            profile: self.profile.as_ref(),
            categories: &self.liked_categories,
            brands: &self.liked_brands,
            now,
        }
    }

    /// When this product, or a sibling of its group, was last bought.
    pub(crate) fn last_bought(&self, item: Item, group_id: Option<&str>) -> Option<Timestamp> {
        let itself = self.bought.get(&item).map(|bought| bought.last);
        itself.max(group_id.and_then(|group| self.bought_groups.get(group).copied()))
    }
}

fn newest_views(profile: &Profile, catalog: &Catalog) -> Vec<Item> {
    let mut met = FxHashSet::default();
    let views =
        profile.touches.iter().rev().filter(|touch| matches!(touch.kind, TouchKind::Viewed | TouchKind::Clicked));
    views.filter_map(|touch| catalog.item(&touch.product_id)).filter(|item| met.insert(*item)).collect()
}
