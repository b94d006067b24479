//! Teaching the ranker of what is ordered next.
//!
//! Its sources are fitted on what lies before a cut, and it learns from what customers ordered after it, over several cuts: the
//! last order of each customer, and the first after each of two moments. So it never learns from answers to what its sources
//! knew. It says how to put proposals in order, not what is wanted, and so it does not age in a month: a version keeps the one
//! that was taught on what was before the held-out days, the same that the gate judges, and gives it sources that know all.

use std::collections::BTreeSet;

use mercer_decide::{RANKED_SOURCES, World};
use mercer_recommend::boosting::BoostingSettings;
use mercer_recommend::evaluate::{Case, Split, hold_out_last_orders, split_at};
use mercer_recommend::hybrid::{self, Depth, Facts, Ranker, RankerSettings, Sources};
use mercer_recommend::interactions::{Order, lines, taste, tastes};
use mercer_recommend::next_order::{self, NextOrder};
use mercer_recommend::tastes::{TasteSettings, Tastes};
use mercer_recommend::{Item, Query};
use mercer_schema::Timestamp;

use crate::lessons::Lessons;

/// Days between two cuts in time.
const APART: i64 = 30 * Timestamp::DAY;
/// Times that each kind of cut is made, one before the other.
const ROUNDS: i64 = 2;
/// Lessons of one cut; of more, every n-th is given.
const MOST_LESSONS: usize = 1_500;
/// With fewer there is no ranker.
const LEAST_LESSONS: usize = 200;

/// What is left to chance, in tastes and ranker.
pub(crate) const SEED: u64 = 1;

pub(crate) fn taste_settings() -> TasteSettings {
    let mut settings = TasteSettings::default();
    settings.factors.seed = SEED;
    settings.content.seed = SEED;
    settings
}

pub(crate) fn settings() -> RankerSettings {
    let boosting = BoostingSettings { trees: 200, rate: 0.1, seed: SEED, ..BoostingSettings::default() };
    RankerSettings { depth: Depth { each: 60, all: 60 }, boosting, ..RankerSettings::default() }
}

/// The ranker, or one without anything to say where there is too little to learn from.
pub(crate) fn fit(lessons: &Lessons, world: &World) -> Ranker {
    let mut taught = hybrid::Lessons::new(&RANKED_SOURCES, settings());
    for split in splits(&lessons.orders) {
        teach(&mut taught, &split, lessons, world);
    }
    if taught.len() < LEAST_LESSONS { Ranker::default() } else { taught.fit() }
}

/// Of customers who ordered what before, for the tastes; of visits where nobody ordered anything yet.
pub(crate) fn fit_tastes(lessons: &Lessons, world: &World) -> Tastes {
    let customers = if lessons.orders.is_empty() { lessons.visits.clone() } else { tastes(&lessons.orders) };
    Tastes::fit_beside(&customers, products(world), &lessons.vectors, &taste_settings())
}

fn products(world: &World) -> impl Iterator<Item = (Item, &mercer_schema::Product)> + Clone {
    world.catalog.products().map(|(item, product)| (item, &**product))
}

fn splits(orders: &[Order]) -> Vec<Split> {
    let newest = orders.iter().map(|order| order.at).max().unwrap_or_default();
    let mut splits: Vec<Split> = (1..=ROUNDS).map(|round| split_at(orders, newest.plus(-round * APART))).collect();
    let mut left = orders.to_vec();
    for _ in 0..ROUNDS {
        let split = hold_out_last_orders(&left, 0);
        left.clone_from(&split.train);
        splits.push(split);
    }
    splits
}

