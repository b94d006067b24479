//! Learning [`NextOrder`] from orders: neighbours and facts from all of them, weights from the newest.

use mercer_schema::Timestamp;

use super::facts::FACTS;
use super::{Facts, NEW, NextOrder, OLD, Past, Settings, gather, most_popular, new_things, old_things};
use crate::evaluate::{Case, Split, hold_out_last_orders, split_at};
use crate::interactions::{Order, lines, tastes};
use crate::logit::{Lesson, learn};
use crate::neighbours::Neighbours;
use crate::ranking::{better, keep_first};
use crate::{Item, Query};

/// New items of a lesson, the most likely by the built-in weights.
const NEW_ITEMS: usize = 150;
/// Less than the fortnight after which many customers come again: their order before it is then known.
const LATELY_DAYS: i64 = 13;
const WEIGHTS: usize = OLD + FACTS + NEW + FACTS;

/// Where learning starts, and what serves a shop without a second order: the order of [`old_things`], facts of an old
/// item, [`new_things`], facts of a new one.
const BUILT_IN: [f64; WEIGHTS] = [
    4.2, 1.2, -0.15, 0.0, -0.75, -0.25, 0.0, //
    0.4, 0.0, -0.25, 0.4, 0.0, //
    0.15, 1.5, //
    1.2, 0.0, -0.7, 0.05, 0.5,
];

impl NextOrder {
    /// Learns from all orders. Demand is as of the newest.
    pub fn fit(orders: &[Order], settings: &Settings) -> Self {
        let weights = learn(&lessons(orders, settings), &BUILT_IN, settings.ridge);
        Self::of(&weights, neighbours_of(orders, settings), &Facts::new(orders))
    }

    fn of(weights: &[f64; WEIGHTS], neighbours: Neighbours, facts: &Facts) -> Self {
        let (old, new) = weights.split_at(OLD + FACTS);
        let score = |facts: &[f64; FACTS], weights: &[f64]| {
            facts.iter().zip(weights).map(|(fact, weight)| fact * weight).sum::<f64>() as f32
        };
        let scores: Vec<Option<[f32; 2]>> = (0..facts.size() as u32)
            .map(|item| facts.of(Item(item)).map(|facts| [score(&facts, &old[OLD..]), score(&facts, &new[NEW..])]))
            .collect();
        Self {
            old_weights: std::array::from_fn(|place| old[place] as f32),
            new_weights: std::array::from_fn(|place| new[place] as f32),
            neighbours,
            popular: most_popular(&scores),
            scores,
        }
    }
}

/// What the same people order: of a taste more is known than of a basket. Where most orders are guests', theirs count,
/// too; otherwise they would only blur what the tastes say.
fn neighbours_of(orders: &[Order], settings: &Settings) -> Neighbours {
    let mut baskets = tastes(orders);
    let guests: Vec<&Order> = orders.iter().filter(|order| order.customer.is_none()).collect();
    if guests.len() > baskets.len() {
        baskets.extend(guests.into_iter().map(|order| order.lines.clone()));
    }
    Neighbours::fit(&baskets, &settings.neighbours)
}

/// Orders as choices, each from what was known without them: those of the last days, which teach how to go by present
/// demand, and every customer's newest, which are many more.
fn lessons(orders: &[Order], settings: &Settings) -> Vec<Lesson<WEIGHTS>> {
    let newest = orders.iter().map(|order| order.at).max().unwrap_or_default();
    let lately = split_at(orders, newest.plus(-LATELY_DAYS * Timestamp::DAY));
    let mut lessons = lessons_of(&lately, settings);
    lessons.extend(lessons_of(&hold_out_last_orders(orders, 0), settings));
    lessons
}

fn lessons_of(split: &Split, settings: &Settings) -> Vec<Lesson<WEIGHTS>> {
    if split.cases.is_empty() || settings.most_lessons == 0 {
        return Vec::new();
    }
    let facts = Facts::new(&split.train);
    let model = NextOrder::of(&BUILT_IN, neighbours_of(&split.train, settings), &facts);
    // Spread over all customers.
    let every = split.cases.len().div_ceil(settings.most_lessons);
    let cases = split.cases.iter().step_by(every);
    cases.map(|case| lesson(&model, &facts, case)).filter(|lesson| lesson.chosen.contains(&true)).collect()
}

fn lesson(model: &NextOrder, facts: &Facts, case: &Case) -> Lesson<WEIGHTS> {
    let ordered: Vec<_> = lines(&case.history).collect();
    let past = Past::of(&ordered, case.at);
    let query = Query { ordered: &ordered, now: case.at, ..Query::default() };
    let candidates = gather(&model.neighbours, &model.popular, model.scores.len(), &past, &query);
    let (old, new): (Vec<_>, Vec<_>) =
        candidates.into_iter().partition(|candidate| past.items.contains_key(&candidate.item));
    let mut likely: Vec<_> = new
        .into_iter()
        .map(|mut candidate| {
            let together = candidate.score;
            candidate.score = model.score(candidate.item, None, together);
            (candidate, together)
        })
        .collect();
    keep_first(&mut likely, NEW_ITEMS, |a, b| better(&a.0, &b.0));
    let old = old.into_iter().map(|candidate| (candidate.item, candidate.score));
    let mut lesson = Lesson::default();
    for (item, together) in old.chain(likely.into_iter().map(|(candidate, together)| (candidate.item, together))) {
        let Some(facts) = facts.of(item) else { continue };
        let mut row = [0.0_f32; WEIGHTS];
        let things: Vec<f64> = match past.items.get(&item) {
            Some(ordered) => old_things(&past, ordered, together).into_iter().chain(facts).collect(),
            None => new_things(together).into_iter().chain(facts).collect(),
        };
        let start = if past.items.contains_key(&item) { 0 } else { OLD + FACTS };
        row[start..].iter_mut().zip(&things).for_each(|(cell, thing)| *cell = *thing as f32);
        lesson.rows.push(row);
        lesson.chosen.push(case.relevant.contains(&item));
    }
    lesson
}
