//! Searches of the log, with what became of what they showed.
//!
//! A click, a basket and an order within half an hour belong to the person's newest search that showed the product, or to the one
//! that the click names. Each product counts once a search, by the most that was done with it.

use std::collections::{BTreeMap, BTreeSet};

use mercer_decide::World;
use mercer_profile::Profiles;
use mercer_schema::{
    Activity, CommerceAction, DecisionId, Event, Position, ProductId, SearchRecord, SearchRequest, SearchSort,
    Timestamp,
};
use mercer_search::Clicks;
use rustc_hash::{FxHashMap, FxHashSet};
use xxhash_rust::xxh3::xxh3_64;

use super::is_human;
use crate::search_figures::SearchFigures;

/// A session ends after so long without a search.
const SESSION: i64 = 30 * Timestamp::MINUTE;
/// Searches kept of one moment.
const MOST_KEPT: usize = 2_500;
/// Searches of one person that can still be clicked, and people who are watched at a time.
const MOST_OPEN: usize = 8;
const MOST_PEOPLE: usize = 100_000;
/// What was done with a product, beside a click.
const CLICKED: f32 = 1.0;
const ADDED: f32 = 2.0;
const ORDERED: f32 = 3.0;

/// A search of which something was wanted.
#[derive(Debug, Clone)]
pub(crate) struct Logged {
    pub(crate) at: Timestamp,
    pub(crate) request: SearchRequest,
    pub(crate) wanted: Vec<WantedHit>,
    /// As they were when it was searched.
    pub(crate) profiles: Profiles,
    pub(crate) clicks: Clicks,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct WantedHit {
    pub(crate) product: ProductId,
    /// On the page, from 1.
    pub(crate) place: usize,
    /// How probable it was there, where chance put it.
    pub(crate) chance: Option<f64>,
    pub(crate) gain: f32,
}

/// A search that may still be clicked.
#[derive(Debug, Clone)]
struct Open {
    moment: usize,
    id: DecisionId,
    person: u64,
    at: Timestamp,
    shown: Vec<ProductId>,
    explored: Option<(usize, f64)>,
    /// By place, from 0.
    gains: BTreeMap<usize, f32>,
}

/// Whose searches are wanted, and what became of them: the first walk.
#[derive(Default)]
pub(super) struct Watching {
    open: FxHashMap<u64, Vec<Open>>,
    /// By moment and a hash of the search, of which the smallest are kept.
    kept: BTreeMap<usize, BTreeMap<u64, Open>>,
}

impl Watching {
    pub(super) fn search(&mut self, world: &World, moment: usize, search: &SearchRecord) {
        let request = &search.request;
        let is_lesson = !request.q.trim().is_empty()
            && request.cursor.is_none()
            && request.sort == SearchSort::Relevance
            && !request.no_personalization
            && search.product_ids.len() > 1;
        let Some(person) = world.searcher(&request.visitor()).filter(|_| is_lesson) else { return };
        if self.open.len() >= MOST_PEOPLE {
            self.close(|open| search.decided_at.since(open.at) > SESSION);
        }
        let propensity = |place: usize| search.propensities.get(place).copied().unwrap_or(1.0);
        let open = Open {
            moment,
            id: search.decision_id.clone(),
            person,
            at: search.decided_at,
            shown: search.product_ids.clone(),
            explored: search.explored.map(|place| (place, propensity(place))),
            gains: BTreeMap::new(),
        };
        let own = self.open.entry(person).or_default();
        own.push(open);
        if own.len() > MOST_OPEN {
            let oldest = own.remove(0);
            self.keep(oldest);
        }
    }

