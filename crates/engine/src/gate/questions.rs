//! What both are asked: questions from recent days whose answers are known.
//!
//! After what a shop's pages ask: what will this customer order next, by all that is known or by what follows on what alone,
//! what goes with this product, what else is looked at. Every product competes.

use std::collections::{BTreeMap, BTreeSet};

use mercer_decide::World;
use mercer_recommend::evaluate;
use mercer_recommend::interactions::{Basket, Order, lines, taste};
use mercer_recommend::{Context, Item, Query, Recommender};
use mercer_schema::Timestamp;

use crate::lessons::Lessons;

/// Places of a ranking that count.
pub(super) const CUTOFF: usize = 20;
/// Questions of a kind; of more, every n-th is asked.
const MOST_QUESTIONS: usize = 5_000;
/// A product that was ordered or looked at so often at most is cold.
const COLD_ITEM: u32 = 5;

/// Who is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Topic {
    NextOrder,
    GoesWith,
    AlsoViewed,
    /// The transformer, where the shop wants one.
    Follows,
}

impl Topic {
    pub(super) const ALL: [Self; 4] = [Self::NextOrder, Self::GoesWith, Self::AlsoViewed, Self::Follows];

    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::NextOrder => "Next order",
            Self::GoesWith => "Bought together",
            Self::AlsoViewed => "Also viewed",
            Self::Follows => "What follows",
        }
    }
}

pub(super) struct Question {
    pub(super) topic: Topic,
    at: Timestamp,
    history: Vec<Order>,
    seed: Option<Item>,
    context: Context,
    pub(super) relevant: BTreeSet<Item>,
}

impl Question {
    /// One order is all that is known of the customer.
    pub(super) fn is_of_cold_customer(&self) -> bool {
        matches!(self.topic, Topic::NextOrder | Topic::Follows) && self.history.len() == 1
    }

    /// The answer of a world's models.
    pub(super) fn ask(&self, world: &World) -> Vec<Item> {
        let seeds = self.seed.as_slice();
        let ordered: Vec<_> = lines(&self.history).collect();
        let history = taste(ordered.iter().map(|(_, item)| *item));
        let (now, context) = (self.at, self.context);
        let query = Query { seeds, history: &history, ordered: &ordered, now, context, ..Query::default() };
        let found = match self.topic {
            Topic::NextOrder => world.orders_next(&query, CUTOFF),
            Topic::GoesWith => world.models.bought_together.recommend(&query, CUTOFF),
            Topic::AlsoViewed => world.models.also_viewed.recommend(&query, CUTOFF),
            Topic::Follows => world.follows(&query, CUTOFF),
        };
        found.into_iter().map(|scored| scored.item).collect()
    }
}

/// The questions of these kinds from a moment on.
pub(super) fn after(lessons: &Lessons, cut: Timestamp, topics: &[Topic]) -> Vec<Question> {
    let orders = || lessons.orders.iter().filter(|order| order.at >= cut);
    let visits = || lessons.visits.iter().zip(&lessons.visited_at).filter(|(_, at)| **at >= cut);
    let of = |topic: Topic| -> Vec<Question> {
        match topic {
            Topic::NextOrder | Topic::Follows => of_customers(topic, lessons, cut),
            Topic::GoesWith => orders().filter_map(|order| rest(topic, order.at, &order.lines)).collect(),
            Topic::AlsoViewed => visits().filter_map(|(visit, at)| rest(topic, *at, visit)).collect(),
        }
    };
    topics.iter().flat_map(|topic| thinned(of(*topic))).collect()
}

/// The first order of each customer who was known by then.
fn of_customers(topic: Topic, lessons: &Lessons, cut: Timestamp) -> Vec<Question> {
    let cases = evaluate::split_at(&lessons.orders, cut).cases.into_iter().map(|case| Question {
        topic,
        at: case.at,
        context: lessons.context(case.customer, case.at),
        history: case.history,
        seed: None,
        relevant: case.relevant,
    });
    cases.collect()
}

/// Given one product of a basket, the others.
fn rest(topic: Topic, at: Timestamp, basket: &Basket) -> Option<Question> {
    let ((seed, _), others) = basket.split_first()?;
    let relevant: BTreeSet<Item> = others.iter().map(|(item, _)| *item).filter(|item| item != seed).collect();
    (!relevant.is_empty()).then(|| Question {
        topic,
        at,
        history: Vec::new(),
        seed: Some(*seed),
        context: Context::default(),
        relevant,
    })
}

fn thinned(questions: Vec<Question>) -> Vec<Question> {
    let step = questions.len().div_ceil(MOST_QUESTIONS).max(1);
    questions.into_iter().step_by(step).collect()
}

/// Products of which little was known at the cut, those that nobody had touched included.
pub(super) fn cold_items(lessons: &Lessons, cut: Timestamp) -> impl Fn(&Item) -> bool + use<> {
    let mut times: BTreeMap<Item, u32> = BTreeMap::new();
    let orders = lessons.orders.iter().filter(|order| order.at < cut).map(|order| &order.lines);
    let visits = lessons.visits.iter().zip(&lessons.visited_at).filter(|(_, at)| **at < cut).map(|(visit, _)| visit);
    for (item, _) in orders.chain(visits).flatten() {
        *times.entry(*item).or_default() += 1;
    }
    move |item: &Item| times.get(item).is_none_or(|times| *times <= COLD_ITEM)
}
