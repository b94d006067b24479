//! Phase *candidates*: where products come from.
//!
//! Each source is asked at most twice for a page, first for few and, when a placement still has holes, for many;
//! placements share the answers. A source never knows about rules, stock or the rest of the page.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::rc::Rc;

use imbl::OrdSet;
use mercer_recommend::next_order::{LOOK, MOST_LOOKED_AT};
use mercer_recommend::sessions::HybridSettings;
use mercer_recommend::{Context, Item, Query, Recommender, Scored, interactions};
use mercer_schema::{Page, PageType, SourceKind, Timestamp};

use crate::World;
use crate::filter::{available, refuse_for};
use crate::for_you::context_of;
use crate::gate::Person;
use crate::purchases;

/// How many candidates a source is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Depth {
    Few,
    Many,
}

impl Depth {
    const fn limit(self) -> usize {
        match self {
            Self::Few => 200,
            Self::Many => 2_000,
        }
    }
}

/// A product that a source proposes, best first in its list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Proposal {
    pub(crate) item: Item,
    pub(crate) because_of: Option<Item>,
    /// Takes a rank. What this customer is not to see now (sold out, just bought, turned down) stands in the line so
    /// that its removal can be told, but does not push back what comes after it.
    pub(crate) has_rank: bool,
}

/// The answer of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proposals {
    /// None twice.
    pub(crate) best_first: Vec<Proposal>,
    /// The source may know more than it said.
    pub(crate) has_more: bool,
}

/// A part of the catalog up to this size is sorted whole instead of being looked for in the long lists.
const MOST_SORTED: usize = 1_000;

/// The sources with all they are asked about for one page.
pub(crate) struct Sources<'a> {
    world: &'a World,
    person: &'a Person,
    now: Timestamp,
    /// The page's products.
    seeds: &'a [Item],
    /// The running visit and the page itself, whose view event may still be on its way.
    session: Vec<Item>,
    answers: BTreeMap<(SourceKind, Depth), Rc<Proposals>>,
}

impl<'a> Sources<'a> {
    pub(crate) fn new(world: &'a World, person: &'a Person, page: &Page, seeds: &'a [Item], now: Timestamp) -> Self {
        let mut session = person.session.clone();
        if page.kind == PageType::Product {
            session.extend(seeds.iter().filter(|seed| person.session.last() != Some(seed)));
        }
        Self { world, person, now, seeds, session, answers: BTreeMap::new() }
    }

    /// What a source proposes. `within` is a part of the catalog outside of which nothing is wanted.
    pub(crate) fn ask(&mut self, kind: SourceKind, depth: Depth, within: Option<&OrdSet<Item>>) -> Rc<Proposals> {
        if let Some(sorted) = within.and_then(|members| self.sorted(kind, members)) {
            return Rc::new(Proposals { best_first: sorted, has_more: false });
        }
        if let Some(known) = self.answers.get(&(kind, depth)) {
            return Rc::clone(known);
        }
        let best_first = self.find(kind, depth.limit());
        let has_more = best_first.len() >= depth.limit();
        let answer = Rc::new(Proposals { best_first, has_more });
        self.answers.insert((kind, depth), Rc::clone(&answer));
        answer
    }

    /// A small part of the catalog in the order of a source that has an order for everything.
    fn sorted(&self, kind: SourceKind, members: &OrdSet<Item>) -> Option<Vec<Proposal>> {
        if members.len() > MOST_SORTED {
            return None;
        }
        let mut items: Vec<Item> = members.iter().copied().collect();
        match kind {
            SourceKind::Popular => {
                let mut wanted: Vec<(f32, Item)> =
                    items.into_iter().map(|item| (self.world.popularity.score(item), item)).collect();
                wanted.retain(|(score, _)| *score > 0.0);
                wanted.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
                items = wanted.into_iter().map(|(_, item)| item).collect();
            }
            SourceKind::Newest => items.sort_by_key(|item| Reverse(self.world.catalog.since(*item))),
            _ => return None,
        }
        Some(self.proposals(items.into_iter()))
    }