fn teach(taught: &mut hybrid::Lessons, Split { train, cases }: &Split, lessons: &Lessons, world: &World) {
    if cases.is_empty() {
        return;
    }
    let next_order = NextOrder::fit(train, &next_order::Settings::default());
    let suits = Tastes::fit_beside(&tastes(train), products(world), &lessons.vectors, &taste_settings());
    let facts = Facts::of_orders(train);
    let sources = Sources { models: &[&next_order, &suits], facts: &facts, catalog: &world.traits };
    let every = cases.len().div_ceil(MOST_LESSONS).max(1);
    for Case { customer, history, at, relevant } in cases.iter().step_by(every) {
        let ordered: Vec<_> = lines(history).collect();
        let history = taste(ordered.iter().map(|(_, item)| *item));
        let context = lessons.context(*customer, *at);
        let query = Query { history: &history, ordered: &ordered, now: *at, context, ..Query::default() };
        taught.give(&sources, &query, relevant, &BTreeSet::new());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use mercer_decide::Models;
    use mercer_recommend::interactions::Customer;
    use mercer_schema::{Product, ProductId};

    use super::*;

    const CUSTOMERS: u32 = 250;

    /// Everybody orders three usual things again and again, and something new each time.
    fn orders() -> Vec<Order> {
        let order = |(round, customer): (u32, u32)| Order {
            customer: Some(Customer(customer)),
            at: Timestamp(i64::from(round * CUSTOMERS + customer) * Timestamp::DAY / 10),
            lines: (0..3)
                .map(|usual| (customer * 7 + usual) % 60)
                .chain([(customer * 13 + round * 17) % 60])
                .map(|item| (Item(item), 1.0))
                .collect(),
        };
        (0..6).flat_map(|round| (0..CUSTOMERS).map(move |customer| (round, customer))).map(order).collect()
    }

    fn world() -> World {
        let mut world = World::default();
        for number in 0..60 {
            let product =
                Product::new(ProductId::trusted(format!("p{number}")), format!("Thing of kind {}", number % 7));
            world.save_product(&Arc::new(product), Timestamp(0));
        }
        world
    }

    fn models(lessons: &Lessons, world: &World, ranker: Ranker) -> Arc<Models> {
        Arc::new(Models {
            for_you: NextOrder::fit(&lessons.orders, &next_order::Settings::default()),
            tastes: fit_tastes(lessons, world),
            facts: Facts::of_orders(&lessons.orders),
            ranker,
            ..Models::default()
        })
    }

    #[test]
    fn what_is_ranked_is_better_in_order_and_nothing_of_it_is_lost() {
        let (orders, world) = (orders(), world());
        let split = hold_out_last_orders(&orders, 0);
        let lessons = Lessons { orders: split.train, ..Lessons::default() };
        let ranker = fit(&lessons, &world);
        assert!(!ranker.trees().is_empty());
        assert_eq!(ranker, fit(&lessons, &world), "the same lessons teach the same");
        let plain = world.answered_by(models(&lessons, &world, Ranker::default()));
        let ranked = world.answered_by(models(&lessons, &world, ranker));
        let (mut before, mut after) = (0.0, 0.0);
        for Case { history, at, relevant, .. } in split.cases.iter().step_by(5) {
            let ordered: Vec<_> = lines(history).collect();
            let history = taste(ordered.iter().map(|(_, item)| *item));
            let query = Query { history: &history, ordered: &ordered, now: *at, ..Query::default() };
            let items = |world: &World| {
                world.orders_next(&query, 200).into_iter().map(|scored| scored.item).collect::<Vec<_>>()
            };
            let (plain, ranked) = (items(&plain), items(&ranked));
            let all: BTreeSet<Item> = ranked.iter().copied().collect();
            assert_eq!(all.len(), ranked.len(), "none stands twice");
            assert!(plain.iter().all(|item| all.contains(item)));
            before += mercer_recommend::evaluate::ndcg_at(&plain, relevant, 20);
            after += mercer_recommend::evaluate::ndcg_at(&ranked, relevant, 20);
        }
        assert!(after >= before, "{after} is worse than {before}");
    }

    #[test]
    fn with_too_little_to_learn_from_nothing_is_ranked() {
        let few = Lessons { orders: orders().into_iter().take(60).collect(), ..Lessons::default() };
        assert!(fit(&few, &world()).sources().is_empty());
        assert!(fit(&Lessons::default(), &world()).sources().is_empty());
    }
}
