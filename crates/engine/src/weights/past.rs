//! The shop as its sources knew it at a moment, and what was asked and wanted after that.

use std::collections::BTreeSet;

use mercer_decide::{Models, World};
use mercer_recommend::evaluate::split_at;
use mercer_recommend::interactions::{self, Basket, Order, lines};
use mercer_recommend::popularity::{self, Popularity};
use mercer_recommend::sessions::{HybridSettings, IndexSettings, SessionIndex};
use mercer_recommend::{Item, Query, Recommender};
use mercer_schema::{Placement, SourceKind, Timestamp};

use crate::lessons::Lessons;

/// The newest share of orders and visits that is held back.
const HELD_BACK: usize = 5;
/// What of a source's answer can come into a row.
const ANSWERS: usize = 100;

/// What a page asked, and what was wanted then.
#[derive(Debug, Clone, Default)]
pub(super) struct Question {
    at: Timestamp,
    seeds: Vec<Item>,
    session: Vec<Item>,
    ordered: Vec<(Timestamp, Item)>,
    pub(super) relevant: BTreeSet<Item>,
}

/// The moment after which the newest fifth of what happened lies.
pub(super) fn cut(lessons: &Lessons) -> Timestamp {
    let orders = lessons.orders.iter().map(|order| order.at);
    let mut times: Vec<Timestamp> = orders.chain(lessons.visited_at.iter().copied()).collect();
    times.sort_unstable();
    times.get(times.len() - times.len() / HELD_BACK).copied().unwrap_or(lessons.data.last_at)
}

/// What a placement would have been asked after the cut: with products where its sources speak of the page's products,
/// of customers and running visits where they do not.
pub(super) fn questions(placement: &Placement, lessons: &Lessons, cut: Timestamp, most: usize) -> Vec<Question> {
    let orders = lessons.orders.iter().filter(|order| order.at >= cut);
    let visits = lessons.visits.iter().zip(&lessons.visited_at).filter(|(_, at)| **at >= cut);
    let is_in_cart = placement.groups.iter().any(|group| group == "cart" || group == "checkout");
    let mut questions: Vec<Question> = Vec::new();
    if placement.sources.iter().any(|source| speaks_of_the_page(source.kind)) {
        questions.extend(orders.filter_map(|order| rest_of(&order.lines, order.at, is_in_cart)));
        if !is_in_cart {
            questions.extend(visits.filter_map(|(visit, at)| rest_of(visit, *at, false)));
        }
    } else {
        questions.extend(split_at(&lessons.orders, cut).cases.into_iter().map(|case| Question {
            at: case.at,
            ordered: lines(&case.history).collect(),
            relevant: case.relevant,
            ..Question::default()
        }));
        questions.extend(visits.filter_map(|(visit, at)| {
            let (session, relevant) = halves(visit)?;
            Some(Question { at: *at, session, relevant, ..Question::default() })
        }));
    }
    let step = questions.len().div_ceil(most).max(1);
    questions.into_iter().step_by(step).collect()
}

const fn speaks_of_the_page(kind: SourceKind) -> bool {
    matches!(
        kind,
        SourceKind::AlsoViewed
            | SourceKind::BoughtTogether
            | SourceKind::Similar
            | SourceKind::Complements
            | SourceKind::Bundle
    )
}

/// One product of a basket is on the page, or half of it in the cart; the others are wanted.
fn rest_of(basket: &Basket, at: Timestamp, is_in_cart: bool) -> Option<Question> {
    let (seeds, relevant) = if is_in_cart {
        halves(basket)?
    } else {
        let ((seed, _), others) = basket.split_first()?;
        (vec![*seed], others.iter().map(|(item, _)| *item).collect())
    };
    (!relevant.is_empty()).then(|| Question { at, session: seeds.clone(), seeds, relevant, ..Question::default() })
}

fn halves(basket: &Basket) -> Option<(Vec<Item>, BTreeSet<Item>)> {
    let items: Vec<Item> = basket.iter().map(|(item, _)| *item).collect();
    let (first, second) = items.split_at(items.len().div_ceil(2));
    (!second.is_empty()).then(|| (first.to_vec(), second.iter().copied().collect()))
}

/// Everything that sources ask.
pub(super) struct Past<'a> {
    world: &'a World,
    models: &'a Models,
    popularity: Popularity,
    sessions: SessionIndex,
}

impl<'a> Past<'a> {
    pub(super) fn new(before: &Lessons, world: &'a World, models: &'a Models) -> Self {
        let mut contacts: Vec<(Timestamp, u64, &Basket)> = Vec::new();
        contacts.extend(before.orders.iter().map(|Order { at, lines, .. }| (*at, 0, lines)));
        contacts.extend(
            (1..).zip(before.visits.iter().zip(&before.visited_at)).map(|(visit, (lines, at))| (*at, visit, lines)),
        );
        contacts.sort_by_key(|(at, ..)| *at);
        let mut popularity = Popularity::new(popularity::Settings::default());
        let mut sessions = SessionIndex::new(IndexSettings::default());
        for (at, visit, lines) in contacts {
            for (item, _) in lines {
                popularity.observe(*item, 1.0, at);
                if visit > 0 {
                    sessions.observe(visit, *item, at);
                }
            }
        }
        Self { world, models, popularity, sessions }
    }

    /// A source's answer, best first, without the page's own products.
    pub(super) fn ask(&self, kind: SourceKind, question: &Question) -> Vec<Item> {
        let Question { at, seeds, session, ordered, .. } = question;
        let everybody = Query { now: *at, ..Query::default() };
        let of_page = Query { seeds, now: *at, ..Query::default() };
        let taste = interactions::taste(ordered.iter().map(|(_, item)| *item));
        let (model, query): (&dyn Recommender, _) = match kind {
            SourceKind::Popular => (&self.popularity.popular(), everybody),
            SourceKind::Trending => (&self.popularity.trending(), everybody),
            SourceKind::AlsoViewed => (&self.models.also_viewed, of_page),
            SourceKind::BoughtTogether => (&self.models.bought_together, of_page),
            SourceKind::Similar => (&self.world.content, of_page),
            SourceKind::Complements => (&self.models.complements, of_page),
            SourceKind::Bundle => (&self.models.bundles, of_page),
            SourceKind::SessionNext => (&self.sessions.hybrid(HybridSettings::onwards()), Query { session, ..of_page }),
            SourceKind::ForYou => (&self.models.for_you, Query { session, ordered, ..everybody }),
            SourceKind::Taste => (&self.models.tastes, Query { history: &taste, ..everybody }),
            SourceKind::Newest => {
                let was_there = |item: &Item| self.world.catalog.since(*item).is_some_and(|since| since <= *at);
                let newest = self.world.catalog.newest().filter(was_there);
                return newest.filter(|item| !seeds.contains(item)).take(ANSWERS).collect();
            }
            SourceKind::RecentlyViewed | SourceKind::BuyAgain | SourceKind::Sequence => return Vec::new(),
        };
        let found = model.recommend(&query, ANSWERS + seeds.len()).into_iter().map(|scored| scored.item);
        found.filter(|item| !seeds.contains(item)).take(ANSWERS).collect()
    }
}