    fn find(&self, kind: SourceKind, limit: usize) -> Vec<Proposal> {
        let models = &self.world.models;
        let query = Query { seeds: self.seeds, session: &self.session, now: self.now, ..Query::default() };
        let scored = match kind {
            SourceKind::Popular => self.world.popularity.popular().recommend(&unseeded(&query), limit),
            SourceKind::Trending => self.world.popularity.trending().recommend(&unseeded(&query), limit),
            SourceKind::Newest => return self.proposals(self.world.catalog.newest().take(limit)),
            SourceKind::RecentlyViewed => return self.proposals(self.person.viewed.iter().copied().take(limit)),
            SourceKind::BuyAgain => {
                return self.proposals(purchases::due(self.world, self.person, self.now).into_iter().take(limit));
            }
            SourceKind::AlsoViewed => seeded(&models.also_viewed, &query, limit),
            SourceKind::BoughtTogether => seeded(&models.bought_together, &query, limit),
            SourceKind::Similar => seeded(&self.world.content, &query, limit),
            SourceKind::Complements => seeded(&models.complements, &query, limit),
            SourceKind::Bundle => seeded(&models.bundles, &query, limit),
            SourceKind::SessionNext => self.world.sessions.hybrid(HybridSettings::onwards()).recommend(&query, limit),
            SourceKind::ForYou => self.for_you(limit),
            SourceKind::Taste => self.taste(limit),
            SourceKind::Sequence => self.sequence(limit),
        };
        scored.into_iter().map(|Scored { item, because_of, .. }| self.proposal(item, because_of)).collect()
    }

    fn proposals(&self, items: impl Iterator<Item = Item>) -> Vec<Proposal> {
        items.map(|item| self.proposal(item, None)).collect()
    }

    fn proposal(&self, item: Item, because_of: Option<Item>) -> Proposal {
        Proposal { item, because_of, has_rank: self.may_see(item) }
    }

    /// What the filter will ask of every candidate, whatever the placement.
    fn may_see(&self, item: Item) -> bool {
        let asked = |product| refuse_for(self.person, self.world, (item, product), self.now);
        available(self.world, item).and_then(|product| asked(product.as_ref())).is_ok()
    }

    /// Speaks of the person alone, and so says nothing to somebody of whom nothing is known.
    pub(crate) fn for_you(&self, limit: usize) -> Vec<Scored> {
        let asked = self.asked();
        if asked.is_empty() { Vec::new() } else { self.world.orders_next(&asked.query(), limit) }
    }

    /// What is asked about the person alone.
    pub(crate) fn asked(&self) -> Asked {
        let ordered = self.ordered();
        Asked {
            looked_at: self.looked_at(),
            history: interactions::taste(ordered.iter().map(|(_, item)| *item)),
            ordered,
            now: self.now,
            context: context_of(&self.person.whereabouts),
        }
    }

    /// The same, of what was looked at as well: a look is less than an order.
    fn taste(&self, limit: usize) -> Vec<Scored> {
        let mut history = interactions::taste(self.ordered().into_iter().map(|(_, item)| item));
        let looked_at = self.looked_at();
        history.extend(looked_at.iter().rev().take(MOST_LOOKED_AT).map(|item| (*item, LOOK)));
        self.world.suits(&Query { history: &history, now: self.now, ..Query::default() }, limit)
    }

    fn sequence(&self, limit: usize) -> Vec<Scored> {
        let (looked_at, ordered) = (self.looked_at(), self.ordered());
        let query = Query { session: &looked_at, ordered: &ordered, now: self.now, ..Query::default() };
        self.world.follows(&query, limit)
    }

    /// Oldest first, without what was turned down.
    fn looked_at(&self) -> Vec<Item> {
        let viewed = self.person.viewed.iter().rev().copied();
        viewed.filter(|item| !self.person.dismissed.contains(item)).collect()
    }

    fn ordered(&self) -> Vec<(Timestamp, Item)> {
        let ordered = self.person.ordered.iter().copied();
        ordered.filter(|(_, item)| !self.person.dismissed.contains(item)).collect()
    }
}

/// What is known of a person, as models are asked about it.
pub(crate) struct Asked {
    looked_at: Vec<Item>,
    ordered: Vec<(Timestamp, Item)>,
    history: Vec<(Item, f32)>,
    now: Timestamp,
    context: Context,
}

impl Asked {
    /// Nothing is known.
    pub(crate) fn is_empty(&self) -> bool {
        self.looked_at.is_empty() && self.ordered.is_empty()
    }

    pub(crate) fn query(&self) -> Query<'_> {
        Query {
            session: &self.looked_at,
            history: &self.history,
            ordered: &self.ordered,
            now: self.now,
            context: self.context,
            ..Query::default()
        }
    }
}

/// Lists that are the same for everybody are not asked about the page.
fn unseeded<'a>(query: &Query<'_>) -> Query<'a> {
    Query { now: query.now, ..Query::default() }
}

/// Sources that speak about the page's products say nothing where there are none.
fn seeded(model: &dyn Recommender, query: &Query<'_>, limit: usize) -> Vec<Scored> {
    if query.seeds.is_empty() {
        return Vec::new();
    }
    model.recommend(&Query { session: &[], ..*query }, limit)
}