    pub(super) fn observe(&mut self, world: &World, event: &Event) {
        if self.open.is_empty() || !is_human(event) {
            return;
        }
        let (id, gain) = match &event.activity {
            Activity::Exposure(exposure) if exposure.clicked => (Some(&exposure.decision_id), CLICKED),
            Activity::Commerce(commerce) => match commerce.action {
                CommerceAction::ProductClicked | CommerceAction::ProductViewed => (None, CLICKED),
                CommerceAction::ProductAdded => (None, ADDED),
                CommerceAction::OrderCompleted => (None, ORDERED),
                _ => return,
            },
            _ => return,
        };
        let Some(own) = world.searcher(&event.visitor).and_then(|person| self.open.get_mut(&person)) else { return };
        let ids: Vec<&ProductId> = match &event.activity {
            Activity::Exposure(exposure) => exposure.product_ids.iter().collect(),
            Activity::Commerce(commerce) => commerce.lines.iter().map(|line| &line.product_id).collect(),
            _ => Vec::new(),
        };
        let is_near = |open: &Open| (0..=SESSION).contains(&event.occurred_at.since(open.at));
        for product in ids {
            let place_in = |open: &Open| open.shown.iter().position(|shown| shown == product);
            let is_meant =
                |open: &&mut Open| is_near(open) && id.is_none_or(|id| open.id == *id) && place_in(open).is_some();
            let Some(open) = own.iter_mut().rev().find(is_meant) else { continue };
            if let Some(place) = place_in(open) {
                let known = open.gains.entry(place).or_default();
                *known = known.max(gain);
            }
        }
    }

    fn close(&mut self, is_over: impl Fn(&Open) -> bool) {
        for own in std::mem::take(&mut self.open).into_values() {
            let (over, left): (Vec<Open>, Vec<Open>) = own.into_iter().partition(&is_over);
            over.into_iter().for_each(|open| self.keep(open));
            if let Some(first) = left.first() {
                self.open.insert(first.person, left);
            }
        }
    }

    fn keep(&mut self, open: Open) {
        if open.gains.is_empty() {
            return;
        }
        let kept = self.kept.entry(open.moment).or_default();
        kept.insert(xxh3_64(open.id.as_str().as_bytes()), open);
        if kept.len() > MOST_KEPT {
            kept.pop_last();
        }
    }

    /// What was kept, to be looked at once more.
    pub(super) fn done(mut self) -> Remembering {
        self.close(|_| true);
        let all = || self.kept.values().flat_map(BTreeMap::values);
        Remembering {
            people: all().map(|open| open.person).collect::<BTreeSet<u64>>().into_iter().collect(),
            wanted: all().map(|open| (open.id.clone(), open.clone())).collect(),
            ..Remembering::default()
        }
    }
}

/// The profiles of these people and what clicks had taught, as they were at each of their searches: the second walk.
#[derive(Default)]
pub(super) struct Remembering {
    people: FxHashSet<u64>,
    wanted: FxHashMap<DecisionId, Open>,
    profiles: Profiles,
    figures: SearchFigures,
    /// Holds the clicks.
    world: World,
    found: Vec<(usize, Logged)>,
}

impl Remembering {
    pub(super) fn begin(&mut self, world: &World) {
        self.world.catalog = world.catalog.clone();
    }

    pub(super) fn search(&mut self, world: &World, position: Position, search: &SearchRecord) {
        if self.wanted.is_empty() {
            return;
        }
        if let Some(open) = self.wanted.get(&search.decision_id) {
            let hit = |(place, gain): (&usize, &f32)| WantedHit {
                product: open.shown[*place].clone(),
                place: place + 1,
                chance: open.explored.filter(|(explored, _)| explored == place).map(|(_, chance)| chance),
                gain: *gain,
            };
            let logged = Logged {
                at: search.decided_at,
                request: SearchRequest { strength: None, limit: None, facets: Some(0), ..search.request.clone() },
                wanted: open.gains.iter().map(hit).collect(),
                profiles: self.profiles.clone(),
                clicks: self.world.clicks.clone(),
            };
            self.found.push((open.moment, logged));
        }
        if search.request.cursor.is_none() {
            let person = world.searcher(&search.request.visitor());
            if self.figures.searched(position, search, person) {
                self.world.learn_what_was_shown(search);
            }
        }
    }

    pub(super) fn observe(&mut self, event: &Event, person: Option<u64>) {
        if self.wanted.is_empty() {
            return;
        }
        if self.figures.wants(event) {
            for click in self.figures.observe(event, person) {
                let placed = (&click.product_id, click.place);
                self.world.learn_what_was_clicked(&click.query, placed, click.is_by_chance, event.occurred_at);
            }
        }
        if person.is_some_and(|person| self.people.contains(&person)) {
            self.profiles.apply(event);
        }
    }

    /// By moment.
    pub(super) fn found(self) -> Vec<(usize, Logged)> {
        self.found
    }
}
